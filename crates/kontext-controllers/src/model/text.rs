use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, LazyLock},
};

use parking_lot::Mutex;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// A shared string. Cloning is a reference count, so steps and decisions name objects without copying.
pub type Text = Arc<str>;

/// Strings that many objects repeat (label keys and values, namespaces, node names, owners).
struct Pool {
    strings: HashSet<Text>,
    sweep_at: usize,
}

static POOL: LazyLock<Mutex<Pool>> =
    LazyLock::new(|| Mutex::new(Pool { strings: HashSet::new(), sweep_at: 1024 }));

/// Returns the one shared copy of a string. Strings nobody uses any more are dropped when the pool has doubled.
#[must_use]
pub fn intern(text: &str) -> Text {
    let mut pool = POOL.lock();
    if let Some(found) = pool.strings.get(text) {
        return Arc::clone(found);
    }
    if pool.strings.len() >= pool.sweep_at {
        pool.strings.retain(|entry| Arc::strong_count(entry) > 1);
        pool.sweep_at = (pool.strings.len() * 2).max(1024);
    }
    let text: Text = Arc::from(text);
    pool.strings.insert(Arc::clone(&text));
    text
}

/// A string that is deserialised into the shared pool.
#[derive(Clone, Debug)]
pub(crate) struct Interned(pub(crate) Text);

/// A string that is deserialised into an allocation of its own.
#[derive(Clone, Debug)]
pub(crate) struct Plain(pub(crate) Text);

struct TextVisitor(fn(&str) -> Text);

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok((self.0)(text))
    }
}

impl<'de> Deserialize<'de> for Interned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(intern)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(|text| Arc::from(text))).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_share_one_allocation() {
        assert!(Arc::ptr_eq(&intern("shared-label-value"), &intern("shared-label-value")));
    }

    #[test]
    fn unused_strings_leave_the_pool() {
        for n in 0..10_000 {
            drop(intern(&format!("used-once-{n}")));
        }
        let left = POOL.lock().strings.iter().filter(|text| text.starts_with("used-once-")).count();
        assert!(left < 5_000, "{left} of 10000 strings are still in the pool");
    }
}
