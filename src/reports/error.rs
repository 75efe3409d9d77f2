//! Why a file could not be read, with the place of the fault.

use std::fmt;

use crate::base::error::{ApiError, Fault};
use crate::reports::read::text;

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseError {
    /// No format fits. The detail names the nearest candidates and what each misses.
    Unrecognised {
        /// What the content looks like and what is missing.
        detail: String,
    },
    /// The caller asked for a format that does not exist.
    UnknownFormat {
        /// The name as given.
        name: String,
        /// The nearest known names.
        nearest: Vec<&'static str>,
    },
    /// The JSON, XML or CSV itself is broken.
    Malformed {
        /// Where: a JSON pointer, a line and column, or both.
        place: String,
        /// What.
        detail: String,
    },
    /// Well formed, but not what its format demands.
    Unfit {
        /// Where.
        place: String,
        /// What.
        detail: String,
    },
    /// More bytes or entries than are read.
    TooLarge {
        /// The limit that was passed, in bytes.
        limit_bytes: u64,
    },
    /// Compressed or packed in a way that is not read.
    Unsupported {
        /// What.
        detail: String,
    },
}

impl ParseError {
    /// Something that its format does not allow. Names out of the report are cut short.
    pub fn unfit(place: impl AsRef<str>, detail: impl AsRef<str>) -> Self {
        Self::Unfit { place: text::title(place.as_ref()), detail: text::title(detail.as_ref()) }
    }

    /// Broken syntax. Names out of the report are cut short.
    pub fn malformed(place: impl AsRef<str>, detail: impl AsRef<str>) -> Self {
        Self::Malformed { place: text::title(place.as_ref()), detail: text::title(detail.as_ref()) }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unrecognised { detail } | Self::Unsupported { detail } => f.write_str(detail),
            Self::UnknownFormat { name, nearest } => {
                write!(f, "no report format is called {name:?}; did you mean {}?", nearest.join(", "))
            }
            Self::Malformed { place, detail } | Self::Unfit { place, detail } => write!(f, "{place}: {detail}"),
            Self::TooLarge { limit_bytes } => write!(f, "larger than the limit of {limit_bytes} bytes"),
        }
    }
}

impl std::error::Error for ParseError {}

impl From<ParseError> for ApiError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::UnknownFormat { .. } => Self::invalid("format", error.to_string()),
            ParseError::Unrecognised { .. } | ParseError::Malformed { .. } => Self::invalid("file", error.to_string()),
            ParseError::Unfit { .. } => Self::Unprocessable(vec![Fault::new("file", error.to_string())]),
            ParseError::TooLarge { limit_bytes } => Self::TooLarge { limit_bytes },
            ParseError::Unsupported { detail } => Self::UnsupportedMediaType(detail),
        }
    }
}

impl From<std::io::Error> for ParseError {
    fn from(error: std::io::Error) -> Self {
        Self::Malformed { place: "file".to_owned(), detail: error.to_string() }
    }
}
