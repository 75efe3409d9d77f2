//! Notes on observations.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::body::{MergePatch, Patch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::observations::{NoFilter, ObservationPath};
use super::query::{ListQuery, PageParams};
use crate::access::model::Caller;
use crate::app::App;
use crate::assessments::notes;
use crate::base::actor::ActorKind;
use crate::base::error::ApiError;
use crate::base::ids::{NoteId, ObservationId};
use crate::base::page::Page;
use crate::base::time::UtcTime;
use crate::observations::model::Note;

/// The routes of notes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_observation_notes)
        .service(create_observation_note)
        .service(get_observation_note)
        .service(update_observation_note)
        .service(delete_observation_note);
}

/// A note that somebody left.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteView {
    /// Its id.
    id: NoteId,
    /// What kind of actor wrote it.
    author_kind: ActorKind,
    /// The user or API token that wrote it.
    author_id: Option<Uuid>,
    /// Markdown.
    #[schema(min_length = 1, max_length = 10000, example = "Asked the vendor for a patch.")]
    body: String,
    /// When it was written.
    created_at: UtcTime,
    /// When it was last edited; null when never.
    edited_at: Option<UtcTime>,
}

impl From<Note> for NoteView {
    fn from(note: Note) -> Self {
        Self {
            id: note.id,
            author_kind: note.author_kind,
            author_id: note.author_id.and_then(|id| Uuid::from_slice(&id).ok()),
            body: note.body,
            created_at: note.created_at,
            edited_at: note.edited_at,
        }
    }
}

/// A note to leave.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateNote {
    /// Markdown.
    #[schema(min_length = 1, max_length = 10000, example = "Asked the vendor for a patch.")]
    body: String,
}

/// What to change of a note.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateNote {
    /// Markdown.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 10000, example = "The vendor has a patch.")]
    body: Patch<String>,
}

/// The note of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct NotePath {
    /// The observation.
    observation: ObservationId,
    /// The note.
    note: NoteId,
}

/// List the notes on an observation.
///
/// Newest first.
#[utoipa::path(tag = "observations", params(ObservationPath, PageParams), responses((status = 200, description = "A page of notes.", body = Page<NoteView>)))]
#[get("/observations/{observation}/notes")]
async fn list_observation_notes(
    app: Data<App>,
    caller: Caller,
    path: Path<ObservationPath>,
    list: ListQuery<NoFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let page = app.db.read(move |conn| {
        let notes = notes::list(conn, &caller, path.observation, &window)?;
        Ok::<_, ApiError>(window.page(notes, &seal, |note| note.id).map(NoteView::from))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Leave a note on an observation.
#[utoipa::path(tag = "observations", params(ObservationPath), request_body = CreateNote, responses((status = 201, description = "The note.", body = NoteView)))]
#[post("/observations/{observation}/notes")]
async fn create_observation_note(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    path: Path<ObservationPath>,
    StrictJson(input): StrictJson<CreateNote>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let note = app.db.write(move |conn| notes::create(conn, &caller, path.observation, input.body, now)).await?;
    let (id, version) = (note.id, note.version);
    let mut response = HttpResponse::Created();
    Ok(response.insert_header(location(&request, id)).insert_header(etag(version)).json(NoteView::from(note)))
}

/// Get a note.
#[utoipa::path(tag = "observations", params(NotePath), responses((status = 200, description = "The note.", body = NoteView)))]
#[get("/observations/{observation}/notes/{note}")]
async fn get_observation_note(app: Data<App>, caller: Caller, path: Path<NotePath>) -> Result<HttpResponse, ApiError> {
    let note = app.db.read(move |conn| notes::get(conn, &caller, path.observation, path.note)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(note.version)).json(NoteView::from(note)))
}

/// Edit a note.
///
/// Only its author may.
#[utoipa::path(tag = "observations", params(NotePath), request_body(content = UpdateNote, content_type = "application/merge-patch+json"), responses((status = 200, description = "The note.", body = NoteView)))]
#[patch("/observations/{observation}/notes/{note}")]
async fn update_observation_note(
    app: Data<App>,
    caller: Caller,
    path: Path<NotePath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateNote>,
) -> Result<HttpResponse, ApiError> {
    let (now, at) = (app.clock.now(), (path.observation, path.note));
    let body = input.body.into_option();
    let note = app.db.write(move |conn| notes::edit(conn, &caller, at, body, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(note.version)).json(NoteView::from(note)))
}

/// Delete a note.
///
/// Its author may, and admins.
#[utoipa::path(tag = "observations", params(NotePath), responses((status = 204, description = "It is gone.")))]
#[delete("/observations/{observation}/notes/{note}")]
async fn delete_observation_note(
    app: Data<App>,
    caller: Caller,
    path: Path<NotePath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    app.db.write(move |conn| notes::delete(conn, &caller, path.observation, path.note, &if_match)).await?;
    Ok(HttpResponse::NoContent().finish())
}
