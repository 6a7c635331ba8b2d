//! Kinds by resource: patches name no kind, and items of lists do not either.

/// The kind of a built-in resource that controllers patch; `None` where only the object itself can tell.
pub(in crate::client) fn kind_of(group: &str, resource: &str) -> Option<&'static str> {
    Some(match (group, resource) {
        ("", "configmaps") => "ConfigMap",
        ("", "endpoints") => "Endpoints",
        ("", "namespaces") => "Namespace",
        ("", "nodes") => "Node",
        ("", "persistentvolumeclaims") => "PersistentVolumeClaim",
        ("", "persistentvolumes") => "PersistentVolume",
        ("", "pods") => "Pod",
        ("", "replicationcontrollers") => "ReplicationController",
        ("", "secrets") => "Secret",
        ("", "serviceaccounts") => "ServiceAccount",
        ("", "services") => "Service",
        ("apps", "controllerrevisions") => "ControllerRevision",
        ("apps", "daemonsets") => "DaemonSet",
        ("apps", "deployments") => "Deployment",
        ("apps", "replicasets") => "ReplicaSet",
        ("apps", "statefulsets") => "StatefulSet",
        ("autoscaling", "horizontalpodautoscalers") => "HorizontalPodAutoscaler",
        ("batch", "cronjobs") => "CronJob",
        ("batch", "jobs") => "Job",
        ("discovery.k8s.io", "endpointslices") => "EndpointSlice",
        ("networking.k8s.io", "ingresses") => "Ingress",
        ("networking.k8s.io", "networkpolicies") => "NetworkPolicy",
        ("policy", "poddisruptionbudgets") => "PodDisruptionBudget",
        _ => return None,
    })
}
