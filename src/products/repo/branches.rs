//! SQL of branches.

use diesel::prelude::*;

use crate::base::ids::{BranchId, OrganizationId, ProductId};
use crate::base::page::Window;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::like::{containing, lower};
use crate::db::schema::{branches, products};
use crate::on_backend;
use crate::products::model::{Branch, PartQuery, PartSort};

type Query<'a> = branches::BoxedQuery<'a, MultiBackend>;

fn of_product<'a>(organization: OrganizationId, product: ProductId) -> Query<'a> {
    let of_organization = branches::table.filter(branches::organization_id.eq(organization));
    of_organization.filter(branches::product_id.eq(product)).into_boxed()
}

/// A branch of a product.
pub fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    id: BranchId,
) -> QueryResult<Option<Branch>> {
    let query = of_product(organization, product).filter(branches::id.eq(id));
    query.select(Branch::as_select()).first(conn).optional()
}

/// A branch of a product by its name; the empty name is the implicit branch's.
pub fn find_by_name(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    name: &str,
) -> QueryResult<Option<Branch>> {
    let query = of_product(organization, product).filter(branches::name.eq(name));
    query.select(Branch::as_select()).first(conn).optional()
}

fn filtered<'a>(organization: OrganizationId, wanted: &PartQuery) -> Query<'a> {
    let query = of_product(organization, wanted.product).filter(branches::name.ne(""));
    match &wanted.q {
        Some(q) => query.filter(lower(branches::name).like(containing(&q.to_ascii_lowercase())).escape('\\')),
        None => query,
    }
}

/// A part of the named branches of a product.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    wanted: &PartQuery,
    window: &Window<(String, BranchId)>,
) -> QueryResult<Vec<Branch>> {
    let query = filtered(organization, wanted);
    let query = match (wanted.sort, window.after.clone()) {
        (_, None) => query,
        (PartSort::Name, Some((name, _))) => query.filter(branches::name.gt(name)),
        (PartSort::NameDescending, Some((name, _))) => query.filter(branches::name.lt(name)),
        (PartSort::CreatedAt, Some((_, id))) => query.filter(branches::id.gt(id)),
        (PartSort::CreatedAtDescending, Some((_, id))) => query.filter(branches::id.lt(id)),
    };
    let query = match wanted.sort {
        PartSort::Name => query.order((branches::name.asc(), branches::id.asc())),
        PartSort::NameDescending => query.order((branches::name.desc(), branches::id.desc())),
        PartSort::CreatedAt => query.order(branches::id.asc()),
        PartSort::CreatedAtDescending => query.order(branches::id.desc()),
    };
    query.limit(window.fetch()).select(Branch::as_select()).load(conn)
}

/// How many branches there are in a list.
pub fn count(conn: &mut Conn, organization: OrganizationId, wanted: &PartQuery) -> QueryResult<i64> {
    filtered(organization, wanted).count().get_result(conn)
}

/// Adds a branch. False when the product has one with this name.
pub fn insert(conn: &mut Conn, branch: &Branch) -> QueryResult<bool> {
    let inserted = on_backend!(conn, |c| {
        diesel::insert_into(branches::table).values(branch).on_conflict_do_nothing().execute(c)
    })?;
    Ok(inserted == 1)
}

/// Renames a branch that still has the version that was read.
pub fn rename(conn: &mut Conn, branch: &Branch, read_version: i64) -> QueryResult<bool> {
    let target = branches::table
        .filter(branches::organization_id.eq(branch.organization_id))
        .filter(branches::id.eq(branch.id))
        .filter(branches::version.eq(read_version));
    let set = (branches::name.eq(&branch.name), branches::version.eq(branch.version));
    Ok(diesel::update(target).set(set).execute(conn)? == 1)
}

/// Holds a branch until the transaction ends: what would be added to it meanwhile waits.
pub fn lock(conn: &mut Conn, organization: OrganizationId, id: BranchId) -> QueryResult<()> {
    let own = branches::table.filter(branches::organization_id.eq(organization)).filter(branches::id.eq(id));
    match conn {
        Conn::Pg(conn) => own.select(branches::version).for_update().execute(conn).map(drop),
        // A writer there is alone.
        Conn::Sqlite(_) => Ok(()),
    }
}

/// Holds a branch and its product until the transaction ends: neither is deleted meanwhile. `false`: it is not there.
pub fn hold(conn: &mut Conn, organization: OrganizationId, product: ProductId, id: BranchId) -> QueryResult<bool> {
    let own = branches::table.filter(branches::organization_id.eq(organization)).filter(branches::id.eq(id));
    let found = match conn {
        Conn::Pg(conn) => {
            // In the order of whoever deletes.
            let of =
                products::table.filter(products::organization_id.eq(organization)).filter(products::id.eq(product));
            of.select(products::version).for_key_share().execute(conn)?;
            own.select(branches::id).for_key_share().first::<BranchId>(conn).optional()
        }
        // A writer there is alone.
        Conn::Sqlite(conn) => own.select(branches::id).first(conn).optional(),
    };
    Ok(found?.is_some())
}

/// Removes a branch, its sources and their scans.
pub fn delete(conn: &mut Conn, organization: OrganizationId, id: BranchId) -> QueryResult<bool> {
    let own = branches::table.filter(branches::organization_id.eq(organization)).filter(branches::id.eq(id));
    Ok(diesel::delete(own).execute(conn)? == 1)
}
