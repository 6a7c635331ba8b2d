//! The two rounds of admission by webhooks: mutating ones in order, validating ones at once.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::answer::{Answer, answer};
use super::attributes::{Attributes, Kind, Operation};
use super::failure::Failure;
use super::hook::{Hook, Hooks};
use super::matching::{self, Invocation};
use super::transport::Answered;
use super::{patch, review, trace};
use crate::error::ApiError;
use crate::fields;
use crate::kinds::Registry;
use crate::managed_fields;
use crate::object;
use crate::schema;
use crate::server::Shared;
use crate::service::Warnings;
use crate::service::with_defaults;
use crate::store::Key;

/// Admission of one request by the webhooks that are configured at its beginning.
pub(crate) struct Admission<'a> {
    shared: &'a Shared,
    registry: Arc<Registry>,
    hooks: Arc<Hooks>,
    warnings: &'a Warnings,
    trace: Vec<(HeaderName, HeaderValue)>,
    attributes: Attributes<'a>,
}

impl<'a> Admission<'a> {
    /// Nothing if there is nobody to ask.
    pub(crate) fn of(
        shared: &'a Shared,
        headers: &HeaderMap,
        warnings: &'a Warnings,
        attributes: impl FnOnce() -> Result<Attributes<'a>, ApiError>,
    ) -> Result<Option<Self>, ApiError> {
        let Some(hooks) = shared.webhooks.hooks(&shared.store) else { return Ok(None) };
        let attributes = attributes()?;
        if attributes.is_exempt() {
            return Ok(None);
        }
        let (registry, trace) = (shared.registry(), trace::headers(headers));
        Ok(Some(Self { shared, registry, hooks, warnings, trace, attributes }))
    }

    /// Asks the mutating webhooks, one after the other. Objects are in the form of the request; `plugins` is what the
    /// built-in plugins do, which go again before webhooks are asked a second time.
    pub(crate) async fn mutate(
        &self,
        object: Option<Value>,
        old: Option<&Value>,
        plugins: &(dyn Fn(&mut Value) + Sync),
    ) -> Result<Option<Value>, ApiError> {
        if self.hooks.mutating.is_empty() {
            return Ok(object);
        }
        let owned = object.as_ref().map(|object| object["metadata"]["managedFields"].clone());
        let mut round = Round { object, asked: HashSet::new(), again: HashSet::new(), changed: false };
        for (index, hook) in self.hooks.mutating.iter().enumerate() {
            self.mutate_by(index, hook, old, &mut round).await?;
        }
        if round.changed {
            if let Some(object) = &mut round.object {
                let before = object.clone();
                plugins(object);
                if *object != before {
                    round.again.extend(round.asked.drain());
                }
            }
            let again = std::mem::take(&mut round.again);
            for (index, hook) in self.hooks.mutating.iter().enumerate() {
                if again.contains(&index) || round.again.contains(&index) {
                    self.mutate_by(index, hook, old, &mut round).await?;
                }
            }
        }
        if let (Some(object), Some(owned)) = (&mut round.object, owned) {
            self.keep_valid_ownership(object, owned);
        }
        Ok(round.object)
    }

    /// Asks the validating webhooks, all at once. Of several refusals the first configured one is told.
    pub(crate) async fn validate(&self, object: Option<&Value>, old: Option<&Value>) -> Result<(), ApiError> {
        let mut invocations = Vec::new();
        for hook in &self.hooks.validating {
            if let Some(invocation) = self.invocation(hook, object, old)? {
                invocations.push((hook, invocation));
            }
        }
        let asking = invocations.iter().map(|(hook, invocation)| async move {
            let answer = self.ask(hook, invocation, object, old, false).await;
            answer.map_or_else(|failure| failure.verdict(&hook.name, hook.ignore_failures), |_| Ok(()))
        });
        join_all(asking).await.into_iter().collect()
    }

    async fn mutate_by(
        &self,
        index: usize,
        hook: &Hook,
        old: Option<&Value>,
        round: &mut Round,
    ) -> Result<(), ApiError> {
        let Some(invocation) = self.invocation(hook, round.object.as_ref(), old)? else { return Ok(()) };
        let asked = self.ask(hook, &invocation, round.object.as_ref(), old, true).await;
        let patched = asked.and_then(|answer| {
            let seen = round.object.as_ref().map(|object| self.in_version_of(&invocation, object));
            let patched = patch::apply(seen.as_deref(), &hook.name, &answer.patch)?;
            patched.map(|patched| self.settled(&invocation, patched)).transpose()
        });
        match patched {
            Ok(Some(patched)) => {
                if round.object.as_ref() != Some(&patched) {
                    round.changed = true;
                    round.again.extend(round.asked.drain());
                }
                round.object = Some(patched);
            }
            Ok(None) => {}
            Err(failure) => failure.verdict(&hook.name, hook.ignore_failures)?,
        }
        if hook.reinvoke {
            round.asked.insert(index);
        }
        Ok(())
    }

    /// Whether and how a webhook is asked.
    fn invocation(
        &self,
        hook: &Hook,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Result<Option<Invocation>, ApiError> {
        if !matching::selects_object(hook, object, old) {
            return Ok(None);
        }
        let Some(invocation) = matching::invocation(hook, &self.attributes, &self.registry) else {
            return Ok(None);
        };
        if matching::asks_for_namespace(hook, &self.attributes) {
            let labels = self.namespace_labels(object)?;
            if !matching::selects_namespace(hook, &labels) {
                return Ok(None);
            }
        }
        Ok(Some(invocation))
    }

    /// The labels of the namespace that the request is in; of a namespace that is written, the new ones.
    fn namespace_labels(&self, object: Option<&Value>) -> Result<Value, ApiError> {
        let attributes = &self.attributes;
        let target = attributes.target;
        let written = target.resource.plural == "namespaces"
            && target.subresource.is_empty()
            && attributes.operation != Operation::Delete;
        if let (true, Some(object)) = (written, object) {
            return Ok(object["metadata"]["labels"].clone());
        }
        let Some(namespaces) = self.registry.find("", "v1", "namespaces") else { return Ok(Value::Null) };
        let found = self.shared.store.find(namespaces.table, &Key::new("", &attributes.namespace));
        let namespace = found.ok_or_else(|| ApiError::not_found(namespaces, &attributes.namespace))?;
        Ok(namespace.value()["metadata"]["labels"].clone())
    }

    async fn ask(
        &self,
        hook: &Hook,
        invocation: &Invocation,
        object: Option<&Value>,
        old: Option<&Value>,
        mutating: bool,
    ) -> Result<Answer, Failure> {
        if self.attributes.dry_run && !hook.dry_run {
            return Err(Failure::dry_run_unsupported(&hook.name));
        }
        let version = hook.review_version.ok_or_else(|| {
            let why = "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)";
            Failure::Calling(why.to_owned())
        })?;
        let uid = self.shared.random.uid();
        let object = object.map(|object| self.in_version_of(invocation, object));
        let old = old.map(|old| self.in_version_of(invocation, old));
        let generated = object.as_deref().filter(|_| !mutating && self.attributes.name.is_empty());
        let mut attributes = Cow::Borrowed(&self.attributes);
        if let (Some(object), Operation::Create) = (generated, self.attributes.operation) {
            // By now the generated name is known.
            object::name(object).clone_into(&mut attributes.to_mut().name);
        }
        let review =
            review::review(version, &uid, &attributes, invocation, object.as_deref(), old.as_deref());
        let asked = self.shared.transport.ask(hook, Bytes::from(review.to_string()), &self.trace).await;
        let body = asked.and_then(body_of).map_err(Failure::call)?;
        let answer = answer(version, &uid, mutating, &body)?;
        for warning in &answer.warnings {
            self.warnings.add(warning.as_str());
        }
        match &answer.refusal {
            Some(status) => Err(Failure::denied(&hook.name, status)),
            None => Ok(answer),
        }
    }

    /// An object in the version that a webhook is asked in.
    fn in_version_of<'o>(&self, invocation: &Invocation, object: &'o Value) -> Cow<'o, Value> {
        let asked = &self.attributes.target.resource;
        if Arc::ptr_eq(asked, &invocation.resource) || invocation.kind == self.attributes.kind {
            return Cow::Borrowed(object);
        }
        let mut other = object.clone();
        asked.decode(&mut other);
        invocation.resource.encode(&mut other);
        Cow::Owned(other)
    }

    /// What a webhook made of an object: it must still be one, gets its defaults, and returns to the request's version.
    fn settled(&self, invocation: &Invocation, mut object: Value) -> Result<Value, Failure> {
        let Kind { group, version, kind } = &invocation.kind;
        let api_version = crate::kinds::api_version(group, version);
        // Unknown fields are dropped.
        fields::check(&api_version, kind, &mut object).map_err(Failure::internal)?;
        let resource = &invocation.resource;
        if (&resource.kind, &resource.group) == (kind, group) {
            resource.decode(&mut object);
            with_defaults(resource, &mut object);
            self.attributes.target.resource.encode(&mut object);
        } else if let Some(definition) = schema::of(group, kind) {
            schema::normalize(definition, &mut object);
        }
        Ok(object)
    }

    /// Field ownership that a webhook has broken is put back, with a warning.
    fn keep_valid_ownership(&self, object: &mut Value, before: Value) {
        let Err(why) = managed_fields::validate(&object["metadata"]["managedFields"]) else { return };
        self.warnings.add(format!(
            ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: {why}"
        ));
        object::metadata(object).insert("managedFields".to_owned(), before);
    }
}

/// What happens while mutating webhooks are asked.
struct Round {
    object: Option<Value>,
    /// Those that want to see later changes, and were asked since the last one.
    asked: HashSet<usize>,
    /// Those to be asked once more.
    again: HashSet<usize>,
    changed: bool,
}

/// The body of an answer with a good status.
fn body_of(answered: Answered) -> Result<Bytes, String> {
    if (200..=206).contains(&answered.status.as_u16()) {
        if answered.body.is_empty() {
            let status = answered.status.as_u16();
            return Err(format!(
                "0-length response with status code: {status} and content type: {}",
                answered.content_type
            ));
        }
        return Ok(answered.body);
    }
    Err(status_error(&answered))
}

/// What Go's client makes of an answer that is no success.
fn status_error(answered: &Answered) -> String {
    if let Ok(status) = serde_json::from_slice::<Value>(&answered.body)
        && status["kind"] == "Status"
        && status["status"] == "Failure"
    {
        return status["message"].as_str().unwrap_or_default().to_owned();
    }
    let shown = &answered.body[..answered.body.len().min(2048)];
    let text = String::from_utf8_lossy(shown);
    let said = if answered.is_text { text.trim() } else { "unknown" };
    match answered.status {
        StatusCode::CONFLICT => "the server reported a conflict".to_owned(),
        StatusCode::NOT_FOUND => "the server could not find the requested resource".to_owned(),
        StatusCode::BAD_REQUEST => "the server rejected our request for an unknown reason".to_owned(),
        StatusCode::UNAUTHORIZED => {
            "the server has asked for the client to provide credentials".to_owned()
        }
        StatusCode::FORBIDDEN | StatusCode::UNSUPPORTED_MEDIA_TYPE => said.to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => {
            "the server does not allow this method on the requested resource".to_owned()
        }
        StatusCode::UNPROCESSABLE_ENTITY => {
            "the server rejected our request due to an error in our request".to_owned()
        }
        StatusCode::SERVICE_UNAVAILABLE => "the server is currently unable to handle the request".to_owned(),
        StatusCode::GATEWAY_TIMEOUT => {
            "the server was unable to return a response in the time allotted, but may still be processing the request".to_owned()
        }
        StatusCode::TOO_MANY_REQUESTS => {
            "the server has received too many requests and has asked us to try again later".to_owned()
        }
        code if code.is_server_error() => {
            format!("an error on the server ({said:?}) has prevented the request from succeeding")
        }
        code => format!(
            "the server responded with the status code {} but did not return more information",
            code.as_u16()
        ),
    }
}
