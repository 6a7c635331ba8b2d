//! Decides what becomes of an occurrence: an Event of its own, a higher count of one, or nothing.
//!
//! Pure: the time comes with each occurrence. Three memories of 4096 entries each, as upstream: what is similar, what
//! was told, and how much each object has told. The quirks are upstream's too, where users can see them:
//!
//! - an occurrence that is suppressed still counts: the next of its kind that passes shows it;
//! - similar ones are combined from the tenth different message on, while no more than 600 s lie between two of them;
//! - the message of a combined Event is that of the latest;
//! - Normal and Warning have a burst each.
//!
//! Once ten are reached, upstream forgets one message at random. Here the first nine keep Events of their own, and all
//! others are combined, so that runs are repeatable.

use std::{collections::HashSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{limits::Bucket, lru::Lru, subject::Identity, waiting::Occurrence};
use crate::model::Text;

const MEMORY: usize = 4096;
/// So many different messages are combined.
const COMBINE_FROM: usize = 10;
/// Similar occurrences further apart than this have nothing to do with each other.
const APART: SignedDuration = SignedDuration::from_secs(600);
const COMBINED: &str = "(combined from similar events): ";

/// What occurrences have in common that differ in their message alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Similar {
    object: Arc<Identity>,
    severity: &'static str,
    reason: &'static str,
}

#[derive(Debug)]
struct Messages {
    different: HashSet<Text>,
    last: Timestamp,
}

/// What one Event tells of; `None` where it is combined of many messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Told {
    similar: Similar,
    message: Option<Text>,
}

#[derive(Debug)]
struct Series {
    name: Text,
    first: Timestamp,
    count: i32,
}

/// What to write for an occurrence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Post {
    pub(super) namespace: Text,
    pub(super) name: Text,
    /// The whole Event, for a create.
    pub(super) event: Value,
    /// What changes of an Event that was created before.
    pub(super) patch: Option<Value>,
}

/// The memory of one source.
#[derive(Debug)]
pub(super) struct Correlator {
    source: Box<str>,
    similar: Lru<Similar, Messages>,
    told: Lru<Told, Series>,
    buckets: Lru<(Arc<Identity>, &'static str), Bucket>,
    last_name: i128,
}

impl Correlator {
    pub(super) fn new(source: &str) -> Self {
        Self {
            source: source.into(),
            similar: Lru::new(MEMORY),
            told: Lru::new(MEMORY),
            buckets: Lru::new(MEMORY),
            last_name: 0,
        }
    }

    /// What to write for an occurrence; `None` where its object has told too much already.
    pub(super) fn observe(&mut self, object: &Arc<Identity>, occurrence: &Occurrence) -> Option<Post> {
        let Occurrence { about, event, at } = occurrence;
        let severity = event.severity.as_str();
        let similar = Similar { object: object.clone(), severity, reason: event.reason };
        let message = Text::from(event.message.as_str());
        let combined = self.is_one_of_many(&similar, &message, *at);
        let told = Told { similar, message: (!combined).then_some(message) };

        let last_name = &mut self.last_name;
        let series = self.told.or_insert_with(told, || {
            // Two occurrences within a nanosecond need two names all the same.
            *last_name = at.as_nanosecond().max(*last_name + 1);
            Series { name: event_name(&about.name, &about.kind, *last_name), first: *at, count: 0 }
        });
        series.count = series.count.saturating_add(1);
        let bucket = self.buckets.or_insert_with((object.clone(), severity), || Bucket::new(*at));
        if !bucket.take(*at) {
            return None;
        }

        let message = if combined { format!("{COMBINED}{}", event.message) } else { event.message.clone() };
        let patch = (series.count > 1)
            .then(|| json!({"count": series.count, "lastTimestamp": seconds(*at), "message": message}));
        Some(Post {
            namespace: about.events_in().into(),
            name: series.name.clone(),
            event: json!({
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": &*series.name, "namespace": about.events_in()},
                "involvedObject": about.reference(),
                "reason": event.reason,
                "message": message,
                "source": {"component": &*self.source},
                "firstTimestamp": seconds(series.first),
                "lastTimestamp": seconds(*at),
                "count": series.count,
                "type": severity,
                "reportingComponent": &*self.source,
                "reportingInstance": "",
            }),
            patch,
        })
    }

    /// Whether an occurrence goes into a combined Event.
    fn is_one_of_many(&mut self, similar: &Similar, message: &Text, at: Timestamp) -> bool {
        let messages =
            self.similar.or_insert_with(similar.clone(), || Messages { different: HashSet::new(), last: at });
        if at.duration_since(messages.last) > APART {
            messages.different.clear();
        }
        messages.last = at;
        if messages.different.contains(message) {
            return false;
        }
        let many = messages.different.len() + 1 >= COMBINE_FROM;
        if !many {
            messages.different.insert(message.clone());
        }
        many
    }

    /// How much was observed, as far as it is remembered.
    #[cfg(test)]
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, i32)> {
        self.told.values().map(|series| (&*series.name, series.count))
    }
}

/// `<object name>.<16 hexadecimal digits>`, as upstream. Objects may have names that Events may not (`system:node`, or
/// very long ones); upstream takes a UUID there, we the kind in place of the name.
fn event_name(object: &str, kind: &str, nanosecond: i128) -> Text {
    let name = format!("{object}.{nanosecond:016x}");
    if is_subdomain(&name) {
        name.into()
    } else {
        format!("{}.{nanosecond:016x}", kind.to_ascii_lowercase()).into()
    }
}

/// Whether it is a DNS subdomain as RFC 1123 has it.
fn is_subdomain(name: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        ends.into_iter().all(|end| end.is_some_and(alphanumeric))
            && bytes.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// A time as the API has it: whole seconds.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
