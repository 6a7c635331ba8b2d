//! What a real API server's discovery says about each kind (Kubernetes 1.36), one row a resource.
//!
//! Subresources that this server does not serve (`log`, `exec`, `proxy`, ...) are left out, so that discovery
//! promises nothing that a request would not get.

const ALL: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const ALL_BUT_DELETE_COLLECTION: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];
const GET_PATCH_UPDATE: &[&str] = &["get", "patch", "update"];

/// One resource as discovery describes it.
pub(super) struct Row {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    pub(super) short_names: &'static [&'static str],
    pub(super) categories: &'static [&'static str],
    pub(super) namespaced: bool,
    pub(super) verbs: &'static [&'static str],
    pub(super) subresources: &'static [SubRow],
}

/// One subresource of a resource; group and version are empty where they are the parent's.
pub(super) struct SubRow {
    pub(super) name: &'static str,
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    pub(super) verbs: &'static [&'static str],
}

/// Core first, then the groups in the order of their priority. `cargo xtask kinds` writes the rows.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    Row { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", singular: "configmap", short_names: &["cm"], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "", version: "v1", kind: "Endpoints", plural: "endpoints", singular: "endpoints", short_names: &["ep"], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "", version: "v1", kind: "Event", plural: "events", singular: "event", short_names: &["ev"], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "", version: "v1", kind: "LimitRange", plural: "limitranges", singular: "limitrange", short_names: &["limits"], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "", version: "v1", kind: "Namespace", plural: "namespaces", singular: "namespace", short_names: &["ns"], categories: &[], namespaced: false, verbs: ALL_BUT_DELETE_COLLECTION, subresources: &[SubRow { name: "finalize", group: "", version: "", kind: "Namespace", verbs: &["update"] }, SubRow { name: "status", group: "", version: "", kind: "Namespace", verbs: GET_PATCH_UPDATE }] },
    Row { group: "", version: "v1", kind: "Node", plural: "nodes", singular: "node", short_names: &["no"], categories: &[], namespaced: false, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "Node", verbs: GET_PATCH_UPDATE }] },
    Row { group: "", version: "v1", kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims", singular: "persistentvolumeclaim", short_names: &["pvc"], categories: &[], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "PersistentVolumeClaim", verbs: GET_PATCH_UPDATE }] },
    Row { group: "", version: "v1", kind: "PersistentVolume", plural: "persistentvolumes", singular: "persistentvolume", short_names: &["pv"], categories: &[], namespaced: false, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "PersistentVolume", verbs: GET_PATCH_UPDATE }] },
    Row { group: "", version: "v1", kind: "Pod", plural: "pods", singular: "pod", short_names: &["po"], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "binding", group: "", version: "", kind: "Binding", verbs: &["create"] }, SubRow { name: "eviction", group: "policy", version: "v1", kind: "Eviction", verbs: &["create"] }, SubRow { name: "status", group: "", version: "", kind: "Pod", verbs: GET_PATCH_UPDATE }] },
    Row { group: "", version: "v1", kind: "PodTemplate", plural: "podtemplates", singular: "podtemplate", short_names: &[], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "", version: "v1", kind: "ReplicationController", plural: "replicationcontrollers", singular: "replicationcontroller", short_names: &["rc"], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: GET_PATCH_UPDATE }, SubRow { name: "status", group: "", version: "", kind: "ReplicationController", verbs: GET_PATCH_UPDATE }] },
    Row { group: "", version: "v1", kind: "ResourceQuota", plural: "resourcequotas", singular: "resourcequota", short_names: &["quota"], categories: &[], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "ResourceQuota", verbs: GET_PATCH_UPDATE }] },
    Row { group: "", version: "v1", kind: "Secret", plural: "secrets", singular: "secret", short_names: &[], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts", singular: "serviceaccount", short_names: &["sa"], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "", version: "v1", kind: "Service", plural: "services", singular: "service", short_names: &["svc"], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "Service", verbs: GET_PATCH_UPDATE }] },
    Row { group: "apps", version: "v1", kind: "ControllerRevision", plural: "controllerrevisions", singular: "controllerrevision", short_names: &[], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets", singular: "daemonset", short_names: &["ds"], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "DaemonSet", verbs: GET_PATCH_UPDATE }] },
    Row { group: "apps", version: "v1", kind: "Deployment", plural: "deployments", singular: "deployment", short_names: &["deploy"], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: GET_PATCH_UPDATE }, SubRow { name: "status", group: "", version: "", kind: "Deployment", verbs: GET_PATCH_UPDATE }] },
    Row { group: "apps", version: "v1", kind: "ReplicaSet", plural: "replicasets", singular: "replicaset", short_names: &["rs"], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: GET_PATCH_UPDATE }, SubRow { name: "status", group: "", version: "", kind: "ReplicaSet", verbs: GET_PATCH_UPDATE }] },
    Row { group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets", singular: "statefulset", short_names: &["sts"], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: GET_PATCH_UPDATE }, SubRow { name: "status", group: "", version: "", kind: "StatefulSet", verbs: GET_PATCH_UPDATE }] },
    Row { group: "events.k8s.io", version: "v1", kind: "Event", plural: "events", singular: "event", short_names: &["ev"], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "authentication.k8s.io", version: "v1", kind: "SelfSubjectReview", plural: "selfsubjectreviews", singular: "selfsubjectreview", short_names: &[], categories: &[], namespaced: false, verbs: &["create"], subresources: &[] },
    Row { group: "authentication.k8s.io", version: "v1", kind: "TokenReview", plural: "tokenreviews", singular: "tokenreview", short_names: &[], categories: &[], namespaced: false, verbs: &["create"], subresources: &[] },
    Row { group: "authorization.k8s.io", version: "v1", kind: "LocalSubjectAccessReview", plural: "localsubjectaccessreviews", singular: "localsubjectaccessreview", short_names: &[], categories: &[], namespaced: true, verbs: &["create"], subresources: &[] },
    Row { group: "authorization.k8s.io", version: "v1", kind: "SelfSubjectAccessReview", plural: "selfsubjectaccessreviews", singular: "selfsubjectaccessreview", short_names: &[], categories: &[], namespaced: false, verbs: &["create"], subresources: &[] },
    Row { group: "authorization.k8s.io", version: "v1", kind: "SelfSubjectRulesReview", plural: "selfsubjectrulesreviews", singular: "selfsubjectrulesreview", short_names: &[], categories: &[], namespaced: false, verbs: &["create"], subresources: &[] },
    Row { group: "authorization.k8s.io", version: "v1", kind: "SubjectAccessReview", plural: "subjectaccessreviews", singular: "subjectaccessreview", short_names: &[], categories: &[], namespaced: false, verbs: &["create"], subresources: &[] },
    Row { group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers", singular: "horizontalpodautoscaler", short_names: &["hpa"], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "HorizontalPodAutoscaler", verbs: GET_PATCH_UPDATE }] },
    Row { group: "autoscaling", version: "v1", kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers", singular: "horizontalpodautoscaler", short_names: &["hpa"], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "HorizontalPodAutoscaler", verbs: GET_PATCH_UPDATE }] },
    Row { group: "batch", version: "v1", kind: "CronJob", plural: "cronjobs", singular: "cronjob", short_names: &["cj"], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "CronJob", verbs: GET_PATCH_UPDATE }] },
    Row { group: "batch", version: "v1", kind: "Job", plural: "jobs", singular: "job", short_names: &[], categories: &["all"], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "Job", verbs: GET_PATCH_UPDATE }] },
    Row { group: "networking.k8s.io", version: "v1", kind: "IngressClass", plural: "ingressclasses", singular: "ingressclass", short_names: &[], categories: &[], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "networking.k8s.io", version: "v1", kind: "Ingress", plural: "ingresses", singular: "ingress", short_names: &["ing"], categories: &[], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "Ingress", verbs: GET_PATCH_UPDATE }] },
    Row { group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy", plural: "networkpolicies", singular: "networkpolicy", short_names: &["netpol"], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "policy", version: "v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets", singular: "poddisruptionbudget", short_names: &["pdb"], categories: &[], namespaced: true, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "PodDisruptionBudget", verbs: GET_PATCH_UPDATE }] },
    Row { group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRoleBinding", plural: "clusterrolebindings", singular: "clusterrolebinding", short_names: &[], categories: &[], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole", plural: "clusterroles", singular: "clusterrole", short_names: &[], categories: &[], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "rbac.authorization.k8s.io", version: "v1", kind: "RoleBinding", plural: "rolebindings", singular: "rolebinding", short_names: &[], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "rbac.authorization.k8s.io", version: "v1", kind: "Role", plural: "roles", singular: "role", short_names: &[], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "storage.k8s.io", version: "v1", kind: "CSIDriver", plural: "csidrivers", singular: "csidriver", short_names: &[], categories: &[], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "storage.k8s.io", version: "v1", kind: "CSINode", plural: "csinodes", singular: "csinode", short_names: &[], categories: &[], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "storage.k8s.io", version: "v1", kind: "CSIStorageCapacity", plural: "csistoragecapacities", singular: "csistoragecapacity", short_names: &[], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "storage.k8s.io", version: "v1", kind: "StorageClass", plural: "storageclasses", singular: "storageclass", short_names: &["sc"], categories: &[], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "storage.k8s.io", version: "v1", kind: "VolumeAttachment", plural: "volumeattachments", singular: "volumeattachment", short_names: &[], categories: &[], namespaced: false, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "VolumeAttachment", verbs: GET_PATCH_UPDATE }] },
    Row { group: "storage.k8s.io", version: "v1", kind: "VolumeAttributesClass", plural: "volumeattributesclasses", singular: "volumeattributesclass", short_names: &["vac"], categories: &[], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "admissionregistration.k8s.io", version: "v1", kind: "MutatingWebhookConfiguration", plural: "mutatingwebhookconfigurations", singular: "mutatingwebhookconfiguration", short_names: &[], categories: &["api-extensions"], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "admissionregistration.k8s.io", version: "v1", kind: "ValidatingWebhookConfiguration", plural: "validatingwebhookconfigurations", singular: "validatingwebhookconfiguration", short_names: &[], categories: &["api-extensions"], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition", plural: "customresourcedefinitions", singular: "customresourcedefinition", short_names: &["crd", "crds"], categories: &["api-extensions"], namespaced: false, verbs: ALL, subresources: &[SubRow { name: "status", group: "", version: "", kind: "CustomResourceDefinition", verbs: GET_PATCH_UPDATE }] },
    Row { group: "scheduling.k8s.io", version: "v1", kind: "PriorityClass", plural: "priorityclasses", singular: "priorityclass", short_names: &["pc"], categories: &[], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases", singular: "lease", short_names: &[], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
    Row { group: "node.k8s.io", version: "v1", kind: "RuntimeClass", plural: "runtimeclasses", singular: "runtimeclass", short_names: &[], categories: &[], namespaced: false, verbs: ALL, subresources: &[] },
    Row { group: "discovery.k8s.io", version: "v1", kind: "EndpointSlice", plural: "endpointslices", singular: "endpointslice", short_names: &[], categories: &[], namespaced: true, verbs: ALL, subresources: &[] },
];
