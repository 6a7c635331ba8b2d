//! What must hold of context at the end of any scenario, whatever it was about.

use anyhow::Result;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{Pod, PodTemplateSpec},
};
use kontext::{Keys, Stamp};
use kube::{Resource, ResourceExt, api::ListParams};

use super::{Scene, cause_of, controller_of};

impl Scene {
    /// Checks every pod, ReplicaSet and Deployment of the namespace:
    ///
    /// - what the loops made says which loop made it and why, in a stamp that is its own and no copy;
    /// - what they only wrote the status or the size of by `/status` and `/scale` has no stamp at all;
    /// - no template has any.
    ///
    /// Says nothing where upstream's manager plays.
    pub async fn every_write_tells_why(&self) -> Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        self.settle().await?;
        for pod in self.api::<Pod>().list(&ListParams::default()).await? {
            let made = pod.metadata.generate_name.is_some();
            match cause_of(&pod) {
                Some(stamp) => {
                    let actions = ["replicaset.CreatePod", "replicaset.AdoptPod", "replicaset.ReleasePod"];
                    is_of(&pod, &stamp, "replicaset-controller", &actions);
                    assert_eq!(&*stamp.subject.kind, "ReplicaSet");
                }
                None => assert!(!made, "the loop made {} and did not say why", pod.name_any()),
            }
        }
        for set in self.api::<ReplicaSet>().list(&ListParams::default()).await? {
            let owner = controller_of(&set).filter(|owner| owner.kind == "Deployment");
            match (cause_of(&set), owner) {
                (Some(stamp), _) => {
                    let actions = ["CreateReplicaSet", "ScaleReplicaSet", "UpdateReplicaSet"]
                        .map(|name| format!("deployment.{name}"));
                    let also = ["deployment.AdoptReplicaSet", "deployment.ReleaseReplicaSet"];
                    let actions: Vec<&str> = actions.iter().map(String::as_str).chain(also).collect();
                    is_of(&set, &stamp, "deployment-controller", &actions);
                    assert_eq!(&*stamp.subject.kind, "Deployment");
                }
                (None, Some(_)) => panic!("the loop wrote {} and did not say why", set.name_any()),
                (None, None) => {}
            }
            let template = set.spec.as_ref().and_then(|spec| spec.template.as_ref());
            has_no_context(template, &set.name_any());
        }
        for deployment in self.api::<Deployment>().list(&ListParams::default()).await? {
            // `kubectl rollout undo` brings a ReplicaSet's annotations along; they must be seen to be no Deployment's.
            if let Some(stamp) = cause_of(&deployment).filter(|stamp| stamp.on.kind == "Deployment") {
                is_of(&deployment, &stamp, "deployment-controller", &["deployment.Rollback"]);
            }
            has_no_context(deployment.spec.as_ref().map(|spec| &spec.template), &deployment.name_any());
        }
        Ok(())
    }
}

fn is_of<K: Resource<DynamicType = ()>>(object: &K, stamp: &Stamp, controller: &str, actions: &[&str]) {
    let name = object.name_any();
    assert_eq!(stamp.on.kind, K::kind(&()), "{name}");
    if let Some(uid) = &stamp.on.uid {
        assert_eq!(object.uid().as_deref(), Some(&**uid), "{name} bears the stamp of another object");
    }
    assert_eq!(&*stamp.controller, controller, "{name}");
    assert!(actions.contains(&&*stamp.action), "{name}: {}", stamp.action);
    assert!(!stamp.reason.is_empty(), "{name}: {} without a reason", stamp.action);
}

fn has_no_context(template: Option<&PodTemplateSpec>, name: &str) {
    let metadata = template.and_then(|template| template.metadata.as_ref());
    let annotations = metadata.and_then(|metadata| metadata.annotations.as_ref());
    for key in annotations.into_iter().flat_map(|annotations| annotations.keys()) {
        assert!(!Keys::default().contains(key), "the template of {name} has {key}: it is a rollout");
    }
}
