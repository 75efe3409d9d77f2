//! The tickets of issues.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::StrictJson;
use super::issues::IssuePath;
use super::tickets::{PushResult, TicketExplanation};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::ConnectionId;
use crate::tracker_configs::issues::IssueTrackerChange;
use crate::tracker_configs::model::{ConfigSettings, CsvScope, IssueTracker};
use crate::trackers::issue_push::{self, IssueTicket};

/// The routes of the tickets of issues.
pub fn routes(config: &mut ServiceConfig) {
    config.service(get_issue_ticket).service(push_issue);
}

/// How an issue uses a tracker.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueTrackerView {
    /// The account.
    connection_id: ConnectionId,
    /// Where its ticket goes.
    #[schema(example = "SEC")]
    project_key: String,
    /// Labels that its ticket gets.
    #[schema(max_items = 20, example = json!(["security"]))]
    labels: Vec<String>,
    /// Jira: the issue type. GitLab: `issue` or `incident`.
    #[schema(example = "Task")]
    issue_type: Option<String>,
    /// Jira: the status that its ticket is closed to.
    #[schema(example = "Done")]
    closed_status: Option<String>,
    /// GitLab: its ticket is hidden from guests.
    confidential: bool,
    /// Which instances its ticket carries as CSV.
    #[schema(inline)]
    csv: CsvScope,
    /// The ticket closes when all instances are remediated.
    auto_close: bool,
    /// Instances in review, or accepted for a time, keep it open.
    temporary_keeps_open: bool,
}

impl From<IssueTracker> for IssueTrackerView {
    fn from(tracker: IssueTracker) -> Self {
        let settings: ConfigSettings = serde_json::from_str(&tracker.settings_json).unwrap_or_default();
        Self {
            connection_id: tracker.connection_id,
            project_key: tracker.project_key,
            labels: settings.labels,
            issue_type: settings.issue_type,
            closed_status: settings.closed_status,
            confidential: settings.confidential,
            csv: tracker.csv,
            auto_close: tracker.auto_close,
            temporary_keeps_open: tracker.temporary_keeps_open,
        }
    }
}

/// The ticket of an issue, and every reason for what it is and will be.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueTicketView {
    /// How it uses a tracker; null when it does not.
    tracker: Option<IssueTrackerView>,
    /// Its ticket and what will become of it.
    explanation: TicketExplanation,
}

impl From<IssueTicket> for IssueTicketView {
    fn from(found: IssueTicket) -> Self {
        Self { tracker: found.tracker.map(IssueTrackerView::from), explanation: found.explanation.into() }
    }
}

/// Where the ticket of an issue goes. What is left out stays, or is as in the tracker config of the issue's product.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"csv": "actionable", "labels": ["security"]}))]
pub struct PushIssue {
    /// The account to use.
    connection_id: Option<ConnectionId>,
    /// `owner/repository` on GitHub, the id or full path on GitLab, the key of a Jira project.
    #[schema(min_length = 1, max_length = 255, example = "SEC")]
    project_key: Option<String>,
    /// Labels that its ticket gets.
    #[schema(max_items = 20, example = json!(["security"]))]
    labels: Option<Vec<String>>,
    /// Jira needs one: the issue type. GitLab: `issue` or `incident`.
    #[schema(max_length = 100, example = "Bug")]
    issue_type: Option<String>,
    /// Jira: the status that the ticket is closed to; discovered where none is given.
    #[schema(max_length = 100, example = "Done")]
    closed_status: Option<String>,
    /// GitLab: hide the ticket from guests.
    confidential: Option<bool>,
    /// Which instances the ticket carries as CSV: `all` by default.
    #[schema(inline)]
    csv: Option<CsvScope>,
    /// Close the ticket when all instances are remediated: on by default.
    auto_close: Option<bool>,
    /// Let instances in review, or accepted for a time, keep it open: on by default.
    temporary_keeps_open: Option<bool>,
}

impl From<PushIssue> for IssueTrackerChange {
    fn from(input: PushIssue) -> Self {
        Self {
            connection: input.connection_id,
            project_key: input.project_key,
            labels: input.labels,
            issue_type: input.issue_type,
            closed_status: input.closed_status,
            confidential: input.confidential,
            csv: input.csv,
            auto_close: input.auto_close,
            temporary_keeps_open: input.temporary_keeps_open,
        }
    }
}

/// Explain the ticket of an issue.
///
/// The ticket, how the issue uses its tracker, and what will be done next.
#[utoipa::path(tag = "trackers", params(IssuePath), responses((status = 200, description = "The ticket and the reasons.", body = IssueTicketView)))]
#[get("/issues/{issue}/ticket")]
async fn get_issue_ticket(app: Data<App>, caller: Caller, path: Path<IssuePath>) -> Result<HttpResponse, ApiError> {
    let public_url = app.config.public_url.clone();
    let found = app.db.read(move |conn| issue_push::explain(conn, &caller, path.issue, &public_url)).await?;
    Ok(HttpResponse::Ok().json(IssueTicketView::from(found)))
}

/// Push an issue.
///
/// Makes one ticket of it, or brings the one that it has up to date. The ticket follows the issue from then on; the
/// observations in it have none of their own. Instances of restricted products are left out of the ticket where the
/// issue has others.
#[utoipa::path(tag = "trackers", params(IssuePath), request_body = PushIssue, responses((status = 202, description = "It is queued.", body = PushResult), (status = 200, description = "It is refused, with the reason.", body = PushResult)))]
#[post("/issues/{issue}/push")]
async fn push_issue(
    app: Data<App>,
    caller: Caller,
    path: Path<IssuePath>,
    StrictJson(input): StrictJson<PushIssue>,
) -> Result<HttpResponse, ApiError> {
    let (public_url, now) = (app.config.public_url.clone(), app.clock.now());
    let change = IssueTrackerChange::from(input);
    let work = move |conn: &mut _| issue_push::push(conn, &caller, path.issue, change.clone(), &public_url, now);
    let pushed = app.db.write_again(work).await?;
    app.work.notify_one();
    let mut response = if pushed.is_queued { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    Ok(response.json(PushResult::from(pushed)))
}
