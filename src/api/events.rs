//! What changes, as it changes: server-sent events.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, ContentEncoding, HeaderName};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, get};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::caller::bearer;
use crate::access::authentication::authenticate;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{IssueId, ProductId};
use crate::base::scope::ProductScope;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::events;
use crate::events::feed::{BATCH, Watcher};
use crate::events::model::{Event, EventAction, EventKind};
use crate::issues;

/// How often something is said when nothing changes: so proxies keep the connection, and we hear who has left.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often it is checked who watches: whoever may not any more sees nothing after that.
const CHECK_EVERY: Duration = Duration::from_secs(10);
const LAST_EVENT_ID: &str = "last-event-id";
/// Tells proxies that they must not wait until there is more.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(watch_events);
}

/// What changed; ask for it to see how.
#[derive(Debug, Serialize, ToSchema)]
struct EventView {
    /// What it is.
    #[schema(inline)]
    kind: EventKind,
    /// What happened to it.
    #[schema(inline)]
    action: EventAction,
    /// Its id.
    id: Uuid,
    /// Its product, if it has one.
    product_id: Option<ProductId>,
    /// When it happened.
    at: UtcTime,
}

/// Watch what changes.
///
/// Server-sent events `scan.created`, `issue.changed`, `ticket.changed`, `notification.created` and so on, each with an
/// id to go on from: browsers send it by themselves when they connect again. `reset` says that too much was missed, and
/// that what is shown should be read anew. What is of several products may be told once for each. The stream ends when
/// the caller may not read any more, or when the access token expires: connect again with another.
#[utoipa::path(
    tag = "events",
    params(("Last-Event-ID" = Option<i64>, Header, description = "The id of the last event that was seen; kept for a day.", minimum = 0)),
    responses((status = 200, description = "The events.", body = EventView, content_type = "text/event-stream"))
)]
#[get("/events")]
async fn watch_events(request: HttpRequest, app: Data<App>, caller: Caller) -> Result<HttpResponse, ApiError> {
    caller.require(Permission::Read)?;
    let seen = last_event_id(&request)?;
    let watcher = app.events.watch(caller.actor.uuid().unwrap_or_default()).await?;
    let newest = app.events.newest().await?;
    let (position, was_reset) = match seen {
        Some(seen) if can_resume(seen, newest, app.clock.now()) => (seen, false),
        Some(_) => (newest, true),
        None => (newest, false),
    };
    let stream = Stream {
        bearer: bearer(&request)?,
        app,
        caller,
        watcher,
        position,
        is_behind: true,
        checked: Instant::now(),
        ready: VecDeque::from([first_words(position, was_reset)]),
    };
    let events = stream::unfold(stream, |mut stream| async move {
        let words = stream.next().await?;
        Some((Ok::<_, ApiError>(words), stream))
    });
    let mut answer = HttpResponse::Ok();
    answer.content_type("text/event-stream").insert_header((CACHE_CONTROL, "no-store")).insert_header(UNBUFFERED);
    // A compressor would keep events until it has enough of them.
    Ok(answer.insert_header(ContentEncoding::Identity).streaming(Box::pin(events)))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<i64>, ApiError> {
    let Some(value) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    id.map(Some).ok_or_else(|| ApiError::invalid("Last-Event-ID", "must be the id of an event"))
}

/// Positions are times, and what is older than what is kept has been forgotten.
fn can_resume(seen: i64, newest: i64, now: UtcTime) -> bool {
    seen <= newest && UtcTime::from_micros(seen) > now.minus(events::repo::KEPT)
}

fn first_words(position: i64, was_reset: bool) -> Bytes {
    let event = if was_reset { "event: reset\ndata: {}\n" } else { "" };
    // An id without data sets what the client sends when it comes back, also before anything has changed.
    Bytes::from(format!("retry: 3000\nid: {position}\n{event}\n"))
}

/// Somebody who watches.
struct Stream {
    app: Data<App>,
    bearer: Secret<String>,
    caller: Caller,
    watcher: Watcher,
    /// The last position that was told or was not to be told.
    position: i64,
    /// There may be more in the database than the feed will tell.
    is_behind: bool,
    /// When it was last checked who watches.
    checked: Instant,
    ready: VecDeque<Bytes>,
}

impl Stream {
    /// What to say next; none when there is no more to say.
    async fn next(&mut self) -> Option<Bytes> {
        let quiet_since = Instant::now();
        loop {
            if let Some(words) = self.ready.pop_front() {
                return Some(words);
            }
            // Before anything more is told.
            if self.checked.elapsed() >= CHECK_EVERY {
                self.check().await.ok()?;
            }
            if self.is_behind {
                self.catch_up().await.ok()?;
                continue;
            }
            if quiet_since.elapsed() >= HEARTBEAT {
                return Some(Bytes::from_static(b": still here\n\n"));
            }
            let check_in = CHECK_EVERY.saturating_sub(self.checked.elapsed());
            let wait = check_in.min(HEARTBEAT.saturating_sub(quiet_since.elapsed()));
            let came = tokio::select! {
                () = self.app.stop.begun() => return None,
                came = tokio::time::timeout(wait, self.watcher.batches.recv()) => came,
            };
            match came {
                Ok(Ok(batch)) => self.tell(&batch).await.ok()?,
                Ok(Err(RecvError::Lagged(_))) => self.is_behind = true,
                Ok(Err(RecvError::Closed)) => return None,
                Err(_nothing_came) => {}
            }
        }
    }

    /// Who watches is proven as with every request, and what they may see is read anew.
    async fn check(&mut self) -> Result<(), ApiError> {
        let (app, organization) = (&self.app, self.caller.organization.to_string());
        let caller = authenticate(&app.db, &app.keys, &self.bearer, &organization, app.clock.now()).await?;
        caller.require(Permission::Read)?;
        (self.caller, self.checked) = (caller, Instant::now());
        Ok(())
    }

    /// Reads some of what the feed has told before, or too fast.
    async fn catch_up(&mut self) -> Result<(), ApiError> {
        let (organization, position) = (self.caller.organization, self.position);
        let read = move |conn: &mut _| events::repo::of_organization(conn, organization, position, BATCH);
        let batch = self.app.db.read(read).await?;
        self.is_behind = !batch.is_empty();
        self.tell(&batch).await
    }

    async fn tell(&mut self, batch: &[Event]) -> Result<(), ApiError> {
        for event in batch {
            let Some(position) = event.position.filter(|position| *position > self.position) else { continue };
            self.position = position;
            if event.organization_id == self.caller.organization && self.sees(event).await? {
                self.ready.push_back(words_of(event, position));
            }
        }
        Ok(())
    }

    /// Whether the caller may see what an event is about (PB-10).
    async fn sees(&self, event: &Event) -> Result<bool, ApiError> {
        let scope = &self.caller.products;
        match (event.kind, event.product_id) {
            _ if *scope == ProductScope::all() => Ok(true),
            (_, Some(product)) => Ok(scope.allows(product)),
            // Issues may be of many products; one that is gone and was of none was everybody's.
            (EventKind::Issue, None) if event.action != EventAction::Deleted => {
                let (caller, id) = (self.caller.clone(), IssueId(event.subject()));
                match self.app.db.read(move |conn| issues::service::get(conn, &caller, id)).await {
                    Ok(_) => Ok(true),
                    Err(ApiError::NotFound { .. }) => Ok(false),
                    Err(error) => Err(error),
                }
            }
            (_, None) => Ok(matches!(scope, ProductScope::Except(_))),
        }
    }
}

fn words_of(event: &Event, position: i64) -> Bytes {
    let (kind, action) = (event.kind, event.action);
    let view = EventView { kind, action, id: event.subject(), product_id: event.product_id, at: event.at };
    let json = serde_json::to_string(&view).expect("a view is words and ids");
    Bytes::from(format!("id: {position}\nevent: {kind}.{action}\ndata: {json}\n\n"))
}
