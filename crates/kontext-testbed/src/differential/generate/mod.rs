//! Random scripts from a seed.
//!
//! `kinds` says what objects look like and which values are tried in them, `metadata` the same for what all kinds have;
//! `edits` draws changes, `writes`, `patches`, `deletes` and `reads` draw requests. The generator sees no answers: it
//! keeps few names, so that requests meet objects, and refers to earlier steps.

mod deletes;
mod edits;
mod kinds;
mod metadata;
mod patches;
mod reads;
mod writer;
mod writes;

use super::dice::Dice;
use super::script::Script;
use kinds::Kind;
use writer::Writer;

/// What is generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Steps of one script, about.
    pub steps: usize,
    /// Plural names of the kinds; all that there are if empty.
    pub kinds: Vec<String>,
    /// Whether there is server-side apply.
    pub apply: bool,
    /// Whether values are tried about which the servers are known to differ.
    pub frontier: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { steps: 40, kinds: Vec::new(), apply: true, frontier: false }
    }
}

/// The plural names of the kinds that scripts can be about.
pub fn kinds() -> Vec<&'static str> {
    kinds::all(true).iter().map(|kind| kind.plural).collect()
}

/// The script of a seed.
pub fn script(config: &Config, seed: u64) -> Script {
    let mut dice = Dice::new(seed);
    let all: Vec<Kind> = kinds::all(config.frontier)
        .into_iter()
        .filter(|kind| config.kinds.is_empty() || config.kinds.iter().any(|name| name == kind.plural))
        .collect();
    if all.is_empty() {
        return Script::default();
    }
    let chosen: Vec<Kind> = (0..=dice.below(2)).map(|_| dice.pick(&all).clone()).collect();
    let mut writer = Writer::new(dice, config.frontier);
    chosen.iter().for_each(|kind| writes::create(&mut writer, kind));
    while writer.len() < config.steps {
        let kind = &chosen[writer.dice.below(chosen.len())];
        let apply = if config.apply { 14 } else { 0 };
        match writer.dice.weighted(&[18, 14, 16, apply, 5, 5, 7, 8, 2, 6, 8, 3, 1]) {
            0 => writes::create(&mut writer, kind),
            1 => writes::update(&mut writer, kind),
            2 => patches::patch(&mut writer, kind),
            3 => patches::apply(&mut writer, kind),
            4 => writes::status(&mut writer, kind),
            5 => writes::scale(&mut writer, kind),
            6 => writes::finalizers(&mut writer, kind),
            7 => deletes::delete(&mut writer, kind),
            8 => deletes::collection(&mut writer, kind),
            9 => reads::get(&mut writer, kind),
            10 => reads::list(&mut writer, kind),
            11 => reads::watch(&mut writer, kind),
            _ => deletes::namespace(&mut writer),
        }
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_script_and_another_gives_another() {
        let config = Config { apply: true, ..Config::default() };
        assert_eq!(script(&config, 5), script(&config, 5));
        assert_ne!(script(&config, 5), script(&config, 6));
    }

    #[test]
    fn every_script_reads_back_and_refers_to_earlier_steps_only() {
        let config = Config { apply: true, ..Config::default() };
        for seed in 0..200 {
            let script = script(&config, seed);
            assert!(script.steps.len() >= config.steps, "seed {seed}");
            let text = script.to_text();
            assert_eq!(Script::parse(&text).unwrap(), script, "seed {seed}");
            for step in &script.steps {
                let text = serde_json::to_string(&step.action).unwrap();
                let references = text.split("${").skip(1).filter_map(|rest| rest.split(':').next());
                assert!(references.filter_map(|id| id.parse().ok()).all(|id: u32| id < step.id), "{text}");
            }
        }
    }
}
