//! Where an upload goes: the product, branch and engagement that a pipeline names, made when they are missing.

use super::model::{Branch, Engagement, EngagementState, IdOrName, Product};
use super::model::{check_name, name_key};
use super::repo::{self, branches, engagements};
use crate::access::audit::Entry;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{BranchId, EngagementId, OrganizationId, ProductId};
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;

/// What a pipeline names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The product.
    pub product: IdOrName<ProductId>,
    /// The branch; without one, what is scanned belongs to the implicit branch.
    pub branch: Option<IdOrName<BranchId>>,
    /// The engagement.
    pub engagement: Option<IdOrName<EngagementId>>,
    /// Make what is named and missing?
    pub create_missing: bool,
}

/// What it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The product.
    pub product: Product,
    /// One of its branches, maybe the implicit one.
    pub branch: Branch,
    /// One of its engagements.
    pub engagement: Option<Engagement>,
}

/// Finds where an upload goes; with `create_missing` it makes what is missing, in the transaction of the caller.
///
/// Branch and engagement are looked up in the product only, so an id of another product names nothing. Whoever may
/// upload may also make what the upload names, but a token that is bound to a product makes no other product. A run of
/// a CI uploads to its own branch, which need not be named and is made whatever is asked for.
///
/// # Errors
/// `Forbidden` without the permission to upload or for another branch than the run's, `NotFound` for what is missing or
/// hidden, `Invalid` for a name that cannot be one, `Conflict` when the product's name is taken by one that the caller
/// may not see.
pub fn resolve(conn: &mut Conn, caller: &Caller, wanted: &Wanted, now: UtcTime) -> Result<Target, ApiError> {
    place(conn, caller, wanted, Making { keeps: true, now })
}

/// Finds where an upload would go. What [`resolve`] would make is given as it would be, and not kept.
///
/// # Errors
/// As for [`resolve`], but for a name that is taken by a product that the caller may not see.
pub fn plan(conn: &mut Conn, caller: &Caller, wanted: &Wanted, now: UtcTime) -> Result<Target, ApiError> {
    place(conn, caller, wanted, Making { keeps: false, now })
}

/// How what is missing is made.
#[derive(Debug, Clone, Copy)]
struct Making {
    /// Is it kept, or just said?
    keeps: bool,
    now: UtcTime,
}

fn place(conn: &mut Conn, caller: &Caller, wanted: &Wanted, making: Making) -> Result<Target, ApiError> {
    caller.require(Permission::Upload)?;
    check_names(caller, wanted)?;
    let if_asked = Some(making).filter(|_| wanted.create_missing);
    let product = match find_product(conn, caller, &wanted.product)? {
        Some(product) => product,
        None => make_product(conn, caller, wanted, if_asked)?,
    };
    let of_branch = Some(making).filter(|_| wanted.create_missing || caller.branch.is_some());
    let branch = resolve_branch(conn, caller, &product, wanted.branch.as_ref(), of_branch)?;
    let engagement = match &wanted.engagement {
        Some(named) => Some(resolve_engagement(conn, &product, named, if_asked)?),
        None => None,
    };
    Ok(Target { product, branch, engagement })
}

fn check_names(caller: &Caller, wanted: &Wanted) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    let names = [
        ("product", name_in(Some(&wanted.product))),
        ("branch", name_in(wanted.branch.as_ref()).or(caller.branch.as_deref())),
        ("engagement", name_in(wanted.engagement.as_ref())),
    ];
    for (field, name) in names {
        if let Some(name) = name {
            check_name(name, field, &mut faults);
        }
    }
    faults.finish()
}

fn name_in<I>(named: Option<&IdOrName<I>>) -> Option<&str> {
    match named {
        Some(IdOrName::Name(name)) => Some(name),
        Some(IdOrName::Id(_)) | None => None,
    }
}

fn find_product(conn: &mut Conn, caller: &Caller, named: &IdOrName<ProductId>) -> Result<Option<Product>, ApiError> {
    let (organization, scope) = (caller.organization, &caller.products);
    Ok(match named {
        IdOrName::Id(id) => repo::find(conn, organization, scope, *id)?,
        IdOrName::Name(name) => repo::find_by_name(conn, organization, scope, &name_key(name))?,
    })
}

fn make_product(
    conn: &mut Conn,
    caller: &Caller,
    wanted: &Wanted,
    making: Option<Making>,
) -> Result<Product, ApiError> {
    let (name, Making { keeps, now }) = match (&wanted.product, making) {
        (IdOrName::Name(name), Some(making)) => (name.trim(), making),
        (IdOrName::Name(name), None) => return Err(ApiError::not_found("product", name)),
        (IdOrName::Id(id), _) => return Err(ApiError::not_found("product", id)),
    };
    if matches!(caller.products, ProductScope::Only(_)) {
        return Err(ApiError::not_found("product", name));
    }
    let product = new_product(caller.organization, name, now);
    if !keeps {
        return Ok(product);
    }
    if insert_with_branch(conn, &product)? {
        Entry::new("product.created", "product", product.id.0).set("name", name).record(conn, caller, now)?;
        return Ok(product);
    }
    // Somebody made it just now, or it is hidden from the caller.
    find_product(conn, caller, &wanted.product)?.ok_or_else(|| name_taken(name))
}

/// Names are unique in an organization, so that one may be taken by a product that the caller must not know: whichever
/// has it, nothing more is said of it.
pub(super) fn name_taken(name: &str) -> ApiError {
    ApiError::Conflict(format!("the name {name:?} is taken"))
}

/// A product with nothing but a name.
pub(super) fn new_product(organization_id: OrganizationId, name: &str, now: UtcTime) -> Product {
    Product {
        organization_id,
        id: ProductId::generate(),
        name: name.to_owned(),
        name_key: name_key(name),
        description: String::new(),
        is_restricted: false,
        default_branch_id: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Adds a product and its implicit branch. False when its name is taken.
pub(super) fn insert_with_branch(conn: &mut Conn, product: &Product) -> Result<bool, ApiError> {
    let is_new = repo::insert(conn, product)?;
    if is_new {
        branches::insert(conn, &new_branch(product, "", product.created_at))?;
    }
    Ok(is_new)
}

/// A branch with a name.
pub(super) fn new_branch(product: &Product, name: &str, now: UtcTime) -> Branch {
    Branch {
        organization_id: product.organization_id,
        id: BranchId::generate(),
        product_id: product.id,
        name: name.to_owned(),
        version: 1,
        created_at: now,
    }
}

fn resolve_branch(
    conn: &mut Conn,
    caller: &Caller,
    product: &Product,
    named: Option<&IdOrName<BranchId>>,
    making: Option<Making>,
) -> Result<Branch, ApiError> {
    let (organization, id) = (product.organization_id, product.id);
    let name = match named {
        Some(IdOrName::Id(branch)) => {
            let found = branches::find(conn, organization, id, *branch)?;
            let found = found.ok_or_else(|| ApiError::not_found("branch", branch))?;
            caller.require_branch(&found.name)?;
            return Ok(found);
        }
        Some(IdOrName::Name(name)) => name.trim(),
        None => caller.branch.as_deref().unwrap_or_default(),
    };
    caller.require_branch(name)?;
    if let Some(branch) = branches::find_by_name(conn, organization, id, name)? {
        return Ok(branch);
    }
    let Making { keeps, now } = making.ok_or_else(|| ApiError::not_found("branch", name))?;
    let made = new_branch(product, name, now);
    if !keeps {
        return Ok(made);
    }
    branches::insert(conn, &made)?;
    // Read back: another upload may have been first.
    branches::find_by_name(conn, organization, id, name)?.ok_or_else(|| ApiError::not_found("branch", name))
}

fn resolve_engagement(
    conn: &mut Conn,
    product: &Product,
    named: &IdOrName<EngagementId>,
    making: Option<Making>,
) -> Result<Engagement, ApiError> {
    let (organization, id) = (product.organization_id, product.id);
    let name = match named {
        IdOrName::Id(engagement) => {
            let found = engagements::find(conn, organization, id, *engagement)?;
            return found.ok_or_else(|| ApiError::not_found("engagement", engagement));
        }
        IdOrName::Name(name) => name.trim(),
    };
    if let Some(engagement) = engagements::find_by_name(conn, organization, id, name)? {
        return Ok(engagement);
    }
    let Making { keeps, now } = making.ok_or_else(|| ApiError::not_found("engagement", name))?;
    let made = Engagement {
        organization_id: organization,
        id: EngagementId::generate(),
        product_id: id,
        name: name.to_owned(),
        description: String::new(),
        state: EngagementState::Active,
        starts_at: Some(now),
        ends_at: None,
        version: 1,
        created_at: now,
    };
    if !keeps {
        return Ok(made);
    }
    engagements::insert(conn, &made)?;
    engagements::find_by_name(conn, organization, id, name)?.ok_or_else(|| ApiError::not_found("engagement", name))
}
