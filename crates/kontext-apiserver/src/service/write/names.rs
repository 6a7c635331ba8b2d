//! Which names are valid for which kind.

use crate::defaults::names::{dns1123_label, dns1123_subdomain, path_segment};
use crate::kinds::NameRule;

pub(super) use crate::defaults::names::{label_value, qualified_name};

/// What is wrong with an object's name; empty where nothing is.
pub(super) fn name(rule: NameRule, name: &str) -> Vec<String> {
    match rule {
        NameRule::Subdomain => dns1123_subdomain(name),
        NameRule::Label => dns1123_label(name),
        NameRule::PathSegment => path_segment(name),
    }
}

/// What is wrong with the beginning of a generated name: like a name, but it may end with a dash.
pub(super) fn generate_name(rule: NameRule, prefix: &str) -> Vec<String> {
    match (rule, prefix.strip_suffix('-')) {
        (NameRule::PathSegment, _) | (_, None) => name(rule, prefix),
        (other, Some("")) => name(other, prefix),
        (other, Some(rest)) => name(other, &format!("{rest}a")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule_of_their_kind() {
        for (rule, good, bad) in [
            (NameRule::Subdomain, "a.b-1", "A"),
            (NameRule::Subdomain, "1", "a..b"),
            (NameRule::Label, "1a", "a.b"),
            (NameRule::PathSegment, "system:node", "a/b"),
        ] {
            assert!(name(rule, good).is_empty(), "{good}");
            assert!(!name(rule, bad).is_empty(), "{bad}");
        }
        assert!(generate_name(NameRule::Subdomain, "web-").is_empty());
        assert!(!generate_name(NameRule::Subdomain, "Web-").is_empty());
        assert!(!generate_name(NameRule::Subdomain, "-").is_empty());
    }
}
