//! Deleting products and branches: what was observed there, and the tickets of it, follow in the same transaction.

use super::service::take_back;
use super::tail::{self, Cause};
use crate::access::model::Caller;
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::{BranchId, OrganizationId, ProductId};
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::issues::{self, recompute};
use crate::observations::repo;
use crate::observations::repo::removal::{self, Whole};
use crate::products::repo::restricted_of;
use crate::products::service::{self as products, branch};
use crate::tracker_configs::wishes;

/// Deletes a product with all that was observed on it; its tickets are closed (SO-7).
///
/// # Errors
/// As [`products::delete`].
pub fn delete_product(
    conn: &mut Conn,
    caller: &Caller,
    id: ProductId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    let organization = caller.organization;
    products::delete(conn, caller, id, if_match, now, |conn| end(conn, organization, Whole::Product(id), now))?;
    // After it is gone nothing deserves a ticket: only those that there are get a look.
    Ok(wishes::record_product(conn, organization, id, now)?)
}

/// Deletes a branch with all that was observed on it; its tickets are closed (SO-7).
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
    let (organization, (product, id)) = (caller.organization, place);
    branch::delete(conn, caller, place, if_match, now, |conn| end(conn, organization, Whole::Branch(id), now))?;
    Ok(wishes::record_product(conn, organization, product, now)?)
}

/// Ends what was observed: duplicates elsewhere of what goes are none any more.
fn end(conn: &mut Conn, organization: OrganizationId, whole: Whole, now: UtcTime) -> Result<(), ApiError> {
    removal::lock_sources(conn, organization, whole)?;
    let duplicates = removal::duplicates_elsewhere(conn, organization, whole)?;
    let rows = repo::lock(conn, organization, &ProductScope::all(), &duplicates)?;
    let cause = Cause { actor: Actor::System, at: now, comment: Some("its original was deleted") };
    removal::remove(conn, organization, whole)?;
    tail::write(conn, organization, &take_back(rows, now), cause)?;
    let changed = match whole {
        Whole::Product(product) => {
            if !restricted_of(conn, organization, &[product])?.is_empty() {
                // What issues keep of it stays hidden from whoever it was hidden from.
                issues::repo::seal(conn, organization, product)?;
            }
            recompute::of_product(conn, organization, product, now)?
        }
        Whole::Branch(branch) => recompute::of_branch(conn, organization, branch, now)?,
    };
    Ok(wishes::record_issues(conn, organization, &changed, now)?)
}
