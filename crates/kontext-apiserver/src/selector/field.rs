//! Field selectors: `metadata.name=x,status.phase!=Running`, for the fields that a kind supports.

use serde_json::Value;

use crate::crd::CustomKind;

/// A parsed field selector; all terms must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector {
    /// The fields of the kind that may be asked for.
    supported: Supported,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Supported {
    BuiltIn(&'static [&'static str]),
    /// JSON paths, as a CustomResourceDefinition lists them.
    Custom(Vec<String>),
}

impl Default for Supported {
    fn default() -> Self {
        Self::BuiltIn(&[])
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    field: Field,
    value: String,
    negated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    Namespace,
    /// One of the fields that the kind supports.
    Supported(usize),
}

const EVENT: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

/// The fields of a kind besides `metadata.name` and `metadata.namespace`; `None` for a kind that has no others.
fn fields(group: &str, kind: &str) -> Option<&'static [&'static str]> {
    Some(match (group, kind) {
        ("", "Pod") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "Event") => EVENT,
        ("events.k8s.io", "Event") => EVENT,
        ("", "Node") => &["spec.unschedulable"],
        ("", "ReplicationController") => &["status.replicas"],
        ("", "Namespace") => &["status.phase"],
        ("", "Secret") => &["type"],
        ("", "Service") => &["spec.clusterIP", "spec.type"],
        ("batch", "Job") => &["status.successful"],
        ("certificates.k8s.io", "CertificateSigningRequest") => &["spec.signerName"],
        _ => return None,
    })
}

impl FieldSelector {
    /// Parses the `fieldSelector` query parameter for a kind.
    pub(crate) fn parse(group: &str, kind: &str, text: &str) -> Result<FieldSelector, String> {
        let supported = fields(group, kind);
        let mut terms = Vec::new();
        let mut parts = split_terms(text);
        parts.sort();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let Some((field, negated, value)) = split_term(part) else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            let field =
                if (group, kind, field) == ("", "Pod", "spec.host") { "spec.nodeName" } else { field };
            let position = || supported.and_then(|fields| fields.iter().position(|known| *known == field));
            let found = match field {
                "metadata.name" => Some(Field::Name),
                "metadata.namespace" => Some(Field::Namespace),
                _ => position().map(Field::Supported),
            };
            let Some(found) = found else {
                return Err(match (group, kind) {
                    ("batch", "Job") => format!("field label {field:?} not supported for Job"),
                    _ if supported.is_some() => format!("field label not supported: {field}"),
                    _ => format!(
                        "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                    ),
                });
            };
            terms.push(Term { field: found, value: unescape(value)?, negated });
        }
        Ok(FieldSelector { supported: Supported::BuiltIn(supported.unwrap_or_default()), terms })
    }

    /// Parses the `fieldSelector` query parameter for a custom resource with these selectable fields.
    pub(crate) fn parse_custom(paths: &[String], text: &str) -> Result<FieldSelector, String> {
        let mut terms = Vec::new();
        for part in split_terms(text).into_iter().filter(|part| !part.is_empty()) {
            let Some((name, negated, value)) = split_term(part) else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            let position = || paths.iter().position(|path| path.trim_start_matches('.') == name);
            let field = match name {
                "metadata.name" => Some(Field::Name),
                "metadata.namespace" => Some(Field::Namespace),
                _ => position().map(Field::Supported),
            };
            let field = field.ok_or_else(|| format!("field label not supported: {name}"))?;
            terms.push(Term { field, value: unescape(value)?, negated });
        }
        Ok(FieldSelector { supported: Supported::Custom(paths.to_vec()), terms })
    }

    /// Whether a custom resource must be decoded to say whether it fulfils the selector.
    pub(crate) fn looks_into_custom(&self) -> bool {
        matches!(self.supported, Supported::Custom(_))
            && self.terms.iter().any(|term| matches!(term.field, Field::Supported(_)))
    }

    /// Whether a custom resource fulfils the selector.
    pub(crate) fn matches_custom(&self, namespace: &str, name: &str, object: &Value) -> bool {
        let Supported::Custom(paths) = &self.supported else { return false };
        self.terms.iter().all(|term| {
            let value = match term.field {
                Field::Name => name.to_owned(),
                Field::Namespace => namespace.to_owned(),
                Field::Supported(index) => paths
                    .get(index)
                    .map(|path| CustomKind::selectable_value(path, object))
                    .unwrap_or_default(),
            };
            (value == term.value) != term.negated
        })
    }

    /// Whether it selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether an object fulfils the selector; an absent field is the empty text. `selectable` gives the values of the
    /// fields that the kind supports, made by the function that it is handed where they are not known yet.
    pub(crate) fn matches<'a>(
        &self,
        namespace: &str,
        name: &str,
        selectable: impl Fn(&dyn Fn(&Value) -> Box<[Box<str>]>) -> &'a [Box<str>],
    ) -> bool {
        let extract = |object: &Value| match &self.supported {
            Supported::BuiltIn(fields) => fields.iter().map(|f| value_of(object, f).into()).collect(),
            Supported::Custom(_) => Box::default(),
        };
        self.terms.iter().all(|term| {
            let value = match term.field {
                Field::Name => name,
                Field::Namespace => namespace,
                Field::Supported(index) => selectable(&extract).get(index).map_or("", |value| &**value),
            };
            (value == term.value) != term.negated
        })
    }

    /// The name that a selector asks for (`metadata.name=x`), if it is that specific.
    pub(crate) fn name(&self) -> Option<&str> {
        let names = |term: &&Term| term.field == Field::Name && !term.negated;
        self.terms.iter().find(names).map(|term| term.value.as_str())
    }
}

fn value_of(object: &Value, field: &str) -> String {
    let at = |path: &str| {
        let value = path.split('.').try_fold(object, |value, name| value.get(name));
        match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    };
    let or = |path: &str, empty: &str| {
        let value = at(path);
        if value.is_empty() { empty.to_owned() } else { value }
    };
    match field {
        "status.podIPs" => at("status.podIP"),
        "spec.hostNetwork" | "spec.unschedulable" => or(field, "false"),
        "status.replicas" => or(field, "0"),
        "status.successful" => or("status.succeeded", "0"),
        "reportingComponent" => or("reportingComponent", &at("reportingController")),
        "source" => or("source.component", &or("reportingComponent", &at("deprecatedSource.component"))),
        _ if field.starts_with("involvedObject.") => {
            or(field, &at(&field.replacen("involvedObject", "regarding", 1)))
        }
        _ => at(field),
    }
}

/// Splits at commas that no backslash escapes.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

/// The field, whether the term is negated, and the escaped value.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    term.char_indices().find_map(|(index, _)| {
        let rest = &term[index..];
        [("!=", true), ("==", false), ("=", false)].into_iter().find_map(|(operator, negated)| {
            rest.strip_prefix(operator).map(|value| (&term[..index], negated, value))
        })
    })
}

fn unescape(value: &str) -> Result<String, String> {
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => out.push(escaped),
                Some(other) => {
                    return Err(format!("invalid field selector: invalid escape sequence: \\{other}"));
                }
                None => return Err("invalid field selector: invalid escape sequence: \\".to_owned()),
            },
            ',' | '=' => {
                return Err(format!(
                    "invalid field selector: unescaped character in value: {}",
                    u32::from(character)
                ));
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    fn matches(selector: &FieldSelector, object: &Value) -> bool {
        let text = |field| object["metadata"][field].as_str().unwrap_or_default();
        selector.matches(text("namespace"), text("name"), |extract| Box::leak(extract(object)))
    }

    #[test]
    fn fields_of_a_pod_are_compared_as_text() {
        let pod = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": "a,b"}, "status": {"phase": "Running"}});
        for (selector, expected) in [
            ("metadata.name=p", true),
            ("metadata.name==p,metadata.namespace=n", true),
            ("metadata.name!=p", false),
            ("status.phase!=Pending,status.phase=Running", true),
            ("spec.nodeName=a\\,b", true),
            ("spec.host=a\\,b", true),
            ("spec.hostNetwork=false", true),
            ("status.podIP=", true),
            ("", true),
        ] {
            assert_eq!(
                matches(&FieldSelector::parse("", "Pod", selector).expect(selector), &pod),
                expected,
                "{selector}"
            );
        }
        let selector = FieldSelector::parse("", "Pod", "metadata.name=p").expect("valid");
        assert_eq!(selector.name(), Some("p"));
    }

    #[test]
    fn an_event_is_found_by_its_object_in_either_api() {
        let selector = FieldSelector::parse("", "Event", "involvedObject.name=web,source=x").expect("valid");
        for event in [
            json!({"involvedObject": {"name": "web"}, "source": {"component": "x"}}),
            json!({"involvedObject": {"name": "web"}, "source": {}, "reportingComponent": "x"}),
        ] {
            assert!(matches(&selector, &event));
        }
    }

    // The messages are those of a kube-apiserver 1.36.3.
    #[test]
    fn what_is_not_supported_is_refused() {
        let mut out = String::new();
        for (group, kind, text) in [
            ("", "Pod", "spec.foo=x"),
            ("apps", "Deployment", "spec.replicas=1"),
            ("apps", "ReplicaSet", "status.replicas=1"),
            ("batch", "Job", "spec.replicas=1"),
            ("", "Pod", "metadata.name"),
            ("", "Pod", "metadata.name=a\\x"),
            ("", "Pod", "metadata.name=a=b"),
        ] {
            out.push_str(&format!(
                "{text}: {}\n",
                FieldSelector::parse(group, kind, text).expect_err("refused")
            ));
        }
        expect![[r#"
            spec.foo=x: field label not supported: spec.foo
            spec.replicas=1: "spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"
            status.replicas=1: "status.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"
            spec.replicas=1: field label "spec.replicas" not supported for Job
            metadata.name: invalid selector: 'metadata.name'; can't understand 'metadata.name'
            metadata.name=a\x: invalid field selector: invalid escape sequence: \x
            metadata.name=a=b: invalid field selector: unescaped character in value: 61
        "#]]
        .assert_eq(&out);
    }
}
