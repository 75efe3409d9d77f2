//! How long to wait after a failure that may pass.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The wait after the given number of attempts (1 for the first): doubling from 5 seconds to 15 minutes, stretched by up
/// to a half. `chance` (0.0 to 1.0) is the jitter, so that jobs which failed together do not return together.
///
/// There is no last attempt: a tracker that is down for a day loses nothing.
#[must_use]
pub fn delay(attempts: i32, chance: f64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
    let wait = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    wait.mul_f64(1.0 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
        for (attempts, chance, seconds) in [
            (1, 0.0, 5.0),
            (2, 0.0, 10.0),
            (4, 0.0, 40.0),
            (4, 1.0, 60.0),
            (9, 0.0, 900.0),
            (9, 0.5, 1125.0),
            (i32::MAX, 1.0, 1350.0),
            (0, 0.0, 5.0),
        ] {
            assert_eq!(delay(attempts, chance), Duration::from_secs_f64(seconds), "{attempts} {chance}");
        }
    }
}
