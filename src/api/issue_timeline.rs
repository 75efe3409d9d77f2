//! Timelines of issues, and the comments in them.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, Patch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::issues::IssuePath;
use super::issues::views::EntryView;
use super::query::{ListQuery, PageParams};
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{EntryId, IssueId};
use crate::base::page::Page;
use crate::issues::service::{browse, comments};
use crate::issues::timeline::EntryKind;

/// The routes of timelines.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_issue_timeline)
        .service(create_issue_comment)
        .service(get_issue_comment)
        .service(update_issue_comment)
        .service(delete_issue_comment);
}

/// Which entries.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TimelineFilter {
    /// Of this kind: `comment` for what people said, here and in the tracker.
    #[serde(default)]
    #[param(max_items = 4)]
    kind: Vec<EntryKind>,
}

/// A comment to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateComment {
    /// Markdown.
    #[schema(min_length = 1, max_length = 100_000, example = "The patch is in review.")]
    body: String,
}

/// What to change of a comment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateComment {
    /// Markdown.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 100_000, example = "The patch is merged.")]
    body: Patch<String>,
}

/// The comment of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CommentPath {
    /// The issue.
    issue: IssueId,
    /// The comment.
    comment: EntryId,
}

/// List the timeline of an issue.
///
/// What people, Patchbay and trackers did, and what was said; newest first.
#[utoipa::path(tag = "issues", params(IssuePath, PageParams, TimelineFilter), responses((status = 200, description = "A page of the timeline.", body = Page<EntryView>)))]
#[get("/issues/{issue}/timeline")]
async fn list_issue_timeline(
    app: Data<App>,
    caller: Caller,
    path: Path<IssuePath>,
    list: ListQuery<TimelineFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let page = app.db.read(move |conn| {
        let entries = browse::timeline(conn, &caller, path.issue, list.filter.kind, &window)?;
        Ok::<_, ApiError>(window.page(entries, &seal, |entry| entry.id).map(EntryView::from))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Comment on an issue.
#[utoipa::path(tag = "issues", params(IssuePath), request_body = CreateComment, responses((status = 201, description = "The comment.", body = EntryView)))]
#[post("/issues/{issue}/comments")]
async fn create_issue_comment(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    path: Path<IssuePath>,
    StrictJson(input): StrictJson<CreateComment>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let made = app.db.write(move |conn| comments::create(conn, &caller, path.issue, input.body, now)).await?;
    let (id, version) = (made.id, made.version);
    let mut response = HttpResponse::Created();
    Ok(response.insert_header(location(&request, id)).insert_header(etag(version)).json(EntryView::from(made)))
}

/// Get a comment.
#[utoipa::path(tag = "issues", params(CommentPath), responses((status = 200, description = "The comment.", body = EntryView)))]
#[get("/issues/{issue}/comments/{comment}")]
async fn get_issue_comment(app: Data<App>, caller: Caller, path: Path<CommentPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| comments::find(conn, &caller, path.issue, path.comment)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.version)).json(EntryView::from(found)))
}

/// Edit a comment.
///
/// Only its author may.
#[utoipa::path(tag = "issues", params(CommentPath), request_body(content = UpdateComment, content_type = "application/merge-patch+json"), responses((status = 200, description = "The comment.", body = EntryView)))]
#[patch("/issues/{issue}/comments/{comment}")]
async fn update_issue_comment(
    app: Data<App>,
    caller: Caller,
    path: Path<CommentPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateComment>,
) -> Result<HttpResponse, ApiError> {
    let (now, at, body) = (app.clock.now(), (path.issue, path.comment), input.body.into_option());
    let edited = app.db.write(move |conn| comments::edit(conn, &caller, at, body, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(edited.version)).json(EntryView::from(edited)))
}

/// Delete a comment.
///
/// Its author may, and admins. That there was one stays in the timeline.
#[utoipa::path(tag = "issues", params(CommentPath), responses((status = 204, description = "It is gone.")))]
#[delete("/issues/{issue}/comments/{comment}")]
async fn delete_issue_comment(
    app: Data<App>,
    caller: Caller,
    path: Path<CommentPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let (now, at) = (app.clock.now(), (path.issue, path.comment));
    app.db.write(move |conn| comments::delete(conn, &caller, at, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
