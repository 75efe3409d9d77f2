//! Decisions and what became of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::error::Faults;
use crate::base::ids::ObservationId;
use crate::base::patch::Patch;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::observations::filter::Filter;
use crate::observations::status::ObservationStatus;

/// The longest comment.
pub const MAX_COMMENT_CHARS: usize = 10_000;
/// The most observations that one call names.
pub const MAX_IDS: usize = 10_000;
/// The most observations that one call assesses by a filter.
pub const MAX_FILTERED: i64 = 100_000;

/// What somebody says about observations. Absent fields stay; null takes back what was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Assessment, example = json!({"assessed_status": "false_positive", "comment": "Test code only, it is not shipped."}))]
pub struct Decision {
    /// The status; null leaves it to the scans again.
    #[serde(default)]
    #[schema(value_type = Option<ObservationStatus>, example = "false_positive")]
    pub assessed_status: Patch<Option<ObservationStatus>>,
    /// The severity; null leaves it to the tool again.
    #[serde(default)]
    #[schema(value_type = Option<Severity>)]
    pub assessed_severity: Patch<Option<Severity>>,
    /// When an accepted risk stops being accepted; null for never. Only with the status `risk_accepted`.
    #[serde(default)]
    #[schema(value_type = Option<UtcTime>)]
    pub assessment_expires_at: Patch<Option<UtcTime>>,
    /// The original, of the same product. Only with the status `duplicate`, and needed for it.
    #[serde(default)]
    #[schema(value_type = Option<ObservationId>)]
    pub duplicate_of: Patch<Option<ObservationId>>,
    /// Somebody has confirmed it.
    #[serde(default)]
    #[schema(value_type = bool)]
    pub is_verified: Patch<bool>,
    /// Why: it goes to the history, and with the change to the ticket.
    #[schema(max_length = 10000, example = "Test code only, it is not shipped.")]
    pub comment: Option<String>,
}

impl Decision {
    /// Does it say anything?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Self { comment: None, ..self.clone() } == Self::default()
    }

    /// Adds what is wrong with it, whatever it is about; pointers begin with `prefix`.
    pub fn check(&self, prefix: &str, now: UtcTime, faults: &mut Faults) {
        let comment = self.comment.as_deref().unwrap_or("");
        let fits = comment.chars().count() <= MAX_COMMENT_CHARS;
        faults.require(fits, &format!("{prefix}/comment"), "may have at most 10,000 characters");
        if let Patch::Set(Some(at)) = self.assessment_expires_at {
            faults.require(at > now, &format!("{prefix}/assessment_expires_at"), "must be in the future");
        }
        let is_duplicate = self.assessed_status == Patch::Set(Some(ObservationStatus::Duplicate));
        let has_original = matches!(self.duplicate_of, Patch::Set(Some(_)));
        if is_duplicate && self.duplicate_of == Patch::Set(None) {
            faults.add(format!("{prefix}/duplicate_of"), "a duplicate names its original");
        }
        if let (true, Patch::Set(status)) = (has_original, self.assessed_status)
            && status != Some(ObservationStatus::Duplicate)
        {
            faults.add(format!("{prefix}/duplicate_of"), "only with the status `duplicate`");
        }
    }
}

/// Which observations a decision is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// These.
    Ids(Vec<ObservationId>),
    /// All that match.
    Filter(Box<Filter>),
}

/// What became of one observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It changed.
    Changed,
    /// It was like this before.
    Unchanged,
    /// The decision does not fit it: `detail` says why.
    Refused,
    /// There is none with this id that the caller may see.
    NotFound,
}

/// What became of one observation, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AssessmentResult)]
pub struct ItemResult {
    /// The observation.
    pub id: ObservationId,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "the issue is closed")]
    pub detail: Option<String>,
}

/// What became of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AssessmentSummary)]
pub struct Summary {
    /// How many changed.
    #[schema(value_type = i64, example = 3)]
    pub changed: usize,
    /// How many were like this before.
    #[schema(value_type = i64, example = 1)]
    pub unchanged: usize,
    /// How many the decision does not fit.
    #[schema(value_type = i64, example = 0)]
    pub refused: usize,
    /// How many there are not.
    #[schema(value_type = i64, example = 0)]
    pub not_found: usize,
    /// One by one, in the order asked for. For a filter, only those that were refused.
    pub results: Vec<ItemResult>,
}

impl Summary {
    /// Counts one.
    pub fn add(&mut self, result: ItemResult) {
        match result.outcome {
            Outcome::Changed => self.changed += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::NotFound => self.not_found += 1,
        }
        self.results.push(result);
    }
}
