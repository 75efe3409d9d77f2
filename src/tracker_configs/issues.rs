//! How an issue comes to use a tracker: by what somebody says, else as before, else as its product does.

use super::model::{ConfigSettings, CsvScope, IssueTracker};
use super::repo;
use super::service::check;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::ConnectionId;
use crate::base::time::UtcTime;
use crate::connections;
use crate::db::conn::Conn;
use crate::issues::model::Issue;
use crate::tickets;

/// What somebody says about the ticket of an issue; the rest stays, or is as in the config of its product.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssueTrackerChange {
    /// The account.
    pub connection: Option<ConnectionId>,
    /// Where its ticket goes.
    pub project_key: Option<String>,
    /// See [`ConfigSettings::labels`].
    pub labels: Option<Vec<String>>,
    /// See [`ConfigSettings::issue_type`].
    pub issue_type: Option<String>,
    /// See [`ConfigSettings::closed_status`].
    pub closed_status: Option<String>,
    /// See [`ConfigSettings::confidential`].
    pub confidential: Option<bool>,
    /// See [`IssueTracker::csv`].
    pub csv: Option<CsvScope>,
    /// See [`IssueTracker::auto_close`].
    pub auto_close: Option<bool>,
    /// See [`IssueTracker::temporary_keeps_open`].
    pub temporary_keeps_open: Option<bool>,
}

/// Stores how an issue uses a tracker from now on.
///
/// # Errors
/// `Invalid` for what the tracker cannot take, or when nothing says which tracker; `Conflict` when the issue has a
/// ticket elsewhere.
pub fn choose(
    conn: &mut Conn,
    issue: &Issue,
    change: IssueTrackerChange,
    now: UtcTime,
) -> Result<IssueTracker, ApiError> {
    let tracker = merged(conn, issue, change, now)?;
    let organization = issue.organization_id;
    let connection = connections::repo::find(conn, organization, tracker.connection_id)?
        .ok_or_else(|| ApiError::invalid("/connection_id", "there is no such tracker connection"))?;
    let settings: ConfigSettings = serde_json::from_str(&tracker.settings_json).map_err(ApiError::internal)?;
    check(&tracker.project_key, &settings, connection.kind)?;
    stays_where_its_ticket_is(conn, &tracker)?;
    repo::issues::put(conn, &tracker)?;
    Ok(tracker)
}

fn merged(conn: &mut Conn, issue: &Issue, change: IssueTrackerChange, now: UtcTime) -> Result<IssueTracker, ApiError> {
    let before = match repo::issues::find(conn, issue.organization_id, issue.id)? {
        Some(before) => Some(before),
        None => as_its_product(conn, issue, change.connection, now)?,
    };
    // Another account has other projects.
    let before = before.filter(|before| change.connection.is_none_or(|wanted| wanted == before.connection_id));
    let said = |pointer| ApiError::invalid(pointer, "is needed: the issue's product has no tracker config to follow");
    let base = match before {
        Some(before) => before,
        None => nothing_yet(
            issue,
            change.connection.ok_or_else(|| said("/connection_id"))?,
            change.project_key.clone().ok_or_else(|| said("/project_key"))?,
            now,
        ),
    };
    let settings: ConfigSettings = serde_json::from_str(&base.settings_json).map_err(ApiError::internal)?;
    let settings = ConfigSettings {
        labels: change.labels.unwrap_or(settings.labels),
        issue_type: change.issue_type.or(settings.issue_type),
        closed_status: change.closed_status.or(settings.closed_status),
        confidential: change.confidential.unwrap_or(settings.confidential),
        push_issues: false,
    };
    Ok(IssueTracker {
        project_key: change.project_key.unwrap_or(base.project_key),
        csv: change.csv.unwrap_or(base.csv),
        auto_close: change.auto_close.unwrap_or(base.auto_close),
        temporary_keeps_open: change.temporary_keeps_open.unwrap_or(base.temporary_keeps_open),
        settings_json: serde_json::to_string(&settings).map_err(ApiError::internal)?,
        updated_at: now,
        ..base
    })
}

fn as_its_product(
    conn: &mut Conn,
    issue: &Issue,
    wanted: Option<ConnectionId>,
    now: UtcTime,
) -> Result<Option<IssueTracker>, ApiError> {
    let Some(product) = issue.product_id else { return Ok(None) };
    let config = repo::of_product(conn, issue.organization_id, product)?;
    let config = config.filter(|config| wanted.is_none_or(|wanted| wanted == config.connection_id));
    Ok(config.map(|config| IssueTracker::like(&config, issue.id, now)))
}

fn nothing_yet(issue: &Issue, connection: ConnectionId, project_key: String, now: UtcTime) -> IssueTracker {
    IssueTracker {
        organization_id: issue.organization_id,
        issue_id: issue.id,
        connection_id: connection,
        project_key,
        csv: CsvScope::All,
        auto_close: true,
        temporary_keeps_open: true,
        settings_json: "{}".to_owned(),
        created_at: now,
        updated_at: now,
    }
}

fn stays_where_its_ticket_is(conn: &mut Conn, tracker: &IssueTracker) -> Result<(), ApiError> {
    use crate::outbox::model::SubjectKind::Issue;
    let mut faults = Faults::default();
    let all = tickets::repo::of_subject(conn, tracker.organization_id, Issue, tracker.issue_id.into())?;
    if let Some(ticket) = all.iter().find(|ticket| ticket.unlinked_at.is_none() && ticket.remote_key.is_some()) {
        let elsewhere = "the issue has a ticket elsewhere; unlink that first";
        faults.require(ticket.connection_id == tracker.connection_id, "/connection_id", elsewhere);
        faults.require(ticket.project_key == tracker.project_key, "/project_key", elsewhere);
    }
    faults.finish()
}
