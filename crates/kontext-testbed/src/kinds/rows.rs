//! The rows of the table of kinds.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Where the rows begin and end in the file.
const BEGIN: &str = "pub(super) const ROWS: &[Row] = &[\n";
const END: &str = "];\n";

/// What the in-memory server serves: group, version, resources and subresources.
const SCOPE: &[(&str, &str, &str)] = &[
    (
        "",
        "v1",
        "configmaps endpoints events limitranges namespaces namespaces/finalize namespaces/status nodes nodes/status \
         persistentvolumeclaims persistentvolumeclaims/status persistentvolumes persistentvolumes/status pods pods/binding \
         pods/eviction pods/status podtemplates replicationcontrollers replicationcontrollers/scale \
         replicationcontrollers/status resourcequotas resourcequotas/status secrets serviceaccounts services \
         services/status",
    ),
    (
        "apps",
        "v1",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets \
         replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
    ),
    ("events.k8s.io", "v1", "events"),
    ("autoscaling", "v2", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    ("autoscaling", "v1", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    ("batch", "v1", "cronjobs cronjobs/status jobs jobs/status"),
    ("networking.k8s.io", "v1", "ingressclasses ingresses ingresses/status networkpolicies"),
    ("policy", "v1", "poddisruptionbudgets poddisruptionbudgets/status"),
    ("rbac.authorization.k8s.io", "v1", "clusterrolebindings clusterroles rolebindings roles"),
    (
        "storage.k8s.io",
        "v1",
        "csidrivers csinodes csistoragecapacities storageclasses volumeattachments volumeattachments/status \
         volumeattributesclasses",
    ),
    ("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations validatingwebhookconfigurations"),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions customresourcedefinitions/status"),
    ("scheduling.k8s.io", "v1", "priorityclasses"),
    ("coordination.k8s.io", "v1", "leases"),
    ("node.k8s.io", "v1", "runtimeclasses"),
    ("discovery.k8s.io", "v1", "endpointslices"),
    ("authentication.k8s.io", "v1", "selfsubjectreviews tokenreviews"),
    (
        "authorization.k8s.io",
        "v1",
        "localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews",
    ),
];

/// The text of the table's file with the rows that discovery says, in discovery's order.
///
/// # Errors
///
/// The file has no rows, or discovery lacks something that is served.
pub fn with_rows(file: &str, groups: &[Value]) -> Result<String> {
    let (before, rest) = file.split_once(BEGIN).context("the table has no rows")?;
    let (_, after) = rest.split_once(END).context("the rows of the table do not end")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", rows(groups)?))
}

fn rows(groups: &[Value]) -> Result<String> {
    let mut text = String::new();
    let mut missing: Vec<(&str, &str, &str)> = SCOPE
        .iter()
        .flat_map(|(group, version, names)| {
            names.split_whitespace().map(move |name| (*group, *version, name))
        })
        .collect();
    for group in groups {
        let name = group["metadata"]["name"].as_str().unwrap_or_default();
        for version in list(group, "versions") {
            let number = word(version, "version")?;
            for resource in list(version, "resources") {
                let plural = word(resource, "resource")?;
                let mut served = |path: &str| {
                    let index = missing.iter().position(|wanted| *wanted == (name, number, path));
                    index.map(|index| missing.swap_remove(index)).is_some()
                };
                if !served(plural) {
                    continue;
                }
                let mut subresources = Vec::new();
                for subresource in list(resource, "subresources") {
                    if served(&format!("{plural}/{}", word(subresource, "subresource")?)) {
                        subresources.push(self::subresource(name, number, subresource)?);
                    }
                }
                row(&mut text, name, number, resource, &subresources)?;
            }
        }
    }
    if !missing.is_empty() {
        bail!("discovery does not have {missing:?}");
    }
    Ok(text)
}

fn row(
    text: &mut String,
    group: &str,
    version: &str,
    resource: &Value,
    subresources: &[String],
) -> Result<()> {
    writeln!(
        text,
        "    Row {{ group: {group:?}, version: {version:?}, kind: {:?}, plural: {:?}, singular: {:?}, short_names: {}, \
         categories: {}, namespaced: {}, verbs: {}, subresources: &[{}] }},",
        word(&resource["responseKind"], "kind")?,
        word(resource, "resource")?,
        word(resource, "singularResource")?,
        words(resource, "shortNames"),
        words(resource, "categories"),
        word(resource, "scope")? == "Namespaced",
        verbs(resource),
        subresources.join(", ")
    )?;
    Ok(())
}

fn subresource(group: &str, version: &str, subresource: &Value) -> Result<String> {
    let kind = &subresource["responseKind"];
    let own = (kind["group"].as_str().unwrap_or_default(), kind["version"].as_str().unwrap_or_default());
    let (group, version) = if own == (group, version) { ("", "") } else { own };
    Ok(format!(
        "SubRow {{ name: {:?}, group: {group:?}, version: {version:?}, kind: {:?}, verbs: {} }}",
        word(subresource, "subresource")?,
        word(kind, "kind")?,
        verbs(subresource)
    ))
}

/// The verbs, by the name that the table has for those that many kinds have.
fn verbs(object: &Value) -> String {
    let verbs: Vec<&str> = list(object, "verbs").iter().filter_map(Value::as_str).collect();
    match verbs.join(" ").as_str() {
        "create delete deletecollection get list patch update watch" => "ALL".to_owned(),
        "create delete get list patch update watch" => "ALL_BUT_DELETE_COLLECTION".to_owned(),
        "get patch update" => "GET_PATCH_UPDATE".to_owned(),
        _ => words(object, "verbs"),
    }
}

fn words(object: &Value, field: &str) -> String {
    let words: Vec<&str> = list(object, field).iter().filter_map(Value::as_str).collect();
    format!("&{words:?}")
}

fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object[field].as_array().map_or(&[], Vec::as_slice)
}

fn word<'a>(object: &'a Value, field: &str) -> Result<&'a str> {
    object[field].as_str().with_context(|| format!("discovery: no {field} in {object}"))
}
