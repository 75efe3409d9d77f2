//! The parts of Amazon Inspector's findings that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub findings: Entries<'a, InspectorFinding<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InspectorFinding<'a> {
    #[serde(borrow)]
    pub aws_account_id: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    pub epss: Object<Epss>,
    #[serde(borrow)]
    pub exploit_available: Text<'a>,
    #[serde(borrow)]
    pub finding_arn: Text<'a>,
    #[serde(borrow)]
    pub first_observed_at: Text<'a>,
    pub inspector_score: Number,
    #[serde(borrow)]
    pub inspector_score_details: Object<ScoreDetails<'a>>,
    #[serde(borrow)]
    pub package_vulnerability_details: Object<PackageDetails<'a>>,
    #[serde(borrow)]
    pub code_vulnerability_details: Object<CodeDetails<'a>>,
    #[serde(borrow)]
    pub network_reachability_details: Object<NetworkDetails<'a>>,
    #[serde(borrow)]
    pub remediation: Object<Remediation<'a>>,
    #[serde(borrow)]
    pub resources: List<Object<Resource<'a>>>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub status: Text<'a>,
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Epss {
    pub score: Number,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScoreDetails<'a> {
    #[serde(borrow)]
    pub adjusted_cvss: Object<Cvss<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cvss<'a> {
    #[serde(alias = "score")]
    pub base_score: Number,
    #[serde(borrow)]
    pub scoring_vector: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PackageDetails<'a> {
    #[serde(borrow)]
    pub vulnerability_id: Text<'a>,
    #[serde(borrow)]
    pub related_vulnerabilities: List<Text<'a>>,
    #[serde(borrow)]
    pub cvss: List<Object<Cvss<'a>>>,
    #[serde(borrow)]
    pub reference_urls: List<Text<'a>>,
    #[serde(borrow)]
    pub source_url: Text<'a>,
    #[serde(borrow)]
    pub vulnerable_packages: List<Object<Package<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Package<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub package_manager: Text<'a>,
    #[serde(borrow)]
    pub fixed_in_version: Text<'a>,
    #[serde(borrow)]
    pub file_path: Text<'a>,
    #[serde(borrow)]
    pub remediation: Text<'a>,
    #[serde(borrow)]
    pub source_layer_hash: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CodeDetails<'a> {
    #[serde(borrow)]
    pub cwes: List<Text<'a>>,
    #[serde(borrow)]
    pub detector_id: Text<'a>,
    #[serde(borrow)]
    pub detector_name: Text<'a>,
    #[serde(borrow)]
    pub file_path: Object<CodePath<'a>>,
    #[serde(borrow)]
    pub reference_urls: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CodePath<'a> {
    #[serde(borrow)]
    pub file_name: Text<'a>,
    #[serde(borrow)]
    pub file_path: Text<'a>,
    pub start_line: Number,
    pub end_line: Number,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkDetails<'a> {
    #[serde(borrow)]
    pub open_port_range: Object<PortRange<'a>>,
    #[serde(borrow)]
    pub protocol: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PortRange<'a> {
    #[serde(borrow)]
    pub begin: Text<'a>,
    #[serde(borrow)]
    pub end: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Remediation<'a> {
    #[serde(borrow)]
    pub recommendation: Object<Recommendation<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Recommendation<'a> {
    #[serde(borrow)]
    pub text: Text<'a>,
    #[serde(borrow, alias = "Url")]
    pub url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Resource<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub region: Text<'a>,
}
