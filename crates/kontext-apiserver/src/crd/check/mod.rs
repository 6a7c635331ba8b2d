//! Which definitions are refused, with the messages of the real server.

mod open_api;
mod structural;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::definition::is_true;
use super::json_path::JsonPath;
use super::schema::Schema;
use super::{failure, format};
use crate::defaults::names::{dns1035_label, dns1123_subdomain};
use crate::error::Cause;

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] =
    ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const SELECTABLE_FIELDS: usize = 8;
const APPROVAL: &str = "api-approved.kubernetes.io";

/// Everything that is wrong with a definition outside of its metadata. On an update, `old` is what was stored.
pub(crate) fn validate(new: &Value, old: Option<&Value>, subresource: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    if subresource == "status" {
        names(&new["status"]["acceptedNames"], "status.acceptedNames", &mut causes);
        return causes;
    }
    let spec = &new["spec"];
    let name = new["metadata"]["name"].as_str().unwrap_or_default();
    let wanted = format!("{}.{}", text(&spec["names"]["plural"]), text(&spec["group"]));
    if old.is_none() && name != wanted && !name.is_empty() {
        let why = r#"must be spec.names.plural+"."+spec.group"#;
        causes.push(failure::invalid("metadata.name", &json!(name), why));
    }
    check_spec(spec, &mut causes);
    if let Some(old) = old {
        immutable(new, old, &mut causes);
    }
    names(&new["status"]["acceptedNames"], "status.acceptedNames", &mut causes);
    stored_versions(new, &mut causes);
    approval(new, old, &mut causes);
    if spec["preserveUnknownFields"] == true {
        let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        causes.push(failure::invalid("spec.preserveUnknownFields", &json!(true), why));
    }
    causes
}

/// What a client is told that writes a definition: formats that nobody checks, and rules that this server does not.
pub(crate) fn warnings(new: &Value, old: Option<&Value>) -> Vec<String> {
    let schemas = |definition: &Value| -> Vec<Schema> {
        let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
        versions.map(|version| Schema::parse(&version["schema"]["openAPIV3Schema"])).collect()
    };
    let unrecognized = |schemas: &[Schema]| {
        let found = std::cell::RefCell::new(Vec::new());
        for schema in schemas {
            schema.any(&|schema| {
                if format::is_unrecognized(schema) {
                    found.borrow_mut().push(schema.limits.format.clone());
                }
                false
            });
        }
        found.into_inner()
    };
    let new = schemas(new);
    let before = old.map(|old| unrecognized(&schemas(old))).unwrap_or_default();
    let mut warnings: Vec<String> = unrecognized(&new)
        .into_iter()
        .filter(|format| !before.contains(format))
        .map(|format| format!("unrecognized format {format:?}"))
        .collect();
    if new.iter().any(|schema| schema.any(&|schema| schema.rules > 0)) {
        warnings.push(
            "this in-memory API server does not evaluate x-kubernetes-validations: objects that break these rules are accepted"
                .to_owned(),
        );
    }
    warnings
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn check_spec(spec: &Value, causes: &mut Vec<Cause>) {
    let group = text(&spec["group"]);
    let invalid_group = |why: &str| failure::invalid("spec.group", &json!(group), why);
    if group.is_empty() {
        causes.push(failure::required("spec.group", ""));
    } else if let errors @ [_, ..] = dns1123_subdomain(group).as_slice() {
        causes.push(invalid_group(&errors.join(",")));
    } else if !group.contains('.') {
        causes.push(invalid_group("should be a domain with at least one dot"));
    }
    one_of("spec.scope", &spec["scope"], &["Cluster", "Namespaced"], causes);
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, version) in versions.iter().enumerate() {
        if !version["schema"]["openAPIV3Schema"].is_object() {
            causes.push(failure::required(&format!("spec.versions[{index}].schema.openAPIV3Schema"), ""));
        }
    }
    let mut unique = BTreeSet::new();
    let mut twice = false;
    let hoisted = Hoisted::of(versions);
    for (index, version) in versions.iter().enumerate() {
        let path = format!("spec.versions[{index}]");
        let name = text(&version["name"]);
        twice |= !unique.insert(name);
        let errors = dns1035_label(name);
        if !errors.is_empty() {
            causes.push(failure::invalid(&format!("{path}.name"), &json!(name), &errors.join(",")));
        }
        check_version(version, &path, &hoisted, index == 0, causes);
    }
    if spec["preserveUnknownFields"] == true && versions.iter().any(has_defaults) {
        let why = "must be false in order to use defaults in the schema";
        causes.push(failure::invalid("spec.preserveUnknownFields", &json!(true), why));
    }
    let shown = || Value::Array(versions.to_vec());
    if twice {
        causes.push(failure::invalid("spec.versions", &shown(), "must contain unique version names"));
    }
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(failure::invalid("spec.versions", &shown(), why));
    }
    for field in ["plural", "singular", "kind", "listKind"] {
        if text(&spec["names"][field]).is_empty() {
            causes.push(failure::required(&format!("spec.names.{field}"), ""));
        }
    }
    names(&spec["names"], "spec.names", causes);
    one_of("spec.conversion.strategy", &spec["conversion"]["strategy"], &["None", "Webhook"], causes);
    if spec["conversion"]["strategy"] == "Webhook" {
        let why = "this in-memory API server calls no conversion webhooks; use the strategy None";
        causes.push(failure::forbidden("spec.conversion.strategy", why));
    }
}

fn one_of(path: &str, value: &Value, accepted: &[&str], causes: &mut Vec<Cause>) {
    match text(value) {
        "" => causes.push(failure::required(path, "")),
        given if accepted.contains(&given) => {}
        given => {
            let accepted: Vec<String> = accepted.iter().map(|text| (*text).to_owned()).collect();
            causes.push(failure::unsupported(path, &json!(given), &accepted));
        }
    }
}

fn has_defaults(version: &Value) -> bool {
    Schema::parse(&version["schema"]["openAPIV3Schema"]).any(&|schema| schema.default.is_some())
}

/// What all versions say alike: the real server takes it for said once, above the versions, and so do its messages.
struct Hoisted {
    schema: bool,
    subresources: bool,
    columns: bool,
    selectable: bool,
}

impl Hoisted {
    fn of(versions: &[Value]) -> Self {
        let alike = |field: &str| versions.iter().all(|version| version[field] == versions[0][field]);
        Self {
            schema: alike("schema"),
            subresources: alike("subresources"),
            columns: alike("additionalPrinterColumns"),
            selectable: alike("selectableFields"),
        }
    }
}

fn check_version(version: &Value, path: &str, hoisted: &Hoisted, first: bool, causes: &mut Vec<Cause>) {
    deprecation(version, path, causes);
    // Said once, checked once.
    let place = |hoisted: bool, above: &str, field: &str| match (hoisted, first) {
        (true, true) => Some(format!("spec.{above}")),
        (true, false) => None,
        (false, _) => Some(format!("{path}.{field}")),
    };
    let schema = &version["schema"]["openAPIV3Schema"];
    let has_status = version["subresources"]["status"].is_object();
    if let Some(path) = place(hoisted.schema, "validation", "schema").filter(|_| schema.is_object()) {
        open_api::check(schema, has_status, &path, causes);
    }
    let scale = version["subresources"].get("scale").filter(|scale| scale.is_object());
    if let (Some(path), Some(scale)) = (place(hoisted.subresources, "subresources", "subresources"), scale) {
        check_scale(scale, &format!("{path}.scale"), causes);
    }
    if let Some(path) = place(hoisted.columns, "additionalPrinterColumns", "additionalPrinterColumns") {
        for (index, column) in
            version["additionalPrinterColumns"].as_array().into_iter().flatten().enumerate()
        {
            check_column(column, &format!("{path}[{index}]"), causes);
        }
    }
    if let Some(path) = place(hoisted.selectable, "selectableFields", "selectableFields") {
        if schema.is_object() {
            selectable_fields(version, &path, causes);
        } else if version["selectableFields"].as_array().is_some_and(|fields| !fields.is_empty()) {
            let why = "may only be set when validations.schema is included";
            causes.push(failure::invalid(&path, &json!(""), why));
        }
    }
}

fn deprecation(version: &Value, path: &str, causes: &mut Vec<Cause>) {
    let Some(warning) = version["deprecationWarning"].as_str() else { return };
    let mut invalid = |why: &str| {
        causes.push(failure::invalid(&format!("{path}.deprecationWarning"), &json!(warning), why));
    };
    if version["deprecated"] != true {
        return invalid("can only be set for deprecated versions");
    }
    if warning.len() > 256 {
        invalid("must be <= 256 characters long");
    }
    if warning.is_empty() {
        invalid("must not be an empty string");
    }
    if let Some((index, _)) = warning.char_indices().find(|(_, c)| c.is_control()) {
        invalid(&format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {index}"
        ));
    }
}

fn check_scale(scale: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (field, root, required) in [
        ("specReplicasPath", &[".spec."][..], true),
        ("statusReplicasPath", &[".status."][..], true),
        ("labelSelectorPath", &[".spec.", ".status."][..], false),
    ] {
        let given = text(&scale[field]);
        let path = format!("{path}.{field}");
        if given.is_empty() {
            if required {
                causes.push(failure::required(&path, ""));
            }
        } else if !simple_path(given, &path, causes) && !root.iter().any(|root| given.starts_with(root)) {
            let why = match root {
                [one] => format!("should be a json path under {}", one.trim_end_matches('.')),
                _ => "should be a json path under either .spec or .status".to_owned(),
            };
            causes.push(failure::invalid(&path, &json!(given), &why));
        }
    }
}

/// Complains about what is no simple path and says whether it did.
fn simple_path(given: &str, path: &str, causes: &mut Vec<Cause>) -> bool {
    let wrong = !given.starts_with('.');
    if wrong {
        causes.push(failure::invalid(path, &json!(given), "must be a simple json path starting with ."));
    }
    wrong
}

fn check_column(column: &Value, path: &str, causes: &mut Vec<Cause>) {
    if text(&column["name"]).is_empty() {
        causes.push(failure::required(&format!("{path}.name"), ""));
    }
    let types = format!("must be one of {}", COLUMN_TYPES.join(","));
    match text(&column["type"]) {
        "" => causes.push(failure::required(&format!("{path}.type"), &types)),
        known if COLUMN_TYPES.contains(&known) => {}
        other => causes.push(failure::invalid(&format!("{path}.type"), &json!(other), &types)),
    }
    let given = text(&column["format"]);
    if !given.is_empty() && !COLUMN_FORMATS.contains(&given) {
        let why = format!("must be one of {}", COLUMN_FORMATS.join(","));
        causes.push(failure::invalid(&format!("{path}.format"), &json!(given), &why));
    }
    let json_path = format!("{path}.JSONPath");
    match text(&column["jsonPath"]) {
        "" => causes.push(failure::required(&json_path, "")),
        given => {
            simple_path(given, &json_path, causes);
        }
    }
}

fn selectable_fields(version: &Value, path: &str, causes: &mut Vec<Cause>) {
    let schema = Schema::parse(&version["schema"]["openAPIV3Schema"]);
    let mut unique = BTreeSet::new();
    for (index, field) in version["selectableFields"].as_array().into_iter().flatten().enumerate() {
        let given = text(&field["jsonPath"]);
        let path = format!("{path}[{index}].jsonPath");
        if given.is_empty() {
            causes.push(failure::required(&path, ""));
            continue;
        }
        let found = given.strip_prefix('.').and_then(|fields| {
            JsonPath::parse(given)?;
            fields.split('.').try_fold(&schema, |schema, name| schema.properties.get(name))
        });
        let Some(found) = found else {
            let why = "is an invalid path: does not refer to a valid field";
            causes.push(failure::invalid(&path, &json!(given), why));
            continue;
        };
        if given.starts_with(".metadata") {
            causes.push(failure::invalid(&path, &json!(given), "must not point to fields in metadata"));
        }
        if !matches!(found.kind.as_str(), "string" | "boolean" | "integer") {
            let why = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            causes.push(failure::invalid(&path, &json!(given), why));
        }
        if !unique.insert(given) {
            causes.push(failure::duplicate(&path, &json!(given)));
        }
    }
    if unique.len() > SELECTABLE_FIELDS {
        causes.push(failure::too_many(path, unique.len(), 8));
    }
}

fn names(names: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut label = |field: String, given: &str, mixed: bool| {
        let errors = dns1035_label(&if mixed { given.to_lowercase() } else { given.to_owned() });
        if !given.is_empty() && !errors.is_empty() {
            let prefix = if mixed { "may have mixed case, but should otherwise match: " } else { "" };
            causes.push(failure::invalid(&field, &json!(given), &format!("{prefix}{}", errors.join(","))));
        }
    };
    for (field, mixed) in [("plural", false), ("singular", false), ("kind", true), ("listKind", true)] {
        label(format!("{path}.{field}"), text(&names[field]), mixed);
    }
    for field in ["shortNames", "categories"] {
        for (index, name) in names[field].as_array().into_iter().flatten().enumerate() {
            label(format!("{path}.{field}[{index}]"), text(name), false);
        }
    }
    let kind = text(&names["kind"]);
    if !kind.is_empty() && names["kind"] == names["listKind"] {
        let why = "kind and listKind may not be the same";
        causes.push(failure::invalid(&format!("{path}.listKind"), &json!(kind), why));
    }
}

/// What decides where objects are stored cannot change.
fn immutable(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let fixed = [
        ("spec.scope", "/spec/scope", is_true(old, "Established")),
        ("spec.names.kind", "/spec/names/kind", is_true(old, "Established")),
        ("spec.group", "/spec/group", true),
        ("spec.names.plural", "/spec/names/plural", true),
    ];
    for (path, pointer, fixed) in fixed {
        let given = new.pointer(pointer);
        if fixed && given != old.pointer(pointer) {
            causes.push(failure::invalid(path, given.unwrap_or(&Value::Null), "field is immutable"));
        }
    }
}

fn stored_versions(definition: &Value, causes: &mut Vec<Cause>) {
    let path = "status.storedVersions";
    let stored = definition["status"]["storedVersions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if stored.is_empty() {
        causes.push(failure::invalid(path, &json!(stored), "must have at least one stored version"));
        return;
    }
    let versions: Vec<&str> = definition["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|version| text(&version["name"]))
        .collect();
    for (index, name) in stored.iter().enumerate().filter(|(_, name)| !versions.contains(&text(name))) {
        let name_text = text(name);
        let why = format!(
            "missing from spec.versions; {name_text} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {name_text} and removes {name_text} from status.storedVersions"
        );
        causes.push(failure::invalid(&format!("{path}[{index}]"), name, &why));
    }
}

/// Groups of the Kubernetes project need an annotation that says where they were approved.
fn approval(new: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let group = text(&new["spec"]["group"]);
    let protected = ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|domain| group == *domain || group.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')));
    let given =
        |definition: &Value| definition["metadata"]["annotations"][APPROVAL].as_str().map(str::to_owned);
    if !protected || old.is_some_and(|old| given(old) == given(new)) {
        return;
    }
    let path = format!("metadata.annotations[{APPROVAL}]");
    match given(new) {
        None => causes.push(failure::required(
            &path,
            "protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111",
        )),
        Some(text) if text.starts_with("unapproved") || text.contains("://") => {}
        Some(text) => causes.push(failure::invalid(
            &path,
            &json!(text),
            "protected groups must have approval annotation \"api-approved.kubernetes.io\" with either a URL or a reason starting with \"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111",
        )),
    }
}

#[cfg(test)]
mod tests;
