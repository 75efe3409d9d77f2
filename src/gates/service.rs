//! Use cases of security gates.

use std::collections::HashMap;

use super::model::{Active, Gate};
use super::repo;
use crate::access::audit::Entry;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::ProductId;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::products::service::require as require_product;

/// How many of each severity there may be at most. What is not said does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of severity critical.
    pub critical: Option<i64>,
    /// Of severity high.
    pub high: Option<i64>,
    /// Of severity medium.
    pub medium: Option<i64>,
    /// Of severity low.
    pub low: Option<i64>,
    /// Of severity none.
    pub none: Option<i64>,
    /// Of no known severity.
    pub unknown: Option<i64>,
}

/// A gate, and what it says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The gate.
    pub gate: Gate,
    /// May a pipeline go on?
    pub is_passed: bool,
    /// The active observations that it counts.
    pub active: Vec<Active>,
}

/// The gate of a product.
///
/// # Errors
/// `Forbidden`; `NotFound`, also when the product has none.
pub fn get(conn: &mut Conn, caller: &Caller, product: ProductId) -> Result<Judged, ApiError> {
    require_product(conn, caller, product)?;
    // A pipeline asks whether it may go on.
    caller.require(Permission::Upload).or_else(|_| caller.require(Permission::Read))?;
    let gate = find(conn, caller, product)?;
    judge(conn, gate)
}

fn find(conn: &mut Conn, caller: &Caller, product: ProductId) -> Result<Gate, ApiError> {
    let gate = repo::of_products(conn, caller.organization, &[product])?.pop();
    gate.ok_or_else(|| ApiError::not_found("security gate of product", product))
}

fn judge(conn: &mut Conn, gate: Gate) -> Result<Judged, ApiError> {
    let active = repo::active(conn, gate.organization_id, &[gate.product_id])?;
    Ok(Judged { is_passed: gate.is_passed(&active), gate, active })
}

/// What the gates of products say; those that have none are left out.
///
/// # Errors
/// `Internal`.
pub fn verdicts(
    conn: &mut Conn,
    caller: &Caller,
    products: &[ProductId],
) -> Result<HashMap<ProductId, bool>, ApiError> {
    let gates = repo::of_products(conn, caller.organization, products)?;
    if gates.is_empty() {
        return Ok(HashMap::new());
    }
    let gated: Vec<ProductId> = gates.iter().map(|gate| gate.product_id).collect();
    let active = repo::active(conn, caller.organization, &gated)?;
    Ok(gates.iter().map(|gate| (gate.product_id, gate.is_passed(&active))).collect())
}

/// Gives a product a gate, or another one.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`, `PreconditionFailed`.
pub fn put(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
    limits: Limits,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Judged, ApiError> {
    require_product(conn, caller, product)?;
    caller.require(Permission::Write)?;
    let before = repo::of_products(conn, caller.organization, &[product])?.pop();
    if_match.check(before.as_ref().map_or(0, |gate| gate.version))?;
    let gate = Gate {
        organization_id: caller.organization,
        product_id: product,
        most_critical: limits.critical,
        most_high: limits.high,
        most_medium: limits.medium,
        most_low: limits.low,
        most_none: limits.none,
        most_unknown: limits.unknown,
        version: before.as_ref().map_or(1, |gate| gate.version + 1),
        updated_at: now,
    };
    check(&gate)?;
    let is_written = if before.is_some() { repo::update(conn, &gate)? } else { repo::insert(conn, &gate)? };
    if !is_written {
        return Err(ApiError::PreconditionFailed);
    }
    let words = |gate: &Gate| Severity::ALL.map(|severity| gate.most(severity)).to_vec();
    Entry::new("security_gate.changed", "product", product.0)
        .change("most_active", before.as_ref().map(words), words(&gate))
        .record(conn, caller, now)?;
    judge(conn, gate)
}

fn check(gate: &Gate) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    for severity in Severity::ALL {
        let fits = gate.most(severity).is_none_or(|most| most >= 0);
        faults.require(fits, &format!("/most_active/{severity}"), "must not be negative");
    }
    let says_something = Severity::ALL.into_iter().any(|severity| gate.most(severity).is_some());
    faults.require(says_something, "/most_active", "must limit at least one severity");
    faults.finish()
}

/// Takes the gate of a product away.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`.
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    require_product(conn, caller, product)?;
    caller.require(Permission::Write)?;
    if_match.check(find(conn, caller, product)?.version)?;
    repo::delete(conn, caller.organization, product)?;
    Entry::new("security_gate.deleted", "product", product.0).record(conn, caller, now)
}
