//! The parts of a scan report that are read. What is not named here is skipped.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub report_header: Object<Header<'a>>,
    #[serde(borrow)]
    pub scan_summary: Object<Summary<'a>>,
    #[serde(borrow)]
    pub scan_results: Object<Results<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Header<'a> {
    #[serde(borrow)]
    pub project_name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary<'a> {
    #[serde(borrow)]
    pub scan_completed_date: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Results<'a> {
    #[serde(borrow)]
    pub sast: Object<Sast<'a>>,
    #[serde(borrow)]
    pub sca: Object<Sca<'a>>,
    #[serde(borrow)]
    pub kics: Object<Kics<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Sast<'a> {
    #[serde(borrow)]
    pub languages: List<Object<Language<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Language<'a> {
    #[serde(borrow)]
    pub language_name: Text<'a>,
    #[serde(borrow)]
    pub queries: List<Object<Query<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Query<'a> {
    #[serde(borrow)]
    pub query_name: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Entry<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Sca<'a> {
    #[serde(borrow)]
    pub packages: List<Object<Group<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Kics<'a> {
    #[serde(borrow)]
    pub results: List<Object<Group<'a>>>,
}

/// A package, or a platform (`Dockerfile`).
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Group<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Entry<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entry<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub similarity_id: Text<'a>,
    #[serde(borrow)]
    pub state: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub group_name: Text<'a>,
    #[serde(borrow)]
    pub cwe_id: Text<'a>,
    #[serde(borrow)]
    pub cwe: Text<'a>,
    #[serde(borrow)]
    pub first_found_date: Moment<'a>,
    #[serde(borrow)]
    pub nodes: List<Object<Node<'a>>>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub cve_id: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub file_name: Text<'a>,
    #[serde(borrow)]
    pub query_name: Text<'a>,
    #[serde(borrow)]
    pub expected_value: Text<'a>,
    #[serde(borrow)]
    pub actual_value: Text<'a>,
    #[serde(borrow)]
    pub category: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Node<'a> {
    #[serde(borrow)]
    pub file_name: Text<'a>,
    pub line: Number,
    #[serde(borrow)]
    pub full_name: Text<'a>,
}

/// A time as text, or as seconds in an object.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Moment<'a> {
    Seconds { seconds: i64 },
    Said(#[serde(borrow)] Text<'a>),
}

impl Default for Moment<'_> {
    fn default() -> Self {
        Self::Said(Text::default())
    }
}

impl Moment<'_> {
    /// As text in either case.
    pub fn text(&self) -> Text<'_> {
        match self {
            Self::Seconds { seconds } => Text::from(seconds.to_string()),
            Self::Said(text) => Text::from(text.as_str()),
        }
    }
}
