//! A gate and its verdict.

use diesel::prelude::*;

use crate::base::ids::{OrganizationId, ProductId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::schema::security_gates;

/// The most active observations that the default branch of a product may have. What is not said does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = security_gates, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Gate {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The product.
    pub product_id: ProductId,
    /// Of severity critical.
    pub most_critical: Option<i64>,
    /// Of severity high.
    pub most_high: Option<i64>,
    /// Of severity medium.
    pub most_medium: Option<i64>,
    /// Of severity low.
    pub most_low: Option<i64>,
    /// Of severity none.
    pub most_none: Option<i64>,
    /// Of no known severity.
    pub most_unknown: Option<i64>,
    /// Counts its changes.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: UtcTime,
}

/// How many active observations the default branch of a product has.
pub type Active = (ProductId, Severity, i64);

impl Gate {
    /// The most of a severity.
    #[must_use]
    pub const fn most(&self, severity: Severity) -> Option<i64> {
        match severity {
            Severity::Unknown => self.most_unknown,
            Severity::None => self.most_none,
            Severity::Low => self.most_low,
            Severity::Medium => self.most_medium,
            Severity::High => self.most_high,
            Severity::Critical => self.most_critical,
        }
    }

    /// May a pipeline of the product go on?
    #[must_use]
    pub fn is_passed(&self, active: &[Active]) -> bool {
        Severity::ALL.into_iter().all(|severity| {
            let of_gate = active.iter().filter(|(product, of, _)| *product == self.product_id && *of == severity);
            let count: i64 = of_gate.map(|(.., count)| count).sum();
            self.most(severity).is_none_or(|most| count <= most)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_passed_while_no_severity_has_more_than_it_may() {
        let (product_id, other) = (ProductId::generate(), ProductId::generate());
        let gate = Gate {
            organization_id: OrganizationId::generate(),
            product_id,
            most_critical: Some(0),
            most_high: Some(2),
            most_medium: None,
            most_low: None,
            most_none: None,
            most_unknown: None,
            version: 1,
            updated_at: UtcTime::from_micros(1),
        };
        for (active, expected) in [
            (vec![], true),
            (vec![(product_id, Severity::High, 2)], true),
            (vec![(product_id, Severity::High, 1), (product_id, Severity::High, 2)], false),
            (vec![(product_id, Severity::Critical, 1)], false),
            (vec![(product_id, Severity::Medium, 1000), (other, Severity::Critical, 1)], true),
        ] {
            assert_eq!(gate.is_passed(&active), expected, "{active:?}");
        }
    }
}
