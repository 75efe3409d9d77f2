//! SQL of products.

use diesel::prelude::*;

use super::model::{Product, ProductKey, ProductQuery, ProductSort, ProductTeam};
use crate::base::ids::{BranchId, OrganizationId, ProductId, TeamId};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::like::containing;
use crate::db::schema::{product_teams, products, teams};
use crate::{in_scope, on_backend};

pub mod branches;
pub mod engagements;

type Query<'a> = products::BoxedQuery<'a, MultiBackend>;

fn visible<'a>(organization: OrganizationId, scope: &ProductScope) -> Query<'a> {
    let query = products::table.filter(products::organization_id.eq(organization)).into_boxed::<MultiBackend>();
    in_scope!(query, scope, products::id)
}

/// A product that may be seen.
pub fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    id: ProductId,
) -> QueryResult<Option<Product>> {
    visible(organization, scope).filter(products::id.eq(id)).select(Product::as_select()).first(conn).optional()
}

/// A product that may be seen, by the key of its name.
pub fn find_by_name(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    name_key: &str,
) -> QueryResult<Option<Product>> {
    let query = visible(organization, scope).filter(products::name_key.eq(name_key));
    query.select(Product::as_select()).first(conn).optional()
}

fn filtered<'a>(organization: OrganizationId, scope: &ProductScope, wanted: &ProductQuery) -> Query<'a> {
    let mut query = visible(organization, scope);
    if let Some(q) = &wanted.q {
        query = query.filter(products::name_key.like(containing(&q.to_lowercase())).escape('\\'));
    }
    if let Some(is_restricted) = wanted.is_restricted {
        query = query.filter(products::is_restricted.eq(is_restricted));
    }
    if !wanted.teams.is_empty() {
        let owned = product_teams::table
            .filter(product_teams::organization_id.eq(organization))
            .filter(product_teams::team_id.eq_any(wanted.teams.clone()))
            .select(product_teams::product_id);
        query = query.filter(products::id.eq_any(owned));
    }
    query
}

/// A part of the products that may be seen.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    wanted: &ProductQuery,
    window: &Window<ProductKey>,
) -> QueryResult<Vec<Product>> {
    let query = filtered(organization, scope, wanted);
    let after = window.after.clone();
    let query = match (wanted.sort, after) {
        (_, None) => query,
        (ProductSort::Name, Some((name, _))) => query.filter(products::name_key.gt(name)),
        (ProductSort::NameDescending, Some((name, _))) => query.filter(products::name_key.lt(name)),
        (ProductSort::CreatedAt, Some((_, id))) => query.filter(products::id.gt(id)),
        (ProductSort::CreatedAtDescending, Some((_, id))) => query.filter(products::id.lt(id)),
    };
    // Names are unique, and ids come in the order of creation.
    let query = match wanted.sort {
        ProductSort::Name => query.order((products::name_key.asc(), products::id.asc())),
        ProductSort::NameDescending => query.order((products::name_key.desc(), products::id.desc())),
        ProductSort::CreatedAt => query.order(products::id.asc()),
        ProductSort::CreatedAtDescending => query.order(products::id.desc()),
    };
    query.limit(window.fetch()).select(Product::as_select()).load(conn)
}

/// How many products there are in a list.
pub fn count(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    wanted: &ProductQuery,
) -> QueryResult<i64> {
    filtered(organization, scope, wanted).count().get_result(conn)
}

/// Adds a product. False when its name is taken.
pub fn insert(conn: &mut Conn, product: &Product) -> QueryResult<bool> {
    let inserted = on_backend!(conn, |c| {
        diesel::insert_into(products::table).values(product).on_conflict_do_nothing().execute(c)
    })?;
    Ok(inserted == 1)
}

/// Writes a product's own fields where it still has the version that was read. False when it has not, or when the name
/// is taken.
pub fn update(conn: &mut Conn, product: &Product, read_version: i64) -> QueryResult<bool> {
    let target = products::table
        .filter(products::organization_id.eq(product.organization_id))
        .filter(products::id.eq(product.id))
        .filter(products::version.eq(read_version));
    let updated = diesel::update(target)
        .set((
            products::name.eq(&product.name),
            products::name_key.eq(&product.name_key),
            products::description.eq(&product.description),
            products::is_restricted.eq(product.is_restricted),
            products::default_branch_id.eq(product.default_branch_id),
            products::version.eq(product.version),
            products::updated_at.eq(product.updated_at),
        ))
        .execute(conn)?;
    Ok(updated == 1)
}

/// Is the name taken by another product, seen or not?
pub fn is_name_taken(
    conn: &mut Conn,
    organization: OrganizationId,
    name_key: &str,
    by_other_than: ProductId,
) -> QueryResult<bool> {
    let others = products::table
        .filter(products::organization_id.eq(organization))
        .filter(products::name_key.eq(name_key))
        .filter(products::id.ne(by_other_than));
    diesel::select(diesel::dsl::exists(others)).get_result(conn)
}

/// Removes a product and what hangs on its row: branches, engagements, sources, scans, its tracker config.
pub fn delete(conn: &mut Conn, organization: OrganizationId, id: ProductId) -> QueryResult<bool> {
    let own = products::table.filter(products::organization_id.eq(organization)).filter(products::id.eq(id));
    // The default branch refers back to the product that it would go with.
    diesel::update(own).set(products::default_branch_id.eq(None::<BranchId>)).execute(conn)?;
    Ok(diesel::delete(own).execute(conn)? == 1)
}

/// Holds a product until the transaction ends: what would be added to it meanwhile waits.
pub fn lock(conn: &mut Conn, organization: OrganizationId, id: ProductId) -> QueryResult<()> {
    let own = products::table.filter(products::organization_id.eq(organization)).filter(products::id.eq(id));
    match conn {
        Conn::Pg(conn) => own.select(products::version).for_update().execute(conn).map(drop),
        // A writer there is alone.
        Conn::Sqlite(_) => Ok(()),
    }
}

/// The teams that own products, in the order of both.
pub fn teams_of(
    conn: &mut Conn,
    organization: OrganizationId,
    products: &[ProductId],
) -> QueryResult<Vec<(ProductId, TeamId)>> {
    product_teams::table
        .filter(product_teams::organization_id.eq(organization))
        .filter(product_teams::product_id.eq_any(products.iter().copied()))
        .order((product_teams::product_id, product_teams::team_id))
        .select((product_teams::product_id, product_teams::team_id))
        .load(conn)
}

/// Those of the teams that exist.
pub fn known_teams(conn: &mut Conn, organization: OrganizationId, ids: &[TeamId]) -> QueryResult<Vec<TeamId>> {
    teams::table
        .filter(teams::organization_id.eq(organization))
        .filter(teams::id.eq_any(ids.iter().copied()))
        .select(teams::id)
        .load(conn)
}

/// Those of the products that are restricted to their teams.
pub fn restricted_of(conn: &mut Conn, organization: OrganizationId, ids: &[ProductId]) -> QueryResult<Vec<ProductId>> {
    products::table
        .filter(products::organization_id.eq(organization))
        .filter(products::id.eq_any(ids.iter().copied()).and(products::is_restricted.eq(true)))
        .select(products::id)
        .load(conn)
}

/// Makes these teams the owners of a product, and no others.
pub fn set_teams(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    owners: &[TeamId],
) -> QueryResult<()> {
    let former = product_teams::table
        .filter(product_teams::organization_id.eq(organization))
        .filter(product_teams::product_id.eq(product));
    diesel::delete(former).execute(conn)?;
    let rows: Vec<ProductTeam> = owners
        .iter()
        .map(|team_id| ProductTeam { organization_id: organization, product_id: product, team_id: *team_id })
        .collect();
    on_backend!(conn, |c| diesel::insert_into(product_teams::table).values(&rows).execute(c))?;
    Ok(())
}
