//! The rate of a connection, by the generic cell rate algorithm: one number in one row, shared by all instances.

use crate::base::time::UtcTime;

/// How many calls a tracker takes: one per `interval_micros`, and as many at once as fit into `burst_micros`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Microseconds that one writing call costs.
    pub interval_micros: i64,
    /// Microseconds that may be spent in advance.
    pub burst_micros: i64,
    /// Jobs at a time.
    pub max_leases: i32,
}

impl Rate {
    /// So many writing calls an hour, of which `burst` may come at once.
    #[must_use]
    pub const fn per_hour(calls: i64, burst: i64, max_leases: i32) -> Self {
        let interval_micros = 3_600_000_000 / calls;
        Self { interval_micros, burst_micros: interval_micros * burst, max_leases }
    }

    /// How many calls may be made now, given the theoretical arrival time of the next.
    #[must_use]
    pub fn permits(&self, arrival_at: UtcTime, now: UtcTime) -> i64 {
        let spent = arrival_at.max(now).as_micros() - now.as_micros();
        ((self.burst_micros - spent) / self.interval_micros.max(1)).max(0)
    }

    /// The arrival time after `calls` calls; a negative number gives back what was not used.
    #[must_use]
    pub fn after(&self, arrival_at: UtcTime, calls: i64, now: UtcTime) -> UtcTime {
        UtcTime::from_micros(arrival_at.max(now).as_micros() + calls * self.interval_micros)
    }

    /// The arrival time that lets nothing pass before `until`, and then one call per interval: a tracker that has just
    /// said "enough" is not met with a burst.
    #[must_use]
    pub fn closed_until(&self, arrival_at: UtcTime, until: UtcTime) -> UtcTime {
        arrival_at.max(UtcTime::from_micros(until.as_micros() + self.burst_micros - self.interval_micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn at(micros: i64) -> UtcTime {
        UtcTime::from_micros(1_000_000_000_000 + micros)
    }

    #[test]
    fn lets_a_burst_pass_and_then_the_rate() {
        let rate = Rate::per_hour(60, 3, 1);
        assert_eq!(rate.permits(at(-5 * MINUTE), at(0)), 3, "the past is not saved up");
        let spent = rate.after(at(0), 3, at(0));
        for (minutes, expected) in [(0, 0), (1, 1), (2, 2), (3, 3), (60, 3)] {
            assert_eq!(rate.permits(spent, at(minutes * MINUTE)), expected, "after {minutes} minutes");
        }
        assert_eq!(rate.permits(rate.after(spent, -2, at(0)), at(0)), 2, "what was not used comes back");
    }

    #[test]
    fn a_closed_connection_opens_slowly() {
        let rate = Rate::per_hour(60, 3, 1);
        let closed = rate.closed_until(at(0), at(10 * MINUTE));
        for (micros, expected) in [(0, 0), (10 * MINUTE - 1, 0), (10 * MINUTE, 1), (11 * MINUTE, 2), (60 * MINUTE, 3)] {
            assert_eq!(rate.permits(closed, at(micros)), expected, "{micros}");
        }
        assert_eq!(rate.closed_until(at(99 * MINUTE), at(0)), at(99 * MINUTE), "a longer closure stays");
    }
}
