//! Where an object is kept in its table.

use std::sync::Arc;

/// `namespace/name`, or the name alone. Sorts as the real storage's keys do. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(Arc<str>);

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        if namespace.is_empty() { Self(name.into()) } else { Self(format!("{namespace}/{name}").into()) }
    }

    pub(crate) fn parse(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the object, without its namespace.
    pub(crate) fn name(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(_, name)| name)
    }

    /// The namespace of the object; empty for objects of the whole cluster.
    pub(crate) fn namespace(&self) -> &str {
        self.0.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// Whether the object is in this namespace; every object is in the empty one.
    pub(crate) fn is_in(&self, namespace: &str) -> bool {
        namespace.is_empty() || self.0.strip_prefix(namespace).is_some_and(|rest| rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_namespace_and_name() {
        let (pod, node) = (Key::new("ns", "a"), Key::new("", "n"));
        assert_eq!((pod.namespace(), pod.name()), ("ns", "a"));
        assert_eq!((node.namespace(), node.name()), ("", "n"));
        assert!(pod.is_in("ns") && pod.is_in("") && !pod.is_in("n"));
    }
}
