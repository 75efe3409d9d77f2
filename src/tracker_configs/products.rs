//! Changes of products that concern tickets: made here, so that nobody forgets the tickets. Deletions begin in
//! `assessments`, since what was observed goes first.

use super::wishes;
use crate::access::model::Caller;
use crate::base::error::ApiError;
use crate::base::ids::ProductId;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::products::model::ProductPatch;
use crate::products::service::{self, OwnedProduct};

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
