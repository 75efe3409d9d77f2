//! Observations: list, count, get, enter, assess, delete; their history.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::query::{ListQuery, PageParams, Sorted, StrictQuery};
use crate::access::model::Caller;
use crate::app::App;
use crate::assessments::browse::{self, WholeObservation};
use crate::assessments::model::{Decision, Selection, Summary};
use crate::assessments::{deletion, service};
use crate::base::error::ApiError;
use crate::base::ids::ObservationId;
use crate::base::page::Page;
use crate::observations::filter::{Filter, Sort};
use crate::observations::repo::facets::FacetField;
use crate::scans::manual::{self, NewObservation};

pub(super) mod views;

use views::{FacetsView, HistoryView, ObservationView, WholeObservationView};

/// The routes of observations.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_observations)
        .service(create_observation)
        .service(count_observations)
        .service(assess_observations)
        .service(get_observation)
        .service(update_observation)
        .service(delete_observation)
        .service(list_observation_history);
}

/// Which observations, in which order.
pub(super) type ObservationList = Sorted<Filter, Sort>;

/// The observation of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ObservationPath {
    /// The observation.
    pub observation: ObservationId,
}

/// The query of a list that is always in one order.
#[derive(Debug, Clone, Deserialize, IntoParams)]
pub(super) struct NoFilter {}

/// Observations to assess alike: named by id or by a filter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"filter": {"q": "lodash"}, "assessment": {"assessed_status": "false_positive", "comment": "Test code only, it is not shipped."}}))]
pub struct AssessObservations {
    /// These. Either this or `filter`.
    #[schema(max_items = 10000)]
    ids: Option<Vec<ObservationId>>,
    /// All that match, at most 100,000. Either this or `ids`; an empty filter is all that the caller may see.
    filter: Option<Filter>,
    /// What to say about them.
    assessment: Decision,
}

impl AssessObservations {
    fn split(self) -> Result<(Selection, Decision), ApiError> {
        let selection = match (self.ids, self.filter) {
            (Some(ids), None) => Selection::Ids(ids),
            (None, Some(filter)) => Selection::Filter(Box::new(filter)),
            (Some(_), Some(_)) | (None, None) => {
                return Err(ApiError::invalid("", "needs either ids or filter"));
            }
        };
        Ok((selection, self.assessment))
    }
}

/// List observations.
///
/// `include=total` is exact for filters by status, severity, product, branch, engagement, source and tool; with others
/// it stops at 10,000, which then means "10,000 or more".
#[utoipa::path(tag = "observations", params(PageParams, ObservationList), responses((status = 200, description = "A page of observations.", body = Page<ObservationView>)))]
#[get("/observations")]
async fn list_observations(
    app: Data<App>,
    caller: Caller,
    list: ListQuery<ObservationList>,
) -> Result<HttpResponse, ApiError> {
    page_of_observations(&app, caller, list).await
}

/// The page of observations that a list asks for.
pub(super) async fn page_of_observations(
    app: &App,
    caller: Caller,
    list: ListQuery<ObservationList>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let (with_total, Sorted { filter, sort }) = (list.wants_total(), list.filter);
    let body = app.db.read(move |conn| {
        let found = browse::observations(conn, &caller, &filter, sort, &window, with_total)?;
        let page = window.page(found.rows, &seal, |(key, _)| *key);
        let page = page.map(|(_, row)| ObservationView::new(row, &found.names));
        // Written here, where it may block, and not on the threads that serve all requests.
        serde_json::to_vec(&Page { total: found.total, ..page }).map_err(ApiError::internal)
    });
    Ok(HttpResponse::Ok().content_type("application/json").body(body.await?))
}

/// Count observations.
///
/// By status, severity, product, branch, engagement and tool: the choices that a front end offers as filters. Each field
/// is counted under all filters but its own.
#[utoipa::path(tag = "observations", params(Filter), responses((status = 200, description = "The counts.", body = FacetsView)))]
#[get("/observations/facets")]
async fn count_observations(
    app: Data<App>,
    caller: Caller,
    StrictQuery(filter): StrictQuery<Filter>,
) -> Result<HttpResponse, ApiError> {
    let facets = app.db.read(move |conn| browse::facets(conn, &caller, &filter, &FacetField::ALL)).await?;
    Ok(HttpResponse::Ok().json(FacetsView::from(facets)))
}

/// Enter an observation.
///
/// One that no scan reports, as of a pentest or a review. It gets a ticket like any other.
#[utoipa::path(tag = "observations", request_body = NewObservation, responses((status = 201, description = "The observation.", body = WholeObservationView)))]
#[post("/observations")]
async fn create_observation(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<NewObservation>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let made = app.db.write(move |conn| {
        let id = manual::create(conn, &caller, &input, now)?;
        browse::observation(conn, &caller, id)
    });
    let made = made.await?;
    app.work.notify_one();
    let (id, version) = (made.row.id, made.row.version);
    let mut response = HttpResponse::Created();
    Ok(response
        .insert_header(location(&request, id))
        .insert_header(etag(version))
        .json(WholeObservationView::from(made)))
}

/// Assess observations.
///
/// Many alike, by their ids or by a filter. Those that the assessment does not fit are left alone and listed.
#[utoipa::path(tag = "observations", request_body = AssessObservations, responses((status = 200, description = "What became of them.", body = Summary), (status = 409, description = "Too many match the filter.")))]
#[post("/observations/assess")]
async fn assess_observations(
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<AssessObservations>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let (selection, decision) = input.split()?;
    let work = app.db.write_again(move |conn| service::assess(conn, &caller, &selection, &decision, now));
    let summary = work.await?;
    app.work.notify_one();
    Ok(HttpResponse::Ok().json(summary))
}

fn whole(found: WholeObservation) -> HttpResponse {
    HttpResponse::Ok().insert_header(etag(found.row.version)).json(WholeObservationView::from(found))
}

/// Get an observation.
#[utoipa::path(tag = "observations", params(ObservationPath), responses((status = 200, description = "The observation.", body = WholeObservationView)))]
#[get("/observations/{observation}")]
async fn get_observation(
    app: Data<App>,
    caller: Caller,
    path: Path<ObservationPath>,
) -> Result<HttpResponse, ApiError> {
    Ok(whole(app.db.read(move |conn| browse::observation(conn, &caller, path.observation)).await?))
}

/// Assess an observation.
///
/// What scans report cannot be changed, only assessed: status, severity, verification. Null takes back what was said.
#[utoipa::path(tag = "observations", params(ObservationPath), request_body(content = Decision, content_type = "application/merge-patch+json"), responses((status = 200, description = "The observation.", body = WholeObservationView)))]
#[patch("/observations/{observation}")]
async fn update_observation(
    app: Data<App>,
    caller: Caller,
    path: Path<ObservationPath>,
    if_match: IfMatch,
    MergePatch(decision): MergePatch<Decision>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let changed = app.db.write_again(move |conn| {
        service::assess_one(conn, &caller, path.observation, &decision, &if_match, now)?;
        browse::observation(conn, &caller, path.observation)
    });
    let changed = changed.await?;
    app.work.notify_one();
    Ok(whole(changed))
}

/// Delete an observation.
///
/// Its ticket is closed. When a scan reports it again it is new, and its old ticket is reopened.
#[utoipa::path(tag = "observations", params(ObservationPath), responses((status = 204, description = "It is gone.")))]
#[delete("/observations/{observation}")]
async fn delete_observation(
    app: Data<App>,
    caller: Caller,
    path: Path<ObservationPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write_again(move |conn| deletion::delete(conn, &caller, path.observation, &if_match, now)).await?;
    app.work.notify_one();
    Ok(HttpResponse::NoContent().finish())
}

/// List the history of an observation.
///
/// Newest first.
#[utoipa::path(tag = "observations", params(ObservationPath, PageParams), responses((status = 200, description = "A page of the history.", body = Page<HistoryView>)))]
#[get("/observations/{observation}/history")]
async fn list_observation_history(
    app: Data<App>,
    caller: Caller,
    path: Path<ObservationPath>,
    list: ListQuery<NoFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let page = app.db.read(move |conn| {
        let entries = browse::history(conn, &caller, path.observation, &window)?;
        Ok::<_, ApiError>(window.page(entries, &seal, |entry| entry.id).map(HistoryView::from))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}
