//! The last answers of the API server that passed through the layer, kept as they came: most are never asked for,
//! so they are read only then.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::client::splice::scan;

/// Bytes of all answers that are kept.
const BUDGET: usize = 4 << 20;
/// The longest answer that is kept.
pub(crate) const MAX_ANSWER: usize = 256 << 10;

/// Answers by uid and resource version, bounded; the oldest go first.
#[derive(Debug, Default)]
pub(crate) struct Responses(Mutex<Kept>);

type Version = (Box<str>, Box<str>);

#[derive(Debug, Default)]
struct Kept {
    by_version: HashMap<Version, Bytes>,
    order: VecDeque<Version>,
    bytes: usize,
}

impl Responses {
    /// Keeps an answer, if it is an object.
    pub(crate) fn record(&self, json: Bytes) {
        if json.len() > MAX_ANSWER {
            return;
        }
        let version = match scan(&json) {
            Ok(object) => match (object.uid, object.resource_version) {
                (Some(uid), Some(version)) => (uid.into(), version.into()),
                _ => return,
            },
            Err(_) => return,
        };
        let mut kept = self.0.lock();
        kept.bytes += json.len();
        match kept.by_version.insert(version.clone(), json) {
            Some(before) => kept.bytes -= before.len(),
            None => kept.order.push_back(version),
        }
        while kept.bytes > BUDGET {
            let Some(oldest) = kept.order.pop_front() else { return };
            let gone = kept.by_version.remove(&oldest).map_or(0, |json| json.len());
            kept.bytes -= gone;
        }
    }

    /// The object in exactly this version.
    pub(crate) fn find(&self, uid: Option<&str>, resource_version: Option<&str>) -> Option<Bytes> {
        let version = (uid?.into(), resource_version?.into());
        self.0.lock().by_version.get(&version).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(version: usize, padding: usize) -> Bytes {
        let padding = "x".repeat(padding);
        format!(r#"{{"metadata":{{"uid":"u","resourceVersion":"{version}"}},"data":"{padding}"}}"#).into()
    }

    #[test]
    fn an_answer_is_found_by_its_exact_version() {
        let responses = Responses::default();
        responses.record(object(1, 0));
        assert_eq!(responses.find(Some("u"), Some("1")), Some(object(1, 0)));
        assert_eq!(responses.find(Some("u"), Some("2")), None);
        assert_eq!(responses.find(Some("u"), None), None);
    }

    #[test]
    fn the_oldest_answers_make_room() {
        let responses = Responses::default();
        (0..100).for_each(|version| responses.record(object(version, 100_000)));
        assert_eq!(responses.find(Some("u"), Some("0")), None);
        assert!(responses.find(Some("u"), Some("99")).is_some());
        assert!(responses.0.lock().bytes <= BUDGET);
        responses.record(object(99, 10));
        let kept = responses.0.lock();
        assert_eq!(kept.bytes, kept.by_version.values().map(Bytes::len).sum::<usize>());
        assert_eq!(kept.order.len(), kept.by_version.len());
    }

    #[test]
    fn what_is_no_object_or_too_long_is_not_kept() {
        let responses = Responses::default();
        for answer in ["[]", "{}", r#"{"metadata":{"uid":"u"}}"#, "no JSON"] {
            responses.record(Bytes::from(answer));
        }
        responses.record(object(1, MAX_ANSWER));
        assert_eq!(responses.0.lock().by_version.len(), 0);
    }
}
