//! Teams.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::query::{ListQuery, NoFilter, PageParams};
use crate::access::model::{Caller, Team, User};
use crate::access::service::teams::{self, NewTeam, TeamPatch};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{TeamId, UserId};
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;

/// The routes of teams.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_teams)
        .service(create_team)
        .service(get_team)
        .service(update_team)
        .service(delete_team)
        .service(list_team_members)
        .service(add_team_member)
        .service(remove_team_member);
}

/// Members of an organization who own products together.
#[derive(Debug, Serialize, ToSchema)]
struct TeamView {
    /// Its id.
    id: TeamId,
    /// Its name, unique in the organization.
    #[schema(example = "Payments")]
    name: String,
    /// Who answers for its products.
    responsible_user_id: Option<UserId>,
    /// When it was made.
    created_at: UtcTime,
}

impl From<Team> for TeamView {
    fn from(team: Team) -> Self {
        Self {
            id: team.id,
            name: team.name,
            responsible_user_id: team.responsible_user_id,
            created_at: team.created_at,
        }
    }
}

/// A member of a team.
#[derive(Debug, Serialize, ToSchema)]
struct TeamMemberView {
    /// The user.
    user_id: UserId,
    /// What they log in with.
    #[schema(example = "ann@example.com")]
    email: String,
    /// Their name.
    #[schema(example = "Ann Archer")]
    name: String,
}

impl From<User> for TeamMemberView {
    fn from(user: User) -> Self {
        Self { user_id: user.id, email: user.email, name: user.name }
    }
}

/// A team to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateTeam {
    /// Its name, unique in the organization.
    #[schema(min_length = 1, max_length = 200, example = "Payments")]
    name: String,
    /// Who answers for its products: a member of the organization.
    responsible_user_id: Option<UserId>,
}

/// What to change of a team.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateTeam {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Payments")]
    name: Patch<String>,
    /// Who answers for its products: a member of the organization; null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<UserId>)]
    responsible_user_id: Patch<Option<UserId>>,
}

/// The team of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TeamPath {
    /// The team.
    team: TeamId,
}

/// The team and the member of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TeamMemberPath {
    /// The team.
    team: TeamId,
    /// The user.
    user: UserId,
}

/// List teams.
///
/// Oldest first.
#[utoipa::path(tag = "teams", params(PageParams), responses((status = 200, description = "A page of teams.", body = Page<TeamView>)))]
#[get("/teams")]
async fn list_teams(app: Data<App>, caller: Caller, list: ListQuery<NoFilter>) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let with_total = list.wants_total();
    let page = app.db.read(move |conn| {
        let (found, total) = teams::list(conn, &caller, &window, with_total)?;
        let page = window.page(found, &seal, |team| team.id);
        Ok::<_, ApiError>(Page { total, ..page.map(TeamView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Create a team.
///
/// For admins.
#[utoipa::path(tag = "teams", request_body = CreateTeam, responses((status = 201, description = "The team.", body = TeamView), (status = 409, description = "The name is taken.")))]
#[post("/teams")]
async fn create_team(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CreateTeam>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let new = NewTeam { name: input.name, responsible_user_id: input.responsible_user_id };
    let made = app.db.write(move |conn| teams::create(conn, &caller, new, now)).await?;
    let (id, version) = (made.id, made.version);
    let mut response = HttpResponse::Created();
    Ok(response.insert_header(location(&request, id)).insert_header(etag(version)).json(TeamView::from(made)))
}

/// Get a team.
#[utoipa::path(tag = "teams", params(TeamPath), responses((status = 200, description = "The team.", body = TeamView)))]
#[get("/teams/{team}")]
async fn get_team(app: Data<App>, caller: Caller, path: Path<TeamPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| teams::get(conn, &caller, path.team)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.version)).json(TeamView::from(found)))
}

/// Change a team.
///
/// For admins.
#[utoipa::path(tag = "teams", params(TeamPath), request_body(content = UpdateTeam, content_type = "application/merge-patch+json"), responses((status = 200, description = "The team.", body = TeamView), (status = 409, description = "The name is taken.")))]
#[patch("/teams/{team}")]
async fn update_team(
    app: Data<App>,
    caller: Caller,
    path: Path<TeamPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateTeam>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let patch = TeamPatch { name: input.name, responsible_user_id: input.responsible_user_id };
    let changed = app.db.write(move |conn| teams::change(conn, &caller, path.team, patch, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(changed.version)).json(TeamView::from(changed)))
}

/// Delete a team.
///
/// Restricted products that only it owned are seen by admins alone from then on. For admins.
#[utoipa::path(tag = "teams", params(TeamPath), responses((status = 204, description = "It is gone.")))]
#[delete("/teams/{team}")]
async fn delete_team(
    app: Data<App>,
    caller: Caller,
    path: Path<TeamPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| teams::delete(conn, &caller, path.team, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List the members of a team.
///
/// Oldest accounts first.
#[utoipa::path(tag = "teams", params(TeamPath, PageParams), responses((status = 200, description = "A page of members.", body = Page<TeamMemberView>)))]
#[get("/teams/{team}/members")]
async fn list_team_members(
    app: Data<App>,
    caller: Caller,
    path: Path<TeamPath>,
    list: ListQuery<NoFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let with_total = list.wants_total();
    let page = app.db.read(move |conn| {
        let (found, total) = teams::members(conn, &caller, path.team, &window, with_total)?;
        let page = window.page(found, &seal, |user| user.id);
        Ok::<_, ApiError>(Page { total, ..page.map(TeamMemberView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Put a member into a team.
///
/// They see its restricted products from their next request on. Who is in it stays in it. For admins.
#[utoipa::path(tag = "teams", params(TeamMemberPath), responses((status = 204, description = "They are in the team.")))]
#[put("/teams/{team}/members/{user}")]
async fn add_team_member(app: Data<App>, caller: Caller, path: Path<TeamMemberPath>) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| teams::add_member(conn, &caller, path.team, path.user, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Take a member out of a team.
///
/// They no longer see its restricted products from their next request on. For admins.
#[utoipa::path(tag = "teams", params(TeamMemberPath), responses((status = 204, description = "They are not in the team.")))]
#[delete("/teams/{team}/members/{user}")]
async fn remove_team_member(
    app: Data<App>,
    caller: Caller,
    path: Path<TeamMemberPath>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| teams::remove_member(conn, &caller, path.team, path.user, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
