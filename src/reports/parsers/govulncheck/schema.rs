//! The parts of govulncheck's messages that are read.

use serde::Deserialize;

use crate::reports::parsers::govulncheck::old::OldVulnerability;
use crate::reports::read::json::{List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Deserialize)]
pub struct Message<'a> {
    #[serde(borrow)]
    pub config: Option<Config<'a>>,
    #[serde(borrow, rename = "SBOM", default)]
    pub sbom: Object<Bom<'a>>,
    #[serde(borrow)]
    pub osv: Option<Osv<'a>>,
    #[serde(borrow)]
    pub finding: Option<Hit<'a>>,
    /// Version 0.1 only.
    #[serde(borrow)]
    pub vulnerability: Option<OldVulnerability<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Config<'a> {
    #[serde(borrow)]
    pub scanner_version: Text<'a>,
    #[serde(borrow)]
    pub scan_level: Text<'a>,
    /// The tool's, in version 0.1.
    #[serde(borrow)]
    pub version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Bom<'a> {
    #[serde(borrow)]
    pub roots: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Osv<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub aliases: List<Text<'a>>,
    #[serde(borrow)]
    pub summary: Text<'a>,
    #[serde(borrow)]
    pub details: Text<'a>,
    #[serde(borrow)]
    pub affected: List<Object<Affected<'a>>>,
    #[serde(borrow)]
    pub references: List<Object<Page<'a>>>,
    #[serde(borrow)]
    pub severity: List<Rating<'a>>,
    #[serde(borrow)]
    pub database_specific: Object<Page<'a>>,
}

/// A CVSS vector, or the word that some databases write instead.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Rating<'a> {
    Vector {
        #[serde(borrow)]
        score: Text<'a>,
    },
    Word(#[serde(borrow)] Text<'a>),
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Affected<'a> {
    #[serde(borrow)]
    pub database_specific: Object<Page<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Page<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
    /// A database's word for all that it says of a vulnerability.
    #[serde(borrow)]
    pub severity: Text<'a>,
}

#[derive(Deserialize)]
pub struct Hit<'a> {
    #[serde(borrow)]
    pub osv: Text<'a>,
    #[serde(borrow, default)]
    pub fixed_version: Text<'a>,
    #[serde(borrow, default)]
    pub trace: List<Frame<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Frame<'a> {
    #[serde(borrow)]
    pub module: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub package: Text<'a>,
    #[serde(borrow)]
    pub function: Text<'a>,
    #[serde(borrow)]
    pub receiver: Text<'a>,
    #[serde(borrow)]
    pub position: Object<Position<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Position<'a> {
    #[serde(borrow)]
    pub filename: Text<'a>,
    pub line: Number,
}
