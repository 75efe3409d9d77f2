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
        .filter(is_live(session, user, now))
        .select(users::is_superuser)
        .first(conn)
        .optional()
}

/// It is that session of an active user, and its time is not over.
#[diesel::dsl::auto_type(no_type_alias)]
fn is_live(session: SessionId, user: UserId, now: UtcTime) -> _ {
    let own = sessions::id.eq(session).and(sessions::user_id.eq(user));
    own.and(sessions::expires_at.gt(now)).and(users::is_active.eq(true))
}

/// An organization, and a role in it.
pub type Membership = (OrganizationId, Role);

/// Whether the user is a superuser, while their session lives; with their role in the organization that a path names by
/// slug or id. Every request of a person asks for these, so they are read at once.
///
/// # Errors
/// The database's.
pub fn live_membership(
    conn: &mut Conn,
    session: SessionId,
    user: UserId,
    organization: &str,
    now: UtcTime,
) -> QueryResult<Option<(bool, Option<Membership>)>> {
    use memberships as m;
    let of_user = m::user_id.eq(users::id);
    let live = is_live(session, user, now);
    let people = sessions::table.inner_join(users::table.on(users::id.eq(sessions::user_id)));
    let found = (users::is_superuser, (m::organization_id, m::role).nullable());
    match organization.parse::<OrganizationId>() {
        Ok(id) => {
            let there = of_user.and(m::organization_id.eq(id));
            people.left_join(m::table.on(there)).filter(live).select(found).first(conn).optional()
        }
        Err(_) => {
            let named = organizations::table.filter(organizations::slug.eq(organization)).select(organizations::id);
            let there = of_user.and(m::organization_id.nullable().eq(named.single_value()));
            people.left_join(m::table.on(there)).filter(live).select(found).first(conn).optional()
        }
    }
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
