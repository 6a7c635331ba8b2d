//! Sends random scripts to the real API server and to the in-memory one, and shows where their answers differ.
//!
//! `cargo xtask differential --steps 20000 --seed 7` counts the differences and prints the most frequent ones with the
//! seed of a script that shows them; `--script SEED` plays that one script and prints all of it; `--shrink N` makes the
//! N most frequent into short scripts; `--file F` plays a script from a file.

#![allow(clippy::print_stdout, reason = "a command line tool talks to its user")]

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use kontext_apiserver::ApiServer;
use kontext_testbed::RealServer;
use kontext_testbed::differential::{Both, Config, Script, generate, report};

/// Compare the in-memory API server with the real one.
#[derive(Parser)]
struct Arguments {
    /// Steps in all
    #[arg(long, default_value_t = 2000)]
    steps: usize,
    /// Where the random scripts come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Plural names of the kinds, separated by commas; all if not given
    #[arg(long, value_delimiter = ',')]
    kinds: Vec<String>,
    /// Steps of one script
    #[arg(long, default_value_t = 40)]
    length: usize,
    /// Leave server-side apply out
    #[arg(long)]
    no_apply: bool,
    /// Try values too about which the servers are known to differ
    #[arg(long)]
    frontier: bool,
    /// Play the scripts of these seeds alone, as a run prints them
    #[arg(long, value_delimiter = ',')]
    script: Vec<u64>,
    /// Play the scripts in these files
    #[arg(long)]
    file: Vec<PathBuf>,
    /// Make short scripts of this many kinds of differences, the most frequent first
    #[arg(long, default_value_t = 0)]
    shrink: usize,
    /// Show both answers of this many kinds of differences
    #[arg(long, default_value_t = 0)]
    show: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let real = Arc::new(RealServer::builder().start().await?);
    let ours = ApiServer::builder().start().await;
    let both = Both { real: real.client("alice").await?, ours: ours.client_for("alice") };
    let config = Config {
        steps: arguments.length,
        kinds: arguments.kinds.clone(),
        apply: !arguments.no_apply,
        frontier: arguments.frontier,
    };

    both.define().await?;
    let mut scripts = Vec::new();
    for seed in &arguments.script {
        scripts.push(generate::script(&config, *seed));
    }
    for file in &arguments.file {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        scripts.push(Script::parse(&text).with_context(|| file.display().to_string())?);
    }
    if !scripts.is_empty() {
        for script in scripts {
            let played = if arguments.shrink > 0 { both.shrink(&script).await? } else { None };
            let played = match played {
                Some(played) => played,
                None => both.play(&script).await?,
            };
            println!("{}", report::played(&played));
        }
        return Ok(());
    }

    let start = std::time::Instant::now();
    let tally = both.run(&config, arguments.seed, arguments.steps).await?;
    println!("{} in {:.0?}", report::tally(&tally), start.elapsed());
    let mut ways: Vec<_> = tally.differences.values().collect();
    ways.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
    for (_, seed, divergence) in ways.iter().take(arguments.show) {
        println!("seed {seed}, {}", report::one(divergence));
    }
    for (_, seed, _) in ways.iter().take(arguments.shrink) {
        if let Some(played) = both.shrink(&generate::script(&config, *seed)).await? {
            println!("seed {seed}\n{}", report::played(&played));
        }
    }
    Ok(())
}
