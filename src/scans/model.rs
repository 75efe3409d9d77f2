//! Uploads, scans, their sources: rows and words.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::actor::ActorKind;
use crate::base::ids::{BranchId, EngagementId, OrganizationId, ProductId, ScanId, ScanSourceId, UploadId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::schema::{scan_sources, scans, uploads};
use crate::text_enum;

text_enum! {
    /// What became of an upload.
    UploadState {
        /// It is being imported.
        Running = "running",
        /// All of it is imported.
        Finished = "finished",
        /// Nothing of it is imported: its faults say why. It can be sent again.
        Failed = "failed",
    }
}

text_enum! {
    /// What a scan did to its source.
    ScanOutcome {
        /// It is the newest scan of its source.
        Imported = "imported",
        /// It is the newest scan of its source, and the same report as the one before.
        Unchanged = "unchanged",
        /// It is older than the newest scan of its source, and changed nothing.
        Outdated = "outdated",
    }
}

/// What was asked for with a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UploadSettings {
    /// The tool, where the report's own name is not wanted.
    pub tool: Option<String>,
    /// The format, where it is not to be recognised.
    pub format: Option<String>,
    /// The name of the scan source, where the report's own target is not wanted.
    pub name: Option<String>,
    /// The name of the file, where that tells scans apart too.
    pub file_name: Option<String>,
    /// The asset of findings that name none.
    pub asset: Option<String>,
    /// The commit that was scanned.
    pub commit: Option<String>,
    /// The environment that was scanned.
    pub environment: Option<String>,
    /// When the scan ran, where the report's own time is not wanted.
    pub scanned_at: Option<UtcTime>,
    /// From here to `scanned_at` the report's own time is wanted: what was said is a day.
    pub scanned_since: Option<UtcTime>,
    /// What is not reported is gone.
    pub resolve_missing: bool,
    /// What is reported again is open again.
    pub reopen: bool,
    /// Findings below it are left alone.
    pub minimum_severity: Severity,
    /// What is new is confirmed already.
    pub verified: bool,
    /// What is new, and of which the report says nothing else, waits in review until somebody looks at it.
    pub to_review: bool,
    /// What is active after a change is pushed to the tracker as if by hand, also where it would not be by itself.
    pub push: bool,
}

impl Default for UploadSettings {
    fn default() -> Self {
        Self {
            tool: None,
            format: None,
            name: None,
            file_name: None,
            asset: None,
            commit: None,
            environment: None,
            scanned_at: None,
            scanned_since: None,
            resolve_missing: true,
            reopen: true,
            minimum_severity: Severity::Unknown,
            verified: false,
            to_review: false,
            push: false,
        }
    }
}

/// One posted file.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = uploads, treat_none_as_default_value = false)]
pub struct Upload {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: UploadId,
    /// The product it is for.
    pub product_id: ProductId,
    /// What became of it.
    pub state: UploadState,
    /// The format, once recognised.
    pub format: Option<String>,
    /// [`UploadSettings`] as JSON.
    pub settings_json: String,
    /// Of the file and of what was asked for with it.
    pub report_hash: Option<Vec<u8>>,
    /// The size of the file, unpacked.
    pub size_bytes: i64,
    /// Why it failed: a JSON array of faults.
    pub faults_json: Option<String>,
    /// Who sent it.
    pub created_by_kind: ActorKind,
    /// Who sent it.
    pub created_by: Option<Vec<u8>>,
    /// When it came.
    pub created_at: UtcTime,
    /// When it was finished or failed.
    pub finished_at: Option<UtcTime>,
    /// While running: when its process is taken for dead.
    pub lease_until: Option<UtcTime>,
}

/// What makes two scans comparable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceKey {
    /// The product.
    pub product: ProductId,
    /// The branch, or the implicit row of "no branch".
    pub branch: BranchId,
    /// The engagement, if the scan belongs to one.
    pub engagement: Option<EngagementId>,
    /// The tool.
    pub tool: String,
    /// The name: by default the report's own target.
    pub name: String,
}

impl SourceKey {
    /// The engagement as part of a unique key, where NULL would not do.
    #[must_use]
    pub fn engagement_text(&self) -> String {
        self.engagement.map(|id| id.to_string()).unwrap_or_default()
    }
}

/// A scan source: its newest scan, and what the next one is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = scan_sources, treat_none_as_default_value = false)]
pub struct ScanSource {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: ScanSourceId,
    /// The product.
    pub product_id: ProductId,
    /// The branch.
    pub branch_id: BranchId,
    /// The engagement.
    pub engagement_id: Option<EngagementId>,
    /// The engagement's id as text, or empty.
    pub engagement_key: String,
    /// The tool.
    pub tool: String,
    /// The name.
    pub name: String,
    /// The newest scan.
    pub latest_scan_id: Option<ScanId>,
    /// When the newest scan ran: what is present was last seen then.
    pub latest_scan_at: Option<UtcTime>,
    /// The newest scan's own word about when it ran.
    pub latest_reported_at: Option<UtcTime>,
    /// The newest scan's report.
    pub latest_report_hash: Option<Vec<u8>>,
    /// Counts the scans that changed something.
    pub latest_sequence: i64,
    /// Since when the ticket closes of a mass disappearance wait.
    pub closes_held_at: Option<UtcTime>,
    /// Since when no scans are expected any more.
    pub retired_at: Option<UtcTime>,
    /// Grows with every change by people; the `ETag`.
    pub version: i64,
    /// When its first scan came.
    pub created_at: UtcTime,
}

/// One report of one tool, imported into its source.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = scans, treat_none_as_default_value = false)]
pub struct Scan {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: ScanId,
    /// The file it came in.
    pub upload_id: UploadId,
    /// Its source.
    pub source_id: ScanSourceId,
    /// Its product.
    pub product_id: ProductId,
    /// Its branch.
    pub branch_id: BranchId,
    /// The tool.
    pub tool: String,
    /// The tool's version.
    pub tool_version: Option<String>,
    /// The report's format.
    pub format: String,
    /// What it did.
    pub outcome: ScanOutcome,
    /// The commit that was scanned.
    pub commit_id: Option<String>,
    /// The environment that was scanned.
    pub environment: Option<String>,
    /// When it ran, by the report's own word.
    pub reported_at: Option<UtcTime>,
    /// When it ran: the earlier of its own word and its receipt.
    pub scanned_at: UtcTime,
    /// The report.
    pub report_hash: Vec<u8>,
    /// Counts.
    #[diesel(embed)]
    pub counts: ScanCounts,
    /// Warnings: a JSON array of texts with their places.
    pub warnings_json: String,
    /// When it was imported.
    pub created_at: UtcTime,
}

/// What a scan did to the observations of its source.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize, Deserialize, ToSchema,
)]
#[diesel(table_name = scans)]
pub struct ScanCounts {
    /// Never seen before.
    #[schema(example = 7)]
    pub observations_new: i64,
    /// Seen again, with other content.
    #[schema(example = 1)]
    pub observations_updated: i64,
    /// Seen again, as they were.
    #[schema(example = 120)]
    pub observations_unchanged: i64,
    /// Gone before, and found again.
    #[schema(example = 0)]
    pub observations_reopened: i64,
    /// Seen before, and not found.
    #[schema(example = 2)]
    pub observations_resolved: i64,
}

impl std::iter::Sum for ScanCounts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

impl std::ops::AddAssign for ScanCounts {
    fn add_assign(&mut self, other: Self) {
        self.observations_new += other.observations_new;
        self.observations_updated += other.observations_updated;
        self.observations_unchanged += other.observations_unchanged;
        self.observations_reopened += other.observations_reopened;
        self.observations_resolved += other.observations_resolved;
    }
}
