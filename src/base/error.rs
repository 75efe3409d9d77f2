//! The one error that reaches a caller. It names kinds; only `api/problem.rs` knows status numbers.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing wrong with the input, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// JSON pointer into the body (`/name`), or the name of a query parameter, header or form field.
    #[schema(example = "/name")]
    pub pointer: String,
    /// What is wrong and what to do.
    #[schema(example = "must not be empty")]
    pub detail: String,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// What can go wrong, by kind.
#[derive(Debug)]
pub enum ApiError {
    /// The thing does not exist, or the caller may not know that it does.
    NotFound {
        /// The kind of thing, in the domain's words.
        what: &'static str,
        /// The id as the caller gave it.
        id: String,
    },
    /// No caller, or one that could not be proven. The text is safe to show.
    Unauthenticated(&'static str),
    /// The caller is known and may not do this.
    Forbidden(String),
    /// The request contradicts the present state.
    Conflict(String),
    /// The request cannot be read or has wrong values: all faults at once.
    Invalid(Vec<Fault>),
    /// The request is well formed, but what it holds cannot be processed (an unreadable report).
    Unprocessable(Vec<Fault>),
    /// `If-Match` names another version.
    PreconditionFailed,
    /// More bytes than allowed.
    TooLarge {
        /// The limit that was passed, in bytes.
        limit_bytes: u64,
    },
    /// A content type or encoding that is not understood here.
    UnsupportedMediaType(String),
    /// Too many requests or attempts.
    TooManyRequests {
        /// When to try again, in seconds.
        retry_after_s: u64,
    },
    /// Not now: the database is busy or the server is stopping.
    Unavailable {
        /// What is not available.
        detail: String,
        /// When to try again, in seconds.
        retry_after_s: u64,
    },
    /// A fault of ours. The cause goes to the log, never into the answer.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl ApiError {
    /// A single fault in the input.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(pointer, detail)])
    }

    /// Nothing of that kind with that id.
    pub fn not_found(what: &'static str, id: impl fmt::Display) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// The same with its faults under other names, given as pairs of ours and theirs: for those whose fields have others.
    #[must_use]
    pub fn renamed(mut self, names: &[(&str, &str)]) -> Self {
        if let Self::Invalid(faults) = &mut self {
            for fault in faults {
                if let Some((_, theirs)) = names.iter().find(|(ours, _)| *ours == fault.pointer) {
                    fault.pointer = (*theirs).to_owned();
                }
            }
        }
        self
    }

    /// A fault of ours, told in words for the log.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { what, id } => write!(f, "no {what} {id}"),
            Self::Unauthenticated(reason) => f.write_str(reason),
            Self::Forbidden(detail) | Self::Conflict(detail) | Self::UnsupportedMediaType(detail) => {
                f.write_str(detail)
            }
            Self::Invalid(faults) | Self::Unprocessable(faults) => {
                for (n, fault) in faults.iter().enumerate() {
                    let separator = if n == 0 { "" } else { "; " };
                    write!(f, "{separator}{}: {}", fault.pointer, fault.detail)?;
                }
                Ok(())
            }
            Self::PreconditionFailed => f.write_str("the resource has changed since it was read"),
            Self::TooLarge { limit_bytes } => write!(f, "larger than the limit of {limit_bytes} bytes"),
            Self::TooManyRequests { retry_after_s } => write!(f, "too many requests, try again in {retry_after_s} s"),
            Self::Unavailable { detail, .. } => f.write_str(detail),
            Self::Internal(cause) => write!(f, "internal error: {cause}"),
        }
    }
}

impl std::error::Error for ApiError {}

impl From<diesel::result::Error> for ApiError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Internal(Box::new(error))
    }
}

/// Collects faults, so that a caller hears all of them at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault::new(pointer, detail));
    }

    /// Adds a fault unless `holds`.
    pub fn require(&mut self, holds: bool, pointer: &str, detail: &str) {
        if !holds {
            self.add(pointer, detail);
        }
    }

    /// Nothing, or [`ApiError::Invalid`] with all faults.
    ///
    /// # Errors
    /// `Invalid` when a fault was added.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::Invalid(self.0)) }
    }
}
