//! How often somebody may do something: the generic cell rate algorithm, one number per somebody.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::time::UtcTime;

/// Whose requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Those of a user or token.
    Actor(Uuid),
    /// Those of nobody known, from an address.
    Address(IpAddr),
}

/// Above this many somebodies, those who are back at their full allowance are forgotten.
const FORGET_ABOVE: usize = 10_000;

/// Allows each `K` a burst of `limit` events, and as many per window in the long run.
#[derive(Debug)]
pub struct RateLimiter<K> {
    limit: u32,
    window: Duration,
    arrivals: Mutex<HashMap<K, UtcTime>>,
}

/// What one more event found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Was it allowed?
    pub allowed: bool,
    /// How many more are allowed at once now.
    pub remaining: u32,
    /// Until one more is allowed; zero while `remaining` is not zero.
    pub retry_after: Duration,
}

impl<K: Eq + Hash> RateLimiter<K> {
    /// `limit` events per `window`.
    #[must_use]
    pub fn new(limit: u32, window: Duration) -> Self {
        Self { limit: limit.max(1), window, arrivals: Mutex::default() }
    }

    /// The most events of a window.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// The window.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Counts one more event, if it is allowed.
    pub fn count(&self, who: K, now: UtcTime) -> Allowance {
        let (each, mut arrivals) =
            (self.window / self.limit, self.arrivals.lock().unwrap_or_else(PoisonError::into_inner));
        if arrivals.len() > FORGET_ABOVE {
            arrivals.retain(|_, arrival| *arrival > now);
        }
        // When the next event would come if all came evenly; the burst is how far that may lie ahead.
        let arrival = arrivals.get(&who).copied().unwrap_or(now).max(now);
        let next = arrival.plus(each);
        let ahead = next.since(now);
        if ahead > self.window {
            return Allowance { allowed: false, remaining: 0, retry_after: ahead - self.window };
        }
        arrivals.insert(who, next);
        let remaining = (self.window - ahead).as_micros() / each.as_micros().max(1);
        let remaining = u32::try_from(remaining).unwrap_or(self.limit);
        let retry_after = if remaining == 0 { (ahead + each).saturating_sub(self.window) } else { Duration::ZERO };
        Allowance { allowed: true, remaining, retry_after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_a_burst_and_then_as_many_as_the_window_says() {
        let limiter = RateLimiter::new(3, Duration::from_secs(60));
        let mut now = UtcTime::from_micros(1_000_000_000);
        let remaining: Vec<u32> = (0..3).map(|_| limiter.count("ann", now).remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let refused = limiter.count("ann", now);
        assert_eq!(refused, Allowance { allowed: false, remaining: 0, retry_after: Duration::from_secs(20) });
        assert!(limiter.count("bob", now).allowed, "others are not concerned");
        now = now.plus(Duration::from_secs(20));
        assert!(limiter.count("ann", now).allowed);
        assert!(!limiter.count("ann", now).allowed);
        now = now.plus(Duration::from_secs(600));
        assert_eq!(limiter.count("ann", now).remaining, 2, "what is not used is not saved up");
    }

    #[test]
    fn forgets_who_has_their_whole_allowance() {
        let limiter = RateLimiter::new(1, Duration::from_secs(1));
        let now = UtcTime::from_micros(0);
        for who in 0..=FORGET_ABOVE {
            limiter.count(who, now);
        }
        limiter.count(0, now.plus(Duration::from_secs(5)));
        assert_eq!(limiter.arrivals.lock().unwrap().len(), 1);
    }
}
