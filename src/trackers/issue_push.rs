//! What people do with the ticket of an issue.

use super::plan::{About, Situation};
use super::service::{self, Explanation, NextStep, Pushed};
use super::{situation, sync};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::ApiError;
use crate::base::ids::IssueId;
use crate::base::scope::SEVERAL;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues;
use crate::issues::model::Issue;
use crate::outbox;
use crate::outbox::model::{Change, JobReason, SubjectKind};
use crate::tracker_configs;
use crate::tracker_configs::issues::{IssueTrackerChange, choose};
use crate::tracker_configs::model::IssueTracker;

/// The ticket of an issue: how it uses the tracker, and every reason for what it is and will be.
#[derive(Debug, Clone)]
pub struct IssueTicket {
    /// How it uses a tracker; none when it does not.
    pub tracker: Option<IssueTracker>,
    /// What its ticket is and will be.
    pub explanation: Explanation,
}

/// Explains the ticket of an issue.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn explain(conn: &mut Conn, caller: &Caller, id: IssueId, public_url: &str) -> Result<IssueTicket, ApiError> {
    let issue = issues::service::get(conn, caller, id)?.issue;
    let Some(tracker) = tracker_configs::repo::issues::find(conn, caller.organization, id)? else {
        return Ok(IssueTicket { tracker: None, explanation: nothing() });
    };
    let situation = read(conn, &issue, &tracker, JobReason::Change, public_url)?;
    Ok(IssueTicket { tracker: Some(tracker), explanation: service::explained(conn, situation)? })
}

fn nothing() -> Explanation {
    Explanation { ticket: None, next_step: NextStep::Nothing, conditions: Vec::new(), switches: Vec::new(), job: None }
}

fn read(
    conn: &mut Conn,
    issue: &Issue,
    tracker: &IssueTracker,
    reason: JobReason,
    public_url: &str,
) -> Result<Situation, ApiError> {
    let about = About {
        organization: issue.organization_id,
        product: issue.product_id.unwrap_or(SEVERAL),
        connection: tracker.connection_id,
        kind: SubjectKind::Issue,
        subject: issue.id.into(),
        reason,
    };
    Ok(situation::read(conn, &about, public_url)?)
}

/// Pushes an issue by hand, in the tracker that is said, or that it uses already, or that its product uses.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid` for what the tracker cannot take.
pub fn push(
    conn: &mut Conn,
    caller: &Caller,
    id: IssueId,
    change: IssueTrackerChange,
    public_url: &str,
    now: UtcTime,
) -> Result<Pushed, ApiError> {
    caller.require(Permission::Write)?;
    issues::repo::lock(conn, caller.organization)?;
    let issue = issues::service::get(conn, caller, id)?.issue;
    let tracker = choose(conn, &issue, change, now)?;
    let situation = read(conn, &issue, &tracker, JobReason::Push, public_url)?;
    let (why_closed, product) = (situation.why_closed(), situation.about.product);
    let explanation = service::explained(conn, situation)?;
    let refused = service::refusal(&explanation).or_else(|| {
        let is_settled = explanation.ticket.is_none() && why_closed.is_some();
        is_settled.then(|| format!("the issue is {}, which needs no ticket", issue.state.as_str().replace('_', " ")))
    });
    if refused.is_some() {
        return Ok(Pushed { is_queued: false, refused, explanation });
    }
    if let Some(ticket) = &explanation.ticket {
        sync::change_ticket(conn, caller.organization, ticket.id, |ticket| ticket.pushed_by_hand = true, now)?;
    }
    let wish = Change { connection: tracker.connection_id, kind: SubjectKind::Issue, subject: id.into() };
    outbox::repo::record(conn, caller.organization, product, &[wish], JobReason::Push, now)?;
    let job = outbox::repo::of_subject(conn, caller.organization, wish.connection, wish.kind, wish.subject)?;
    Ok(Pushed { is_queued: true, refused: None, explanation: Explanation { job, ..explanation } })
}
