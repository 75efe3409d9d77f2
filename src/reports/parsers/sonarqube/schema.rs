//! The parts of SonarQube's answers and of `sonar-report` that are read.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::reports::read::json::{Entries, List, Object, Pairs};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub issues: Entries<'a, Issue<'a>>,
    #[serde(borrow)]
    pub hotspots: Entries<'a, Issue<'a>>,
    #[serde(borrow)]
    pub components: List<Component<'a>>,
    pub paging: Object<Paging>,
    /// Rules by key, in `sonar-report` only.
    #[serde(borrow)]
    pub rules: Pairs<Text<'a>, Object<Rule<'a>>>,
    #[serde(borrow)]
    pub project_name: Text<'a>,
    #[serde(borrow)]
    pub date: Text<'a>,
    /// In `sonar-report` only.
    pub hotspot_keys: Option<IgnoredAny>,
    /// Likewise.
    pub delta_analysis: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Paging {
    pub total: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Component<'a> {
    #[serde(borrow)]
    pub key: Text<'a>,
    #[serde(borrow)]
    pub path: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Rule<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, rename = "htmlDesc")]
    pub html_description: Text<'a>,
}

/// An issue or a hotspot.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Issue<'a> {
    #[serde(borrow)]
    pub key: Text<'a>,
    #[serde(borrow, alias = "ruleKey")]
    pub rule: Text<'a>,
    #[serde(borrow, alias = "vulnerabilityProbability")]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub impacts: List<Impact<'a>>,
    #[serde(borrow)]
    pub component: Text<'a>,
    #[serde(borrow)]
    pub project: Text<'a>,
    pub line: Number,
    pub text_range: Object<TextRange>,
    #[serde(borrow)]
    pub status: Text<'a>,
    #[serde(borrow)]
    pub issue_status: Text<'a>,
    #[serde(borrow)]
    pub resolution: Text<'a>,
    /// What the rule is called, in `sonar-report` only.
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub message: Text<'a>,
    #[serde(borrow)]
    pub author: Text<'a>,
    #[serde(borrow)]
    pub tags: List<Text<'a>>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub security_category: Text<'a>,
    #[serde(borrow)]
    pub effort: Text<'a>,
    #[serde(borrow)]
    pub creation_date: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Impact<'a> {
    #[serde(borrow)]
    pub software_quality: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TextRange {
    pub start_line: Number,
    pub end_line: Number,
}
