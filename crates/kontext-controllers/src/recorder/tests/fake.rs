//! An API server for Events alone, with failures as told.

use std::{collections::BTreeMap, future::pending, sync::Arc};

use kontext::Context;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Duration, Instant, sleep},
};

use super::super::{Created, EventSink, SinkError};

/// What the server does with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// Does it, unless the Event is there already or is not there.
    Do,
    /// Does it after a while.
    After(Duration),
    /// Does it and answers with an error.
    DoAndFail,
    /// Answers with an error.
    Fail,
    Refuse,
    Terminating,
    Hang,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) at: Duration,
    pub(super) verb: &'static str,
    pub(super) object: String,
    pub(super) body: Value,
    pub(super) action: Option<String>,
}

type Script = dyn Fn(&Request, usize) -> Answer + Send + Sync;

#[derive(Clone)]
pub(super) struct Fake(Arc<Inner>);

struct Inner {
    start: Instant,
    script: Box<Script>,
    requests: Mutex<Vec<Request>>,
    events: Mutex<BTreeMap<String, Value>>,
    came: watch::Sender<usize>,
}

impl Fake {
    pub(super) fn new(script: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            script: Box::new(script),
            requests: Mutex::default(),
            events: Mutex::default(),
            came: watch::Sender::new(0),
        }))
    }

    /// Answers requests about an object, by the number of those about it that came before, from the list; the last
    /// for ever.
    pub(super) fn answering(answers: &'static [Answer]) -> Self {
        Self::new(|_, number| *answers.get(number).or(answers.last()).unwrap())
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.0.requests.lock().clone()
    }

    /// `seconds verb object` of each request.
    pub(super) fn log(&self) -> String {
        let line = |r: &Request| format!("{:<6.1} {} {}\n", r.at.as_secs_f64(), r.verb, r.object);
        self.requests().iter().map(line).collect()
    }

    /// The Events by name.
    pub(super) fn events(&self) -> BTreeMap<String, Value> {
        self.0.events.lock().clone()
    }

    pub(super) fn forget_all(&self) {
        self.0.events.lock().clear();
    }

    pub(super) fn total(&self) -> u64 {
        self.events().values().map(|event| event["count"].as_u64().unwrap()).sum()
    }

    /// Waits until so many requests came.
    pub(super) async fn came(&self, number: usize) {
        self.0.came.subscribe().wait_for(|came| *came >= number).await.unwrap();
    }

    async fn request(
        &self,
        request: Request,
        done: impl Fn() -> Result<Created, SinkError>,
    ) -> Result<Created, SinkError> {
        let answer = {
            let mut requests = self.0.requests.lock();
            let before = requests.iter().filter(|r| r.object == request.object).count();
            requests.push(request.clone());
            self.0.came.send_replace(requests.len());
            (self.0.script)(&request, before)
        };
        match answer {
            Answer::Do => done(),
            Answer::After(delay) => {
                sleep(delay).await;
                done()
            }
            Answer::DoAndFail => {
                done()?;
                Err(SinkError::Transient("connection reset".into()))
            }
            Answer::Fail => Err(SinkError::Transient("connection refused".into())),
            Answer::Refuse => Err(SinkError::Rejected("invalid".into())),
            Answer::Terminating => Err(SinkError::NamespaceTerminating),
            Answer::Hang => pending().await,
        }
    }

    fn came_now(&self, verb: &'static str, name: &str, body: &Value, context: &Context) -> Request {
        Request {
            at: self.0.start.elapsed(),
            verb,
            object: name.rsplit_once('.').unwrap().0.to_owned(),
            body: body.clone(),
            action: context.action().map(|action| action.name.to_string()),
        }
    }
}

fn done(name: &str) -> Created {
    Created { name: name.to_owned(), resource_version: "1".to_owned() }
}

impl EventSink for Fake {
    async fn create(&self, context: &Context, namespace: &str, event: &Value) -> Result<Created, SinkError> {
        assert_eq!(event["metadata"]["namespace"], namespace);
        let name = event["metadata"]["name"].as_str().unwrap();
        let create = || {
            let mut events = self.0.events.lock();
            if events.contains_key(name) {
                return Err(SinkError::AlreadyExists);
            }
            events.insert(name.to_owned(), event.clone());
            Ok(done(name))
        };
        self.request(self.came_now("create", name, event, context), create).await
    }

    async fn patch(
        &self,
        context: &Context,
        _: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Created, SinkError> {
        let change = || {
            let mut events = self.0.events.lock();
            let event = events.get_mut(name).ok_or_else(|| SinkError::NotFound(name.into()))?;
            for (field, value) in patch.as_object().unwrap() {
                event[field] = value.clone();
            }
            Ok(done(name))
        };
        self.request(self.came_now("patch", name, patch, context), change).await
    }
}
