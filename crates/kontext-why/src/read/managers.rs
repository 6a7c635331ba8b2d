//! The entries of `managedFields`.

use jiff::Timestamp;
use kontext_core::text::{harmless, shortened};
use serde_json::{Map, Value};

/// Field paths listed of one manager.
const MAX_PATHS: usize = 3;

/// One manager's entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) manager: &'a str,
    pub(crate) subresource: Option<&'a str>,
    /// Whole seconds; entries of `/scale` have none.
    pub(crate) time: Option<Timestamp>,
    fields: &'a Value,
}

/// The entries, in the order of the object.
pub(crate) fn entries(managed_fields: &Value) -> Vec<Entry<'_>> {
    let list = managed_fields.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter(|value| value["manager"].is_string())
        .map(|value| Entry {
            manager: value["manager"].as_str().unwrap_or_default(),
            subresource: value["subresource"].as_str().filter(|name| !name.is_empty()),
            time: value["time"].as_str().and_then(|time| time.parse().ok()),
            fields: &value["fieldsV1"],
        })
        .collect()
}

impl Entry<'_> {
    /// Whether it may hold a wish: the object itself or its scale, and not status.
    pub(crate) fn is_intent(&self) -> bool {
        self.subresource.is_none_or(|name| name == "scale")
    }

    /// How many fields it owns.
    pub(crate) fn size(&self) -> usize {
        self.paths().len()
    }

    /// The paths of all fields it owns.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        leaves("", self.fields, &mut paths);
        paths
    }

    /// Whether it owns a field outside metadata and status.
    pub(crate) fn owns_spec(&self) -> bool {
        let keys = self.fields.as_object().into_iter().flat_map(Map::keys);
        keys.into_iter().any(|key| key != "f:metadata" && key != "f:status")
    }

    /// Some of the fields it owns, spec before metadata, and how many more there are.
    pub(crate) fn owned(&self) -> (Vec<String>, usize) {
        let mut paths = self.paths();
        if paths.iter().any(|path| !path.starts_with("metadata")) {
            paths.retain(|path| !path.starts_with("metadata"));
        }
        let more = paths.len().saturating_sub(MAX_PATHS);
        paths.truncate(MAX_PATHS);
        (paths, more)
    }
}

fn leaves(path: &str, fields: &Value, found: &mut Vec<String>) {
    let Some(fields) = fields.as_object() else { return };
    let mut below = fields.iter().filter(|(key, _)| *key != ".").peekable();
    if below.peek().is_none() {
        if !path.is_empty() {
            found.push(harmless(&shortened(path, 160)).into_owned());
        }
        return;
    }
    for (key, fields) in below {
        leaves(&step(path, key), fields, found);
    }
}

/// `f:replicas` is `.replicas`, `k:{"name":"app"}` is `[app]`, `i:2` and `v:"x"` are `[2]` and `["x"]`.
fn step(path: &str, key: &str) -> String {
    let (kind, name) = key.split_once(':').unwrap_or(("", key));
    match kind {
        "f" if path.is_empty() => name.into(),
        "f" if name.contains(['.', '/']) => format!("{path}[{name}]"),
        "f" => format!("{path}.{name}"),
        "k" => {
            let keys: Map<String, Value> = serde_json::from_str(name).unwrap_or_default();
            let values: Vec<String> = keys
                .values()
                .map(|value| value.as_str().map_or_else(|| value.to_string(), Into::into))
                .collect();
            format!("{path}[{}]", values.join(","))
        }
        _ => format!("{path}[{name}]"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn owned_fields_are_told_as_paths_and_counted() {
        let fields = json!([{"manager": "kubectl-edit", "time": "2026-01-01T10:00:00Z", "fieldsV1": {
            "f:metadata": {"f:annotations": {".": {}, "f:example.com/a": {}}},
            "f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
                "k:{\"name\":\"app\"}": {".": {}, "f:image": {}, "f:ports": {
                    "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}}}}}}}]);
        let entries = entries(&fields);
        let (paths, more) = entries[0].owned();
        expect![[r#"
            spec.replicas
            spec.template.spec.containers[app].image
            spec.template.spec.containers[app].ports[80,TCP].containerPort
            0 more"#]]
        .assert_eq(&format!("{}\n{more} more", paths.join("\n")));
        assert!(entries[0].owns_spec() && entries[0].is_intent());
    }

    #[test]
    fn whatever_managed_fields_hold_is_read_without_panic() {
        for value in
            [json!(null), json!("x"), json!([1, {}, {"manager": "m", "fieldsV1": {"k:{": {"x": 1}}}])]
        {
            let found: Vec<_> = entries(&value).iter().map(Entry::owned).collect();
            assert!(found.len() <= 1);
        }
    }
}
