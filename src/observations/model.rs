//! The rows, and the pure rules over them.

use diesel::prelude::*;

use super::status::{self, ObservationStatus};
use super::ticket_state::TicketState;
use crate::base::actor::ActorKind;
use crate::base::ids::{
    AssetId, BranchId, ComponentId, HistoryId, NoteId, ObservationId, OrganizationId, ProductId, ScanSourceId,
    VulnerabilityId,
};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::schema::{
    observation_details, observation_history, observation_notes, observation_tombstones, observations, vulnerabilities,
};

/// One vulnerability at one place, as one scan source reports it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = observations, treat_none_as_default_value = false)]
pub struct Observation {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: ObservationId,
    /// The source that reports it.
    pub source_id: ScanSourceId,
    /// The product of the source.
    pub product_id: ProductId,
    /// The branch of the source.
    pub branch_id: BranchId,
    /// What it was found on.
    pub asset_id: AssetId,
    /// What was found.
    pub vulnerability_id: VulnerabilityId,
    /// In which component, where there is one.
    pub component_id: Option<ComponentId>,
    /// The identity within the source, as Patchbay computes it.
    pub fingerprint: Vec<u8>,
    /// The tool's own, where it has one. Either may match.
    pub tool_fingerprint: Option<Vec<u8>>,
    /// What holds now: [`status::current`].
    pub status: ObservationStatus,
    /// Derived from `status`.
    pub is_active: bool,
    /// The severity that holds now: the assessed one, else the tool's.
    pub severity: Severity,
    /// The tool's severity.
    pub scan_severity: Severity,
    /// What the report itself says about the state.
    pub scan_status: Option<ObservationStatus>,
    /// What a person or rule says about the state.
    pub assessed_status: Option<ObservationStatus>,
    /// What a person or rule says about the severity.
    pub assessed_severity: Option<Severity>,
    /// When the assessed status ends.
    pub assessment_expires_at: Option<UtcTime>,
    /// The original, of a duplicate.
    pub duplicate_of: Option<ObservationId>,
    /// Somebody has confirmed it.
    pub is_verified: bool,
    /// Where in the asset: a path, a URL, a port, a resource.
    pub location: String,
    /// The line there.
    pub line: Option<i32>,
    /// Of all that a scan writes: tells "updated" from "unchanged".
    pub content_hash: i64,
    /// When it was first reported.
    pub first_seen_at: UtcTime,
    /// None while the source's newest scan reports it; otherwise when it was last reported.
    pub last_seen_at: Option<UtcTime>,
    /// When `status` last changed.
    pub status_changed_at: UtcTime,
    /// Grows with every change; the `ETag`.
    pub version: i64,
    /// What its ticket is.
    pub ticket_state: Option<TicketState>,
}

impl Observation {
    /// Does the newest scan of its source report it?
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.last_seen_at.is_none()
    }

    /// The status that its presence, assessment and report make.
    #[must_use]
    pub fn computed_status(&self) -> ObservationStatus {
        status::current(self.is_present(), self.assessed_status, self.scan_status)
    }

    /// The severity that its assessment and tool make.
    #[must_use]
    pub fn computed_severity(&self) -> Severity {
        self.assessed_severity.unwrap_or(self.scan_severity)
    }
}

/// Wide text of an observation, only where it differs from the vulnerability's.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = observation_details, treat_none_as_default_value = false)]
pub struct ObservationDetails {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The observation.
    pub observation_id: ObservationId,
    /// Its own title.
    pub title: Option<String>,
    /// Its own message.
    pub description: Option<String>,
    /// The code at the place.
    pub snippet: Option<String>,
    /// The version in which it is fixed.
    pub fixed_version: Option<String>,
    /// Location parts, further facts and the report's reasons: a JSON object.
    pub evidence_json: Option<String>,
}

/// One change of one field of one observation.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = observation_history, treat_none_as_default_value = false)]
pub struct HistoryEntry {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The observation.
    pub observation_id: ObservationId,
    /// Its id, in the order of the changes.
    pub id: HistoryId,
    /// When.
    pub at: UtcTime,
    /// By what kind of actor.
    pub actor_kind: ActorKind,
    /// By whom.
    pub actor_id: Option<Vec<u8>>,
    /// What changed: `status`, `severity`, `verified`.
    pub field: String,
    /// Before.
    pub old_value: Option<String>,
    /// After.
    pub new_value: Option<String>,
    /// Why.
    pub comment: Option<String>,
}

/// A note that somebody left on an observation.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = observation_notes, treat_none_as_default_value = false)]
pub struct Note {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: NoteId,
    /// The observation.
    pub observation_id: ObservationId,
    /// What kind of actor wrote it.
    pub author_kind: ActorKind,
    /// Who wrote it.
    pub author_id: Option<Vec<u8>>,
    /// Markdown.
    pub body: String,
    /// Grows with every edit; the `ETag`.
    pub version: i64,
    /// When it was written.
    pub created_at: UtcTime,
    /// When it was last edited.
    pub edited_at: Option<UtcTime>,
}

/// What was deleted: its identity, so that a return finds the old ticket.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = observation_tombstones, treat_none_as_default_value = false)]
pub struct Tombstone {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The source that reported it.
    pub source_id: ScanSourceId,
    /// Its identity within the source.
    pub fingerprint: Vec<u8>,
    /// The tool's own.
    pub tool_fingerprint: Option<Vec<u8>>,
    /// The deleted observation, whose ticket is to be found.
    pub observation_id: ObservationId,
    /// When.
    pub deleted_at: UtcTime,
}

/// The unique finding: what is wrong, wherever it is.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = vulnerabilities, treat_none_as_default_value = false)]
pub struct Vulnerability {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: VulnerabilityId,
    /// Its identity within the organization: the CVE or GHSA id, or `tool:rule`.
    pub vulnerability_key: String,
    /// One line.
    pub title: String,
    /// As the first source said.
    pub severity: Severity,
    /// Markdown or plain text.
    pub description: String,
    /// What to do about it.
    pub remediation: Option<String>,
    /// The first CWE, to filter by.
    pub cwe: Option<i32>,
    /// All CWEs: a JSON array of numbers.
    pub cwes_json: String,
    /// CVSS v2 vector.
    pub cvss2: Option<String>,
    /// CVSS v3 vector.
    pub cvss3: Option<String>,
    /// CVSS v4 vector.
    pub cvss4: Option<String>,
    /// The highest base score given.
    pub cvss_score: Option<f64>,
    /// EPSS probability, 0.0 to 1.0.
    pub epss: Option<f64>,
    /// In a catalogue of known exploited vulnerabilities.
    pub is_known_exploited: bool,
    /// Links: a JSON array.
    pub references_json: String,
    /// Key, ids and title, lower-cased, to search in.
    pub search: String,
    /// Grows with every change; the `ETag`.
    pub version: i64,
    /// When it was first reported.
    pub created_at: UtcTime,
}
