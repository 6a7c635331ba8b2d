//! What is asked: the words of the command line.

use kontext_core::text::harmless;

use crate::error::WhyError;

/// The kind as somebody names it: `pod`, `po`, `Pod`, `deploy.apps`, `deployments.v1.apps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindName {
    /// The front: kind, plural, singular or short name.
    pub word: Box<str>,
    /// The version, where one was said.
    pub version: Option<Box<str>>,
    /// The API group, where one was said; the empty one is the core group.
    pub group: Option<Box<str>>,
}

impl KindName {
    /// Reads `word`, `word.group` or `word.version.group`.
    pub fn parse(text: &str) -> Option<Self> {
        let (word, rest) = match text.split_once('.') {
            Some((word, rest)) => (word, Some(rest)),
            None => (text, None),
        };
        let (version, group) = match rest {
            None => (None, None),
            Some(rest) => match rest.split_once('.') {
                Some((version, group)) if is_version(version) => (Some(version), Some(group)),
                None if is_version(rest) => (Some(rest), Some("")),
                _ => (None, Some(rest)),
            },
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let holds = !word.is_empty() && text.chars().all(allowed) && !text.ends_with('.');
        holds.then(|| Self {
            word: word.into(),
            version: version.map(Into::into),
            group: group.map(Into::into),
        })
    }
}

/// `v1`, `v1beta2`.
fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        && text.chars().all(|c| c.is_ascii_alphanumeric())
}

impl std::fmt::Display for KindName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.word)?;
        for part in [&self.version, &self.group].into_iter().flatten().filter(|part| !part.is_empty()) {
            write!(f, ".{part}")?;
        }
        Ok(())
    }
}

/// One object that somebody asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Its kind.
    pub kind: KindName,
    /// Its name.
    pub name: Box<str>,
    /// Where it is looked for, if its kind has namespaces.
    pub namespace: Box<str>,
}

impl Query {
    /// Reads `KIND/NAME` or `KIND NAME`; the namespace is `default` where neither flag nor kubeconfig says another.
    ///
    /// # Errors
    ///
    /// [`WhyError::Usage`], with what is wrong and how it is written.
    pub fn parse<S: AsRef<str>>(
        words: impl IntoIterator<Item = S>,
        namespace: Option<&str>,
    ) -> Result<Self, WhyError> {
        let words: Vec<S> = words.into_iter().collect();
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let (kind, name) = match words.as_slice() {
            [] => return usage("say which object, for instance: pod/web-7d4b9-x2x8k"),
            [one] => match one.split_once('/') {
                Some(parts) => parts,
                None => return usage(&format!("the name is missing: {one}/NAME")),
            },
            [kind, name] if !kind.contains('/') && !name.contains('/') => (*kind, *name),
            _ => return usage("one object at a time, as KIND/NAME or KIND NAME"),
        };
        if kind.is_empty() {
            return usage(&format!("the kind is missing: KIND/{name}"));
        }
        if name.is_empty() {
            return usage(&format!("the name is missing: {kind}/NAME"));
        }
        let Some(parsed) = KindName::parse(kind) else {
            return usage(&format!("{kind:?} cannot be the name of a kind"));
        };
        let namespace = namespace.filter(|namespace| !namespace.is_empty()).unwrap_or("default");
        for (what, text) in [("an object", name), ("a namespace", namespace)] {
            if !is_name(text) {
                return usage(&format!("{text:?} cannot be the name of {what}"));
            }
        }
        Ok(Self { kind: parsed, name: name.into(), namespace: namespace.into() })
    }
}

fn usage<T>(message: &str) -> Result<T, WhyError> {
    Err(WhyError::Usage(harmless(message).into_owned()))
}

/// Whether an object can have this name. It goes into the path of a request and may come from an annotation: one
/// that could lead elsewhere is none.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:@+~".contains(c);
    !text.is_empty() && text.len() <= 253 && text != "." && text != ".." && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(words: &[&str], expected: Expect) {
        let told = match Query::parse(words, Some("shop")) {
            Ok(query) => format!("{} {} in {}", query.kind, query.name, query.namespace),
            Err(error) => format!("exit {}: {error}", error.exit_code()),
        };
        expected.assert_eq(&told);
    }

    #[test]
    fn kind_and_name_stand_in_one_word_or_in_two() {
        check(&["pod/web"], expect!["pod web in shop"]);
        check(&["deploy", "web"], expect!["deploy web in shop"]);
        check(&["deployments.v1.apps/web"], expect!["deployments.v1.apps web in shop"]);
        check(&["kafka.strimzi.io", "web"], expect!["kafka.strimzi.io web in shop"]);
    }

    #[test]
    fn what_is_no_question_is_answered_with_how_to_ask() {
        check(&[], expect!["exit 2: say which object, for instance: pod/web-7d4b9-x2x8k"]);
        check(&["pod"], expect!["exit 2: the name is missing: pod/NAME"]);
        check(&["pod/"], expect!["exit 2: the name is missing: pod/NAME"]);
        check(&["/web"], expect!["exit 2: the kind is missing: KIND/web"]);
        check(&["pod/a", "pod/b"], expect!["exit 2: one object at a time, as KIND/NAME or KIND NAME"]);
        check(&["pod/a/status"], expect![[r#"exit 2: "a/status" cannot be the name of an object"#]]);
        check(&["pod/.."], expect![[r#"exit 2: ".." cannot be the name of an object"#]]);
        check(&["p\u{1b}d/web"], expect![[r#"exit 2: "p\u{1b}d" cannot be the name of a kind"#]]);
    }

    #[test]
    fn without_a_namespace_it_is_the_default_one() {
        assert_eq!(&*Query::parse(["pod/web"], None).expect("a query").namespace, "default");
    }
}
