//! The text of a session: commands, and what they said.
//!
//! ```text
//! $ # a comment
//! $ kubectl create -f - <<EOF
//! > apiVersion: v1
//! > EOF
//! configmap/settings created
//! ! what went to standard error
//! [exit 1]
//! ```

use std::fmt;

use anyhow::{Result, bail};

/// A session, as it is to be played or as it was played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) steps: Vec<Step>,
}

/// One command and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// What bash runs; more than one line where there is a here-document.
    pub(crate) command: String,
    /// What it said, normalised, and how it ended.
    pub(crate) said: Vec<String>,
}

impl Session {
    /// Reads a session file.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut steps: Vec<Step> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step { command: command.to_owned(), said: Vec::new() });
                continue;
            }
            let Some(step) = steps.last_mut() else {
                bail!("line {}: a session begins with a command (`$ ...`)", number + 1);
            };
            match line.strip_prefix('>') {
                Some(more) if step.said.is_empty() => {
                    step.command.push('\n');
                    step.command.push_str(more.strip_prefix(' ').unwrap_or(more));
                }
                _ => step.said.push(line.to_owned()),
            }
        }
        Ok(Self { steps })
    }

    /// Where what was played says something else than what was expected, both told.
    pub(crate) fn first_difference(&self, played: &Self) -> Option<String> {
        self.steps.iter().zip(&played.steps).find(|(expected, played)| expected != played).map(
            |(expected, played)| {
                format!(
                    "$ {}\nexpected:\n{}\nsaid:\n{}\n",
                    expected.command.replace('\n', "\n> "),
                    expected.said.join("\n"),
                    played.said.join("\n")
                )
            },
        )
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "$ {}", step.command.replace('\n', "\n> "))?;
            for line in &step.said {
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}

#[test]
fn a_session_is_written_as_it_was_read() {
    let text =
        "$ # first\n$ kubectl get cm <<EOF\n> a: 1\n> EOF\nNAME  DATA\n! warning\n[exit 1]\n$ kubectl version\nv1\n";
    let session = Session::parse(text).expect("a session");
    assert_eq!(session.steps.len(), 3);
    assert_eq!(session.steps[1].command, "kubectl get cm <<EOF\na: 1\nEOF");
    assert_eq!(session.to_string(), text);
    assert!(Session::parse("output without a command").is_err());
}
