//! The parts of Aqua's reports that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Deserialize)]
pub struct Several<'a> {
    #[serde(borrow)]
    pub results: Scan<'a>,
}

/// A file is one of these: a scan, an older list, or a page of the API.
#[derive(Deserialize)]
pub struct File<'a> {
    #[serde(borrow, default)]
    pub image: Text<'a>,
    #[serde(borrow, default)]
    pub scan_started: Object<Moment<'a>>,
    #[serde(borrow, default)]
    pub resources: Entries<'a, Scanned<'a>>,
    #[serde(borrow, default)]
    pub image_name: Text<'a>,
    #[serde(borrow, default)]
    pub cves: Entries<'a, OldEntry<'a>>,
    #[serde(borrow, default)]
    pub result: Entries<'a, Known<'a>>,
}

#[derive(Deserialize)]
pub struct Scan<'a> {
    #[serde(borrow, default)]
    pub image: Text<'a>,
    #[serde(borrow, default)]
    pub scan_started: Object<Moment<'a>>,
    #[serde(borrow, default)]
    pub resources: Entries<'a, Scanned<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Moment<'a> {
    #[serde(borrow)]
    pub seconds: Text<'a>,
}

#[derive(Deserialize)]
pub struct Scanned<'a> {
    #[serde(borrow)]
    pub resource: Resource<'a>,
    #[serde(borrow, default)]
    pub vulnerabilities: Entries<'a, Known<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Resource<'a> {
    #[serde(borrow)]
    pub format: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub layer_digest: Text<'a>,
    #[serde(borrow)]
    pub sensitive_items: List<Text<'a>>,
}

/// A vulnerability of a resource; on a page of the API with the resource and the image inside.
#[derive(Deserialize)]
pub struct Known<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub resource: Object<Resource<'a>>,
    #[serde(borrow, default)]
    pub image_name: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub solution: Text<'a>,
    #[serde(borrow, default)]
    pub fix_version: Text<'a>,
    #[serde(borrow, default)]
    pub nvd_url: Text<'a>,
    #[serde(borrow, default)]
    pub vendor_url: Text<'a>,
    #[serde(borrow, default)]
    pub aqua_severity: Text<'a>,
    #[serde(borrow, default)]
    pub aqua_severity_classification: Text<'a>,
    #[serde(default)]
    pub aqua_score: Number,
    #[serde(borrow, default)]
    pub aqua_vectors: Text<'a>,
    #[serde(borrow, default)]
    pub vendor_severity: Text<'a>,
    #[serde(borrow, default)]
    pub vendor_severity_v3: Text<'a>,
    #[serde(default)]
    pub vendor_score_v3: Number,
    #[serde(borrow, default)]
    pub vendor_vectors_v3: Text<'a>,
    #[serde(default)]
    pub nvd_score: Number,
    #[serde(borrow, default)]
    pub nvd_vectors: Text<'a>,
    #[serde(default)]
    pub nvd_score_v3: Number,
    #[serde(borrow, default)]
    pub nvd_vectors_v3: Text<'a>,
    #[serde(default)]
    pub nvd_cvss3_score: Number,
    #[serde(borrow, default)]
    pub nvd_cvss3_vectors: Text<'a>,
    #[serde(borrow, default)]
    pub cwe_info: List<Object<Cwe<'a>>>,
    #[serde(default)]
    pub epss_score: Number,
    #[serde(borrow, default)]
    pub cisa_publish_date: Text<'a>,
    #[serde(borrow, default)]
    pub ref_vulns: List<Object<Other<'a>>>,
    #[serde(borrow, default)]
    pub acknowledged_date: Text<'a>,
    #[serde(borrow, default)]
    pub first_found_date: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Cwe<'a> {
    #[serde(borrow, rename = "Id")]
    pub id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Other<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Deserialize)]
pub struct OldEntry<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub file: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub score: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub acknowledged: Text<'a>,
    #[serde(borrow, default)]
    pub url: Text<'a>,
    #[serde(borrow, default)]
    pub solution: Text<'a>,
    #[serde(borrow, default)]
    pub vendor_statement: Text<'a>,
    #[serde(borrow, default)]
    pub fix_version: Text<'a>,
}
