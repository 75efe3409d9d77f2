//! Severity: how bad a vulnerability is, as a rank that sorts.

use std::fmt;
use std::str::FromStr;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::SmallInt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How bad a vulnerability is. Stored as its rank, because the words sort wrongly.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    AsExpression,
    FromSqlRow,
)]
#[diesel(sql_type = SmallInt)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The tool does not say.
    #[default]
    Unknown,
    /// Informational.
    None,
    /// Low: CVSS 0.1 to 3.9.
    Low,
    /// Medium: CVSS 4.0 to 6.9.
    Medium,
    /// High: CVSS 7.0 to 8.9.
    High,
    /// Critical: CVSS 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// Every severity, lowest first.
    pub const ALL: [Self; 6] = [Self::Unknown, Self::None, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The stored rank, 0 to 5.
    #[must_use]
    pub const fn rank(self) -> i16 {
        self as i16
    }

    /// The severity of a stored rank.
    #[must_use]
    pub fn from_rank(rank: i16) -> Option<Self> {
        usize::try_from(rank).ok().and_then(|rank| Self::ALL.get(rank).copied())
    }

    /// The severity of a CVSS base score. Source: FIRST, CVSS v3.1 Specification, section 5.
    #[must_use]
    pub fn from_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::None,
        }
    }

    /// The word of this severity.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| "expected one of unknown, none, low, medium, high, critical".to_owned())
    }
}

impl<DB: Backend> ToSql<SmallInt, DB> for Severity
where
    i16: ToSql<SmallInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        match self {
            Self::Unknown => 0i16.to_sql(out),
            Self::None => 1i16.to_sql(out),
            Self::Low => 2i16.to_sql(out),
            Self::Medium => 3i16.to_sql(out),
            Self::High => 4i16.to_sql(out),
            Self::Critical => 5i16.to_sql(out),
        }
    }
}

impl<DB: Backend> FromSql<SmallInt, DB> for Severity
where
    i16: FromSql<SmallInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let rank = i16::from_sql(bytes)?;
        Self::from_rank(rank).ok_or_else(|| format!("unknown severity rank {rank}").into())
    }
}
