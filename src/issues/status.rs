//! The state of an issue, and the one function that decides what the system does to it by itself.

use crate::text_enum;

text_enum! {
    /// How far the work on an issue is.
    IssueState {
        /// Nobody has begun.
        Open = "open",
        /// Somebody works on it, or it came back.
        InProgress = "in_progress",
        /// All of it is remediated, or somebody says so.
        Resolved = "resolved",
        /// Over: Patchbay leaves it alone.
        Closed = "closed",
    }
}

/// What happens to the instances of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueEvent {
    /// The last one that was not remediated is now.
    AllInstancesRemediated,
    /// One that was remediated is found again.
    InstanceFoundAgain,
    /// A scan that is newer than the state reports one that the state takes for remediated.
    InstanceStillReported,
}

impl IssueEvent {
    /// Every event.
    pub const ALL: [Self; 3] = [Self::AllInstancesRemediated, Self::InstanceFoundAgain, Self::InstanceStillReported];
}

impl IssueState {
    /// The state after an event, or `None` where it changes nothing. People and trackers may set any state; these are
    /// the only moves that Patchbay makes by itself.
    #[must_use]
    pub const fn after(self, event: IssueEvent) -> Option<Self> {
        match (self, event) {
            (Self::Open | Self::InProgress, IssueEvent::AllInstancesRemediated) => Some(Self::Resolved),
            (Self::Resolved, IssueEvent::InstanceFoundAgain | IssueEvent::InstanceStillReported) => {
                Some(Self::InProgress)
            }
            (Self::Open | Self::InProgress, IssueEvent::InstanceFoundAgain | IssueEvent::InstanceStillReported)
            | (Self::Resolved, IssueEvent::AllInstancesRemediated)
            | (Self::Closed, _) => None,
        }
    }

    /// Is somebody to do something about it?
    #[must_use]
    pub const fn is_unsettled(self) -> bool {
        match self {
            Self::Open | Self::InProgress => true,
            Self::Resolved | Self::Closed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::IssueEvent::{AllInstancesRemediated, InstanceFoundAgain, InstanceStillReported};
    use super::IssueState::{Closed, InProgress, Open, Resolved};
    use super::*;

    /// RZ-7, RZ-8, RZ-9
    #[test]
    fn the_system_moves_an_issue_in_two_ways_only() {
        let moves = [
            (Open, AllInstancesRemediated, Some(Resolved)),
            (Open, InstanceFoundAgain, None),
            (Open, InstanceStillReported, None),
            (InProgress, AllInstancesRemediated, Some(Resolved)),
            (InProgress, InstanceFoundAgain, None),
            (InProgress, InstanceStillReported, None),
            (Resolved, AllInstancesRemediated, None),
            (Resolved, InstanceFoundAgain, Some(InProgress)),
            (Resolved, InstanceStillReported, Some(InProgress)),
            (Closed, AllInstancesRemediated, None),
            (Closed, InstanceFoundAgain, None),
            (Closed, InstanceStillReported, None),
        ];
        assert_eq!(moves.len(), IssueState::ALL.len() * IssueEvent::ALL.len());
        for (from, event, expected) in moves {
            assert_eq!(from.after(event), expected, "{from} after {event:?}");
        }
    }
}
