//! How long a lease holds, and how often it is renewed.

use std::time::Duration;

use rand::Rng;

/// How much longer than the retry period a wait may be, as a fraction of it, so that candidates do not move in step.
const JITTER: f64 = 0.2;

/// The three times of an election. The defaults are client-go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    lease_duration: Duration,
    renew_deadline: Duration,
    retry_period: Duration,
}

impl Default for Timing {
    /// 15 s, 10 s, 2 s.
    fn default() -> Self {
        Self {
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

impl Timing {
    /// Checks that a leader gives up before others may take over, and that it has time to try more than once.
    pub fn new(
        lease_duration: Duration,
        renew_deadline: Duration,
        retry_period: Duration,
    ) -> Result<Self, TimingError> {
        if retry_period.is_zero() {
            return Err(TimingError::NoRetryPeriod);
        }
        if lease_duration < Duration::from_secs(1) {
            return Err(TimingError::LeaseTooShort { lease_duration });
        }
        if lease_duration <= renew_deadline {
            return Err(TimingError::LeaseNotAboveRenew { lease_duration, renew_deadline });
        }
        if renew_deadline <= retry_period.mul_f64(1.0 + JITTER) {
            return Err(TimingError::RenewNotAboveRetry { renew_deadline, retry_period });
        }
        Ok(Self { lease_duration, renew_deadline, retry_period })
    }

    /// How long others wait, after they saw the record change last, before they take over.
    pub fn lease_duration(&self) -> Duration {
        self.lease_duration
    }

    /// How long a leader goes on after it sent its last successful renewal.
    pub fn renew_deadline(&self) -> Duration {
        self.renew_deadline
    }

    /// How long to wait between two attempts.
    pub fn retry_period(&self) -> Duration {
        self.retry_period
    }

    /// The longest that one request may take: a hanging one leaves time for another within the renew deadline.
    pub(super) fn request_timeout(&self) -> Duration {
        self.renew_deadline / 2
    }

    /// The retry period and up to a fifth more.
    pub(super) fn jittered_retry(&self) -> Duration {
        self.retry_period.mul_f64(1.0 + rand::rng().random_range(0.0..JITTER))
    }

    /// `leaseDurationSeconds`: whole seconds, rounded up, so that others rather wait too long than too short.
    pub(super) fn lease_seconds(&self) -> i32 {
        let seconds = self.lease_duration.as_secs() + u64::from(self.lease_duration.subsec_nanos() > 0);
        i32::try_from(seconds).unwrap_or(i32::MAX)
    }
}

/// Times that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimingError {
    /// The retry period is zero.
    #[error("the retry period must be longer than zero")]
    NoRetryPeriod,
    /// A Lease counts in whole seconds.
    #[error("the lease duration is {lease_duration:?}, and must be at least 1s")]
    LeaseTooShort {
        /// What was asked for.
        lease_duration: Duration,
    },
    /// Two could lead at once.
    #[error(
        "the lease duration ({lease_duration:?}) must be longer than the renew deadline ({renew_deadline:?})"
    )]
    LeaseNotAboveRenew {
        /// What was asked for.
        lease_duration: Duration,
        /// What was asked for.
        renew_deadline: Duration,
    },
    /// The leader would give up after one attempt.
    #[error(
        "the renew deadline ({renew_deadline:?}) must be longer than 1.2 times the retry period ({retry_period:?})"
    )]
    RenewNotAboveRetry {
        /// What was asked for.
        renew_deadline: Duration,
        /// What was asked for.
        retry_period: Duration,
    },
}
