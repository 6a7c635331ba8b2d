//! How soon a key may be retried: client-go's default limiter.

use std::{collections::HashMap, sync::Arc};

use tokio::time::{Duration, Instant};

/// The limits of retries.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Delay after a key's first failure; doubles with each further one.
    pub base: Duration,
    /// Longest delay of one key.
    pub max: Duration,
    /// Retries a second over all keys.
    pub rate: f64,
    /// Retries at once over all keys before the rate holds.
    pub burst: u32,
}

impl Default for Limits {
    /// client-go's: 5 ms to 1000 s for one key, 10 a second with a burst of 100 over all.
    fn default() -> Self {
        Self { base: Duration::from_millis(5), max: Duration::from_secs(1000), rate: 10.0, burst: 100 }
    }
}

/// Counts failures, and says how long the next retry has to wait: the longer of what the key's own failures and
/// the budget of all keys demand.
#[derive(Debug)]
pub struct Limiter {
    limits: Limits,
    failures: HashMap<Arc<str>, u32>,
    tokens: f64,
    counted: Option<Instant>,
}

impl Limiter {
    /// A limiter that has seen no failure.
    pub fn new(limits: Limits) -> Self {
        Self { limits, failures: HashMap::new(), tokens: f64::from(limits.burst), counted: None }
    }

    /// Counts a failure of `key`: the delay until its retry.
    pub fn delay(&mut self, key: &Arc<str>, now: Instant) -> Duration {
        let failures = self.failures.entry(key.clone()).or_default();
        let factor = 2_u32.saturating_pow(*failures);
        *failures = failures.saturating_add(1);
        let own =
            self.limits.base.checked_mul(factor).map_or(self.limits.max, |delay| delay.min(self.limits.max));
        own.max(self.budget(now))
    }

    /// Takes a token of the shared budget, in advance where there is none: the wait until it is there.
    fn budget(&mut self, now: Instant) -> Duration {
        if let Some(counted) = self.counted {
            let earned = now.saturating_duration_since(counted).as_secs_f64() * self.limits.rate;
            self.tokens = (self.tokens + earned).min(f64::from(self.limits.burst));
        }
        self.counted = Some(now);
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(-self.tokens / self.limits.rate)
        }
    }

    /// The key succeeded, or is given up.
    pub fn forget(&mut self, key: &str) {
        self.failures.remove(key);
    }

    /// How often in a row the key failed.
    pub fn failures(&self, key: &str) -> u32 {
        self.failures.get(key).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_waits_twice_as_long_after_each_failure_up_to_the_limit() {
        let mut limiter = Limiter::new(Limits { rate: 1e9, burst: 1_000, ..Limits::default() });
        let (key, now) = (Arc::from("a/b"), Instant::now());
        let delays: Vec<u128> = (0..20).map(|_| limiter.delay(&key, now).as_millis()).collect();
        assert_eq!(delays[..5], [5, 10, 20, 40, 80]);
        assert_eq!(delays[17..], [655_360, 1_000_000, 1_000_000]);
        limiter.forget("a/b");
        assert_eq!(limiter.delay(&key, now).as_millis(), 5);
    }

    #[test]
    fn all_keys_share_a_budget() {
        let mut limiter = Limiter::new(Limits::default());
        let now = Instant::now();
        let mut delay = |n: u32, at| limiter.delay(&Arc::from(format!("a/{n}")), at).as_millis();
        for n in 0..100 {
            assert_eq!(delay(n, now), 5);
        }
        assert_eq!([delay(100, now), delay(101, now)], [100, 200]);
        assert_eq!(delay(102, now + Duration::from_secs(60)), 5);
    }
}
