//! Rules as text: `503,verb=create,resource=pods,probability=0.1`.

use std::str::FromStr;

use super::fault::Fault;
use super::rule::Rule;
use crate::duration;

/// A text that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} in the fault {text:?}: {why}")]
#[non_exhaustive]
pub struct RuleError {
    /// The whole text.
    pub text: String,
    /// What cannot be understood.
    pub part: String,
    /// Why, and what would do.
    pub why: String,
}

const FAULTS: &str = "a status code (429, 503, ...), delay=5s, reset, commit-then-reset, commit-then=504, drop-watches, \
     reset-watch-after=N, delay-events=5s, stale=WRITES, compact, truncated-body or garbage-body";

const KEYS: &str = "verb, group, resource, subresource, namespace, name, user, user-agent, field-manager, times, after, \
     nth, probability and retry-after";

/// `FAULT[,KEY=VALUE]...`: the fault as [`Fault`] shows itself, the keys named as the methods of [`Rule`], verbs
/// joined by `|`, times a number or `always`.
impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let mut parts = text.split(',').map(str::trim);
        let first = parts.next().unwrap_or_default();
        let wrong = |part: &str, why: String| RuleError { text: text.to_owned(), part: part.to_owned(), why };
        let mut rule = Rule::new(fault(first).map_err(|why| wrong(first, why))?);
        for part in parts {
            let (key, value) = part
                .split_once('=')
                .ok_or_else(|| wrong(part, format!("write it as KEY=VALUE; the keys are {KEYS}")))?;
            rule = narrowed(rule, key.trim(), value.trim()).map_err(|why| wrong(part, why))?;
        }
        Ok(rule)
    }
}

fn fault(text: &str) -> Result<Fault, String> {
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    let value =
        |unit: &str| value.ok_or_else(|| format!("{name} needs {unit}, as in {name}={}", example(unit)));
    match name {
        "delay" => Ok(Fault::Delay(duration::parse(value("a duration")?)?)),
        "delay-events" => Ok(Fault::DelayEvents(duration::parse(value("a duration")?)?)),
        "commit-then" => status(value("a status code")?).map(Fault::CommitThenStatus),
        "reset-watch-after" => number(value("a number")?).map(Fault::ResetWatchAfter),
        "stale" => number(value("a number")?).map(Fault::StaleRead),
        _ if text.starts_with(|c: char| c.is_ascii_digit()) => status(text).map(Fault::Status),
        _ => match text {
            "reset" => Ok(Fault::ResetBeforeCommit),
            "commit-then-reset" => Ok(Fault::CommitThenReset),
            "drop-watches" => Ok(Fault::DropWatches),
            "compact" => Ok(Fault::Compact),
            "truncated-body" => Ok(Fault::TruncatedBody),
            "garbage-body" => Ok(Fault::GarbageBody),
            _ => Err(format!("this is no fault; the first part is {FAULTS}")),
        },
    }
}

fn example(unit: &str) -> &'static str {
    match unit {
        "a duration" => "5s",
        "a status code" => "504",
        _ => "3",
    }
}

fn narrowed(rule: Rule, key: &str, value: &str) -> Result<Rule, String> {
    Ok(match key {
        "verb" => rule.verbs(value.split('|').map(verb).collect::<Result<Vec<_>, _>>()?),
        "group" => rule.group(value),
        "resource" => rule.resource(value),
        "subresource" => rule.subresource(value),
        "namespace" => rule.namespace(value),
        "name" => rule.name(value),
        "user" => rule.user(value),
        "user-agent" => rule.user_agent(value),
        "field-manager" => rule.field_manager(value),
        "times" if value == "always" => rule.always(),
        "times" => rule.times(number(value)?),
        "after" => rule.after(number(value)?),
        "nth" => match number(value)? {
            0 => return Err("the first match is nth=1".to_owned()),
            n => rule.nth(n),
        },
        "probability" => match value.parse::<f64>() {
            Ok(probability) if (0.0..=1.0).contains(&probability) => rule.probability(probability),
            _ => return Err("a probability is a number from 0 to 1".to_owned()),
        },
        "retry-after" => rule.retry_after(number(value)?),
        _ => return Err(format!("no such key; the keys are {KEYS}")),
    })
}

fn verb(text: &str) -> Result<&str, String> {
    const VERBS: [&str; 8] =
        ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    let text = text.trim();
    if VERBS.contains(&text) {
        Ok(text)
    } else {
        Err(format!("{text:?} is no verb; those are {}", VERBS.join(", ")))
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is no number from 0 up"))
}

fn status(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(code @ 200..=599) => Ok(code),
        _ => Err(format!("{text:?} is no HTTP status; those are 200 to 599")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_shows_is_read_back_as_the_same() {
        for text in [
            "429,verb=create|update,resource=pods,times=2,retry-after=3",
            "503,probability=0.25",
            "delay=5s,user=alice,times=always",
            "reset,group=apps,resource=deployments,subresource=status",
            "commit-then-reset,field-manager=me,after=3,times=1",
            "commit-then=504,namespace=default,name=web",
            "drop-watches,verb=delete",
            "reset-watch-after=10",
            "delay-events=250ms,user-agent=my-operator",
            "stale=3,verb=list",
            "compact",
            "truncated-body",
            "garbage-body",
        ] {
            assert_eq!(text.parse::<Rule>().map(|rule| rule.to_string()), Ok(text.to_owned()));
        }
        let shown = |text: &str| text.parse::<Rule>().expect("a rule").to_string();
        assert_eq!(
            shown("409, nth=3, resource=pods/status"),
            "409,resource=pods,subresource=status,after=2,times=1"
        );
    }

    #[test]
    fn what_is_no_rule_is_refused_with_what_would_do() {
        let errors: Vec<String> = [
            "",
            "boom",
            "99",
            "delay",
            "delay=soon",
            "stale=-1",
            "429,verb=write",
            "429,times",
            "429,colour=red",
            "429,probability=2",
            "429,nth=0",
            "reset=3",
        ]
        .iter()
        .map(|text| text.parse::<Rule>().expect_err(text).to_string())
        .collect();
        expect_test::expect![[r#"
            "" in the fault "": this is no fault; the first part is a status code (429, 503, ...), delay=5s, reset, commit-then-reset, commit-then=504, drop-watches, reset-watch-after=N, delay-events=5s, stale=WRITES, compact, truncated-body or garbage-body
            "boom" in the fault "boom": this is no fault; the first part is a status code (429, 503, ...), delay=5s, reset, commit-then-reset, commit-then=504, drop-watches, reset-watch-after=N, delay-events=5s, stale=WRITES, compact, truncated-body or garbage-body
            "99" in the fault "99": "99" is no HTTP status; those are 200 to 599
            "delay" in the fault "delay": delay needs a duration, as in delay=5s
            "delay=soon" in the fault "delay=soon": "soon" is no duration; write it as 5s, 500ms or 1m30s
            "stale=-1" in the fault "stale=-1": "-1" is no number from 0 up
            "verb=write" in the fault "429,verb=write": "write" is no verb; those are get, list, watch, create, update, patch, delete, deletecollection
            "times" in the fault "429,times": write it as KEY=VALUE; the keys are verb, group, resource, subresource, namespace, name, user, user-agent, field-manager, times, after, nth, probability and retry-after
            "colour=red" in the fault "429,colour=red": no such key; the keys are verb, group, resource, subresource, namespace, name, user, user-agent, field-manager, times, after, nth, probability and retry-after
            "probability=2" in the fault "429,probability=2": a probability is a number from 0 to 1
            "nth=0" in the fault "429,nth=0": the first match is nth=1
            "reset=3" in the fault "reset=3": this is no fault; the first part is a status code (429, 503, ...), delay=5s, reset, commit-then-reset, commit-then=504, drop-watches, reset-watch-after=N, delay-events=5s, stale=WRITES, compact, truncated-body or garbage-body"#]].assert_eq(&errors.join("\n"));
    }
}
