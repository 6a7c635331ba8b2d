use std::sync::Arc;

use super::step::{Step, StepResult};
use crate::{
    Failure, FailureKind,
    model::{Deployment, ReplicaSet},
};

/// Why straight-line code stops.
#[derive(Debug)]
pub(super) enum Halt {
    /// This step has no result yet.
    Pending(Box<Step>),
    /// A step failed.
    Failed(Failure),
    /// A step was answered with the wrong kind of result: a bug of the caller, which no rule about failed steps covers.
    Unfit(Failure),
}

/// The results so far, handed out in order; the first step beyond them halts.
pub(super) struct Journal<'a>(std::slice::Iter<'a, StepResult>);

impl<'a> Journal<'a> {
    pub(super) fn new(results: &'a [StepResult]) -> Self {
        Self(results.iter())
    }

    fn run(&mut self, step: impl FnOnce() -> Step) -> Result<&'a StepResult, Halt> {
        match self.0.next() {
            None => Err(Halt::Pending(Box::new(step()))),
            Some(StepResult::Failed(failure)) => Err(Halt::Failed(failure.clone())),
            Some(result) => Ok(result),
        }
    }

    pub(super) fn replica_set(&mut self, step: impl FnOnce() -> Step) -> Result<Arc<ReplicaSet>, Halt> {
        match self.run(step)? {
            StepResult::ReplicaSet(set) => Ok(Arc::clone(set)),
            other => Err(unfit("a ReplicaSet", other)),
        }
    }

    pub(super) fn deployment(&mut self, step: impl FnOnce() -> Step) -> Result<Arc<Deployment>, Halt> {
        match self.run(step)? {
            StepResult::Deployment(deployment) => Ok(Arc::clone(deployment)),
            other => Err(unfit("a Deployment", other)),
        }
    }

    pub(super) fn done(&mut self, step: impl FnOnce() -> Step) -> Result<(), Halt> {
        self.run(step).map(|_| ())
    }
}

/// A shell that answers with the wrong kind of result is a bug; it must not pass for success.
fn unfit(wanted: &str, got: &StepResult) -> Halt {
    let got = match got {
        StepResult::ReplicaSet(_) => "a ReplicaSet",
        StepResult::Deployment(_) => "a Deployment",
        StepResult::Done => "nothing",
        StepResult::Failed(_) => "a failure",
    };
    Halt::Unfit(Failure::new(FailureKind::Other, format!("a step was to return {wanted} and returned {got}")))
}
