//! A CustomResourceDefinition, as the server works with it.

use std::cmp::Ordering;

use serde_json::{Value, json};

/// One entry of `spec.versions`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) served: bool,
    pub(crate) storage: bool,
    pub(crate) deprecated: bool,
    pub(crate) warning: Option<String>,
    /// `schema.openAPIV3Schema`, null where there is none.
    pub(crate) schema: Value,
    pub(crate) status: bool,
    pub(crate) scale: Option<Scale>,
    pub(crate) columns: Vec<Value>,
    /// JSON paths of fields that field selectors may name.
    pub(crate) selectable: Vec<String>,
}

/// Where the scale subresource reads and writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) spec_replicas: Vec<String>,
    pub(crate) status_replicas: Vec<String>,
    pub(crate) selector: Option<Vec<String>>,
    /// `specReplicasPath` as it was written.
    pub(crate) written: String,
    /// `statusReplicasPath` as it was written.
    pub(crate) status_written: String,
}

/// What decides how a custom resource is served. Two that are equal serve the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    pub(crate) uid: String,
    pub(crate) group: String,
    pub(crate) namespaced: bool,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) versions: Vec<Version>,
    pub(crate) terminating: bool,
}

impl Definition {
    /// Reads a stored definition; the names are those that were accepted.
    pub(crate) fn parse(stored: &Value) -> Self {
        let spec = &stored["spec"];
        let names = &stored["status"]["acceptedNames"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            uid: text(&stored["metadata"]["uid"]),
            group: text(&spec["group"]),
            namespaced: spec["scope"] == "Namespaced",
            plural: text(&names["plural"]),
            singular: text(&names["singular"]),
            kind: text(&names["kind"]),
            list_kind: text(&names["listKind"]),
            short_names: texts(&names["shortNames"]),
            categories: texts(&names["categories"]),
            versions: spec["versions"].as_array().into_iter().flatten().map(Version::parse).collect(),
            terminating: is_true(stored, "Terminating"),
        }
    }

    /// The name of the version that objects are stored in.
    pub(crate) fn storage_version(&self) -> &str {
        self.versions.iter().find(|version| version.storage).map_or("", |version| &version.name)
    }

    /// The versions that are served, most preferred first.
    pub(crate) fn served(&self) -> Vec<&Version> {
        let mut served: Vec<&Version> = self.versions.iter().filter(|version| version.served).collect();
        served.sort_by(|a, b| compare_versions(&b.name, &a.name));
        served
    }

    /// What clients of a deprecated version are told.
    pub(crate) fn deprecation(&self, version: &Version) -> Option<String> {
        if !version.deprecated {
            return None;
        }
        if let Some(warning) = &version.warning {
            return Some(warning.clone());
        }
        let named = |name: &str| format!("{}/{name} {}", self.group, self.kind);
        let better = |other: &&&Version| {
            !other.deprecated && compare_versions(&version.name, &other.name) == Ordering::Less
        };
        let mut text = format!("{} is deprecated", named(&version.name));
        if let Some(better) = self.served().iter().find(better) {
            text += &format!("; use {}", named(&better.name));
        }
        Some(text)
    }
}

impl Version {
    fn parse(value: &Value) -> Self {
        let flag = |key: &str| value[key].as_bool().unwrap_or_default();
        let subresources = &value["subresources"];
        Self {
            name: value["name"].as_str().unwrap_or_default().to_owned(),
            served: flag("served"),
            storage: flag("storage"),
            deprecated: flag("deprecated"),
            warning: value["deprecationWarning"].as_str().map(str::to_owned),
            schema: value["schema"]["openAPIV3Schema"].clone(),
            status: subresources["status"].is_object(),
            scale: subresources.get("scale").filter(|scale| scale.is_object()).map(Scale::parse),
            columns: value["additionalPrinterColumns"].as_array().cloned().unwrap_or_default(),
            selectable: value["selectableFields"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|field| field["jsonPath"].as_str().map(str::to_owned))
                .collect(),
        }
    }
}

impl Scale {
    fn parse(value: &Value) -> Self {
        let written = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let steps = |path: &str| path.trim_start_matches('.').split('.').map(str::to_owned).collect();
        Self {
            spec_replicas: steps(&written("specReplicasPath")),
            status_replicas: steps(&written("statusReplicasPath")),
            selector: value["labelSelectorPath"].as_str().filter(|path| !path.is_empty()).map(steps),
            written: written("specReplicasPath"),
            status_written: written("statusReplicasPath"),
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether a condition of a definition is true.
pub(super) fn is_true(definition: &Value, condition: &str) -> bool {
    super::status::condition(definition, condition).is_some_and(|condition| condition["status"] == "True")
}

/// Compares versions as Kubernetes prefers them: `v2`, `v1`, `v1beta2`, `v1alpha1`, and then all other names.
pub(crate) fn compare_versions(a: &str, b: &str) -> Ordering {
    match (version_parts(a), version_parts(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => b.cmp(a),
    }
}

/// Stability, major and minor number of a version such as `v2beta1`.
fn version_parts(version: &str) -> Option<(u8, u64, u64)> {
    let number = |text: &str| {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let rest = version.strip_prefix('v')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (major, rest) = rest.split_at(digits);
    let major = number(major)?;
    if rest.is_empty() {
        return Some((2, major, 0));
    }
    let (stability, minor) = match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
        (Some(minor), _) => (1, minor),
        (_, Some(minor)) => (0, minor),
        _ => return None,
    };
    Some((stability, major, number(minor)?))
}

/// Fills in the names that follow from others, and how versions are converted.
pub(crate) fn default_names(definition: &mut Value) {
    let Some(spec) = definition.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let names = spec.entry("names").or_insert_with(|| json!({}));
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    if let Some(names) = names.as_object_mut() {
        let unset = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().is_empty();
        if unset(names.get("singular")) && !kind.is_empty() {
            names.insert("singular".to_owned(), json!(kind.to_lowercase()));
        }
        if unset(names.get("listKind")) && !kind.is_empty() {
            names.insert("listKind".to_owned(), json!(format!("{kind}List")));
        }
    }
    if spec.get("conversion").is_none_or(Value::is_null) {
        spec.insert("conversion".to_owned(), json!({"strategy": "None"}));
    }
}

/// Notes the storage version among those that objects may be stored in.
pub(crate) fn set_stored_versions(definition: &mut Value) {
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    let mut storage = versions.filter(|version| version["storage"] == true);
    let Some(name) = storage.next().map(|version| version["name"].clone()) else { return };
    let status = crate::object::child(definition, "status");
    match status.get_mut("storedVersions").and_then(Value::as_array_mut) {
        Some(stored) if stored.contains(&name) => {}
        Some(stored) => stored.push(name),
        None => {
            status.insert("storedVersions".to_owned(), json!([name]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_versions_come_before_beta_before_alpha_before_other_names() {
        let mut versions =
            ["foo10", "v1alpha1", "v10", "v2", "v11beta2", "v1", "v10beta3", "foo1", "v3beta1"];
        versions.sort_by(|a, b| compare_versions(b, a));
        assert_eq!(
            versions,
            ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v1alpha1", "foo1", "foo10"]
        );
    }

    #[test]
    fn a_deprecated_version_names_a_better_one() {
        let version = |name: &str, deprecated: bool| json!({"name": name, "served": true, "storage": !deprecated, "deprecated": deprecated});
        let definition = Definition::parse(&json!({
            "spec": {"group": "example.com", "versions": [version("v1beta1", true), version("v1", false)]},
            "status": {"acceptedNames": {"kind": "Widget"}},
        }));
        assert_eq!(
            definition.deprecation(&definition.versions[0]).as_deref(),
            Some("example.com/v1beta1 Widget is deprecated; use example.com/v1 Widget")
        );
        assert_eq!(definition.served()[0].name, "v1");
        assert_eq!(definition.storage_version(), "v1");
    }

    #[test]
    fn names_follow_from_the_kind() {
        let mut definition =
            json!({"spec": {"names": {"kind": "Widget", "plural": "widgets", "singular": ""}}});
        default_names(&mut definition);
        assert_eq!(definition["spec"]["names"]["singular"], "widget");
        assert_eq!(definition["spec"]["names"]["listKind"], "WidgetList");
        assert_eq!(definition["spec"]["conversion"], json!({"strategy": "None"}));
    }
}
