//! Versions of resources, against lost updates: a change says which version it was made from.

use super::error::ApiError;

/// The versions that a change accepts (`If-Match`). Services compare inside the transaction that writes, and write
/// `WHERE version = …`, so that of two changes made from one version the second hears of the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum IfMatch {
    /// Any: the caller does not say.
    #[default]
    Any,
    /// One of these.
    OneOf(Vec<i64>),
}

impl IfMatch {
    /// Refuses a version that the caller did not see.
    ///
    /// # Errors
    /// `PreconditionFailed`.
    pub fn check(&self, version: i64) -> Result<(), ApiError> {
        match self {
            Self::Any => Ok(()),
            Self::OneOf(versions) if versions.contains(&version) => Ok(()),
            Self::OneOf(_) => Err(ApiError::PreconditionFailed),
        }
    }
}
