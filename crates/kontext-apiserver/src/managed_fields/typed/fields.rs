//! The set of all fields that an applied object names.

use std::collections::BTreeSet;

use serde_json::Value;

use super::items::path_element;
use crate::managed_fields::path::PathElement;
use crate::managed_fields::set::FieldSet;
use crate::schema::{Chosen, ListRelation, ListType, MapType, MergeType};

/// Every leaf and every item that a value has. The value must fit the type.
pub(crate) fn field_set(of: &MergeType, value: &Value) -> FieldSet {
    let mut walk = Walk { path: Vec::new(), set: FieldSet::default() };
    walk.value(of, value);
    walk.set
}

struct Walk {
    path: Vec<PathElement>,
    set: FieldSet,
}

impl Walk {
    fn value(&mut self, of: &MergeType, value: &Value) {
        match of.choose(Some(value)) {
            Chosen::Map { atomic: true, .. } | Chosen::Scalar(_) | Chosen::Nothing => {
                self.set.insert(&self.path);
            }
            Chosen::List(of) if of.relation == ListRelation::Atomic => self.set.insert(&self.path),
            Chosen::Map { of, .. } => self.map(of, value),
            Chosen::List(of) => self.list(of, value),
        }
    }

    fn map(&mut self, of: &MapType, value: &Value) {
        let unknown = MergeType::deduced();
        for (name, item) in value.as_object().into_iter().flatten() {
            self.path.push(PathElement::field(name));
            self.value(of.type_of(name).unwrap_or(&unknown), item);
            let empty = item.is_null() || item.as_object().is_some_and(serde_json::Map::is_empty);
            if empty || !of.declares(name) {
                self.set.insert(&self.path);
            }
            self.path.pop();
        }
    }

    fn list(&mut self, of: &ListType, value: &Value) {
        let named: Vec<(PathElement, &Value)> = value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| Some((path_element(of, item).ok()?, item)))
            .collect();
        let mut seen = BTreeSet::new();
        let duplicates: BTreeSet<&PathElement> =
            named.iter().map(|(element, _)| element).filter(|element| !seen.insert(*element)).collect();
        for (element, item) in &named {
            self.path.push(element.clone());
            // A name that several elements share is one marker without fields of its own.
            if !duplicates.contains(element) {
                self.value(&of.element, item);
            }
            self.set.insert(&self.path);
            self.path.pop();
        }
    }
}
