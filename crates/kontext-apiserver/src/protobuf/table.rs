//! The table of field numbers, parsed at first use.

use std::collections::HashMap;
use std::sync::OnceLock;

/// What a field holds.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Text,
    Number,
    Bool,
    Bytes,
    Time,
    MicroTime,
    Quantity,
    IntOrString,
    Raw,
    Message(&'static str),
    List(Box<Shape>),
    Map(Box<Shape>),
}

/// One field of a message; one without a name has its fields in the parent.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Option<&'static str>,
    pub(super) shape: Shape,
}

struct Table {
    kinds: HashMap<&'static str, &'static str>,
    messages: HashMap<&'static str, HashMap<u32, Field>>,
    /// The same fields by name, with those of inlined structs.
    names: HashMap<&'static str, HashMap<&'static str, Shape>>,
}

/// The type of a kind's objects. Delete options come in every group.
pub(super) fn type_of_kind(api_version: &str, kind: &str) -> Option<&'static str> {
    let kinds = &table().kinds;
    if kind == "DeleteOptions" {
        return kinds.get("v1/DeleteOptions").copied();
    }
    kinds.get(format!("{api_version}/{kind}").as_str()).copied()
}

/// The fields of a type by their numbers.
pub(super) fn message(name: &str) -> Option<&'static HashMap<u32, Field>> {
    table().messages.get(name)
}

/// The fields of a type by their names, with those of inlined structs.
pub(crate) fn named_fields(name: &str) -> Option<&'static HashMap<&'static str, Shape>> {
    table().names.get(name)
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| parse(include_str!("fields.txt")))
}

fn parse(text: &'static str) -> Table {
    let mut table = Table { kinds: HashMap::new(), messages: HashMap::new(), names: HashMap::new() };
    for line in text.lines() {
        let mut words = line.split(' ');
        match words.next() {
            Some("kind") => {
                if let (Some(kind), Some(name)) = (words.next(), words.next()) {
                    table.kinds.insert(kind, name);
                }
            }
            Some(name) => {
                table.messages.insert(name, words.filter_map(field).collect());
            }
            None => {}
        }
    }
    table.names = table.messages.keys().map(|name| (*name, by_name(&table.messages, name))).collect();
    table
}

fn by_name(
    messages: &HashMap<&'static str, HashMap<u32, Field>>,
    message: &str,
) -> HashMap<&'static str, Shape> {
    let mut fields = HashMap::new();
    for field in messages.get(message).into_iter().flat_map(HashMap::values) {
        match (field.name, &field.shape) {
            (Some(name), shape) => {
                fields.insert(name, shape.clone());
            }
            (None, Shape::Message(inlined)) => fields.extend(by_name(messages, inlined)),
            (None, _) => {}
        }
    }
    fields
}

fn field(word: &'static str) -> Option<(u32, Field)> {
    let (left, shape) = word.split_once(':')?;
    let (number, name) = match left.split_once('=') {
        Some((number, name)) => (number, Some(name)),
        None => (left.strip_suffix('^')?, None),
    };
    Some((number.parse().ok()?, Field { name, shape: parse_shape(shape)? }))
}

fn parse_shape(text: &'static str) -> Option<Shape> {
    let rest = text.get(1..)?;
    Some(match text.chars().next()? {
        's' => Shape::Text,
        'n' | 'd' => Shape::Number,
        'b' => Shape::Bool,
        'x' => Shape::Bytes,
        't' => Shape::Time,
        'u' => Shape::MicroTime,
        'q' => Shape::Quantity,
        'i' => Shape::IntOrString,
        'r' => Shape::Raw,
        '@' => Shape::Message(rest),
        '[' => Shape::List(Box::new(parse_shape(rest)?)),
        '<' => Shape::Map(Box::new(parse_shape(rest)?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_table_is_understood_and_every_type_is_there() {
        fn known(shape: &Shape) -> bool {
            match shape {
                Shape::Message(name) => message(name).is_some(),
                Shape::List(inner) | Shape::Map(inner) => known(inner),
                _ => true,
            }
        }
        let text = include_str!("fields.txt");
        let words: usize = text
            .lines()
            .filter(|line| !line.starts_with("kind "))
            .map(|line| line.split(' ').filter(|w| !w.is_empty()).count() - 1)
            .sum();
        let parsed: usize = table().messages.values().map(HashMap::len).sum();
        assert_eq!(parsed, words);
        assert!(table().kinds.values().all(|name| message(name).is_some()));
        assert!(table().messages.values().flat_map(HashMap::values).all(|field| known(&field.shape)));
    }
}
