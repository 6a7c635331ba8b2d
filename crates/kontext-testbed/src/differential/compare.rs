//! The difference between two answers: every place where they differ.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::play::Answer;
use super::script::{Action, Request, Step};

/// One place where two answers differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The place: `status`, `warnings`, ..., or a JSON pointer into the body with `body` before it.
    pub at: String,
    /// What the real server answered there; null where there is nothing.
    pub real: Value,
    /// What the in-memory server answered there.
    pub ours: Value,
}

/// A step that was answered differently.
#[derive(Debug, Clone)]
pub struct Divergence {
    /// The step.
    pub step: Step,
    /// The real server's answer, normalised.
    pub real: Answer,
    /// The in-memory server's answer, normalised.
    pub ours: Answer,
    /// Every difference that is not kept on purpose.
    pub differences: Vec<Difference>,
}

/// Every place where the answers differ.
pub(super) fn compare(real: &Answer, ours: &Answer) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut note = |at: &str, real: Value, ours: Value| {
        if real != ours {
            found.push(Difference { at: at.to_owned(), real, ours });
        }
    };
    note("status", json!(real.status), json!(ours.status));
    note("content type", json!(real.content_type), json!(ours.content_type));
    note("warnings", json!(real.warnings), json!(ours.warnings));
    note("retry-after", json!(real.retry_after), json!(ours.retry_after));
    values("body", &real.body, &ours.body, &mut found);
    found
}

fn values(at: &str, real: &Value, ours: &Value, found: &mut Vec<Difference>) {
    match (real, ours) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                match (left.get(key), right.get(key)) {
                    (Some(left), Some(right)) => values(&at, left, right, found),
                    // A field that is null and one that is missing are two things to clients that look.
                    (left, right) => found.push(Difference {
                        at,
                        real: left.cloned().unwrap_or(json!("<missing>")),
                        ours: right.cloned().unwrap_or(json!("<missing>")),
                    }),
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                values(&format!("{at}/{index}"), left, right, found);
            }
        }
        _ if real != ours => {
            found.push(Difference { at: at.to_owned(), real: real.clone(), ours: ours.clone() });
        }
        _ => {}
    }
}

impl Divergence {
    /// What kind of difference this is, for counting: request and places without names and indices.
    pub fn signature(&self) -> String {
        let request = match &self.step.action {
            Action::Send(request) => describe(request),
            Action::Watch(watch) => format!("WATCH {}", general_path(&watch.path)),
            Action::Close(_) => "events of a watch".to_owned(),
        };
        let codes = if self.real.status == self.ours.status {
            self.real.status.to_string()
        } else {
            format!("{} here, {} there", self.ours.status, self.real.status)
        };
        let mut places: Vec<String> = self.differences.iter().map(|d| general(&d.at)).collect();
        places.dedup();
        places.truncate(4);
        format!("{request} -> {codes}: {}", places.join(" "))
    }

    /// Whether what the servers hold may differ from here on: later differences may only follow from this one.
    pub fn lasting(&self) -> bool {
        let failed = |answer: &Answer| answer.status >= 400;
        let reads = match &self.step.action {
            Action::Send(request) => {
                request.method == "GET" || request.query.iter().any(|(key, _)| key == "dryRun")
            }
            Action::Watch(_) | Action::Close(_) => true,
        };
        !(reads || failed(&self.real) && failed(&self.ours))
    }
}

fn describe(request: &Request) -> String {
    let kind = request.content_type.as_deref().and_then(|kind| kind.split('/').nth(1)).unwrap_or_default();
    format!("{} {} {kind}", request.method, general_path(&request.path)).trim_end().to_owned()
}

/// A path without the names of this script.
fn general_path(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let rest = match segments.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        other => other,
    };
    let rest = match rest {
        ["namespaces", _, rest @ ..] if !rest.is_empty() && !matches!(rest[0], "status" | "finalize") => rest,
        other => other,
    };
    match rest {
        [plural] => (*plural).to_owned(),
        [plural, _, rest @ ..] => [&[*plural, "*"], rest].concat().join("/"),
        [] => path.to_owned(),
    }
}

/// A place without indices.
fn general(at: &str) -> String {
    at.split('/')
        .map(|segment| if segment.bytes().all(|byte| byte.is_ascii_digit()) { "*" } else { segment })
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_named_and_null_is_not_missing() {
        let real = Answer { status: 200, body: json!({"a": [1, {"b": null}], "c": 1}), ..Answer::default() };
        let ours = Answer { status: 201, body: json!({"a": [1, {}], "c": 1}), ..Answer::default() };
        let at: Vec<_> = compare(&real, &ours).into_iter().map(|difference| difference.at).collect();
        assert_eq!(at, ["status", "body/a/1/b"]);
    }

    #[test]
    fn signatures_leave_out_names() {
        assert_eq!(general_path("/apis/apps/v1/namespaces/$NS/deployments/a/scale"), "deployments/*/scale");
        assert_eq!(general_path("/api/v1/namespaces/$NS"), "namespaces/*");
        assert_eq!(general_path("/api/v1/namespaces/$NS/status"), "namespaces/*/status");
        assert_eq!(general_path("/api/v1/nodes"), "nodes");
    }
}
