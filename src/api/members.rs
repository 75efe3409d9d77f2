//! Members of an organization, and invitations to become one.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{MergePatch, StrictJson};
use super::etag::{IfMatch, etag, location};
use super::idempotency::SECRET;
use super::query::{ListQuery, NoFilter, PageParams};
use crate::access::model::{Caller, Invitation};
use crate::access::permission::Role;
use crate::access::service::invitations;
use crate::access::service::members::{self, Member};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{InvitationId, UserId};
use crate::base::page::Page;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;

/// The routes of members and invitations.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_members)
        .service(get_member)
        .service(update_member)
        .service(remove_member)
        .service(list_invitations)
        .service(create_invitation)
        .service(get_invitation)
        .service(withdraw_invitation);
}

/// A user's place in an organization.
#[derive(Debug, Serialize, ToSchema)]
struct MemberView {
    /// The user.
    user_id: UserId,
    /// What they log in with.
    #[schema(example = "ann@example.com")]
    email: String,
    /// Their name.
    #[schema(example = "Ann Archer")]
    name: String,
    /// Whether they may log in.
    is_active: bool,
    /// What they may do here.
    role: Role,
    /// Since when they are a member.
    joined_at: UtcTime,
}

impl From<Member> for MemberView {
    fn from((membership, user): Member) -> Self {
        Self {
            user_id: user.id,
            email: user.email,
            name: user.name,
            is_active: user.is_active,
            role: membership.role,
            joined_at: membership.created_at,
        }
    }
}

/// What to change of a membership.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateMember {
    /// What they may do here.
    #[serde(default)]
    #[schema(value_type = Role)]
    role: Patch<Role>,
}

/// A person to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateInvitation {
    /// Who is meant.
    #[schema(max_length = 254, example = "ann@example.com")]
    email: String,
    /// What they will be.
    role: Role,
}

/// An open invitation.
#[derive(Debug, Serialize, ToSchema)]
struct InvitationView {
    /// Its id.
    id: InvitationId,
    /// Who is meant.
    #[schema(example = "ann@example.com")]
    email: String,
    /// What they will be.
    role: Role,
    /// Until when it can be accepted.
    expires_at: UtcTime,
    /// When it was made.
    created_at: UtcTime,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email,
            role: invitation.role,
            expires_at: invitation.expires_at,
            created_at: invitation.created_at,
        }
    }
}

/// A new invitation.
#[derive(Serialize, ToSchema)]
struct CreatedInvitationView {
    /// The invitation.
    #[serde(flatten)]
    invitation: InvitationView,
    /// What to hand to the person, who sends it to `/auth/invitations/accept`. It is shown this once.
    #[schema(example = "pbi_Zk3V1hQ")]
    code: String,
}

/// The member of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct MemberPath {
    /// The user.
    user: UserId,
}

/// The invitation of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct InvitationPath {
    /// The invitation.
    invitation: InvitationId,
}

/// Invitations never change: their only version.
const VERSION: i64 = 1;

/// List members.
///
/// Oldest accounts first.
#[utoipa::path(tag = "members", params(PageParams), responses((status = 200, description = "A page of members.", body = Page<MemberView>)))]
#[get("/members")]
async fn list_members(app: Data<App>, caller: Caller, list: ListQuery<NoFilter>) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let with_total = list.wants_total();
    let page = app.db.read(move |conn| {
        let (found, total) = members::list(conn, &caller, &window, with_total)?;
        let page = window.page(found, &seal, |(membership, _)| membership.user_id);
        Ok::<_, ApiError>(Page { total, ..page.map(MemberView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Get a member.
#[utoipa::path(tag = "members", params(MemberPath), responses((status = 200, description = "The member.", body = MemberView)))]
#[get("/members/{user}")]
async fn get_member(app: Data<App>, caller: Caller, path: Path<MemberPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| members::get(conn, &caller, path.user)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.0.version)).json(MemberView::from(found)))
}

/// Change a member's role.
///
/// From their next request on. For admins; the last one stays.
#[utoipa::path(tag = "members", params(MemberPath), request_body(content = UpdateMember, content_type = "application/merge-patch+json"), responses((status = 200, description = "The member.", body = MemberView), (status = 409, description = "This is the last admin.")))]
#[patch("/members/{user}")]
async fn update_member(
    app: Data<App>,
    caller: Caller,
    path: Path<MemberPath>,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UpdateMember>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let change = move |conn: &mut _| members::change(conn, &caller, path.user, input.role, &if_match, now);
    let changed = app.db.write(change).await?;
    Ok(HttpResponse::Ok().insert_header(etag(changed.0.version)).json(MemberView::from(changed)))
}

/// Remove a member.
///
/// From their next request on, also from their teams, and with the API tokens that they made. For admins, and for
/// everybody to leave; the last admin stays.
#[utoipa::path(tag = "members", params(MemberPath), responses((status = 204, description = "They are no member."), (status = 409, description = "This is the last admin.")))]
#[delete("/members/{user}")]
async fn remove_member(
    app: Data<App>,
    caller: Caller,
    path: Path<MemberPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| members::remove(conn, &caller, path.user, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List invitations.
///
/// Oldest first. For admins.
#[utoipa::path(tag = "members", params(PageParams), responses((status = 200, description = "A page of invitations.", body = Page<InvitationView>)))]
#[get("/invitations")]
async fn list_invitations(app: Data<App>, caller: Caller, list: ListQuery<NoFilter>) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let with_total = list.wants_total();
    let page = app.db.read(move |conn| {
        let (found, total) = invitations::list(conn, &caller, &window, with_total)?;
        let page = window.page(found, &seal, |invitation| invitation.id);
        Ok::<_, ApiError>(Page { total, ..page.map(InvitationView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Invite a person.
///
/// The answer holds a code to hand to them. It is the same whether they have an account or not, and takes the place of
/// an older invitation of theirs. For admins.
#[utoipa::path(tag = "members", request_body = CreateInvitation, responses((status = 201, description = "The invitation.", body = CreatedInvitationView), (status = 409, description = "The person is a member already.")))]
#[post("/invitations")]
async fn create_invitation(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CreateInvitation>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let create = move |conn: &mut _| invitations::create(conn, &caller, &input.email, input.role, now);
    let (made, code) = app.db.write(create).await?;
    let place = location(&request, made.id);
    let view = CreatedInvitationView { invitation: InvitationView::from(made), code: code.expose().clone() };
    Ok(HttpResponse::Created().insert_header(SECRET).insert_header(place).insert_header(etag(VERSION)).json(view))
}

/// Get an invitation.
///
/// For admins.
#[utoipa::path(tag = "members", params(InvitationPath), responses((status = 200, description = "The invitation.", body = InvitationView)))]
#[get("/invitations/{invitation}")]
async fn get_invitation(app: Data<App>, caller: Caller, path: Path<InvitationPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| invitations::get(conn, &caller, path.invitation)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(VERSION)).json(InvitationView::from(found)))
}

/// Withdraw an invitation.
///
/// For admins.
#[utoipa::path(tag = "members", params(InvitationPath), responses((status = 204, description = "It is gone.")))]
#[delete("/invitations/{invitation}")]
async fn withdraw_invitation(
    app: Data<App>,
    caller: Caller,
    path: Path<InvitationPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    if_match.check(VERSION)?;
    let now = app.clock.now();
    app.db.write(move |conn| invitations::withdraw(conn, &caller, path.invitation, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
