//! Which field paths a write added, changed and removed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::items::path_element;
use crate::managed_fields::path::{PathElement, same};
use crate::managed_fields::set::FieldSet;
use crate::schema::{Chosen, ListRelation, ListType, MapType, MergeType};

/// The paths in which two objects differ.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) added: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) removed: FieldSet,
}

impl Comparison {
    /// Compares two objects of one type. Both must fit it ([`super::validate`]).
    pub(crate) fn of(of: &MergeType, old: &Value, new: &Value) -> Comparison {
        let mut walk = Walk { path: Vec::new(), result: Comparison::default() };
        walk.value(of, Some(old), Some(new));
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

struct Walk {
    path: Vec<PathElement>,
    result: Comparison,
}

type Side<'a> = Option<&'a Value>;

impl Walk {
    fn below(&mut self, element: PathElement, of: &MergeType, old: Side<'_>, new: Side<'_>) {
        self.path.push(element);
        self.value(of, old, new);
        self.path.pop();
    }

    fn value(&mut self, of: &MergeType, old: Side<'_>, new: Side<'_>) {
        let (left, right) = (of.choose(old), of.choose(new));
        let leaf = match (old, new) {
            (_, None) => self.part(left, old, new),
            (None, Some(_)) => self.part(right, old, new),
            // A value that changed its kind is looked at as both.
            _ if std::mem::discriminant(&left) != std::mem::discriminant(&right) => {
                self.part(left, old, new);
                self.part(right, old, new)
            }
            _ => self.part(right, old, new),
        };
        if !leaf {
            if old.is_none() {
                self.result.added.insert(&self.path);
            } else if new.is_none() {
                self.result.removed.insert(&self.path);
            }
        }
    }

    /// Compares two values as one kind of type; true if they count as one leaf.
    fn part(&mut self, of: Chosen<'_>, old: Side<'_>, new: Side<'_>) -> bool {
        match of {
            Chosen::Map { of, atomic } => {
                let (left, right) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
                if atomic || (left.is_none_or(Map::is_empty) && right.is_none_or(Map::is_empty)) {
                    self.leaf(old, new);
                    return true;
                }
                self.maps(of, left, right);
                false
            }
            Chosen::List(of) => {
                let (left, right) = (items(old), items(new));
                if of.relation == ListRelation::Atomic || (left.is_empty() && right.is_empty()) {
                    self.leaf(old, new);
                    return true;
                }
                self.lists(of, left, right);
                false
            }
            Chosen::Scalar(_) | Chosen::Nothing => {
                self.leaf(old, new);
                true
            }
        }
    }

    fn leaf(&mut self, old: Side<'_>, new: Side<'_>) {
        match (old, new) {
            (None, Some(_)) => self.result.added.insert(&self.path),
            (Some(_), None) => self.result.removed.insert(&self.path),
            (Some(left), Some(right)) if !same(left, right) => self.result.modified.insert(&self.path),
            _ => {}
        }
    }

    fn maps(&mut self, of: &MapType, old: Option<&Map<String, Value>>, new: Option<&Map<String, Value>>) {
        let mut names: Vec<&String> = old.into_iter().flat_map(Map::keys).collect();
        names.extend(
            new.into_iter().flat_map(Map::keys).filter(|name| old.is_none_or(|o| !o.contains_key(*name))),
        );
        let unknown = MergeType::deduced();
        for name in names {
            self.below(
                PathElement::field(name),
                of.type_of(name).unwrap_or(&unknown),
                old.and_then(|object| object.get(name)),
                new.and_then(|object| object.get(name)),
            );
        }
    }

    fn lists(&mut self, of: &ListType, old: &[Value], new: &[Value]) {
        let mut groups: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        // Elements without a name do not fit the type.
        for item in old {
            if let Ok(element) = path_element(of, item) {
                groups.entry(element).or_default().0.push(item);
            }
        }
        for item in new {
            if let Ok(element) = path_element(of, item) {
                groups.entry(element).or_default().1.push(item);
            }
        }
        for (element, (old, new)) in groups {
            match (old.as_slice(), new.as_slice()) {
                ([] | [_], [] | [_]) => {
                    self.below(element, &of.element, old.first().copied(), new.first().copied());
                }
                // A name that several elements share is one marker without fields of its own.
                ([_, _, ..], [_, _, ..]) => {
                    if old.len() != new.len() || !old.iter().zip(&new).all(|(l, r)| same(l, r)) {
                        self.mark(element, |result| &mut result.modified);
                    }
                }
                ([_, _, ..], rest) => {
                    if let Some(new) = rest.first() {
                        self.below(element.clone(), &of.element, None, Some(new));
                    }
                    self.mark(element, |result| &mut result.removed);
                }
                (rest, _) => {
                    if let Some(old) = rest.first() {
                        self.below(element.clone(), &of.element, Some(old), None);
                    }
                    self.mark(element, |result| &mut result.added);
                }
            }
        }
    }

    fn mark(&mut self, element: PathElement, set: impl Fn(&mut Comparison) -> &mut FieldSet) {
        self.path.push(element);
        set(&mut self.result).insert(&self.path);
        self.path.pop();
    }
}

fn items(side: Side<'_>) -> &[Value] {
    side.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
