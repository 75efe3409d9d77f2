//! The rows, and the words around them.

use std::fmt;
use std::str::FromStr;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::SmallInt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::standing::Standing;
use super::status::IssueState;
use crate::base::actor::ActorKind;
use crate::base::ids::{AssetId, BranchId, InstanceId, IssueId, OrganizationId, ProductId, VulnerabilityId};
use crate::base::patch::Patch;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::schema::{instance_snapshots, issue_instances, issue_products, issues, vulnerability_snapshots};
use crate::observations::ticket_state::TicketState;
use crate::text_enum;

/// The most instances that one call adds.
pub const MAX_INSTANCES: usize = 100_000;

/// How bad an issue is. Stored as the rank of the severity of the same name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = SmallInt)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing to fear.
    None = 1,
    /// Low.
    Low = 2,
    /// Medium.
    Medium = 3,
    /// High.
    High = 4,
    /// Critical.
    Critical = 5,
}

impl Risk {
    /// Every risk, lowest first.
    pub const ALL: [Self; 5] = [Self::None, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The stored rank.
    #[must_use]
    pub const fn rank(self) -> i16 {
        self as i16
    }

    /// The word of this risk.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl From<Severity> for Risk {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Unknown | Severity::None => Self::None,
            Severity::Low => Self::Low,
            Severity::Medium => Self::Medium,
            Severity::High => Self::High,
            Severity::Critical => Self::Critical,
        }
    }
}

impl From<Risk> for Severity {
    fn from(risk: Risk) -> Self {
        match risk {
            Risk::None => Self::None,
            Risk::Low => Self::Low,
            Risk::Medium => Self::Medium,
            Risk::High => Self::High,
            Risk::Critical => Self::Critical,
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Risk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|risk| risk.as_str() == text);
        known.ok_or_else(|| "expected one of none, low, medium, high, critical".to_owned())
    }
}

impl<DB: Backend> ToSql<SmallInt, DB> for Risk
where
    i16: ToSql<SmallInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        match self {
            Self::None => 1i16.to_sql(out),
            Self::Low => 2i16.to_sql(out),
            Self::Medium => 3i16.to_sql(out),
            Self::High => 4i16.to_sql(out),
            Self::Critical => 5i16.to_sql(out),
        }
    }
}

impl<DB: Backend> FromSql<SmallInt, DB> for Risk
where
    i16: FromSql<SmallInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let rank = i16::from_sql(bytes)?;
        let known = Self::ALL.into_iter().find(|risk| risk.rank() == rank);
        known.ok_or_else(|| format!("unknown risk {rank}").into())
    }
}

text_enum! {
    /// What somebody who works on an issue is.
    AssigneeKind {
        /// A member of the organization.
        User = "user",
        /// A team of the organization.
        Team = "team",
    }
}

/// Who is to work on an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignee {
    /// A user or a team.
    pub kind: AssigneeKind,
    /// Which one.
    pub id: Uuid,
}

impl fmt::Display for Assignee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// What teams remediate.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = issues, treat_none_as_default_value = false)]
pub struct Issue {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: IssueId,
    /// The one product of all its instances; none when they are of several.
    pub product_id: Option<ProductId>,
    /// One line.
    pub name: String,
    /// The name, lower-cased, to search in.
    pub search: String,
    /// Markdown.
    pub description: String,
    /// Markdown: what to do about it.
    pub remediation: String,
    /// How bad it is.
    pub risk: Risk,
    /// How far the work is.
    pub state: IssueState,
    /// Since when.
    pub state_changed_at: UtcTime,
    /// By when it is to be done.
    pub due_at: Option<UtcTime>,
    /// The due date that people were told has passed.
    pub overdue_told_for: Option<UtcTime>,
    /// What is to work on it.
    pub assignee_kind: Option<AssigneeKind>,
    /// Who is to work on it.
    pub assignee_id: Option<Vec<u8>>,
    /// The issue that has its instances now.
    pub merged_into: Option<IssueId>,
    /// How many instances of what kind it has.
    #[diesel(embed)]
    pub counts: Counts,
    /// What its ticket is.
    pub ticket_state: Option<TicketState>,
    /// What kind of actor made it.
    pub created_by_kind: ActorKind,
    /// Who made it.
    pub created_by: Option<Vec<u8>>,
    /// Grows with every change; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
    /// When it was last changed.
    pub updated_at: UtcTime,
}

impl Issue {
    /// Who is to work on it.
    #[must_use]
    pub fn assignee(&self) -> Option<Assignee> {
        let id = Uuid::from_slice(self.assignee_id.as_deref()?).ok()?;
        Some(Assignee { kind: self.assignee_kind?, id })
    }
}

/// How many instances of what kind there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = issues)]
pub struct Counts {
    /// All.
    pub instance_count: i64,
    /// Those remediated.
    pub remediated_count: i64,
    /// Those in review or accepted: neither remediated nor to be worked on.
    pub excluded_count: i64,
    /// Those that were found again and are not remediated.
    pub regressed_count: i64,
}

impl Counts {
    /// Is there something, and all of it remediated?
    #[must_use]
    pub const fn is_complete(self) -> bool {
        self.instance_count > 0 && self.remediated_count == self.instance_count
    }

    /// Those to be worked on.
    #[must_use]
    pub const fn actionable(self) -> i64 {
        self.instance_count - self.remediated_count - self.excluded_count
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.instance_count += more.instance_count;
        self.remediated_count += more.remediated_count;
        self.excluded_count += more.excluded_count;
        self.regressed_count += more.regressed_count;
    }
}

/// The instances of one product in an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = issue_products)]
pub struct IssueProduct {
    /// The issue.
    pub issue_id: IssueId,
    /// The product.
    pub product_id: ProductId,
    /// The product was restricted when it was deleted.
    pub is_sealed: bool,
    /// All.
    pub instance_count: i64,
    /// Those remediated.
    pub remediated_count: i64,
    /// Those in review or accepted.
    pub excluded_count: i64,
    /// Those that were found again and are not remediated.
    pub regressed_count: i64,
}

impl IssueProduct {
    /// Its counts.
    #[must_use]
    pub const fn counts(self) -> Counts {
        Counts {
            instance_count: self.instance_count,
            remediated_count: self.remediated_count,
            excluded_count: self.excluded_count,
            regressed_count: self.regressed_count,
        }
    }
}

/// A (vulnerability, asset) pair on a branch: what makes an instance, once per issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Queryable)]
pub struct Pair {
    /// Where.
    pub branch: BranchId,
    /// What.
    pub vulnerability: VulnerabilityId,
    /// On what.
    pub asset: AssetId,
}

/// A pair in an issue.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = issue_instances, treat_none_as_default_value = false)]
pub struct Instance {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The issue.
    pub issue_id: IssueId,
    /// Its id.
    pub id: InstanceId,
    /// The product of the branch.
    pub product_id: ProductId,
    /// The branch.
    pub branch_id: BranchId,
    /// The vulnerability.
    pub vulnerability_id: VulnerabilityId,
    /// The asset.
    pub asset_id: AssetId,
    /// The highest severity of its observations when it was added.
    pub severity: Severity,
    /// What holds for it.
    pub standing: Standing,
    /// Since when it is remediated.
    pub remediated_at: Option<UtcTime>,
    /// How often it was found again.
    pub regressions: i32,
    /// When it was added.
    pub added_at: UtcTime,
}

/// What an instance was when it was added.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = instance_snapshots, treat_none_as_default_value = false)]
pub struct InstanceSnapshot {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The issue.
    pub issue_id: IssueId,
    /// The instance.
    pub instance_id: InstanceId,
    /// Its vulnerability.
    pub vulnerability_id: VulnerabilityId,
    /// In which version.
    pub vulnerability_version: i64,
    /// A [`super::snapshot::Snapshot`].
    pub snapshot_json: String,
}

/// What a vulnerability said in one of its versions.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = vulnerability_snapshots, treat_none_as_default_value = false)]
pub struct VulnerabilitySnapshot {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The vulnerability.
    pub vulnerability_id: VulnerabilityId,
    /// Its version.
    pub version: i64,
    /// A [`super::snapshot::VulnerabilityFacts`].
    pub snapshot_json: String,
}

/// What an issue is to be: given by people, else taken from its draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewIssue {
    /// One line.
    pub name: Option<String>,
    /// Markdown.
    pub description: Option<String>,
    /// Markdown.
    pub remediation: Option<String>,
    /// How bad it is.
    pub risk: Option<Risk>,
    /// How far the work is.
    pub state: Option<IssueState>,
    /// By when it is to be done.
    pub due_at: Option<UtcTime>,
    /// Who is to work on it.
    pub assignee: Option<Assignee>,
    /// The product of an issue without instances.
    pub product_id: Option<ProductId>,
}

/// What to change of an issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssuePatch {
    /// One line.
    pub name: Patch<String>,
    /// Markdown.
    pub description: Patch<String>,
    /// Markdown.
    pub remediation: Patch<String>,
    /// How bad it is.
    pub risk: Patch<Risk>,
    /// How far the work is.
    pub state: Patch<IssueState>,
    /// By when it is to be done.
    pub due_at: Patch<Option<UtcTime>>,
    /// Who is to work on it.
    pub assignee: Patch<Option<Assignee>>,
}
