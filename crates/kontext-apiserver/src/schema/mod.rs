//! What the built-in kinds look like: which lists are maps or sets, which values are atomic, which fields are always
//! present in the server's JSON, and how a strategic merge patch merges them.
//!
//! The facts are in `types.txt`, in a small line format:
//!
//! ```text
//! kind GROUP/VERSION/KIND TYPE          a kind and the type of its objects
//! TYPE[!] FIELD...                      a type ("!": atomic, owned and applied as a whole)
//! FIELD  = NAME[?|??]=SHAPE[/KEYS][!|+][~STRATEGY[:KEY]]
//!   ?        left out of the JSON when empty (??: a struct left out when all of it is empty)
//!   SHAPE    s text, n number, b bool, t time, q quantity, i int-or-string, . anything else; @T struct,
//!            *T pointer to struct, [SHAPE list, <SHAPE map
//!   /a,b     a list that is a map with the keys a and b; "/" alone: a set
//!   !  +     the field's map is atomic / granular whatever its type says
//!   ~x,y:k   patch strategies, and the merge key k of a list
//! ```

mod merge;
mod normalize;
mod parse;

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde_json::Value;

#[allow(unused_imports, reason = "custom resources use the rest")]
pub(crate) use merge::{
    Atom, Chosen, ListRelation, ListType, MapType, MergeType, Scalar, from_open_api, of_kind as merge_type_of,
};
pub(crate) use normalize::{normalize, zero};

/// One type of the API, e.g. `core.v1.PodSpec`.
#[derive(Debug, Default)]
pub(crate) struct TypeDef {
    /// Owned and replaced as a whole by apply.
    pub(crate) atomic: bool,
    /// Fields by their JSON name.
    pub(crate) fields: BTreeMap<&'static str, Field>,
}

/// One field of a type.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) omit: Omit,
    pub(crate) shape: Shape,
    /// How apply merges a list.
    pub(crate) list: ListKind,
    /// Overrides the atomicity of the map or struct that the field holds.
    pub(crate) atomic: Option<bool>,
    pub(crate) strategy: Strategy,
}

/// When a field is left out of the server's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Omit {
    Never,
    Empty,
    Zero,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Number,
    Bool,
    Time,
    Quantity,
    IntOrString,
    /// A pointer to a scalar, or raw JSON.
    Opaque,
    Struct(&'static str),
    Pointer(&'static str),
    List(Box<Shape>),
    Map(Box<Shape>),
}

/// How apply tracks the elements of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListKind {
    Atomic,
    Set,
    Map(Vec<&'static str>),
}

/// How a strategic merge patch treats a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Strategy {
    pub(crate) merge: bool,
    pub(crate) replace: bool,
    pub(crate) retain_keys: bool,
    pub(crate) merge_key: Option<&'static str>,
}

impl Shape {
    /// The type behind a struct or a pointer to one.
    pub(crate) fn type_def(&self) -> Option<&'static TypeDef> {
        match self {
            Shape::Struct(name) | Shape::Pointer(name) => type_named(name),
            _ => None,
        }
    }
}

struct Tables {
    types: HashMap<&'static str, TypeDef>,
    /// (group, kind) to type name, the newest version of each.
    kinds: HashMap<(&'static str, &'static str), &'static str>,
    /// (group, version, kind) to type name.
    versions: HashMap<(&'static str, &'static str, &'static str), &'static str>,
}

static TEXT: &str = include_str!("types.txt");

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| parse::parse(TEXT))
}

/// A type by its name in the table.
pub(crate) fn type_named(name: &str) -> Option<&'static TypeDef> {
    tables().types.get(name)
}

/// The name of a built-in kind's type.
pub(crate) fn name_of(group: &str, kind: &str) -> Option<&'static str> {
    tables().kinds.get(&(group, kind)).copied()
}

/// The name of the type that a built-in kind has in one version.
fn name_of_version(group: &str, version: &str, kind: &str) -> Option<&'static str> {
    tables().versions.get(&(group, version, kind)).copied()
}

/// The names of the types that are kinds.
fn kind_types() -> impl Iterator<Item = &'static str> {
    tables().versions.values().copied()
}

fn all_types() -> impl Iterator<Item = (&'static str, &'static TypeDef)> {
    tables().types.iter().map(|(name, def)| (*name, def))
}

/// The type of a built-in kind; `None` for custom resources.
pub(crate) fn of(group: &str, kind: &str) -> Option<&'static TypeDef> {
    name_of(group, kind).and_then(type_named)
}

/// The empty object of the kind that an object says it is, which a create starts from.
pub(crate) fn blank(object: &Value) -> Value {
    let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let version = version.rsplit('/').next().unwrap_or_default();
    let def = name_of_version(group_of(object), version, kind_of(object)).and_then(type_named);
    def.map_or_else(|| Value::Object(serde_json::Map::new()), zero)
}

/// The group in an `apiVersion` ("" for the core group).
pub(crate) fn group_of(object: &Value) -> &str {
    let api_version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The `kind` of an object, or "".
pub(crate) fn kind_of(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_named_is_defined() {
        let tables = tables();
        assert!(tables.kinds.len() > 50 && tables.types.len() > 400);
        for (kind, name) in &tables.kinds {
            assert!(type_named(name).is_some(), "{kind:?} -> {name}");
        }
        for (name, def) in &tables.types {
            for (field, spec) in &def.fields {
                let mut shape = &spec.shape;
                while let Shape::List(inner) | Shape::Map(inner) = shape {
                    shape = inner;
                }
                if let Shape::Struct(target) | Shape::Pointer(target) = shape {
                    assert!(type_named(target).is_some(), "{name}.{field} -> {target}");
                }
            }
        }
    }

    #[test]
    fn the_lists_of_a_pod_spec_have_their_keys() {
        let pod = of("", "Pod").expect("known");
        let spec = pod.fields["spec"].shape.type_def().expect("known");
        let containers = &spec.fields["containers"];
        assert_eq!(containers.list, ListKind::Map(vec!["name"]));
        assert_eq!(containers.omit, Omit::Never);
        assert_eq!(containers.strategy.merge_key, Some("name"));
        assert_eq!(
            spec.fields["topologySpreadConstraints"].list,
            ListKind::Map(vec!["topologyKey", "whenUnsatisfiable"])
        );
        assert_eq!(spec.fields["nodeSelector"].atomic, Some(true));
        assert!(spec.fields["volumes"].strategy.retain_keys && spec.fields["volumes"].strategy.merge);
        assert_eq!(of("autoscaling", "HorizontalPodAutoscaler").map(|t| t.fields.len()), Some(3));
    }
}
