//! Finding the write behind a cause: on the live object, or in an Event of the same action.

use kontext_core::{StampCause, TraceId, text::harmless};
use serde_json::Value;

use super::{Asked, Walk, told::cause_key};
use crate::{
    model::Source,
    observe::{Key, Known},
    read::{Read, Reading, View, reading},
};

/// A stamp with the trace that was looked for.
pub(super) struct Found {
    pub(super) read: Read,
    /// It is of the very action, and not of another one of the same reconcile.
    pub(super) exact: bool,
}

impl Walk<'_> {
    /// The stamp of the write that `cause` names.
    pub(super) fn find_write(&mut self, read: &Read, cause: &StampCause) -> Asked<Option<Found>> {
        let Some(trace_id) = cause.trace_id else { return Ok(None) };
        let namespace = read.about.namespace();
        let Some(key) = cause_key(cause, namespace) else { return Ok(None) };
        let is_exact = |read: &Read| cause.action.as_ref().is_none_or(|action| *action == read.stamp.action);

        let live = self.object(&key)?;
        let on_object = live
            .and_then(|view| reading(&view, self.keys).own())
            .filter(|read| has_trace(read, trace_id))
            .map(|read| Found { exact: is_exact(&read), read });
        if let Some(found) = on_object.as_ref().filter(|found| found.exact) {
            return Ok(Some(Found { read: found.read.clone(), exact: true }));
        }
        let mut about =
            vec![Some(key.clone()), live.and_then(|view| view.controller_owner()).map(|(key, _)| key)];
        about.push(self.subject_key(read));
        about.push(read.stamp.origin.as_ref().and_then(|origin| {
            let object = &origin.object;
            Key::new("", &object.kind, object.namespace.as_deref().or(namespace), &object.name)
        }));
        let mut asked: Vec<Key> = Vec::new();
        let mut other: Option<Read> = None;
        for about in about.into_iter().flatten() {
            if asked.contains(&about) {
                continue;
            }
            for (event, _) in self.stamped_events(&about)? {
                if !has_trace(&event, trace_id) {
                    continue;
                }
                let event =
                    Read { about: key.clone(), uid: live.and_then(|v| v.uid()).map(Into::into), ..event };
                if is_exact(&event) {
                    return Ok(Some(Found { read: event, exact: true }));
                }
                other.get_or_insert(event);
            }
            asked.push(about);
        }
        Ok(on_object.or_else(|| other.map(|read| Found { read, exact: false })))
    }

    /// The stamps on the Events about an object, with the Events.
    pub(super) fn stamped_events(&mut self, about: &Key) -> Asked<Vec<(Read, &Value)>> {
        let facts = self.facts;
        let events = match facts.events(about)? {
            Known::Is(events) => events.as_slice(),
            Known::Absent => &[],
            Known::Refused(why) => {
                self.note(format!("Events were not read: {why}"));
                &[]
            }
        };
        let read = |event: &Value| {
            let name = event["metadata"]["name"].as_str()?;
            let key = Key::new("v1", "Event", event["metadata"]["namespace"].as_str(), name)?;
            match reading(&View::new(event, &key), self.keys) {
                Reading::Fresh(read) | Reading::Stale(read) => Some(Read { source: Source::Event, ..read }),
                _ => None,
            }
        };
        Ok(events.iter().filter_map(|event| Some((read(event)?, event))).collect())
    }

    /// Where to read the object that a stamp acted for.
    pub(super) fn subject_key(&self, read: &Read) -> Option<Key> {
        let subject = &read.stamp.subject;
        let namespace = subject.namespace.as_deref().or(read.about.namespace());
        Key::new(&subject.api_version, &subject.kind, namespace, &subject.name)
    }

    /// The stamp that stands on the object acted for, if that is still the same object.
    pub(super) fn stamp_of_subject(&mut self, read: &Read) -> Asked<Option<Read>> {
        let Some(key) = self.subject_key(read) else { return Ok(None) };
        let Some(view) = self.object(&key)? else { return Ok(None) };
        if read.stamp.subject.uid.as_deref().zip(view.uid()).is_some_and(|(stamped, live)| stamped != live) {
            self.note(format!("{key} that was acted for is gone; another one bears its name"));
            return Ok(None);
        }
        Ok(reading(&view, self.keys).own())
    }

    /// Events about a deleted object that tell more of its end, in the words of whoever wrote them.
    pub(super) fn end_events(&self, about: &Key) -> Asked<Vec<String>> {
        let Known::Is(events) = self.facts.events(about)? else { return Ok(Vec::new()) };
        let of_the_end = |event: &&Value| {
            let reason = event["reason"].as_str().unwrap_or_default();
            ["Evicted", "Preempted", "TaintManagerEviction", "NodeControllerEviction"].contains(&reason)
        };
        let told = |event: &Value| {
            let text = |value: &Value| harmless(value.as_str().unwrap_or_default()).into_owned();
            let source = [&event["reportingComponent"], &event["source"]["component"]].map(text);
            let by = source.iter().find(|name| !name.is_empty()).map_or("somebody", |name| name);
            format!("Event {} by {by}: {}", text(&event["reason"]), text(&event["message"]))
        };
        Ok(events.iter().filter(of_the_end).map(told).collect())
    }
}

fn has_trace(read: &Read, trace_id: TraceId) -> bool {
    read.trace.is_some_and(|trace| trace.trace_id == trace_id)
}
