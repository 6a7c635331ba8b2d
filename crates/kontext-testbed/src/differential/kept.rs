//! Differences that are kept on purpose. Each has its reason, and a script that shows that it is still there.

use serde_json::Value;

use super::compare::Difference;

/// A difference that is kept.
#[derive(Debug)]
pub struct Kept {
    /// What it is called; `tests/differential/kept/NAME.jsonl` shows it.
    pub name: &'static str,
    /// Why it is kept.
    pub why: &'static str,
    is: fn(&Difference) -> bool,
}

/// All of them.
pub const ALL: &[Kept] = &[
    Kept {
        name: "columns_of_tables_have_no_descriptions",
        why: "They are sentences of the API's documentation, and no client prints them.",
        is: |difference| {
            difference.at.contains("columnDefinitions/")
                && difference.at.ends_with("/description")
                && difference.ours == ""
        },
    },
    Kept {
        name: "syntax_errors_are_told_by_another_parser",
        why: "Where and how JSON is broken is said in the words of Rust's parser.",
        is: |difference| {
            message(difference, |real, ours| {
                same_before(real, ours, "json parse error: ")
                    || same_before(real, ours, "error decoding patch: ")
            })
        },
    },
    Kept {
        name: "the_result_of_a_bad_patch_is_quoted_in_another_order",
        why: "The real server quotes the fields in the order of its Go types.",
        is: |difference| {
            message(difference, |real, ours| {
                let both = |text: &str| real.contains(text) && ours.contains(text);
                both("Invalid value: \"{") && real.rsplit("}\": ").next() == ours.rsplit("}\": ").next()
                    || both("metadata.ownerReferences: Invalid value: [{")
                        && both("Only one reference can have Controller set to true")
            })
        },
    },
    Kept {
        name: "causes_are_listed_once",
        why: "The real server validates parts of an object two or three times and lists what it finds each time.",
        is: |difference| match (&difference.real, &difference.ours) {
            (Value::Array(real), Value::Array(ours)) => {
                difference.at == "body/details/causes" && real.len() != ours.len() && once(real) == once(ours)
            }
            _ => false,
        },
    },
    Kept {
        name: "refused_updates_do_not_show_what_they_change",
        why: "The real server appends a diff of its internal types.",
        is: |difference| {
            message(difference, |real, ours| real.contains("\n@@ ") && without_diffs(real) == ours)
        },
    },
];

/// The kept difference that this one is.
pub(super) fn kept(difference: &Difference) -> Option<&'static Kept> {
    ALL.iter().find(|kept| (kept.is)(difference))
}

/// Whether two messages, of a Status or of a cause, are alike by a rule.
fn message(difference: &Difference, alike: impl Fn(&str, &str) -> bool) -> bool {
    match (&difference.real, &difference.ours) {
        (Value::String(real), Value::String(ours)) => {
            difference.at.ends_with("/message") && alike(real, ours)
        }
        _ => false,
    }
}

/// The items of a list without repetitions. Diffs of internal types are another kept difference.
fn once(items: &[Value]) -> Vec<Value> {
    let mut found = Vec::new();
    for item in items {
        let mut item = item.clone();
        if let Some(message) = item["message"].as_str() {
            item["message"] = without_diffs(message).into();
        }
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}

fn same_before(real: &str, ours: &str, mark: &str) -> bool {
    let before = |text: &str| text.split_once(mark).map(|(before, _)| before.to_owned());
    before(real).is_some() && before(real) == before(ours)
}

/// A message without the diffs in it: lines that begin as those of a unified diff do.
fn without_diffs(message: &str) -> String {
    let mut out = String::new();
    let mut rest = message;
    while let Some(start) = rest.find("\n@@ ") {
        out.push_str(&rest[..start]);
        // The last line of a diff is empty; what comes after it, if anything, is the next error or the closing bracket.
        let diff = &rest[start..];
        let end = diff.find("\n, ").or_else(|| diff.find("\n]")).map_or(diff.len(), |end| end + 1);
        rest = &diff[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(at: &str, real: Value, ours: Value) -> Option<&'static str> {
        kept(&Difference { at: at.to_owned(), real, ours }).map(|kept| kept.name)
    }

    #[test]
    fn a_kept_difference_is_that_one_and_no_other() {
        let real =
            json!("X \"a\" is invalid: [spec: Forbidden: no\n@@ -1 +1 @@\n- \"a\"\n+ \"b\"\n, other: bad]");
        let ours = json!("X \"a\" is invalid: [spec: Forbidden: no, other: bad]");
        assert_eq!(
            name("body/message", real.clone(), ours),
            Some("refused_updates_do_not_show_what_they_change")
        );
        assert_eq!(name("body/message", real, json!("X \"a\" is invalid: spec: Forbidden: no")), None);
        assert_eq!(name("body/message", json!("a"), json!("b")), None);
        let at = "body/columnDefinitions/0/description";
        assert_eq!(name(at, json!("text"), json!("")), Some("columns_of_tables_have_no_descriptions"));
        assert_eq!(name(at, json!("text"), json!("other")), None);
    }
}
