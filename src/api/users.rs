//! Users of the server, for superusers.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::idempotency::SECRET;
use super::query::{ListQuery, NoFilter, PageParams};
use crate::access::model::{SignedIn, User};
use crate::access::service::users::{self, NewUser, UserPatch};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::UserId;
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;

/// The routes of users.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_users).service(create_user).service(get_user).service(update_user).service(reset_password);
}

/// A person with an account on this server.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    /// Their id.
    id: UserId,
    /// What they log in with.
    #[schema(example = "ann@example.com")]
    email: String,
    /// Their name.
    #[schema(example = "Ann Archer")]
    name: String,
    /// Whether they may log in.
    is_active: bool,
    /// Whether they may create organizations and manage users.
    is_superuser: bool,
    /// When the account was made.
    created_at: UtcTime,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            is_active: user.is_active,
            is_superuser: user.is_superuser,
            created_at: user.created_at,
        }
    }
}

/// An account to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateUser {
    /// What they log in with.
    #[schema(max_length = 254, example = "ann@example.com")]
    email: String,
    /// Their name.
    #[schema(min_length = 1, max_length = 200, example = "Ann Archer")]
    name: String,
    /// Their first password. Without one it is made up and shown in the answer, once.
    #[schema(value_type = Option<String>, format = Password, write_only, min_length = 12, max_length = 256, example = "correct horse battery staple")]
    password: Option<Secret<String>>,
    /// Whether they may create organizations and manage users.
    #[serde(default)]
    is_superuser: bool,
}

/// A new account.
#[derive(Serialize, ToSchema)]
struct CreatedUserView {
    /// The account.
    #[serde(flatten)]
    user: UserView,
    /// The password, if it was made up. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "h3Fk2mQ9sLx7Vb1Nc4Rt8YpZ")]
    password: Option<String>,
}

/// What to change of an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateUser {
    /// Their name.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Ann Archer")]
    name: Patch<String>,
    /// Whether they may log in.
    #[serde(default)]
    #[schema(value_type = bool)]
    is_active: Patch<bool>,
    /// Whether they may create organizations and manage users.
    #[serde(default)]
    #[schema(value_type = bool)]
    is_superuser: Patch<bool>,
}

/// A password that was made up.
#[derive(Serialize, ToSchema)]
struct PasswordView {
    /// It is shown this once.
    #[schema(example = "h3Fk2mQ9sLx7Vb1Nc4Rt8YpZ")]
    password: String,
}

/// The user of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct UserPath {
    /// The user.
    user: UserId,
}

/// List users.
///
/// All of the server, oldest first. For superusers.
#[utoipa::path(tag = "users", params(PageParams), responses((status = 200, description = "A page of users.", body = Page<UserView>)))]
#[get("/users")]
async fn list_users(app: Data<App>, person: SignedIn, list: ListQuery<NoFilter>) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window_of(app.keys.cursor.expose(), &person.user)?;
    let with_total = list.wants_total();
    let page = app.db.read(move |conn| {
        let (users, total) = users::list(conn, &person, &window, with_total)?;
        let page = window.page(users, &seal, |user| user.id);
        Ok::<_, ApiError>(Page { total, ..page.map(UserView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Create a user.
///
/// The account belongs to no organization until the person accepts an invitation. For superusers.
#[utoipa::path(tag = "users", request_body = CreateUser, responses((status = 201, description = "The account.", body = CreatedUserView), (status = 409, description = "The e-mail address is taken.")))]
#[post("/users")]
async fn create_user(
    request: HttpRequest,
    app: Data<App>,
    person: SignedIn,
    StrictJson(input): StrictJson<CreateUser>,
) -> Result<HttpResponse, ApiError> {
    let new =
        NewUser { email: input.email, name: input.name, password: input.password, is_superuser: input.is_superuser };
    let (user, made_up) = users::create(&app.db, person, new, app.clock.now()).await?;
    let (id, version) = (user.id, user.version);
    let view = CreatedUserView { user: UserView::from(user), password: made_up.map(|text| text.expose().clone()) };
    Ok(HttpResponse::Created()
        .insert_header(SECRET)
        .insert_header(location(&request, id))
        .insert_header(etag(version))
        .json(view))
}

/// Get a user.
///
/// For superusers.
#[utoipa::path(tag = "users", params(UserPath), responses((status = 200, description = "The user.", body = UserView)))]
#[get("/users/{user}")]
async fn get_user(app: Data<App>, person: SignedIn, path: Path<UserPath>) -> Result<HttpResponse, ApiError> {
    let user = app.db.read(move |conn| users::get(conn, &person, path.user)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(user.version)).json(UserView::from(user)))
}

/// Change a user.
///
/// Who may no longer log in loses their sessions, and their API tokens do not work meanwhile. For superusers.
#[utoipa::path(tag = "users", params(UserPath), request_body(content = UpdateUser, content_type = "application/merge-patch+json"), responses((status = 200, description = "The user.", body = UserView), (status = 409, description = "This is the last superuser.")))]
#[patch("/users/{user}")]
async fn update_user(
    app: Data<App>,
    person: SignedIn,
    path: Path<UserPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateUser>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let patch = UserPatch { name: input.name, is_active: input.is_active, is_superuser: input.is_superuser };
    let change = move |conn: &mut _| users::change(conn, &person, path.user, patch, &if_match, now);
    let user = app.db.write(change).await?;
    Ok(HttpResponse::Ok().insert_header(etag(user.version)).json(UserView::from(user)))
}

/// Reset a user's password.
///
/// Their sessions end; the new password is made up. For superusers.
#[utoipa::path(tag = "users", operation_id = "reset_user_password", params(UserPath), responses((status = 200, description = "The new password.", body = PasswordView)))]
#[post("/users/{user}/password-reset")]
async fn reset_password(app: Data<App>, person: SignedIn, path: Path<UserPath>) -> Result<HttpResponse, ApiError> {
    let password = users::reset_password(&app.db, person, path.user, app.clock.now()).await?;
    Ok(HttpResponse::Ok().insert_header(SECRET).json(PasswordView { password: password.expose().clone() }))
}
