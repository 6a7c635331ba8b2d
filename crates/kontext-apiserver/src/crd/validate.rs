//! Validation of a value against a schema, with the messages of the real server.
//!
//! On an update, what was stored before and did not change may stay as it is, even where it is invalid (ratcheting).

use serde_json::{Number, Value};

use super::failure::{self, float_shown, shown};
use super::format;
use super::schema::{Additional, Limits, Schema};
use crate::error::Cause;

/// Everything that is wrong with a value. `prefix` is where the value stands in its object, "" for the object itself.
pub(super) fn validate(schema: &Schema, value: &Value, old: Option<&Value>, prefix: &str) -> Vec<Cause> {
    Check { prefix }.value(schema, value, old, "").causes
}

/// What a check found, and how much of the schema the value agreed with: of several alternatives, the one that came
/// closest is reported.
#[derive(Default)]
struct Outcome {
    causes: Vec<Cause>,
    matched: usize,
}

impl Outcome {
    fn merge(&mut self, other: Self) {
        self.causes.extend(other.causes);
        self.matched += other.matched;
    }

    fn is_valid(&self) -> bool {
        self.causes.is_empty()
    }
}

struct Check<'a> {
    prefix: &'a str,
}

impl Check<'_> {
    fn value(&self, schema: &Schema, value: &Value, old: Option<&Value>, path: &str) -> Outcome {
        let mut outcome = Outcome::default();
        if value.is_null() {
            outcome.merge(self.kind(schema, value, path));
            outcome.merge(self.allowed(schema, value, path));
        } else {
            self.present(schema, value, old, path, &mut outcome);
        }
        if !outcome.is_valid() && old == Some(value) {
            outcome.causes.clear();
        }
        outcome
    }

    fn present(
        &self,
        schema: &Schema,
        value: &Value,
        old: Option<&Value>,
        path: &str,
        outcome: &mut Outcome,
    ) {
        let limits = &schema.limits;
        if !schema.kind.is_empty() || schema.int_or_string || format::applies(schema) {
            outcome.merge(self.kind(schema, value, path));
            outcome.matched += 1;
        }
        outcome.merge(self.junctors(schema, value, old, path));
        outcome.matched += 1;
        match value {
            Value::String(text) => {
                outcome.causes.extend(self.text(limits, text, path));
                outcome.matched += 1;
                if let Some(name) = format::applies_to_text(schema) {
                    if !format::is_valid(name, text) {
                        let why = format!("{path} in body must be of type {name}: {value}");
                        outcome.causes.push(failure::type_invalid(&self.field(path), value, &why));
                    }
                    outcome.matched += 1;
                }
            }
            Value::Number(number) => {
                outcome.causes.extend(self.number(schema, number, value, path));
                outcome.matched += 2;
            }
            Value::Array(items) => {
                outcome.merge(self.items(schema, items, old, path));
                outcome.matched += 2;
            }
            _ => {}
        }
        outcome.merge(self.allowed(schema, value, path));
        outcome.matched += 1;
        if let Value::Object(fields) = value {
            outcome.merge(self.fields(schema, fields, old, path));
            outcome.matched += 1;
        }
        outcome.matched += 1;
    }

    /// The path of a cause.
    fn field(&self, path: &str) -> String {
        let path = path.trim_start_matches('.');
        match (self.prefix, path) {
            ("", "") => "<nil>".to_owned(),
            ("", path) => path.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}.{path}"),
        }
    }

    fn kind(&self, schema: &Schema, value: &Value, path: &str) -> Outcome {
        let wanted: &[&str] =
            if schema.int_or_string { &["integer", "string"] } else { &[schema.kind.as_str()] };
        let is = kind_of(value);
        let whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
        let fits = match is {
            "null" => schema.nullable || wanted == [""],
            "integer" => wanted.contains(&"integer") || wanted.contains(&"number"),
            "number" => wanted.contains(&"number") || (whole && wanted.contains(&"integer")),
            // A format alone is checked as such.
            "string" | "array" if format::applies(schema) && !wanted.contains(&"integer") => {
                !matches!(wanted, ["number"])
            }
            other => wanted.contains(&other) || wanted == [""],
        };
        if fits {
            return Outcome { causes: Vec::new(), matched: 1 };
        }
        // A format speaks for the type, except to texts and lists.
        if format::applies(schema) && !matches!(is, "null" | "string" | "array") {
            let is = match is {
                "integer" => "int64",
                "number" => "float64",
                _ => "",
            };
            let why = format!("{path} in body must be of type {}: {is:?}", schema.limits.format);
            let cause = failure::type_invalid(&self.field(path), &Value::String(is.to_owned()), &why);
            return Outcome { causes: vec![cause], matched: 0 };
        }
        let why = format!("{path} in body must be of type {}: {is:?}", wanted.join(","));
        let cause = failure::type_invalid(&self.field(path), &Value::String(is.to_owned()), &why);
        Outcome { causes: vec![cause], matched: 0 }
    }

    fn allowed(&self, schema: &Schema, value: &Value, path: &str) -> Outcome {
        let allowed = &schema.limits.allowed;
        let same = |one: &Value| one == value || (one.is_number() && one.as_f64() == value.as_f64());
        if allowed.is_empty() || (!value.is_null() && allowed.iter().any(same)) {
            return Outcome::default();
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let supported: Vec<String> = allowed.iter().map(text).collect();
        Outcome { causes: vec![failure::unsupported(&self.field(path), value, &supported)], matched: 0 }
    }

    /// The first limit that a text breaks.
    fn text(&self, limits: &Limits, text: &str, path: &str) -> Option<Cause> {
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(limit) = limits.max_length.filter(|limit| length > *limit) {
            return Some(failure::too_long(&self.field(path), limit));
        }
        let value = Value::String(text.to_owned());
        if let Some(limit) = limits.min_length.filter(|limit| length < *limit) {
            let why = format!("{path} in body should be at least {limit} chars long");
            return Some(failure::invalid(&self.field(path), &value, &why));
        }
        let pattern = limits.pattern.as_ref()?;
        let why = match &pattern.compiled {
            Ok(compiled) if compiled.is_match(text) => return None,
            Ok(_) => format!("{path} in body should match '{}'", pattern.text),
            Err(why) => {
                format!("{path} in body should match '{}, but pattern is invalid: {why}'", pattern.text)
            }
        };
        Some(failure::invalid(&self.field(path), &value, &why))
    }

    fn number(&self, schema: &Schema, number: &Number, value: &Value, path: &str) -> Vec<Cause> {
        let limits = &schema.limits;
        let mut causes = Vec::new();
        let invalid = |why: String| failure::invalid(&self.field(path), value, &why);
        if let Some(why) = out_of_range(schema, number, path) {
            causes.push(failure::invalid(
                if self.prefix.is_empty() { "<nil>" } else { self.prefix },
                &Value::String(String::new()),
                &why,
            ));
        }
        let whole = number.is_i64() || number.is_u64();
        let given = number.as_f64().unwrap_or_default();
        // Limits of whole numbers are whole numbers.
        let limit = |limit: f64| if whole { limit.trunc() } else { limit };
        if let Some(factor) = limits.multiple_of.map(limit) {
            if factor <= 0.0 {
                let why = format!(
                    "factor MultipleOf declared for {path} must be positive: {}",
                    float_shown(factor)
                );
                causes.push(failure::invalid(&self.field(path), &Value::from(factor), &why));
            } else if !is_multiple(number, given, factor) {
                causes
                    .push(invalid(format!("{path} in body should be a multiple of {}", float_shown(factor))));
            }
        }
        if let Some(least) = limits.minimum.map(limit)
            && (given < least || (limits.exclusive_minimum && given <= least))
        {
            let relation = if limits.exclusive_minimum { "greater than" } else { "greater than or equal to" };
            causes.push(invalid(format!("{path} in body should be {relation} {}", float_shown(least))));
        }
        if let Some(most) = limits.maximum.map(limit)
            && (given > most || (limits.exclusive_maximum && given >= most))
        {
            let relation = if limits.exclusive_maximum { "less than" } else { "less than or equal to" };
            causes.push(invalid(format!("{path} in body should be {relation} {}", float_shown(most))));
        }
        causes
    }

    fn items(&self, schema: &Schema, items: &[Value], old: Option<&Value>, path: &str) -> Outcome {
        let mut outcome = Outcome::default();
        if let Some(element) = schema.items.as_deref() {
            for (index, item) in items.iter().enumerate() {
                let before = same_item(schema, item, old);
                outcome.merge(self.value(element, item, before, &format!("{path}[{index}]")));
            }
        }
        let limits = &schema.limits;
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if let Some(limit) = limits.min_items.filter(|limit| count < *limit) {
            let why = format!("{path} in body should have at least {limit} items");
            outcome.causes.push(failure::invalid(&self.field(path), &Value::from(count), &why));
        }
        if let Some(limit) = limits.max_items.filter(|limit| count > *limit) {
            outcome.causes.push(failure::too_many(&self.field(path), items.len(), limit));
        }
        if limits.unique_items && (1..items.len()).any(|index| items[..index].contains(&items[index])) {
            let why = format!("{path} in body shouldn't contain duplicates");
            outcome.causes.push(failure::invalid(&self.field(path), &Value::String(String::new()), &why));
        }
        outcome
    }

    fn fields(
        &self,
        schema: &Schema,
        fields: &serde_json::Map<String, Value>,
        old: Option<&Value>,
        path: &str,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let limits = &schema.limits;
        let count = i64::try_from(fields.len()).unwrap_or(i64::MAX);
        if let Some(limit) = limits.min_properties.filter(|limit| count < *limit) {
            let why = format!("{path} in body should have at least {limit} properties");
            outcome.causes.push(failure::invalid(&self.field(path), &Value::from(count), &why));
        }
        if let Some(limit) = limits.max_properties.filter(|limit| count > *limit) {
            outcome.causes.push(failure::too_many(&self.field(path), fields.len(), limit));
        }
        for (name, field) in fields {
            // What every object has is not compared with what was before.
            let type_field = path.is_empty() && matches!(name.as_str(), "kind" | "apiVersion");
            let before = old.and_then(|old| old.get(name)).filter(|_| !type_field);
            match (schema.properties.get(name), &schema.additional) {
                (Some(property), _) => {
                    let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    outcome.merge(self.value(property, field, before, &inner));
                }
                (None, Some(Additional::Each(each))) => {
                    outcome.merge(self.value(each, field, before, &format!("{path}.{name}")));
                }
                (None, Some(Additional::None)) => {
                    let why = format!("{path}.{name} in body is a forbidden property");
                    outcome.causes.push(failure::invalid(
                        &self.field(path),
                        &Value::String(name.clone()),
                        &why,
                    ));
                }
                (None, _) => {}
            }
        }
        for name in limits.required.iter().filter(|name| !fields.contains_key(*name)) {
            outcome.causes.push(failure::required(&self.field(&format!("{path}.{name}")), ""));
        }
        outcome
    }

    fn junctors(&self, schema: &Schema, value: &Value, old: Option<&Value>, path: &str) -> Outcome {
        let junctors = &schema.junctors;
        let mut outcome = Outcome::default();
        let check = |one: &Schema| self.value(one, value, old, path);
        let complaint = |why: String| {
            let field = if self.prefix.is_empty() { "<nil>" } else { self.prefix };
            failure::invalid(field, &Value::String(String::new()), &why)
        };
        if !junctors.any_of.is_empty() {
            let results: Vec<Outcome> = junctors.any_of.iter().map(check).collect();
            if !results.iter().any(Outcome::is_valid) {
                outcome.causes.push(complaint(format!("{path:?} must validate at least one schema (anyOf)")));
            }
            merge_best(&mut outcome, results);
        }
        if !junctors.one_of.is_empty() {
            let results: Vec<Outcome> = junctors.one_of.iter().map(check).collect();
            match results.iter().filter(|result| result.is_valid()).count() {
                1 => merge_best(&mut outcome, results),
                valid => {
                    let found = match valid {
                        0 => "Found none valid".to_owned(),
                        many => format!("Found {many} valid alternatives"),
                    };
                    let why = format!("{path:?} must validate one and only one schema (oneOf). {found}");
                    outcome.causes.push(complaint(why));
                    if valid == 0 {
                        merge_best(&mut outcome, results);
                    }
                }
            }
        }
        if !junctors.all_of.is_empty() {
            let results: Vec<Outcome> = junctors.all_of.iter().map(check).collect();
            let valid = results.iter().filter(|result| result.is_valid()).count();
            let all = results.len();
            results.into_iter().for_each(|result| outcome.merge(result));
            if valid != all {
                let none = if valid == 0 { ". None validated" } else { "" };
                outcome
                    .causes
                    .push(complaint(format!("{path:?} must validate all the schemas (allOf){none}")));
            }
        }
        if junctors.not.as_ref().is_some_and(|not| check(not).is_valid()) {
            outcome.causes.push(complaint(format!("{path:?} must not validate the schema (not)")));
        }
        outcome.matched += 1;
        outcome
    }
}

/// Takes the first alternative that is valid, or else the one that agreed most.
fn merge_best(outcome: &mut Outcome, results: Vec<Outcome>) {
    let mut best: Option<Outcome> = None;
    for result in results {
        if result.is_valid() {
            best = Some(result);
            break;
        }
        if best.as_ref().is_none_or(|best| result.matched > best.matched) {
            best = Some(result);
        }
    }
    if let Some(best) = best {
        outcome.merge(best);
    }
}

/// The element of an older list with the same keys: only lists that are maps say which elements are the same.
fn same_item<'a>(schema: &Schema, item: &Value, old: Option<&'a Value>) -> Option<&'a Value> {
    if schema.list_type != "map" {
        return None;
    }
    let same = |other: &&Value| schema.list_keys.iter().all(|key| other.get(key) == item.get(key));
    old?.as_array()?.iter().find(same)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_multiple(number: &Number, given: f64, factor: f64) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "a factor of whole numbers is whole, and saturates")]
    if let Some(whole) = number.as_i64() {
        let factor = factor as i64;
        return factor != 0 && whole % factor == 0;
    }
    let times = if factor < 1.0 { 1.0 / factor * given } else { given / factor };
    (times - times.round()).abs() < 1e-9
}

/// Whether a number does not fit the format of its type.
fn out_of_range(schema: &Schema, number: &Number, path: &str) -> Option<String> {
    let format = schema.limits.format.as_str();
    let kind = if schema.int_or_string { "" } else { schema.kind.as_str() };
    let fits = match (kind, format) {
        ("integer", "int32") => {
            number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) || is_whole(number, 31)
        }
        ("integer", _) => number.is_i64() || is_whole(number, 63),
        ("number", "float") => number.as_f64().is_some_and(|n| n.abs() <= f64::from(f32::MAX)),
        _ => true,
    };
    if fits {
        return None;
    }
    let format = if matches!(format, "int32" | "int64" | "float" | "double") {
        format!("with format {format}")
    } else {
        "(default format)".to_owned()
    };
    Some(format!("Checked value must be of type {kind} {format} in {path}"))
}

/// Whether a float stands for a whole number of so many bits.
fn is_whole(number: &Number, bits: i32) -> bool {
    number.is_f64() && number.as_f64().is_some_and(|n| n.fract() == 0.0 && n.abs() <= 2f64.powi(bits) - 1.0)
}

/// Elements that a list of type `set` or `map` has twice.
pub(super) fn list_types(schema: &Schema, value: &Value, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    lists(schema, value, path, &mut causes);
    causes
}

fn lists(schema: &Schema, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let child = || if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                if let Some(Additional::Each(each)) = &schema.additional {
                    lists(each, field, &format!("{path}[{name}]"), causes);
                }
                if let Some(property) = schema.properties.get(name) {
                    lists(property, field, &child(), causes);
                }
            }
        }
        Value::Array(items) => {
            match schema.list_type.as_str() {
                "set" => duplicates(items, path, causes),
                "map" => match items.iter().position(|item| !item.is_object() && !item.is_null()) {
                    Some(index) => {
                        let why = "must be an object for an array of list-type map";
                        causes.push(failure::invalid(&format!("{path}[{index}]"), &items[index], why));
                    }
                    None => duplicates(
                        &items.iter().map(|item| keys_of(schema, item)).collect::<Vec<_>>(),
                        path,
                        causes,
                    ),
                },
                _ => {}
            }
            if let Some(element) = schema.items.as_deref() {
                for (index, item) in items.iter().enumerate() {
                    lists(element, item, &format!("{path}[{index}]"), causes);
                }
            }
        }
        _ => {}
    }
}

fn keys_of(schema: &Schema, item: &Value) -> Value {
    let keys = schema.list_keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone())));
    Value::Object(keys.collect())
}

/// Names the second appearance of each value that appears more than once.
fn duplicates(items: &[Value], path: &str, causes: &mut Vec<Cause>) {
    let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let times = seen.entry(shown(item)).or_default();
        *times += 1;
        if *times == 2 {
            causes.push(failure::duplicate(&format!("{path}[{index}]"), item));
        }
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
