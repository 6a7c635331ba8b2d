//! Resources that may be written and not read: asked for once in a while, not at every write.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long a refusal is remembered: permissions change, but not by the second.
const MEMORY: Duration = Duration::from_secs(300);

/// Resources of which a GET was refused, and when.
#[derive(Debug, Default)]
pub(crate) struct Forbidden(Mutex<HashMap<Box<str>, Instant>>);

fn key(group: &str, resource: &str, namespace: Option<&str>) -> Box<str> {
    format!("{group}/{resource}/{}", namespace.unwrap_or_default()).into()
}

impl Forbidden {
    pub(crate) fn record(&self, group: &str, resource: &str, namespace: Option<&str>) {
        let mut refused = self.0.lock();
        refused.retain(|_, at| at.elapsed() < MEMORY);
        refused.insert(key(group, resource, namespace), Instant::now());
    }

    pub(crate) fn contains(&self, group: &str, resource: &str, namespace: Option<&str>) -> bool {
        let refused = self.0.lock();
        !refused.is_empty()
            && refused.get(&key(group, resource, namespace)).is_some_and(|at| at.elapsed() < MEMORY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_forgotten_after_a_while() {
        let forbidden = Forbidden::default();
        forbidden.record("apps", "deployments", Some("shop"));
        assert!(forbidden.contains("apps", "deployments", Some("shop")));
        assert!(!forbidden.contains("apps", "deployments", Some("other")));
        tokio::time::advance(MEMORY).await;
        assert!(!forbidden.contains("apps", "deployments", Some("shop")));
    }
}
