//! Tickets, and the pushes of observations.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::etag::{IfMatch, etag};
use super::query::{ListQuery, PageParams};
use super::sync_jobs::SyncJobView;
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{ConnectionId, ObservationId, ProductId, SubjectId, TicketId};
use crate::base::page::Page;
use crate::base::scope::SEVERAL;
use crate::base::time::UtcTime;
use crate::outbox::model::SubjectKind;
use crate::tickets::model::{Phase, RemoteState, Ticket};
use crate::tickets::repo::TicketFilter;
use crate::tracker_configs::model::Switch;
use crate::tracker_configs::policy::Condition;
use crate::trackers::service::{self, Explanation, NextStep, Pushed};
use crate::trackers::sync::Tools;

/// The routes of tickets.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_tickets)
        .service(get_ticket)
        .service(unlink_ticket)
        .service(refresh_ticket)
        .service(get_observation_ticket)
        .service(push_observation);
}

/// The link between a subject and one item in a tracker.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketView {
    /// Its id.
    id: TicketId,
    /// The account that made it.
    connection_id: ConnectionId,
    /// The product of its subject; null where the subject spans several.
    product_id: Option<ProductId>,
    /// What it is about.
    #[schema(inline)]
    subject_kind: SubjectKind,
    /// What it is about.
    subject_id: SubjectId,
    /// How far it has come.
    #[schema(inline)]
    phase: Phase,
    /// Its title as last pushed.
    #[schema(example = "[High] Prototype pollution in lodash")]
    title: String,
    /// The project in the tracker.
    #[schema(example = "acme/shop")]
    project_key: String,
    /// The tracker's key.
    #[schema(example = "acme/shop#12")]
    key: Option<String>,
    /// Its page for people.
    #[schema(example = "https://github.com/acme/shop/issues/12")]
    url: Option<String>,
    /// The base URL of the connection when it was made.
    #[schema(example = "https://github.com")]
    base_url: String,
    /// What Patchbay last made it.
    #[schema(inline)]
    state: Option<RemoteState>,
    /// What was seen in the tracker, where that differs.
    #[schema(inline)]
    state_seen: Option<RemoteState>,
    /// Why the last push failed.
    #[schema(example = "503 Service Unavailable")]
    last_error: Option<String>,
    /// It was asked for by hand.
    pushed_by_hand: bool,
    /// When it was last pushed.
    last_synced_at: Option<UtcTime>,
    /// When it stopped being the ticket of its subject.
    unlinked_at: Option<UtcTime>,
    /// When it was intended.
    created_at: UtcTime,
}

impl From<Ticket> for TicketView {
    fn from(ticket: Ticket) -> Self {
        Self {
            id: ticket.id,
            connection_id: ticket.connection_id,
            product_id: Some(ticket.product_id).filter(|product| *product != SEVERAL),
            subject_kind: ticket.subject_kind,
            subject_id: ticket.subject_id,
            phase: ticket.phase,
            title: ticket.title,
            project_key: ticket.project_key,
            key: ticket.remote_key,
            url: ticket.url,
            base_url: ticket.base_url,
            state: ticket.state_pushed,
            state_seen: ticket.state_seen,
            last_error: ticket.last_error,
            pushed_by_hand: ticket.pushed_by_hand,
            last_synced_at: ticket.last_synced_at,
            unlinked_at: ticket.unlinked_at,
            created_at: ticket.created_at,
        }
    }
}

/// The ticket of an observation, and every reason for what it is and will be.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketExplanation {
    /// Its ticket; null when it has none.
    ticket: Option<TicketView>,
    /// What will be done next, were every switch on.
    #[schema(inline)]
    next_step: NextStep,
    /// The conditions of having an open ticket; empty when the product has no tracker config.
    #[schema(max_items = 20)]
    conditions: Vec<Condition>,
    /// The switches that are off and hold what should be done.
    #[schema(inline, max_items = 6)]
    switches_off: Vec<Switch>,
    /// The job that waits or runs.
    job: Option<SyncJobView>,
}

impl From<Explanation> for TicketExplanation {
    fn from(explanation: Explanation) -> Self {
        Self {
            ticket: explanation.ticket.map(TicketView::from),
            next_step: explanation.next_step,
            conditions: explanation.conditions,
            switches_off: explanation.switches,
            job: explanation.job.map(SyncJobView::from),
        }
    }
}

/// What a push by hand leads to.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushResult {
    /// `queued`, or `refused`.
    #[schema(inline)]
    outcome: PushOutcome,
    /// Why it was refused.
    #[schema(example = "dry_run")]
    reason: Option<String>,
    /// What will be done: `create`, `update`, `reopen`, `close`, or `nothing` when the ticket is unchanged.
    explanation: TicketExplanation,
}

crate::text_enum! {
    /// What became of a push.
    PushOutcome {
        /// The worker will do it.
        Queued = "queued",
        /// It would lead to nothing.
        Refused = "refused",
    }
}

impl From<Pushed> for PushResult {
    fn from(pushed: Pushed) -> Self {
        Self {
            outcome: if pushed.is_queued { PushOutcome::Queued } else { PushOutcome::Refused },
            reason: pushed.refused,
            explanation: pushed.explanation.into(),
        }
    }
}

/// Which tickets.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TicketsFilter {
    /// Of this product.
    product: Option<ProductId>,
    /// Of this connection.
    connection: Option<ConnectionId>,
    /// In one of these phases.
    #[serde(default)]
    #[param(max_items = 4, inline)]
    phase: Vec<Phase>,
    /// With an error, or without.
    failed: Option<bool>,
}

/// The ticket of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TicketPath {
    /// The ticket.
    ticket: TicketId,
}

/// The observation of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ObservationPath {
    /// The observation.
    observation: ObservationId,
}

/// List tickets.
///
/// The newest first; those of products that the caller may see.
#[utoipa::path(tag = "trackers", params(PageParams, TicketsFilter), responses((status = 200, description = "A page of tickets.", body = Page<TicketView>)))]
#[get("/tickets")]
async fn list_tickets(
    app: Data<App>,
    caller: Caller,
    list: ListQuery<TicketsFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window::<TicketId>(app.keys.cursor.expose(), &caller)?;
    let filter = TicketFilter {
        product: list.filter.product,
        connection: list.filter.connection,
        phases: list.filter.phase,
        failed: list.filter.failed,
    };
    let page = app.db.read(move |conn| {
        let tickets = service::list_tickets(conn, &caller, &filter, &window)?;
        Ok::<_, ApiError>(window.page(tickets, &seal, |ticket| ticket.id).map(TicketView::from))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Get a ticket.
#[utoipa::path(tag = "trackers", params(TicketPath), responses((status = 200, description = "The ticket.", body = TicketView)))]
#[get("/tickets/{ticket}")]
async fn get_ticket(app: Data<App>, caller: Caller, path: Path<TicketPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get_ticket(conn, &caller, path.ticket)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.version)).json(TicketView::from(found)))
}

/// Unlink a ticket.
///
/// It stays as it is in the tracker. Its observation gets no other ticket by itself, until somebody pushes it.
#[utoipa::path(tag = "trackers", params(TicketPath), responses((status = 204, description = "It is unlinked."), (status = 409, description = "It is not linked any more.")))]
#[delete("/tickets/{ticket}")]
async fn unlink_ticket(
    app: Data<App>,
    caller: Caller,
    path: Path<TicketPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| service::unlink(conn, &caller, path.ticket, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Refresh a ticket.
///
/// Asks the tracker what it is now; where that differs from what it should be, it is queued.
#[utoipa::path(tag = "trackers", params(TicketPath), responses((status = 200, description = "The ticket.", body = TicketView), (status = 409, description = "It is not linked."), (status = 503, description = "The tracker does not answer as it should.")))]
#[post("/tickets/{ticket}/refresh")]
async fn refresh_ticket(app: Data<App>, caller: Caller, path: Path<TicketPath>) -> Result<HttpResponse, ApiError> {
    let ticket = service::refresh(&Tools::of(&app), &caller, path.ticket).await?;
    app.work.notify_one();
    Ok(HttpResponse::Ok().insert_header(etag(ticket.version)).json(TicketView::from(ticket)))
}

/// Explain the ticket of an observation.
///
/// The ticket, what will be done about it next, and every condition and switch that decides.
#[utoipa::path(tag = "trackers", params(ObservationPath), responses((status = 200, description = "The ticket and the reasons.", body = TicketExplanation)))]
#[get("/observations/{observation}/ticket")]
async fn get_observation_ticket(
    app: Data<App>,
    caller: Caller,
    path: Path<ObservationPath>,
) -> Result<HttpResponse, ApiError> {
    let public_url = app.config.public_url.clone();
    let explained = app.db.read(move |conn| service::explain(conn, &caller, path.observation, &public_url)).await?;
    Ok(HttpResponse::Ok().json(TicketExplanation::from(explained)))
}

/// Push an observation.
///
/// A push by hand passes `auto_sync`, `push_all`, `require_verified`, the minimum severity and an earlier unlinking.
#[utoipa::path(tag = "trackers", params(ObservationPath), responses((status = 202, description = "It is queued.", body = PushResult), (status = 200, description = "It is refused, with the reason.", body = PushResult)))]
#[post("/observations/{observation}/push")]
async fn push_observation(
    app: Data<App>,
    caller: Caller,
    path: Path<ObservationPath>,
) -> Result<HttpResponse, ApiError> {
    let (public_url, now) = (app.config.public_url.clone(), app.clock.now());
    let pushed = app.db.write(move |conn| service::push(conn, &caller, path.observation, &public_url, now)).await?;
    app.work.notify_one();
    let mut response = if pushed.is_queued { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    Ok(response.json(PushResult::from(pushed)))
}
