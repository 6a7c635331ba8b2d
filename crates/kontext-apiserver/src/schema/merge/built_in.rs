//! The types of the built-in kinds, from `types.txt`; the types of optional scalars from the table of protobuf fields.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{Atom, DEDUCED, FieldType, ListRelation, MapType, MergeType, Scalar, UNTYPED};
use crate::protobuf;
use crate::schema::{self, Field, ListKind, Omit, Shape, TypeDef};

/// The type of a built-in kind, in the version that it is served in.
pub(crate) fn of_kind(group: &str, version: &str, kind: &str) -> Option<MergeType> {
    schema::name_of_version(group, version, kind).map(MergeType::named)
}

/// A type of the table by its name.
pub(super) fn atom(name: &str) -> &'static Atom {
    static ATOMS: OnceLock<HashMap<&'static str, Atom>> = OnceLock::new();
    static NOTHING: Atom = Atom { scalar: None, list: None, map: None };
    let atoms = ATOMS.get_or_init(|| {
        let mut atoms: HashMap<&'static str, Atom> =
            schema::all_types().map(|(name, def)| (name, of_type(name, def))).collect();
        for name in schema::kind_types() {
            // `types.txt` leaves out what all kinds have.
            if let Some(map) = atoms.get_mut(name).and_then(|atom| atom.map.as_mut()) {
                for field in ["apiVersion", "kind"] {
                    let of = MergeType::scalar(Scalar::Text);
                    map.fields.entry(field.to_owned()).or_insert(FieldType { of, default: None });
                }
            }
        }
        atoms.insert(DEDUCED, MergeType::deduced().atom().clone());
        atoms.insert(UNTYPED, MergeType::untyped().atom().clone());
        atoms
    });
    atoms.get(name).unwrap_or(&NOTHING)
}

fn of_type(name: &'static str, def: &TypeDef) -> Atom {
    let precise = protobuf::named_fields(name);
    let fields = def
        .fields
        .iter()
        .map(|(field_name, field)| {
            let of = match precise.and_then(|fields| fields.get(field_name)) {
                Some(precise) if field.shape == Shape::Opaque => of_optional(precise),
                _ => of_field(field),
            };
            ((*field_name).to_owned(), FieldType { of, default: default_of(field_name, field) })
        })
        .collect();
    let element = def.fields.is_empty().then(|| MergeType::named(DEDUCED));
    Atom { map: Some(MapType { fields, element, atomic: def.atomic }), ..Atom::default() }
}

/// A field that the API always writes counts as its zero where it is left out; one other key has a default.
fn default_of(name: &str, field: &Field) -> Option<Value> {
    match (&field.shape, field.omit) {
        (Shape::Text, _) if name == "protocol" => Some(json!("TCP")),
        (Shape::Text, Omit::Never) => Some(json!("")),
        (Shape::Number, Omit::Never) => Some(json!(0)),
        (Shape::Bool, Omit::Never) => Some(json!(false)),
        _ => None,
    }
}

fn of_field(field: &Field) -> MergeType {
    let relation = match &field.list {
        ListKind::Atomic => ListRelation::Atomic,
        ListKind::Set => ListRelation::Set,
        ListKind::Map(keys) => ListRelation::Keys(keys.iter().map(|key| (*key).to_owned()).collect()),
    };
    of_shape(&field.shape, relation).with_atomic(field.atomic)
}

fn of_shape(shape: &Shape, relation: ListRelation) -> MergeType {
    match shape {
        Shape::Text => MergeType::scalar(Scalar::Text),
        Shape::Number => MergeType::scalar(Scalar::Numeric),
        Shape::Bool => MergeType::scalar(Scalar::Boolean),
        Shape::Time | Shape::Quantity | Shape::IntOrString => MergeType::scalar(Scalar::Untyped),
        Shape::Opaque => MergeType::named(UNTYPED),
        Shape::Struct(name) | Shape::Pointer(name) => MergeType::named(name),
        Shape::List(element) => MergeType::list(of_shape(element, ListRelation::Atomic), relation),
        Shape::Map(element) => MergeType::map(MapType {
            element: Some(of_shape(element, ListRelation::Atomic)),
            ..MapType::default()
        }),
    }
}

/// A pointer to a scalar.
fn of_optional(shape: &protobuf::Shape) -> MergeType {
    match shape {
        protobuf::Shape::Text | protobuf::Shape::Bytes => MergeType::scalar(Scalar::Text),
        protobuf::Shape::Number => MergeType::scalar(Scalar::Numeric),
        protobuf::Shape::Bool => MergeType::scalar(Scalar::Boolean),
        protobuf::Shape::Time
        | protobuf::Shape::MicroTime
        | protobuf::Shape::Quantity
        | protobuf::Shape::IntOrString => MergeType::scalar(Scalar::Untyped),
        _ => MergeType::named(UNTYPED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_without_a_protocol_is_a_tcp_port() {
        let pod = of_kind("", "v1", "Pod").expect("known");
        let mut of = &pod;
        for field in ["spec", "containers"] {
            of = of.as_map().expect("map").0.type_of(field).expect("declared");
        }
        let containers = of.atom().list.as_ref().expect("list");
        assert_eq!(containers.relation, ListRelation::Keys(vec!["name".to_owned()]));
        let container = containers.element.as_map().expect("map").0;
        let ports = container.type_of("ports").expect("declared").atom().list.as_ref().expect("list");
        assert_eq!(ports.key_default("protocol"), Some(&json!("TCP")));
        assert_eq!(ports.key_default("containerPort"), Some(&json!(0)));
    }

    #[test]
    fn every_version_of_a_kind_has_its_own_type() {
        let spec = |version| {
            let of = of_kind("autoscaling", version, "HorizontalPodAutoscaler").expect("known");
            let spec = of.as_map().expect("map").0.type_of("spec").expect("declared").clone();
            spec.as_map().expect("map").0.fields.keys().cloned().collect::<Vec<_>>()
        };
        assert!(spec("v1").contains(&"targetCPUUtilizationPercentage".to_owned()));
        assert!(spec("v2").contains(&"metrics".to_owned()));
    }

    #[test]
    fn an_optional_number_is_a_number() {
        let of = of_kind("apps", "v1", "Deployment").expect("known");
        let spec = of.as_map().expect("map").0.type_of("spec").expect("declared");
        let replicas = spec.as_map().expect("map").0.type_of("replicas").expect("declared");
        assert_eq!(replicas.atom().scalar, Some(Scalar::Numeric));
    }
}
