//! The parts of Dependency-Check's reports that are read, by the names of its JSON.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub scan_info: Object<ScanInfo<'a>>,
    #[serde(borrow)]
    pub project_info: Object<ProjectInfo<'a>>,
    #[serde(borrow)]
    pub dependencies: Entries<'a, Dependency<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScanInfo<'a> {
    #[serde(borrow)]
    pub engine_version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectInfo<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub report_date: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dependency<'a> {
    #[serde(borrow)]
    pub file_name: Text<'a>,
    #[serde(borrow)]
    pub file_path: Text<'a>,
    #[serde(borrow)]
    pub sha1: Text<'a>,
    #[serde(borrow)]
    pub packages: List<Package<'a>>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Known<'a>>,
    #[serde(borrow, rename = "suppressedVulnerabilities")]
    pub suppressed: Entries<'a, Known<'a>>,
    #[serde(borrow, rename = "relatedDependencies")]
    pub related: List<Related<'a>>,
    /// `group:artifact:version`, in old XML only.
    #[serde(skip)]
    pub maven: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Package<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Related<'a> {
    #[serde(borrow)]
    pub file_path: Text<'a>,
}

#[derive(Deserialize)]
pub struct Known<'a> {
    #[serde(borrow, default)]
    pub source: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, rename = "cvssv2", default)]
    pub cvss2: Object<Cvss<'a>>,
    #[serde(borrow, rename = "cvssv3", default)]
    pub cvss3: Object<Cvss<'a>>,
    #[serde(borrow, rename = "cvssv4", default)]
    pub cvss4: Object<Cvss<'a>>,
    #[serde(borrow, default)]
    pub cwes: List<Text<'a>>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub notes: Text<'a>,
    #[serde(borrow, default)]
    pub references: List<Reference<'a>>,
    #[serde(rename = "knownExploitedVulnerability", default)]
    pub known_exploited: List<serde::de::IgnoredAny>,
    /// The score of CVSS v2, in old XML only.
    #[serde(skip)]
    pub cvss_score: Number,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cvss<'a> {
    pub score: Number,
    pub base_score: Number,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub base_severity: Text<'a>,
    #[serde(borrow)]
    pub vector_string: Text<'a>,
    #[serde(borrow)]
    pub access_vector: Text<'a>,
    #[serde(borrow)]
    pub access_complexity: Text<'a>,
    #[serde(borrow, alias = "authenticationr")]
    pub authentication: Text<'a>,
    #[serde(borrow)]
    pub attack_vector: Text<'a>,
    #[serde(borrow)]
    pub attack_complexity: Text<'a>,
    #[serde(borrow)]
    pub privileges_required: Text<'a>,
    #[serde(borrow)]
    pub user_interaction: Text<'a>,
    #[serde(borrow)]
    pub scope: Text<'a>,
    #[serde(borrow, alias = "confidentialImpact")]
    pub confidentiality_impact: Text<'a>,
    #[serde(borrow)]
    pub integrity_impact: Text<'a>,
    #[serde(borrow)]
    pub availability_impact: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Reference<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
}
