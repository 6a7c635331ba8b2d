//! Reads `types.txt`. The file is part of the program: a line that does not parse is a bug, found by the tests.

use std::collections::HashMap;

use super::{Field, ListKind, Omit, Shape, Strategy, Tables, TypeDef};

pub(super) fn parse(text: &'static str) -> Tables {
    let mut tables = Tables { types: HashMap::new(), kinds: HashMap::new(), versions: HashMap::new() };
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split_ascii_whitespace();
        let head = words.next().unwrap_or_default();
        if head == "kind" {
            let (gvk, name) = (words.next().expect("kind has a gvk"), words.next().expect("kind has a type"));
            let mut parts = gvk.split('/');
            let (group, version, kind) = (
                parts.next().expect("gvk has a group"),
                parts.next().expect("gvk has a version"),
                parts.next().expect("gvk has a kind"),
            );
            // The file is sorted, so a newer version comes after an older one.
            tables.kinds.insert((group, kind), name);
            tables.versions.insert((group, version, kind), name);
            continue;
        }
        let (name, atomic) = head.strip_suffix('!').map_or((head, false), |name| (name, true));
        let fields = words.map(field).collect();
        tables.types.insert(name, TypeDef { atomic, fields });
    }
    tables
}

fn field(word: &'static str) -> (&'static str, Field) {
    let (head, rest) = word.split_once('=').expect("a field has a shape");
    let (name, omit) = if let Some(name) = head.strip_suffix("??") {
        (name, Omit::Zero)
    } else if let Some(name) = head.strip_suffix('?') {
        (name, Omit::Empty)
    } else {
        (head, Omit::Never)
    };
    let (rest, strategy) =
        rest.split_once('~').map_or((rest, Strategy::default()), |(rest, text)| (rest, parse_strategy(text)));
    let (rest, atomic) = if let Some(rest) = rest.strip_suffix('!') {
        (rest, Some(true))
    } else if let Some(rest) = rest.strip_suffix('+') {
        (rest, Some(false))
    } else {
        (rest, None)
    };
    let (shape, list) = match rest.split_once('/') {
        None => (rest, ListKind::Atomic),
        Some((shape, "")) => (shape, ListKind::Set),
        Some((shape, keys)) => (shape, ListKind::Map(keys.split(',').collect())),
    };
    (name, Field { omit, shape: parse_shape(shape), list, atomic, strategy })
}

fn parse_strategy(text: &'static str) -> Strategy {
    let (names, key) = text.split_once(':').map_or((text, None), |(names, key)| (names, Some(key)));
    let has = |wanted: &str| names.split(',').any(|name| name == wanted);
    Strategy { merge: has("merge"), replace: has("replace"), retain_keys: has("retainKeys"), merge_key: key }
}

fn parse_shape(text: &'static str) -> Shape {
    let (first, rest) = text.split_at(1);
    match first {
        "s" => Shape::Text,
        "n" => Shape::Number,
        "b" => Shape::Bool,
        "t" => Shape::Time,
        "q" => Shape::Quantity,
        "i" => Shape::IntOrString,
        "@" => Shape::Struct(rest),
        "*" => Shape::Pointer(rest),
        "[" => Shape::List(Box::new(parse_shape(rest))),
        "<" => Shape::Map(Box::new(parse_shape(rest))),
        _ => Shape::Opaque,
    }
}
