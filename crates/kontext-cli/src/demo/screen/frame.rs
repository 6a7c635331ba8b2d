//! The picture: the Deployment, its ReplicaSets, their pods as squares. Pure.

use super::super::world::{PodState, Rollout, Set, Snapshot};

/// Squares in a row at most; what does not fit is counted.
const MAX_SQUARES: usize = 40;

/// The lines of the picture, none wider than `width` columns.
pub(super) fn lines(now: &Snapshot, width: usize, colour: bool) -> Vec<String> {
    let Some(deployment) = &now.deployment else { return Vec::new() };
    let mut lines = vec![String::new(), cut(&headline(deployment), width)];
    for set in now.sets.iter().filter(|set| set.wanted > 0 || !set.pods.is_empty()) {
        lines.push(row(set, width, colour));
    }
    lines
}

fn headline(deployment: &Rollout) -> String {
    let Rollout { name, wanted, updated, available, .. } = deployment;
    format!("  deployment {name}: {wanted} wanted, {updated} up to date, {available} available")
}

fn row(set: &Set, width: usize, colour: bool) -> String {
    let head = cut(&format!("  {:<16} {:<24} ", set.name, set.image), width);
    let room = width.saturating_sub(head.chars().count()).min(MAX_SQUARES);
    let mut squares = String::new();
    for pod in set.pods.iter().take(room) {
        let (square, code) = match pod.state {
            PodState::Ready => ('■', "32"),
            PodState::Running => ('◧', "33"),
            PodState::Pending => ('□', "33"),
            PodState::Ending => ('×', "31"),
        };
        if colour {
            squares.push_str(&format!("\x1b[{code}m{square}\x1b[0m"));
        } else {
            squares.push(square);
        }
    }
    head + &squares
}

fn cut(text: &str, width: usize) -> String {
    text.chars().take(width).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use jiff::Timestamp;

    use super::*;
    use crate::demo::world::PodView;

    fn set(name: &str, image: &str, states: &[PodState]) -> Set {
        let pod = |(at, state): (usize, &PodState)| PodView {
            name: format!("{name}-{at}"),
            state: *state,
            created: Timestamp::UNIX_EPOCH,
        };
        Set {
            name: name.into(),
            revision: 1,
            image: image.into(),
            wanted: states.len(),
            pods: states.iter().enumerate().map(pod).collect(),
        }
    }

    fn rollout() -> Snapshot {
        use PodState::{Ending, Pending, Ready, Running};
        Snapshot {
            deployment: Some(Rollout {
                name: "web".into(),
                observed: true,
                wanted: 5,
                total: 7,
                updated: 3,
                available: 4,
            }),
            sets: vec![
                set("web-7d4b9", "registry.example/web:2", &[Ready, Running, Pending]),
                set("web-5c689", "registry.example/web:1", &[Ready, Ready, Ready, Ending]),
                set("web-old", "registry.example/web:0", &[]),
            ],
        }
    }

    #[test]
    fn a_rollout_shows_each_pod_as_a_square() {
        let picture: Vec<String> =
            lines(&rollout(), 80, false).iter().map(|line| format!("|{line}")).collect();
        expect![[r#"
            |
            |  deployment web: 5 wanted, 3 up to date, 4 available
            |  web-7d4b9        registry.example/web:2   ■◧□
            |  web-5c689        registry.example/web:1   ■■■×"#]]
        .assert_eq(&picture.join("\n"));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 0..60 {
            let widest = lines(&rollout(), width, false).iter().map(|line| line.chars().count()).max();
            assert!(widest.is_some_and(|widest| widest <= width), "{width}");
        }
    }

    #[test]
    fn there_is_no_picture_before_there_is_a_deployment() {
        assert!(lines(&Snapshot::default(), 80, false).is_empty());
    }
}
