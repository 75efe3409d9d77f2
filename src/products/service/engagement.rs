//! Use cases of engagements.

use serde_json::Value;

use crate::access::audit::Entry;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{EngagementId, ProductId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::products::model::{Engagement, EngagementPatch, NewEngagement, PartQuery, check_description, check_name};
use crate::products::repo::engagements;
use crate::products::service::require as require_product;

/// A part of the engagements on a product, and how many there are if that is asked for.
///
/// # Errors
/// `Forbidden` without the permission to read; `NotFound`.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    wanted: &PartQuery,
    window: &Window<(String, EngagementId)>,
    with_total: bool,
) -> Result<(Vec<Engagement>, Option<i64>), ApiError> {
    require_product(conn, caller, wanted.product)?;
    caller.require(Permission::Read)?;
    let rows = engagements::list(conn, caller.organization, wanted, window)?;
    let total = if with_total { Some(engagements::count(conn, caller.organization, wanted)?) } else { None };
    Ok((rows, total))
}

/// An engagement on a product.
///
/// # Errors
/// `Forbidden` without the permission to read; `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, product: ProductId, id: EngagementId) -> Result<Engagement, ApiError> {
    let engagement = require(conn, caller, product, id)?;
    caller.require(Permission::Read)?;
    Ok(engagement)
}

/// The row of an engagement on a product that the caller may see, whatever else the caller may do.
///
/// # Errors
/// `NotFound`.
pub fn require(conn: &mut Conn, caller: &Caller, product: ProductId, id: EngagementId) -> Result<Engagement, ApiError> {
    require_product(conn, caller, product)?;
    let found = engagements::find(conn, caller.organization, product, id)?;
    found.ok_or_else(|| ApiError::not_found("engagement", id))
}

/// Makes an engagement.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`; `Conflict` when the product has one with this name.
pub fn create(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
    input: NewEngagement,
    now: UtcTime,
) -> Result<Engagement, ApiError> {
    require_product(conn, caller, product)?;
    caller.require(Permission::Write)?;
    let engagement = Engagement {
        organization_id: caller.organization,
        id: EngagementId::generate(),
        product_id: product,
        name: input.name.trim().to_owned(),
        description: input.description,
        state: input.state,
        starts_at: input.starts_at,
        ends_at: input.ends_at,
        version: 1,
        created_at: now,
    };
    check(&engagement)?;
    if !engagements::insert(conn, &engagement)? {
        return Err(name_taken(&engagement.name));
    }
    Entry::new("engagement.created", "engagement", engagement.id.0)
        .set("name", engagement.name.as_str())
        .record(conn, caller, now)?;
    Ok(engagement)
}

/// Changes an engagement.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`, `PreconditionFailed`; `Conflict` when the product has one with this name.
pub fn update(
    conn: &mut Conn,
    caller: &Caller,
    (product, id): (ProductId, EngagementId),
    patch: EngagementPatch,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Engagement, ApiError> {
    let engagement = require(conn, caller, product, id)?;
    caller.require(Permission::Write)?;
    if_match.check(engagement.version)?;
    let changed = Engagement {
        name: patch.name.or(engagement.name.clone()).trim().to_owned(),
        description: patch.description.or(engagement.description.clone()),
        state: patch.state.or(engagement.state),
        starts_at: patch.starts_at.or(engagement.starts_at),
        ends_at: patch.ends_at.or(engagement.ends_at),
        version: engagement.version + 1,
        ..engagement.clone()
    };
    check(&changed)?;
    let namesake = engagements::find_by_name(conn, caller.organization, product, &changed.name)?;
    if namesake.is_some_and(|namesake| namesake.id != id) {
        return Err(name_taken(&changed.name));
    }
    if !engagements::update(conn, &changed, engagement.version)? {
        return Err(ApiError::PreconditionFailed);
    }
    record_change(conn, caller, &engagement, &changed, now)?;
    Ok(changed)
}

fn record_change(
    conn: &mut Conn,
    caller: &Caller,
    before: &Engagement,
    after: &Engagement,
    now: UtcTime,
) -> Result<(), ApiError> {
    let time = |at: Option<UtcTime>| at.map(|at| at.to_string());
    Entry::new("engagement.changed", "engagement", after.id.0)
        .change("name", before.name.as_str(), after.name.as_str())
        .change("description", before.description.as_str(), after.description.as_str())
        .change("state", before.state.as_str(), after.state.as_str())
        .change("starts_at", time(before.starts_at), time(after.starts_at))
        .change("ends_at", time(before.ends_at), time(after.ends_at))
        .record(conn, caller, now)
}

/// Removes an engagement. Its sources and scans stay: what they found is the product's.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`.
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    (product, id): (ProductId, EngagementId),
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    let engagement = require(conn, caller, product, id)?;
    caller.require(Permission::Write)?;
    if_match.check(engagement.version)?;
    engagements::delete(conn, caller.organization, id)?;
    Entry::new("engagement.deleted", "engagement", id.0)
        .change("name", engagement.name, Value::Null)
        .record(conn, caller, now)
}

fn check(engagement: &Engagement) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    check_name(&engagement.name, "/name", &mut faults);
    check_description(&engagement.description, &mut faults);
    if let (Some(starts_at), Some(ends_at)) = (engagement.starts_at, engagement.ends_at) {
        faults.require(starts_at <= ends_at, "/ends_at", "must not be before starts_at");
    }
    faults.finish()
}

fn name_taken(name: &str) -> ApiError {
    ApiError::Conflict(format!("the product has another engagement named {name:?}"))
}
