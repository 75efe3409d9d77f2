//! What can be asked of the list of observations, and in which order.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::status::ObservationStatus;
use super::ticket_state::TicketState;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{AssetId, BranchId, EngagementId, ObservationId, ProductId, ScanSourceId, VulnerabilityId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;

/// The most values of one list in a filter.
const MAX_VALUES: usize = 200;
/// The longest text of a filter.
const MAX_TEXT_CHARS: usize = 300;
/// The text index knows sequences of three characters.
const SHORTEST_WORD: usize = 3;

/// Which observations. Several values of one field are alternatives; all fields given must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
#[schema(as = ObservationFilter)]
pub struct Filter {
    /// With this status.
    #[param(max_items = 200)]
    pub status: Vec<ObservationStatus>,
    /// Active ones (`open`, `affected`, `in_review`), or the others.
    pub active: Option<bool>,
    /// With this severity.
    #[param(max_items = 200)]
    pub severity: Vec<Severity>,
    /// Of this product.
    #[param(max_items = 200)]
    pub product: Vec<ProductId>,
    /// Of this branch.
    #[param(max_items = 200)]
    pub branch: Vec<BranchId>,
    /// Of scans of this engagement.
    #[param(max_items = 200)]
    pub engagement: Vec<EngagementId>,
    /// On this asset.
    #[param(max_items = 200)]
    pub asset: Vec<AssetId>,
    /// Reported by this scan source.
    #[param(max_items = 200)]
    pub source: Vec<ScanSourceId>,
    /// Reported by this tool: its name as reported, letter case included.
    #[param(max_items = 200, example = json!(["Trivy"]))]
    pub tool: Vec<String>,
    /// Of the vulnerability with this id: any of its names (CVE, GHSA, …), or Patchbay's id of it.
    #[param(max_items = 200, example = json!(["CVE-2021-44228"]))]
    pub vulnerability: Vec<String>,
    /// Of a vulnerability with one of these CWEs.
    #[param(max_items = 200, example = json!([79]))]
    pub cwe: Vec<i32>,
    /// In this component: its exact name, or Patchbay's id of it.
    #[param(max_items = 200, example = json!(["log4j-core"]))]
    pub component: Vec<String>,
    /// In a place that begins like this. Needs `product`, `branch`, `source` or `asset`.
    #[param(max_length = 300, example = "src/main/")]
    #[schema(example = "src/")]
    pub location: Option<String>,
    /// Whose vulnerability's title or ids hold these words, letter case ignored. At least one word has three
    /// characters.
    #[param(max_length = 300, example = "remote code execution")]
    #[schema(example = "openssl")]
    pub q: Option<String>,
    /// First seen at this time or later.
    pub first_seen_from: Option<UtcTime>,
    /// First seen before this time.
    pub first_seen_before: Option<UtcTime>,
    /// Last seen at this time or later.
    pub last_seen_from: Option<UtcTime>,
    /// Last seen before this time.
    pub last_seen_before: Option<UtcTime>,
    /// With a ticket in this state, or without one.
    #[param(max_items = 200)]
    pub ticket_state: Vec<TicketFilter>,
    /// Confirmed by somebody, or not.
    pub verified: Option<bool>,
    /// Duplicates of this observation.
    #[param(max_items = 200)]
    pub duplicate_of: Vec<ObservationId>,
}

/// A state of the ticket, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketFilter {
    /// Without a ticket.
    None,
    /// With a ticket that is being created.
    Pending,
    /// With an open ticket.
    Open,
    /// With a closed ticket.
    Closed,
    /// With a ticket whose last push failed for good.
    Failed,
}

impl TicketFilter {
    /// The state; none where there is no ticket.
    #[must_use]
    pub const fn state(self) -> Option<TicketState> {
        match self {
            Self::None => None,
            Self::Pending => Some(TicketState::Pending),
            Self::Open => Some(TicketState::Open),
            Self::Closed => Some(TicketState::Closed),
            Self::Failed => Some(TicketState::Failed),
        }
    }
}

impl Filter {
    /// Refuses what cannot be answered.
    ///
    /// # Errors
    /// `Invalid`, with pointers that begin with `prefix`.
    pub fn check(&self, prefix: &str) -> Result<(), ApiError> {
        let mut faults = Faults::default();
        for (name, values) in self.list_lengths() {
            faults.require(values <= MAX_VALUES, &format!("{prefix}{name}"), "may have at most 200 values");
        }
        for (name, text) in [("q", &self.q), ("location", &self.location)] {
            let fits = text.as_ref().is_none_or(|text| text.chars().count() <= MAX_TEXT_CHARS);
            faults.require(fits, &format!("{prefix}{name}"), "may have at most 300 characters");
        }
        let searchable = self.q.is_none() || self.words().iter().any(|word| word.chars().count() >= SHORTEST_WORD);
        faults.require(searchable, &format!("{prefix}q"), "needs a word of at least three characters");
        let placed = self.location.is_none() || self.is_placed();
        faults.require(placed, &format!("{prefix}location"), "needs product, branch, source or asset beside it");
        faults.finish()
    }

    fn list_lengths(&self) -> [(&'static str, usize); 13] {
        [
            ("status", self.status.len()),
            ("severity", self.severity.len()),
            ("product", self.product.len()),
            ("branch", self.branch.len()),
            ("engagement", self.engagement.len()),
            ("asset", self.asset.len()),
            ("source", self.source.len()),
            ("tool", self.tool.len()),
            ("vulnerability", self.vulnerability.len()),
            ("cwe", self.cwe.len()),
            ("component", self.component.len()),
            ("ticket_state", self.ticket_state.len()),
            ("duplicate_of", self.duplicate_of.len()),
        ]
    }

    const fn is_placed(&self) -> bool {
        !(self.product.is_empty() && self.branch.is_empty() && self.source.is_empty() && self.asset.is_empty())
    }

    /// The words of `q`, lower-cased.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        words(self.q.as_deref().unwrap_or(""))
    }

    /// Can it be answered from `observation_counts` alone?
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let counted = Self {
            status: self.status.clone(),
            active: self.active,
            severity: self.severity.clone(),
            product: self.product.clone(),
            branch: self.branch.clone(),
            engagement: self.engagement.clone(),
            source: self.source.clone(),
            tool: self.tool.clone(),
            ..Self::default()
        };
        *self == counted
    }

    /// Does it ask for what the scan sources know?
    #[must_use]
    pub const fn names_sources(&self) -> bool {
        !(self.branch.is_empty() && self.engagement.is_empty() && self.source.is_empty() && self.tool.is_empty())
    }

    /// The statuses that may be found.
    #[must_use]
    pub fn statuses(&self) -> Vec<ObservationStatus> {
        let asked = |status: &ObservationStatus| self.status.is_empty() || self.status.contains(status);
        let active = |status: &ObservationStatus| self.active.is_none_or(|active| active == status.is_active());
        ObservationStatus::ALL.iter().copied().filter(|status| asked(status) && active(status)).collect()
    }
}

/// The words of a text, lower-cased, as the search columns are.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split_whitespace().map(str::to_owned).collect()
}

/// The order of the list. Each ends in the id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ObservationSort)]
pub enum Sort {
    /// The most severe first.
    #[default]
    #[serde(rename = "-severity")]
    SeverityDown,
    /// The least severe first.
    #[serde(rename = "severity")]
    Severity,
    /// The newest first.
    #[serde(rename = "-created")]
    CreatedDown,
    /// The oldest first.
    #[serde(rename = "created")]
    Created,
    /// The most recently seen first.
    #[serde(rename = "-last_seen_at")]
    LastSeenDown,
    /// The longest gone first.
    #[serde(rename = "last_seen_at")]
    LastSeen,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortField {
    /// Severity, then id.
    Severity,
    /// Id, which is the order of creation.
    Created,
    /// Last seen, then what [`Key::LastSeen`] says.
    LastSeen,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 6] =
        [Self::SeverityDown, Self::Severity, Self::CreatedDown, Self::Created, Self::LastSeenDown, Self::LastSeen];

    /// By what.
    #[must_use]
    pub const fn field(self) -> SortField {
        match self {
            Self::SeverityDown | Self::Severity => SortField::Severity,
            Self::CreatedDown | Self::Created => SortField::Created,
            Self::LastSeenDown | Self::LastSeen => SortField::LastSeen,
        }
    }

    /// Highest first?
    #[must_use]
    pub const fn is_down(self) -> bool {
        matches!(self, Self::SeverityDown | Self::CreatedDown | Self::LastSeenDown)
    }

    /// The comparison that comes after a key, and the word of the order.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        if self.is_down() { ("<", "DESC") } else { (">", "ASC") }
    }
}

/// The sort key of a row: what a cursor holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Key {
    /// Severity, then id.
    Severity(Severity, ObservationId),
    /// Id.
    Created(ObservationId),
    /// Last seen; what is still present counts as later than what is gone, by source and severity; then id.
    LastSeen(UtcTime, Option<(ScanSourceId, Severity)>, ObservationId),
}

impl Key {
    /// The row's id.
    #[must_use]
    pub const fn id(&self) -> ObservationId {
        match self {
            Self::Severity(_, id) | Self::Created(id) | Self::LastSeen(_, _, id) => *id,
        }
    }
}

/// Patchbay's ids among names.
pub(super) fn ids_among(names: &[String]) -> Vec<VulnerabilityId> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_it_cannot_answer() {
        let refused = |filter: Filter| match filter.check("") {
            Err(ApiError::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
            _ => Vec::new(),
        };
        let text = |text: &str| Filter { q: Some(text.into()), ..Filter::default() };
        assert_eq!(refused(Filter::default()), Vec::<String>::new());
        assert_eq!(refused(text("log4j in a b")), Vec::<String>::new());
        assert_eq!(refused(text("a b")), ["q"]);
        assert_eq!(refused(text(&"x".repeat(301))), ["q"]);
        assert_eq!(refused(Filter { location: Some("src/".into()), ..Filter::default() }), ["location"]);
        assert_eq!(refused(Filter { cwe: vec![1; 201], ..Filter::default() }), ["cwe"]);
    }

    #[test]
    fn status_and_active_narrow_each_other() {
        use ObservationStatus::{Affected, FalsePositive, InReview, Open};
        let filter = |status: &[_], active| Filter { status: status.to_vec(), active, ..Filter::default() };
        assert_eq!(filter(&[], Some(true)).statuses(), [Open, Affected, InReview]);
        assert_eq!(filter(&[Open, FalsePositive], Some(false)).statuses(), [FalsePositive]);
        assert!(filter(&[Open], Some(false)).statuses().is_empty());
    }

    #[test]
    fn what_is_present_was_seen_later_than_what_is_gone() {
        let (at, id) = (UtcTime::from_micros(5), ObservationId::generate());
        let present = Key::LastSeen(at, Some((ScanSourceId::generate(), Severity::Low)), id);
        assert!(present > Key::LastSeen(at, None, id));
        assert!(present < Key::LastSeen(UtcTime::from_micros(6), None, id));
    }
}
