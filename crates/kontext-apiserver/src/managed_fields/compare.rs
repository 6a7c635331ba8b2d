//! Which field paths a write added, changed and removed: the comparison of structured merge diff, on JSON.

use serde_json::{Map, Value};

use super::set::FieldSet;
use crate::schema::{ListKind, Shape, TypeDef};

/// The paths in which two objects differ.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) added: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) removed: FieldSet,
}

impl Comparison {
    /// Compares two objects of one kind; without a type (custom resources) maps are granular and lists atomic.
    pub(crate) fn of(def: Option<&'static TypeDef>, old: &Value, new: &Value) -> Comparison {
        let mut walk = Walk { path: Vec::new(), result: Comparison::default() };
        walk.object(Layout { def, element: None }, Some(old), Some(new));
        walk.result
    }

    /// Applies the same filter to all three sets.
    pub(crate) fn map(self, filter: impl Fn(FieldSet) -> FieldSet) -> Comparison {
        Comparison {
            added: filter(self.added),
            modified: filter(self.modified),
            removed: filter(self.removed),
        }
    }
}

/// What is known of a JSON object: a type with fields, or one shape for all values, or nothing.
#[derive(Clone, Copy)]
struct Layout {
    def: Option<&'static TypeDef>,
    element: Option<&'static Shape>,
}

/// What is known of a value.
#[derive(Clone, Copy)]
struct Kind<'a> {
    shape: Option<&'static Shape>,
    list: &'a ListKind,
    atomic: Option<bool>,
}

struct Walk {
    path: Vec<String>,
    result: Comparison,
}

type Side<'a> = Option<&'a Value>;

impl Walk {
    fn descend(&mut self, element: String, kind: Kind<'_>, old: Side<'_>, new: Side<'_>) {
        self.path.push(element);
        self.value(kind, old, new);
        self.path.pop();
    }

    fn value(&mut self, kind: Kind<'_>, old: Side<'_>, new: Side<'_>) {
        match (old, new) {
            // A value that changed its type is two values: the old one goes, the new one comes.
            (Some(left), Some(right)) if left.is_object() && !right.is_object() && !right.is_null() => {
                self.value(kind, Some(left), None);
                self.value(kind, None, Some(right));
                return;
            }
            (Some(left), Some(right)) if right.is_object() && !left.is_object() && !left.is_null() => {
                self.value(kind, Some(left), None);
                self.value(kind, None, Some(right));
                return;
            }
            _ => {}
        }
        let leaf = if is(old, new, Value::is_object) {
            self.maps(kind, old, new)
        } else if is(old, new, Value::is_array) {
            self.lists(kind, old, new)
        } else {
            true
        };
        if leaf {
            self.leaf(old, new);
        } else if old.is_none() {
            self.result.added.insert(&self.path);
        } else if new.is_none() {
            self.result.removed.insert(&self.path);
        }
    }

    fn leaf(&mut self, old: Side<'_>, new: Side<'_>) {
        match (old, new) {
            (None, Some(_)) => self.result.added.insert(&self.path),
            (Some(_), None) => self.result.removed.insert(&self.path),
            (Some(left), Some(right)) if left != right => self.result.modified.insert(&self.path),
            _ => {}
        }
    }

    /// Compares two maps; true if they count as one leaf.
    fn maps(&mut self, kind: Kind<'_>, old: Side<'_>, new: Side<'_>) -> bool {
        let def = kind.shape.and_then(Shape::type_def);
        let atomic = kind.atomic.unwrap_or_else(|| {
            def.is_some_and(|def| def.atomic) || matches!(kind.shape, Some(Shape::Opaque))
        });
        let empty = |side: Side<'_>| side.and_then(Value::as_object).is_none_or(Map::is_empty);
        if atomic || (empty(old) && empty(new)) {
            return true;
        }
        let element = match kind.shape {
            Some(Shape::Map(element)) => Some(&**element),
            _ => None,
        };
        self.object(Layout { def, element }, old, new);
        false
    }

    fn object(&mut self, layout: Layout, old: Side<'_>, new: Side<'_>) {
        let (old, new) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
        let mut names: Vec<&String> = old.into_iter().flat_map(Map::keys).collect();
        names.extend(
            new.into_iter().flat_map(Map::keys).filter(|name| old.is_none_or(|o| !o.contains_key(*name))),
        );
        for name in names {
            let field = layout.def.and_then(|def| def.fields.get(name.as_str()));
            let kind = field
                .map_or(Kind { shape: layout.element, list: &ListKind::Atomic, atomic: None }, |field| {
                    Kind { shape: Some(&field.shape), list: &field.list, atomic: field.atomic }
                });
            self.descend(
                format!("f:{name}"),
                kind,
                old.and_then(|object| object.get(name)),
                new.and_then(|object| object.get(name)),
            );
        }
    }

    /// Compares two lists; true if they count as one leaf.
    fn lists(&mut self, kind: Kind<'_>, old: Side<'_>, new: Side<'_>) -> bool {
        let items = |side: Side<'_>| side.and_then(Value::as_array).map_or(&[][..], Vec::as_slice).to_vec();
        let (left, right) = (items(old), items(new));
        if matches!(kind.list, ListKind::Atomic) || (left.is_empty() && right.is_empty()) {
            return true;
        }
        let (Some(left), Some(right)) = (keyed(kind.list, &left), keyed(kind.list, &right)) else {
            // Elements without keys cannot be told apart: the server's typed decoding refuses them.
            return true;
        };
        let element = match kind.shape {
            Some(Shape::List(element)) => Some(&**element),
            _ => None,
        };
        let kind = Kind { shape: element, list: &ListKind::Atomic, atomic: None };
        let mut elements: Vec<&String> = left.iter().map(|(key, _)| key).collect();
        elements.extend(right.iter().map(|(key, _)| key).filter(|key| find(&left, key).is_empty()));
        for key in elements {
            let (old, new) = (find(&left, key), find(&right, key));
            match (old, new) {
                ([] | [_], [] | [_]) => self.descend(key.clone(), kind, old.first(), new.first()),
                ([_, _, ..], [_, _, ..]) => {
                    self.path.push(key.clone());
                    if old != new {
                        self.result.modified.insert(&self.path);
                    }
                    self.path.pop();
                }
                // A duplicated key is one marker without fields of its own.
                ([_, _, ..], rest) => {
                    if let Some(new) = rest.first() {
                        self.descend(key.clone(), kind, None, Some(new));
                    }
                    self.path.push(key.clone());
                    self.result.removed.insert(&self.path);
                    self.path.pop();
                }
                (rest, [_, _, ..]) => {
                    if let Some(old) = rest.first() {
                        self.descend(key.clone(), kind, Some(old), None);
                    }
                    self.path.push(key.clone());
                    self.result.added.insert(&self.path);
                    self.path.pop();
                }
            }
        }
        false
    }
}

fn is(old: Side<'_>, new: Side<'_>, test: fn(&Value) -> bool) -> bool {
    new.is_some_and(test) || old.is_some_and(test)
}

/// The items of an associative list grouped by their path element, in order of first appearance.
fn keyed(list: &ListKind, items: &[Value]) -> Option<Vec<(String, Vec<Value>)>> {
    let mut groups: Vec<(String, Vec<Value>)> = Vec::with_capacity(items.len());
    for item in items {
        let element = path_element(list, item)?;
        match groups.iter_mut().find(|(key, _)| *key == element) {
            Some((_, group)) => group.push(item.clone()),
            None => groups.push((element, vec![item.clone()])),
        }
    }
    Some(groups)
}

fn find<'a>(groups: &'a [(String, Vec<Value>)], key: &str) -> &'a [Value] {
    groups.iter().find(|(element, _)| element == key).map_or(&[], |(_, items)| items.as_slice())
}

/// How an element of a set or of a list that is a map is named in a path.
pub(crate) fn path_element(list: &ListKind, item: &Value) -> Option<String> {
    match list {
        ListKind::Atomic => None,
        ListKind::Set => {
            (!item.is_object() && !item.is_array() && !item.is_null()).then(|| format!("v:{item}"))
        }
        ListKind::Map(keys) => {
            let object = item.as_object()?;
            let mut named = Map::new();
            for key in keys {
                if let Some(value) = object.get(*key) {
                    named.insert((*key).to_owned(), value.clone());
                } else if *key == "protocol" {
                    // The only key of a built-in list with a default.
                    named.insert((*key).to_owned(), Value::from("TCP"));
                }
            }
            (!named.is_empty()).then(|| format!("k:{}", Value::Object(named)))
        }
    }
}
