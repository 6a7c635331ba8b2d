//! Carries out what the candidate decides: requests, waits, and the work that runs while it leads.

use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    candidate::{Candidate, Step},
    lease::{LeaseClient, LeaseError, LeaseName},
    metrics::Metrics,
    timing::Timing,
};

/// How a candidate stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The lease was not seen yet.
    Looking,
    /// Somebody else leads.
    StandingBy {
        /// Who holds the lease; `None` if it was free when last seen.
        holder: Option<String>,
    },
    /// This candidate leads.
    Leading,
    /// The election is over for this candidate.
    Ended,
}

/// Why a leader had to stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// Somebody else wrote the lease.
    #[error("leader election lost: the lease {lease} is held by {by}")]
    Taken {
        /// The lease.
        lease: LeaseName,
        /// The holder.
        by: String,
    },
    /// The lease could not be renewed in time.
    #[error("leader election lost: the lease {lease} could not be renewed for {:.1} s", .since.as_secs_f64())]
    NotRenewed {
        /// The lease.
        lease: LeaseName,
        /// How long ago the last successful renewal was sent.
        since: Duration,
    },
}

/// One candidate in the election of one lease.
pub struct LeaderElection {
    name: LeaseName,
    timing: Timing,
    lease: LeaseClient,
    candidate: Candidate,
    metrics: Metrics,
    status: watch::Sender<Status>,
}

impl std::fmt::Debug for LeaderElection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeaderElection").field("candidate", &self.candidate).finish_non_exhaustive()
    }
}

impl LeaderElection {
    /// A candidate for `name`. The client should be a plain one, with no layers that retry or stamp, and with a rate
    /// limit of its own, if any: renewals must not queue behind other requests.
    pub fn new(client: Client, name: LeaseName, identity: impl Into<String>, timing: Timing) -> Self {
        Self {
            lease: LeaseClient::new(client, &name, timing.request_timeout()),
            candidate: Candidate::new(name.clone(), identity.into(), timing),
            name,
            timing,
            metrics: Metrics::default(),
            status: watch::Sender::new(Status::Looking),
        }
    }

    /// Registers `leader_election_master_status` and `leader_election_slowpath_total`.
    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
        self.metrics.leads(&self.name.name, false);
    }

    /// How this candidate stands, now and whenever it changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Waits for the lease, then runs `work` and renews the lease until the work is done, then gives the lease back.
    ///
    /// The token that `work` gets is cancelled with `stop`, and when the lease is lost. The lease is held, and renewed,
    /// until the work has ended by itself. When the lease is lost the work is dropped at the latest at the time when
    /// another candidate may take over; tasks that it spawned are its own care (end the process).
    ///
    /// Returns what the work returned, or `None` when `stop` came before this candidate led.
    pub async fn run<F: Future>(
        mut self,
        stop: CancellationToken,
        work: impl FnOnce(CancellationToken) -> F,
    ) -> Result<Option<F::Output>, Lost> {
        let acquired = tokio::select! {
            biased;
            () = stop.cancelled() => false,
            () = self.acquire() => true,
        };
        if !acquired {
            self.release().await;
            self.status.send_replace(Status::Ended);
            return Ok(None);
        }
        self.metrics.leads(&self.name.name, true);
        self.status.send_replace(Status::Leading);
        info!(lease = %self.name, "leading");

        let leading = stop.child_token();
        let mut work = pin!(work(leading.clone()));
        let outcome = tokio::select! {
            output = &mut work => Ok(Some(output)),
            lost = self.keep() => Err(lost),
        };
        leading.cancel();
        match &outcome {
            Ok(_) => self.release().await,
            Err(lost) => {
                warn!(lease = %self.name, "{lost}");
                let safe_until = match lost {
                    Lost::NotRenewed { .. } => self.candidate.term().map(|term| term.safe_until),
                    Lost::Taken { .. } => None,
                };
                // Its output has no taker any more: the lease is lost either way.
                let _ = timeout_at(safe_until.unwrap_or_else(Instant::now), work).await;
            }
        }
        self.metrics.leads(&self.name.name, false);
        self.status.send_replace(Status::Ended);
        outcome
    }

    /// Tries until this candidate leads.
    async fn acquire(&mut self) {
        loop {
            let attempt = self.attempt().await;
            if self.candidate.term().is_some() {
                return;
            }
            if let Err(error) = attempt {
                warn!(lease = %self.name, error = &error as &dyn std::error::Error, "cannot get hold of the lease; will try again");
            } else {
                self.stand_by();
            }
            sleep(self.timing.jittered_retry()).await;
        }
    }

    /// Renews until the lease is lost.
    async fn keep(&mut self) -> Lost {
        let mut next = Instant::now() + self.timing.retry_period();
        loop {
            sleep_until(next).await;
            // From start to start: an attempt that hung is followed by the next one at once.
            next = Instant::now() + self.timing.retry_period();
            let Some(term) = self.candidate.term() else { return self.candidate.not_renewed(Instant::now()) };
            let attempt = tokio::select! {
                biased;
                attempt = self.attempt() => attempt,
                () = sleep_until(term.ends) => Ok(()),
            };
            if let Err(error) = attempt {
                warn!(lease = %self.name, error = &error as &dyn std::error::Error, "cannot renew the lease; will try again");
            }
            if let Step::Lost(lost) = self.candidate.step(Instant::now(), Timestamp::now()) {
                return lost;
            }
        }
    }

    /// One attempt to get or renew the lease.
    async fn attempt(&mut self) -> Result<(), LeaseError> {
        self.candidate.begin();
        loop {
            match self.candidate.step(Instant::now(), Timestamp::now()) {
                Step::Read => {
                    if self.candidate.term().is_some() {
                        self.metrics.slow_path(&self.name.name);
                    }
                    let lease = self.lease.read().await.inspect_err(|_| self.candidate.failed(false))?;
                    self.candidate.read(lease, Instant::now());
                }
                step @ (Step::Create(_) | Step::Replace(_)) => {
                    if self.write(step).await? {
                        return Ok(());
                    }
                }
                Step::Wait | Step::Lost(_) => return Ok(()),
            }
        }
    }

    /// Sends a write; whether it was carried out.
    async fn write(&mut self, step: Step) -> Result<bool, LeaseError> {
        let sent = Instant::now();
        self.candidate.writing();
        let written = match &step {
            Step::Create(lease) => self.lease.create(lease).await,
            Step::Replace(lease) => self.lease.replace(lease).await,
            Step::Read | Step::Wait | Step::Lost(_) => return Ok(false),
        };
        match written {
            Ok(lease) => {
                self.candidate.wrote(lease, sent, Instant::now());
                Ok(true)
            }
            Err(LeaseError::Conflict) => {
                debug!(lease = %self.name, "somebody else wrote the lease");
                self.candidate.conflicted();
                Ok(false)
            }
            Err(error) => {
                self.candidate.failed(error.refused());
                Err(error)
            }
        }
    }

    /// Gives the lease back if it is held, so that others need not wait until it expires. Bounded by two requests;
    /// a failure costs the others only that wait.
    async fn release(&mut self) {
        for _ in 0..2 {
            let result = match self.candidate.release(Timestamp::now()) {
                Step::Read => self.lease.read().await.map(|lease| self.candidate.read(lease, Instant::now())),
                Step::Replace(lease) => {
                    let released = self.lease.replace(&lease).await;
                    if released.is_ok() {
                        info!(lease = %self.name, "released the lease");
                    }
                    return self.unreleased(released.map(drop));
                }
                Step::Create(_) | Step::Wait | Step::Lost(_) => return,
            };
            if result.is_err() {
                return self.unreleased(result);
            }
        }
    }

    fn unreleased(&self, result: Result<(), LeaseError>) {
        if let Err(error) = result {
            warn!(lease = %self.name, error = &error as &dyn std::error::Error, "could not release the lease; it will expire");
        }
    }

    /// Says once who leads.
    fn stand_by(&self) {
        let status = Status::StandingBy { holder: self.candidate.holder().map(str::to_owned) };
        self.status.send_if_modified(|now| {
            let news = *now != status;
            if news {
                info!(lease = %self.name, holder = self.candidate.holder(), "standing by");
                *now = status;
            }
            news
        });
    }
}
