//! SQL of security gates.

use diesel::prelude::*;

use super::model::{Active, Gate};
use crate::base::ids::{OrganizationId, ProductId};
use crate::db::conn::Conn;
use crate::db::schema::{branches, observation_counts, products, scan_sources, security_gates};
use crate::observations::status::ObservationStatus;
use crate::on_backend;

/// The gates of products.
pub fn of_products(conn: &mut Conn, organization: OrganizationId, ids: &[ProductId]) -> QueryResult<Vec<Gate>> {
    security_gates::table
        .filter(security_gates::organization_id.eq(organization))
        .filter(security_gates::product_id.eq_any(ids.iter().copied()))
        .select(Gate::as_select())
        .load(conn)
}

/// Adds a gate. False when the product has one.
pub fn insert(conn: &mut Conn, gate: &Gate) -> QueryResult<bool> {
    let inserted = on_backend!(conn, |c| {
        diesel::insert_into(security_gates::table).values(gate).on_conflict_do_nothing().execute(c)
    })?;
    Ok(inserted == 1)
}

/// Writes a gate that still has the version that was read.
pub fn update(conn: &mut Conn, gate: &Gate) -> QueryResult<bool> {
    let own = security_gates::table
        .filter(security_gates::organization_id.eq(gate.organization_id))
        .filter(security_gates::product_id.eq(gate.product_id))
        .filter(security_gates::version.eq(gate.version - 1));
    Ok(diesel::update(own).set(gate).execute(conn)? == 1)
}

/// Removes a gate.
pub fn delete(conn: &mut Conn, organization: OrganizationId, product: ProductId) -> QueryResult<usize> {
    let own = security_gates::table
        .filter(security_gates::organization_id.eq(organization))
        .filter(security_gates::product_id.eq(product));
    diesel::delete(own).execute(conn)
}

/// The active observations of products, on their default branches; while a product has none, without a branch.
pub fn active(conn: &mut Conn, organization: OrganizationId, ids: &[ProductId]) -> QueryResult<Vec<Active>> {
    let statuses = ObservationStatus::ALL.iter().copied().filter(|status| status.is_active());
    let of_source = scan_sources::organization_id
        .eq(observation_counts::organization_id)
        .and(scan_sources::id.eq(observation_counts::source_id));
    let of_branch =
        branches::organization_id.eq(scan_sources::organization_id).and(branches::id.eq(scan_sources::branch_id));
    let of_product =
        products::organization_id.eq(scan_sources::organization_id).and(products::id.eq(scan_sources::product_id));
    let without_default = products::default_branch_id.is_null().and(branches::name.eq(""));
    observation_counts::table
        .inner_join(scan_sources::table.on(of_source))
        .inner_join(branches::table.on(of_branch))
        .inner_join(products::table.on(of_product))
        .filter(observation_counts::organization_id.eq(organization))
        .filter(observation_counts::product_id.eq_any(ids.iter().copied()))
        .filter(observation_counts::status.eq_any(statuses.collect::<Vec<_>>()))
        .filter(products::default_branch_id.eq(branches::id.nullable()).or(without_default.nullable()))
        .select((observation_counts::product_id, observation_counts::severity, observation_counts::observations))
        .load(conn)
}
