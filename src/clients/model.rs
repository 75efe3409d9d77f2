//! Numbers for ids, product types, tests; what a client asks for.

use diesel::prelude::*;

use crate::base::ids::{BranchId, EngagementId, OrganizationId, ProductId};
use crate::base::time::UtcTime;
use crate::db::schema::{client_engagements, client_product_types, client_products, client_tests};
use crate::products::model::{Engagement, EngagementState, Product};

/// A label for products.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_product_types)]
pub struct ProductType {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its number.
    pub number: i64,
    /// Its name as written.
    pub name: String,
    /// What makes the name unique: the key of product names.
    pub name_key: String,
}

/// The number of a product.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_products, treat_none_as_default_value = false)]
pub struct ProductNumber {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The number.
    pub number: i64,
    /// The product.
    pub product_id: ProductId,
    /// The number of its product type, once a client said one.
    pub product_type: Option<i64>,
}

/// The number of an engagement, and what a client said of it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_engagements, treat_none_as_default_value = false)]
pub struct EngagementNumber {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The number.
    pub number: i64,
    /// The engagement.
    pub engagement_id: EngagementId,
    /// The branch of what is imported without one, as a client said: dd-import does so after each import.
    pub branch: Option<String>,
    /// The commit, for show.
    pub commit_id: Option<String>,
    /// Did an import ever name its branch? Then the engagement's is for show.
    pub imports_say_branch: bool,
}

impl EngagementNumber {
    /// The branch of an import that names none.
    #[must_use]
    pub fn branch_of_imports(&self) -> Option<&str> {
        self.branch.as_deref().filter(|_| !self.imports_say_branch)
    }
}

/// What an engagement's imports brought is of another branch than was thought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherBranch {
    /// The product.
    pub product: ProductId,
    /// The engagement.
    pub engagement: EngagementId,
    /// Where its sources may be.
    pub from: Vec<BranchId>,
    /// Where they belong.
    pub to: BranchId,
}

/// A test: what is imported under one title within an engagement.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_tests)]
pub struct Test {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its number.
    pub number: i64,
    /// The engagement.
    pub engagement_id: EngagementId,
    /// Its title; without one the scan type.
    pub title: String,
    /// What is imported into it, by the name that clients know.
    pub scan_type: String,
    /// When it was made.
    pub created_at: UtcTime,
}

impl Test {
    /// The name of the scan sources of what is imported into it; without a title of its own, what the report says.
    #[must_use]
    pub fn source_name(&self) -> Option<String> {
        (self.title != self.scan_type).then(|| self.title.clone())
    }
}

/// A product as clients see it. One that no client has asked for yet has no number.
pub type NumberedProduct = (Product, Option<ProductNumber>);
/// An engagement as clients see it, with the number of its product.
pub type NumberedEngagement = (Engagement, Option<EngagementNumber>, Option<ProductNumber>);
/// A test with the number of its engagement.
pub type NumberedTest = (Test, EngagementNumber);

/// The largest part of a list.
pub const MAX_LIMIT: i64 = 1000;
/// How far into a list a client may jump; beyond that it follows the links.
pub const MAX_OFFSET: i64 = 100_000;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// At most so many.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
}

/// Which of a kind. What is not given does not matter.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// With this number.
    pub number: Option<i64>,
    /// With exactly this name or title.
    pub name: Option<String>,
    /// Of the product type (products), product (engagements) or engagement (tests) with this number.
    pub parent: Option<i64>,
    /// In this state (engagements).
    pub state: Option<EngagementState>,
    /// For this scan type (tests).
    pub scan_type: Option<String>,
}
