//! The parts of GitLab's report schemas that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub scan: Object<Scan<'a>>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, GitlabVulnerability<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Scan<'a> {
    #[serde(borrow)]
    pub scanner: Object<Scanner<'a>>,
    #[serde(borrow)]
    pub analyzer: Object<Scanner<'a>>,
    #[serde(borrow)]
    pub start_time: Text<'a>,
    #[serde(borrow)]
    pub end_time: Text<'a>,
    #[serde(borrow)]
    pub status: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Scanner<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct GitlabVulnerability<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub message: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub category: Text<'a>,
    #[serde(borrow)]
    pub cve: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub confidence: Text<'a>,
    #[serde(borrow)]
    pub solution: Text<'a>,
    #[serde(borrow)]
    pub raw_source_code_extract: Text<'a>,
    #[serde(borrow)]
    pub scanner: Object<Scanner<'a>>,
    #[serde(borrow)]
    pub location: Object<GitlabLocation<'a>>,
    #[serde(borrow)]
    pub identifiers: List<Identifier<'a>>,
    #[serde(borrow)]
    pub links: List<Link<'a>>,
    #[serde(borrow)]
    pub cvss_vectors: List<CvssVector<'a>>,
    #[serde(borrow)]
    pub evidence: Object<Evidence<'a>>,
    #[serde(borrow)]
    pub flags: List<Flag<'a>>,
    #[serde(borrow)]
    pub tracking: Object<Tracking<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct GitlabLocation<'a> {
    #[serde(borrow)]
    pub file: Text<'a>,
    pub start_line: Number,
    pub end_line: Number,
    #[serde(borrow)]
    pub class: Text<'a>,
    #[serde(borrow)]
    pub method: Text<'a>,
    #[serde(borrow)]
    pub hostname: Text<'a>,
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub param: Text<'a>,
    #[serde(borrow)]
    pub image: Text<'a>,
    #[serde(borrow)]
    pub operating_system: Text<'a>,
    #[serde(borrow)]
    pub dependency: Object<Dependency<'a>>,
    #[serde(borrow)]
    pub commit: Object<Commit<'a>>,
    #[serde(borrow)]
    pub kubernetes_resource: Object<KubernetesResource<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Dependency<'a> {
    #[serde(borrow)]
    pub package: Object<Package<'a>>,
    #[serde(borrow)]
    pub version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Package<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Commit<'a> {
    #[serde(borrow)]
    pub sha: Text<'a>,
    #[serde(borrow)]
    pub author: Text<'a>,
    #[serde(borrow)]
    pub date: Text<'a>,
    #[serde(borrow)]
    pub message: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct KubernetesResource<'a> {
    #[serde(borrow)]
    pub namespace: Text<'a>,
    #[serde(borrow)]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Identifier<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub value: Text<'a>,
    #[serde(borrow)]
    pub url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Link<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CvssVector<'a> {
    #[serde(borrow)]
    pub vector: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Evidence<'a> {
    #[serde(borrow)]
    pub summary: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Flag<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Tracking<'a> {
    #[serde(borrow)]
    pub items: List<TrackedItem<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TrackedItem<'a> {
    #[serde(borrow)]
    pub signatures: List<Signature<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Signature<'a> {
    #[serde(borrow)]
    pub value: Text<'a>,
}
