//! The JSON paths of printer columns: fields, indexes, wildcards, slices, descent and simple filters.

use serde_json::Value;

/// A parsed path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Wildcard,
    /// From, to (exclusive), by; counted from the end where negative.
    Slice(Option<i64>, Option<i64>, i64),
    Index(i64),
    /// Any depth below.
    Descend,
    /// Elements where a path inside of them compares to a value so, or is there at all.
    Filter(Vec<Step>, Option<(Comparison, Value)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Parses `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`, ... `None` where it is no path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let steps = steps(&mut rest)?;
        rest.is_empty().then_some(Self(steps))
    }

    /// The first value that the path leads to.
    pub(crate) fn first<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        walk(&self.0, vec![value]).into_iter().next()
    }
}

fn steps(rest: &mut &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix("..") {
            *rest = after;
            steps.push(Step::Descend);
            if !rest.starts_with('[') {
                push_name(rest, &mut steps);
            }
        } else if let Some(after) = rest.strip_prefix('.') {
            *rest = after;
            push_name(rest, &mut steps);
        } else if let Some(after) = rest.strip_prefix('[') {
            *rest = after;
            steps.push(bracket(rest)?);
        } else {
            return Some(steps);
        }
    }
}

/// A name up to the next dot or bracket; a backslash takes the next character as it is.
fn push_name(rest: &mut &str, steps: &mut Vec<Step>) {
    let mut name = String::new();
    let mut end = rest.len();
    let mut escaped = false;
    for (index, c) in rest.char_indices() {
        if escaped {
            name.push(c);
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == '.' || c == '[' || "=!<>)&| ".contains(c) {
            end = index;
            break;
        } else {
            name.push(c);
        }
    }
    *rest = &rest[end..];
    match name.as_str() {
        "" => {}
        "*" => steps.push(Step::Wildcard),
        _ => steps.push(Step::Field(name)),
    }
}

/// What stands in brackets, the closing one included.
fn bracket(rest: &mut &str) -> Option<Step> {
    if let Some(after) = rest.strip_prefix("?(") {
        *rest = after.trim_start().strip_prefix('@')?;
        let path = steps(rest)?;
        *rest = rest.trim_start();
        let comparison = [
            ("==", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ]
        .into_iter()
        .find_map(|(sign, comparison)| Some((comparison, rest.strip_prefix(sign)?)));
        let compared = match comparison {
            None => None,
            Some((comparison, after)) => {
                *rest = after.trim_start();
                Some((comparison, literal(rest)?))
            }
        };
        *rest = rest.trim_start().strip_prefix(")]")?;
        return Some(Step::Filter(path, compared));
    }
    for quote in ['\'', '"'] {
        if let Some(after) = rest.strip_prefix(quote) {
            let (name, after) = after.split_once(quote)?;
            *rest = after.strip_prefix(']')?;
            return Some(Step::Field(name.to_owned()));
        }
    }
    let (inner, after) = rest.split_once(']')?;
    *rest = after;
    if inner == "*" {
        return Some(Step::Wildcard);
    }
    if !inner.contains(':') {
        return inner.trim().parse().ok().map(Step::Index);
    }
    let mut parts = inner.split(':').map(str::trim);
    let mut number = || match parts.next() {
        None | Some("") => Some(None),
        Some(text) => text.parse().ok().map(Some),
    };
    let (from, to, by) = (number()?, number()?, number()?);
    Some(Step::Slice(from, to, by.unwrap_or(1)))
}

fn literal(rest: &mut &str) -> Option<Value> {
    for quote in ['\'', '"'] {
        if let Some(after) = rest.strip_prefix(quote) {
            let (text, after) = after.split_once(quote)?;
            *rest = after;
            return Some(Value::String(text.to_owned()));
        }
    }
    let end = rest.find(|c: char| c == ')' || c.is_whitespace())?;
    let (text, after) = rest.split_at(end);
    *rest = after;
    serde_json::from_str(text).ok()
}

fn walk<'a>(steps: &[Step], mut values: Vec<&'a Value>) -> Vec<&'a Value> {
    for step in steps {
        values = values.into_iter().flat_map(|value| apply(step, value)).collect();
    }
    values
}

fn apply<'a>(step: &Step, value: &'a Value) -> Vec<&'a Value> {
    match (step, value) {
        (Step::Field(name), value) => value.get(name).into_iter().collect(),
        (Step::Wildcard, Value::Array(items)) => items.iter().collect(),
        (Step::Wildcard, Value::Object(fields)) => fields.values().collect(),
        (Step::Index(index), Value::Array(items)) => {
            at(items.len(), *index).map(|i| &items[i]).into_iter().collect()
        }
        (Step::Slice(from, to, by), Value::Array(items)) => slice(items, *from, *to, *by),
        (Step::Descend, value) => {
            let mut all = Vec::new();
            descend(value, &mut all);
            all
        }
        (Step::Filter(path, compared), Value::Array(items)) => {
            items.iter().filter(|item| passes(path, compared.as_ref(), item)).collect()
        }
        _ => Vec::new(),
    }
}

fn at(length: usize, index: i64) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 { index + length } else { index };
    (0..length).contains(&index).then(|| usize::try_from(index).ok())?
}

fn slice(items: &[Value], from: Option<i64>, to: Option<i64>, by: i64) -> Vec<&Value> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let bound = |given: Option<i64>, missing: i64| {
        let given = given.unwrap_or(missing);
        usize::try_from(if given < 0 { given.saturating_add(length) } else { given }.clamp(0, length))
            .unwrap_or(0)
    };
    let (from, to) = (bound(from, 0), bound(to, length));
    let Ok(by) = usize::try_from(by.max(1)) else { return Vec::new() };
    items.get(from..to.max(from)).into_iter().flatten().step_by(by).collect()
}

/// A value and everything inside of it.
fn descend<'a>(value: &'a Value, all: &mut Vec<&'a Value>) {
    all.push(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| descend(item, all)),
        Value::Object(fields) => fields.values().for_each(|field| descend(field, all)),
        _ => {}
    }
}

fn passes(path: &[Step], compared: Option<&(Comparison, Value)>, item: &Value) -> bool {
    let Some(left) = walk(path, vec![item]).into_iter().next() else { return false };
    let Some((comparison, right)) = compared else { return true };
    let order = match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (a, b) => (a == b).then_some(std::cmp::Ordering::Equal),
    };
    match comparison {
        Comparison::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
        Comparison::Unequal => !order.is_some_and(std::cmp::Ordering::is_eq),
        Comparison::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        Comparison::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
        Comparison::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
        Comparison::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_its_first_value() {
        let object = json!({
            "metadata": {"annotations": {"a.b/c": "x"}},
            "spec": {"list": [{"name": "one", "n": 1}, {"name": "two", "n": 2}]},
            "status": {"conditions": [{"type": "Synced", "status": "False"}, {"type": "Ready", "status": "True"}]},
        });
        for (path, expected) in [
            (".spec.list[0].name", json!("one")),
            (".spec.list[-1].name", json!("two")),
            (".spec.list[*].n", json!(1)),
            (".spec.list[1:].name", json!("two")),
            (r".metadata.annotations.a\.b/c", json!("x")),
            (".metadata.annotations['a.b/c']", json!("x")),
            (r#".status.conditions[?(@.type=="Ready")].status"#, json!("True")),
            (".status.conditions[?(@.type=='Synced')].status", json!("False")),
            (".spec.list[?(@.n>1)].name", json!("two")),
            ("..n", json!(1)),
        ] {
            let parsed = JsonPath::parse(path).unwrap_or_else(|| panic!("{path}"));
            assert_eq!(parsed.first(&object), Some(&expected), "{path}");
        }
        assert_eq!(JsonPath::parse(".spec.missing.deep").unwrap().first(&object), None);
        for broken in ["spec", ".a[", ".a[x]", ".a[?(@.b==)]", ".a[?(b)]"] {
            assert!(JsonPath::parse(broken).is_none(), "{broken}");
        }
    }
}
