//! The parts of Semgrep's JSON that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object, Pairs};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub results: Entries<'a, Match<'a>>,
    #[serde(borrow)]
    pub vulns: Entries<'a, VulnerableDependency<'a>>,
}

#[derive(Deserialize)]
pub struct Match<'a> {
    #[serde(borrow)]
    pub check_id: Text<'a>,
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(default)]
    pub start: Object<Position>,
    #[serde(default)]
    pub end: Object<Position>,
    #[serde(borrow)]
    pub extra: Object<Extra<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Position {
    pub line: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Extra<'a> {
    #[serde(borrow)]
    pub message: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub metadata: Object<Metadata<'a>>,
    #[serde(borrow)]
    pub fix: Text<'a>,
    #[serde(borrow)]
    pub lines: Text<'a>,
    #[serde(borrow)]
    pub fingerprint: Text<'a>,
    #[serde(borrow)]
    pub is_ignored: Text<'a>,
    #[serde(borrow)]
    pub validation_state: Text<'a>,
    #[serde(borrow)]
    pub historical_info: Object<History<'a>>,
    #[serde(borrow)]
    pub sca_info: Object<ScaInfo<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Metadata<'a> {
    #[serde(borrow)]
    pub cwe: List<Text<'a>>,
    #[serde(borrow)]
    pub references: List<Text<'a>>,
    #[serde(borrow, rename = "source-rule-url")]
    pub source_rule_url: Text<'a>,
    #[serde(borrow)]
    pub source: Text<'a>,
    #[serde(borrow)]
    pub confidence: Text<'a>,
    #[serde(borrow)]
    pub likelihood: Text<'a>,
    #[serde(borrow)]
    pub impact: Text<'a>,
    #[serde(borrow)]
    pub category: Text<'a>,
    #[serde(borrow, rename = "sca-vuln-database-identifier")]
    pub vulnerability_id: Text<'a>,
    #[serde(borrow, rename = "sca-fix-versions")]
    pub fix_versions: List<Pairs<Text<'a>, Text<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct History<'a> {
    #[serde(borrow)]
    pub git_commit: Text<'a>,
    #[serde(borrow)]
    pub git_commit_timestamp: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ScaInfo<'a> {
    #[serde(borrow)]
    pub reachable: Text<'a>,
    #[serde(borrow)]
    pub dependency_match: Object<DependencyMatch<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct DependencyMatch<'a> {
    #[serde(borrow)]
    pub found_dependency: Object<FoundDependency<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct FoundDependency<'a> {
    #[serde(borrow)]
    pub package: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub ecosystem: Text<'a>,
    #[serde(borrow)]
    pub transitivity: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VulnerableDependency<'a> {
    #[serde(borrow, default)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub advisory: Object<Advisory<'a>>,
    #[serde(borrow, default)]
    pub exposure_type: Text<'a>,
    #[serde(borrow, default)]
    pub matched_dependency: Object<Dependency<'a>>,
    #[serde(borrow, default)]
    pub closest_safe_dependency: Object<Dependency<'a>>,
    #[serde(borrow, default)]
    pub dependency_file_location: Object<CodePlace<'a>>,
    #[serde(borrow, default)]
    pub usages: List<Usage<'a>>,
    #[serde(borrow, default)]
    pub triage: Object<Triage<'a>>,
    #[serde(borrow, default)]
    pub group_key: Text<'a>,
    #[serde(borrow, default)]
    pub repository_name: Text<'a>,
    #[serde(borrow, default)]
    pub opened_at: Text<'a>,
    #[serde(borrow, default)]
    pub transitivity: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Advisory<'a> {
    #[serde(borrow)]
    pub rule_id: Text<'a>,
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub references: Object<References<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct References<'a> {
    #[serde(borrow)]
    pub cve_ids: List<Text<'a>>,
    #[serde(borrow)]
    pub cwe_ids: List<Text<'a>>,
    #[serde(borrow)]
    pub urls: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dependency<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version_specifier: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Usage<'a> {
    #[serde(borrow)]
    pub location: Object<CodePlace<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CodePlace<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub start_line: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Triage<'a> {
    #[serde(borrow)]
    pub status: Text<'a>,
    #[serde(borrow)]
    pub dismiss_reason: Text<'a>,
    #[serde(borrow)]
    pub issue_url: Text<'a>,
}
