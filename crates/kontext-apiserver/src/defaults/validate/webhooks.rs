//! Mutating and validating webhook configurations.

use serde_json::{Value, json};

use super::{Errors, selector};
use crate::defaults::names;
use crate::defaults::value::{is_nil, items, text};

const REVIEW_VERSIONS: &str = "v1, v1beta1";

/// Checks the webhooks of a configuration. Only mutating ones have a reinvocation policy.
pub(super) fn configuration(errors: &mut Errors, new: &Value) {
    let mut seen = Vec::new();
    for (index, hook) in items(new, "webhooks").iter().enumerate() {
        let path = format!("webhooks[{index}]");
        webhook(errors, &path, hook);
        review_versions(errors, &format!("{path}.admissionReviewVersions"), hook);
        let name = text(hook, "name");
        if seen.contains(&name) {
            errors.duplicate(format!("{path}.name"), name);
        } else if !name.is_empty() {
            seen.push(name);
        }
    }
}

fn webhook(errors: &mut Errors, path: &str, hook: &Value) {
    full_name(errors, &format!("{path}.name"), text(hook, "name"));
    for (index, rule) in items(hook, "rules").iter().enumerate() {
        rule_with_operations(errors, &format!("{path}.rules[{index}]"), rule);
    }
    one_of(errors, path, hook, "failurePolicy", &["Fail", "Ignore"]);
    one_of(errors, path, hook, "matchPolicy", &["Equivalent", "Exact"]);
    if is_nil(hook, "sideEffects") {
        errors.required(format!("{path}.sideEffects"), "must specify one of None, NoneOnDryRun");
    }
    one_of(errors, path, hook, "sideEffects", &["None", "NoneOnDryRun"]);
    if let Some(seconds) = hook.get("timeoutSeconds").filter(|value| !value.is_null())
        && !seconds.as_i64().is_some_and(|seconds| (1..=30).contains(&seconds))
    {
        let why = "the timeout value must be between 1 and 30 seconds";
        errors.invalid(format!("{path}.timeoutSeconds"), seconds, why);
    }
    for name in ["namespaceSelector", "objectSelector"] {
        if let Some(value) = hook.get(name).filter(|value| !value.is_null()) {
            selector::form(errors, &format!("{path}.{name}"), value);
        }
    }
    one_of(errors, path, hook, "reinvocationPolicy", &["IfNeeded", "Never"]);
    client_config(errors, &format!("{path}.clientConfig"), hook.get("clientConfig").unwrap_or(&Value::Null));
    if !items(hook, "matchConditions").is_empty() {
        // Calling a webhook that its owner excluded would be worse than saying no.
        let why = "this in-memory API server does not evaluate CEL match conditions: leave them out, or test this configuration against kube-apiserver";
        errors.forbidden(format!("{path}.matchConditions"), why);
    }
}

fn full_name(errors: &mut Errors, path: &str, name: &str) {
    if name.is_empty() {
        return errors.required(path, "");
    }
    let wrong = names::dns1123_subdomain(name);
    if !wrong.is_empty() {
        errors.invalid(path, &json!(name), &wrong.join(","));
    } else if name.split('.').count() < 3 {
        let why = "should be a domain with at least three segments separated by dots";
        errors.invalid(path, &json!(name), why);
    }
}

fn one_of(errors: &mut Errors, path: &str, hook: &Value, field: &str, supported: &[&str]) {
    if let Some(value) = hook.get(field).filter(|value| !value.is_null())
        && !supported.contains(&value.as_str().unwrap_or_default())
    {
        errors.unsupported(format!("{path}.{field}"), value, supported);
    }
}

fn rule_with_operations(errors: &mut Errors, path: &str, rule: &Value) {
    let operations = items(rule, "operations");
    not_empty(errors, path, rule, "operations");
    alone(errors, path, rule, "operations", "operations");
    for (index, operation) in operations.iter().enumerate() {
        let supported = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
        if !supported.contains(&operation.as_str().unwrap_or_default()) {
            errors.unsupported(format!("{path}.operations[{index}]"), operation, &supported);
        }
    }
    not_empty(errors, path, rule, "apiGroups");
    alone(errors, path, rule, "apiGroups", "API groups");
    not_empty(errors, path, rule, "apiVersions");
    alone(errors, path, rule, "apiVersions", "API versions");
    for (index, version) in items(rule, "apiVersions").iter().enumerate() {
        if version == "" {
            errors.required(format!("{path}.apiVersions[{index}]"), "");
        }
    }
    resources(errors, &format!("{path}.resources"), rule);
    one_of(errors, path, rule, "scope", &["*", "Cluster", "Namespaced"]);
}

fn not_empty(errors: &mut Errors, path: &str, rule: &Value, field: &str) {
    if items(rule, field).is_empty() {
        errors.required(format!("{path}.{field}"), "");
    }
}

/// A wildcard stands alone.
fn alone(errors: &mut Errors, path: &str, rule: &Value, field: &str, words: &str) {
    let list = items(rule, field);
    if list.len() > 1 && list.iter().any(|item| item == "*") {
        let why = format!("if '*' is present, must not specify other {words}");
        errors.invalid(format!("{path}.{field}"), &json!(list), &why);
    }
}

fn resources(errors: &mut Errors, path: &str, rule: &Value) {
    let list = items(rule, "resources");
    if list.is_empty() {
        errors.required(path, "");
    }
    let (mut whole, mut everywhere) = (Vec::new(), Vec::new());
    let (mut double, mut single, mut plain) = (false, false, false);
    for (index, item) in list.iter().enumerate() {
        let item = item.as_str().unwrap_or_default();
        if item.is_empty() {
            errors.required(format!("{path}[{index}]"), "");
            continue;
        }
        double |= item == "*/*";
        single |= item == "*";
        let Some((resource, subresource)) = item.split_once('/') else {
            plain = item != "*";
            continue;
        };
        let field = format!("{path}[{index}]");
        if whole.contains(&resource) {
            let why = format!("if '{resource}/*' is present, must not specify {item}");
            errors.invalid(field.clone(), &json!(item), &why);
        }
        if everywhere.contains(&subresource) {
            let why = format!("if '*/{subresource}' is present, must not specify {item}");
            errors.invalid(field, &json!(item), &why);
        }
        if subresource == "*" {
            whole.push(resource);
        }
        if resource == "*" {
            everywhere.push(subresource);
        }
    }
    if list.len() > 1 && double {
        errors.invalid(path, &json!(list), "if '*/*' is present, must not specify other resources");
    }
    if single && plain {
        let why = "if '*' is present, must not specify other resources without subresources";
        errors.invalid(path, &json!(list), why);
    }
}

fn client_config(errors: &mut Errors, path: &str, config: &Value) {
    match (is_nil(config, "url"), is_nil(config, "service")) {
        (false, true) => url(errors, &format!("{path}.url"), text(config, "url")),
        (true, false) => service(errors, &format!("{path}.service"), &config["service"]),
        _ => errors.required(path, "exactly one of url or service is required"),
    }
}

fn url(errors: &mut Errors, path: &str, url: &str) {
    const FORM: &str = "; desired format: https://host[/path]";
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if scheme != "https" {
        let why = format!("'https' is the only allowed URL scheme{FORM}");
        errors.invalid(path, &json!(scheme), &why);
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = if scheme.is_empty() { "" } else { rest.split('/').next().unwrap_or_default() };
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if host.is_empty() {
        errors.invalid(path, &json!(""), &format!("host must be specified{FORM}"));
    }
    if let Some(user) = user {
        errors.invalid(path, &json!(user), "user information is not permitted in the URL");
    }
    if !fragment.is_empty() {
        errors.invalid(path, &json!(fragment), "fragments are not permitted in the URL");
    }
    if !query.is_empty() {
        errors.invalid(path, &json!(query), "query parameters are not permitted in the URL");
    }
}

fn service(errors: &mut Errors, path: &str, service: &Value) {
    for field in ["name", "namespace"] {
        if text(service, field).is_empty() {
            errors.required(format!("{path}.{field}"), "");
        }
    }
    let port = service.get("port").filter(|port| !port.is_null()).cloned().unwrap_or_else(|| json!(443));
    if !port.as_i64().is_some_and(|port| (1..=65535).contains(&port)) {
        let why = "port is not valid: must be between 1 and 65535, inclusive";
        errors.invalid(format!("{path}.port"), &port, why);
    }
    let url_path = text(service, "path");
    if matches!(url_path, "" | "/") {
        return;
    }
    let field = format!("{path}.path");
    if url_path == "//" {
        return errors.invalid(field, &json!(url_path), "segment[0] may not be empty");
    }
    if !url_path.starts_with('/') {
        errors.invalid(field.clone(), &json!(url_path), "must start with a '/'");
    }
    let mut characters = url_path.chars();
    characters.next();
    let inner = characters.as_str();
    for (index, step) in inner.strip_suffix('/').unwrap_or(inner).split('/').enumerate() {
        if step.is_empty() {
            let why = format!("segment[{index}] may not be empty");
            errors.invalid(field.clone(), &json!(url_path), &why);
            continue;
        }
        for wrong in names::dns1123_subdomain(step) {
            errors.invalid(field.clone(), &json!(url_path), &format!("segment[{index}]: {wrong}"));
        }
    }
}

fn review_versions(errors: &mut Errors, path: &str, hook: &Value) {
    let versions = items(hook, "admissionReviewVersions");
    if versions.is_empty() {
        return errors.required(path, &format!("must specify one of {REVIEW_VERSIONS}"));
    }
    for (index, version) in versions.iter().enumerate() {
        let field = format!("{path}[{index}]");
        if versions[..index].contains(version) {
            errors.invalid(field, version, "duplicate version");
            continue;
        }
        for wrong in names::dns1035_label(version.as_str().unwrap_or_default()) {
            errors.invalid(field.clone(), version, &wrong);
        }
    }
    if !versions.iter().any(|version| matches!(version.as_str(), Some("v1" | "v1beta1"))) {
        let why = format!("must include at least one of {REVIEW_VERSIONS}");
        errors.invalid(path, &json!(versions), &why);
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn problems(webhooks: &Value) -> String {
        let mut errors = Errors::default();
        configuration(&mut errors, &json!({"webhooks": webhooks}));
        let lines: Vec<String> = errors.0.iter().map(|e| format!("{}: {}\n", e.field, e.message)).collect();
        lines.concat()
    }

    #[test]
    fn a_whole_webhook_is_fine() {
        let hook = json!({
            "name": "a.b.c", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://127.0.0.1:1/x"},
            "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods", "pods/status"]}],
        });
        assert_eq!(problems(&json!([hook])), "");
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        let hook = json!({
            "name": "short", "sideEffects": "Some", "admissionReviewVersions": ["v3"], "timeoutSeconds": 31,
            "clientConfig": {"url": "http://u@h/?q#f"}, "matchConditions": [{"name": "a", "expression": "true"}],
            "rules": [{"operations": ["*", "READ"], "apiGroups": ["*", "a"], "apiVersions": [], "resources": ["*", "pods", "a/*", "a/b"]}],
        });
        expect![[r#"
            webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots
            webhooks[0].rules[0].operations: Invalid value: ["*","READ"]: if '*' is present, must not specify other operations
            webhooks[0].rules[0].operations[1]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"
            webhooks[0].rules[0].apiGroups: Invalid value: ["*","a"]: if '*' is present, must not specify other API groups
            webhooks[0].rules[0].apiVersions: Required value
            webhooks[0].rules[0].resources[3]: Invalid value: "a/b": if 'a/*' is present, must not specify a/b
            webhooks[0].rules[0].resources: Invalid value: ["*","pods","a/*","a/b"]: if '*' is present, must not specify other resources without subresources
            webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"
            webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds
            webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]
            webhooks[0].clientConfig.url: Invalid value: "u": user information is not permitted in the URL
            webhooks[0].clientConfig.url: Invalid value: "f": fragments are not permitted in the URL
            webhooks[0].clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL
            webhooks[0].matchConditions: Forbidden: this in-memory API server does not evaluate CEL match conditions: leave them out, or test this configuration against kube-apiserver
            webhooks[0].admissionReviewVersions: Invalid value: ["v3"]: must include at least one of v1, v1beta1
        "#]]
        .assert_eq(&problems(&json!([hook])));
    }
}
