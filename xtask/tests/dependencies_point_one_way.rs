//! core <- kontext <- controllers, core <- why, all <- cli; the API server depends on none of them.

use std::{collections::BTreeSet, fs, path::Path};

/// Each crate, and which of the others its `[dependencies]` may name.
const ALLOWED: &[(&str, &[&str])] = &[
    ("kontext-core", &[]),
    ("kontext", &["kontext-core"]),
    ("kontext-controllers", &["kontext"]),
    ("kontext-why", &["kontext-core"]),
    ("kontext-apiserver", &[]),
    ("kontext-cli", &["kontext", "kontext-controllers", "kontext-why", "kontext-apiserver"]),
    ("kontext-testbed", &["kontext-apiserver"]),
];

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// The crates of this workspace that a section of a manifest names.
fn named(manifest: &str, section: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == section;
        } else if inside {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if name == "kontext" || name.starts_with("kontext-") {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_crate_depends_only_on_those_below_it() {
    for (name, allowed) in ALLOWED {
        let path = workspace().join("crates").join(name).join("Cargo.toml");
        let manifest =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let named = named(&manifest, "[dependencies]");
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let forbidden: Vec<_> = named.difference(&allowed).collect();
        assert!(forbidden.is_empty(), "{name} must not depend on {forbidden:?}");
    }
}

#[test]
fn no_crate_is_missing_from_the_rule() {
    let crates = fs::read_dir(workspace().join("crates")).expect("the crates are there");
    let found: BTreeSet<String> =
        crates.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    let known: BTreeSet<String> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, known);
}

#[test]
fn only_one_file_of_the_loops_calls_the_api_server() {
    let sources = workspace().join("crates/kontext-controllers/src");
    let mut callers = Vec::new();
    let mut folders = vec![sources.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("readable");
            let calls = [
                "Api::<",
                "Api::all",
                "Api::namespaced",
                ".request(",
                ".request::<",
                ".request_text(",
                ".send(",
            ];
            // Tests and channels send too; only what holds a client can call.
            if text.contains("kube::Client") && calls.iter().any(|call| text.contains(call)) {
                callers.push(path.strip_prefix(&sources).expect("below").to_string_lossy().into_owned());
            }
        }
    }
    callers.sort();
    assert!(
        callers.iter().all(|caller| caller == "cluster.rs" || caller.starts_with("recorder/")),
        "only cluster.rs, and the Event recorder, whose calls take a context too: {callers:?}"
    );
}
