//! Telemetry that keeps all it is told.

use std::{collections::HashMap, time::Duration};

use kontext::{CauseSet, Controller, Counted, ObjectRef, OpenSpan, Outcome, ReconcileStart, Telemetry};
use parking_lot::Mutex;
use tracing::Span;

/// A reconcile that opened its span.
#[derive(Clone, Debug)]
pub struct Opened {
    pub controller: String,
    pub object: ObjectRef,
    pub causes: CauseSet,
}

#[derive(Default)]
pub struct Recording {
    counts: Mutex<HashMap<Counted, u64>>,
    opened: Mutex<Vec<Opened>>,
    actions: Mutex<Vec<(String, Outcome)>>,
}

impl Recording {
    pub fn counted(&self, counted: Counted) -> u64 {
        self.counts.lock().get(&counted).copied().unwrap_or(0)
    }
    pub fn opened(&self) -> Vec<Opened> {
        self.opened.lock().clone()
    }
    /// The actions that ended, with how.
    pub fn actions(&self) -> Vec<(String, Outcome)> {
        self.actions.lock().clone()
    }
    pub fn forget(&self) {
        self.counts.lock().clear();
        self.opened.lock().clear();
        self.actions.lock().clear();
    }
}

impl Telemetry for Recording {
    fn open_reconcile(&self, start: ReconcileStart<'_>) -> OpenSpan {
        self.opened.lock().push(Opened {
            controller: start.controller.name.to_string(),
            object: start.object.clone(),
            causes: start.causes.clone(),
        });
        OpenSpan { span: Span::none(), traceparent: None }
    }
    fn open_action(&self, _: &Span, _: &str, _: &ObjectRef) -> OpenSpan {
        OpenSpan { span: Span::none(), traceparent: None }
    }
    fn action_ended(&self, _: &Controller, name: &str, outcome: &Outcome, _: Duration) {
        self.actions.lock().push((name.to_owned(), outcome.clone()));
    }
    fn count(&self, counted: Counted, number: u64) {
        *self.counts.lock().entry(counted).or_default() += number;
    }
}
