//! Issues: list, count, draft, create, get, change, merge, delete.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, Patch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::query::{ListQuery, PageParams, Sorted, StrictQuery};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{AssetId, IssueId, ObservationId, ProductId, ScanId, VulnerabilityId};
use crate::base::page::Page;
use crate::base::time::UtcTime;
use crate::issues::filter::{Filter as IssueFilter, Sort};
use crate::issues::model::{Assignee, IssuePatch, NewIssue, Risk};
use crate::issues::selection::Selection;
use crate::issues::service::bulk::{Change, Summary, Which};
use crate::issues::service::{self, browse, bulk, create, edit, merge};
use crate::issues::status::IssueState;
use crate::observations::filter::Filter;
use crate::tracker_configs::wishes;
use crate::trackers::issue_deletion::{self as deletion, TicketFate};

pub(super) mod views;

use views::{DraftView, IssueFacetsView, IssueView};

/// The routes of issues.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_issues)
        .service(create_issue)
        .service(count_issues)
        .service(draft_issue)
        .service(change_issues)
        .service(get_issue)
        .service(update_issue)
        .service(delete_issue)
        .service(merge_issue);
}

/// Which issues, in which order.
type IssueList = Sorted<IssueFilter, Sort>;

/// The issue of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct IssuePath {
    /// The issue.
    pub issue: IssueId,
}

/// What an issue is made of: exactly one of these. Observations are taken as (vulnerability, asset) pairs on their
/// branches, at most 100,000 of them.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectInstances {
    /// The pairs of these observations.
    #[schema(max_items = 10000)]
    observation_ids: Option<Vec<ObservationId>>,
    /// The pairs of all active observations of these vulnerabilities.
    #[schema(max_items = 200)]
    vulnerability_ids: Option<Vec<VulnerabilityId>>,
    /// The pairs of all observations that match; an empty filter is all that the caller may see.
    filter: Option<Filter>,
    /// The pairs of all active observations on this asset.
    asset_id: Option<AssetId>,
    /// The pairs of all active observations of this product.
    product_id: Option<ProductId>,
    /// The pairs of all active observations that this scan reported.
    scan_id: Option<ScanId>,
}

impl SelectInstances {
    /// The one selection that is named.
    pub(super) fn one(self, prefix: &str) -> Result<Selection, ApiError> {
        let given = [
            self.observation_ids.map(Selection::Observations),
            self.vulnerability_ids.map(Selection::Vulnerabilities),
            self.filter.map(|filter| Selection::Filter(Box::new(filter))),
            self.asset_id.map(Selection::Asset),
            self.product_id.map(Selection::Product),
            self.scan_id.map(Selection::Scan),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(selection), None) => Ok(selection),
            (None, _) | (Some(_), Some(_)) => Err(ApiError::invalid(prefix, ONE_OF)),
        }
    }
}

const ONE_OF: &str = "needs exactly one of observation_ids, vulnerability_ids, filter, asset_id, product_id, scan_id";

/// An issue to draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"selection": {"filter": {"severity": ["critical", "high"], "q": "openssl"}}}))]
pub struct DraftIssue {
    /// What it is made of.
    selection: SelectInstances,
}

/// An issue to make. What is left out is as `issues/draft` says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Old OpenSSL on the web servers", "selection": {"filter": {"severity": ["critical", "high"], "q": "openssl"}}, "due_at": "2027-01-31T00:00:00Z"}))]
pub struct CreateIssue {
    /// What it is made of; an issue without instances is made without it.
    selection: Option<SelectInstances>,
    /// One line.
    #[schema(min_length = 1, max_length = 200, example = "Log4Shell in the shop")]
    name: Option<String>,
    /// Markdown.
    #[schema(max_length = 100_000, example = "Both web servers run an old OpenSSL.")]
    description: Option<String>,
    /// Markdown: what to do about it.
    #[schema(max_length = 100_000, example = "Install OpenSSL 3.0.14 or later.")]
    remediation: Option<String>,
    /// How bad it is.
    risk: Option<Risk>,
    /// How far the work is.
    state: Option<IssueState>,
    /// By when it is to be done.
    due_at: Option<UtcTime>,
    /// Who is to work on it.
    assignee: Option<Assignee>,
    /// The product of an issue without instances.
    product_id: Option<ProductId>,
}

impl CreateIssue {
    fn split(self) -> Result<(NewIssue, Option<Selection>), ApiError> {
        let selection = self.selection.map(|selection| selection.one("/selection")).transpose()?;
        let input = NewIssue {
            name: self.name,
            description: self.description,
            remediation: self.remediation,
            risk: self.risk,
            state: self.state,
            due_at: self.due_at,
            assignee: self.assignee,
            product_id: self.product_id,
        };
        Ok((input, selection))
    }
}

/// What to change of an issue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateIssue {
    /// One line.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Log4Shell in the shop")]
    name: Patch<String>,
    /// Markdown.
    #[serde(default)]
    #[schema(value_type = String, max_length = 100_000, example = "Both web servers run an old OpenSSL.")]
    description: Patch<String>,
    /// Markdown: what to do about it.
    #[serde(default)]
    #[schema(value_type = String, max_length = 100_000, example = "Install OpenSSL 3.0.14 or later.")]
    remediation: Patch<String>,
    /// How bad it is.
    #[serde(default)]
    #[schema(value_type = Risk)]
    risk: Patch<Risk>,
    /// How far the work is. A closed issue is left alone until it is opened again; then it is recomputed in full.
    #[serde(default)]
    #[schema(value_type = IssueState)]
    state: Patch<IssueState>,
    /// By when it is to be done; null for no date.
    #[serde(default)]
    #[schema(value_type = Option<UtcTime>)]
    due_at: Patch<Option<UtcTime>>,
    /// Who is to work on it; null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<Assignee>)]
    assignee: Patch<Option<Assignee>>,
}

impl From<UpdateIssue> for IssuePatch {
    fn from(input: UpdateIssue) -> Self {
        Self {
            name: input.name,
            description: input.description,
            remediation: input.remediation,
            risk: input.risk,
            state: input.state,
            due_at: input.due_at,
            assignee: input.assignee,
        }
    }
}

/// What many issues are to be alike.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueChange {
    /// How bad they are.
    #[serde(default)]
    #[schema(value_type = Risk)]
    risk: Patch<Risk>,
    /// How far the work is.
    #[serde(default)]
    #[schema(value_type = IssueState)]
    state: Patch<IssueState>,
    /// By when they are to be done; null for no date.
    #[serde(default)]
    #[schema(value_type = Option<UtcTime>)]
    due_at: Patch<Option<UtcTime>>,
    /// Who is to work on them; null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<Assignee>)]
    assignee: Patch<Option<Assignee>>,
}

/// Issues to change alike: named by id or by a filter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"risk": ["critical"], "assigned": false}, "change": {"due_at": "2027-01-31T00:00:00Z"}}))]
pub struct ChangeIssues {
    /// These. Either this or `filter`.
    #[schema(max_items = 10000)]
    ids: Option<Vec<IssueId>>,
    /// All that match, at most 10,000. Either this or `ids`; an empty filter is all that the caller may see.
    filter: Option<IssueFilter>,
    /// What they are to be.
    change: IssueChange,
}

impl ChangeIssues {
    fn split(self) -> Result<(Which, Change), ApiError> {
        let which = match (self.ids, self.filter) {
            (Some(ids), None) => Which::Ids(ids),
            (None, Some(filter)) => Which::Filter(Box::new(filter)),
            (Some(_), Some(_)) | (None, None) => return Err(ApiError::invalid("", "needs either ids or filter")),
        };
        let IssueChange { risk, state, due_at, assignee } = self.change;
        Ok((which, Change { risk, state, due_at, assignee }))
    }
}

/// Another issue to merge into this one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeIssue {
    /// The issue whose instances move.
    from: IssueId,
}

/// List issues.
///
/// Of this organization only. Counts are of the instances that the caller may see. `include=total` stops at 10,000,
/// which then means "10,000 or more".
#[utoipa::path(tag = "issues", params(PageParams, IssueList), responses((status = 200, description = "A page of issues.", body = Page<IssueView>)))]
#[get("/issues")]
async fn list_issues(app: Data<App>, caller: Caller, list: ListQuery<IssueList>) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let (with_total, Sorted { filter, sort }) = (list.wants_total(), list.filter);
    let page = app.db.read(move |conn| {
        let found = browse::issues(conn, &caller, &filter, sort, &window, with_total, now)?;
        let page = window.page(found.rows, &seal, |(key, _)| *key);
        Ok::<_, ApiError>(Page { total: found.total, ..page.map(|(_, seen)| IssueView::from(seen)) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Count issues.
///
/// By state, risk, product and assignee: the choices that a front end offers as filters. Each field is counted under all
/// filters but its own; of products and assignees those 100 are told that most issues have.
#[utoipa::path(tag = "issues", params(IssueFilter), responses((status = 200, description = "The counts.", body = IssueFacetsView)))]
#[get("/issues/facets")]
async fn count_issues(
    app: Data<App>,
    caller: Caller,
    StrictQuery(filter): StrictQuery<IssueFilter>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let facets = app.db.read(move |conn| browse::facets(conn, &caller, &filter, now)).await?;
    Ok(HttpResponse::Ok().json(IssueFacetsView::from(facets)))
}

/// Change issues.
///
/// Many alike, by their ids or by a filter. What became of each is answered.
#[utoipa::path(tag = "issues", request_body = ChangeIssues, responses((status = 200, description = "What became of them.", body = Summary), (status = 409, description = "Too many match the filter.")))]
#[post("/issues/change")]
async fn change_issues(
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<ChangeIssues>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let (which, change) = input.split()?;
    let patch = IssuePatch::from(change);
    let work = app.db.write_again(move |conn| {
        let summary = bulk::change(conn, &caller, &which, &patch, now)?;
        wishes::record_issues(conn, caller.organization, &summary.changed_ids(), now)?;
        Ok(summary)
    });
    let summary = work.await?;
    app.work.notify_one();
    Ok(HttpResponse::Ok().json(summary))
}

/// Draft an issue.
///
/// What it would be, from its instances: to be edited and created. Nothing is kept.
#[utoipa::path(tag = "issues", request_body = DraftIssue, responses((status = 200, description = "The draft.", body = DraftView), (status = 409, description = "The selection is too large.")))]
#[post("/issues/draft")]
async fn draft_issue(
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<DraftIssue>,
) -> Result<HttpResponse, ApiError> {
    let selection = input.selection.one("/selection")?;
    let draft = app.db.read(move |conn| create::draft(conn, &caller, &selection)).await?;
    Ok(HttpResponse::Ok().json(DraftView::from(draft)))
}

/// Create an issue.
///
/// Its instances are snapshots: they keep what is known now, whatever becomes of observations, assets and branches.
#[utoipa::path(tag = "issues", request_body = CreateIssue, responses((status = 201, description = "The issue.", body = IssueView), (status = 409, description = "The selection is too large.")))]
#[post("/issues")]
async fn create_issue(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CreateIssue>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let (input, selection) = input.split()?;
    let work = app.db.write_again(move |conn| {
        let made = create::create(conn, &caller, input.clone(), selection.as_ref(), now)?;
        wishes::record_issues(conn, caller.organization, &[made.issue.id], now)?;
        Ok(made)
    });
    let made = work.await?;
    app.work.notify_one();
    let (id, version) = (made.issue.id, made.issue.version);
    let mut response = HttpResponse::Created();
    Ok(response.insert_header(location(&request, id)).insert_header(etag(version)).json(IssueView::from(made)))
}

/// Get an issue.
#[utoipa::path(tag = "issues", params(IssuePath), responses((status = 200, description = "The issue.", body = IssueView)))]
#[get("/issues/{issue}")]
async fn get_issue(app: Data<App>, caller: Caller, path: Path<IssuePath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get(conn, &caller, path.issue)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.issue.version)).json(IssueView::from(found)))
}

/// Change an issue.
///
/// People may set any state; Patchbay moves it to `resolved` when all instances are remediated, and back to
/// `in_progress` when one is found again. Every change is an entry of the timeline.
#[utoipa::path(tag = "issues", params(IssuePath), request_body(content = UpdateIssue, content_type = "application/merge-patch+json"), responses((status = 200, description = "The issue.", body = IssueView), (status = 409, description = "It was merged into another.")))]
#[patch("/issues/{issue}")]
async fn update_issue(
    app: Data<App>,
    caller: Caller,
    path: Path<IssuePath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateIssue>,
) -> Result<HttpResponse, ApiError> {
    let (now, patch) = (app.clock.now(), IssuePatch::from(input));
    let work = app.db.write_again(move |conn| {
        let changed = edit::update(conn, &caller, path.issue, &patch, &if_match, now)?;
        wishes::record_issues(conn, caller.organization, &[path.issue], now)?;
        Ok(changed)
    });
    let changed = work.await?;
    app.work.notify_one();
    Ok(HttpResponse::Ok().insert_header(etag(changed.issue.version)).json(IssueView::from(changed)))
}

/// What becomes of the ticket of an issue that is deleted.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeletedIssue {
    /// Whether its ticket is closed, or left as it is: then nothing is written to it any more.
    #[serde(default)]
    #[param(inline)]
    ticket: TicketFate,
}

/// Delete an issue.
///
/// Its instances, snapshots and timeline go with it. Its ticket is closed, or with `ticket=unlink` left as it is. Of an
/// issue that also has instances of products that the caller does not see, these stay, and so does its ticket.
#[utoipa::path(tag = "issues", params(IssuePath, DeletedIssue), responses((status = 204, description = "It is gone.")))]
#[delete("/issues/{issue}")]
async fn delete_issue(
    app: Data<App>,
    caller: Caller,
    path: Path<IssuePath>,
    StrictQuery(query): StrictQuery<DeletedIssue>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let work =
        app.db.write_again(move |conn| deletion::delete(conn, &caller, path.issue, query.ticket, &if_match, now));
    work.await?;
    app.work.notify_one();
    Ok(HttpResponse::NoContent().finish())
}

/// Merge another issue into this one.
///
/// Its instances move with their snapshots. It stays, closed and empty, with its own timeline, and names this issue.
#[utoipa::path(tag = "issues", params(IssuePath), request_body = MergeIssue, responses((status = 200, description = "The issue.", body = IssueView), (status = 409, description = "One of them was merged before.")))]
#[post("/issues/{issue}/merge")]
async fn merge_issue(
    app: Data<App>,
    caller: Caller,
    path: Path<IssuePath>,
    if_match: IfMatch,
    StrictJson(input): StrictJson<MergeIssue>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let work = app.db.write_again(move |conn| {
        let merge = |conn: &mut _| merge::merge(conn, &caller, path.issue, input.from, &if_match, now);
        wishes::around_issues(conn, caller.organization, &[path.issue, input.from], now, merge)
    });
    let merged = work.await?;
    app.work.notify_one();
    Ok(HttpResponse::Ok().insert_header(etag(merged.issue.version)).json(IssueView::from(merged)))
}
