//! What every request asks first: who is this, and what may they do here? Indexed look-ups only.

use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::access::model::ApiToken;
use crate::access::permission::Role;
use crate::base::ids::{OrganizationId, ProductId, SessionId, UserId};
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{
    api_token_uses, api_tokens, memberships, organizations, product_teams, products, sessions, team_members, users,
};

/// Is the session's user a superuser? None for a session that ended or a user who may not log in.
///
/// # Errors
/// The database's.
pub fn live_session(conn: &mut Conn, session: SessionId, user: UserId, now: UtcTime) -> QueryResult<Option<bool>> {
    sessions::table
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::id.eq(session).and(sessions::user_id.eq(user)))
        .filter(sessions::expires_at.gt(now).and(users::is_active.eq(true)))
        .select(users::is_superuser)
        .first(conn)
        .optional()
}

/// The user's role in the organization that a path names by slug or id.
///
/// # Errors
/// The database's.
pub fn membership(conn: &mut Conn, user: UserId, organization: &str) -> QueryResult<Option<(OrganizationId, Role)>> {
    let query = organizations::table
        .inner_join(memberships::table.on(memberships::organization_id.eq(organizations::id)))
        .filter(memberships::user_id.eq(user))
        .select((organizations::id, memberships::role))
        .into_boxed::<MultiBackend>();
    let query = match organization.parse::<OrganizationId>() {
        Ok(id) => query.filter(organizations::id.eq(id)),
        Err(_) => query.filter(organizations::slug.eq(organization.to_owned())),
    };
    query.first(conn).optional()
}

/// An API token with what bounds it.
#[derive(Debug, Queryable)]
pub struct LiveToken {
    /// The token.
    pub token: ApiToken,
    /// The slug of its organization.
    pub slug: String,
    /// The role of its creator: the token can do no more.
    pub creator_role: Role,
    /// When it was last used, as far as that is noted.
    pub last_used_at: Option<UtcTime>,
}

/// The token with that hash, if it is valid and its creator is still a member.
///
/// # Errors
/// The database's.
pub fn live_token(conn: &mut Conn, hash: &[u8], now: UtcTime) -> QueryResult<Option<LiveToken>> {
    let of_creator = memberships::organization_id
        .eq(api_tokens::organization_id)
        .and(memberships::user_id.eq(api_tokens::created_by));
    api_tokens::table
        .inner_join(organizations::table.on(organizations::id.eq(api_tokens::organization_id)))
        .inner_join(memberships::table.on(of_creator))
        .inner_join(users::table.on(users::id.eq(api_tokens::created_by)))
        .left_join(api_token_uses::table.on(api_token_uses::token_id.eq(api_tokens::id)))
        .filter(api_tokens::token_hash.eq(hash))
        .filter(api_tokens::revoked_at.is_null())
        .filter(api_tokens::expires_at.is_null().or(api_tokens::expires_at.gt(now)))
        .filter(users::is_active.eq(true))
        .select((
            ApiToken::as_select(),
            organizations::slug,
            memberships::role,
            api_token_uses::last_used_at.nullable(),
        ))
        .first(conn)
        .optional()
}

/// The restricted products that none of the user's teams owns; without a user, all restricted products (PB-10).
///
/// # Errors
/// The database's.
pub fn hidden_products(
    conn: &mut Conn,
    organization: OrganizationId,
    user: Option<UserId>,
) -> QueryResult<Vec<ProductId>> {
    let restricted = products::table
        .filter(products::organization_id.eq(organization))
        // As it stands in the partial index; a bound value would not match it.
        .filter(sql::<Bool>("products.is_restricted = TRUE"))
        .select(products::id)
        .order(products::id)
        .into_boxed::<MultiBackend>();
    let Some(user) = user else { return restricted.load(conn) };
    let same_team = team_members::organization_id
        .eq(product_teams::organization_id)
        .and(team_members::team_id.eq(product_teams::team_id));
    let owned = product_teams::table
        .inner_join(team_members::table.on(same_team))
        .filter(product_teams::organization_id.eq(organization))
        .filter(product_teams::product_id.eq(products::id))
        .filter(team_members::user_id.eq(user))
        .select(product_teams::product_id);
    restricted.filter(not(exists(owned))).load(conn)
}
