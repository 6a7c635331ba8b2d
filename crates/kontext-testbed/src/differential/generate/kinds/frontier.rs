//! What scripts leave out unless they are asked to go to the frontier: kinds, places and values about which the two
//! servers are known to differ. What is mended goes from these lists.

use serde_json::Value;

use super::Kind;

/// Kinds that are not clean yet.
pub(super) const KINDS: [&str; 3] = ["daemonsets", "jobs", "persistentvolumeclaims"];

/// Places by plural name.
const PLACES: &[(&str, &str)] = &[
    ("services", "/spec/type"),
    ("services", "/spec/externalName"),
    ("services", "/spec/ports/1"),
    ("services", "/spec/clusterIP"),
    ("pods", "/status/podIP"),
    ("pods", "/spec/containers/0/resources"),
    ("pods", "/spec/containers"),
    ("pods", "/spec/containers/1"),
    ("pods", "/spec/tolerations"),
    ("pods", "/spec/terminationGracePeriodSeconds"),
    ("pods", "/spec/activeDeadlineSeconds"),
    ("deployments", "/spec/template/spec/containers/0/image"),
    ("poddisruptionbudgets", "/spec/minAvailable"),
    ("pods", "/spec/containers/0/image"),
    ("pods", "/spec/containers/0/imagePullPolicy"),
    ("horizontalpodautoscalers", "/spec/behavior"),
    ("statefulsets", "/spec/updateStrategy"),
    ("endpointslices", "/ports"),
    ("endpointslices", "/endpoints"),
    ("roles", "/rules"),
    ("rolebindings", "/subjects"),
    ("pods", "/spec/nodeName"),
    ("pods", "/spec/serviceAccountName"),
    ("pods", "/spec/schedulingGates"),
    ("pods", "/spec/volumes"),
    ("secrets", "/type"),
    ("secrets", "/data/bad key"),
    ("secrets", "/data/k"),
    ("configmaps", "/binaryData/b"),
    ("configmaps", "/data/bad key"),
    ("leases", "/spec/renewTime"),
    ("widgets", "/spec/limit"),
    ("widgets", "/spec/tags"),
    ("poddisruptionbudgets", "/spec/unhealthyPodEvictionPolicy"),
    ("poddisruptionbudgets", "/spec/selector"),
    ("widgets", "/spec/note"),
    ("widgets", "/spec/size"),
    ("widgets", "/spec/free"),
    ("widgets", "/spec/words"),
    ("poddisruptionbudgets", "/spec/maxUnavailable"),
    ("deployments", "/spec/template/spec/restartPolicy"),
    ("deployments", "/spec/template/spec/containers/1"),
    ("deployments", "/spec/template/spec/containers"),
    ("deployments", "/spec/template/metadata/labels/app"),
    ("statefulsets", "/status/currentRevision"),
    ("jobs", "/spec/selector"),
    ("jobs", "/spec/manualSelector"),
    ("jobs", "/spec/template/spec/restartPolicy"),
    ("jobs", "/spec/template/spec/containers/0/image"),
    ("jobs", "/spec/template/metadata/labels/app"),
    ("jobs", "/spec/completions"),
    ("jobs", "/spec/completionMode"),
    ("cronjobs", "/spec/timeZone"),
    ("namespaces", "/spec/finalizers"),
    ("persistentvolumeclaims", "/spec/resources/requests/storage"),
    ("persistentvolumeclaims", "/status/capacity"),
    ("deployments", "/spec/selector"),
    ("events", "/eventTime"),
    ("nodes", "/spec/podCIDR"),
    ("replicasets", "/spec/template"),
    ("statefulsets", "/spec/volumeClaimTemplates"),
    ("endpointslices", "/addressType"),
];

/// Takes the frontier's places out of a kind.
pub(super) fn without(kind: &mut Kind) {
    let out = |at: &str| PLACES.iter().any(|(plural, place)| *plural == kind.plural && *place == at);
    let fields = std::mem::take(&mut kind.fields);
    let status = std::mem::take(&mut kind.status);
    let kept = |list: Vec<super::Field>| list.into_iter().filter(|(at, _)| !out(at)).collect();
    let (fields, status): (Vec<super::Field>, Vec<super::Field>) = (kept(fields), kept(status));
    kind.fields = fields;
    kind.status = status;
    // Directives of strategic patches in other patches, and where lists are replaced as a whole.
    let pods = kind.plural == "pods";
    kind.snippets.retain(|snippet| {
        let text = snippet.to_string();
        let open = ["\"$", "[]"].iter().any(|mark| text.contains(mark));
        !open && !(pods && (text.contains("tolerations") || text.contains("activeDeadlineSeconds")))
    });
}

/// The strange values of metadata that are not at the frontier.
pub(in crate::differential) fn settled(at: &str, value: &Value) -> bool {
    match at {
        "/metadata/labels/app" => value.is_string(),
        "/metadata/unknown" => true,
        "/metadata/name" => value == "other",
        _ => false,
    }
}
