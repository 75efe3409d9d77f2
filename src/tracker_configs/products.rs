//! Changes of products and branches that concern tickets: made here, so that nobody forgets the tickets.

use super::wishes;
use crate::access::model::Caller;
use crate::base::error::ApiError;
use crate::base::ids::{BranchId, ProductId};
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::products::model::ProductPatch;
use crate::products::service::{self, OwnedProduct, branch};

/// Changes a product; another default branch has its tickets looked at (SO-2).
///
/// # Errors
/// As [`service::update`].
pub fn update(
    conn: &mut Conn,
    caller: &Caller,
    id: ProductId,
    patch: ProductPatch,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<OwnedProduct, ApiError> {
    let before = service::require(conn, caller, id)?.default_branch_id;
    let changed = service::update(conn, caller, id, patch, if_match, now)?;
    if changed.product.default_branch_id != before {
        wishes::record_product(conn, caller.organization, id, now)?;
    }
    Ok(changed)
}

/// Deletes a product, and closes its tickets (SO-7).
///
/// # Errors
/// As [`service::delete`].
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    id: ProductId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    service::delete(conn, caller, id, if_match)?;
    Ok(wishes::record_product(conn, caller.organization, id, now)?)
}

/// Deletes a branch, and closes its tickets (SO-7).
///
/// # Errors
/// As [`branch::delete`].
pub fn delete_branch(
    conn: &mut Conn,
    caller: &Caller,
    place: (ProductId, BranchId),
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    branch::delete(conn, caller, place, if_match)?;
    Ok(wishes::record_product(conn, caller.organization, place.0, now)?)
}
