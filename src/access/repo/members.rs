//! Memberships.

use diesel::prelude::*;

use crate::access::model::{Membership, User};
use crate::access::permission::Role;
use crate::base::ids::{OrganizationId, UserId};
use crate::base::page::Window;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{memberships, users};

/// Adds a member.
///
/// # Errors
/// The database's: a unique violation for somebody who is one.
pub fn insert(conn: &mut Conn, membership: &Membership) -> QueryResult<usize> {
    diesel::insert_into(memberships::table).values(membership).execute(conn)
}

/// A member of the organization.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, organization: OrganizationId, user: UserId) -> QueryResult<Option<(Membership, User)>> {
    memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::organization_id.eq(organization).and(memberships::user_id.eq(user)))
        .select((Membership::as_select(), User::as_select()))
        .first(conn)
        .optional()
}

/// Has the organization a member with that e-mail address?
///
/// # Errors
/// The database's.
pub fn has_email(conn: &mut Conn, organization: OrganizationId, email: &str) -> QueryResult<bool> {
    let member = memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::organization_id.eq(organization).and(users::email.eq(email)));
    diesel::select(diesel::dsl::exists(member)).get_result(conn)
}

/// A page of the organization's members, in the order of the users' making.
///
/// # Errors
/// The database's.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    window: &Window<UserId>,
) -> QueryResult<Vec<(Membership, User)>> {
    let mut query = memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::organization_id.eq(organization))
        .select((Membership::as_select(), User::as_select()))
        .into_boxed::<MultiBackend>();
    if let Some(after) = window.after {
        query = query.filter(memberships::user_id.gt(after));
    }
    query.order(memberships::user_id).limit(window.fetch()).load(conn)
}

/// How many active admins the organization has.
///
/// # Errors
/// The database's.
pub fn count_admins(conn: &mut Conn, organization: OrganizationId) -> QueryResult<i64> {
    memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::organization_id.eq(organization))
        .filter(memberships::role.eq(Role::Admin).and(users::is_active.eq(true)))
        .count()
        .get_result(conn)
}

/// Writes the role of a version that was read. False when another was faster.
///
/// # Errors
/// The database's.
pub fn update(conn: &mut Conn, changed: &Membership) -> QueryResult<bool> {
    let rows = diesel::update(memberships::table.find((changed.organization_id, changed.user_id)))
        .filter(memberships::version.eq(changed.version - 1))
        .set((memberships::role.eq(changed.role), memberships::version.eq(changed.version)))
        .execute(conn)?;
    Ok(rows == 1)
}

/// Removes a member, from their teams, too.
///
/// # Errors
/// The database's: a foreign-key violation while they are responsible for a team.
pub fn delete(conn: &mut Conn, organization: OrganizationId, user: UserId) -> QueryResult<usize> {
    diesel::delete(memberships::table.find((organization, user))).execute(conn)
}

/// How many members the organization has.
///
/// # Errors
/// The database's.
pub fn count(conn: &mut Conn, organization: OrganizationId) -> QueryResult<i64> {
    memberships::table.filter(memberships::organization_id.eq(organization)).count().get_result(conn)
}
