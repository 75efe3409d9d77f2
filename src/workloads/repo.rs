//! SQL of trust rules and of the tokens that they gave.

use diesel::prelude::*;

use super::model::{Asked, TrustRule, WorkloadToken};
use crate::base::ids::{OrganizationId, ProductId, TrustRuleId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{organizations, trust_rules, workload_tokens};

/// Adds a rule.
pub fn insert(conn: &mut Conn, rule: &TrustRule) -> QueryResult<usize> {
    diesel::insert_into(trust_rules::table).values(rule).execute(conn)
}

/// A rule of a product.
pub fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    id: TrustRuleId,
) -> QueryResult<Option<TrustRule>> {
    trust_rules::table
        .find((organization, id))
        .filter(trust_rules::product_id.eq(product))
        .select(TrustRule::as_select())
        .first(conn)
        .optional()
}

/// A part of the rules of a product, in the order of their making.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    window: &Window<TrustRuleId>,
) -> QueryResult<Vec<TrustRule>> {
    let mut query = trust_rules::table
        .filter(trust_rules::organization_id.eq(organization).and(trust_rules::product_id.eq(product)))
        .into_boxed::<MultiBackend>();
    if let Some(after) = window.after {
        query = query.filter(trust_rules::id.gt(after));
    }
    query.order(trust_rules::id).limit(window.fetch()).select(TrustRule::as_select()).load(conn)
}

/// How many rules a product has.
pub fn count(conn: &mut Conn, organization: OrganizationId, product: ProductId) -> QueryResult<i64> {
    trust_rules::table
        .filter(trust_rules::organization_id.eq(organization).and(trust_rules::product_id.eq(product)))
        .count()
        .get_result(conn)
}

/// Writes the changed fields of a version that was read. False when another was faster.
pub fn update(conn: &mut Conn, changed: &TrustRule) -> QueryResult<bool> {
    let rows = diesel::update(trust_rules::table.find((changed.organization_id, changed.id)))
        .filter(trust_rules::version.eq(changed.version - 1))
        .set((
            trust_rules::name.eq(&changed.name),
            trust_rules::audience.eq(&changed.audience),
            trust_rules::branches_json.eq(&changed.branches_json),
            trust_rules::tags_json.eq(&changed.tags_json),
            trust_rules::environments_json.eq(&changed.environments_json),
            trust_rules::workflow.eq(&changed.workflow),
            trust_rules::allow_pull_requests.eq(changed.allow_pull_requests),
            trust_rules::version.eq(changed.version),
        ))
        .execute(conn)?;
    Ok(rows == 1)
}

/// Removes a rule. The tokens that it gave are worth nothing then.
pub fn delete(conn: &mut Conn, organization: OrganizationId, id: TrustRuleId) -> QueryResult<usize> {
    diesel::delete(trust_rules::table.find((organization, id))).execute(conn)
}

/// A rule with the slug of its organization.
pub type RuleAndSlug = (TrustRule, String);

/// The rules of those who are asked that trust a repository of an issuer: at most `limit`.
pub fn trusting(
    conn: &mut Conn,
    asked: &Asked,
    (issuer, repository_id): (&str, &str),
    limit: i64,
) -> QueryResult<Vec<RuleAndSlug>> {
    let query = trust_rules::table
        .inner_join(organizations::table.on(organizations::id.eq(trust_rules::organization_id)))
        .filter(trust_rules::issuer.eq(issuer).and(trust_rules::repository_id.eq(repository_id)))
        .order((trust_rules::organization_id, trust_rules::product_id, trust_rules::id))
        .limit(limit)
        .select((TrustRule::as_select(), organizations::slug))
        .into_boxed::<MultiBackend>();
    match asked {
        Asked::Product(product) => query.filter(trust_rules::product_id.eq(product)).load(conn),
        Asked::Organizations(named) => {
            let ids: Vec<OrganizationId> = named.iter().filter_map(|text| text.parse().ok()).collect();
            query.filter(organizations::slug.eq_any(named).or(organizations::id.eq_any(ids))).load(conn)
        }
    }
}

/// Stores a token.
///
/// # Errors
/// The database's: a unique violation when the other token was given before.
pub fn insert_token(conn: &mut Conn, token: &WorkloadToken) -> QueryResult<usize> {
    diesel::insert_into(workload_tokens::table).values(token).execute(conn)
}

/// The rule of a token that is valid, and the branch of the token. A rule that has changed since is another one.
pub fn rule_of_token(
    conn: &mut Conn,
    token_hash: &[u8],
    now: UtcTime,
) -> QueryResult<Option<(TrustRule, String, String)>> {
    let of_rule = trust_rules::organization_id
        .eq(workload_tokens::organization_id)
        .and(trust_rules::id.eq(workload_tokens::rule_id))
        .and(trust_rules::version.eq(workload_tokens::rule_version));
    workload_tokens::table
        .inner_join(trust_rules::table.on(of_rule))
        .inner_join(organizations::table.on(organizations::id.eq(trust_rules::organization_id)))
        .filter(workload_tokens::token_hash.eq(token_hash))
        .filter(workload_tokens::expires_at.gt(now))
        .select((TrustRule::as_select(), organizations::slug, workload_tokens::branch))
        .first(conn)
        .optional()
}

/// Forgets the tokens of which nothing need be remembered.
pub fn delete_old_tokens(conn: &mut Conn, now: UtcTime) -> QueryResult<usize> {
    diesel::delete(workload_tokens::table.filter(workload_tokens::kept_until.le(now))).execute(conn)
}
