//! The parts of Veracode SCA's issues that are read.

use serde::Deserialize;

use crate::reports::parsers::veracode_sca::agent::Record;
use crate::reports::read::json::{Entries, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow, rename = "_embedded")]
    pub embedded: Object<Embedded<'a>>,
    #[serde(borrow)]
    pub records: Entries<'a, Record<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Embedded<'a> {
    #[serde(borrow)]
    pub issues: Entries<'a, Issue<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Issue<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow, rename = "issue_type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub ignored: Text<'a>,
    #[serde(borrow, rename = "issue_status")]
    pub status: Text<'a>,
    #[serde(borrow, rename = "created_date")]
    pub created_at: Text<'a>,
    /// A score in the API, a word in the CSV.
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow, rename = "project_name")]
    pub project: Text<'a>,
    #[serde(borrow, rename = "project_branch")]
    pub branch: Text<'a>,
    #[serde(borrow)]
    pub library: Object<Library<'a>>,
    #[serde(borrow)]
    pub vulnerability: Object<Subject<'a>>,
    #[serde(borrow)]
    pub vulnerable_method: Text<'a>,
    #[serde(borrow, rename = "library_updated_version")]
    pub fixed_version: Text<'a>,
    #[serde(borrow, rename = "_links")]
    pub links: Object<Links<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Library<'a> {
    #[serde(borrow, rename = "id")]
    pub coordinates: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub direct: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Subject<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub overview: Text<'a>,
    #[serde(borrow)]
    pub cve: Text<'a>,
    #[serde(borrow)]
    pub cvss2_vector: Text<'a>,
    pub cvss2_score: Number,
    #[serde(borrow)]
    pub cvss3_vector: Text<'a>,
    pub cvss3_score: Number,
    #[serde(borrow)]
    pub cwe_id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Links<'a> {
    #[serde(borrow)]
    pub html: Object<Link<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Link<'a> {
    #[serde(borrow)]
    pub href: Text<'a>,
}
