//! The parts of the API's answers that are read. What is not named here is skipped.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub findings: Entries<'a, Entry<'a>>,
    #[serde(borrow, rename = "_embedded")]
    pub embedded: Object<Embedded<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Embedded<'a> {
    #[serde(borrow)]
    pub findings: Entries<'a, Entry<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Entry<'a> {
    #[serde(borrow)]
    pub issue_id: Text<'a>,
    #[serde(borrow)]
    pub scan_type: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub violates_policy: Text<'a>,
    #[serde(borrow)]
    pub finding_status: Object<Status<'a>>,
    #[serde(borrow)]
    pub finding_details: Object<Details<'a>>,
    #[serde(borrow)]
    pub annotations: List<Object<Annotation<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Status<'a> {
    #[serde(borrow)]
    pub first_found_date: Text<'a>,
    #[serde(borrow)]
    pub status: Text<'a>,
    #[serde(borrow)]
    pub resolution: Text<'a>,
    #[serde(borrow)]
    pub resolution_status: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Annotation<'a> {
    #[serde(borrow)]
    pub comment: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Details<'a> {
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub cwe: Object<Named<'a>>,
    /// A vector of a static flaw; of others a score.
    #[serde(borrow)]
    pub cvss: Text<'a>,
    #[serde(borrow)]
    pub finding_category: Object<Named<'a>>,
    #[serde(borrow)]
    pub file_path: Text<'a>,
    pub file_line_number: Number,
    #[serde(borrow)]
    pub procedure: Text<'a>,
    #[serde(borrow)]
    pub module: Text<'a>,
    #[serde(borrow)]
    pub attack_vector: Text<'a>,
    #[serde(borrow, alias = "URL")]
    pub url: Text<'a>,
    #[serde(borrow)]
    pub hostname: Text<'a>,
    #[serde(borrow)]
    pub port: Text<'a>,
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub plugin: Text<'a>,
    #[serde(borrow)]
    pub vulnerable_parameter: Text<'a>,
    #[serde(borrow)]
    pub cve: Object<Cve<'a>>,
    #[serde(borrow)]
    pub component_filename: Text<'a>,
    #[serde(borrow)]
    pub component_path: List<Object<ComponentPath<'a>>>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub language: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Named<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ComponentPath<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Cve<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    pub cvss: Number,
    #[serde(borrow)]
    pub href: Text<'a>,
    #[serde(borrow)]
    pub vector: Text<'a>,
    #[serde(borrow)]
    pub cvss3: Object<Cvss<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Cvss<'a> {
    pub score: Number,
    #[serde(borrow)]
    pub vector: Text<'a>,
}
