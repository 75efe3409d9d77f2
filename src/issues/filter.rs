//! What can be asked of the list of issues, by whom, and in which order.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{IssueProduct, Risk};
use super::status::IssueState;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{IssueId, ProductId};
use crate::base::scope::ProductScope;
use crate::observations::filter::TicketFilter;

/// The most values of one list in a filter.
const MAX_VALUES: usize = 200;
/// The longest text of a filter.
const MAX_TEXT_CHARS: usize = 300;

/// Which issues. Several values of one field are alternatives; all fields given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
#[schema(as = IssueFilter)]
pub struct Filter {
    /// In this state.
    #[param(max_items = 200)]
    pub state: Vec<IssueState>,
    /// With this risk.
    #[param(max_items = 200)]
    pub risk: Vec<Risk>,
    /// With instances of this product.
    #[param(max_items = 200)]
    pub product: Vec<ProductId>,
    /// Assigned to this user or team.
    #[param(max_items = 200)]
    pub assignee: Vec<Uuid>,
    /// Assigned to somebody, or to nobody.
    pub assigned: Option<bool>,
    /// Open or in progress though their due date has passed, or not so.
    pub overdue: Option<bool>,
    /// With instances that were found again and are not remediated, or without.
    pub has_regressions: Option<bool>,
    /// With a ticket in this state, or without one.
    #[param(max_items = 200)]
    pub ticket_state: Vec<TicketFilter>,
    /// Whose name holds these words, letter case ignored.
    #[param(max_length = 300, example = "log4shell")]
    #[schema(example = "openssl")]
    pub q: Option<String>,
}

impl Filter {
    /// Refuses what cannot be answered.
    ///
    /// # Errors
    /// `Invalid`, with pointers that begin with `prefix`.
    pub fn check(&self, prefix: &str) -> Result<(), ApiError> {
        let mut faults = Faults::default();
        for (name, values) in [
            ("state", self.state.len()),
            ("risk", self.risk.len()),
            ("product", self.product.len()),
            ("assignee", self.assignee.len()),
            ("ticket_state", self.ticket_state.len()),
        ] {
            faults.require(values <= MAX_VALUES, &format!("{prefix}{name}"), "may have at most 200 values");
        }
        let fits = self.q.as_ref().is_none_or(|text| text.chars().count() <= MAX_TEXT_CHARS);
        faults.require(fits, &format!("{prefix}q"), "may have at most 300 characters");
        faults.finish()
    }
}

/// The order of the list. Each ends in the id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IssueSort)]
pub enum Sort {
    /// The highest risk first.
    #[default]
    #[serde(rename = "-risk")]
    RiskDown,
    /// The lowest risk first.
    #[serde(rename = "risk")]
    Risk,
    /// The newest first.
    #[serde(rename = "-created")]
    CreatedDown,
    /// The oldest first.
    #[serde(rename = "created")]
    Created,
    /// Those due first; those without a due date last.
    #[serde(rename = "due_at")]
    Due,
    /// Those without a due date, then those due last.
    #[serde(rename = "-due_at")]
    DueDown,
}

/// What a list is sorted by, before the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortField {
    /// Risk.
    Risk,
    /// Nothing: ids come in the order of creation.
    Created,
    /// Due date; the end of time where there is none.
    Due,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 6] = [Self::RiskDown, Self::Risk, Self::CreatedDown, Self::Created, Self::Due, Self::DueDown];

    /// By what.
    #[must_use]
    pub const fn field(self) -> SortField {
        match self {
            Self::RiskDown | Self::Risk => SortField::Risk,
            Self::CreatedDown | Self::Created => SortField::Created,
            Self::Due | Self::DueDown => SortField::Due,
        }
    }

    /// The comparison that comes after a key, and the word of the order.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::RiskDown | Self::CreatedDown | Self::DueDown => ("<", "DESC"),
            Self::Risk | Self::Created | Self::Due => (">", "ASC"),
        }
    }
}

/// The sort key of a row, what a cursor holds: the value of [`SortField`] (0 for creation) and the id.
pub type Key = (i64, IssueId);

/// Who reads: issues show of themselves what their reader may see (PB-10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The products.
    pub scope: ProductScope,
    /// Also what is left of products that were restricted when they were deleted.
    pub sees_sealed: bool,
}

impl Reader {
    /// A caller as a reader.
    #[must_use]
    pub fn of(caller: &Caller) -> Self {
        let is_bound = matches!(caller.products, ProductScope::Only(_));
        let sees_sealed = caller.permissions.allow(Permission::Administer) && !is_bound;
        Self { scope: caller.products.clone(), sees_sealed }
    }

    /// May all be seen?
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.sees_sealed && self.scope == ProductScope::all()
    }

    /// May the instances of this product be seen?
    #[must_use]
    pub fn allows(&self, part: &IssueProduct) -> bool {
        self.scope.allows(part.product_id) && (self.sees_sealed || !part.is_sealed)
    }

    /// May an issue without instances be seen? By whoever may see its product, or where it has none, by the whole
    /// organization.
    #[must_use]
    pub fn allows_empty(&self, product: Option<ProductId>) -> bool {
        match (product, &self.scope) {
            (Some(product), scope) => scope.allows(product),
            (None, ProductScope::Except(_)) => true,
            (None, ProductScope::Only(_)) => false,
        }
    }
}

/// The fields that issues are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IssueFacetField)]
pub enum FacetField {
    /// State.
    State,
    /// Risk.
    Risk,
    /// Product of instances.
    Product,
    /// User or team.
    Assignee,
}

impl FacetField {
    /// Every field.
    pub const ALL: [Self; 4] = [Self::State, Self::Risk, Self::Product, Self::Assignee];
}
