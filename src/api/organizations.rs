//! Organizations.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::query::{ListQuery, NoFilter, PageParams};
use crate::access::model::{Caller, Organization, SignedIn};
use crate::access::service::organizations::{self, NewOrganization, OrganizationPatch};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::OrganizationId;
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;

/// The routes outside of any organization.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_organizations).service(create_organization);
}

/// The routes of the caller's organization.
pub fn tenant_routes(config: &mut ServiceConfig) {
    config.service(get_organization).service(update_organization).service(delete_organization);
}

/// A tenant: every other thing belongs to exactly one.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationView {
    /// Its id.
    id: OrganizationId,
    /// Its name in paths.
    #[schema(example = "acme")]
    slug: String,
    /// Its name for people.
    #[schema(example = "Acme")]
    name: String,
    /// Whether every call of a tracker is held; nothing is lost, it waits.
    tracker_traffic_stopped: bool,
    /// When it was made.
    created_at: UtcTime,
}

impl From<Organization> for OrganizationView {
    fn from(organization: Organization) -> Self {
        Self {
            id: organization.id,
            slug: organization.slug,
            name: organization.name,
            tracker_traffic_stopped: organization.tracker_traffic_stopped,
            created_at: organization.created_at,
        }
    }
}

/// An organization to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateOrganization {
    /// Its name in paths: small letters, digits, dashes.
    #[schema(min_length = 1, max_length = 63, example = "acme")]
    slug: String,
    /// Its name for people.
    #[schema(min_length = 1, max_length = 200, example = "Acme")]
    name: String,
}

/// What to change of an organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateOrganization {
    /// Its name in paths: small letters, digits, dashes.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 63, example = "acme")]
    slug: Patch<String>,
    /// Its name for people.
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Acme")]
    name: Patch<String>,
    /// Whether every call of a tracker is held.
    #[serde(default)]
    #[schema(value_type = bool)]
    tracker_traffic_stopped: Patch<bool>,
}

/// List organizations.
///
/// Those that the person is a member of, oldest first.
#[utoipa::path(tag = "organizations", params(PageParams), responses((status = 200, description = "A page of organizations.", body = Page<OrganizationView>)))]
#[get("/organizations")]
async fn list_organizations(
    app: Data<App>,
    person: SignedIn,
    list: ListQuery<NoFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window_of(app.keys.cursor.expose(), &person.user)?;
    let with_total = list.wants_total();
    let page = app.db.read(move |conn| {
        let (found, total) = organizations::list_of(conn, &person, &window, with_total)?;
        let page = window.page(found, &seal, |(organization, _)| organization.id);
        Ok::<_, ApiError>(Page { total, ..page.map(|(organization, _)| OrganizationView::from(organization)) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Create an organization.
///
/// Who makes it is its first admin. For superusers.
#[utoipa::path(tag = "organizations", request_body = CreateOrganization, responses((status = 201, description = "The organization.", body = OrganizationView), (status = 409, description = "The slug is taken.")))]
#[post("/organizations")]
async fn create_organization(
    request: HttpRequest,
    app: Data<App>,
    person: SignedIn,
    StrictJson(input): StrictJson<CreateOrganization>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let new = NewOrganization { slug: input.slug, name: input.name };
    let made = app.db.write(move |conn| organizations::create(conn, &person, &new, now)).await?;
    let (id, version) = (made.id, made.version);
    let mut response = HttpResponse::Created();
    Ok(response.insert_header(location(&request, id)).insert_header(etag(version)).json(OrganizationView::from(made)))
}

/// Get an organization.
#[utoipa::path(tag = "organizations", responses((status = 200, description = "The organization.", body = OrganizationView)))]
#[get("")]
async fn get_organization(app: Data<App>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| organizations::get(conn, &caller)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.version)).json(OrganizationView::from(found)))
}

/// Change an organization.
///
/// With `tracker_traffic_stopped` every call of a tracker is held until it is off again. For admins.
#[utoipa::path(tag = "organizations", request_body(content = UpdateOrganization, content_type = "application/merge-patch+json"), responses((status = 200, description = "The organization.", body = OrganizationView), (status = 409, description = "The slug is taken.")))]
#[patch("")]
async fn update_organization(
    app: Data<App>,
    caller: Caller,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateOrganization>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let patch = OrganizationPatch {
        slug: input.slug,
        name: input.name,
        tracker_traffic_stopped: input.tracker_traffic_stopped,
    };
    let changed = app.db.write(move |conn| organizations::change(conn, &caller, patch, &if_match, now)).await?;
    // What a stop has held goes on with its end.
    app.work.notify_one();
    app.inbox.wake();
    Ok(HttpResponse::Ok().insert_header(etag(changed.version)).json(OrganizationView::from(changed)))
}

/// Delete an organization.
///
/// With its members, teams and tokens, once it has no product and no tracker connection. For admins.
#[utoipa::path(tag = "organizations", responses((status = 204, description = "It is gone."), (status = 409, description = "It is not empty.")))]
#[delete("")]
async fn delete_organization(app: Data<App>, caller: Caller, if_match: IfMatch) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| organizations::delete(conn, &caller, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
