//! The order of a merged list: elements of the patch in the patch's order, the server's own in theirs, both woven
//! together so that known neighbours keep their places.

use serde_json::Value;

/// What makes two elements the same: the value of the merge key, or the scalar itself.
pub(super) fn identity<'a>(element: &'a Value, merge_key: Option<&str>) -> Option<&'a Value> {
    match merge_key {
        Some(key) => element.get(key),
        None => Some(element),
    }
}

/// Where an element stands in a list.
fn position(list: &[Value], element: &Value, merge_key: Option<&str>) -> Option<usize> {
    let wanted = identity(element, merge_key)?;
    list.iter().position(|item| identity(item, merge_key) == Some(wanted))
}

/// Orders `merged`: `patch` names the elements whose order the patch decides, `server` is the list before the patch.
pub(super) fn arrange(
    merged: Vec<Value>,
    patch: &[Value],
    server: &[Value],
    merge_key: Option<&str>,
) -> Vec<Value> {
    let (mut of_patch, mut of_server): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| position(patch, item, merge_key).is_some());
    of_patch.sort_by_key(|item| position(patch, item, merge_key));
    of_server.sort_by_key(|item| position(server, item, merge_key).unwrap_or(usize::MAX));

    let mut woven = Vec::with_capacity(of_patch.len() + of_server.len());
    let (mut left, mut right) = (of_server.into_iter().peekable(), of_patch.into_iter().peekable());
    loop {
        let take_left = match (left.peek(), right.peek()) {
            (None, None) => return woven,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(l), Some(r)) => matches!(
                (position(server, l, merge_key), position(server, r, merge_key)),
                (Some(l), Some(r)) if l < r
            ),
        };
        woven.extend(if take_left { left.next() } else { right.next() });
    }
}
