//! The in-memory API server answers as the real one does: fixed cases, and random scripts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kontext_apiserver::ApiServer;
use kontext_testbed::differential::{Both, Config, Script, kept, report};
use kontext_testbed::{RealServer, require_real_server};

async fn both(real: &RealServer) -> Result<Both> {
    let ours = ApiServer::builder().start().await;
    Ok(Both { real: real.client("alice").await?, ours: ours.client_for("alice") })
}

/// The scripts of a folder, by file name.
fn scripts(folder: &str) -> Result<Vec<(String, Script)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential").join(folder);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        files.push(entry?.path());
    }
    files.sort();
    let read = |file: PathBuf| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let script = Script::parse(&std::fs::read_to_string(&file)?).with_context(|| name.clone())?;
        Ok((name, script))
    };
    files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "jsonl")).map(read).collect()
}

/// Differences that were found once and mended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fixed_cases_are_answered_alike() -> Result<()> {
    let real = require_real_server!();
    let both = both(&real).await?;
    let mut different = String::new();
    for (name, script) in scripts("cases")? {
        let played = both.play(&script).await.with_context(|| name.clone())?;
        if !played.divergences.is_empty() {
            different.push_str(&format!("\n=== {name}\n{}", report::played(&played)));
        }
    }
    assert!(different.is_empty(), "{different}");
    Ok(())
}

/// Each difference that is kept has a script that shows it, and goes from the list when it goes from the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_differences_kept_on_purpose_are_still_there_and_are_the_only_ones() -> Result<()> {
    let real = require_real_server!();
    let both = both(&real).await?;
    let scripts = scripts("kept")?;
    let mut names: Vec<&str> = kept::ALL.iter().map(|kept| kept.name).collect();
    names.sort_unstable();
    assert_eq!(names, scripts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
    for (name, script) in scripts {
        let played = both.play(&script).await.with_context(|| name.clone())?;
        assert!(played.divergences.is_empty(), "{name}: {}", report::played(&played));
        assert!(played.kept.contains(&name.as_str()), "{name} does not occur any more: take it off the list");
    }
    Ok(())
}

/// What `cargo xtask differential --steps 20000 --seed 9` does. The frontier is not part of it: see `frontier.rs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_random_steps_are_answered_alike() -> Result<()> {
    let real = require_real_server!();
    let both = both(&real).await?;
    let tally = both.run(&Config::default(), SEED, 20_000).await?;
    assert!(tally.clean >= 20_000 || tally.different() > 0, "{}", report::tally(&tally));
    let shown: Vec<String> = tally.differences.values().map(|(_, _, one)| report::one(one)).collect();
    assert_eq!(tally.different(), 0, "{}\n{}", report::tally(&tally), shown.join("\n"));
    Ok(())
}

const SEED: u64 = 9;
