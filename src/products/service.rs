//! Use cases of products: create, change, delete.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::model::{
    MAX_TEAMS, NewProduct, Product, ProductKey, ProductPatch, ProductQuery, check_description, check_name, name_key,
};
use super::repo::{self, branches};
use super::target::{insert_with_branch, name_taken, new_product};
use crate::access::audit::Entry;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{BranchId, ProductId, TeamId};
use crate::base::page::Window;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;

pub mod branch;
pub mod engagement;

/// A product with the teams that own it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedProduct {
    /// The product.
    pub product: Product,
    /// Its owning teams.
    pub team_ids: Vec<TeamId>,
}

/// A part of the products that the caller may see, and how many there are if that is asked for.
///
/// # Errors
/// `Forbidden` without the permission to read.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    wanted: &ProductQuery,
    window: &Window<ProductKey>,
    with_total: bool,
) -> Result<(Vec<OwnedProduct>, Option<i64>), ApiError> {
    caller.require(Permission::Read)?;
    let (organization, scope) = (caller.organization, &caller.products);
    let products = repo::list(conn, organization, scope, wanted, window)?;
    let total = if with_total { Some(repo::count(conn, organization, scope, wanted)?) } else { None };
    let ids: Vec<ProductId> = products.iter().map(|product| product.id).collect();
    let mut owners: HashMap<ProductId, Vec<TeamId>> = HashMap::new();
    for (product, team) in repo::teams_of(conn, organization, &ids)? {
        owners.entry(product).or_default().push(team);
    }
    let with_teams =
        |product: Product| OwnedProduct { team_ids: owners.remove(&product.id).unwrap_or_default(), product };
    Ok((products.into_iter().map(with_teams).collect(), total))
}

/// A product that the caller may see.
///
/// # Errors
/// `Forbidden` without the permission to read; `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, id: ProductId) -> Result<OwnedProduct, ApiError> {
    caller.require(Permission::Read)?;
    let product = require(conn, caller, id)?;
    with_teams(conn, product)
}

/// The row of a product that the caller may see, whatever else the caller may do.
///
/// # Errors
/// `NotFound`.
pub fn require(conn: &mut Conn, caller: &Caller, id: ProductId) -> Result<Product, ApiError> {
    let found = repo::find(conn, caller.organization, &caller.products, id)?;
    found.ok_or_else(|| ApiError::not_found("product", id))
}

fn with_teams(conn: &mut Conn, product: Product) -> Result<OwnedProduct, ApiError> {
    let owners = repo::teams_of(conn, product.organization_id, &[product.id])?;
    Ok(OwnedProduct { team_ids: owners.into_iter().map(|(_, team)| team).collect(), product })
}

/// Makes a product with its implicit branch. Who may see it is for admins to say.
///
/// # Errors
/// `Forbidden`, `Invalid`; `Conflict` when the name is taken.
pub fn create(conn: &mut Conn, caller: &Caller, input: NewProduct, now: UtcTime) -> Result<OwnedProduct, ApiError> {
    caller.require_everywhere(Permission::Write)?;
    if input.is_restricted || !input.team_ids.is_empty() {
        caller.require(Permission::Administer)?;
    }
    let mut faults = Faults::default();
    check_name(&input.name, "/name", &mut faults);
    check_description(&input.description, &mut faults);
    check_teams(conn, caller, &input.team_ids, &mut faults)?;
    faults.finish()?;
    let product = Product {
        description: input.description,
        is_restricted: input.is_restricted,
        ..new_product(caller.organization, input.name.trim(), now)
    };
    if !insert_with_branch(conn, &product)? {
        return Err(name_taken(&product.name));
    }
    repo::set_teams(conn, caller.organization, product.id, &distinct(&input.team_ids))?;
    Entry::new("product.created", "product", product.id.0)
        .set("name", product.name.as_str())
        .set("is_restricted", product.is_restricted)
        .set("team_ids", words(&input.team_ids))
        .record(conn, caller, now)?;
    with_teams(conn, product)
}

/// Changes a product.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`, `PreconditionFailed`; `Conflict` when the name is taken.
pub fn update(
    conn: &mut Conn,
    caller: &Caller,
    id: ProductId,
    patch: ProductPatch,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<OwnedProduct, ApiError> {
    let product = require(conn, caller, id)?;
    caller.require(Permission::Write)?;
    if patch.is_restricted != Patch::Keep || patch.team_ids != Patch::Keep {
        caller.require(Permission::Administer)?;
    }
    if_match.check(product.version)?;
    check_patch(conn, caller, &product, &patch)?;
    let changed = patched(&product, &patch, now);
    if repo::is_name_taken(conn, caller.organization, &changed.name_key, id)? {
        return Err(name_taken(&changed.name));
    }
    if !repo::update(conn, &changed, product.version)? {
        return Err(ApiError::PreconditionFailed);
    }
    let before = with_teams(conn, product)?;
    if let Patch::Set(team_ids) = &patch.team_ids {
        repo::set_teams(conn, caller.organization, id, &distinct(team_ids))?;
    }
    let after = with_teams(conn, changed)?;
    record_change(conn, caller, &before, &after, now)?;
    Ok(after)
}

fn record_change(
    conn: &mut Conn,
    caller: &Caller,
    before: &OwnedProduct,
    after: &OwnedProduct,
    now: UtcTime,
) -> Result<(), ApiError> {
    let branch = |product: &Product| product.default_branch_id.map(|id| id.to_string());
    let (old, new) = (&before.product, &after.product);
    Entry::new("product.changed", "product", new.id.0)
        .change("name", old.name.as_str(), new.name.as_str())
        .change("description", old.description.as_str(), new.description.as_str())
        .change("is_restricted", old.is_restricted, new.is_restricted)
        .change("team_ids", words(&before.team_ids), words(&after.team_ids))
        .change("default_branch_id", branch(old), branch(new))
        .record(conn, caller, now)
}

fn words(ids: &[TeamId]) -> Vec<String> {
    ids.iter().map(TeamId::to_string).collect()
}

fn patched(product: &Product, patch: &ProductPatch, now: UtcTime) -> Product {
    let name = patch.name.as_set().map_or(product.name.as_str(), |name| name.trim()).to_owned();
    Product {
        name_key: name_key(&name),
        name,
        description: patch.description.clone().or(product.description.clone()),
        is_restricted: patch.is_restricted.or(product.is_restricted),
        default_branch_id: patch.default_branch_id.or(product.default_branch_id),
        version: product.version + 1,
        updated_at: now,
        ..product.clone()
    }
}

fn check_patch(conn: &mut Conn, caller: &Caller, product: &Product, patch: &ProductPatch) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    if let Patch::Set(name) = &patch.name {
        check_name(name, "/name", &mut faults);
    }
    if let Patch::Set(description) = &patch.description {
        check_description(description, &mut faults);
    }
    if let Patch::Set(team_ids) = &patch.team_ids {
        check_teams(conn, caller, team_ids, &mut faults)?;
    }
    if let Patch::Set(Some(branch)) = patch.default_branch_id {
        check_default_branch(conn, product, branch, &mut faults)?;
    }
    faults.finish()
}

fn check_default_branch(
    conn: &mut Conn,
    product: &Product,
    branch: BranchId,
    faults: &mut Faults,
) -> Result<(), ApiError> {
    let found = branches::find(conn, product.organization_id, product.id, branch)?;
    let is_named = found.is_some_and(|branch| !branch.is_implicit());
    faults.require(is_named, "/default_branch_id", "is not a branch of this product");
    Ok(())
}

fn check_teams(conn: &mut Conn, caller: &Caller, team_ids: &[TeamId], faults: &mut Faults) -> Result<(), ApiError> {
    if team_ids.len() > MAX_TEAMS {
        faults.add("/team_ids", "must have at most 100 items");
        return Ok(());
    }
    let known = repo::known_teams(conn, caller.organization, team_ids)?;
    for (index, team) in team_ids.iter().enumerate() {
        faults.require(known.contains(team), &format!("/team_ids/{index}"), "is not a team of this organization");
    }
    Ok(())
}

fn distinct(team_ids: &[TeamId]) -> Vec<TeamId> {
    team_ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Removes a product with its branches, engagements, sources and scans. What rooms above keep about it, `end` ends
/// before, while nothing new can be imported.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`.
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    id: ProductId,
    if_match: &IfMatch,
    now: UtcTime,
    end: impl FnOnce(&mut Conn) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    repo::lock(conn, caller.organization, id)?;
    let product = require(conn, caller, id)?;
    caller.require(Permission::Administer)?;
    if_match.check(product.version)?;
    end(conn)?;
    repo::delete(conn, caller.organization, id)?;
    Entry::new("product.deleted", "product", id.0).change("name", product.name, Value::Null).record(conn, caller, now)
}
