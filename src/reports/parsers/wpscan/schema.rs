//! The parts of WPScan's JSON that are read.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::reports::read::json::{Entries, List, Object, Pairs};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub banner: Object<Banner<'a>>,
    #[serde(borrow)]
    pub scan_aborted: Text<'a>,
    #[serde(borrow)]
    pub start_time: Text<'a>,
    #[serde(borrow)]
    pub stop_time: Text<'a>,
    #[serde(borrow)]
    pub target_url: Text<'a>,
    #[serde(borrow)]
    pub effective_url: Text<'a>,
    #[serde(borrow)]
    pub interesting_findings: Entries<'a, Interesting<'a>>,
    #[serde(borrow)]
    pub config_backups: Pairs<Text<'a>, IgnoredAny>,
    #[serde(borrow)]
    pub db_exports: Pairs<Text<'a>, IgnoredAny>,
    #[serde(borrow)]
    pub version: Object<Version<'a>>,
    #[serde(borrow)]
    pub main_theme: Object<Part<'a>>,
    #[serde(borrow)]
    pub themes: Pairs<Text<'a>, Object<Part<'a>>>,
    #[serde(borrow)]
    pub plugins: Pairs<Text<'a>, Object<Part<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Banner<'a> {
    #[serde(borrow)]
    pub version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Interesting<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
    #[serde(borrow)]
    pub to_s: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub found_by: Text<'a>,
    #[serde(borrow)]
    pub confidence: Text<'a>,
    #[serde(borrow)]
    pub references: Object<References<'a>>,
    #[serde(borrow)]
    pub interesting_entries: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct References<'a> {
    #[serde(borrow)]
    pub cve: List<Text<'a>>,
    #[serde(borrow)]
    pub url: List<Text<'a>>,
    #[serde(borrow)]
    pub wpvulndb: List<Text<'a>>,
}

/// WordPress itself, a theme or a plugin.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Part<'a> {
    #[serde(borrow)]
    pub slug: Text<'a>,
    #[serde(borrow)]
    pub location: Text<'a>,
    #[serde(borrow)]
    pub latest_version: Text<'a>,
    #[serde(borrow)]
    pub confidence: Text<'a>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Vulnerable<'a>>,
    #[serde(borrow)]
    pub version: Object<Version<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Version<'a> {
    #[serde(borrow)]
    pub number: Text<'a>,
    #[serde(borrow)]
    pub confidence: Text<'a>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Vulnerable<'a>>,
}

#[derive(Deserialize)]
pub struct Vulnerable<'a> {
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub fixed_in: Text<'a>,
    #[serde(borrow, default)]
    pub cvss: Object<Cvss<'a>>,
    #[serde(borrow, default)]
    pub references: Object<References<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Cvss<'a> {
    pub score: Number,
    #[serde(borrow)]
    pub vector: Text<'a>,
}
