//! Organizations.

use diesel::prelude::*;

use crate::access::model::Organization;
use crate::access::permission::Role;
use crate::base::ids::{OrganizationId, UserId};
use crate::base::page::Window;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{memberships, organizations};

/// Adds an organization.
///
/// # Errors
/// The database's: a unique violation when the slug is taken.
pub fn insert(conn: &mut Conn, organization: &Organization) -> QueryResult<usize> {
    diesel::insert_into(organizations::table).values(organization).execute(conn)
}

/// The organization with that id.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, id: OrganizationId) -> QueryResult<Option<Organization>> {
    organizations::table.find(id).select(Organization::as_select()).first(conn).optional()
}

/// Is there any organization?
///
/// # Errors
/// The database's.
pub fn any(conn: &mut Conn) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(organizations::table.select(organizations::id))).get_result(conn)
}

/// The user's organizations with the user's role there, in the order of their making.
///
/// # Errors
/// The database's.
pub fn list_of(
    conn: &mut Conn,
    user: UserId,
    window: &Window<OrganizationId>,
) -> QueryResult<Vec<(Organization, Role)>> {
    let mut query = memberships::table
        .inner_join(organizations::table.on(organizations::id.eq(memberships::organization_id)))
        .filter(memberships::user_id.eq(user))
        .select((Organization::as_select(), memberships::role))
        .into_boxed::<MultiBackend>();
    if let Some(after) = window.after {
        query = query.filter(organizations::id.gt(after));
    }
    query.order(organizations::id).limit(window.fetch()).load(conn)
}

/// All organizations of a user with the role there.
///
/// # Errors
/// The database's.
pub fn all_of(conn: &mut Conn, user: UserId) -> QueryResult<Vec<(Organization, Role)>> {
    memberships::table
        .inner_join(organizations::table.on(organizations::id.eq(memberships::organization_id)))
        .filter(memberships::user_id.eq(user))
        .order(organizations::id)
        .select((Organization::as_select(), memberships::role))
        .load(conn)
}

/// Writes the changed fields of a version that was read. False when another was faster.
///
/// # Errors
/// The database's: a unique violation when the slug is taken.
pub fn update(conn: &mut Conn, changed: &Organization) -> QueryResult<bool> {
    let rows = diesel::update(organizations::table.find(changed.id))
        .filter(organizations::version.eq(changed.version - 1))
        .set((
            organizations::slug.eq(&changed.slug),
            organizations::name.eq(&changed.name),
            organizations::tracker_traffic_stopped.eq(changed.tracker_traffic_stopped),
            organizations::version.eq(changed.version),
        ))
        .execute(conn)?;
    Ok(rows == 1)
}

/// Deletes an organization with its members, teams and tokens.
///
/// # Errors
/// The database's: a foreign-key violation while it has products or tracker connections.
pub fn delete(conn: &mut Conn, id: OrganizationId) -> QueryResult<usize> {
    diesel::delete(organizations::table.find(id)).execute(conn)
}

/// Lets transactions that change the members of one organization pass one by one. SQLite has one writer anyway.
///
/// # Errors
/// The database's.
pub fn lock(conn: &mut Conn, id: OrganizationId) -> QueryResult<()> {
    if let Conn::Pg(conn) = conn {
        organizations::table.find(id).select(organizations::id).for_update().execute(conn)?;
    }
    Ok(())
}

/// How many organizations the user is a member of.
///
/// # Errors
/// The database's.
pub fn count_of(conn: &mut Conn, user: UserId) -> QueryResult<i64> {
    memberships::table.filter(memberships::user_id.eq(user)).count().get_result(conn)
}
