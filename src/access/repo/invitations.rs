//! Invitations: one open per organization and e-mail address.

use diesel::prelude::*;

use crate::access::model::Invitation;
use crate::base::ids::{InvitationId, OrganizationId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::invitations;

/// Adds an invitation in the place of an older one of the same person.
///
/// # Errors
/// The database's.
pub fn put(conn: &mut Conn, invitation: &Invitation) -> QueryResult<usize> {
    let of_person = invitations::table
        .filter(invitations::organization_id.eq(invitation.organization_id))
        .filter(invitations::email.eq(&invitation.email));
    diesel::delete(of_person).execute(conn)?;
    diesel::insert_into(invitations::table).values(invitation).execute(conn)
}

/// An invitation of the organization.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, organization: OrganizationId, id: InvitationId) -> QueryResult<Option<Invitation>> {
    invitations::table.find((organization, id)).select(Invitation::as_select()).first(conn).optional()
}

/// The invitation with that code that has not expired.
///
/// # Errors
/// The database's.
pub fn find_by_code(conn: &mut Conn, code_hash: &[u8], now: UtcTime) -> QueryResult<Option<Invitation>> {
    invitations::table
        .filter(invitations::code_hash.eq(code_hash).and(invitations::expires_at.gt(now)))
        .select(Invitation::as_select())
        .first(conn)
        .optional()
}

/// A page of the organization's invitations, in the order of their making.
///
/// # Errors
/// The database's.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    window: &Window<InvitationId>,
) -> QueryResult<Vec<Invitation>> {
    let mut query = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .select(Invitation::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(after) = window.after {
        query = query.filter(invitations::id.gt(after));
    }
    query.order(invitations::id).limit(window.fetch()).load(conn)
}

/// Deletes an invitation; true for whoever did.
///
/// # Errors
/// The database's.
pub fn delete(conn: &mut Conn, organization: OrganizationId, id: InvitationId) -> QueryResult<bool> {
    Ok(diesel::delete(invitations::table.find((organization, id))).execute(conn)? == 1)
}

/// How many invitations the organization has.
///
/// # Errors
/// The database's.
pub fn count(conn: &mut Conn, organization: OrganizationId) -> QueryResult<i64> {
    invitations::table.filter(invitations::organization_id.eq(organization)).count().get_result(conn)
}
