//! Values as other servers' clients spell them.

use std::borrow::Cow;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema, openapi::RefOr};

use crate::base::severity::Severity;
use crate::observations::status::ObservationStatus;

/// A whole number, which may come as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number(pub i64);

/// Yes or no: `true`, `True`, `1` and what the web forms of such servers send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(pub bool);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
                i64::try_from(value).map(Number).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                text.trim().parse().map(Number).map_err(|_| E::custom("must be a whole number"))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Flag;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Flag, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Flag, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                // In the forms of DefectDojo 2 is yes, 3 is no, and 1 is "does not matter".
                match text.trim().to_ascii_lowercase().as_str() {
                    "true" | "yes" | "on" | "1" | "2" => Ok(Flag(true)),
                    "false" | "no" | "off" | "0" | "3" => Ok(Flag(false)),
                    _ => Err(E::custom("must be true or false")),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

macro_rules! described_as {
    ($($name:ident: $type:ident, $format:expr;)+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::$type).format($format).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                concat!("Compatible", stringify!($name)).into()
            }
        }
    )+};
}

described_as! {
    Number: Integer, Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
    Flag: Boolean, None;
}

/// A severity as DefectDojo spells it. It has no word for "unknown", nor one below "info".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum SeverityWord {
    /// None, or not known.
    #[serde(alias = "info", alias = "Informational")]
    Info,
    /// Low.
    #[serde(alias = "low")]
    Low,
    /// Medium.
    #[serde(alias = "medium")]
    Medium,
    /// High.
    #[serde(alias = "high")]
    High,
    /// Critical.
    #[serde(alias = "critical")]
    Critical,
}

impl SeverityWord {
    /// The severities that it stands for.
    #[must_use]
    pub const fn severities(self) -> &'static [Severity] {
        match self {
            Self::Info => &[Severity::None, Severity::Unknown],
            Self::Low => &[Severity::Low],
            Self::Medium => &[Severity::Medium],
            Self::High => &[Severity::High],
            Self::Critical => &[Severity::Critical],
        }
    }

    /// The lowest severity that a report filtered by it keeps.
    #[must_use]
    pub const fn minimum(self) -> Severity {
        match self {
            Self::Info => Severity::Unknown,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

impl From<Severity> for SeverityWord {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Unknown | Severity::None => Self::Info,
            Severity::Low => Self::Low,
            Severity::Medium => Self::Medium,
            Severity::High => Self::High,
            Severity::Critical => Self::Critical,
        }
    }
}

/// What a status is to DefectDojo, whose findings have flags instead. What is under review is not active there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatusFlags {
    /// Something is to be done.
    pub active: bool,
    /// It is none.
    pub false_p: bool,
    /// It is another one's duplicate.
    pub duplicate: bool,
    /// It is no matter of security here.
    pub out_of_scope: bool,
    /// It is accepted.
    pub risk_accepted: bool,
    /// It is fixed.
    pub is_mitigated: bool,
    /// Somebody looks at it.
    pub under_review: bool,
}

impl From<ObservationStatus> for StatusFlags {
    fn from(status: ObservationStatus) -> Self {
        let mut flags = Self::default();
        let flag = match status {
            ObservationStatus::Open | ObservationStatus::Affected => &mut flags.active,
            ObservationStatus::InReview => &mut flags.under_review,
            ObservationStatus::Resolved => &mut flags.is_mitigated,
            ObservationStatus::Duplicate => &mut flags.duplicate,
            ObservationStatus::FalsePositive => &mut flags.false_p,
            ObservationStatus::NotAffected | ObservationStatus::NotSecurity => &mut flags.out_of_scope,
            ObservationStatus::RiskAccepted => &mut flags.risk_accepted,
        };
        *flag = true;
        flags
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_clients_send() {
        for (given, expected) in [
            (json!(true), Some(true)),
            (json!("True"), Some(true)),
            (json!("false"), Some(false)),
            (json!("False"), Some(false)),
            (json!(2), Some(true)),
            (json!("3"), Some(false)),
            (json!("maybe"), None),
        ] {
            assert_eq!(serde_json::from_value::<Flag>(given.clone()).ok(), expected.map(Flag), "{given}");
        }
        for (given, expected) in [
            (json!(7), Some(7)),
            (json!("7"), Some(7)),
            (json!(" 7 "), Some(7)),
            (json!("seven"), None),
            (json!(7.5), None),
        ] {
            assert_eq!(serde_json::from_value::<Number>(given.clone()).ok(), expected.map(Number), "{given}");
        }
    }
}
