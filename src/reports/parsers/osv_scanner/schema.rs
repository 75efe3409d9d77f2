//! The parts of OSV-Scanner's JSON that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object, Pairs};
use crate::reports::read::text::Text;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub results: List<SourceResult<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SourceResult<'a> {
    #[serde(borrow)]
    pub source: Object<Source<'a>>,
    #[serde(borrow)]
    pub packages: Entries<'a, PackageResult<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Source<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
}

#[derive(Deserialize)]
pub struct PackageResult<'a> {
    #[serde(borrow)]
    pub package: Object<Package<'a>>,
    #[serde(borrow, default)]
    pub vulnerabilities: Entries<'a, Entry<'a>>,
    #[serde(borrow, default)]
    pub groups: List<Group<'a>>,
    #[serde(borrow, default)]
    pub dependency_groups: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Package<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub ecosystem: Text<'a>,
    #[serde(borrow)]
    pub commit: Text<'a>,
    #[serde(borrow)]
    pub purl: Text<'a>,
}

/// An entry in the OSV schema.
#[derive(Deserialize)]
pub struct Entry<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub aliases: List<Text<'a>>,
    #[serde(borrow, default)]
    pub upstream: List<Text<'a>>,
    #[serde(borrow, default)]
    pub summary: Text<'a>,
    #[serde(borrow, default)]
    pub details: Text<'a>,
    #[serde(borrow, default)]
    pub published: Text<'a>,
    #[serde(borrow, default)]
    pub severity: List<Rating<'a>>,
    #[serde(borrow, default)]
    pub affected: List<Affected<'a>>,
    #[serde(borrow, default)]
    pub references: List<Link<'a>>,
    #[serde(borrow, default)]
    pub database_specific: Object<DatabaseSpecific<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Rating<'a> {
    /// A vector, in spite of the name; or a distribution's word.
    #[serde(borrow)]
    pub score: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Affected<'a> {
    #[serde(borrow)]
    pub package: Object<Package<'a>>,
    #[serde(borrow)]
    pub severity: List<Rating<'a>>,
    #[serde(borrow)]
    pub ranges: List<Range<'a>>,
    #[serde(borrow)]
    pub database_specific: Object<AffectedSpecific<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Range<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub events: List<Event<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Event<'a> {
    #[serde(borrow)]
    pub fixed: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AffectedSpecific<'a> {
    #[serde(borrow)]
    pub cwes: List<Weakness<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Weakness<'a> {
    #[serde(borrow)]
    pub cwe_id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct DatabaseSpecific<'a> {
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub cwe_ids: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Link<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
}

/// Entries that are of one problem, with what a look at the calls said. Version 2 renamed the latter.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group<'a> {
    #[serde(borrow)]
    pub ids: List<Text<'a>>,
    #[serde(borrow, rename = "experimentalAnalysis")]
    analysis_of_1: Pairs<Text<'a>, Object<Calls<'a>>>,
    #[serde(borrow, rename = "experimental_analysis")]
    analysis_of_2: Pairs<Text<'a>, Object<Calls<'a>>>,
}

impl<'a> Group<'a> {
    /// What was found out, by entry.
    pub fn analysis(&self) -> impl Iterator<Item = &(Text<'a>, Object<Calls<'a>>)> {
        self.analysis_of_1.0.iter().chain(&self.analysis_of_2.0)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Calls<'a> {
    #[serde(borrow)]
    pub called: Text<'a>,
}
