//! What a report format is: its names, the signs by which it is known, and how to read it.

use std::fmt;

use crate::reports::error::ParseError;
use crate::reports::report::Report;
use crate::reports::sniff::Sniff;

/// A report format.
#[derive(Debug)]
pub struct Parser {
    /// Its name, as `format=` takes it (`sarif`).
    pub name: &'static str,
    /// Its name for people (`SARIF 2.1.0`).
    pub title: &'static str,
    /// The tool that writes it, or what kind of tools do.
    pub tool: &'static str,
    /// The content types it is sent as.
    pub content_types: &'static [&'static str],
    /// The scan-type names of DefectDojo that mean this format.
    pub defectdojo_names: &'static [&'static str],
    /// The shortest report that says something; it is recognised and read.
    pub example: &'static str,
    /// The shapes it comes in. One shape is known by all of its signs.
    pub shapes: &'static [&'static [Sign]],
    /// Reads a text of this format.
    pub parse: fn(&str) -> Result<Vec<Report>, ParseError>,
}

/// Something in the content that speaks for a format.
///
/// A JSON path joins keys with dots and marks list items with `[]` (`runs[].tool.driver`), `*` stands for any key. An
/// XML path begins with a slash (`/nmaprun/host`), an attribute with `@`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The path is there.
    Has(&'static str),
    /// The path is there and is a list.
    List(&'static str),
    /// The path is there and is an object.
    Object(&'static str),
    /// The path holds a text that begins so, whatever the case.
    Says(&'static str, &'static str),
    /// The path, or the column, is not there.
    Lacks(&'static str),
    /// A column of a table, whatever the case.
    Column(&'static str),
    /// Several JSON documents, one after the other.
    Lines,
    /// A text anywhere in the first kilobytes.
    Contains(&'static str),
}

impl Sign {
    /// Whether the content shows this sign.
    #[must_use]
    pub fn holds(&self, sniff: &Sniff<'_>) -> bool {
        match self {
            Self::Has(path) => sniff.has(path),
            Self::List(path) => sniff.is_list(path),
            Self::Object(path) => sniff.is_object(path),
            Self::Says(path, start) => sniff.says(path, start),
            Self::Lacks(path) => !sniff.has(path) && !sniff.has_column(path),
            Self::Column(name) => sniff.has_column(name),
            Self::Lines => sniff.is_several_documents(),
            Self::Contains(text) => sniff.head().contains(text),
        }
    }

    /// Whether the content has at least the beginning of this sign: the first key of its path, the root of its XML.
    #[must_use]
    pub fn begins(&self, sniff: &Sniff<'_>) -> bool {
        match self {
            Self::Has(path) | Self::List(path) | Self::Object(path) => {
                let begin = first_key(path);
                // Documents that follow each other may also be sent as a list.
                begin.is_empty() || sniff.has(begin) || sniff.has(&format!("[].{begin}"))
            }
            Self::Lacks(_) | Self::Lines => false,
            Self::Column(_) => self.holds(sniff) && sniff.head().contains(['\n', '\r']),
            Self::Contains(_) | Self::Says(..) => self.holds(sniff),
        }
    }

    /// How much this sign tells: a deep path more than a shallow one, a fixed value most.
    #[must_use]
    pub fn weight(&self) -> u32 {
        let depth = |path: &str| 1 + u32::try_from(path.matches(['.', '/', '[']).count()).unwrap_or(u32::MAX / 2);
        match self {
            Self::Has(path) | Self::List(path) | Self::Object(path) => depth(path),
            Self::Says(path, _) => depth(path) + 3,
            Self::Column(_) | Self::Lines => 1,
            Self::Contains(_) => 3,
            Self::Lacks(_) => 0,
        }
    }
}

/// The first key of a path, after the list that the document itself may be; of XML the root.
fn first_key(path: &str) -> &str {
    let from = if path.starts_with("[].") { 3 } else { 0 };
    let end = path[from..].find(if path.starts_with('/') { '@' } else { '.' }).map_or(path.len(), |at| from + at);
    path[..end].trim_end_matches("[]")
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &'static str| if path.is_empty() { "the document" } else { path };
        match self {
            Self::Has(path) => write!(f, "{}", shown(path)),
            Self::List(path) => write!(f, "{} as a list", shown(path)),
            Self::Object(path) => write!(f, "{} as an object", shown(path)),
            Self::Says(path, start) => write!(f, "{} = {start:?}", shown(path)),
            Self::Lacks(path) => write!(f, "no {}", shown(path)),
            Self::Column(name) => write!(f, "column {name:?}"),
            Self::Lines => f.write_str("several JSON documents"),
            Self::Contains(text) => write!(f, "the text {text:?}"),
        }
    }
}
