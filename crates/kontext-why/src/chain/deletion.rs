//! Causes that are deletions. No object keeps who deleted it: what Events and a lingering object tell is all.

use kontext_core::{Origin, StampCause, Verb, Who};
use serde_json::Value;

use super::{Asked, Walk, told::cause_key};
use crate::{
    model::{At, Certainty, Deed, Object, Source, Step, WhoTold, WriteTold},
    observe::Key,
    read::{Read, is_after},
};

impl Walk<'_> {
    /// Tells the deletion that is `cause`, or returns the stamp of the action that made it.
    pub(super) fn deletion(&mut self, read: &Read, cause: &StampCause) -> Asked<Option<Read>> {
        let namespace = read.about.namespace();
        let object = super::told::cause_object(cause, namespace);
        let Some(key) = cause_key(cause, namespace) else {
            self.push_deletion(
                cause,
                object,
                Who::Unknown,
                Certainty::Claimed,
                Source::LaterStamp,
                Vec::new(),
            );
            return Ok(None);
        };
        let not_later = |event: &Read| !is_after(event.stamp.time, cause.seen);

        // An Event about the object itself, by whoever records deletions (a webhook knows the user).
        let recorded: Vec<Origin> = self
            .stamped_events(&key)?
            .into_iter()
            .filter(|(event, _)| not_later(event))
            .filter_map(|(event, _)| event.stamp.origin)
            .filter(|origin| origin.verb == Verb::Deleted && *origin.object.name == *key.name())
            .collect();
        if let Some(origin) = recorded.into_iter().next_back() {
            self.push_deletion(cause, object, origin.who, Certainty::Stamped, Source::Event, Vec::new());
            return Ok(None);
        }
        // An Event about the object acted for, by a controller of ours that deleted it.
        if let Some(subject) = self.subject_key(read) {
            let deleters = self.stamped_events(&subject)?;
            let deleter =
                deleters.into_iter().filter(|(event, _)| not_later(event)).rfind(|(event, value)| {
                    event.stamp.action.contains("Delete") && message_names(value, key.name())
                });
            if let Some((deleter, _)) = deleter {
                return Ok(Some(Read { about: key, uid: None, ..deleter }));
            }
        }
        let mut notes = self.end_events(&key)?;
        let certainty = self.is_gone(&key, cause, &mut notes)?;
        if notes.is_empty() {
            notes.push("who did it is not kept on any object; the audit log has it".into());
        }
        self.push_deletion(cause, object, Who::Unknown, certainty, Source::LaterStamp, notes);
        Ok(None)
    }

    /// Whether the deleted object is gone, or going.
    fn is_gone(&mut self, key: &Key, cause: &StampCause, notes: &mut Vec<String>) -> Asked<Certainty> {
        let Some(view) = self.object(key)? else { return Ok(Certainty::Verified) };
        if let Some(asked) = view.deletion_asked() {
            notes.push(format!("it is still terminating; its deletion was asked for at {asked}"));
            return Ok(Certainty::Verified);
        }
        if view.created().is_some_and(|created| created >= cause.seen) {
            notes.push("another object bears its name by now".into());
            return Ok(Certainty::Verified);
        }
        notes.push("an object of this name and an earlier creation is there".into());
        Ok(Certainty::Claimed)
    }

    fn push_deletion(
        &mut self,
        cause: &StampCause,
        object: Object,
        who: Who,
        certainty: Certainty,
        source: Source,
        notes: Vec<String>,
    ) {
        if !self.has_room() {
            return;
        }
        let write = WriteTold {
            who: WhoTold::from(&who),
            verb: Verb::Deleted.as_str().into(),
            generation: None,
            changes: Vec::new(),
            owns: Vec::new(),
            owns_more: 0,
            owner: None,
            unattributed: false,
        };
        self.push(Step {
            certainty,
            source,
            older: false,
            object,
            at: Some(At::millisecond(cause.seen)),
            trace_id: None,
            traceparent: None,
            deed: Deed::Write(write),
            notes,
        });
    }
}

/// Whether the message of an Event names an object, as a whole word: `Deleted pod: web-1`.
fn message_names(event: &Value, name: &str) -> bool {
    let message = event["message"].as_str().unwrap_or_default();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    message.split(|c: char| !is_part(c)).any(|word| word.trim_matches('.') == name)
}
