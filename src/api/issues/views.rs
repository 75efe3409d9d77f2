//! Issues as the API shows them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::actor::ActorKind;
use crate::base::ids::{IssueId, ProductId};
use crate::base::time::UtcTime;
use crate::issues::model::{Assignee, Counts, Risk};
use crate::issues::service::Visible;
use crate::issues::service::create::Draft;
use crate::issues::status::IssueState;
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
    #[schema(max_length = 100_000)]
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
    description: String,
    /// What their sources advise.
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
