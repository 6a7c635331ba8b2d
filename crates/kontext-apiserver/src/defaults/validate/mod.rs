//! What the server refuses: validation of the built-in kinds' own fields. Metadata is validated where it is handled.
//!
//! The rules and messages are Kubernetes 1.36's for the fields that controllers and users of them commonly set; a
//! field that no rule here looks at is accepted.

mod cluster;
mod config;
mod container;
mod csi;
mod network;
mod pod;
mod pod_update;
mod rules;
mod selector;
mod service;
mod status;
mod storage;
mod webhooks;
mod workload;

#[cfg(test)]
mod tests;

use serde_json::Value;

/// One thing that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// The path, e.g. `spec.template.spec.containers[0].name`.
    pub(crate) field: String,
    /// The reason as a Status carries it, e.g. `FieldValueRequired`.
    pub(crate) reason: &'static str,
    /// The message without the path.
    pub(crate) message: String,
}

/// Everything that is wrong with a new object (`old`: none) or an update.
pub(crate) fn validate(group: &str, kind: &str, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Errors::default();
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let old_spec = old.map(|old| old.get("spec").unwrap_or(&Value::Null));
    match (group, kind) {
        ("", "Pod") => match old_spec {
            None => pod::pod(&mut errors, "spec", spec),
            Some(old) => pod_update::pod(&mut errors, spec, old),
        },
        ("", "PodTemplate") => {
            pod::pod(&mut errors, "template.spec", new.pointer("/template/spec").unwrap_or(&Value::Null));
        }
        ("", "ReplicationController") => workload::replication_controller(&mut errors, spec),
        ("apps", "Deployment") => workload::deployment(&mut errors, spec, old_spec),
        ("apps", "ReplicaSet") => workload::replica_set(&mut errors, spec, old_spec),
        ("apps", "DaemonSet") => workload::daemon_set(&mut errors, spec, old_spec),
        ("apps", "StatefulSet") => workload::stateful_set(&mut errors, spec, old_spec),
        ("apps", "ControllerRevision") => config::controller_revision(&mut errors, new, old),
        ("batch", "Job") => workload::job(&mut errors, new, spec, old_spec),
        ("batch", "CronJob") => workload::cron_job(&mut errors, spec),
        ("", "Service") => service::service(&mut errors, spec, old_spec),
        ("", "PersistentVolumeClaim") => storage::claim(&mut errors, new, old),
        ("storage.k8s.io", "CSIDriver") => csi::driver(&mut errors, spec, old_spec),
        ("storage.k8s.io", "CSINode") => csi::node(&mut errors, spec, old_spec),
        ("storage.k8s.io", "CSIStorageCapacity") => csi::capacity(&mut errors, new, old),
        ("storage.k8s.io", "VolumeAttachment") => csi::attachment(&mut errors, spec, old_spec),
        ("storage.k8s.io", "VolumeAttributesClass") => csi::attributes(&mut errors, new, old),
        ("node.k8s.io", "RuntimeClass") => csi::runtime(&mut errors, new, old),
        ("", "Node") => cluster::node(&mut errors, new, old),
        ("", "Namespace") => cluster::namespace(&mut errors, new),
        ("", "Event") => cluster::event(&mut errors, new),
        ("discovery.k8s.io", "EndpointSlice") => network::endpoint_slice(&mut errors, new, old),
        ("", "ConfigMap" | "Secret") => config::config(&mut errors, kind, new, old),
        ("policy", "PodDisruptionBudget") => config::disruption_budget(&mut errors, spec),
        ("autoscaling", "HorizontalPodAutoscaler") => config::autoscaler(&mut errors, spec),
        ("coordination.k8s.io", "Lease") => config::lease(&mut errors, spec),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            config::role_binding(&mut errors, kind, new, old);
        }
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => config::role(&mut errors, kind, new),
        (
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
        ) => webhooks::configuration(&mut errors, new),
        _ => {}
    }
    errors.0
}

/// Everything that is wrong with an update of an Event that came by events.k8s.io.
pub(crate) fn validate_event_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Errors::default();
    cluster::event_update(&mut errors, new, old);
    errors.0
}

/// Everything that is wrong with an update of the status.
pub(crate) fn validate_status(group: &str, kind: &str, new: &Value) -> Vec<FieldError> {
    let mut errors = Errors::default();
    status::status(&mut errors, group, kind, new);
    errors.0
}

/// What was found so far.
#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    fn push(&mut self, field: impl Into<String>, reason: &'static str, message: String) {
        self.0.push(FieldError { field: field.into(), reason, message });
    }

    fn required(&mut self, field: impl Into<String>, detail: &str) {
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        self.push(field, "FieldValueRequired", format!("Required value{detail}"));
    }

    fn invalid(&mut self, field: impl Into<String>, value: &Value, detail: &str) {
        self.push(field, "FieldValueInvalid", format!("Invalid value: {value}: {detail}"));
    }

    fn forbidden(&mut self, field: impl Into<String>, detail: &str) {
        self.push(field, "FieldValueForbidden", format!("Forbidden: {detail}"));
    }

    fn duplicate(&mut self, field: impl Into<String>, value: &str) {
        self.push(field, "FieldValueDuplicate", format!("Duplicate value: {value:?}"));
    }

    fn not_found(&mut self, field: impl Into<String>, value: &str) {
        self.push(field, "FieldValueNotFound", format!("Not found: {value:?}"));
    }

    fn unsupported(&mut self, field: impl Into<String>, value: &Value, supported: &[&str]) {
        let quoted: Vec<String> = supported.iter().map(|text| format!("{text:?}")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", quoted.join(", "));
        self.push(field, "FieldValueNotSupported", message);
    }
}
