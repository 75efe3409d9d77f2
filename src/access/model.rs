//! The caller of a request.

use super::permission::{Permission, Permissions};
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::{OrganizationId, ProductId};
use crate::base::scope::ProductScope;

/// Who makes a request, in which organization, and what they may do there.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The organization of the request: every query of tenant data filters by it.
    pub organization: OrganizationId,
    /// The user or token.
    pub actor: Actor,
    /// What they may do.
    pub permissions: Permissions,
    /// The products they may see.
    pub products: ProductScope,
}

impl Caller {
    /// Refuses a caller who lacks a permission.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn require(&self, permission: Permission) -> Result<(), ApiError> {
        if self.permissions.allow(permission) {
            return Ok(());
        }
        let needs = match permission {
            Permission::Read => "the role viewer, or a token with the scope read",
            Permission::Upload => "the role editor, or a token with the scope scan:upload",
            Permission::Write => "the role editor, or a token with the scope write",
            Permission::Administer => "the role admin, or a token with the scope admin",
        };
        Err(ApiError::Forbidden(format!("this needs {needs}")))
    }

    /// Refuses a caller who may not see a product, as if it did not exist.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn see(&self, product: ProductId) -> Result<(), ApiError> {
        if self.products.allows(product) { Ok(()) } else { Err(ApiError::not_found("product", product)) }
    }
}
