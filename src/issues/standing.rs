//! What holds for an instance: the sum of all observations of its pair on its branch.

use std::fmt;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::SmallInt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::observations::status::ObservationStatus;

/// What holds for an instance. Of the observations of a pair, the one with the lowest number decides: a single open one
/// keeps it open.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = SmallInt)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Found: something is to be done.
    Open = 0,
    /// Found, and somebody looks whether it is a problem.
    InReview = 1,
    /// Found, known and accepted.
    RiskAccepted = 2,
    /// Remediated: not a real finding.
    FalsePositive = 3,
    /// Remediated: it cannot be exploited here.
    NotAffected = 4,
    /// Remediated: not a matter of security.
    NotSecurity = 5,
    /// Remediated: the same as another.
    Duplicate = 6,
    /// Remediated: it is found no more.
    Resolved = 7,
    /// Remediated: nothing of it is known any more.
    Deleted = 8,
}

impl Standing {
    /// Every value, in the order of its number.
    pub const ALL: [Self; 9] = [
        Self::Open,
        Self::InReview,
        Self::RiskAccepted,
        Self::FalsePositive,
        Self::NotAffected,
        Self::NotSecurity,
        Self::Duplicate,
        Self::Resolved,
        Self::Deleted,
    ];
    /// The numbers from this one on are remediated.
    pub const FIRST_REMEDIATED: i16 = Self::FalsePositive as i16;

    /// What an observation with this status makes of its pair.
    #[must_use]
    pub const fn of(status: ObservationStatus) -> Self {
        match status {
            ObservationStatus::Open | ObservationStatus::Affected => Self::Open,
            ObservationStatus::InReview => Self::InReview,
            ObservationStatus::RiskAccepted => Self::RiskAccepted,
            ObservationStatus::FalsePositive => Self::FalsePositive,
            ObservationStatus::NotAffected => Self::NotAffected,
            ObservationStatus::NotSecurity => Self::NotSecurity,
            ObservationStatus::Duplicate => Self::Duplicate,
            ObservationStatus::Resolved => Self::Resolved,
        }
    }

    /// Is nothing left to be done, for whatever reason?
    #[must_use]
    pub const fn is_remediated(self) -> bool {
        self.number() >= Self::FIRST_REMEDIATED
    }

    /// Is it neither remediated nor to be worked on?
    #[must_use]
    pub const fn is_excluded(self) -> bool {
        matches!(self, Self::InReview | Self::RiskAccepted)
    }

    /// Is it found again when this follows `before`? A risk that was accepted before it vanished, and still is, has not
    /// come back as a problem; nor has one whose acceptance expires.
    #[must_use]
    pub const fn is_found_again(self, before: Self) -> bool {
        before.is_remediated() && matches!(self, Self::Open | Self::InReview)
    }

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// The word of this value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InReview => "in_review",
            Self::RiskAccepted => "risk_accepted",
            Self::FalsePositive => "false_positive",
            Self::NotAffected => "not_affected",
            Self::NotSecurity => "not_security",
            Self::Duplicate => "duplicate",
            Self::Resolved => "resolved",
            Self::Deleted => "deleted",
        }
    }

    /// An SQL expression of [`Standing::of`] over a column, for `min(…)`.
    #[must_use]
    pub fn sql_of(column: &str) -> String {
        let arms: String = ObservationStatus::ALL
            .iter()
            .map(|status| format!(" WHEN '{status}' THEN {}", Self::of(*status).number()))
            .collect();
        format!("CASE {column}{arms} END")
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<DB: Backend> ToSql<SmallInt, DB> for Standing
where
    i16: ToSql<SmallInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        match self {
            Self::Open => 0i16.to_sql(out),
            Self::InReview => 1i16.to_sql(out),
            Self::RiskAccepted => 2i16.to_sql(out),
            Self::FalsePositive => 3i16.to_sql(out),
            Self::NotAffected => 4i16.to_sql(out),
            Self::NotSecurity => 5i16.to_sql(out),
            Self::Duplicate => 6i16.to_sql(out),
            Self::Resolved => 7i16.to_sql(out),
            Self::Deleted => 8i16.to_sql(out),
        }
    }
}

impl<DB: Backend> FromSql<SmallInt, DB> for Standing
where
    i16: FromSql<SmallInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let number = i16::from_sql(bytes)?;
        let known = usize::try_from(number).ok().and_then(|number| Self::ALL.get(number).copied());
        known.ok_or_else(|| format!("unknown standing {number}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RZ-6
    #[test]
    fn what_is_disposed_of_is_remediated_and_what_waits_is_excluded() {
        for (status, is_remediated, is_excluded) in [
            (ObservationStatus::Open, false, false),
            (ObservationStatus::Affected, false, false),
            (ObservationStatus::InReview, false, true),
            (ObservationStatus::RiskAccepted, false, true),
            (ObservationStatus::FalsePositive, true, false),
            (ObservationStatus::NotAffected, true, false),
            (ObservationStatus::NotSecurity, true, false),
            (ObservationStatus::Duplicate, true, false),
            (ObservationStatus::Resolved, true, false),
        ] {
            let standing = Standing::of(status);
            assert_eq!((standing.is_remediated(), standing.is_excluded()), (is_remediated, is_excluded), "{status}");
        }
    }

    /// RZ-9
    #[test]
    fn only_what_was_remediated_and_is_active_now_is_found_again() {
        for before in Standing::ALL {
            for after in Standing::ALL {
                let expected = before >= Standing::FalsePositive && after <= Standing::InReview;
                assert_eq!(after.is_found_again(before), expected, "{after} after {before}");
            }
        }
    }

    #[test]
    fn numbers_are_places_in_the_list() {
        for (place, standing) in Standing::ALL.into_iter().enumerate() {
            assert_eq!(usize::try_from(standing.number()), Ok(place));
        }
    }
}
