use crate::{Failure, FailureKind, events::Event};

/// How a create went, as the loop sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateOutcome {
    /// Done, and the Event to send. Also a create refused because the namespace is being deleted, without an Event: its
    /// expectation stays, and nothing else can be created there anyhow.
    Done(Option<Event>),
    /// It may have happened: a timeout, or a connection lost after sending. No error; mark the expectation
    /// ([`creation_uncertain`](crate::expectations::Expectations::creation_uncertain)).
    Uncertain,
    /// It failed. Lower the expectation by this one and by every create that is not tried any more, send the Event and
    /// stop after this batch.
    Failed(Failure, Event),
}

/// Reads the result of a create: the pod's name, or how it failed.
#[must_use]
pub fn create_outcome(result: Result<&str, Failure>) -> CreateOutcome {
    match result {
        Ok(name) => CreateOutcome::Done(Some(Event::pod_created(name))),
        Err(failure) => match failure.kind {
            FailureKind::NamespaceTerminating => CreateOutcome::Done(None),
            FailureKind::Uncertain => CreateOutcome::Uncertain,
            _ => {
                let event = Event::pod_not_created(&failure.message);
                CreateOutcome::Failed(failure, event)
            }
        },
    }
}

/// How a delete went, as the loop sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteOutcome {
    /// Whether its deletion will be observed; if not, lower the expectation
    /// ([`deletion_observed`](crate::expectations::Expectations::deletion_observed)).
    pub awaited: bool,
    /// The Event to send.
    pub event: Option<Event>,
    /// The error, if it is one. The first of a sync becomes the sync's error.
    pub error: Option<Failure>,
}

/// Reads the result of deleting a pod. One that is gone already is no error. A delete of unknown outcome is one: it is
/// tried again, and deleting twice is the same as once.
#[must_use]
pub fn delete_outcome(pod: &str, result: Result<(), Failure>) -> DeleteOutcome {
    match result {
        Ok(()) => DeleteOutcome { awaited: true, event: Some(Event::pod_deleted(pod)), error: None },
        Err(failure) if failure.kind == FailureKind::NotFound => {
            DeleteOutcome { awaited: false, event: None, error: None }
        }
        Err(failure) => {
            let event = Event::pod_not_deleted(&failure.message);
            let error = Failure::new(failure.kind, format!("unable to delete pods: {failure}"));
            DeleteOutcome { awaited: false, event: Some(event), error: Some(error) }
        }
    }
}
