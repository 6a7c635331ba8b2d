//! Scripts: what is sent, as data.
//!
//! Texts in paths, queries and bodies may have `$NS`, the namespace that a play has for itself (cluster-scoped names
//! begin with it), and `${3:/metadata/uid}`, a value of what step 3 answered by JSON pointer.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Steps to be sent one after the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    /// What the script shows, for fixed cases; lines that begin with `#` in a file.
    pub about: String,
    /// The steps.
    pub steps: Vec<Step>,
}

/// One step. Ids are unique in a script and stay when steps around it are dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What references name this step by.
    pub id: u32,
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// One request and its answer.
    Send(Request),
    /// Opens a watch, whose events are collected from here on.
    Watch(Watch),
    /// Ends the watch that this step opened: writes its last object, and answers with all events before that.
    Close(u32),
}

/// A request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Query parameters, not yet encoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// `Content-Type`; `application/json` where there is a body and nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Accept`; `application/json` where nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<String>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// A JSON value.
    Json(Value),
    /// Anything else.
    Text(String),
    /// What an earlier step answered, changed.
    Answer {
        /// The step.
        of: u32,
        /// The changes, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        edits: Vec<Edit>,
    },
}

/// One change of a JSON value. A place that is not there is made for `set`, and is no concern of `remove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edit {
    /// Puts a value at a JSON pointer.
    Set(String, Value),
    /// Takes away what is at a JSON pointer.
    Remove(String),
}

/// A watch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// The path of the collection.
    pub path: String,
    /// Query parameters besides `watch`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// `Accept`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<String>,
    /// The request that makes the object whose event ends the watch, and its name. Without one the watch must end by
    /// itself (`timeoutSeconds`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<(Request, String)>,
}

impl Script {
    /// Reads JSON lines. Lines that begin with `#` say what the script is about.
    pub fn parse(text: &str) -> Result<Self> {
        let mut script = Self::default();
        for (number, line) in text.lines().enumerate() {
            if let Some(about) = line.strip_prefix('#') {
                script.about.push_str(about.trim());
                script.about.push('\n');
            } else if !line.trim().is_empty() {
                let step = serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
                script.steps.push(step);
            }
        }
        Ok(script)
    }

    /// Writes JSON lines.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for line in self.about.lines() {
            text.push_str(&format!("# {line}\n"));
        }
        for step in &self.steps {
            text.push_str(&serde_json::to_string(step).expect("a step is plain JSON"));
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_script_reads_back_as_it_was_written() {
        let request = Request {
            method: "PUT".into(),
            path: "/api/v1/namespaces/$NS/configmaps/a".into(),
            query: vec![("dryRun".into(), "All".into())],
            body: Some(Body::Answer { of: 1, edits: vec![Edit::Set("/data/a".into(), json!("1"))] }),
            ..Request::default()
        };
        let watch = Watch { path: "/x".into(), query: Vec::new(), accept: None, last: None };
        let script = Script {
            about: "one\ntwo\n".into(),
            steps: vec![
                Step { id: 2, action: Action::Send(request) },
                Step { id: 3, action: Action::Watch(watch) },
                Step { id: 4, action: Action::Close(3) },
            ],
        };
        assert_eq!(Script::parse(&script.to_text()).unwrap(), script);
    }
}
