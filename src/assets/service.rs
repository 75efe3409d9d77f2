//! Use cases of assets. Reports bring most of them; people add those that no report names.

use serde_json::Value;

use super::model::{Asset, AssetKey, AssetKind, AssetQuery, MAX_NAME_CHARS};
use super::repo::list as repo;
use crate::access::audit::Entry;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::AssetId;
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;

/// A part of the assets that the caller may see, and how many there are if that is asked for.
///
/// # Errors
/// `Forbidden` without the permission to read.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    wanted: &AssetQuery,
    window: &Window<AssetKey>,
    with_total: bool,
) -> Result<(Vec<Asset>, Option<i64>), ApiError> {
    caller.require(Permission::Read)?;
    let (organization, scope) = (caller.organization, &caller.products);
    let assets = repo::list(conn, organization, scope, wanted, window)?;
    let total = if with_total { Some(repo::count(conn, organization, scope, wanted)?) } else { None };
    Ok((assets, total))
}

/// An asset that the caller may see.
///
/// # Errors
/// `Forbidden` without the permission to read; `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, id: AssetId) -> Result<Asset, ApiError> {
    caller.require(Permission::Read)?;
    require(conn, caller, id)
}

fn require(conn: &mut Conn, caller: &Caller, id: AssetId) -> Result<Asset, ApiError> {
    let found = repo::find(conn, caller.organization, &caller.products, id)?;
    found.ok_or_else(|| ApiError::not_found("asset", id))
}

/// Makes an asset.
///
/// # Errors
/// `Forbidden`, `Invalid`; `Conflict` when there is one of this kind and name.
pub fn create(conn: &mut Conn, caller: &Caller, kind: AssetKind, name: &str, now: UtcTime) -> Result<Asset, ApiError> {
    caller.require_everywhere(Permission::Write)?;
    let name = name.trim();
    check(name)?;
    let asset = Asset {
        organization_id: caller.organization,
        id: AssetId::generate(),
        kind,
        name: name.to_owned(),
        search: name.to_lowercase(),
        version: 1,
        created_at: now,
    };
    let taken = || ApiError::Conflict(format!("there is another {kind} named {name:?}"));
    if !repo::insert(conn, &asset)? {
        return Err(taken());
    }
    Entry::new("asset.created", "asset", asset.id.0)
        .set("kind", asset.kind.as_str())
        .set("name", asset.name.as_str())
        .record(conn, caller, now)?;
    Ok(asset)
}

/// Removes an asset on which nothing was found: what was found on it would have no place.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`; `Conflict` while something was found on it.
pub fn delete(conn: &mut Conn, caller: &Caller, id: AssetId, if_match: &IfMatch, now: UtcTime) -> Result<(), ApiError> {
    let asset = require(conn, caller, id)?;
    caller.require_everywhere(Permission::Write)?;
    if_match.check(asset.version)?;
    if repo::is_in_use(conn, caller.organization, id)? {
        return Err(ApiError::Conflict("observations were made on this asset: it cannot be deleted".to_owned()));
    }
    repo::delete(conn, caller.organization, id)?;
    Entry::new("asset.deleted", "asset", id.0).change("name", asset.name, Value::Null).record(conn, caller, now)
}

fn check(name: &str) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    faults.require(!name.is_empty(), "/name", "must not be empty");
    faults.require(name.chars().count() <= MAX_NAME_CHARS, "/name", "must have at most 500 characters");
    faults.require(!name.chars().any(char::is_control), "/name", "must not have control characters");
    faults.finish()
}
