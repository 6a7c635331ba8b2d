//! The rollback annotation of old clients. `kubectl rollout undo` writes the template itself today.

use std::sync::Arc;

use super::{
    annotations::ROLLBACK_TO,
    journal::Halt,
    revision::{previous, revision},
    sets::is_new,
    step::{Requeue, Step},
    sync::Sync,
};
use crate::{
    events::Event,
    model::{DeploymentChange, ReplicaSet},
    template::POD_TEMPLATE_HASH,
};

impl Sync<'_> {
    pub(super) fn rollback(&mut self) -> Result<Requeue, Halt> {
        let sets = self.sync_revision(true)?;
        let text = self.deployment.annotations.get(ROLLBACK_TO);
        let mut wanted = text.and_then(|text| text.parse().ok()).unwrap_or(0);
        if wanted == 0 {
            wanted = previous(sets.all().map(|set| &**set));
            if wanted == 0 {
                return self.give_up("Unable to find last revision.");
            }
        }
        match sets.all().find(|set| revision(set) == Some(wanted)) {
            Some(target) => self.roll_back_to(target, wanted),
            None => self.give_up("Unable to find the revision to rollback to."),
        }
    }

    fn roll_back_to(&mut self, target: &ReplicaSet, revision: i64) -> Result<Requeue, Halt> {
        let name = Arc::clone(&self.deployment.meta.name);
        if is_new(&self.deployment, target) {
            self.event(|| {
                let text = "The rollback revision contains the same template as current deployment";
                Event::warning("DeploymentRollbackTemplateUnchanged", format!("{text} {:?}", &*name))
            })?;
            return self.clear(DeploymentChange::default(), "the template is that of the revision already");
        }
        let mut template = target.template_json();
        if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
            labels.remove(POD_TEMPLATE_HASH);
        }
        let annotations =
            self.seen.annotations.rolled_back(&self.deployment.annotations, &target.annotations);
        let change = DeploymentChange { template: Some(template), annotations: Some(annotations) };
        self.clear(change, &format!("back to revision {revision} ({})", target.meta.name))?;
        self.event(|| {
            let text = format!("Rolled back deployment {:?} to revision {revision}", &*name);
            Event::normal("DeploymentRollback", text)
        })?;
        Ok(Requeue::Never)
    }

    fn give_up(&mut self, why: &'static str) -> Result<Requeue, Halt> {
        self.event(|| Event::warning("DeploymentRollbackRevisionNotFound", why))?;
        self.clear(DeploymentChange::default(), why)
    }

    /// Writes the Deployment without the annotation that asked for the rollback.
    fn clear(&mut self, mut change: DeploymentChange, reason: &str) -> Result<Requeue, Halt> {
        let annotations = change.annotations.get_or_insert_with(|| self.deployment.annotations.clone());
        annotations.remove(ROLLBACK_TO);
        let deployment = Arc::clone(&self.deployment);
        let reason = format!("rollback: {reason}");
        self.deployment = self.journal.deployment(|| Step::Rollback { deployment, change, reason })?;
        Ok(Requeue::Never)
    }
}
