//! From a script with a difference to a short one with the same.

use anyhow::Result;
use serde_json::Value;

use super::run::{Both, Played};
use super::script::{Action, Body, Edit, Script, Step};

/// How many scripts are tried at most.
const TRIALS: usize = 300;

/// Drops steps and simplifies bodies as long as the first difference stays.
pub(super) async fn shrink(both: &Both, script: &Script) -> Result<Option<Played>> {
    let played = both.play(script).await?;
    let Some(first) = played.divergences.first() else { return Ok(None) };
    let mut search = Search { both, signature: first.signature(), trials: 0, best: played };
    search.drop_steps().await?;
    search.simplify().await?;
    search.drop_steps().await?;
    Ok(Some(search.best))
}

struct Search<'a> {
    both: &'a Both,
    signature: String,
    trials: usize,
    best: Played,
}

impl Search<'_> {
    /// Takes a candidate over if it still shows the difference.
    async fn try_steps(&mut self, steps: Vec<Step>) -> Result<bool> {
        if self.trials >= TRIALS {
            return Ok(false);
        }
        self.trials += 1;
        let played = self.both.play(&Script { about: String::new(), steps }).await?;
        let same = played.divergences.iter().any(|divergence| divergence.signature() == self.signature);
        if same {
            self.best = played;
        }
        Ok(same)
    }

    /// Drops chunks of steps, then smaller ones, then single ones.
    async fn drop_steps(&mut self) -> Result<()> {
        let last = self.best.divergences.iter().find(|d| d.signature() == self.signature).map(|d| d.step.id);
        if let Some(end) = self.best.script.steps.iter().position(|step| Some(step.id) == last) {
            let steps = self.best.script.steps[..=end].to_vec();
            self.try_steps(steps).await?;
        }
        let mut size = self.best.script.steps.len() / 2;
        while size >= 1 {
            let mut end = self.best.script.steps.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                let mut steps = self.best.script.steps.clone();
                let length = steps.len();
                steps.drain(start..end.min(length));
                if !steps.is_empty() {
                    self.try_steps(steps).await?;
                }
                end = start;
            }
            size /= 2;
        }
        Ok(())
    }

    /// Takes query parameters, edits and fields of bodies away.
    async fn simplify(&mut self) -> Result<()> {
        let mut index = 0;
        while index < self.best.script.steps.len() {
            let mut number = 0;
            while let Some(simpler) = simpler(&self.best.script.steps[index], number) {
                let mut steps = self.best.script.steps.clone();
                steps[index] = simpler;
                // What was taken away makes room: the next candidate has the same number.
                if !self.try_steps(steps).await? {
                    number += 1;
                }
            }
            index += 1;
        }
        Ok(())
    }
}

/// The step with its `number`th part taken away; `None` where it has no more parts.
fn simpler(step: &Step, number: usize) -> Option<Step> {
    let mut step = step.clone();
    match &mut step.action {
        Action::Send(request) => {
            if number < request.query.len() {
                request.query.remove(number);
                return Some(step);
            }
            let number = number - request.query.len();
            match request.body.as_mut()? {
                Body::Answer { edits, .. } if number < edits.len() => {
                    edits.remove(number);
                    Some(step)
                }
                Body::Json(value) => {
                    let place = places(value).into_iter().nth(number)?;
                    super::resolve::apply(value, &Edit::Remove(place));
                    Some(step)
                }
                _ => None,
            }
        }
        Action::Watch(watch) if number < watch.query.len() => {
            watch.query.remove(number);
            Some(step)
        }
        _ => None,
    }
}

/// JSON pointers to all fields and items, outer before inner.
fn places(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut queue = std::collections::VecDeque::from([(String::new(), value)]);
    while let Some((at, value)) = queue.pop_front() {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| (format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), value))
                .collect(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, value)| (format!("{at}/{index}"), value)).collect()
            }
            _ => Vec::new(),
        };
        found.extend(children.iter().map(|(at, _)| at.clone()));
        queue.extend(children);
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outer_places_come_before_inner_ones() {
        assert_eq!(places(&json!({"a": {"b": [1]}, "c/d": 2})), ["/a", "/c~1d", "/a/b", "/a/b/0"]);
    }

    #[test]
    fn parts_are_taken_away_one_at_a_time_until_there_are_no_more() {
        let request = super::super::Request {
            query: vec![("dryRun".into(), "All".into())],
            body: Some(Body::Json(json!({"a": 1}))),
            ..Default::default()
        };
        let step = Step { id: 1, action: Action::Send(request) };
        assert!(simpler(&step, 0).is_some() && simpler(&step, 1).is_some());
        assert_eq!(simpler(&step, 2), None);
    }
}
