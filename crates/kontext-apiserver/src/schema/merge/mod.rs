//! Types as apply and field ownership see them (the schema of structured merge diff): what a value may be, which
//! fields a map declares, which maps and lists are owned as a whole, and by which keys list elements are told apart.
//!
//! The types of built-in kinds come from `types.txt` ([`of_kind`]), those of custom resources from the structural
//! OpenAPI schema of their definition ([`from_open_api`]). Without either everything is deduced from the values.

mod built_in;
mod open_api;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

pub(crate) use built_in::of_kind;
pub(crate) use open_api::from_open_api;

/// The type of a value: cheap to clone, may be shared between threads.
#[derive(Debug, Clone)]
pub(crate) struct MergeType {
    reference: Reference,
    /// Overrides the atomicity of the map that is referred to.
    atomic: Option<bool>,
}

#[derive(Debug, Clone)]
enum Reference {
    /// A type in `types.txt`, looked up when it is needed, because types may contain themselves.
    Named(&'static str),
    Inline(Arc<Atom>),
}

/// What a value may be. A value that is none of it does not fit the type.
#[derive(Debug, Clone, Default)]
pub(crate) struct Atom {
    pub(crate) scalar: Option<Scalar>,
    pub(crate) list: Option<ListType>,
    pub(crate) map: Option<MapType>,
}

/// A value without parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Numeric,
    Text,
    Boolean,
    Untyped,
}

/// A map or a struct.
#[derive(Debug, Clone, Default)]
pub(crate) struct MapType {
    /// Declared fields. A declared field is not owned for itself while it has parts.
    pub(crate) fields: BTreeMap<String, FieldType>,
    /// The type of all other keys; without one they are errors.
    pub(crate) element: Option<MergeType>,
    pub(crate) atomic: bool,
}

/// A declared field.
#[derive(Debug, Clone)]
pub(crate) struct FieldType {
    pub(crate) of: MergeType,
    /// What a list key counts as where an element leaves it out.
    pub(crate) default: Option<Value>,
}

/// A list.
#[derive(Debug, Clone)]
pub(crate) struct ListType {
    pub(crate) element: MergeType,
    pub(crate) relation: ListRelation,
}

/// How the elements of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListRelation {
    /// Not at all: the list is owned and replaced as a whole.
    Atomic,
    /// By their value.
    Set,
    /// By the values of these fields.
    Keys(Vec<String>),
}

/// The part of a type that applies to a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chosen<'a> {
    Map {
        of: &'a MapType,
        atomic: bool,
    },
    Scalar(Scalar),
    List(&'a ListType),
    /// The type is none of the three, which a schema of nothing says.
    Nothing,
}

impl MergeType {
    /// Maps are granular, lists atomic, whatever the value is.
    pub(crate) fn deduced() -> Self {
        static TYPE: OnceLock<Arc<Atom>> = OnceLock::new();
        let atom = TYPE.get_or_init(|| {
            Arc::new(Atom {
                scalar: Some(Scalar::Untyped),
                list: Some(ListType { element: Self::untyped(), relation: ListRelation::Atomic }),
                map: Some(MapType {
                    fields: BTreeMap::new(),
                    element: Some(Self::named(DEDUCED)),
                    atomic: false,
                }),
            })
        });
        Self { reference: Reference::Inline(atom.clone()), atomic: None }
    }

    /// Anything, owned as a whole.
    pub(crate) fn untyped() -> Self {
        static TYPE: OnceLock<Arc<Atom>> = OnceLock::new();
        let atom = TYPE.get_or_init(|| {
            Arc::new(Atom {
                scalar: Some(Scalar::Untyped),
                list: Some(ListType { element: Self::named(UNTYPED), relation: ListRelation::Atomic }),
                map: Some(MapType {
                    fields: BTreeMap::new(),
                    element: Some(Self::named(UNTYPED)),
                    atomic: true,
                }),
            })
        });
        Self { reference: Reference::Inline(atom.clone()), atomic: None }
    }

    pub(crate) fn inline(atom: Atom) -> Self {
        Self { reference: Reference::Inline(Arc::new(atom)), atomic: None }
    }

    pub(crate) fn scalar(scalar: Scalar) -> Self {
        Self::inline(Atom { scalar: Some(scalar), ..Atom::default() })
    }

    pub(crate) fn list(element: MergeType, relation: ListRelation) -> Self {
        Self::inline(Atom { list: Some(ListType { element, relation }), ..Atom::default() })
    }

    pub(crate) fn map(map: MapType) -> Self {
        Self::inline(Atom { map: Some(map), ..Atom::default() })
    }

    /// A type of `types.txt`, or one of the two that stand for no type.
    pub(crate) fn named(name: &'static str) -> Self {
        Self { reference: Reference::Named(name), atomic: None }
    }

    /// The same type with the atomicity of its map overridden.
    pub(crate) fn with_atomic(mut self, atomic: Option<bool>) -> Self {
        self.atomic = atomic.or(self.atomic);
        self
    }

    pub(crate) fn atom(&self) -> &Atom {
        match &self.reference {
            Reference::Inline(atom) => atom,
            Reference::Named(name) => built_in::atom(name),
        }
    }

    /// The map that this type may be, and whether it is atomic.
    pub(crate) fn as_map(&self) -> Option<(&MapType, bool)> {
        self.atom().map.as_ref().map(|map| (map, self.atomic.unwrap_or(map.atomic)))
    }

    /// The part that applies to a value. Null, no value, and a value that does not fit leave it open: then a map goes
    /// before a scalar and a scalar before a list.
    pub(crate) fn choose(&self, value: Option<&Value>) -> Chosen<'_> {
        let atom = self.atom();
        let map = || self.as_map().map(|(of, atomic)| Chosen::Map { of, atomic });
        let fitting = match value {
            Some(Value::Object(_)) => map(),
            Some(Value::Array(_)) => atom.list.as_ref().map(Chosen::List),
            Some(Value::Null) | None => None,
            Some(_) => atom.scalar.map(Chosen::Scalar),
        };
        fitting
            .or_else(map)
            .or_else(|| atom.scalar.map(Chosen::Scalar))
            .or_else(|| atom.list.as_ref().map(Chosen::List))
            .unwrap_or(Chosen::Nothing)
    }
}

impl MapType {
    /// The type of the value at a key; `None` where the key is not allowed.
    pub(crate) fn type_of(&self, key: &str) -> Option<&MergeType> {
        self.fields.get(key).map(|field| &field.of).or(self.element.as_ref())
    }

    pub(crate) fn declares(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }
}

impl ListType {
    /// What a key counts as where an element leaves it out.
    pub(crate) fn key_default(&self, key: &str) -> Option<&Value> {
        self.element.atom().map.as_ref()?.fields.get(key)?.default.as_ref()
    }
}

/// Names of the two types that stand for no type; no type of the API is called so.
const DEDUCED: &str = "(deduced)";
const UNTYPED: &str = "(untyped)";
