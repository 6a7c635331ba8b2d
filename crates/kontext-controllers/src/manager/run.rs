//! Running a manager: informers first, loops once the caches are filled, all ended within a bound.

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{config::RunError, wiring::Manager};

impl Manager {
    /// Runs until `stop`: then no more work is taken, reconciles under way finish or are cancelled within the grace,
    /// Events that wait are sent, and the watches end.
    ///
    /// # Errors
    ///
    /// Where a part panicked; all others are stopped then.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunError> {
        let handle = self.handle();
        // Watches and Events outlive the loops that need them. Neither is a child of `stop`: a loop that ends because it
        // was stopped must not be taken for one that ended by itself.
        let (stop_loops, stop_rest) = (CancellationToken::new(), CancellationToken::new());
        let mut rest: JoinSet<&'static str> = JoinSet::new();
        let mut loops: JoinSet<&'static str> = JoinSet::new();
        let informers = self.informers;
        let stop_informers = stop_rest.clone();
        for recorder in self.recorders {
            let stop = stop_rest.clone();
            rest.spawn(async move {
                recorder.run(stop).await;
                "an Event recorder"
            });
        }
        rest.spawn(async move {
            informers.run(stop_informers).await;
            "the informers"
        });
        let ended = tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            Some(ended) = rest.join_next() => Err(unexpected(ended)),
            () = handle.synced() => {
                info!("caches are filled, the loops start");
                if let Some((runner, reconciler)) = self.replica_set {
                    let stop = stop_loops.clone();
                    loops.spawn(async move {
                        runner.run(reconciler, stop).await;
                        "the ReplicaSet loop"
                    });
                }
                if let Some((runner, reconciler)) = self.deployment {
                    let stop = stop_loops.clone();
                    loops.spawn(async move {
                        runner.run(reconciler, stop).await;
                        "the Deployment loop"
                    });
                }
                tokio::select! {
                    // Stopped loops come to their end too: that is asked for then, not unexpected.
                    biased;
                    () = stop.cancelled() => Ok(()),
                    Some(ended) = rest.join_next() => Err(unexpected(ended)),
                    Some(ended) = loops.join_next() => Err(unexpected(ended)),
                }
            }
        };
        stop_loops.cancel();
        while loops.join_next().await.is_some() {}
        stop_rest.cancel();
        while rest.join_next().await.is_some() {}
        ended
    }
}

fn unexpected(ended: Result<&'static str, JoinError>) -> RunError {
    match ended {
        Ok(part) => RunError::Ended { part, reason: "it came to its end".to_owned() },
        Err(error) => RunError::Ended { part: "a part of the manager", reason: error.to_string() },
    }
}
