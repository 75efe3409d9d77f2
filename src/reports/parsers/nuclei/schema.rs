//! The parts of Nuclei's JSON that are read. Version 2.4 respelled its keys.

use serde::Deserialize;

use crate::reports::read::json::{List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Match<'a> {
    #[serde(borrow, alias = "templateID")]
    pub template_id: Text<'a>,
    #[serde(borrow, default)]
    pub template: Text<'a>,
    #[serde(borrow)]
    pub info: Object<Info<'a>>,
    #[serde(borrow, rename = "type", default)]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub host: Text<'a>,
    #[serde(borrow, default)]
    pub url: Text<'a>,
    #[serde(borrow, default)]
    pub ip: Text<'a>,
    #[serde(borrow, alias = "matched", default)]
    pub matched_at: Text<'a>,
    #[serde(borrow, alias = "matcher_name", default)]
    pub matcher_name: Text<'a>,
    #[serde(borrow, default)]
    pub matcher_status: Text<'a>,
    #[serde(borrow, alias = "extracted_results", default)]
    pub extracted_results: List<Text<'a>>,
    #[serde(borrow, default)]
    pub request: Text<'a>,
    #[serde(borrow, default)]
    pub timestamp: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Info<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub impact: Text<'a>,
    #[serde(borrow)]
    pub remediation: Text<'a>,
    #[serde(borrow)]
    pub reference: List<Text<'a>>,
    #[serde(borrow)]
    pub tags: List<Text<'a>>,
    #[serde(borrow)]
    pub classification: Object<Classification<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Classification<'a> {
    #[serde(borrow)]
    pub cve_id: List<Text<'a>>,
    #[serde(borrow)]
    pub cwe_id: List<Text<'a>>,
    #[serde(borrow)]
    pub cvss_metrics: Text<'a>,
    pub cvss_score: Number,
    pub epss_score: Number,
}
