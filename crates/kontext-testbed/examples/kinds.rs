//! Writes the table of kinds from what a real API server says: see `cargo xtask kinds --help`.

#![allow(clippy::print_stdout, reason = "a command line tool talks to its user")]

use anyhow::{Context, Result, bail};
use kontext_testbed::{RealServer, kinds};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let check = std::env::args().any(|argument| argument == "--check");
    let server = RealServer::builder().start().await?;
    let client = server.client("alice").await?;
    let path = kinds::table_path();
    let before = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let after = kinds::with_rows(&before, &kinds::discovery(&client).await?)?;
    let mut wrong = Vec::new();
    if check {
        let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
        wrong.extend(old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {}", line.trim())));
        wrong.extend(new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {}", line.trim())));
        if wrong.is_empty() && before != after {
            wrong.push("the rows are in another order".to_owned());
        }
    } else if before != after {
        std::fs::write(&path, &after).with_context(|| format!("write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    let types = std::fs::read_to_string(kinds::types_path()).context("read the table of types")?;
    wrong.extend(kinds::differences(&types, &kinds::schemas(&client).await?));
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.iter().for_each(|line| println!("{line}"));
    bail!("{} differences from what the server says", wrong.len())
}
