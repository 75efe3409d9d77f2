//! Products, branches and engagements as they are stored and changed.

use std::convert::Infallible;
use std::str::FromStr;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::error::Faults;
use crate::base::ids::{BranchId, EngagementId, OrganizationId, ProductId, TeamId};
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::db::schema::{branches, engagements, product_teams, products};
use crate::text_enum;

/// The longest name of a product, branch or engagement, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// The longest description, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 10_000;
/// The most teams that own a product.
pub const MAX_TEAMS: usize = 100;

/// What is scanned and owned: an application, a service, a target.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = products, treat_none_as_default_value = false)]
pub struct Product {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: ProductId,
    /// Its name as written.
    pub name: String,
    /// What makes the name unique: see [`name_key`].
    pub name_key: String,
    /// What it is.
    pub description: String,
    /// Do only its owning teams and admins see it (PB-10)?
    pub is_restricted: bool,
    /// The branch whose observations get tickets.
    pub default_branch_id: Option<BranchId>,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
    /// When it was last changed.
    pub updated_at: UtcTime,
}

/// A team owns a product.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = product_teams)]
pub struct ProductTeam {
    /// Whose they are.
    pub organization_id: OrganizationId,
    /// The product.
    pub product_id: ProductId,
    /// The team.
    pub team_id: TeamId,
}

/// A line of a product: a branch or a version.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = branches)]
pub struct Branch {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: BranchId,
    /// The product it is a line of.
    pub product_id: ProductId,
    /// Its name; empty on the implicit row of scans without a branch.
    pub name: String,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
}

impl Branch {
    /// Is this the row of scans without a branch?
    #[must_use]
    pub const fn is_implicit(&self) -> bool {
        self.name.is_empty()
    }
}

text_enum! {
    /// Where an engagement stands.
    EngagementState {
        /// Not begun.
        Planned = "planned",
        /// Under way.
        Active = "active",
        /// Done.
        Closed = "closed",
    }
}

/// A time-boxed piece of work on a product: a pentest, a release check.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = engagements, treat_none_as_default_value = false)]
pub struct Engagement {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: EngagementId,
    /// The product that is worked on.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// What is done.
    pub description: String,
    /// Where it stands.
    pub state: EngagementState,
    /// When it begins.
    pub starts_at: Option<UtcTime>,
    /// When it ends.
    pub ends_at: Option<UtcTime>,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
}

/// Something named by its id or by its name, as pipelines do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum IdOrName<I> {
    /// By its id.
    Id(I),
    /// By its name.
    Name(String),
}

impl<I: FromStr> FromStr for IdOrName<I> {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Id))
    }
}

/// What makes the name of a product unique: trimmed, in lower case.
#[must_use]
pub fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Adds a fault if a name is empty or too long.
pub fn check_name(name: &str, pointer: &str, faults: &mut Faults) {
    let length = name.trim().chars().count();
    faults.require(length > 0, pointer, "must not be empty");
    faults.require(length <= MAX_NAME_CHARS, pointer, "must have at most 200 characters");
    faults.require(!name.chars().any(char::is_control), pointer, "must not have control characters");
}

/// Adds a fault if a description is too long.
pub fn check_description(description: &str, faults: &mut Faults) {
    let fits = description.chars().count() <= MAX_DESCRIPTION_CHARS;
    faults.require(fits, "/description", "must have at most 10000 characters");
}

/// What a new product is made of.
#[derive(Debug, Clone, Default)]
pub struct NewProduct {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Is it for its owning teams only?
    pub is_restricted: bool,
    /// The teams that own it.
    pub team_ids: Vec<TeamId>,
}

/// What changes in a product.
#[derive(Debug, Clone, Default)]
pub struct ProductPatch {
    /// Its name.
    pub name: Patch<String>,
    /// What it is.
    pub description: Patch<String>,
    /// Is it for its owning teams only?
    pub is_restricted: Patch<bool>,
    /// The teams that own it.
    pub team_ids: Patch<Vec<TeamId>>,
    /// The branch whose observations get tickets.
    pub default_branch_id: Patch<Option<BranchId>>,
}

/// What a new engagement is made of.
#[derive(Debug, Clone)]
pub struct NewEngagement {
    /// Its name.
    pub name: String,
    /// What is done.
    pub description: String,
    /// Where it stands.
    pub state: EngagementState,
    /// When it begins.
    pub starts_at: Option<UtcTime>,
    /// When it ends.
    pub ends_at: Option<UtcTime>,
}

/// What changes in an engagement.
#[derive(Debug, Clone, Default)]
pub struct EngagementPatch {
    /// Its name.
    pub name: Patch<String>,
    /// What is done.
    pub description: Patch<String>,
    /// Where it stands.
    pub state: Patch<EngagementState>,
    /// When it begins.
    pub starts_at: Patch<Option<UtcTime>>,
    /// When it ends.
    pub ends_at: Patch<Option<UtcTime>>,
}

text_enum! {
    /// The order of products.
    ProductSort {
        /// By name.
        Name = "name",
        /// By name, backwards.
        NameDescending = "-name",
        /// Oldest first.
        CreatedAt = "created_at",
        /// Newest first.
        CreatedAtDescending = "-created_at",
    }
}

/// Which products, in which order.
#[derive(Debug, Clone)]
pub struct ProductQuery {
    /// Part of the name.
    pub q: Option<String>,
    /// Owned by one of these; empty for any.
    pub teams: Vec<TeamId>,
    /// Restricted or not.
    pub is_restricted: Option<bool>,
    /// In which order.
    pub sort: ProductSort,
}

/// Where a page of products ends: the sort key.
pub type ProductKey = (String, ProductId);

text_enum! {
    /// The order of branches and engagements.
    PartSort {
        /// By name.
        Name = "name",
        /// By name, backwards.
        NameDescending = "-name",
        /// Oldest first.
        CreatedAt = "created_at",
        /// Newest first.
        CreatedAtDescending = "-created_at",
    }
}

/// Which branches or engagements of a product, in which order.
#[derive(Debug, Clone)]
pub struct PartQuery {
    /// Whose.
    pub product: ProductId,
    /// Part of the name, with its case.
    pub q: Option<String>,
    /// In one of these states (engagements); empty for any.
    pub states: Vec<EngagementState>,
    /// In which order.
    pub sort: PartSort,
}
