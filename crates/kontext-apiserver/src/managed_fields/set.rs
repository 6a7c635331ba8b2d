//! Sets of field paths, as `fieldsV1` writes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A set of field paths. Each node is one path element in its written form (`f:name`, `k:{"name":"x"}`, `v:"x"`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    /// The path that ends here belongs to the set.
    member: bool,
    children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// Reads a `fieldsV1` value; path elements of unknown kinds are dropped, as the server does.
    pub(crate) fn parse(fields: &Value) -> Result<FieldSet, String> {
        let Value::Object(object) = fields else { return Err("fieldsV1 must be an object".to_owned()) };
        let mut set = FieldSet::default();
        for (key, value) in object {
            if key == "." {
                continue;
            }
            let Some(element) = canonical(key)? else { continue };
            let mut child = FieldSet::parse(value)?;
            child.member =
                value.as_object().is_some_and(|map| map.contains_key(".")) || child.children.is_empty();
            set.children.insert(element, child);
        }
        Ok(set)
    }

    /// The `fieldsV1` value of this set.
    pub(crate) fn to_value(&self) -> Value {
        Value::Object(
            self.children
                .iter()
                .map(|(element, child)| {
                    let mut value = child.to_value();
                    if let (true, false, Value::Object(map)) =
                        (child.member, child.children.is_empty(), &mut value)
                    {
                        map.insert(".".to_owned(), Value::Object(Map::new()));
                    }
                    (element.clone(), value)
                })
                .collect(),
        )
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// Adds one path; the empty path is the object itself and is not tracked.
    pub(crate) fn insert(&mut self, path: &[String]) {
        let mut node = self;
        for element in path {
            node = node.children.entry(element.clone()).or_default();
        }
        node.member = !path.is_empty();
    }

    /// Everything in either.
    pub(crate) fn union(&self, other: &FieldSet) -> FieldSet {
        let mut union = self.clone();
        union.absorb(other);
        union
    }

    fn absorb(&mut self, other: &FieldSet) {
        self.member |= other.member;
        for (element, child) in &other.children {
            self.children.entry(element.clone()).or_default().absorb(child);
        }
    }

    /// What is here and not in `other`. A path goes only if that very path is in `other`.
    pub(crate) fn difference(&self, other: &FieldSet) -> FieldSet {
        let empty = FieldSet::default();
        let mut children = BTreeMap::new();
        for (element, child) in &self.children {
            let rest = child.difference(other.children.get(element).unwrap_or(&empty));
            if rest.member || !rest.children.is_empty() {
                children.insert(element.clone(), rest);
            }
        }
        FieldSet { member: self.member && !other.member, children }
    }

    /// Drops a top-level field with everything below it.
    pub(crate) fn without_top(mut self, element: &str) -> FieldSet {
        self.children.remove(element);
        self
    }

    /// Keeps only what is at or below `path`.
    pub(crate) fn only(&self, path: &[&str]) -> FieldSet {
        let Some((first, rest)) = path.split_first() else { return self.clone() };
        let mut kept = FieldSet::default();
        if let Some(child) = self.children.get(*first) {
            let child = child.only(rest);
            if child.member || !child.children.is_empty() {
                kept.children.insert((*first).to_owned(), child);
            }
        }
        kept
    }
}

/// The written form of a path element with its JSON part rendered in one way; `None` for an unknown kind.
fn canonical(key: &str) -> Result<Option<String>, String> {
    let json = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| format!("path element {key:?}: {error}"))
    };
    match key.get(..2) {
        Some("f:") | Some("i:") => Ok(Some(key.to_owned())),
        Some("k:") => Ok(Some(format!("k:{}", json(&key[2..])?))),
        Some("v:") => Ok(Some(format!("v:{}", json(&key[2..])?))),
        Some(other) if other.ends_with(':') => Ok(None),
        _ => Err(format!("path element {key:?} has no kind")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(value: &Value) -> FieldSet {
        FieldSet::parse(value).expect("valid")
    }

    #[test]
    fn a_set_is_written_as_it_was_read() {
        let value = json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:spec": {"f:containers": {r#"k:{"name":"app"}"#: {".": {}, "f:image": {}}}}});
        assert_eq!(set(&value).to_value(), value);
        assert!(FieldSet::parse(&json!({"spec": {}})).is_err());
        assert!(set(&json!({"x:future": {}})).is_empty());
    }

    #[test]
    fn key_order_and_spaces_do_not_make_another_element() {
        let one = set(&json!({r#"k:{"protocol": "TCP", "port": 80}"#: {}}));
        assert_eq!(one, set(&json!({r#"k:{"port":80,"protocol":"TCP"}"#: {}})));
    }

    #[test]
    fn a_parent_survives_its_child_and_a_child_its_parent() {
        let both = set(&json!({"f:a": {".": {}, "f:b": {}}}));
        assert_eq!(both.difference(&set(&json!({"f:a": {"f:b": {}}}))).to_value(), json!({"f:a": {}}));
        assert_eq!(both.difference(&set(&json!({"f:a": {}}))).to_value(), json!({"f:a": {"f:b": {}}}));
        assert!(both.difference(&both).is_empty());
    }
}
