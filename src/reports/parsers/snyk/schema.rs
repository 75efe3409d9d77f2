//! The parts of Snyk's JSON that are read.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::reports::read::json::{Entries, List, Object, Pairs};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Project<'a> {
    #[serde(borrow)]
    pub project_name: Text<'a>,
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub target_file: Text<'a>,
    #[serde(borrow)]
    pub display_target_file: Text<'a>,
    #[serde(borrow)]
    pub error: Text<'a>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Issue<'a>>,
    #[serde(borrow, rename = "infrastructureAsCodeIssues")]
    pub iac_issues: Entries<'a, IacIssue<'a>>,
    #[serde(borrow)]
    pub applications: List<Project<'a>>,
    #[serde(borrow)]
    pub filtered: Object<Filtered<'a>>,
    pub docker: List<IgnoredAny>,
    pub runs: List<IgnoredAny>,
}

/// What a policy took out of the list.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Filtered<'a> {
    #[serde(borrow)]
    pub ignore: Entries<'a, Issue<'a>>,
    #[serde(borrow)]
    pub patch: Entries<'a, Issue<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct FilteredBy<'a> {
    #[serde(borrow)]
    pub ignored: List<Rule<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Rule<'a> {
    #[serde(borrow)]
    pub reason: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub title: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub severity_with_critical: Text<'a>,
    #[serde(borrow, rename = "CVSSv3", default)]
    pub cvss_v3: Text<'a>,
    #[serde(default)]
    pub cvss_score: Number,
    #[serde(borrow, default)]
    pub cvss_sources: List<CvssSource<'a>>,
    #[serde(default)]
    pub epss_details: Object<EpssDetails>,
    #[serde(borrow, default)]
    pub identifiers: Pairs<Text<'a>, List<Text<'a>>>,
    #[serde(borrow, default)]
    pub references: List<Link<'a>>,
    #[serde(borrow, default)]
    pub package_name: Text<'a>,
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub version: Text<'a>,
    #[serde(borrow, default)]
    pub package_manager: Text<'a>,
    #[serde(borrow, default)]
    pub from: List<Text<'a>>,
    #[serde(borrow, default)]
    pub upgrade_path: List<Text<'a>>,
    #[serde(borrow, default)]
    pub fixed_in: List<Text<'a>>,
    #[serde(borrow, default)]
    pub nearest_fixed_in_version: Text<'a>,
    #[serde(borrow, default)]
    pub exploit: Text<'a>,
    #[serde(borrow, default)]
    pub filtered: Object<FilteredBy<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CvssSource<'a> {
    #[serde(borrow)]
    pub assigner: Text<'a>,
    #[serde(borrow)]
    pub vector: Text<'a>,
    pub base_score: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct EpssDetails {
    pub probability: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Link<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IacIssue<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub public_id: Text<'a>,
    #[serde(borrow, default)]
    pub title: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, rename = "iacDescription", default)]
    pub description: Object<IacDescription<'a>>,
    #[serde(borrow, default)]
    pub resolve: Text<'a>,
    #[serde(borrow, default)]
    pub documentation: Text<'a>,
    #[serde(borrow, default)]
    pub references: List<Text<'a>>,
    #[serde(borrow, default)]
    pub path: List<Text<'a>>,
    #[serde(default)]
    pub line_number: Number,
    #[serde(borrow, default)]
    pub is_ignored: Text<'a>,
    #[serde(borrow, default)]
    pub sub_type: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct IacDescription<'a> {
    #[serde(borrow)]
    pub issue: Text<'a>,
    #[serde(borrow)]
    pub impact: Text<'a>,
    #[serde(borrow)]
    pub resolve: Text<'a>,
}
