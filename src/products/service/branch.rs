//! Use cases of branches. The implicit branch is nobody's to see, rename or delete.

use serde_json::Value;

use crate::access::audit::Entry;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{BranchId, ProductId};
use crate::base::page::Window;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::products::model::{Branch, PartQuery, Product, check_name};
use crate::products::repo::{self as products, branches};
use crate::products::service::require as require_product;
use crate::products::target::new_branch;

/// A part of the branches of a product, and how many there are if that is asked for.
///
/// # Errors
/// `Forbidden` without the permission to read; `NotFound`.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    wanted: &PartQuery,
    window: &Window<(String, BranchId)>,
    with_total: bool,
) -> Result<(Vec<Branch>, Option<i64>), ApiError> {
    require_product(conn, caller, wanted.product)?;
    caller.require(Permission::Read)?;
    let rows = branches::list(conn, caller.organization, wanted, window)?;
    let total = if with_total { Some(branches::count(conn, caller.organization, wanted)?) } else { None };
    Ok((rows, total))
}

/// A branch of a product.
///
/// # Errors
/// `Forbidden` without the permission to read; `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, product: ProductId, id: BranchId) -> Result<Branch, ApiError> {
    let (_, branch) = require(conn, caller, product, id)?;
    caller.require(Permission::Read)?;
    Ok(branch)
}

fn require(conn: &mut Conn, caller: &Caller, product: ProductId, id: BranchId) -> Result<(Product, Branch), ApiError> {
    let product = require_product(conn, caller, product)?;
    let branch = branches::find(conn, caller.organization, product.id, id)?.filter(|branch| !branch.is_implicit());
    Ok((product, branch.ok_or_else(|| ApiError::not_found("branch", id))?))
}

/// Makes a branch.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`; `Conflict` when the product has one with this name.
pub fn create(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
    name: &str,
    now: UtcTime,
) -> Result<Branch, ApiError> {
    let product = require_product(conn, caller, product)?;
    caller.require(Permission::Write)?;
    check(name)?;
    let branch = new_branch(&product, name.trim(), now);
    if !branches::insert(conn, &branch)? {
        return Err(name_taken(&branch.name));
    }
    Entry::new("branch.created", "branch", branch.id.0).set("name", branch.name.as_str()).record(conn, caller, now)?;
    Ok(branch)
}

/// Renames a branch. Nothing else changes: what was found on it stays.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`, `PreconditionFailed`; `Conflict` when the product has one with this name.
pub fn rename(
    conn: &mut Conn,
    caller: &Caller,
    (product, id): (ProductId, BranchId),
    name: Patch<String>,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Branch, ApiError> {
    let (_, branch) = require(conn, caller, product, id)?;
    caller.require(Permission::Write)?;
    if_match.check(branch.version)?;
    let name = name.or(branch.name.clone());
    check(&name)?;
    let renamed = Branch { name: name.trim().to_owned(), version: branch.version + 1, ..branch.clone() };
    let namesake = branches::find_by_name(conn, caller.organization, product, &renamed.name)?;
    if namesake.is_some_and(|namesake| namesake.id != id) {
        return Err(name_taken(&renamed.name));
    }
    if !branches::rename(conn, &renamed, branch.version)? {
        return Err(ApiError::PreconditionFailed);
    }
    Entry::new("branch.changed", "branch", id.0)
        .change("name", branch.name, renamed.name.as_str())
        .record(conn, caller, now)?;
    Ok(renamed)
}

/// Removes a branch with its sources and scans. What rooms above keep about it, `end` ends before, while nothing new can
/// be imported.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`; `Conflict` for the default branch.
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    (product, id): (ProductId, BranchId),
    if_match: &IfMatch,
    now: UtcTime,
    end: impl FnOnce(&mut Conn) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    // The product as well: nobody makes this its default branch now.
    products::lock(conn, caller.organization, product)?;
    branches::lock(conn, caller.organization, id)?;
    let (product, branch) = require(conn, caller, product, id)?;
    caller.require(Permission::Write)?;
    if_match.check(branch.version)?;
    if product.default_branch_id == Some(id) {
        let detail = "the default branch cannot be deleted: choose another default branch first";
        return Err(ApiError::Conflict(detail.to_owned()));
    }
    end(conn)?;
    branches::delete(conn, caller.organization, id)?;
    Entry::new("branch.deleted", "branch", id.0).change("name", branch.name, Value::Null).record(conn, caller, now)
}

fn check(name: &str) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    check_name(name, "/name", &mut faults);
    faults.finish()
}

fn name_taken(name: &str) -> ApiError {
    ApiError::Conflict(format!("the product has another branch named {name:?}"))
}
