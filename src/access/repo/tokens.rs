//! API tokens. How one is found by its secret stands in `credentials`.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use crate::access::model::ApiToken;
use crate::base::ids::{ApiTokenId, OrganizationId, ProductId, UserId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{api_token_uses, api_tokens, products};

/// A token and when it was last used.
pub type TokenAndUse = (ApiToken, Option<UtcTime>);

/// Adds a token.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, token: &ApiToken) -> QueryResult<usize> {
    diesel::insert_into(api_tokens::table).values(token).execute(conn)
}

/// A token of the organization that was not revoked.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, organization: OrganizationId, id: ApiTokenId) -> QueryResult<Option<TokenAndUse>> {
    api_tokens::table
        .left_join(api_token_uses::table.on(api_token_uses::token_id.eq(api_tokens::id)))
        .filter(api_tokens::organization_id.eq(organization).and(api_tokens::id.eq(id)))
        .filter(api_tokens::revoked_at.is_null())
        .select((ApiToken::as_select(), api_token_uses::last_used_at.nullable()))
        .first(conn)
        .optional()
}

/// A page of the organization's tokens that were not revoked, in the order of their making.
///
/// # Errors
/// The database's.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    window: &Window<ApiTokenId>,
) -> QueryResult<Vec<TokenAndUse>> {
    let mut query = api_tokens::table
        .left_join(api_token_uses::table.on(api_token_uses::token_id.eq(api_tokens::id)))
        .filter(api_tokens::organization_id.eq(organization))
        .filter(api_tokens::revoked_at.is_null())
        .select((ApiToken::as_select(), api_token_uses::last_used_at.nullable()))
        .into_boxed::<MultiBackend>();
    if let Some(after) = window.after {
        query = query.filter(api_tokens::id.gt(after));
    }
    query.order(api_tokens::id).limit(window.fetch()).load(conn)
}

/// Writes the changed fields of a version that was read. False when another was faster.
///
/// # Errors
/// The database's.
pub fn update(conn: &mut Conn, changed: &ApiToken) -> QueryResult<bool> {
    let rows = diesel::update(api_tokens::table.find(changed.id))
        .filter(api_tokens::organization_id.eq(changed.organization_id))
        .filter(api_tokens::version.eq(changed.version - 1))
        .set((
            api_tokens::name.eq(&changed.name),
            api_tokens::expires_at.eq(changed.expires_at),
            api_tokens::revoked_at.eq(changed.revoked_at),
            api_tokens::version.eq(changed.version),
        ))
        .execute(conn)?;
    Ok(rows == 1)
}

/// Revokes all tokens that a user made in an organization.
///
/// # Errors
/// The database's.
pub fn revoke_made_by(conn: &mut Conn, organization: OrganizationId, user: UserId, now: UtcTime) -> QueryResult<usize> {
    let made_by_user = api_tokens::table
        .filter(api_tokens::organization_id.eq(organization))
        .filter(api_tokens::created_by.eq(user).and(api_tokens::revoked_at.is_null()));
    diesel::update(made_by_user)
        .set((api_tokens::revoked_at.eq(now), api_tokens::version.eq(api_tokens::version + 1)))
        .execute(conn)
}

/// Has the organization that product?
///
/// # Errors
/// The database's.
pub fn has_product(conn: &mut Conn, organization: OrganizationId, product: ProductId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(products::table.find((organization, product)))).get_result(conn)
}

/// Notes that a token was used, unless that was noted after `not_since`.
///
/// # Errors
/// The database's.
pub fn note_use(conn: &mut Conn, token: ApiTokenId, now: UtcTime, not_since: UtcTime) -> QueryResult<usize> {
    diesel::sql_query(
        "INSERT INTO api_token_uses (token_id, last_used_at) VALUES ($1, $2) \
         ON CONFLICT (token_id) DO UPDATE SET last_used_at = $2 WHERE api_token_uses.last_used_at <= $3",
    )
    .bind::<Binary, _>(token)
    .bind::<BigInt, _>(now)
    .bind::<BigInt, _>(not_since)
    .execute(conn)
}

/// How many tokens of the organization were not revoked.
///
/// # Errors
/// The database's.
pub fn count(conn: &mut Conn, organization: OrganizationId) -> QueryResult<i64> {
    api_tokens::table
        .filter(api_tokens::organization_id.eq(organization).and(api_tokens::revoked_at.is_null()))
        .count()
        .get_result(conn)
}
