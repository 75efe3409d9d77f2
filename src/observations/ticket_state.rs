//! What the ticket of an observation is, as a column to filter by. The ticket itself is known to `trackers` only.

use std::fmt;
use std::str::FromStr;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::SmallInt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The state of an observation's ticket. An observation without a ticket has none.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = SmallInt)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    /// Meant to be created; the tracker has not confirmed it yet.
    Pending = 1,
    /// Open in the tracker.
    Open = 2,
    /// Closed in the tracker.
    Closed = 3,
    /// The last push failed for good and waits for a person.
    Failed = 4,
}

impl TicketState {
    /// Every state, in the order of its number.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Open, Self::Closed, Self::Failed];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// The word of this state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for TicketState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TicketState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| "expected one of pending, open, closed, failed".to_owned())
    }
}

impl<DB: Backend> ToSql<SmallInt, DB> for TicketState
where
    i16: ToSql<SmallInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        match self {
            Self::Pending => 1i16.to_sql(out),
            Self::Open => 2i16.to_sql(out),
            Self::Closed => 3i16.to_sql(out),
            Self::Failed => 4i16.to_sql(out),
        }
    }
}

impl<DB: Backend> FromSql<SmallInt, DB> for TicketState
where
    i16: FromSql<SmallInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let number = i16::from_sql(bytes)?;
        Self::ALL
            .into_iter()
            .find(|state| state.number() == number)
            .ok_or_else(|| format!("unknown ticket state {number}").into())
    }
}
