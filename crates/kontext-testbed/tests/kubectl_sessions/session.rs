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

    /// Every command that said something else than was expected, with what differs.
    pub(crate) fn differences(&self, played: &Self) -> Vec<String> {
        let pairs = self.steps.iter().zip(&played.steps).filter(|(expected, played)| expected != played);
        pairs.map(|(expected, played)| difference(expected, played)).collect()
    }
}

/// The command, and the lines from the first to the last that differs: `-` expected, `+` said.
fn difference(expected: &Step, played: &Step) -> String {
    let (mut old, mut new) = (&expected.said[..], &played.said[..]);
    let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    (old, new) = (&old[same..], &new[same..]);
    let same = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    (old, new) = (&old[..old.len() - same], &new[..new.len() - same]);
    let mut text = format!("$ {}", expected.command.replace('\n', "\n> "));
    for (sign, lines) in [("-", old), ("+", new)] {
        for line in lines {
            text.push_str(&format!("\n{sign} {line}"));
        }
    }
    text
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
    let text = "$ # first\n$ kubectl get cm <<EOF\n> a: 1\n> EOF\nNAME  DATA\n! warning\n[exit 1]\n$ kubectl version\nv1\n";
    let session = Session::parse(text).expect("a session");
    assert_eq!(session.steps.len(), 3);
    assert_eq!(session.steps[1].command, "kubectl get cm <<EOF\na: 1\nEOF");
    assert_eq!(session.to_string(), text);
    assert!(Session::parse("output without a command").is_err());
}

#[test]
fn what_differs_is_told_and_nothing_else() {
    let session = |said: &[&str]| Session {
        steps: vec![Step {
            command: "kubectl get cm".into(),
            said: said.iter().map(|line| (*line).into()).collect(),
        }],
    };
    let expected = session(&["NAME  DATA", "a  1", "b  2"]);
    assert_eq!(
        expected.differences(&session(&["NAME  DATA", "a  7", "b  2"])),
        ["$ kubectl get cm\n- a  1\n+ a  7"]
    );
    assert_eq!(expected.differences(&session(&["NAME  DATA", "b  2"])), ["$ kubectl get cm\n- a  1"]);
    assert!(expected.differences(&expected).is_empty());
}
