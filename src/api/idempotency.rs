//! `Idempotency-Key`: honoured on every POST for 24 hours.
//!
//! A middleware serves requests with a small body. Uploads hash their file while they receive it, and call [`run`].
//! Kept is what had an effect: an answer of 2xx. What was refused can be corrected and sent again with the same key. An
//! answer with `Cache-Control: no-store` holds a secret; it is remembered, but not kept.

use std::future::Future;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::body::{MAX_JSON_BYTES, read_bytes};
use super::encodings;
use super::problem::Problem;
use crate::access::model::{Caller, SignedIn};
use crate::app::App;
use crate::base::error::{ApiError, Fault};
use crate::base::ids::OrganizationId;
use crate::idempotency::model::{Kept, Key, RequestHash, Turn};
use crate::idempotency::service::{self, Claim};

/// The header of the key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// For an answer that holds a secret: `insert_header(SECRET)`. Nobody may keep it, neither we nor a proxy.
pub const SECRET: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

const MAX_KEY_LENGTH: usize = 255;
/// How often a running request renews its claim: a third of the lease.
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// When to ask again for the answer of a running request, in seconds.
const ASK_AGAIN_AFTER_S: u64 = 1;
/// The headers of an answer that are kept.
const KEPT_HEADERS: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];
/// Paths whose handlers receive a stream and call [`run`] with its hash.
const STREAMS: [&str; 5] =
    ["/scans", "/import-scan", "/reimport-scan", "/file_upload_observations_by_name", "/file_upload_sbom_by_name"];

/// Middleware for requests in an organization.
///
/// # Errors
/// Those of the framework.
pub async fn for_callers(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if !has_key(&request) || STREAMS.iter().any(|path| request.path().ends_with(path)) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    // Who is nobody hears that from the handler.
    let Ok(caller) = request.extract::<Caller>().await else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    serve(request, next, caller.organization, caller.actor.uuid().unwrap_or_default()).await
}

/// Middleware for requests of people that belong to no organization.
///
/// # Errors
/// Those of the framework.
pub async fn for_people(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if !has_key(&request) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let Ok(person) = request.extract::<SignedIn>().await else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    serve(request, next, OrganizationId(Uuid::nil()), person.user.0).await
}

fn has_key(request: &ServiceRequest) -> bool {
    request.method() == Method::POST && request.headers().contains_key(IDEMPOTENCY_KEY)
}

async fn serve(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    organization: OrganizationId,
    caller: Uuid,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = match claim_small(&mut request, organization, caller).await {
        Ok(begun) => begun,
        Err(error) => return Ok(request.error_response(error)),
    };
    let (app, claim) = match begun {
        Begun::Answered(answer) => return Ok(request.into_response(answer)),
        Begun::Mine(app, claim) => (app, claim),
    };
    // A client that goes away must not stop halfway what will be answered to its next attempt.
    let task = actix_web::rt::spawn(async move {
        let answered = while_renewing(&app, &claim, next.call(request)).await;
        match answered {
            Ok(response) => {
                let (request, response) = response.into_parts();
                let response = settle(&app, &claim, response.map_into_boxed_body()).await;
                Ok(ServiceResponse::new(request, response))
            }
            Err(error) => {
                give_back(&app, &claim).await;
                Err(error)
            }
        }
    });
    task.await.unwrap_or_else(|cause| Err(ApiError::internal(cause).into()))
}

enum Begun {
    Mine(Data<App>, Claim),
    Answered(HttpResponse),
}

async fn claim_small(
    request: &mut ServiceRequest,
    organization: OrganizationId,
    caller: Uuid,
) -> Result<Begun, ApiError> {
    let payload = request.take_payload();
    let bytes = read_bytes(request.request(), payload, MAX_JSON_BYTES).await?;
    let hash = hash_of(request.request(), &[&bytes]);
    request.set_payload(encodings::in_pieces(payload_of(bytes)));
    let key = Key { organization, caller, word: key_of(request.request())?.unwrap_or_default() };
    begin(request.request(), key, hash).await
}

fn payload_of(bytes: Bytes) -> Payload {
    let (_, mut payload) = actix_http::h1::Payload::create(true);
    payload.unread_data(bytes);
    Payload::from(payload)
}

async fn begin(request: &HttpRequest, key: Key, hash: RequestHash) -> Result<Begun, ApiError> {
    let app = request.app_data::<Data<App>>().cloned();
    let app = app.ok_or_else(|| ApiError::internal("the server was given no application"))?;
    let (now, claim) = (app.clock.now(), key.clone());
    let turn = app.db.write(move |conn| service::begin(conn, &key, &hash, now)).await?;
    Ok(match turn {
        Turn::First => Begun::Mine(app, Claim::new(claim, hash, now)),
        Turn::Running => Begun::Answered(running()),
        Turn::Other => {
            let detail = "was used for another request: the same key needs the same request";
            return Err(ApiError::Unprocessable(vec![Fault::new("Idempotency-Key", detail)]));
        }
        Turn::Done(kept) => Begun::Answered(replay(kept)),
    })
}

/// Runs the work of an upload once per key. `request_hash` is made of what the request holds: see [`hash_of`].
/// Without a key it just runs.
///
/// # Errors
/// `Invalid` for a key that cannot be one, `Unprocessable` for one that was used for another request; what `work`
/// answers.
pub async fn run<F>(
    request: &HttpRequest,
    caller: &Caller,
    request_hash: RequestHash,
    work: F,
) -> Result<HttpResponse, ApiError>
where
    F: Future<Output = Result<HttpResponse, ApiError>> + 'static,
{
    let Some(word) = key_of(request)? else { return work.await };
    let key = Key { organization: caller.organization, caller: caller.actor.uuid().unwrap_or_default(), word };
    let (app, claim) = match begin(request, key, request_hash).await? {
        Begun::Answered(answer) => return Ok(answer),
        Begun::Mine(app, claim) => (app, claim),
    };
    let task = actix_web::rt::spawn(async move {
        let answered = while_renewing(&app, &claim, work).await;
        let response = answered.unwrap_or_else(|error| error.error_response());
        settle(&app, &claim, response).await
    });
    task.await.map_err(ApiError::internal)
}

/// What a request holds: its method, its path and query, and these parts of its body. The parts of a form are its fields
/// and the hash of its file, so the boundaries between them do not count.
#[must_use]
pub fn hash_of(request: &HttpRequest, parts: &[&[u8]]) -> RequestHash {
    let mut hasher = Sha256::new();
    let head = [request.method().as_str().as_bytes(), request.path().as_bytes(), request.query_string().as_bytes()];
    for part in head.iter().chain(parts) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn key_of(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    let mut keys = request.headers().get_all(IDEMPOTENCY_KEY);
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=MAX_KEY_LENGTH).contains(&key.len()) && keys.next().is_none());
    let refused = || ApiError::invalid("Idempotency-Key", "must be one key of 1 to 255 printable ASCII characters");
    key.map(|key| Some(key.to_owned())).ok_or_else(refused)
}

/// Awaits the work, and says meanwhile that it still runs.
async fn while_renewing<T>(app: &App, claim: &Claim, work: impl Future<Output = T>) -> T {
    let _in_flight = app.stop.hold();
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(RENEW_EVERY, work.as_mut()).await {
            Ok(done) => return done,
            Err(_still_running) => {
                let (claim, now) = (claim.clone(), app.clock.now());
                if let Err(cause) = app.db.write(move |conn| claim.renew(conn, now)).await {
                    tracing::warn!(%cause, "could not renew an idempotency key");
                }
            }
        }
    }
}

/// Keeps the answer of what had an effect, and gives the key of anything else back.
async fn settle(app: &App, claim: &Claim, response: HttpResponse) -> HttpResponse {
    if !response.status().is_success() {
        give_back(app, claim).await;
        return response;
    }
    let (head, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body).await else {
        give_back(app, claim).await;
        return ApiError::internal("an answer could not be read").error_response();
    };
    let kept = Kept { status: head.status().as_u16(), headers: headers_of(&head), body: body_of(&head, &bytes) };
    let claim = claim.clone();
    if let Err(cause) = app.db.write(move |conn| claim.keep(conn, kept)).await {
        tracing::error!(%cause, "could not keep the answer of an idempotent request");
    }
    head.set_body(BoxBody::new(bytes))
}

async fn give_back(app: &App, claim: &Claim) {
    let claim = claim.clone();
    if let Err(cause) = app.db.write(move |conn| claim.release(conn)).await {
        tracing::warn!(%cause, "could not give an idempotency key back: its lease will end");
    }
}

fn headers_of(head: &HttpResponse<()>) -> Vec<(String, String)> {
    let text = |name: &HeaderName| Some((name.to_string(), head.headers().get(name)?.to_str().ok()?.to_owned()));
    KEPT_HEADERS.iter().filter_map(text).collect()
}

/// The body, unless it holds a secret.
fn body_of(head: &HttpResponse<()>, bytes: &Bytes) -> Option<Vec<u8>> {
    let cache = head.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    (!cache.contains("no-store")).then(|| bytes.to_vec())
}

fn running() -> HttpResponse {
    let detail = "the request with this Idempotency-Key is still running: ask again for its answer";
    let mut response = ApiError::Conflict(detail.to_owned()).error_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(ASK_AGAIN_AFTER_S));
    response
}

fn replay(kept: Kept) -> HttpResponse {
    let Some(body) = kept.body else {
        let detail = "the request with this Idempotency-Key was done; its answer held a secret and was not kept";
        return Problem::from(&ApiError::Conflict(detail.to_owned())).respond();
    };
    let mut response = HttpResponse::build(StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK));
    for (name, value) in kept.headers {
        response.insert_header((name, value));
    }
    response.insert_header((IDEMPOTENT_REPLAYED, "true")).body(body)
}
