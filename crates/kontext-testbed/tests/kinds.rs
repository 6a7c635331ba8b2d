//! The tables of the in-memory server say what the real server says.

use anyhow::{Result, ensure};
use kontext_testbed::{kinds, require_real_server};

#[tokio::test]
async fn the_table_of_kinds_is_what_discovery_says() -> Result<()> {
    let server = require_real_server!();
    let groups = kinds::discovery(&server.client("alice").await?).await?;
    let file = std::fs::read_to_string(kinds::table_path())?;
    let written = kinds::with_rows(&file, &groups)?;
    ensure!(file == written, "run `cargo xtask kinds` and look at what changes");
    Ok(())
}

#[tokio::test]
async fn lists_and_maps_merge_as_the_openapi_documents_say() -> Result<()> {
    let server = require_real_server!();
    let schemas = kinds::schemas(&server.client("alice").await?).await?;
    let types = std::fs::read_to_string(kinds::types_path())?;
    let differences = kinds::differences(&types, &schemas);
    ensure!(differences.is_empty(), "{}", differences.join("\n"));
    // It can fail: a list that forgets its key is found.
    let broken = types.replacen("/name~merge:name", "~merge:name", 1);
    ensure!(kinds::differences(&broken, &schemas).len() == 1);
    Ok(())
}
