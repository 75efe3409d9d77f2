//! Should this observation have an open ticket, and why: condition by condition, without database or clock.
//!
//! The import uses it to write wishes only for what passes, the worker to decide, and people to have it explained.

use serde::Serialize;
use utoipa::ToSchema;

use super::model::TrackerConfig;
use crate::base::severity::Severity;
use crate::observations::status::ObservationStatus;
use crate::text_enum;

/// What decides about the ticket of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What holds now.
    pub status: ObservationStatus,
    /// How bad it is.
    pub severity: Severity,
    /// It is on the default branch, or on none.
    pub on_pushed_branch: bool,
    /// Somebody has confirmed it.
    pub is_verified: bool,
    /// It vanished together with most of its source, which a second scan or a person must confirm first.
    pub close_is_held: bool,
    /// Its ticket was unlinked by hand.
    pub is_suppressed: bool,
    /// An issue that it is in has an open ticket, which stands for it.
    pub is_superseded: bool,
    /// It is, or its ticket was, pushed by hand.
    pub by_hand: bool,
}

text_enum! {
    /// A condition of having an open ticket.
    ConditionName {
        /// The observation is open, affected or in review.
        Active = "active",
        /// It is on the default branch of its product, or on none.
        Branch = "branch",
        /// It is at least as severe as the config asks for, or was pushed by hand.
        MinimumSeverity = "minimum_severity",
        /// No issue that it is in has an open ticket, which would stand for it.
        NotSuperseded = "not_superseded",
        /// It is verified where the config asks for that, or was pushed by hand.
        Verified = "verified",
        /// The config pushes by itself, or it was pushed by hand.
        PushAll = "push_all",
        /// Its ticket was not unlinked by hand, or it was pushed by hand since.
        NotUnlinked = "not_unlinked",
    }
}

/// What a condition decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decides {
    /// Whether a ticket is made, and whether the one that exists is open.
    OpenTicket,
    /// Only whether a ticket is made.
    NewTicket,
}

/// A condition and whether it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Condition {
    /// Which.
    pub condition: ConditionName,
    /// What it decides.
    pub decides: Decides,
    /// Whether it holds.
    pub holds: bool,
    /// Why, in words.
    #[schema(example = "severity medium is below the minimum high")]
    pub detail: String,
}

impl ConditionName {
    /// What it decides.
    #[must_use]
    pub const fn decides(self) -> Decides {
        match self {
            Self::Active | Self::Branch | Self::MinimumSeverity | Self::NotSuperseded => Decides::OpenTicket,
            Self::Verified | Self::PushAll | Self::NotUnlinked => Decides::NewTicket,
        }
    }

    fn holds(self, config: &TrackerConfig, facts: &Facts) -> bool {
        match self {
            Self::Active => facts.status.is_active(),
            Self::Branch => facts.on_pushed_branch,
            Self::MinimumSeverity => facts.by_hand || facts.severity >= config.minimum_severity,
            Self::NotSuperseded => !facts.is_superseded,
            Self::Verified => facts.by_hand || !config.require_verified || facts.is_verified,
            Self::PushAll => facts.by_hand || config.push_all,
            Self::NotUnlinked => facts.by_hand || !facts.is_suppressed,
        }
    }

    fn detail(self, config: &TrackerConfig, facts: &Facts, holds: bool) -> String {
        let by_hand = if facts.by_hand { "; it was pushed by hand" } else { "" };
        match (self, holds) {
            (Self::Active, true) => format!("the status is {}", facts.status),
            (Self::Active, false) if facts.close_is_held => {
                "most of its source vanished at once; a second scan or a person must confirm that".to_owned()
            }
            (Self::Active, false) => format!("the status {} needs no open ticket", facts.status),
            (Self::Branch, true) => "it is on the default branch or on none".to_owned(),
            (Self::Branch, false) => "it is on another branch than the default branch of its product".to_owned(),
            (Self::MinimumSeverity, true) => {
                format!("severity {}, minimum {}{by_hand}", facts.severity, config.minimum_severity)
            }
            (Self::MinimumSeverity, false) => {
                format!("severity {} is below the minimum {}", facts.severity, config.minimum_severity)
            }
            (Self::NotSuperseded, true) => "no issue that it is in has an open ticket".to_owned(),
            (Self::NotSuperseded, false) => "the ticket of an issue that it is in stands for it".to_owned(),
            (Self::Verified, true) => format!("it is verified, or need not be{by_hand}"),
            (Self::Verified, false) => "the config asks for verified observations, and this one is not".to_owned(),
            (Self::PushAll, true) => format!("the config makes tickets by itself{by_hand}"),
            (Self::PushAll, false) => "the config makes tickets only when they are pushed by hand".to_owned(),
            (Self::NotUnlinked, true) => format!("nobody has unlinked its ticket{by_hand}"),
            (Self::NotUnlinked, false) => "its ticket was unlinked by hand; push it to make another".to_owned(),
        }
    }
}

/// Should a ticket be made?
#[must_use]
pub fn deserves_new(config: &TrackerConfig, facts: &Facts) -> bool {
    ConditionName::ALL.iter().all(|condition| condition.holds(config, facts))
}

/// Should the ticket that exists be open?
#[must_use]
pub fn deserves_open(config: &TrackerConfig, facts: &Facts) -> bool {
    let decides = |condition: &&ConditionName| condition.decides() == Decides::OpenTicket;
    ConditionName::ALL.iter().filter(decides).all(|condition| condition.holds(config, facts))
}

/// Every condition, whether it holds, and why.
#[must_use]
pub fn explain(config: &TrackerConfig, facts: &Facts) -> Vec<Condition> {
    let judge = |condition: &ConditionName| {
        let holds = condition.holds(config, facts);
        let detail = condition.detail(config, facts, holds);
        Condition { condition: *condition, decides: condition.decides(), holds, detail }
    };
    ConditionName::ALL.iter().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{ConnectionId, OrganizationId, ProductId, TrackerConfigId};
    use crate::base::time::UtcTime;

    fn config() -> TrackerConfig {
        TrackerConfig {
            organization_id: OrganizationId::generate(),
            id: TrackerConfigId::generate(),
            product_id: ProductId::generate(),
            connection_id: ConnectionId::generate(),
            is_active: true,
            is_dry_run: false,
            auto_sync: true,
            push_all: true,
            require_verified: false,
            project_key: "acme/app".to_owned(),
            minimum_severity: Severity::Medium,
            settings_json: "{}".to_owned(),
            version: 1,
            created_at: UtcTime::from_micros(0),
            updated_at: UtcTime::from_micros(0),
        }
    }

    fn facts() -> Facts {
        Facts {
            status: ObservationStatus::Open,
            severity: Severity::High,
            on_pushed_branch: true,
            is_verified: false,
            close_is_held: false,
            is_suppressed: false,
            is_superseded: false,
            by_hand: false,
        }
    }

    /// SO-2, SO-4, SO-5, SO-11
    #[test]
    fn a_ticket_is_made_and_open_when_every_condition_holds() {
        let verified_only = TrackerConfig { require_verified: true, ..config() };
        let by_hand_only = TrackerConfig { push_all: false, ..config() };
        for (config, facts, new, open) in [
            (config(), facts(), true, true),
            (config(), Facts { status: ObservationStatus::InReview, ..facts() }, true, true),
            (config(), Facts { status: ObservationStatus::Resolved, ..facts() }, false, false),
            (config(), Facts { status: ObservationStatus::RiskAccepted, ..facts() }, false, false),
            (config(), Facts { on_pushed_branch: false, ..facts() }, false, false),
            (config(), Facts { on_pushed_branch: false, by_hand: true, ..facts() }, false, false),
            (config(), Facts { severity: Severity::Medium, ..facts() }, true, true),
            (config(), Facts { severity: Severity::Low, ..facts() }, false, false),
            (config(), Facts { severity: Severity::Low, by_hand: true, ..facts() }, true, true),
            (config(), Facts { is_superseded: true, by_hand: true, ..facts() }, false, false),
            (config(), Facts { is_suppressed: true, ..facts() }, false, true),
            (config(), Facts { is_suppressed: true, by_hand: true, ..facts() }, true, true),
            (verified_only.clone(), facts(), false, true),
            (verified_only.clone(), Facts { is_verified: true, ..facts() }, true, true),
            (verified_only, Facts { by_hand: true, ..facts() }, true, true),
            (by_hand_only.clone(), facts(), false, true),
            (by_hand_only, Facts { by_hand: true, ..facts() }, true, true),
        ] {
            assert_eq!(deserves_new(&config, &facts), new, "new: {facts:?}");
            assert_eq!(deserves_open(&config, &facts), open, "open: {facts:?}");
        }
    }

    /// PB-1
    #[test]
    fn every_condition_is_explained_and_the_explanation_agrees_with_the_decision() {
        let low = Facts { severity: Severity::Low, ..facts() };
        let conditions = explain(&config(), &low);
        assert_eq!(conditions.len(), ConditionName::ALL.len());
        let failed: Vec<_> = conditions.iter().filter(|condition| !condition.holds).collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].condition, ConditionName::MinimumSeverity);
        assert_eq!(failed[0].detail, "severity low is below the minimum medium");
    }
}
