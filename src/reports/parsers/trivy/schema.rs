//! The parts of Trivy's JSON that are read.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::reports::read::json::{Entries, List, Object, Pairs};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub trivy: Object<Version<'a>>,
    #[serde(borrow)]
    pub artifact_name: Text<'a>,
    #[serde(borrow)]
    pub artifact_type: Text<'a>,
    #[serde(borrow)]
    pub created_at: Text<'a>,
    #[serde(borrow)]
    pub metadata: Object<Metadata<'a>>,
    #[serde(borrow)]
    pub results: List<ScanResult<'a>>,
    #[serde(borrow)]
    pub cluster_name: Text<'a>,
    #[serde(borrow)]
    pub resources: List<Resource<'a>>,
    #[serde(borrow)]
    pub findings: List<Resource<'a>>,
    #[serde(borrow)]
    pub vulnerabilities: List<Resource<'a>>,
    #[serde(borrow)]
    pub misconfigurations: List<Resource<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Version<'a> {
    #[serde(borrow)]
    pub version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Metadata<'a> {
    #[serde(borrow)]
    pub repo_tags: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Resource<'a> {
    #[serde(borrow)]
    pub namespace: Text<'a>,
    #[serde(borrow)]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub results: List<ScanResult<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScanResult<'a> {
    #[serde(borrow)]
    pub target: Text<'a>,
    #[serde(borrow)]
    pub class: Text<'a>,
    #[serde(borrow, rename = "Type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Vulnerable<'a>>,
    #[serde(borrow)]
    pub misconfigurations: Entries<'a, Misconfiguration<'a>>,
    #[serde(borrow)]
    pub secrets: Entries<'a, Secret<'a>>,
    #[serde(borrow)]
    pub licenses: Entries<'a, License<'a>>,
    #[serde(borrow, rename = "ExperimentalModifiedFindings")]
    pub modified: Entries<'a, Modified<'a>>,
}

/// A finding that an ignore file or a VEX document took out of its list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Modified<'a> {
    #[serde(borrow, rename = "Type", default)]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub status: Text<'a>,
    #[serde(borrow, default)]
    pub statement: Text<'a>,
    #[serde(borrow, default)]
    pub source: Text<'a>,
    /// An entry of the list that `kind` names.
    #[serde(borrow)]
    pub finding: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Vulnerable<'a> {
    #[serde(borrow, rename = "VulnerabilityID")]
    pub id: Text<'a>,
    #[serde(borrow, rename = "VendorIDs", default)]
    pub vendor_ids: List<Text<'a>>,
    #[serde(borrow, default)]
    pub pkg_name: Text<'a>,
    #[serde(borrow, default)]
    pub pkg_path: Text<'a>,
    #[serde(borrow, default)]
    pub pkg_identifier: Object<Identifier<'a>>,
    #[serde(borrow, default)]
    pub installed_version: Text<'a>,
    #[serde(borrow, default)]
    pub fixed_version: Text<'a>,
    #[serde(borrow, default)]
    pub status: Text<'a>,
    #[serde(borrow, default)]
    pub layer: Object<Layer<'a>>,
    #[serde(borrow, default)]
    pub severity_source: Text<'a>,
    #[serde(borrow, rename = "PrimaryURL", default)]
    pub primary_url: Text<'a>,
    #[serde(borrow, default)]
    pub fingerprint: Text<'a>,
    #[serde(borrow, default)]
    pub title: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, rename = "CweIDs", default)]
    pub cwes: List<Text<'a>>,
    #[serde(borrow, rename = "CVSS", default)]
    pub cvss: Pairs<Text<'a>, Object<Cvss<'a>>>,
    #[serde(borrow, default)]
    pub references: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Identifier<'a> {
    #[serde(borrow, rename = "PURL")]
    pub purl: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Layer<'a> {
    #[serde(borrow, rename = "Digest")]
    pub digest: Text<'a>,
    #[serde(borrow, rename = "DiffID")]
    pub diff_id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Cvss<'a> {
    #[serde(borrow)]
    pub v2_vector: Text<'a>,
    pub v2_score: Number,
    #[serde(borrow)]
    pub v3_vector: Text<'a>,
    pub v3_score: Number,
    #[serde(borrow)]
    pub v40_vector: Text<'a>,
    pub v40_score: Number,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Misconfiguration<'a> {
    #[serde(borrow, rename = "ID", default)]
    pub id: Text<'a>,
    #[serde(borrow, rename = "AVDID", default)]
    pub avd_id: Text<'a>,
    #[serde(borrow, default)]
    pub title: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub message: Text<'a>,
    #[serde(borrow, default)]
    pub resolution: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, rename = "PrimaryURL", default)]
    pub primary_url: Text<'a>,
    #[serde(borrow, default)]
    pub references: List<Text<'a>>,
    #[serde(borrow, default)]
    pub status: Text<'a>,
    #[serde(borrow, default)]
    pub cause_metadata: Object<Cause<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Cause<'a> {
    #[serde(borrow)]
    pub resource: Text<'a>,
    pub start_line: Number,
    pub end_line: Number,
    #[serde(borrow)]
    pub code: Object<Code<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Code<'a> {
    #[serde(borrow)]
    pub lines: List<Object<CodeLine<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CodeLine<'a> {
    #[serde(borrow)]
    pub content: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Secret<'a> {
    #[serde(borrow, rename = "RuleID")]
    pub rule: Text<'a>,
    #[serde(borrow, default)]
    pub category: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub title: Text<'a>,
    #[serde(default)]
    pub start_line: Number,
    #[serde(default)]
    pub end_line: Number,
    #[serde(borrow, rename = "Match", default)]
    pub found: Text<'a>,
    #[serde(borrow, default)]
    pub layer: Object<Layer<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct License<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub category: Text<'a>,
    #[serde(borrow, default)]
    pub pkg_name: Text<'a>,
    #[serde(borrow, default)]
    pub file_path: Text<'a>,
    #[serde(borrow, default)]
    pub link: Text<'a>,
}
