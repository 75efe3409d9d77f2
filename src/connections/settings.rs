//! What can be set of a connection, and which rates the trackers take.

use serde::{Deserialize, Serialize};

use crate::base::error::Faults;
use crate::base::tracker_kind::TrackerKind;
use crate::outbox::rate::Rate;

/// The label that every ticket of a connection carries unless another is set.
pub const DEFAULT_LABEL: &str = "patchbay";
/// The most writing calls a minute that can be set.
pub const MAX_CALLS_PER_MINUTE: u32 = 6_000;

/// The less used settings of a connection, stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The label on every ticket, by which the tickets are listed.
    pub ticket_label: String,
    /// Writing calls a minute, where the tracker's own limits are other than usual.
    pub calls_per_minute: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ticket_label: DEFAULT_LABEL.to_owned(), calls_per_minute: None }
    }
}

impl Settings {
    /// Names what cannot be.
    pub fn check(&self, faults: &mut Faults) {
        let label = &self.ticket_label;
        let is_word = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
        faults.require(
            !label.is_empty() && label.chars().count() <= 50 && label.chars().all(is_word),
            "/ticket_label",
            "must be 1 to 50 letters, digits or one of - _ . :",
        );
        faults.require(
            self.calls_per_minute.is_none_or(|calls| (1..=MAX_CALLS_PER_MINUTE).contains(&calls)),
            "/calls_per_minute",
            "must be between 1 and 6000",
        );
    }

    /// How much a connection of this kind takes.
    #[must_use]
    pub fn rate(&self, kind: TrackerKind) -> Rate {
        let usual = usual_rate(kind);
        match self.calls_per_minute {
            None => usual,
            Some(calls) => Rate::per_hour(i64::from(calls) * 60, i64::from(calls).clamp(1, 50), usual.max_leases),
        }
    }
}

/// What the trackers say that they take of calls that write, with some room for people who use the same account.
///
/// GitHub: 80 a minute and 500 an hour that create content, one after the other. GitLab.com: 60 notes a minute. Jira
/// Cloud: ten a second. Data Center: as its operator says, usually more.
const fn usual_rate(kind: TrackerKind) -> Rate {
    match kind {
        TrackerKind::GitHub => Rate::per_hour(440, 50, 2),
        TrackerKind::GitLab => Rate::per_hour(3_000, 30, 4),
        TrackerKind::JiraCloud => Rate::per_hour(18_000, 50, 4),
        TrackerKind::JiraDataCenter => Rate::per_hour(36_000, 50, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::UtcTime;

    /// Whatever the moment the hour begins at, the burst and the refill together stay below 500.
    #[test]
    fn github_never_gets_more_than_500_calls_in_an_hour() {
        let rate = Settings::default().rate(TrackerKind::GitHub);
        let start = UtcTime::from_micros(1_000_000_000_000_000);
        let (mut arrival, mut calls) = (start, 0);
        for second in 0..3_600 {
            let now = start.plus(std::time::Duration::from_secs(second));
            let permits = rate.permits(arrival, now);
            arrival = rate.after(arrival, permits, now);
            calls += permits;
        }
        assert!((440..500).contains(&calls), "{calls}");
    }
}
