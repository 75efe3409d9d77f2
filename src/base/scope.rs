//! Which products a caller may see (PB-10): every query of product data takes it.

use uuid::Uuid;

use super::ids::ProductId;

/// Stands for the product of what spans several, where a row must name one: shown to those only who see all products.
pub const SEVERAL: ProductId = ProductId(Uuid::nil());

/// The products that a caller may see, within the caller's organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductScope {
    /// All but these: those restricted to teams that the caller is not in. Mostly none.
    Except(Vec<ProductId>),
    /// Only this one: a token bound to a product.
    Only(ProductId),
}

impl ProductScope {
    /// All of the organization's products.
    #[must_use]
    pub const fn all() -> Self {
        Self::Except(Vec::new())
    }

    /// What stands for products that may not be seen, also where several are meant.
    #[must_use]
    pub fn unseen(&self) -> Vec<ProductId> {
        match self {
            Self::Except(hidden) if !hidden.is_empty() => [hidden.as_slice(), &[SEVERAL]].concat(),
            Self::Except(_) | Self::Only(_) => Vec::new(),
        }
    }

    /// May this product be seen?
    #[must_use]
    pub fn allows(&self, product: ProductId) -> bool {
        match self {
            Self::Except(hidden) => hidden.is_empty() || product != SEVERAL && !hidden.contains(&product),
            Self::Only(only) => *only == product,
        }
    }
}

/// Narrows a boxed query to a [`ProductScope`]: `in_scope!(query, scope, products::id)`.
#[macro_export]
macro_rules! in_scope {
    ($query:expr, $scope:expr, $column:expr) => {
        match $scope {
            $crate::base::scope::ProductScope::Except(hidden) if hidden.is_empty() => $query,
            $crate::base::scope::ProductScope::Except(hidden) => {
                $query.filter($column.ne_all([hidden.as_slice(), &[$crate::base::scope::SEVERAL]].concat()))
            }
            $crate::base::scope::ProductScope::Only(only) => $query.filter($column.eq(*only)),
        }
    };
}
