//! SQL of engagements.

use diesel::prelude::*;

use crate::base::ids::{EngagementId, OrganizationId, ProductId};
use crate::base::page::Window;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::like::{containing, lower};
use crate::db::schema::engagements;
use crate::on_backend;
use crate::products::model::{Engagement, PartQuery, PartSort};

type Query<'a> = engagements::BoxedQuery<'a, MultiBackend>;

fn of_product<'a>(organization: OrganizationId, product: ProductId) -> Query<'a> {
    let of_organization = engagements::table.filter(engagements::organization_id.eq(organization));
    of_organization.filter(engagements::product_id.eq(product)).into_boxed()
}

/// An engagement on a product.
pub fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    id: EngagementId,
) -> QueryResult<Option<Engagement>> {
    let query = of_product(organization, product).filter(engagements::id.eq(id));
    query.select(Engagement::as_select()).first(conn).optional()
}

/// An engagement on a product, by its name.
pub fn find_by_name(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    name: &str,
) -> QueryResult<Option<Engagement>> {
    let query = of_product(organization, product).filter(engagements::name.eq(name));
    query.select(Engagement::as_select()).first(conn).optional()
}

fn filtered<'a>(organization: OrganizationId, wanted: &PartQuery) -> Query<'a> {
    let mut query = of_product(organization, wanted.product);
    if let Some(q) = &wanted.q {
        query = query.filter(lower(engagements::name).like(containing(&q.to_ascii_lowercase())).escape('\\'));
    }
    if !wanted.states.is_empty() {
        query = query.filter(engagements::state.eq_any(wanted.states.clone()));
    }
    query
}

/// A part of the engagements on a product.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    wanted: &PartQuery,
    window: &Window<(String, EngagementId)>,
) -> QueryResult<Vec<Engagement>> {
    let query = filtered(organization, wanted);
    let query = match (wanted.sort, window.after.clone()) {
        (_, None) => query,
        (PartSort::Name, Some((name, _))) => query.filter(engagements::name.gt(name)),
        (PartSort::NameDescending, Some((name, _))) => query.filter(engagements::name.lt(name)),
        (PartSort::CreatedAt, Some((_, id))) => query.filter(engagements::id.gt(id)),
        (PartSort::CreatedAtDescending, Some((_, id))) => query.filter(engagements::id.lt(id)),
    };
    let query = match wanted.sort {
        PartSort::Name => query.order((engagements::name.asc(), engagements::id.asc())),
        PartSort::NameDescending => query.order((engagements::name.desc(), engagements::id.desc())),
        PartSort::CreatedAt => query.order(engagements::id.asc()),
        PartSort::CreatedAtDescending => query.order(engagements::id.desc()),
    };
    query.limit(window.fetch()).select(Engagement::as_select()).load(conn)
}

/// How many engagements there are in a list.
pub fn count(conn: &mut Conn, organization: OrganizationId, wanted: &PartQuery) -> QueryResult<i64> {
    filtered(organization, wanted).count().get_result(conn)
}

/// Adds an engagement. False when the product has one with this name.
pub fn insert(conn: &mut Conn, engagement: &Engagement) -> QueryResult<bool> {
    let inserted = on_backend!(conn, |c| {
        diesel::insert_into(engagements::table).values(engagement).on_conflict_do_nothing().execute(c)
    })?;
    Ok(inserted == 1)
}

/// Writes an engagement that still has the version that was read.
pub fn update(conn: &mut Conn, engagement: &Engagement, read_version: i64) -> QueryResult<bool> {
    let target = engagements::table
        .filter(engagements::organization_id.eq(engagement.organization_id))
        .filter(engagements::id.eq(engagement.id))
        .filter(engagements::version.eq(read_version));
    let updated = diesel::update(target)
        .set((
            engagements::name.eq(&engagement.name),
            engagements::description.eq(&engagement.description),
            engagements::state.eq(engagement.state),
            engagements::starts_at.eq(engagement.starts_at),
            engagements::ends_at.eq(engagement.ends_at),
            engagements::version.eq(engagement.version),
        ))
        .execute(conn)?;
    Ok(updated == 1)
}

/// Removes an engagement.
pub fn delete(conn: &mut Conn, organization: OrganizationId, id: EngagementId) -> QueryResult<bool> {
    let own = engagements::table.filter(engagements::organization_id.eq(organization)).filter(engagements::id.eq(id));
    Ok(diesel::delete(own).execute(conn)? == 1)
}
