//! From a tracker's statuses to states of issues. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::Status;
use crate::base::error::Faults;
use crate::issues::status::IssueState;

/// The most lines of a mapping: no workflow has more statuses.
const MAX_LINES: usize = 200;
/// The longest name of a status.
pub const MAX_STATUS: usize = 255;

/// Several statuses may lead to one state. What is not named changes nothing, but for what the tracker counts as done:
/// that resolves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StateMapping(pub Vec<MappedStatus>);

/// One line of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MappedStatus {
    /// The name of the tracker's status, in any case. GitHub: `open`, `closed`. GitLab: `opened`, `closed`.
    #[schema(min_length = 1, max_length = 255, example = "In Review")]
    pub status: String,
    /// The state that an issue gets when its ticket gets that status.
    #[schema(inline)]
    pub state: IssueState,
}

impl StateMapping {
    /// The state that a status leads to, if it leads to any.
    #[must_use]
    pub fn state_of(&self, status: &Status) -> Option<IssueState> {
        let named = self.0.iter().find(|line| is_same(&line.status, &status.name)).map(|line| line.state);
        named.or(status.is_done.then_some(IssueState::Resolved))
    }

    /// Names what cannot be.
    pub fn check(&self, faults: &mut Faults) {
        faults.require(self.0.len() <= MAX_LINES, "/state_mapping", "must have at most 200 lines");
        let mut names = BTreeSet::new();
        for (at, line) in self.0.iter().enumerate() {
            let name = line.status.trim();
            let is_name = !name.is_empty() && name.chars().count() <= MAX_STATUS;
            let pointer = format!("/state_mapping/{at}/status");
            faults.require(is_name, &pointer, "must have 1 to 255 characters");
            faults.require(names.insert(name.to_lowercase()), &pointer, "is named twice");
        }
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RZ-11
    #[test]
    fn several_statuses_lead_to_one_state_and_unknown_ones_nowhere() {
        let line = |status: &str, state| MappedStatus { status: status.to_owned(), state };
        let mapping = StateMapping(vec![
            line("In Review", IssueState::InProgress),
            line("in progress", IssueState::InProgress),
            line("Won't Do", IssueState::Closed),
        ]);
        for (status, is_done, expected) in [
            ("In Progress", false, Some(IssueState::InProgress)),
            (" in review", false, Some(IssueState::InProgress)),
            ("Won't Do", true, Some(IssueState::Closed)),
            ("Released", true, Some(IssueState::Resolved)),
            ("Waiting", false, None),
        ] {
            let status = Status { name: status.to_owned(), is_done };
            assert_eq!(mapping.state_of(&status), expected, "{status:?}");
        }
    }
}
