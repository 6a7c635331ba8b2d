use super::annotations::{REVISION, REVISION_HISTORY};
use crate::model::{Annotations, ReplicaSet};

/// Longest value of the annotation that lists earlier revisions, in bytes.
const MAX_HISTORY: usize = 2000;

/// A ReplicaSet's revision: 0 without the annotation, `None` if it is no number.
pub(super) fn revision(set: &ReplicaSet) -> Option<i64> {
    match set.annotations.get(REVISION) {
        None => Some(0),
        Some(text) => text.parse().ok(),
    }
}

/// The largest revision; what is no number is skipped.
pub(super) fn largest<'a>(sets: impl IntoIterator<Item = &'a ReplicaSet>) -> i64 {
    sets.into_iter().filter_map(revision).max().unwrap_or(0).max(0)
}

/// The revision before the largest one; 0 if there is none.
pub(super) fn previous<'a>(sets: impl IntoIterator<Item = &'a ReplicaSet>) -> i64 {
    let (mut first, mut second) = (0, 0);
    for revision in sets.into_iter().filter_map(revision) {
        if revision >= first {
            (first, second) = (revision, first);
        } else if revision > second {
            second = revision;
        }
    }
    second
}

/// The annotations that bring a ReplicaSet to revision `new`; `None` if its present revision is no number.
pub(super) fn advance(annotations: &Annotations, new: i64) -> Option<Annotations> {
    let mut change = Annotations::new();
    let old = annotations.get(REVISION).map(String::as_str);
    let old_number = match old {
        None | Some("") => 0,
        Some(text) => text.parse().ok()?,
    };
    if old_number < new {
        change.insert(REVISION.to_owned(), new.to_string());
        if let Some(old) = old
            && let Some(history) = history(annotations.get(REVISION_HISTORY).map_or("", String::as_str), old)
        {
            change.insert(REVISION_HISTORY.to_owned(), history);
        }
    }
    Some(change)
}

/// Appends a revision to the history, dropping the oldest ones for which there is no room. `None` if it does not even
/// fit alone.
fn history(history: &str, revision: &str) -> Option<String> {
    if history.is_empty() {
        return Some(revision.to_owned());
    }
    let mut kept = history;
    while kept.len() + 1 + revision.len() > MAX_HISTORY {
        match kept.split_once(',') {
            Some((_, rest)) => kept = rest,
            None if revision.len() <= MAX_HISTORY => return Some(revision.to_owned()),
            None => return None,
        }
    }
    Some(format!("{kept},{revision}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn set(revision: Option<&str>) -> ReplicaSet {
        let mut set = fixtures::replica_set("web", 1);
        set.annotations.extend(revision.map(|text| (REVISION.to_owned(), text.to_owned())));
        set
    }

    #[test]
    fn the_largest_and_the_one_before_skip_what_is_no_number() {
        let sets = [set(Some("3")), set(None), set(Some("x")), set(Some("7")), set(Some("5"))];
        assert_eq!((largest(&sets), previous(&sets)), (7, 5));
        assert_eq!((largest(&sets[..1]), previous(&sets[..1])), (3, 0));
        assert_eq!((largest([]), previous([])), (0, 0));
    }

    #[test]
    fn a_revision_only_moves_forward_and_leaves_its_trace_in_the_history() {
        let advance = |revision: Option<&str>, history: Option<&str>, new| {
            let mut annotations = set(revision).annotations;
            annotations.extend(history.map(|text| (REVISION_HISTORY.to_owned(), text.to_owned())));
            advance(&annotations, new).map(|change| {
                change
                    .into_iter()
                    .map(|(key, value)| format!("{}={value}", key.rsplit('/').next().unwrap()))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
        };
        assert_eq!(advance(None, None, 1).unwrap(), "revision=1");
        assert_eq!(advance(Some("1"), None, 3).unwrap(), "revision=3 revision-history=1");
        assert_eq!(advance(Some("3"), Some("1"), 5).unwrap(), "revision=5 revision-history=1,3");
        assert_eq!(advance(Some("5"), Some("1,3"), 5).unwrap(), "");
        assert_eq!(advance(Some("9"), Some("1,3"), 5).unwrap(), "");
        assert_eq!(advance(Some("x"), None, 5), None);
    }

    #[test]
    fn the_history_drops_its_oldest_revisions_to_stay_within_2000_characters() {
        assert_eq!(history("1,2", "3").unwrap(), "1,2,3");
        let long = format!("11,{}", "2".repeat(1996));
        assert_eq!(history(&long, "3").unwrap(), format!("{},3", "2".repeat(1996)));
        assert_eq!(history(&"1".repeat(1998), "3").unwrap().len(), 2000);
        assert_eq!(history(&"1".repeat(1999), "3").unwrap(), "3");
        assert_eq!(history("1", &"3".repeat(2001)), None);
    }
}
