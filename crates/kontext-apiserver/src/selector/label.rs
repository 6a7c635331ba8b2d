//! Label selectors: `app=web,tier in (a,b),!canary,weight>3`.

use std::collections::BTreeSet;
use std::fmt;

use super::lexer::{Token, tokens};
use crate::defaults::names;

/// A parsed label selector; all requirements must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Greater(i64),
    Less(i64),
}

impl LabelSelector {
    /// Parses the `labelSelector` query parameter; an empty text selects everything.
    pub(crate) fn parse(text: &str) -> Result<LabelSelector, String> {
        let tokens = tokens(text);
        Parser { tokens: &tokens, position: 0 }.selector()
    }

    /// Whether it selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether labels fulfil the selector; `label` gives the value of one.
    pub(crate) fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = label(&requirement.key);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.test {
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Test::Greater(bound) => number().is_some_and(|number| number > *bound),
                Test::Less(bound) => number().is_some_and(|number| number < *bound),
            }
        })
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(",");
        for (index, Requirement { key, test }) in self.requirements.iter().enumerate() {
            if index > 0 {
                out.write_str(",")?;
            }
            match test {
                Test::Exists => write!(out, "{key}")?,
                Test::Absent => write!(out, "!{key}")?,
                Test::In(values) => write!(out, "{key} in ({})", list(values))?,
                Test::NotIn(values) => write!(out, "{key} notin ({})", list(values))?,
                Test::Greater(bound) => write!(out, "{key}>{bound}")?,
                Test::Less(bound) => write!(out, "{key}<{bound}")?,
            }
        }
        Ok(())
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    position: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a Token {
        // The last token is `End`, which is never passed.
        &self.tokens[self.position.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> &'a Token {
        let token = self.peek();
        self.position += 1;
        token
    }

    fn selector(mut self) -> Result<LabelSelector, String> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                Token::End => return Ok(LabelSelector { requirements }),
                token if *token == Token::Not || token.as_identifier().is_some() => {
                    let requirement = self
                        .requirement()
                        .map_err(|error| format!("unable to parse requirement: {error}"))?;
                    requirements.push(requirement);
                    match self.next() {
                        Token::End => return Ok(LabelSelector { requirements }),
                        Token::Comma => {
                            let next = self.peek();
                            if *next != Token::Not && next.as_identifier().is_none() {
                                return Err(format!(
                                    "found '{}', expected: identifier after ','",
                                    next.text()
                                ));
                            }
                        }
                        other => {
                            return Err(format!(
                                "found '{}', expected: ',' or 'end of string'",
                                other.text()
                            ));
                        }
                    }
                }
                other => {
                    return Err(format!(
                        "found '{}', expected: !, identifier, or 'end of string'",
                        other.text()
                    ));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut token = self.next();
        let negated = *token == Token::Not;
        if negated {
            token = self.next();
        }
        let Some(key) = token.as_identifier() else {
            return Err(format!("found '{}', expected: identifier", token.text()));
        };
        let messages = names::qualified_name(key);
        if !messages.is_empty() {
            return Err(format!("<nil>: Invalid value: {key:?}: {}", messages.join("; ")));
        }
        let key = key.to_owned();
        if negated {
            return Ok(Requirement { key, test: Test::Absent });
        }
        if matches!(self.peek(), Token::End | Token::Comma) {
            return Ok(Requirement { key, test: Test::Exists });
        }
        let operator = self.next();
        let values = match operator {
            Token::In | Token::NotIn => self.values()?,
            Token::Equals | Token::DoubleEquals | Token::NotEquals | Token::Greater | Token::Less => {
                BTreeSet::from([self.exact_value()?])
            }
            other => {
                return Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", other.text()));
            }
        };
        let bound = || {
            let value = values.first().map(String::as_str).unwrap_or_default();
            value.parse::<i64>().map_err(|_| {
                format!(
                    "values[0]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"
                )
            })
        };
        let test = match operator {
            Token::Greater => Test::Greater(bound()?),
            Token::Less => Test::Less(bound()?),
            Token::NotIn | Token::NotEquals => Test::NotIn(values.clone()),
            _ => Test::In(values.clone()),
        };
        for (index, value) in values.iter().enumerate() {
            let messages = names::label_value(value);
            if !messages.is_empty() {
                return Err(format!(
                    "values[{index}][{key}]: Invalid value: {value:?}: {}",
                    messages.join("; ")
                ));
            }
        }
        Ok(Requirement { key, test })
    }

    fn exact_value(&mut self) -> Result<String, String> {
        if matches!(self.peek(), Token::End | Token::Comma) {
            return Ok(String::new());
        }
        let token = self.next();
        let found = || format!("found '{}', expected: identifier", token.text());
        token.as_identifier().map(str::to_owned).ok_or_else(found)
    }

    fn values(&mut self) -> Result<BTreeSet<String>, String> {
        let open = self.next();
        if *open != Token::Open {
            return Err(format!("found '{}' expected: '('", open.text()));
        }
        let mut values = BTreeSet::new();
        if *self.peek() == Token::Close {
            self.next();
            values.insert(String::new());
            return Ok(values);
        }
        // "(,a", "a,,b" and "a,)" name the empty value.
        let mut expects_value = true;
        loop {
            let token = self.next();
            match token {
                Token::Comma => {
                    if expects_value {
                        values.insert(String::new());
                    }
                    expects_value = true;
                }
                Token::Close => {
                    if expects_value {
                        values.insert(String::new());
                    }
                    return Ok(values);
                }
                token => match token.as_identifier() {
                    Some(value) if expects_value => {
                        values.insert(value.to_owned());
                        expects_value = false;
                    }
                    Some(_) => return Err(format!("found '{}', expected: ',' or ')'", token.text())),
                    None if expects_value => {
                        return Err(format!("found '{}', expected: ',', or identifier", token.text()));
                    }
                    None => return Err(format!("found '{}', expected: ',' or ')'", token.text())),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_operator_selects_what_it_says() {
        let labels = json!({"app": "web", "tier": "front", "weight": "5", "empty": ""});
        for (selector, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web", true),
            ("app!=web", false),
            ("other!=web", true),
            ("app in (api, web)", true),
            ("app notin (api,web)", false),
            ("other notin (x)", true),
            ("app", true),
            ("!app", false),
            ("!other", true),
            ("weight>4", true),
            ("weight>5", false),
            ("weight<6,tier=front", true),
            ("app>1", false),
            ("empty=", true),
            ("empty in ()", true),
            ("app in (,web)", true),
            ("in=in", false),
            (" app = web , tier ", true),
        ] {
            let parsed = LabelSelector::parse(selector).expect(selector);
            assert_eq!(parsed.matches(|key| labels[key].as_str()), expected, "{selector}");
        }
        assert!(LabelSelector::parse("!a,b!=c").expect("valid").matches(|_| None));
    }

    #[test]
    // The messages are those of a kube-apiserver 1.36.3.
    fn a_broken_selector_says_where() {
        let cases = [
            "a b",
            "a=b=c",
            ",a",
            "a,",
            "a in b",
            "a in (b",
            "a>x",
            "=b",
            "a=b c",
            "-a",
            "a=b!",
            "a=_",
            "!",
            "a==",
            "a in (b c)",
            "a=1,/b",
            "x/=1",
        ];
        let mut out = String::new();
        for case in cases {
            match LabelSelector::parse(case) {
                Ok(parsed) => out.push_str(&format!("{case}: selects {parsed}\n")),
                Err(error) => out.push_str(&format!("{case}: {error}\n")),
            }
        }
        expect![[r#"
            a b: unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt
            a=b=c: found '=', expected: ',' or 'end of string'
            ,a: found ',', expected: !, identifier, or 'end of string'
            a,: found '', expected: identifier after ','
            a in b: unable to parse requirement: found 'b' expected: '('
            a in (b: unable to parse requirement: found '', expected: ',' or ')'
            a>x: unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer
            =b: found '=', expected: !, identifier, or 'end of string'
            a=b c: found 'c', expected: ',' or 'end of string'
            -a: unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
            a=b!: found '!', expected: ',' or 'end of string'
            a=_: unable to parse requirement: values[0][a]: Invalid value: "_": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
            !: unable to parse requirement: found '', expected: identifier
            a==: selects a in ()
            a in (b c): unable to parse requirement: found 'c', expected: ',' or ')'
            a=1,/b: unable to parse requirement: <nil>: Invalid value: "/b": prefix part must be non-empty
            x/=1: unable to parse requirement: <nil>: Invalid value: "x/": name part must be non-empty; name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
        "#]].assert_eq(&out);
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same(
            requirements in prop::collection::vec(("[a-z]([a-z0-9]{0,5}|/[a-z]{1,5})", 0..6_u8, prop::collection::btree_set("[a-z0-9]{1,4}", 1..4), any::<i64>()), 0..5)
        ) {
            let requirements = requirements.into_iter().map(|(key, test, values, bound)| Requirement { key, test: match test {
                0 => Test::Exists,
                1 => Test::Absent,
                2 => Test::In(values),
                3 => Test::NotIn(values),
                4 => Test::Greater(bound.saturating_abs()),
                _ => Test::Less(bound.saturating_abs()),
            }}).collect();
            let selector = LabelSelector { requirements };
            prop_assert_eq!(LabelSelector::parse(&selector.to_string()), Ok(selector));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = LabelSelector::parse(&text);
        }
    }
}
