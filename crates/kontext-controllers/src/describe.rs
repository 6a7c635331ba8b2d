//! Words for what a status write changes; they become the reason of the action.

use std::fmt::Display;

use crate::model::{Condition, condition};

#[derive(Default)]
pub(crate) struct Changes(Vec<String>);

impl Changes {
    pub(crate) fn number<T: PartialEq + Display + Copy>(&mut self, name: &str, old: T, new: T) {
        if old != new {
            self.0.push(format!("{name} {old} -> {new}"));
        }
    }

    pub(crate) fn optional<T: PartialEq + Display + Copy>(
        &mut self,
        name: &str,
        old: Option<T>,
        new: Option<T>,
    ) {
        if old != new {
            let text = |value: Option<T>| value.map_or_else(|| "unset".to_owned(), |value| value.to_string());
            self.0.push(format!("{name} {} -> {}", text(old), text(new)));
        }
    }

    pub(crate) fn say(&mut self, what: String) {
        self.0.push(what);
    }

    pub(crate) fn conditions(&mut self, old: &[Condition], new: &[Condition]) {
        for now in new {
            match condition(old, &now.kind) {
                Some(before) if before == now => {}
                Some(before) if before.status == now.status && before.reason == now.reason => {
                    self.0.push(format!("condition {} refreshed", now.kind));
                }
                _ => self.0.push(format!("condition {} is {} ({})", now.kind, now.status, now.reason)),
            }
        }
        for before in old.iter().filter(|before| condition(new, &before.kind).is_none()) {
            self.0.push(format!("condition {} removed", before.kind));
        }
    }

    /// All changes in one line; `None` if there are none.
    pub(crate) fn finish(self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join(", "))
    }
}
