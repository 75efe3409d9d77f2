//! The parts of the AWS Security Finding Format that are read.

use serde::Deserialize;

use crate::reports::read::json::{List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AwsFinding<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub product_name: Text<'a>,
    #[serde(borrow)]
    pub generator_id: Text<'a>,
    #[serde(borrow)]
    pub aws_account_id: Text<'a>,
    #[serde(borrow)]
    pub region: Text<'a>,
    #[serde(borrow)]
    pub types: List<Text<'a>>,
    #[serde(borrow)]
    pub first_observed_at: Text<'a>,
    #[serde(borrow)]
    pub created_at: Text<'a>,
    #[serde(borrow)]
    pub severity: Object<FindingSeverity<'a>>,
    #[serde(borrow, rename = "FindingProviderFields")]
    pub provider: Object<Provider<'a>>,
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub remediation: Object<Remediation<'a>>,
    #[serde(borrow)]
    pub resources: List<Object<AwsResource<'a>>>,
    #[serde(borrow)]
    pub compliance: Object<Compliance<'a>>,
    #[serde(borrow)]
    pub workflow: Object<Compliance<'a>>,
    #[serde(borrow)]
    pub record_state: Text<'a>,
    #[serde(borrow)]
    pub note: Object<Recommendation<'a>>,
    #[serde(borrow)]
    pub source_url: Text<'a>,
    #[serde(borrow)]
    pub vulnerabilities: List<Object<AwsVulnerability<'a>>>,
    pub epss_score: Number,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FindingSeverity<'a> {
    #[serde(borrow)]
    pub label: Text<'a>,
    pub normalized: Number,
    #[serde(borrow)]
    pub original: Text<'a>,
}

/// What the product said that found it, before anybody changed it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Provider<'a> {
    #[serde(borrow)]
    pub severity: Object<FindingSeverity<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Remediation<'a> {
    #[serde(borrow)]
    pub recommendation: Object<Recommendation<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Recommendation<'a> {
    #[serde(borrow)]
    pub text: Text<'a>,
    #[serde(borrow)]
    pub url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Compliance<'a> {
    #[serde(borrow)]
    pub status: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AwsResource<'a> {
    #[serde(borrow, rename = "Type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AwsVulnerability<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub related_vulnerabilities: List<Text<'a>>,
    #[serde(borrow)]
    pub vulnerable_packages: List<Object<AwsPackage<'a>>>,
    #[serde(borrow)]
    pub cvss: List<Object<Cvss<'a>>>,
    #[serde(borrow)]
    pub vendor: Object<Recommendation<'a>>,
    #[serde(borrow)]
    pub reference_urls: List<Text<'a>>,
    #[serde(borrow)]
    pub code_vulnerabilities: List<Object<CodeVulnerability<'a>>>,
    pub epss_score: Number,
    #[serde(borrow)]
    pub exploit_available: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AwsPackage<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub package_manager: Text<'a>,
    #[serde(borrow)]
    pub file_path: Text<'a>,
    #[serde(borrow)]
    pub fixed_in_version: Text<'a>,
    #[serde(borrow)]
    pub remediation: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Cvss<'a> {
    pub base_score: Number,
    #[serde(borrow)]
    pub base_vector: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CodeVulnerability<'a> {
    #[serde(borrow)]
    pub cwes: List<Text<'a>>,
    #[serde(borrow)]
    pub file_path: Object<CodePath<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CodePath<'a> {
    #[serde(borrow)]
    pub file_path: Text<'a>,
    pub start_line: Number,
    pub end_line: Number,
}
