//! Sets of field paths, as `fieldsV1` writes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::path::PathElement;
use crate::schema::MergeType;

/// A set of field paths, as a tree: a node is one path element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    /// The path that ends here belongs to the set.
    member: bool,
    children: BTreeMap<PathElement, FieldSet>,
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
            let Some(element) = PathElement::parse(key)? else { continue };
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
                    (element.encode(), value)
                })
                .collect(),
        )
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// Adds one path; the empty path is the object itself and is not tracked.
    pub(crate) fn insert(&mut self, path: &[PathElement]) {
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

    /// What is in both.
    pub(crate) fn intersection(&self, other: &FieldSet) -> FieldSet {
        let mut children = BTreeMap::new();
        for (element, child) in &self.children {
            let Some(same) = other.children.get(element) else { continue };
            let common = child.intersection(same);
            if common.member || !common.children.is_empty() {
                children.insert(element.clone(), common);
            }
        }
        FieldSet { member: self.member && other.member, children }
    }

    /// Drops the path and everything below it.
    pub(crate) fn without(mut self, path: &[PathElement]) -> FieldSet {
        self.drop_below(path);
        self
    }

    fn drop_below(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.children.remove(last);
            }
            [first, rest @ ..] => {
                if let Some(child) = self.children.get_mut(first) {
                    child.drop_below(rest);
                    if !child.member && child.children.is_empty() {
                        self.children.remove(first);
                    }
                }
            }
        }
    }

    /// Whether the element itself belongs to the set.
    pub(crate) fn has(&self, element: &PathElement) -> bool {
        self.children.get(element).is_some_and(|child| child.member)
    }

    /// What is below an element, where there is something.
    pub(crate) fn below(&self, element: &PathElement) -> Option<&FieldSet> {
        self.children.get(element).filter(|child| !child.children.is_empty())
    }

    /// Whether the very path belongs to the set.
    pub(crate) fn contains(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.has(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.contains(rest)),
        }
    }

    /// All paths in the order of the API's messages: at each level the members first, then what is below them.
    pub(crate) fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, paths: &mut Vec<Vec<PathElement>>) {
        for (element, _) in self.children.iter().filter(|(_, child)| child.member) {
            prefix.push(element.clone());
            paths.push(prefix.clone());
            prefix.pop();
        }
        for (element, child) in &self.children {
            prefix.push(element.clone());
            child.collect(prefix, paths);
            prefix.pop();
        }
    }

    /// The same set where every declared field that has something below it is a member itself.
    pub(crate) fn with_named_fields(&self, of: Option<&MergeType>) -> FieldSet {
        let mut complete = FieldSet { member: self.member, children: BTreeMap::new() };
        let atom = of.map(MergeType::atom);
        for (element, child) in &self.children {
            let (below, declared) = match element {
                PathElement::Field(name) => {
                    let map = atom.and_then(|atom| atom.map.as_ref());
                    (map.and_then(|map| map.type_of(name)), map.is_some_and(|map| map.declares(name)))
                }
                _ => (atom.and_then(|atom| atom.list.as_ref()).map(|list| &list.element), false),
            };
            let mut child = child.with_named_fields(below);
            child.member |= declared && !child.children.is_empty();
            complete.children.insert(element.clone(), child);
        }
        complete
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
