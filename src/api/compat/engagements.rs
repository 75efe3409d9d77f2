//! Engagements, to find or make, and what a client says of them.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::list::{PartOf, PartParams, Results};
use super::values::Number;
use crate::access::model::Caller;
use crate::api::body::StrictJson;
use crate::api::etag::{IfMatch, etag};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::EngagementId;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::clients::model::{NumberedEngagement, OtherBranch, Wish};
use crate::clients::service::{self, EngagementNote, Rows};
use crate::db::conn::Conn;
use crate::products::model::{EngagementPatch, EngagementState};
use crate::scans::sources;

/// The longest description that such clients read.
const DESCRIPTION_CHARS: usize = 2000;

/// The routes of engagements.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(compat_list_engagements)
        .service(compat_create_engagement)
        .service(compat_update_engagement)
        .service(compat_close_engagement)
        .service(compat_reopen_engagement);
}

/// An engagement.
#[derive(Debug, Serialize, ToSchema)]
struct CompatEngagement {
    /// Its number.
    #[schema(example = 17)]
    id: i64,
    /// Its name.
    #[schema(example = "CI/CD")]
    name: String,
    /// What is done.
    #[schema(example = "Nightly scans")]
    description: String,
    /// The number of its product.
    #[schema(example = 3)]
    product: i64,
    /// Where it stands: `Not Started`, `In Progress` or `Completed`.
    #[schema(example = "In Progress")]
    status: &'static str,
    /// Whether it is under way.
    active: bool,
    /// The branch of imports that name none, also of those that came before it was said. Where an import ever named its
    /// own, it is for show.
    #[schema(example = "main")]
    branch_tag: Option<String>,
    /// The commit, for show: an import says its own.
    #[schema(example = "4f2a91c")]
    commit_hash: Option<String>,
    /// The day on which it begins.
    #[schema(format = Date, example = "2026-06-01")]
    target_start: Option<String>,
    /// The day on which it ends.
    #[schema(format = Date, example = "2026-06-30")]
    target_end: Option<String>,
    /// When it was made.
    created: UtcTime,
    /// Its id in Patchbay's own API.
    engagement_id: EngagementId,
}

impl From<NumberedEngagement> for CompatEngagement {
    fn from((engagement, number, product): NumberedEngagement) -> Self {
        let day = |time: Option<UtcTime>| time.map(|time| time.to_chrono().date_naive().to_string());
        Self {
            id: number.as_ref().map_or(0, |number| number.number),
            name: engagement.name,
            description: engagement.description.chars().take(DESCRIPTION_CHARS).collect(),
            product: product.map_or(0, |product| product.number),
            status: word_of(engagement.state),
            active: engagement.state == EngagementState::Active,
            branch_tag: number.as_ref().and_then(|number| number.branch.clone()),
            commit_hash: number.and_then(|number| number.commit_id),
            target_start: day(engagement.starts_at),
            target_end: day(engagement.ends_at),
            created: engagement.created_at,
            engagement_id: engagement.id,
        }
    }
}

/// DefectDojo has more words than we have states.
const STATUSES: [(&str, EngagementState); 8] = [
    ("Not Started", EngagementState::Planned),
    ("Blocked", EngagementState::Planned),
    ("On Hold", EngagementState::Planned),
    ("Scheduled", EngagementState::Planned),
    ("Waiting for Resource", EngagementState::Planned),
    ("In Progress", EngagementState::Active),
    ("Completed", EngagementState::Closed),
    ("Cancelled", EngagementState::Closed),
];

const fn word_of(state: EngagementState) -> &'static str {
    match state {
        EngagementState::Planned => "Not Started",
        EngagementState::Active => "In Progress",
        EngagementState::Closed => "Completed",
    }
}

/// The state that a status stands for, whatever its case; `pointer` is where the client said it.
fn state_of(word: &str, pointer: &str) -> Result<EngagementState, ApiError> {
    let found = STATUSES.iter().find(|(known, _)| known.eq_ignore_ascii_case(word.trim()));
    found.map(|(_, state)| *state).ok_or_else(|| {
        let words = STATUSES.map(|(known, _)| known).join(", ");
        ApiError::invalid(pointer, format!("must be one of {words}"))
    })
}

/// An engagement to find or make.
#[derive(Debug, Deserialize, ToSchema)]
struct CompatNewEngagement {
    /// Its name.
    #[schema(max_length = 200, example = "CI/CD")]
    name: String,
    /// The number of its product.
    product: Number,
    /// The branch of imports that name none, also of those that came before it was said. Where an import ever named its
    /// own, it is for show.
    #[schema(max_length = 200, example = "main")]
    branch_tag: Option<String>,
    /// The commit, for show: an import says its own.
    #[schema(max_length = 200, example = "4f1c2d9")]
    commit_hash: Option<String>,
}

/// What to change of an engagement; the rest stays.
#[derive(Debug, Deserialize, ToSchema)]
struct CompatEngagementChange {
    /// Its name.
    #[schema(max_length = 200, example = "Nightly")]
    name: Option<String>,
    /// What is done.
    #[schema(max_length = 10_000, example = "Nightly scans")]
    description: Option<String>,
    /// Where it stands.
    #[schema(max_length = 50, example = "Completed")]
    status: Option<String>,
    /// The branch of imports that name none, also of those that came before it was said. Where an import ever named its
    /// own, it is for show.
    #[schema(max_length = 200, example = "main")]
    branch_tag: Option<String>,
    /// The commit, for show: an import says its own.
    #[schema(max_length = 200, example = "4f1c2d9")]
    commit_hash: Option<String>,
}

impl CompatEngagementChange {
    /// What of it changes the engagement itself.
    fn patch(&self) -> Result<Option<EngagementPatch>, ApiError> {
        if self.name.is_none() && self.description.is_none() && self.status.is_none() {
            return Ok(None);
        }
        let state = self.status.as_deref().map(|word| state_of(word, "/status")).transpose()?;
        Ok(Some(EngagementPatch {
            name: self.name.clone().map_or(Patch::Keep, Patch::Set),
            description: self.description.clone().map_or(Patch::Keep, Patch::Set),
            state: state.map_or(Patch::Keep, Patch::Set),
            ..EngagementPatch::default()
        }))
    }
}

/// Which engagements.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EngagementFilter {
    /// With this number.
    #[param(value_type = Option<String>, max_length = 19, example = "7")]
    id: Option<Number>,
    /// With exactly this name.
    #[param(max_length = 200)]
    name: Option<String>,
    /// On the product with this number.
    product: Option<Number>,
    /// That stand there, in a word of DefectDojo's, whatever its case: `In Progress`.
    #[param(max_length = 50, example = "In Progress")]
    status: Option<String>,
}

/// List engagements, as DefectDojo does.
#[utoipa::path(tag = "compatibility", params(PartParams, EngagementFilter), responses((status = 200, description = "Engagements.", body = Results<CompatEngagement>)))]
#[get("/v2/engagements")]
async fn compat_list_engagements(
    app: Data<App>,
    caller: Caller,
    list: PartOf<EngagementFilter>,
) -> Result<HttpResponse, ApiError> {
    let filter = &list.filter;
    let wish = Wish {
        number: filter.id.map(|id| id.0),
        name: filter.name.clone(),
        parent: filter.product.map(|product| product.0),
        state: filter.status.as_deref().map(|word| state_of(word, "status")).transpose()?,
        ..Wish::default()
    };
    let Rows { rows, count } = service::engagements(&app.db, caller, wish, list.part).await?;
    Ok(HttpResponse::Ok().json(list.answer(count, rows.into_iter().map(CompatEngagement::from).collect())))
}

/// Find or create an engagement, as DefectDojo does.
#[utoipa::path(tag = "compatibility", request_body = CompatNewEngagement, responses((status = 201, description = "The engagement.", body = CompatEngagement)))]
#[post("/v2/engagements")]
async fn compat_create_engagement(
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CompatNewEngagement>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let note = EngagementNote {
        branch: some_text(input.branch_tag),
        commit: some_text(input.commit_hash),
        ..EngagementNote::default()
    };
    let made = app.db.write_again(move |conn| {
        let (made, other) = service::make_engagement(conn, &caller, input.product.0, &input.name, &note, now)?;
        follow(conn, &caller, other, now)?;
        Ok::<_, ApiError>(made)
    });
    Ok(HttpResponse::Created().json(CompatEngagement::from(made.await?)))
}

/// An empty text says nothing.
fn some_text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// The engagement of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CompatEngagementPath {
    /// Its number.
    engagement: i64,
}

/// Change an engagement, as DefectDojo does.
#[utoipa::path(tag = "compatibility", params(CompatEngagementPath), request_body = CompatEngagementChange, responses((status = 200, description = "The engagement.", body = CompatEngagement)))]
#[patch("/v2/engagements/{engagement}")]
async fn compat_update_engagement(
    app: Data<App>,
    caller: Caller,
    path: Path<CompatEngagementPath>,
    if_match: IfMatch,
    StrictJson(input): StrictJson<CompatEngagementChange>,
) -> Result<HttpResponse, ApiError> {
    let patch = input.patch()?;
    let note = EngagementNote { branch: some_text(input.branch_tag), commit: some_text(input.commit_hash), if_match };
    change(&app, caller, path.engagement, patch, note).await
}

/// Close an engagement, as DefectDojo does.
#[utoipa::path(tag = "compatibility", params(CompatEngagementPath), responses((status = 200, description = "The engagement.", body = CompatEngagement)))]
#[post("/v2/engagements/{engagement}/close")]
async fn compat_close_engagement(
    app: Data<App>,
    caller: Caller,
    path: Path<CompatEngagementPath>,
) -> Result<HttpResponse, ApiError> {
    let patch = EngagementPatch { state: Patch::Set(EngagementState::Closed), ..EngagementPatch::default() };
    change(&app, caller, path.engagement, Some(patch), EngagementNote::default()).await
}

/// Reopen an engagement, as DefectDojo does.
#[utoipa::path(tag = "compatibility", params(CompatEngagementPath), responses((status = 200, description = "The engagement.", body = CompatEngagement)))]
#[post("/v2/engagements/{engagement}/reopen")]
async fn compat_reopen_engagement(
    app: Data<App>,
    caller: Caller,
    path: Path<CompatEngagementPath>,
) -> Result<HttpResponse, ApiError> {
    let patch = EngagementPatch { state: Patch::Set(EngagementState::Active), ..EngagementPatch::default() };
    change(&app, caller, path.engagement, Some(patch), EngagementNote::default()).await
}

/// What was imported into an engagement goes where it belongs.
fn follow(conn: &mut Conn, caller: &Caller, other: Option<OtherBranch>, now: UtcTime) -> Result<(), ApiError> {
    other.map_or(Ok(()), |other| sources::follow_engagement(conn, caller.organization, &other, now))
}

async fn change(
    app: &App,
    caller: Caller,
    number: i64,
    patch: Option<EngagementPatch>,
    note: EngagementNote,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let changed = app.db.write_again(move |conn| {
        let (changed, other) = service::change_engagement(conn, &caller, number, patch.clone(), &note, now)?;
        follow(conn, &caller, other, now)?;
        Ok::<_, ApiError>(changed)
    });
    let changed = changed.await?;
    let version = etag(changed.0.version);
    Ok(HttpResponse::Ok().insert_header(version).json(CompatEngagement::from(changed)))
}
