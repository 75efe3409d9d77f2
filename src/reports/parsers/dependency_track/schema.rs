//! The parts of the Finding Packaging Format that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Deserialize)]
pub struct File<'a> {
    #[serde(borrow, default)]
    pub meta: Object<Meta<'a>>,
    #[serde(borrow, default)]
    pub project: Object<Project<'a>>,
    /// Of a project without any, some versions leave the list out.
    #[serde(borrow, default)]
    pub findings: Entries<'a, Entry<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Meta<'a> {
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub timestamp: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Project<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Deserialize)]
pub struct Entry<'a> {
    #[serde(borrow)]
    pub component: Component<'a>,
    #[serde(borrow)]
    pub vulnerability: Known<'a>,
    #[serde(borrow, default)]
    pub attribution: Object<Attribution<'a>>,
    #[serde(borrow, default)]
    pub analysis: Object<State<'a>>,
    #[serde(borrow, default)]
    pub matrix: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Component<'a> {
    #[serde(borrow)]
    pub group: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub purl: Text<'a>,
    #[serde(borrow)]
    pub latest_version: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known<'a> {
    #[serde(borrow)]
    pub vuln_id: Text<'a>,
    #[serde(borrow, default)]
    pub source: Text<'a>,
    #[serde(borrow, default)]
    pub title: Text<'a>,
    #[serde(borrow, default)]
    pub subtitle: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub recommendation: Text<'a>,
    #[serde(borrow, default)]
    pub references: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub aliases: List<Object<Alias<'a>>>,
    #[serde(borrow, default)]
    pub cwe_id: Text<'a>,
    #[serde(borrow, default)]
    pub cwes: List<Object<Cwe<'a>>>,
    #[serde(default)]
    pub epss_score: Number,
    #[serde(borrow, default)]
    pub cvss_v2_vector: Text<'a>,
    #[serde(default)]
    pub cvss_v2_base_score: Number,
    #[serde(borrow, default)]
    pub cvss_v3_vector: Text<'a>,
    #[serde(default)]
    pub cvss_v3_base_score: Number,
    #[serde(borrow, default)]
    pub cvss_v4_vector: Text<'a>,
    #[serde(default)]
    pub cvss_v4_score: Number,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Alias<'a> {
    #[serde(borrow)]
    cve_id: Text<'a>,
    #[serde(borrow)]
    ghsa_id: Text<'a>,
    #[serde(borrow)]
    sonatype_id: Text<'a>,
    #[serde(borrow)]
    osv_id: Text<'a>,
    #[serde(borrow)]
    snyk_id: Text<'a>,
    #[serde(borrow)]
    gsd_id: Text<'a>,
    #[serde(borrow)]
    vuln_db_id: Text<'a>,
}

impl<'a> Alias<'a> {
    /// What each database calls it; empty where it does not know it.
    pub fn ids(&self) -> [&Text<'a>; 7] {
        [&self.cve_id, &self.ghsa_id, &self.sonatype_id, &self.osv_id, &self.snyk_id, &self.gsd_id, &self.vuln_db_id]
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cwe<'a> {
    #[serde(borrow)]
    pub cwe_id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Attribution<'a> {
    #[serde(borrow)]
    pub analyzer_identity: Text<'a>,
    #[serde(borrow)]
    pub attributed_on: Text<'a>,
    #[serde(borrow)]
    pub reference_url: Text<'a>,
    #[serde(borrow)]
    pub alternate_identifier: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct State<'a> {
    #[serde(borrow)]
    pub state: Text<'a>,
    #[serde(borrow)]
    pub justification: Text<'a>,
    #[serde(borrow, alias = "analysisDetails")]
    pub detail: Text<'a>,
    #[serde(borrow)]
    is_suppressed: Text<'a>,
}

impl State<'_> {
    /// Whether the team has hidden the finding.
    pub fn is_suppressed(&self) -> bool {
        self.is_suppressed.as_str() == "true"
    }
}
