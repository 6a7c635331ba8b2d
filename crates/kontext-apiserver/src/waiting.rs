//! Waiting for what a controller does, without guessing how long it takes.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::requests::Requests;
use crate::server::ApiServer;

/// How many of the latest changes an error tells.
const TOLD: usize = 20;

/// What was waited for did not come in time. Says which writes there were last.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct NotYet {
    /// How long it was waited.
    pub within: Duration,
    /// The latest requests that changed something.
    pub latest: Requests,
}

impl fmt::Display for NotYet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (within, latest) = (self.within, &self.latest);
        match latest.len() {
            0 => write!(f, "not within {within:?}; nothing was written"),
            _ => write!(f, "not within {within:?}; the latest changes:\n{latest}"),
        }
    }
}

/// The same: a test that unwraps shows this.
impl fmt::Debug for NotYet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Waiting. Time is tokio's: paused in a test with `start_paused = true`, it costs none.
impl ApiServer {
    /// Waits until `condition` gives something. It is asked at once, and again after every write.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use kontext_apiserver::{ApiServer, NotYet};
    /// # use k8s_openapi::api::core::v1::ConfigMap;
    /// # use kube::{Api, api::{ListParams, PostParams}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), NotYet> {
    /// let server = ApiServer::builder().repeatable(1).start().await;
    /// let maps: Api<ConfigMap> = Api::default_namespaced(server.client());
    /// # let mut map = ConfigMap::default();
    /// # map.metadata.name = Some("settings".to_owned());
    /// # maps.create(&PostParams::default(), &map).await.expect("created");
    /// let map = server.eventually(Duration::from_secs(60), async || maps.get_opt("settings").await.ok().flatten()).await?;
    /// # assert!(map.data.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn eventually<T>(
        &self,
        within: Duration,
        mut condition: impl AsyncFnMut() -> Option<T>,
    ) -> Result<T, NotYet> {
        let deadline = Instant::now() + within;
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            // The condition itself may hang, under a fault.
            match timeout_at(deadline, condition()).await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(_) => return Err(self.not_yet(within)),
            }
            if timeout_at(deadline, changes.changed()).await.is_err() {
                return Err(self.not_yet(within));
            }
        }
    }

    /// Waits until nothing has been written for as long as `quiet`: the controllers have done what they had to do.
    /// Heartbeats (Leases) do not count. Fails if there is no such pause `within` the given time, as under a
    /// controller that never comes to rest.
    pub async fn settled(&self, quiet: Duration, within: Duration) -> Result<(), NotYet> {
        let deadline = Instant::now() + within;
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            let calm = Instant::now() + quiet;
            if calm > deadline {
                return Err(self.not_yet(within));
            }
            if timeout_at(calm, changes.changed()).await.is_err() {
                return Ok(());
            }
        }
    }

    fn not_yet(&self, within: Duration) -> NotYet {
        let changes: Vec<_> = self.requests().changed().into_iter().collect();
        let first = changes.len().saturating_sub(TOLD);
        NotYet { within, latest: changes.into_iter().skip(first).collect() }
    }
}
