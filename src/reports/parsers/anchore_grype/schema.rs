//! The parts of Grype's JSON that are read.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub matches: Entries<'a, Match<'a>>,
    #[serde(borrow, rename = "ignoredMatches")]
    pub ignored: Entries<'a, Match<'a>>,
    #[serde(borrow)]
    pub source: Object<Source<'a>>,
    #[serde(borrow)]
    pub descriptor: Object<Descriptor<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Descriptor<'a> {
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub timestamp: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Source<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub target: Object<Target<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target<'a> {
    #[serde(borrow)]
    pub user_input: Text<'a>,
    #[serde(borrow)]
    pub tags: List<Text<'a>>,
}

#[derive(Deserialize)]
pub struct Match<'a> {
    #[serde(borrow)]
    pub vulnerability: Object<Advisory<'a>>,
    #[serde(borrow, rename = "relatedVulnerabilities", default)]
    pub related: List<Advisory<'a>>,
    #[serde(borrow, rename = "matchDetails", default)]
    pub details: List<MatchDetails<'a>>,
    #[serde(borrow)]
    pub artifact: Object<Artifact<'a>>,
    /// Of an ignored match only.
    #[serde(borrow, rename = "appliedIgnoreRules", default)]
    pub rules: List<IgnoreRule<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct IgnoreRule<'a> {
    #[serde(borrow)]
    pub vulnerability: Text<'a>,
    #[serde(borrow)]
    pub package: Object<RulePackage<'a>>,
    #[serde(borrow)]
    pub reason: Text<'a>,
    #[serde(borrow)]
    pub vex_status: Text<'a>,
    #[serde(borrow)]
    pub vex_justification: Text<'a>,
    #[serde(borrow)]
    pub match_type: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RulePackage<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Advisory<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub data_source: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow, alias = "links")]
    pub urls: List<Text<'a>>,
    #[serde(borrow)]
    pub cvss: List<Cvss<'a>>,
    #[serde(borrow)]
    pub cvss_v2: Object<Cvss<'a>>,
    #[serde(borrow)]
    pub cvss_v3: Object<Cvss<'a>>,
    #[serde(borrow)]
    pub cwes: List<Weakness<'a>>,
    pub epss: List<Epss>,
    pub known_exploited: List<IgnoredAny>,
    #[serde(borrow)]
    pub fix: Object<Fix<'a>>,
    #[serde(borrow)]
    pub fixed_in_version: Text<'a>,
    #[serde(borrow)]
    pub risk: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cvss<'a> {
    #[serde(borrow)]
    pub vector: Text<'a>,
    pub metrics: Object<Metrics>,
    pub base_score: Number,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metrics {
    pub base_score: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Weakness<'a> {
    #[serde(borrow)]
    pub cwe: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Epss {
    pub epss: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fix<'a> {
    #[serde(borrow)]
    pub versions: List<Text<'a>>,
    #[serde(borrow)]
    pub state: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct MatchDetails<'a> {
    #[serde(borrow)]
    pub matcher: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Artifact<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub purl: Text<'a>,
    #[serde(borrow)]
    pub locations: List<FileInLayer<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct FileInLayer<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow, rename = "layerID")]
    pub layer_id: Text<'a>,
}
