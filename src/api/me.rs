//! The person who calls.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, patch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::MergePatch;
use super::etag::{IfMatch, etag};
use super::organizations::OrganizationView;
use super::users::UserView;
use crate::access::model::{SignedIn, User};
use crate::access::permission::Role;
use crate::access::service::organizations::RoleIn;
use crate::access::service::sessions;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::patch::Patch;

/// The routes of the person who calls.
pub fn routes(config: &mut ServiceConfig) {
    config.service(get_me).service(update_me);
}

/// The person, and what they may do where.
#[derive(Serialize, ToSchema)]
struct MeView {
    /// Who they are.
    #[serde(flatten)]
    user: UserView,
    /// Their organizations, and their roles there.
    #[schema(max_items = 10000)]
    memberships: Vec<MyMembershipView>,
}

/// A membership, as its member sees it.
#[derive(Serialize, ToSchema)]
struct MyMembershipView {
    /// The organization.
    organization: OrganizationView,
    /// What the person may do there.
    role: Role,
}

impl MeView {
    fn new(user: User, memberships: Vec<RoleIn>) -> Self {
        let view = |(organization, role)| MyMembershipView { organization: OrganizationView::from(organization), role };
        Self { user: UserView::from(user), memberships: memberships.into_iter().map(view).collect() }
    }
}

/// What to change of oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateMe {
    /// The name for people.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Ann Archer")]
    name: Patch<String>,
}

/// Get oneself.
///
/// Who the access token belongs to, and their roles in their organizations.
#[utoipa::path(tag = "auth", responses((status = 200, description = "The person.", body = MeView)))]
#[get("/me")]
async fn get_me(app: Data<App>, person: SignedIn) -> Result<HttpResponse, ApiError> {
    let (user, memberships) = app.db.read(move |conn| sessions::me(conn, &person)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(user.version)).json(MeView::new(user, memberships)))
}

/// Change oneself.
#[utoipa::path(tag = "auth", request_body(content = UpdateMe, content_type = "application/merge-patch+json"), responses((status = 200, description = "The person.", body = UserView)))]
#[patch("/me")]
async fn update_me(
    app: Data<App>,
    person: SignedIn,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateMe>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let user = app.db.write(move |conn| sessions::change_me(conn, &person, input.name, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(user.version)).json(UserView::from(user)))
}
