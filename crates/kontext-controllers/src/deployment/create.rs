//! Making the new ReplicaSet.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    annotations::{REVISION, sizes},
    arithmetic::{Fenceposts, new_replicas},
    conditions,
    journal::Halt,
    new_replica_set::revision_change,
    sets::is_new,
    step::Step,
    sync::Sync,
};
use crate::{
    Failure, FailureKind,
    events::Event,
    model::{Deployment, ReplicaSet, Strategy, Text},
    template::{POD_TEMPLATE_HASH, owner_reference, pod_template_hash},
};

/// Longest name of an object whose name is a DNS subdomain.
const MAX_NAME: usize = 253;

impl Sync<'_> {
    pub(super) fn create_new(
        &mut self,
        old: &[Arc<ReplicaSet>],
        revision: i64,
    ) -> Result<Arc<ReplicaSet>, Halt> {
        let deployment = Arc::clone(&self.deployment);
        let hash = pod_template_hash(&deployment.template, deployment.status.collision_count);
        let name = Text::from(replica_set_name(&deployment.meta.name, &hash));
        let total = old.iter().map(|set| set.replicas).sum();
        let replicas = new_replicas(&deployment, total, 0)
            .map_err(|error| Halt::Failed(Failure::new(FailureKind::Other, error.to_string())))?;
        let created = {
            let (name, seen) = (Text::clone(&name), self.seen);
            self.journal.replica_set(|| {
                let mut annotations = seen.annotations.missing(&deployment.annotations, &Default::default());
                annotations.insert(REVISION.to_owned(), revision.to_string());
                annotations.extend(sizes(deployment.replicas, Fenceposts::of(&deployment).surge));
                let annotations = annotations.into_iter().map(|(key, value)| (key, value.into())).collect();
                let body = body(&deployment, &name, &hash, replicas, &annotations);
                let reason = reason(&deployment, old, replicas);
                Step::CreateReplicaSet { name, body, replicas, reason }
            })
        };
        match created {
            Ok(set) => {
                if replicas > 0 {
                    self.event(|| Event::scaled(&name, 0, replicas))?;
                }
                self.announce(&set, revision, true)
            }
            Err(Halt::Failed(failure)) => match failure.kind {
                FailureKind::AlreadyExists => self.already_exists(&name, failure, revision),
                FailureKind::NamespaceTerminating => Err(Halt::Failed(failure)),
                _ => self.report_failed_create(&name, failure),
            },
            other => other,
        }
    }

    /// The name is taken: by ourselves, earlier than the cache shows, or by something else.
    fn already_exists(
        &mut self,
        name: &Text,
        failure: Failure,
        revision: i64,
    ) -> Result<Arc<ReplicaSet>, Halt> {
        let (namespace, wanted) = (Text::clone(&self.deployment.meta.namespace), Text::clone(name));
        let set = self.journal.replica_set(|| Step::FindReplicaSet { namespace, name: wanted })?;
        if set.meta.is_controlled_by(&self.deployment.meta.uid) && is_new(&self.deployment, &set) {
            return self.announce(&set, revision, false);
        }
        let mut status = self.deployment.status.clone();
        status.collision_count = Some(status.collision_count.unwrap_or(0).saturating_add(1));
        let written = self.write_status(status, Default::default());
        // Either way the create is tried again, with the new name or with the same one.
        self.swallow(written)?;
        Err(Halt::Failed(failure))
    }

    fn report_failed_create(&mut self, name: &str, failure: Failure) -> Result<Arc<ReplicaSet>, Halt> {
        let message = format!("Failed to create new replica set {name:?}: {failure}");
        if self.deployment.progress_deadline().is_some() {
            let mut status = self.deployment.status.clone();
            self.set_progress(&mut status, conditions::FALSE, conditions::CREATE_ERROR, message.clone());
            if status != self.deployment.status {
                let written = self.write_status(status, Default::default());
                self.swallow(written)?;
            }
        }
        self.event(|| Event::warning(conditions::CREATE_ERROR, message))?;
        Err(Halt::Failed(failure))
    }

    /// Brings revision and progress to the Deployment, in one write.
    fn announce(
        &mut self,
        set: &Arc<ReplicaSet>,
        revision: i64,
        created: bool,
    ) -> Result<Arc<ReplicaSet>, Halt> {
        let annotations = revision_change(&self.deployment, revision.to_string());
        let mut status = self.deployment.status.clone();
        if created && self.deployment.progress_deadline().is_some() {
            let message = format!("Created new replica set {:?}", &*set.meta.name);
            self.set_progress(&mut status, conditions::TRUE, conditions::NEW_CREATED, message);
        }
        self.write_if_changed(status, annotations)?;
        Ok(Arc::clone(set))
    }
}

/// `<deployment>-<hash>`, the Deployment's part cut where the whole would be too long.
fn replica_set_name(deployment: &str, hash: &str) -> String {
    let mut end = deployment.len().min(MAX_NAME - hash.len() - 1);
    while !deployment.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{hash}", &deployment[..end])
}

fn reason(deployment: &Deployment, old: &[Arc<ReplicaSet>], replicas: i32) -> String {
    let wanted = deployment.replicas;
    match &deployment.strategy {
        _ if old.is_empty() => format!("first revision: {wanted} wanted"),
        Strategy::Recreate => format!("recreate: the old pods are gone, {wanted} wanted"),
        _ => {
            let surge = Fenceposts::of(deployment).surge;
            format!("rolling update: {wanted} wanted, surge {surge}, new {replicas} of {wanted}")
        }
    }
}

fn body(
    deployment: &Deployment,
    name: &str,
    hash: &str,
    replicas: i32,
    annotations: &Map<String, Value>,
) -> Value {
    let mut template = deployment.template_json();
    let labels = object(object(&mut template, "metadata"), "labels");
    labels
        .as_object_mut()
        .expect("invariant: made an object")
        .insert(POD_TEMPLATE_HASH.to_owned(), hash.into());
    let labels = labels.clone();
    let mut selector = deployment.selector_json();
    object(&mut selector, "matchLabels")[POD_TEMPLATE_HASH] = hash.into();
    let mut body = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": &*deployment.meta.namespace,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [owner_reference(&deployment.as_owner())],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    });
    if deployment.min_ready_seconds != 0 {
        body["spec"]["minReadySeconds"] = deployment.min_ready_seconds.into();
    }
    body
}

/// The object under `key`, made if it is not there.
fn object<'a>(parent: &'a mut Value, key: &str) -> &'a mut Value {
    if !parent.is_object() {
        *parent = json!({});
    }
    let child = &mut parent[key];
    if !child.is_object() {
        *child = json!({});
    }
    child
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_to_what_fits() {
        assert_eq!(replica_set_name("web", "abc"), "web-abc");
        let longest = replica_set_name(&"a".repeat(253), "bcdfghjklm");
        assert_eq!((longest.len(), &longest[241..]), (253, "a-bcdfghjklm"));
        assert_eq!(replica_set_name(&"a".repeat(242), "bcdfghjklm").len(), 253);
    }
}
