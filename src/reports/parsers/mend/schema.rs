//! The parts of Mend's reports that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};
use crate::reports::report::{Analysis, AnalysisState};

/// A file holds one of the four lists.
#[derive(Deserialize)]
pub struct File<'a> {
    #[serde(borrow, rename = "projectVitals", default)]
    pub vitals: Object<Vitals<'a>>,
    #[serde(borrow, default)]
    pub vulnerabilities: Entries<'a, Known<'a>>,
    #[serde(borrow, default)]
    pub libraries: Entries<'a, Library<'a>>,
    #[serde(borrow, default)]
    pub alerts: Entries<'a, Alert<'a>>,
    #[serde(borrow, default)]
    pub response: Entries<'a, Answer<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Vitals<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, rename = "lastUpdatedDate")]
    pub last_updated: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Known<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    pub score: Number,
    #[serde(borrow, rename = "cvss3_severity")]
    pub cvss3_severity: Text<'a>,
    #[serde(rename = "cvss3_score")]
    pub cvss3_score: Number,
    #[serde(borrow, rename = "scoreMetadataVector")]
    pub vector: Text<'a>,
    #[serde(borrow)]
    pub url: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub project: Text<'a>,
    #[serde(borrow)]
    pub product: Text<'a>,
    #[serde(borrow)]
    pub library: Object<Library<'a>>,
    #[serde(borrow)]
    pub top_fix: Object<Fix<'a>>,
    #[serde(borrow)]
    pub locations: List<Object<Place<'a>>>,
    #[serde(borrow)]
    pub source_files: List<Object<SourceFile<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Library<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub filename: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub group_id: Text<'a>,
    #[serde(borrow)]
    pub artifact_id: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub dependency_type: Text<'a>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Known<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fix<'a> {
    #[serde(borrow, rename = "fixResolution")]
    pub resolution: Text<'a>,
    #[serde(borrow)]
    pub url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Place<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SourceFile<'a> {
    #[serde(borrow)]
    pub local_path: Text<'a>,
}

/// A finding, as the platform answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer<'a> {
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub vulnerability: Known<'a>,
    #[serde(borrow, default)]
    pub component: Object<Library<'a>>,
    #[serde(borrow, default)]
    pub project: Object<Vitals<'a>>,
    #[serde(borrow, rename = "findingInfo", default)]
    pub info: Object<Info<'a>>,
    #[serde(borrow, default)]
    pub top_fix: Object<Fix<'a>>,
    #[serde(borrow, default)]
    pub effective: Text<'a>,
    #[serde(borrow, rename = "scoreMetadataVector", default)]
    pub vector: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Info<'a> {
    #[serde(borrow)]
    pub status: Text<'a>,
    #[serde(borrow)]
    pub detected_at: Text<'a>,
}

/// What the team has decided.
pub fn analysis(status: &str) -> Option<Analysis> {
    let state = match status.to_ascii_uppercase().as_str() {
        "IGNORED" => AnalysisState::RiskAccepted,
        "RESOLVED" | "LIBRARY_REMOVED" => AnalysisState::Resolved,
        _ => return None,
    };
    Some(Analysis { state, justification: None })
}

/// An alert of the older API, about a vulnerability, a license or a new version.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Alert<'a> {
    #[serde(borrow)]
    pub vulnerability: Object<Known<'a>>,
    #[serde(borrow)]
    pub library: Object<Library<'a>>,
    #[serde(borrow)]
    pub project: Text<'a>,
    #[serde(borrow)]
    pub status: Text<'a>,
    #[serde(borrow)]
    pub date: Text<'a>,
    #[serde(borrow)]
    pub creation_date: Text<'a>,
}
