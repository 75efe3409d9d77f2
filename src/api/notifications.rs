//! What needs people.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::query::{ListQuery, PageParams};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{NotificationId, ProductId};
use crate::base::page::Page;
use crate::base::time::UtcTime;
use crate::notifications::model::NotificationKind;
use crate::notifications::repo::NotificationFilter;
use crate::notifications::service::{self, Seen};

/// The routes of notifications.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_notifications)
        .service(count_unread_notifications)
        .service(mark_all_notifications_read)
        .service(get_notification)
        .service(mark_notification_read);
}

/// What needs people, said once per cause.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationView {
    /// Its id.
    id: NotificationId,
    /// What it is about.
    #[schema(inline)]
    kind: NotificationKind,
    /// The product that it concerns; null for the whole organization.
    product_id: Option<ProductId>,
    /// The kind of what it concerns: `observation`, `tracker_connection`, `tracker_config`, `scan`.
    #[schema(example = "connection")]
    subject_kind: Option<String>,
    /// What it concerns.
    subject_id: Option<Uuid>,
    /// One line.
    #[schema(example = "GitHub refuses the credential of Shop")]
    title: String,
    /// What happened, in the tracker's own words, and what to do.
    #[schema(example = "401 Bad credentials")]
    body: String,
    /// How often it happened.
    #[schema(example = 3)]
    occurrences: i64,
    /// When it happened first.
    first_at: UtcTime,
    /// When it happened last.
    last_at: UtcTime,
    /// When it was over; null while it is not.
    resolved_at: Option<UtcTime>,
    /// Whether the caller has read it since it last happened.
    read: bool,
}

impl From<Seen> for NotificationView {
    fn from((row, read): Seen) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            product_id: row.product_id,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id.and_then(|id| Uuid::from_slice(&id).ok()),
            title: row.title,
            body: row.body,
            occurrences: row.occurrences,
            first_at: row.first_at,
            last_at: row.last_at,
            resolved_at: row.resolved_at,
            read,
        }
    }
}

/// A number of notifications.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadCount {
    /// Those that the caller has not read since they last happened.
    #[schema(example = 3)]
    unread: i64,
}

/// Which notifications.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NotificationsFilter {
    /// Only those that the caller has not read since they last happened.
    #[serde(default)]
    unread: Option<bool>,
    /// Only those that are not over.
    #[serde(default)]
    open: Option<bool>,
}

/// The notification of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct NotificationPath {
    /// The notification.
    notification: NotificationId,
}

/// List notifications.
///
/// The newest first; those of the organization and of products that the caller may see.
#[utoipa::path(tag = "notifications", params(PageParams, NotificationsFilter), responses((status = 200, description = "A page of notifications.", body = Page<NotificationView>)))]
#[get("/notifications")]
async fn list_notifications(
    app: Data<App>,
    caller: Caller,
    list: ListQuery<NotificationsFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window::<NotificationId>(app.keys.cursor.expose(), &caller)?;
    let filter =
        NotificationFilter { unread: list.filter.unread.unwrap_or(false), open: list.filter.open.unwrap_or(false) };
    let page = app.db.read(move |conn| {
        let rows = service::list(conn, &caller, filter, &window)?;
        Ok::<_, ApiError>(window.page(rows, &seal, |(row, _)| row.id).map(NotificationView::from))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Count unread notifications.
#[utoipa::path(tag = "notifications", responses((status = 200, description = "How many.", body = UnreadCount)))]
#[get("/notifications/unread-count")]
async fn count_unread_notifications(app: Data<App>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let unread = app.db.read(move |conn| service::count_unread(conn, &caller)).await?;
    Ok(HttpResponse::Ok().json(UnreadCount { unread }))
}

/// Mark all notifications as read.
#[utoipa::path(tag = "notifications", responses((status = 204, description = "They are read.")))]
#[post("/notifications/read")]
async fn mark_all_notifications_read(app: Data<App>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| service::mark_all_read(conn, &caller, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Get a notification.
#[utoipa::path(tag = "notifications", params(NotificationPath), responses((status = 200, description = "The notification.", body = NotificationView)))]
#[get("/notifications/{notification}")]
async fn get_notification(
    app: Data<App>,
    caller: Caller,
    path: Path<NotificationPath>,
) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get(conn, &caller, path.notification)).await?;
    Ok(HttpResponse::Ok().json(NotificationView::from(found)))
}

/// Mark a notification as read.
///
/// When it happens again, it is unread again.
#[utoipa::path(tag = "notifications", params(NotificationPath), responses((status = 204, description = "It is read.")))]
#[post("/notifications/{notification}/read")]
async fn mark_notification_read(
    app: Data<App>,
    caller: Caller,
    path: Path<NotificationPath>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| service::mark_read(conn, &caller, path.notification, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
