//! Questions about assets that callers ask: each sees what was found in products that it may see, or not at all yet.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::assets::model::{Asset, AssetKey, AssetQuery, AssetSort};
use crate::base::ids::{AssetId, OrganizationId};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::like::containing;
use crate::db::schema::{assets, observations};
use crate::on_backend;

type Query<'a> = assets::BoxedQuery<'a, MultiBackend>;

fn visible<'a>(organization: OrganizationId, scope: &ProductScope) -> Query<'a> {
    let query = assets::table.filter(assets::organization_id.eq(organization)).into_boxed::<MultiBackend>();
    let on_it = observations::table.filter(observations::asset_id.eq(assets::id));
    match scope {
        ProductScope::Except(hidden) if hidden.is_empty() => query,
        ProductScope::Except(hidden) => {
            let seen = on_it.filter(observations::product_id.ne_all(hidden.clone()));
            query.filter(exists(seen).or(not(exists(on_it))))
        }
        ProductScope::Only(product) => query.filter(exists(on_it.filter(observations::product_id.eq(*product)))),
    }
}

/// An asset that may be seen.
pub fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    id: AssetId,
) -> QueryResult<Option<Asset>> {
    visible(organization, scope).filter(assets::id.eq(id)).select(Asset::as_select()).first(conn).optional()
}

fn filtered<'a>(organization: OrganizationId, scope: &ProductScope, wanted: &AssetQuery) -> Query<'a> {
    let mut query = visible(organization, scope);
    if let Some(q) = &wanted.q {
        query = query.filter(assets::search.like(containing(&q.to_lowercase())).escape('\\'));
    }
    if !wanted.kinds.is_empty() {
        query = query.filter(assets::kind.eq_any(wanted.kinds.clone()));
    }
    if !wanted.products.is_empty() {
        let visible: Vec<_> = wanted.products.iter().copied().filter(|product| scope.allows(*product)).collect();
        let on_it = observations::table.filter(observations::asset_id.eq(assets::id));
        query = query.filter(exists(on_it.filter(observations::product_id.eq_any(visible))));
    }
    query
}

/// A part of the assets that may be seen.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    wanted: &AssetQuery,
    window: &Window<AssetKey>,
) -> QueryResult<Vec<Asset>> {
    let query = filtered(organization, scope, wanted);
    let query = match (wanted.sort, window.after.clone()) {
        (_, None) => query,
        (AssetSort::CreatedAt, Some((_, _, id))) => query.filter(assets::id.gt(id)),
        (AssetSort::CreatedAtDescending, Some((_, _, id))) => query.filter(assets::id.lt(id)),
        (AssetSort::Name, Some((kind, name, _))) => {
            query.filter(assets::kind.ge(kind)).filter(assets::kind.gt(kind).or(assets::name.gt(name)))
        }
        (AssetSort::NameDescending, Some((kind, name, _))) => {
            query.filter(assets::kind.le(kind)).filter(assets::kind.lt(kind).or(assets::name.lt(name)))
        }
    };
    let query = match wanted.sort {
        AssetSort::CreatedAt => query.order(assets::id.asc()),
        AssetSort::CreatedAtDescending => query.order(assets::id.desc()),
        AssetSort::Name => query.order((assets::kind.asc(), assets::name.asc(), assets::id.asc())),
        AssetSort::NameDescending => query.order((assets::kind.desc(), assets::name.desc(), assets::id.desc())),
    };
    query.limit(window.fetch()).select(Asset::as_select()).load(conn)
}

/// How many assets there are in a list.
pub fn count(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    wanted: &AssetQuery,
) -> QueryResult<i64> {
    filtered(organization, scope, wanted).count().get_result(conn)
}

/// Adds an asset. False when there is one of this kind and name.
pub fn insert(conn: &mut Conn, asset: &Asset) -> QueryResult<bool> {
    let inserted = on_backend!(conn, |c| {
        diesel::insert_into(assets::table).values(asset).on_conflict_do_nothing().execute(c)
    })?;
    Ok(inserted == 1)
}

/// Was anything ever found on it, in whatever product?
pub fn is_in_use(conn: &mut Conn, organization: OrganizationId, id: AssetId) -> QueryResult<bool> {
    let on_it = observations::table
        .filter(observations::organization_id.eq(organization))
        .filter(observations::asset_id.eq(id));
    diesel::select(exists(on_it)).get_result(conn)
}

/// Removes an asset.
pub fn delete(conn: &mut Conn, organization: OrganizationId, id: AssetId) -> QueryResult<bool> {
    let own = assets::table.filter(assets::organization_id.eq(organization)).filter(assets::id.eq(id));
    Ok(diesel::delete(own).execute(conn)? == 1)
}
