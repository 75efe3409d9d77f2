//! Issues: draft, create, get.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::StrictJson;
use super::etag::{etag, location};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{AssetId, IssueId, ObservationId, ProductId, ScanId, VulnerabilityId};
use crate::base::time::UtcTime;
use crate::issues::model::{Assignee, NewIssue, Risk};
use crate::issues::selection::Selection;
use crate::issues::service::{self, create};
use crate::issues::status::IssueState;
use crate::observations::filter::Filter;

mod views;

use views::{DraftView, IssueView};

/// The routes of issues.
pub fn routes(config: &mut ServiceConfig) {
    config.service(draft_issue).service(create_issue).service(get_issue);
}

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
pub struct DraftIssue {
    /// What it is made of.
    selection: SelectInstances,
}

/// An issue to make. What is left out is as `issues/draft` says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateIssue {
    /// What it is made of; an issue without instances is made without it.
    selection: Option<SelectInstances>,
    /// One line.
    #[schema(min_length = 1, max_length = 200, example = "Log4Shell in the shop")]
    name: Option<String>,
    /// Markdown.
    #[schema(max_length = 100_000)]
    description: Option<String>,
    /// Markdown: what to do about it.
    #[schema(max_length = 100_000)]
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
    let work = app.db.write_again(move |conn| create::create(conn, &caller, input.clone(), selection.as_ref(), now));
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
