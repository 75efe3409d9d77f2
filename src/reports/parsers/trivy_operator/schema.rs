//! The parts of Trivy Operator's custom resources that are read.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::reports::read::json::{Entries, List, Object, Pairs};
use crate::reports::read::text::{Number, Text};

/// What tells one resource from a list of them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Head<'a> {
    #[serde(borrow)]
    pub kind: Text<'a>,
    pub items: Option<IgnoredAny>,
    pub metadata: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Items<'a> {
    #[serde(borrow)]
    pub items: Entries<'a, Resource<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Resource<'a> {
    #[serde(borrow)]
    pub metadata: Object<Metadata<'a>>,
    #[serde(borrow)]
    pub spec: Object<Spec<'a>>,
    #[serde(borrow)]
    pub report: Object<OperatorReport<'a>>,
    #[serde(borrow)]
    pub status: Object<Status<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Metadata<'a> {
    #[serde(borrow)]
    pub labels: Object<Labels<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Labels<'a> {
    #[serde(borrow, rename = "trivy-operator.resource.kind")]
    pub kind: Text<'a>,
    #[serde(borrow, rename = "trivy-operator.resource.name")]
    pub name: Text<'a>,
    #[serde(borrow, rename = "trivy-operator.resource.namespace")]
    pub namespace: Text<'a>,
    #[serde(borrow, rename = "trivy-operator.container.name")]
    pub container: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperatorReport<'a> {
    #[serde(borrow)]
    pub scanner: Object<Scanner<'a>>,
    #[serde(borrow)]
    pub registry: Object<Registry<'a>>,
    #[serde(borrow)]
    pub artifact: Object<Artifact<'a>>,
    #[serde(borrow)]
    pub update_timestamp: Text<'a>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Vulnerable<'a>>,
    #[serde(borrow)]
    pub checks: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    pub secrets: Entries<'a, Secret<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Scanner<'a> {
    #[serde(borrow)]
    pub version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Registry<'a> {
    #[serde(borrow)]
    pub server: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Artifact<'a> {
    #[serde(borrow)]
    pub repository: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vulnerable<'a> {
    #[serde(borrow, rename = "vulnerabilityID")]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub resource: Text<'a>,
    #[serde(borrow, default)]
    pub installed_version: Text<'a>,
    #[serde(borrow, default)]
    pub fixed_version: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(default)]
    pub score: Number,
    #[serde(borrow, default)]
    pub cvss: Pairs<Text<'a>, Object<Cvss<'a>>>,
    #[serde(borrow, default)]
    pub title: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub primary_link: Text<'a>,
    #[serde(borrow, default)]
    pub links: List<Text<'a>>,
    #[serde(borrow, default)]
    pub target: Text<'a>,
    #[serde(borrow, rename = "packagePath", alias = "pkgPath", default)]
    pub path: Text<'a>,
    #[serde(borrow, default)]
    pub package_type: Text<'a>,
    #[serde(borrow, rename = "packagePURL", default)]
    pub purl: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Cvss<'a> {
    #[serde(borrow)]
    pub v3_vector: Text<'a>,
    pub v3_score: Number,
    #[serde(borrow)]
    pub v2_vector: Text<'a>,
    pub v2_score: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Check<'a> {
    #[serde(borrow, rename = "checkID")]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub remediation: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub category: Text<'a>,
    #[serde(borrow)]
    pub messages: List<Text<'a>>,
    #[serde(borrow)]
    pub target: Text<'a>,
    pub success: Option<bool>,
}

#[derive(Deserialize)]
pub struct Secret<'a> {
    #[serde(borrow, rename = "ruleID")]
    pub rule: Text<'a>,
    #[serde(borrow, default)]
    pub title: Text<'a>,
    #[serde(borrow, default)]
    pub category: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub target: Text<'a>,
    #[serde(borrow, rename = "match", default)]
    pub found: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Spec<'a> {
    #[serde(borrow)]
    pub compliance: Object<Compliance<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Compliance<'a> {
    #[serde(borrow)]
    pub controls: List<ControlSpec<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ControlSpec<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub checks: List<CheckId<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CheckId<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status<'a> {
    #[serde(borrow)]
    pub update_timestamp: Text<'a>,
    #[serde(borrow)]
    pub detail_report: Object<DetailReport<'a>>,
    #[serde(borrow)]
    pub summary_report: Object<SummaryReport<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct DetailReport<'a> {
    #[serde(borrow)]
    pub results: List<ControlResult<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ControlResult<'a> {
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub checks: Entries<'a, Check<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SummaryReport<'a> {
    #[serde(borrow)]
    pub control_check: Entries<'a, ControlSummary<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ControlSummary<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    pub total_fail: Number,
}
