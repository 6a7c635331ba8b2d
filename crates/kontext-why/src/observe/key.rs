//! Which object to read.

use kontext_core::text::harmless;

use crate::query::is_name;

/// Which object to read. Two keys of one built-in object are equal, whether or not its API version was known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    api_version: String,
    kind: String,
    namespace: Option<String>,
    name: String,
}

/// Stamps name kinds alone: what they mean by those of Kubernetes itself, and which of these have no namespace.
const BUILT_IN: &[(&str, bool, &[&str])] = &[
    ("v1", false, &["Namespace", "Node", "PersistentVolume"]),
    (
        "v1",
        true,
        &[
            "ConfigMap",
            "Endpoints",
            "Event",
            "PersistentVolumeClaim",
            "Pod",
            "ReplicationController",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    ("apps/v1", true, &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("batch/v1", true, &["CronJob", "Job"]),
    ("autoscaling/v2", true, &["HorizontalPodAutoscaler"]),
    ("policy/v1", true, &["PodDisruptionBudget"]),
    ("discovery.k8s.io/v1", true, &["EndpointSlice"]),
];

impl Key {
    /// A key; `api_version` may be empty where only the kind is known. `None` where no object can be named so:
    /// kinds and names come from annotations and go into the path of a request.
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<Self> {
        let kind_holds = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric());
        if !kind_holds || !is_name(name) || namespace.is_some_and(|namespace| !is_name(namespace)) {
            return None;
        }
        let built_in = BUILT_IN.iter().find(|(_, _, kinds)| kinds.contains(&kind));
        let (api_version, namespaced) = match built_in {
            Some((known, namespaced, _)) if api_version.is_empty() || api_version == *known => {
                (*known, *namespaced)
            }
            _ => (api_version, true),
        };
        Some(Self {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.filter(|_| namespaced).map(Into::into),
            name: name.into(),
        })
    }

    /// `apps/v1`; empty where only the kind is known.
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// `ReplicaSet`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The namespace in which to look, if the kind has namespaces.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `pod/web`, as kubectl takes it.
    pub(crate) fn short(&self) -> String {
        format!("{}/{}", self.kind.to_ascii_lowercase(), harmless(&self.name))
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_kubernetes_is_the_same_with_and_without_its_version() {
        assert_eq!(
            Key::new("", "ReplicaSet", Some("a"), "x"),
            Key::new("apps/v1", "ReplicaSet", Some("a"), "x")
        );
        assert_ne!(
            Key::new("", "Service", Some("a"), "x"),
            Key::new("k.example/v1", "Service", Some("a"), "x")
        );
    }

    #[test]
    fn nodes_have_no_namespace_wherever_they_are_named() {
        assert_eq!(Key::new("", "Node", Some("a"), "x").expect("a key").namespace(), None);
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_none() {
        for name in ["..", ".", "", "a/b", "a?b", "a%2fb", "a#b", "a\nb", "ä"] {
            assert_eq!(Key::new("v1", "Pod", Some("shop"), name), None, "{name:?}");
            assert_eq!(Key::new("v1", "Pod", Some(name), "x"), None, "{name:?}");
        }
        assert_eq!(Key::new("v1", "Pod/../Secret", None, "x"), None);
    }
}
