//! `Patch<T>`: a field of a JSON merge patch (RFC 7396), where absent and null are different things.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

/// A field of a merge patch: left alone, or set. A field that can be cleared is a `Patch<Option<T>>`, which null sets
/// to `None`; in a `Patch<T>` null is a fault. Declare it with `#[serde(default)]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The field is absent: it stays as it is.
    #[default]
    Keep,
    /// The field becomes this.
    Set(T),
}

impl<T> Patch<T> {
    /// What to write: diesel's changesets skip `None`.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Keep => None,
            Self::Set(value) => Some(value),
        }
    }

    /// What is to be set, if anything.
    pub const fn as_set(&self) -> Option<&T> {
        match self {
            Self::Keep => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The value after the patch.
    pub fn or(self, now: T) -> T {
        self.into_option().unwrap_or(now)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Set)
    }
}

impl<T: PartialSchema> PartialSchema for Patch<T> {
    fn schema() -> RefOr<Schema> {
        T::schema()
    }
}

impl<T: ToSchema> ToSchema for Patch<T> {
    fn name() -> Cow<'static, str> {
        "Patch".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Change {
        #[serde(default)]
        name: Patch<String>,
        #[serde(default)]
        note: Patch<Option<String>>,
    }

    #[test]
    fn tells_absent_from_null_from_a_value() {
        let read = |text| serde_json::from_str::<Change>(text).map_err(|error| error.to_string());
        let kept = Change { name: Patch::Keep, note: Patch::Keep };
        assert_eq!(read("{}").unwrap(), kept);
        assert_eq!(read(r#"{"note": null}"#).unwrap(), Change { note: Patch::Set(None), ..kept });
        let set = Change { name: Patch::Set("n".into()), note: Patch::Set(Some("x".into())) };
        assert_eq!(read(r#"{"name": "n", "note": "x"}"#).unwrap(), set);
        assert!(read(r#"{"name": null}"#).unwrap_err().contains("null"));
    }
}
