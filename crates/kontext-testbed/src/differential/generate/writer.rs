//! A script in the making.

use serde_json::{Value, json};

use super::super::dice::Dice;
use super::super::script::{Action, Body, Request, Script, Step, Watch};
use super::kinds::Kind;

/// The names of objects in scripts: few, so that they meet.
const NAMES: [&str; 3] = ["a", "b", "c"];

/// A script in the making.
pub(super) struct Writer {
    pub(super) dice: Dice,
    steps: Vec<Step>,
    next: u32,
    /// Answers that may be an object, by plural and name, the latest last.
    answers: Vec<(&'static str, String, u32)>,
    watches: Vec<u32>,
    lasts: usize,
    /// Whether the namespace was deleted: from then on nothing can be created.
    pub(super) terminating: bool,
    /// Whether values are tried about which the servers are known to differ.
    pub(super) frontier: bool,
    /// Whether an object was given a random name.
    pub(super) generated: bool,
}

impl Writer {
    pub(super) fn new(dice: Dice, frontier: bool) -> Self {
        Self {
            dice,
            steps: Vec::new(),
            next: 1,
            answers: Vec::new(),
            watches: Vec::new(),
            lasts: 0,
            terminating: false,
            frontier,
            generated: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Ends the script: all watches are closed.
    pub(super) fn finish(mut self) -> Script {
        self.close_watches();
        Script { about: String::new(), steps: self.steps }
    }

    /// Closes the watches that are open.
    pub(super) fn close_watches(&mut self) {
        for watch in std::mem::take(&mut self.watches) {
            self.push(Action::Close(watch));
        }
    }

    fn push(&mut self, action: Action) -> u32 {
        let id = self.next;
        self.next += 1;
        self.steps.push(Step { id, action });
        id
    }

    pub(super) fn send(&mut self, request: Request) -> u32 {
        self.push(Action::Send(request))
    }

    pub(super) fn open(&mut self, watch: Watch) {
        let id = self.push(Action::Watch(watch));
        self.watches.push(id);
    }

    /// One of the names that scripts use. Names of cluster-scoped objects begin with the script's namespace.
    pub(super) fn name(&mut self, kind: &Kind) -> String {
        // Mostly one that was written before: a script of refusals tells little.
        let mut written =
            self.answers.iter().filter(|(plural, ..)| *plural == kind.plural).map(|(_, name, _)| name);
        let count = written.clone().count();
        if count > 0 && self.dice.chance(75) {
            let index = self.dice.below(count);
            return written.nth(index).cloned().unwrap_or_default();
        }
        let name = self.dice.word(&NAMES);
        kind.scoped_name(name)
    }

    /// A name for a new object.
    pub(super) fn new_name(&mut self, kind: &Kind) -> String {
        let name = self.dice.word(&NAMES);
        kind.scoped_name(name)
    }

    /// A name that was not used before, for the last object of a watch.
    pub(super) fn last_name(&mut self, kind: &Kind) -> String {
        self.lasts += 1;
        kind.scoped_name(&format!("last-{}", self.lasts))
    }

    /// Notes that the answer of a step may be this object.
    pub(super) fn answered(&mut self, kind: &Kind, name: &str, step: u32) {
        self.answers.push((kind.plural, name.to_owned(), step));
    }

    /// An earlier answer that may be this object: the latest, or any.
    pub(super) fn earlier(&mut self, kind: &Kind, name: &str) -> Option<u32> {
        let steps: Vec<u32> = self
            .answers
            .iter()
            .filter(|(plural, known, _)| *plural == kind.plural && known == name)
            .map(|(.., step)| *step)
            .collect();
        (!steps.is_empty()).then(|| *self.dice.pick(&steps))
    }

    /// Reads an object; the step.
    pub(super) fn read(&mut self, kind: &Kind, name: &str) -> u32 {
        let id = self.send(Request { method: "GET".into(), path: kind.path(name), ..Request::default() });
        self.answered(kind, name, id);
        id
    }

    /// The options that all writes have.
    pub(super) fn write_options(&mut self) -> Vec<(String, String)> {
        let mut query = Vec::new();
        let mut add = |key: &str, value: &str| query.push((key.to_owned(), value.to_owned()));
        if self.dice.chance(8) {
            add("dryRun", if self.dice.chance(90) { "All" } else { "Some" });
        }
        if self.dice.chance(25) {
            add("fieldValidation", self.dice.word(&["Strict", "Strict", "Warn", "Ignore", "Other"]));
        }
        if self.dice.chance(25) {
            add("fieldManager", self.dice.word(&["m1", "m2", "m3", "m1", "m2", "m3", "bad\u{1}name"]));
        }
        query
    }
}

/// A request with a JSON body.
pub(super) fn with_body(method: &str, path: String, query: Vec<(String, String)>, body: Value) -> Request {
    Request { method: method.into(), path, query, body: Some(Body::Json(body)), ..Request::default() }
}

/// The object of a kind's template under a name.
pub(super) fn object(kind: &Kind, name: &str) -> Value {
    let mut object = kind.template.clone();
    object["apiVersion"] = json!(kind.group_version);
    object["kind"] = json!(kind.kind);
    object["metadata"]["name"] = json!(name);
    object["metadata"]["labels"]["script"] = json!("$NS");
    object
}
