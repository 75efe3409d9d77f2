//! Teams and who is in them.

use diesel::prelude::*;

use crate::access::model::{Team, User};
use crate::base::ids::{OrganizationId, TeamId, UserId};
use crate::base::page::Window;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{team_members, teams, users};
use crate::on_backend;

/// Adds a team.
///
/// # Errors
/// The database's: a unique violation when the name is taken.
pub fn insert(conn: &mut Conn, team: &Team) -> QueryResult<usize> {
    diesel::insert_into(teams::table).values(team).execute(conn)
}

/// A team of the organization.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, organization: OrganizationId, id: TeamId) -> QueryResult<Option<Team>> {
    teams::table.find((organization, id)).select(Team::as_select()).first(conn).optional()
}

/// A page of the organization's teams, in the order of their making.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut Conn, organization: OrganizationId, window: &Window<TeamId>) -> QueryResult<Vec<Team>> {
    let mut query = teams::table
        .filter(teams::organization_id.eq(organization))
        .select(Team::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(after) = window.after {
        query = query.filter(teams::id.gt(after));
    }
    query.order(teams::id).limit(window.fetch()).load(conn)
}

/// Writes the changed fields of a version that was read. False when another was faster.
///
/// # Errors
/// The database's: a unique violation when the name is taken.
pub fn update(conn: &mut Conn, changed: &Team) -> QueryResult<bool> {
    let rows = diesel::update(teams::table.find((changed.organization_id, changed.id)))
        .filter(teams::version.eq(changed.version - 1))
        .set((
            teams::name.eq(&changed.name),
            teams::responsible_user_id.eq(changed.responsible_user_id),
            teams::version.eq(changed.version),
        ))
        .execute(conn)?;
    Ok(rows == 1)
}

/// Deletes a team.
///
/// # Errors
/// The database's.
pub fn delete(conn: &mut Conn, organization: OrganizationId, id: TeamId) -> QueryResult<usize> {
    diesel::delete(teams::table.find((organization, id))).execute(conn)
}

/// Leaves the teams that a user is responsible for without one.
///
/// # Errors
/// The database's.
pub fn clear_responsible(conn: &mut Conn, organization: OrganizationId, user: UserId) -> QueryResult<usize> {
    let of_user =
        teams::table.filter(teams::organization_id.eq(organization)).filter(teams::responsible_user_id.eq(user));
    diesel::update(of_user)
        .set((teams::responsible_user_id.eq(None::<UserId>), teams::version.eq(teams::version + 1)))
        .execute(conn)
}

/// Puts a member of the organization into a team; true if they were not in it.
///
/// # Errors
/// The database's: a foreign-key violation for somebody who is not a member.
pub fn add_member(conn: &mut Conn, organization: OrganizationId, team: TeamId, user: UserId) -> QueryResult<bool> {
    let row = (
        team_members::organization_id.eq(organization),
        team_members::team_id.eq(team),
        team_members::user_id.eq(user),
    );
    let added = on_backend!(conn, |conn| {
        diesel::insert_into(team_members::table).values(row).on_conflict_do_nothing().execute(conn)
    })?;
    Ok(added == 1)
}

/// Takes a member out of a team; true if they were in it.
///
/// # Errors
/// The database's.
pub fn remove_member(conn: &mut Conn, organization: OrganizationId, team: TeamId, user: UserId) -> QueryResult<bool> {
    Ok(diesel::delete(team_members::table.find((organization, team, user))).execute(conn)? == 1)
}

/// A page of a team's members, in the order of the users' making.
///
/// # Errors
/// The database's.
pub fn members(
    conn: &mut Conn,
    organization: OrganizationId,
    team: TeamId,
    window: &Window<UserId>,
) -> QueryResult<Vec<User>> {
    let mut query = team_members::table
        .inner_join(users::table.on(users::id.eq(team_members::user_id)))
        .filter(team_members::organization_id.eq(organization).and(team_members::team_id.eq(team)))
        .select(User::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(after) = window.after {
        query = query.filter(users::id.gt(after));
    }
    query.order(users::id).limit(window.fetch()).load(conn)
}

/// How many teams the organization has.
///
/// # Errors
/// The database's.
pub fn count(conn: &mut Conn, organization: OrganizationId) -> QueryResult<i64> {
    teams::table.filter(teams::organization_id.eq(organization)).count().get_result(conn)
}

/// How many members a team has.
///
/// # Errors
/// The database's.
pub fn count_members(conn: &mut Conn, organization: OrganizationId, team: TeamId) -> QueryResult<i64> {
    team_members::table
        .filter(team_members::organization_id.eq(organization).and(team_members::team_id.eq(team)))
        .count()
        .get_result(conn)
}
