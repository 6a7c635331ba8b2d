//! `--controllers`.

use std::str::FromStr;

use kontext_controllers::manager::{LoopName, UnknownLoop};
use thiserror::Error;

/// Which loops run, as `--controllers` says: upstream's syntax and its order of precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    all: bool,
    /// In the order written; for a loop that is named twice the first one counts.
    named: Vec<(LoopName, bool)>,
}

/// A word of `--controllers` names no loop.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoSuchController {
    /// No loop of that name is here.
    #[error(transparent)]
    Unknown(#[from] UnknownLoop),
    /// A comma too many.
    #[error("there is an empty name in it; write it like *,-deployment-controller")]
    Empty,
}

impl FromStr for Selection {
    type Err = NoSuchController;

    fn from_str(list: &str) -> Result<Self, NoSuchController> {
        let mut selection = Self { all: false, named: Vec::new() };
        for word in list.split(',').map(str::trim) {
            match (word, word.strip_prefix('-')) {
                ("" | "-", _) => return Err(NoSuchController::Empty),
                ("*", _) => selection.all = true,
                (_, Some(name)) => selection.named.push((name.parse()?, false)),
                (name, None) => selection.named.push((name.parse()?, true)),
            }
        }
        Ok(selection)
    }
}

impl Selection {
    /// The loops to run.
    pub fn selected(&self) -> Vec<LoopName> {
        let runs = |name: &LoopName| {
            let named = self.named.iter().find(|(named, _)| named == name);
            named.map_or(self.all, |(_, on)| *on)
        };
        LoopName::ALL.iter().copied().filter(runs).collect()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(list: &str, expected: Expect) {
        let told = match list.parse::<Selection>() {
            Ok(selection) => {
                selection.selected().iter().map(|name| name.alias()).collect::<Vec<_>>().join(" ")
            }
            Err(error) => format!("error: {error}"),
        };
        expected.assert_eq(&told);
    }

    #[test]
    fn star_is_all_and_names_choose() {
        check("*", expect!["deployment replicaset"]);
        check("replicaset-controller", expect!["replicaset"]);
        check("replicaset, deployment", expect!["deployment replicaset"]);
        check("*,-deployment-controller", expect!["replicaset"]);
        check("-deployment,*", expect!["replicaset"]);
        check("-deployment", expect![""]);
        check("*,-deployment,deployment", expect!["replicaset"]);
    }

    #[test]
    fn a_name_that_is_none_is_answered_with_those_that_are() {
        check(
            "job-controller",
            expect![[
                r#"error: there is no controller "job-controller" here; known are deployment-controller (deployment), replicaset-controller (replicaset)"#
            ]],
        );
        check(
            "*,,deployment",
            expect!["error: there is an empty name in it; write it like *,-deployment-controller"],
        );
        check("-", expect!["error: there is an empty name in it; write it like *,-deployment-controller"]);
    }
}
