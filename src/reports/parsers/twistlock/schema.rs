//! The parts of Twistlock's reports that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, Object};
use crate::reports::read::text::{Number, Text};

/// What `twistcli` writes.
#[derive(Deserialize)]
pub struct File<'a> {
    #[serde(borrow)]
    pub results: Entries<'a, Image<'a>>,
}

/// A scan by `twistcli`, as the API lists it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scan<'a> {
    #[serde(borrow)]
    pub entity_info: Image<'a>,
}

/// An image or a host. The API names an image in parts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image<'a> {
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub repo_tag: Object<RepoTag<'a>>,
    #[serde(borrow, default)]
    pub hostname: Text<'a>,
    #[serde(borrow, default)]
    pub scan_time: Text<'a>,
    #[serde(borrow, default)]
    pub vulnerabilities: Entries<'a, Entry<'a>>,
    #[serde(borrow, alias = "complianceIssues", default)]
    pub compliances: Entries<'a, Compliance<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RepoTag<'a> {
    #[serde(borrow)]
    pub registry: Text<'a>,
    #[serde(borrow)]
    pub repo: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    /// The API's; its id is that of a kind of issue.
    #[serde(borrow, default)]
    pub cve: Text<'a>,
    #[serde(borrow, default)]
    pub status: Text<'a>,
    #[serde(default)]
    pub cvss: Number,
    #[serde(borrow, alias = "vecStr", default)]
    pub vector: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub package_name: Text<'a>,
    #[serde(borrow, default)]
    pub package_version: Text<'a>,
    #[serde(borrow, default)]
    pub package_path: Text<'a>,
    #[serde(borrow, default)]
    pub package_type: Text<'a>,
    #[serde(borrow, default)]
    pub link: Text<'a>,
    #[serde(borrow, default)]
    pub layer_instruction: Text<'a>,
    #[serde(borrow, alias = "discovered", default)]
    pub discovered_date: Text<'a>,
}

#[derive(Deserialize)]
pub struct Compliance<'a> {
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub title: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub cause: Text<'a>,
    #[serde(borrow, default)]
    pub category: Text<'a>,
}
