//! Webhooks of trackers: taking deliveries in, setting them up, seeing what came of them.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson, read_bytes};
use super::etag::{IfMatch, etag};
use super::query::{ListQuery, PageParams};
use super::tracker_connections::ConnectionPath;
use super::{idempotency, limits};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{DeliveryId, TicketId};
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::inbox;
use crate::webhooks::intake::{self, Brought, MAX_BYTES, Sender};
use crate::webhooks::mapping::{MappedStatus, StateMapping};
use crate::webhooks::model::{KindSeen, Outcome, StatusSeen, WorkedOff};
use crate::webhooks::repo::DeliveryFilter;
use crate::webhooks::service::{self, NewSecrets, Overview, WebhookChange};
use crate::webhooks::signature::Signatures;

/// What stands for a secret that is not shown.
const HIDDEN: &str = "{secret}";
const FORM: &str = "application/x-www-form-urlencoded";

/// The routes of people.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(get_tracker_webhook)
        .service(update_tracker_webhook)
        .service(rotate_tracker_webhook)
        .service(list_webhook_deliveries);
}

/// The route of trackers.
pub fn inbound_routes(config: &mut ServiceConfig) {
    config.service(receive_webhook);
}

/// The address of a webhook.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WebhookPath {
    /// Which tracker sends it.
    #[param(value_type = Sender, inline)]
    sender: String,
    /// The connection.
    #[param(value_type = String, format = Uuid)]
    connection: String,
    /// The secret of the connection's webhook.
    #[param(value_type = String, format = Password)]
    secret: Secret<String>,
}

/// What Jira adds to the address; it is not used.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query to the document; whatever stands there is ignored")]
struct AddedByJira {
    /// Who caused the delivery.
    user_id: Option<String>,
    /// Who caused the delivery.
    user_key: Option<String>,
}

/// Receive a delivery of a tracker's webhook.
///
/// It is stored when this answers, and worked off in the background. A signature is checked where there is one
/// (`X-Hub-Signature-256`, `X-Hub-Signature`, `X-Gitlab-Token`, `webhook-signature`, whose `webhook-timestamp` must be of
/// the last five minutes). The same delivery again does nothing. While trackers are switched off, deliveries wait; of more
/// than `PATCHBAY_HELD_DELIVERIES` of an organization each is answered 503.
#[utoipa::path(
    tag = "trackers",
    security(()),
    params(WebhookPath, AddedByJira),
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses(
        (status = 202, description = "It is stored."),
        (status = 401, description = "The signature is wrong, or there is none and one is required."),
        (status = 404, description = "There is no such webhook, or its secret is another."),
    )
)]
#[post("/{sender}/{connection}/{secret}")]
async fn receive_webhook(
    request: HttpRequest,
    app: Data<App>,
    path: Path<WebhookPath>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let (path, now) = (path.into_inner(), app.clock.now());
    let found = app.db.read(move |conn| intake::find(conn, &path.sender, &path.connection, &path.secret, now)).await;
    if matches!(found, Err(ApiError::NotFound { .. })) {
        limits::count_guess(&request, &app)?;
    }
    let (known, raw) = (found?, read_bytes(&request, payload.into_inner(), MAX_BYTES).await?);
    let json = json_in(request.headers(), &raw);
    let delivery = known.accept(&app.keys, &brought(request.headers(), &raw, &json), now)?;
    known.require_room(&app.db, &app.inbox, app.config.held_deliveries).await?;
    app.inbox.take(delivery).await?;
    Ok(HttpResponse::Accepted().finish())
}

fn brought<'a>(headers: &'a HeaderMap, raw: &'a [u8], body: &'a [u8]) -> Brought<'a> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let first = |names: &[&str]| names.iter().find_map(|name| header(name));
    let standard = (header("webhook-signature"), header("webhook-id"), header("webhook-timestamp"));
    let standard = match standard {
        (Some(signature), id, timestamp) => Some((signature, id.unwrap_or_default(), timestamp.unwrap_or_default())),
        (None, _, _) => None,
    };
    Brought {
        event: first(&["x-github-event", "x-gitlab-event"]).unwrap_or_default(),
        id: first(&["x-github-delivery", "idempotency-key", "x-gitlab-event-uuid", "x-atlassian-webhook-identifier"])
            .unwrap_or_default(),
        signatures: Signatures {
            hub: first(&["x-hub-signature-256", "x-hub-signature"]),
            gitlab_token: header("x-gitlab-token"),
            standard,
        },
        raw,
        body,
    }
}

/// GitHub can also be told to send a form with the JSON in it.
fn json_in(headers: &HeaderMap, raw: &[u8]) -> Vec<u8> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with(FORM) {
        return raw.to_vec();
    }
    let payload = form_urlencoded::parse(raw).find(|(name, _)| name == "payload");
    payload.map_or_else(Vec::new, |(_, payload)| payload.into_owned().into_bytes())
}

/// How many deliveries wait, and since when the oldest does.
type Backlog = (i64, Option<UtcTime>);

/// The webhook of a connection, and what came through it.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookView {
    /// The address to enter in the tracker; in place of `{secret}` stands what was shown when it was made.
    #[schema(example = "https://patchbay.example/api/v1/webhooks/jira/0198c8f2-5a5c-7d3e-9b1a-2f6d1c0e4b7a/{secret}")]
    url: String,
    /// The kinds of events that the tracker should send.
    #[schema(max_items = 10, example = json!(["issues", "issue_comment"]))]
    needed_events: Vec<String>,
    /// When the secret was made; null until there is one.
    secret_made_at: Option<UtcTime>,
    /// Until when the secret before is still taken.
    previous_secret_until: Option<UtcTime>,
    /// Whether deliveries without a signature are refused.
    require_signature: bool,
    /// Which statuses of the tracker change the state of issues; null while none does.
    #[schema(max_items = 200)]
    state_mapping: Option<Vec<MappedStatus>>,
    /// The statuses that tickets were seen in and that lead to no state of issues; shown to admins.
    #[schema(max_items = 200)]
    unmapped_statuses: Vec<StatusView>,
    /// The kinds of deliveries that came and were worked off; shown to admins.
    #[schema(max_items = 201)]
    kinds: Vec<KindView>,
    /// How many deliveries wait to be worked off; a switch may hold them. Null for who is no admin.
    #[schema(example = 0)]
    waiting: Option<i64>,
    /// Since when the oldest of them does.
    waiting_since: Option<UtcTime>,
}

/// How many deliveries of a kind came.
#[derive(Debug, Serialize, ToSchema)]
struct KindView {
    /// The tracker's word for the kind.
    #[schema(example = "issue_comment")]
    event: String,
    /// Whether it means anything here.
    known: bool,
    /// How many came.
    #[schema(example = 4)]
    deliveries: i64,
    /// When the last came.
    last_at: UtcTime,
}

impl From<KindSeen> for KindView {
    fn from(seen: KindSeen) -> Self {
        Self { event: seen.event, known: seen.is_known, deliveries: seen.deliveries, last_at: seen.last_at }
    }
}

impl WebhookView {
    fn new(overview: Overview, public_url: &str, (waiting, waiting_since): Backlog) -> Self {
        Self {
            url: overview.url(public_url, HIDDEN),
            needed_events: overview.needed_events().iter().map(|event| (*event).to_owned()).collect(),
            secret_made_at: overview.webhook.secret_made_at,
            previous_secret_until: overview.webhook.previous_until,
            require_signature: overview.webhook.requires_signature,
            state_mapping: overview.webhook.state_mapping().map(|mapping| mapping.0),
            unmapped_statuses: overview.unmapped_statuses().into_iter().map(StatusView::from).collect(),
            kinds: overview.kinds.into_iter().map(KindView::from).collect(),
            waiting: overview.is_for_admin.then_some(waiting),
            waiting_since: waiting_since.filter(|_| overview.is_for_admin),
        }
    }
}

/// A status that tickets were seen in.
#[derive(Debug, Serialize, ToSchema)]
struct StatusView {
    /// The tracker's word for it.
    #[schema(example = "Waiting for review")]
    status: String,
    /// When a ticket was last seen in it.
    last_at: UtcTime,
}

impl From<StatusSeen> for StatusView {
    fn from(seen: StatusSeen) -> Self {
        Self { status: seen.status, last_at: seen.last_at }
    }
}

/// What to change of a webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateWebhook {
    /// Whether deliveries without a signature are refused.
    #[serde(default)]
    #[schema(value_type = bool)]
    require_signature: Patch<bool>,
    /// Which statuses of the tracker change the state of issues, in place of all lines before. A status that the tracker
    /// counts as done and that is not named resolves; any other that is not named changes nothing. Null: none does.
    #[serde(default)]
    #[schema(value_type = Option<Vec<MappedStatus>>, max_items = 200)]
    state_mapping: Patch<Option<Vec<MappedStatus>>>,
}

/// How to make a new secret.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct RotateWebhook {
    /// How long the secret before is still taken, in seconds.
    #[schema(default = 86400, minimum = 0, maximum = 604_800, example = 3600)]
    grace_seconds: Option<u32>,
}

/// The usual grace, in seconds: a day.
const GRACE_S: u32 = 86_400;

/// New secrets, shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct NewSecretsView {
    /// The address to enter in the tracker.
    #[schema(
        example = "https://patchbay.example.com/api/v1/webhooks/018f3b7e-5f00-7cc0-8000-000000000001/whs_0123456789"
    )]
    url: String,
    /// The secret in it.
    #[schema(example = "pbw_9yF2…")]
    secret: String,
    /// What the tracker should sign with: the secret of the webhook in GitHub and Jira; in GitLab the signing token, or
    /// the secret token.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw…")]
    signing_secret: String,
    /// Until when the secret before is still taken.
    previous_secret_until: Option<UtcTime>,
}

impl NewSecretsView {
    fn new(made: &NewSecrets, public_url: &str) -> Self {
        Self {
            url: made.overview.url(public_url, made.secret.expose()),
            secret: made.secret.expose().clone(),
            signing_secret: made.signing.expose().clone(),
            previous_secret_until: made.overview.webhook.previous_until,
        }
    }
}

/// What came of a delivery.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryView {
    /// Its id.
    id: DeliveryId,
    /// The tracker's word for its kind.
    #[schema(example = "jira:issue_updated")]
    event: String,
    /// Whether it was signed.
    signed: bool,
    /// What came of it.
    #[schema(inline)]
    outcome: Outcome,
    /// What it did, line by line.
    effects: Vec<String>,
    /// The ticket that it is about.
    ticket_id: Option<TicketId>,
    /// When it came.
    received_at: UtcTime,
    /// When it was worked off.
    worked_off_at: UtcTime,
}

impl From<WorkedOff> for DeliveryView {
    fn from(row: WorkedOff) -> Self {
        Self {
            effects: row.effects(),
            id: row.id,
            event: row.event,
            signed: row.is_signed,
            outcome: row.outcome,
            ticket_id: row.ticket_id,
            received_at: row.received_at,
            worked_off_at: row.worked_off_at,
        }
    }
}

/// Which deliveries.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveriesFilter {
    /// With one of these outcomes.
    #[serde(default)]
    #[param(max_items = 6, inline)]
    outcome: Vec<Outcome>,
}

/// Get the webhook of a tracker connection.
///
/// Its address, the events that the tracker should send, and when the last of each kind came. Nothing is sent: this is
/// also how to find out whether it works. What came and what waits is of all products, and shown to admins only; the list
/// of deliveries shows everybody their part.
#[utoipa::path(tag = "trackers", params(ConnectionPath), responses((status = 200, description = "The webhook.", body = WebhookView)))]
#[get("/tracker-connections/{connection}/webhook")]
async fn get_tracker_webhook(
    app: Data<App>,
    caller: Caller,
    path: Path<ConnectionPath>,
) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::overview(conn, &caller, path.connection)).await?;
    shown(&app, found).await
}

/// Change the webhook of a tracker connection.
#[utoipa::path(tag = "trackers", params(ConnectionPath), request_body(content = UpdateWebhook, content_type = "application/merge-patch+json"), responses((status = 200, description = "The webhook.", body = WebhookView), (status = 412, description = "It was changed since it was read: `If-Match` names another version.")))]
#[patch("/tracker-connections/{connection}/webhook")]
async fn update_tracker_webhook(
    app: Data<App>,
    caller: Caller,
    path: Path<ConnectionPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateWebhook>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let state_mapping = match input.state_mapping {
        Patch::Keep => Patch::Keep,
        Patch::Set(lines) => Patch::Set(lines.map(StateMapping)),
    };
    let change = WebhookChange { requires_signature: input.require_signature, state_mapping };
    let changed = app.db.write(move |conn| service::change(conn, &caller, path.connection, &change, &if_match, now));
    shown(&app, changed.await?).await
}

async fn shown(app: &App, overview: Overview) -> Result<HttpResponse, ApiError> {
    let (connection, version) = (overview.webhook.connection_id, overview.webhook.version);
    let backlog = app.inbox.read(move |conn| inbox::repo::backlog(conn, connection)).await?;
    let view = WebhookView::new(overview, &app.config.public_url, backlog);
    Ok(HttpResponse::Ok().insert_header(etag(version)).json(view))
}

/// Make a new secret for the webhook of a tracker connection.
///
/// The first one sets the webhook up. The secrets are shown this once; the one before is taken for a while longer, so
/// that no delivery is lost while the new one is entered in the tracker.
#[utoipa::path(tag = "trackers", params(ConnectionPath), request_body = RotateWebhook, responses((status = 200, description = "The new secrets.", body = NewSecretsView)))]
#[post("/tracker-connections/{connection}/webhook/rotate")]
async fn rotate_tracker_webhook(
    app: Data<App>,
    caller: Caller,
    path: Path<ConnectionPath>,
    StrictJson(input): StrictJson<RotateWebhook>,
) -> Result<HttpResponse, ApiError> {
    let (now, keys, grace_s) = (app.clock.now(), app.keys.clone(), input.grace_seconds.unwrap_or(GRACE_S));
    let made = app.db.write(move |conn| service::rotate(conn, &caller, &keys, path.connection, grace_s, now)).await?;
    let view = NewSecretsView::new(&made, &app.config.public_url);
    Ok(HttpResponse::Ok().insert_header(idempotency::SECRET).json(view))
}

/// List what came of the deliveries of a tracker connection's webhook.
///
/// The newest first. Kept for 30 days, or 3 when they were about nothing that Patchbay has a ticket for, and at most
/// 10,000.
#[utoipa::path(tag = "trackers", params(ConnectionPath, PageParams, DeliveriesFilter), responses((status = 200, description = "A page of deliveries.", body = Page<DeliveryView>)))]
#[get("/tracker-connections/{connection}/webhook/deliveries")]
async fn list_webhook_deliveries(
    app: Data<App>,
    caller: Caller,
    path: Path<ConnectionPath>,
    list: ListQuery<DeliveriesFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window::<DeliveryId>(app.keys.cursor.expose(), &caller)?;
    let filter = DeliveryFilter { outcomes: list.filter.outcome };
    let page = app.db.read(move |conn| {
        let rows = service::deliveries(conn, &caller, path.connection, &filter, &window)?;
        Ok::<_, ApiError>(window.page(rows, &seal, |row| row.id).map(DeliveryView::from))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}
