//! Issues as the API shows them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::actor::ActorKind;
use crate::base::error::ApiError;
use crate::base::ids::{EntryId, InstanceId, IssueId, ProductId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::issues::filter::FacetField;
use crate::issues::model::{Assignee, Counts, Risk};
use crate::issues::repo::list::FacetValue;
use crate::issues::service::Visible;
use crate::issues::service::browse::Compared;
use crate::issues::service::create::Draft;
use crate::issues::snapshot::{Snapshot, VulnerabilityFacts};
use crate::issues::standing::Standing;
use crate::issues::status::IssueState;
use crate::issues::timeline::{Entry, EntryKind};
use crate::observations::ticket_state::TicketState;

/// What teams remediate.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueView {
    /// Its id.
    id: IssueId,
    /// One line.
    #[schema(min_length = 1, max_length = 200, example = "Log4Shell in the shop")]
    name: String,
    /// Markdown.
    #[schema(max_length = 100_000, example = "Both web servers run an old OpenSSL.")]
    description: String,
    /// Markdown: what to do about it.
    #[schema(max_length = 100_000, example = "Update log4j-core to 2.17.1.")]
    remediation: String,
    /// How bad it is.
    risk: Risk,
    /// How far the work is.
    state: IssueState,
    /// Since when.
    state_changed_at: UtcTime,
    /// By when it is to be done.
    due_at: Option<UtcTime>,
    /// Who is to work on it.
    assignee: Option<Assignee>,
    /// The products of its instances, as far as the caller may see them.
    product_ids: Vec<ProductId>,
    /// How many instances it has, as far as the caller may see them.
    instances: InstanceCounts,
    /// The issue that has its instances now.
    merged_into: Option<IssueId>,
    /// What its ticket is; null without one.
    ticket_state: Option<TicketState>,
    /// What kind of actor made it.
    created_by_kind: ActorKind,
    /// The user or API token that made it.
    created_by: Option<Uuid>,
    /// When it was made.
    created_at: UtcTime,
    /// When it was last changed.
    updated_at: UtcTime,
}

/// How many instances of what kind there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceCounts {
    /// All.
    #[schema(example = 12)]
    total: i64,
    /// Those to be worked on.
    #[schema(example = 3)]
    actionable: i64,
    /// Those remediated.
    #[schema(example = 8)]
    remediated: i64,
    /// Those in review, or whose risk is accepted.
    #[schema(example = 1)]
    excluded: i64,
    /// Those that were found again and are not remediated.
    #[schema(example = 1)]
    regressed: i64,
}

impl From<Counts> for InstanceCounts {
    fn from(counts: Counts) -> Self {
        Self {
            total: counts.instance_count,
            actionable: counts.actionable(),
            remediated: counts.remediated_count,
            excluded: counts.excluded_count,
            regressed: counts.regressed_count,
        }
    }
}

impl From<Visible> for IssueView {
    fn from(Visible { issue, products }: Visible) -> Self {
        Self {
            id: issue.id,
            assignee: issue.assignee(),
            name: issue.name,
            description: issue.description,
            remediation: issue.remediation,
            risk: issue.risk,
            state: issue.state,
            state_changed_at: issue.state_changed_at,
            due_at: issue.due_at,
            product_ids: products,
            instances: issue.counts.into(),
            merged_into: issue.merged_into,
            ticket_state: issue.ticket_state,
            created_by_kind: issue.created_by_kind,
            created_by: issue.created_by.and_then(|id| Uuid::from_slice(&id).ok()),
            created_at: issue.created_at,
            updated_at: issue.updated_at,
        }
    }
}

/// An issue as it would be: to be edited and created.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftView {
    /// One line.
    #[schema(example = "CVE-2021-44228: Remote code execution in log4j-core")]
    name: String,
    /// Which vulnerabilities, and how often.
    #[schema(example = "CVE-2024-5535 on 2 assets")]
    description: String,
    /// What their sources advise.
    #[schema(example = "Install OpenSSL 3.0.14 or later.")]
    remediation: String,
    /// The highest among them.
    risk: Risk,
    /// How many instances it would have.
    #[schema(example = 12)]
    instance_count: usize,
    /// Of how many vulnerabilities.
    #[schema(example = 1)]
    vulnerability_count: usize,
    /// On how many assets.
    #[schema(example = 4)]
    asset_count: usize,
    /// Of which products.
    product_ids: Vec<ProductId>,
}

impl From<Draft> for DraftView {
    fn from(draft: Draft) -> Self {
        Self {
            name: draft.name,
            description: draft.description,
            remediation: draft.remediation,
            risk: draft.risk,
            instance_count: draft.instance_count,
            vulnerability_count: draft.vulnerability_count,
            asset_count: draft.asset_count,
            product_ids: draft.product_ids,
        }
    }
}

/// Counts of issues, field by field.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueFacetsView {
    /// One per field.
    facets: Vec<IssueFacetView>,
}

/// Counts of issues by one field.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueFacetView {
    /// The field.
    field: FacetField,
    /// Its values, the most frequent first; of products and assignees the 100 most frequent.
    #[schema(max_items = 100)]
    values: Vec<IssueFacetValueView>,
}

/// A value of a field.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueFacetValueView {
    /// The value, as filters take it; null for "nobody".
    #[schema(example = "open")]
    value: Option<String>,
    /// What it is called, where that is another.
    #[schema(example = "shop")]
    name: Option<String>,
    /// How many issues have it.
    #[schema(example = 7)]
    issues: i64,
}

impl From<Vec<(FacetField, Vec<FacetValue>)>> for IssueFacetsView {
    fn from(facets: Vec<(FacetField, Vec<FacetValue>)>) -> Self {
        let value =
            |value: FacetValue| IssueFacetValueView { value: value.value, name: value.name, issues: value.issues };
        let facet = |(field, values): (FacetField, Vec<FacetValue>)| IssueFacetView {
            field,
            values: values.into_iter().map(value).collect(),
        };
        Self { facets: facets.into_iter().map(facet).collect() }
    }
}

/// A line of a timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Its id.
    id: EntryId,
    /// What it is.
    kind: EntryKind,
    /// When it happened.
    at: UtcTime,
    /// By what kind of actor.
    actor_kind: ActorKind,
    /// By which user or API token.
    actor_id: Option<Uuid>,
    /// By whom in a tracker, as it calls them.
    #[schema(example = "Jo Doe")]
    actor_name: Option<String>,
    /// What changed.
    #[schema(example = "state")]
    field: Option<String>,
    /// Before.
    #[schema(example = "open")]
    old_value: Option<String>,
    /// After.
    #[schema(example = "resolved")]
    new_value: Option<String>,
    /// What was said, or what there is to say.
    #[schema(example = "All instances are remediated.")]
    body: Option<String>,
    /// When it was last edited; null when never.
    edited_at: Option<UtcTime>,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            kind: entry.kind,
            at: entry.at,
            actor_kind: entry.actor_kind,
            actor_id: entry.actor_id.and_then(|id| Uuid::from_slice(&id).ok()),
            actor_name: entry.actor_name,
            field: entry.field,
            old_value: entry.old_value,
            new_value: entry.new_value,
            body: entry.body,
            edited_at: entry.edited_at,
        }
    }
}

/// An instance: what it was when it was added, beside what it is today.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceView {
    /// Its id.
    id: InstanceId,
    /// What it was when it was added.
    then: Snapshot,
    /// What its vulnerability said then.
    vulnerability: VulnerabilityFacts,
    /// What it is today.
    today: InstanceToday,
    /// Whether nothing is left to be done. A closed issue is left as it was.
    is_remediated: bool,
    /// Since when.
    remediated_at: Option<UtcTime>,
    /// How often it was found again.
    #[schema(example = 1)]
    regressions: i32,
    /// When it was added.
    added_at: UtcTime,
}

/// An instance, today.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceToday {
    /// What holds for it.
    status: Standing,
    /// The highest severity of its observations.
    severity: Option<Severity>,
    /// How many observations there are of it.
    #[schema(example = 1)]
    observation_count: i64,
    /// When it was last reported.
    last_seen_at: Option<UtcTime>,
}

impl InstanceView {
    /// An instance with its snapshots.
    ///
    /// # Errors
    /// `Internal` when a snapshot cannot be read.
    pub(in crate::api) fn new(compared: Compared) -> Result<Self, ApiError> {
        let (kept, today) = (compared.kept, compared.today);
        Ok(Self {
            id: kept.instance.id,
            then: serde_json::from_str(&kept.snapshot.snapshot_json).map_err(ApiError::internal)?,
            vulnerability: serde_json::from_str(&kept.vulnerability.snapshot_json).map_err(ApiError::internal)?,
            today: InstanceToday {
                status: today.map_or(Standing::Deleted, |today| today.standing),
                severity: today.map(|today| today.severity),
                observation_count: today.map_or(0, |today| today.observation_count),
                last_seen_at: today.map(|today| today.last_seen_at),
            },
            is_remediated: kept.instance.standing.is_remediated(),
            remediated_at: kept.instance.remediated_at,
            regressions: kept.instance.regressions,
            added_at: kept.instance.added_at,
        })
    }
}
