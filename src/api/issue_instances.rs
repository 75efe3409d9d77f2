//! Instances of issues: list, add, remove, as a table.

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpResponse, get, post};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::StrictJson;
use super::etag::{IfMatch, etag};
use super::issues::views::{InstanceView, IssueView};
use super::issues::{IssuePath, SelectInstances};
use super::query::{ListQuery, PageParams, StrictQuery};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{InstanceId, IssueId};
use crate::base::page::Page;
use crate::base::severity::Severity;
use crate::issues::export;
use crate::issues::service::{browse, instances};
use crate::tracker_configs::wishes;

/// The routes of instances.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_issue_instances)
        .service(export_issue_instances)
        .service(add_issue_instances)
        .service(remove_issue_instances);
}

/// Which instances.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct InstanceFilter {
    /// Only those remediated, or only the others.
    remediated: Option<bool>,
}

/// Whether remediated instances are in the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remediated {
    /// They are.
    #[default]
    Include,
    /// Only the others are.
    Exclude,
}

/// What is in the table.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TableQuery {
    /// Whether remediated instances are.
    #[serde(default)]
    #[param(inline)]
    remediated: Remediated,
}

/// Instances to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"selection": {"observation_ids": ["018f3b7e-5f00-7cc0-8000-000000000001"]}}))]
pub struct AddInstances {
    /// Which.
    selection: SelectInstances,
}

/// Instances to remove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveInstances {
    /// Which.
    #[schema(min_items = 1, max_items = 10000)]
    instance_ids: Vec<InstanceId>,
}

/// List the instances of an issue.
///
/// What each was when it was added, beside what it is today. The most severe first.
#[utoipa::path(tag = "issues", params(IssuePath, PageParams, InstanceFilter), responses((status = 200, description = "A page of instances.", body = Page<InstanceView>)))]
#[get("/issues/{issue}/instances")]
async fn list_issue_instances(
    app: Data<App>,
    caller: Caller,
    path: Path<IssuePath>,
    list: ListQuery<InstanceFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let remediated = list.filter.remediated;
    let body = app.db.read(move |conn| {
        let found = browse::instances(conn, &caller, path.issue, remediated, &window)?;
        let page = window.page(found, &seal, |one| (one.kept.instance.severity, one.kept.instance.id));
        let items: Vec<InstanceView> = page.items.into_iter().map(InstanceView::new).collect::<Result<_, _>>()?;
        // Written here, where it may block, and not on the threads that serve all requests.
        let page = Page { items, next_cursor: page.next_cursor, total: None };
        serde_json::to_vec(&page).map_err(ApiError::internal)
    });
    Ok(HttpResponse::Ok().content_type("application/json").body(body.await?))
}

/// Lines that are read at a time.
const LINES: i64 = 1_000;

/// Get the instances of an issue as a table.
///
/// CSV with a header line, one line per instance, the most severe first: `instance_id`, `vulnerability`, `names`,
/// `title`, `severity`, `cvss_score`, `cwes`, `product`, `branch`, `asset_kind`, `asset`, `component`,
/// `component_version`, `location`, `line`, `fixed_version`, `tools` and `observations` (how many) are as they were when
/// the instance was added (of several observations, the most severe one's place); `status`, `is_remediated`,
/// `remediated_at`, `regressions` and `added_at` are the issue's own. A cell that a spreadsheet would take for a formula
/// begins with an apostrophe.
#[utoipa::path(tag = "issues", params(IssuePath, TableQuery), responses((status = 200, description = "The table.", body = String, content_type = "text/csv")))]
#[get("/issues/{issue}/instances.csv")]
async fn export_issue_instances(
    app: Data<App>,
    caller: Caller,
    path: Path<IssuePath>,
    StrictQuery(query): StrictQuery<TableQuery>,
) -> Result<HttpResponse, ApiError> {
    let remediated = (query.remediated == Remediated::Exclude).then_some(false);
    let mut first =
        Table { app: app.get_ref().clone(), caller, issue: path.issue, remediated, after: None, is_over: false };
    let lines = first.next().await?;
    let head = Bytes::from([export::header(), lines].concat());
    let rest = stream::try_unfold(first, |mut table| async move {
        if table.is_over {
            return Ok(None);
        }
        table.next().await.map(|lines| Some((Bytes::from(lines), table)))
    });
    let body = futures_util::StreamExt::chain(stream::iter([Ok::<_, ApiError>(head)]), rest);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(("content-disposition", format!("attachment; filename=\"issue-{}.csv\"", path.issue)))
        .streaming(body))
}

/// A table that is being read, part by part, so that none is ever in memory as a whole.
struct Table {
    app: App,
    caller: Caller,
    issue: IssueId,
    remediated: Option<bool>,
    after: Option<(Severity, InstanceId)>,
    is_over: bool,
}

impl Table {
    async fn next(&mut self) -> Result<Vec<u8>, ApiError> {
        let (caller, issue, remediated, after) = (self.caller.clone(), self.issue, self.remediated, self.after);
        let read = self.app.db.read(move |conn| {
            let kept = browse::lines(conn, &caller, issue, remediated, after, LINES)?;
            let last = kept.last().map(|kept| (kept.instance.severity, kept.instance.id));
            Ok::<_, ApiError>((export::lines(&kept), last, kept.len()))
        });
        let (lines, last, count) = read.await?;
        self.after = last;
        self.is_over = i64::try_from(count).is_ok_and(|count| count < LINES);
        Ok(lines)
    }
}

/// Add instances to an issue.
///
/// Each is a snapshot of this moment; those that the issue has already stay as they were.
#[utoipa::path(tag = "issues", params(IssuePath), request_body = AddInstances, responses((status = 200, description = "The issue.", body = IssueView), (status = 409, description = "The selection is too large, or the issue was merged.")))]
#[post("/issues/{issue}/instances")]
async fn add_issue_instances(
    app: Data<App>,
    caller: Caller,
    path: Path<IssuePath>,
    if_match: IfMatch,
    StrictJson(input): StrictJson<AddInstances>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let selection = input.selection.one("/selection")?;
    let work = app.db.write_again(move |conn| {
        let add = |conn: &mut _| instances::add_selected(conn, &caller, path.issue, &selection, &if_match, now);
        wishes::around_issues(conn, caller.organization, &[path.issue], now, add)
    });
    let changed = work.await?;
    app.work.notify_one();
    Ok(HttpResponse::Ok().insert_header(etag(changed.issue.version)).json(IssueView::from(changed)))
}

/// Remove instances from an issue.
///
/// With their snapshots. What is not in the issue is no fault.
#[utoipa::path(tag = "issues", params(IssuePath), request_body = RemoveInstances, responses((status = 200, description = "The issue.", body = IssueView), (status = 409, description = "The issue was merged.")))]
#[post("/issues/{issue}/instances/remove")]
async fn remove_issue_instances(
    app: Data<App>,
    caller: Caller,
    path: Path<IssuePath>,
    if_match: IfMatch,
    StrictJson(input): StrictJson<RemoveInstances>,
) -> Result<HttpResponse, ApiError> {
    let (now, ids) = (app.clock.now(), input.instance_ids);
    let work = app.db.write_again(move |conn| {
        let remove = |conn: &mut _| instances::remove(conn, &caller, path.issue, &ids, &if_match, now);
        wishes::around_issues(conn, caller.organization, &[path.issue], now, remove)
    });
    let changed = work.await?;
    app.work.notify_one();
    Ok(HttpResponse::Ok().insert_header(etag(changed.issue.version)).json(IssueView::from(changed)))
}
