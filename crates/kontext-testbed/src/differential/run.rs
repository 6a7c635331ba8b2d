//! Plays scripts on both servers, many at a time, and counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use futures::stream::{self, StreamExt};
use kube::Client;
use serde_json::json;

use super::compare::{Difference, Divergence, compare};
use super::custom;
use super::generate::{self, Config};
use super::kept;
use super::normalise::Normaliser;
use super::play::{Answer, play};
use super::script::{Body, Request, Script};
use super::shrink;

/// The two servers, as clients of the same user.
#[derive(Clone)]
pub struct Both {
    /// Upstream's kube-apiserver.
    pub real: Client,
    /// The in-memory server.
    pub ours: Client,
}

/// A script that was played on both.
#[derive(Debug)]
pub struct Played {
    /// The script.
    pub script: Script,
    /// Steps that were compared and alike (kept differences do not count as differences).
    pub clean: usize,
    /// The steps that were not. Nothing is compared behind the first lasting one.
    pub divergences: Vec<Divergence>,
    /// Names of the kept differences that occurred.
    pub kept: Vec<&'static str>,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Scripts played.
    pub scripts: usize,
    /// Steps that were answered alike.
    pub clean: usize,
    /// By signature: how often, and the first seen with the seed of its script.
    pub differences: BTreeMap<String, (usize, u64, Divergence)>,
    /// How often each kept difference occurred.
    pub kept: BTreeMap<&'static str, usize>,
    /// How often each status code was answered: a run in which all fails alike tests little.
    pub codes: BTreeMap<u16, usize>,
}

impl Tally {
    /// How many steps differed.
    pub fn different(&self) -> usize {
        self.differences.values().map(|(count, ..)| count).sum()
    }
}

/// Scripts that are played at a time. Most of a list's time on the real server is waiting for its cache.
const AT_A_TIME: usize = 24;

impl Both {
    /// Plays a script in a new namespace on both servers.
    pub async fn play(&self, script: &Script) -> Result<Played> {
        let (played, _) = self.play_with_codes(script).await?;
        Ok(played)
    }

    async fn play_with_codes(&self, script: &Script) -> Result<(Played, Vec<u16>)> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let namespace = format!("d{:06}", NEXT.fetch_add(1, Ordering::Relaxed));
        let (real, ours) = tokio::try_join!(
            on_one(&self.real, script, &namespace, "the real server"),
            on_one(&self.ours, script, &namespace, "the in-memory server"),
        )?;
        let codes = real.iter().map(|answer| answer.status).collect();
        Ok((judge(script, &real, &ours), codes))
    }

    /// Defines the custom resource that scripts use.
    pub async fn define(&self) -> Result<()> {
        custom::define(&self.real).await.context("the real server")?;
        custom::define(&self.ours).await.context("the in-memory server")
    }

    /// Plays generated scripts of at least `steps` steps together.
    pub async fn run(&self, config: &Config, seed: u64, steps: usize) -> Result<Tally> {
        self.define().await?;
        let count = steps.div_ceil(config.steps.max(1)) as u64;
        let seeds = (0..count).map(|index| script_seed(seed, index));
        let plays = seeds.map(|seed| async move {
            let script = generate::script(config, seed);
            let played = self.play_with_codes(&script).await;
            played.map(|played| (seed, played)).with_context(|| format!("the script of seed {seed}"))
        });
        let mut plays = stream::iter(plays).buffer_unordered(AT_A_TIME);
        let mut tally = Tally::default();
        while let Some(played) = plays.next().await {
            let (seed, (played, codes)) = played?;
            tally.add(seed, played, &codes);
        }
        Ok(tally)
    }

    /// The shortest script found that still has a difference like the first of this script's.
    pub async fn shrink(&self, script: &Script) -> Result<Option<Played>> {
        shrink::shrink(self, script).await
    }
}

/// The seed of one of a run's scripts, which can be played alone by it.
fn script_seed(seed: u64, index: u64) -> u64 {
    seed.wrapping_mul(1_000_000).wrapping_add(index)
}

impl Tally {
    fn add(&mut self, seed: u64, played: Played, codes: &[u16]) {
        self.scripts += 1;
        self.clean += played.clean;
        for code in codes {
            *self.codes.entry(*code).or_default() += 1;
        }
        for name in played.kept {
            *self.kept.entry(name).or_default() += 1;
        }
        for divergence in played.divergences {
            self.differences
                .entry(divergence.signature())
                .and_modify(|(count, ..)| *count += 1)
                .or_insert((1, seed, divergence));
        }
    }
}

async fn on_one(client: &Client, script: &Script, namespace: &str, server: &str) -> Result<Vec<Answer>> {
    let made = Script { about: String::new(), steps: vec![step(0, namespace_request(namespace))] };
    let made = play(client, &made, namespace).await.with_context(|| format!("{server}: the namespace"))?;
    anyhow::ensure!(made[0].status == 201, "{server}: namespace {namespace}: {}", made[0].body);
    let answers = play(client, script, namespace).await.with_context(|| server.to_owned())?;
    // Addresses and ports of Services are few and shared by all scripts.
    let path = "/api/v1/namespaces/$NS/services";
    let clean = Request { method: "DELETE".into(), path: path.into(), ..Request::default() };
    let clean = Script { about: String::new(), steps: vec![step(0, clean)] };
    play(client, &clean, namespace).await.with_context(|| format!("{server}: clean up"))?;
    Ok(answers)
}

fn step(id: u32, request: Request) -> super::Step {
    super::Step { id, action: super::Action::Send(request) }
}

fn namespace_request(name: &str) -> Request {
    Request {
        method: "POST".into(),
        path: "/api/v1/namespaces".into(),
        body: Some(Body::Json(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"script": name}},
        }))),
        ..Request::default()
    }
}

/// Compares two plays of a script, step by step.
fn judge(script: &Script, real: &[Answer], ours: &[Answer]) -> Played {
    let mut played = Played { script: script.clone(), clean: 0, divergences: Vec::new(), kept: Vec::new() };
    let (mut left, mut right) = (Normaliser::default(), Normaliser::default());
    for ((step, real), ours) in script.steps.iter().zip(real).zip(ours) {
        let (real, ours) = (left.answer(real), right.answer(ours));
        let mut differences: Vec<Difference> = Vec::new();
        for difference in compare(&real, &ours) {
            match kept::kept(&difference) {
                Some(kept) => played.kept.push(kept.name),
                None => differences.push(difference),
            }
        }
        if differences.is_empty() {
            played.clean += 1;
            continue;
        }
        let divergence = Divergence { step: step.clone(), real, ours, differences };
        let lasting = divergence.lasting();
        played.divergences.push(divergence);
        if lasting {
            break;
        }
    }
    played
}
