//! A scanner's file as Patchbay understands it: the words every parser speaks and every import hears.
//!
//! The shape is normalised on purpose. Ten thousand results of a hundred rules on one asset hold each rule and the
//! asset once; findings point at them by index. An import then writes shared rows per batch, not per finding.

use serde::Serialize;

use crate::base::severity::Severity;
use crate::base::time::UtcTime;

/// One file: a [`Report`] per tool in it (SARIF runs may be of several), and what could not be read.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ParsedFile {
    /// The name of the format, as in the registry (`sarif`).
    pub format: &'static str,
    /// What each tool reported. A valid empty report still names its tool.
    pub reports: Vec<Report>,
}

/// What one tool reported about one target.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// The tool's name (`Trivy`).
    pub tool: String,
    /// The tool's version, where given.
    pub tool_version: Option<String>,
    /// What was scanned, without what changes with every build (image without tag, SARIF `automationDetails.id`):
    /// the default name of the scan source.
    pub target: Option<String>,
    /// When the scan ran, by the report's own word.
    pub reported_at: Option<UtcTime>,
    /// The tool says that its run failed (SARIF `executionSuccessful: false`): nothing may be resolved by it.
    pub failed: bool,
    /// The vulnerabilities that the findings are of, each once.
    pub vulnerabilities: Vec<Vulnerability>,
    /// The assets that the findings are on, each once. Empty where the format names none: the import then uses the product's own.
    pub assets: Vec<Asset>,
    /// The components inside assets, each once.
    pub components: Vec<Component>,
    /// The findings, in the order of the file.
    pub findings: Vec<Finding>,
    /// Entries that could not be read, and other doubts.
    pub warnings: Vec<Warning>,
}

/// A unique finding: what is wrong, wherever it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Vulnerability {
    /// Its identity within an organization: the CVE or GHSA id, or `tool:rule` where there is none.
    pub key: String,
    /// One line.
    pub title: String,
    /// Markdown or plain text; empty where the report has none.
    pub description: String,
    /// What to do about it.
    pub remediation: Option<String>,
    /// The tool's word, else by its CVSS.
    pub severity: Severity,
    /// All its ids (CVE, GHSA, …), the one in `key` included.
    pub ids: Vec<String>,
    /// CWE numbers.
    pub cwes: Vec<u32>,
    /// CVSS v2 vector.
    pub cvss2: Option<String>,
    /// CVSS v3.0 or v3.1 vector.
    pub cvss3: Option<String>,
    /// CVSS v4.0 vector.
    pub cvss4: Option<String>,
    /// The highest base score given, 0.0 to 10.0.
    pub cvss_score: Option<f64>,
    /// EPSS probability, 0.0 to 1.0.
    pub epss: Option<f64>,
    /// In a catalogue of known exploited vulnerabilities.
    pub known_exploited: bool,
    /// Links.
    pub references: Vec<String>,
}

/// What kind of thing an asset is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetKind {
    /// A machine, by name or address.
    Host,
    /// A container image.
    Image,
    /// A source repository or file tree.
    #[default]
    Repository,
    /// An application, by URL.
    Application,
    /// A cloud or cluster resource.
    Resource,
    /// A TLS certificate.
    Certificate,
}

/// What a vulnerability was found on. Its name leaves out what changes with every build (tag, digest, URL query).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Asset {
    /// The kind of thing.
    pub kind: AssetKind,
    /// Its name (`registry.example.com/shop`).
    pub name: String,
}

/// A library or package inside an asset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Component {
    /// Its name, with the group where it has one (`org.apache/log4j`).
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Its package URL.
    pub purl: Option<String>,
}

/// One vulnerability at one place.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Finding {
    /// Index into [`Report::vulnerabilities`].
    pub vulnerability: usize,
    /// Index into [`Report::assets`].
    pub asset: Option<usize>,
    /// Index into [`Report::components`].
    pub component: Option<usize>,
    /// The severity here, where it differs from the vulnerability's.
    pub severity: Option<Severity>,
    /// The title here, where it differs.
    pub title: Option<String>,
    /// The message here, where it differs from the vulnerability's description.
    pub description: Option<String>,
    /// Where exactly.
    pub location: Location,
    /// The tool's own fingerprint: stable between its scans.
    pub fingerprint: Option<String>,
    /// What the report itself says about the finding's state.
    pub analysis: Option<Analysis>,
    /// The version in which it is fixed.
    pub fixed_version: Option<String>,
    /// When the tool says it was first seen.
    pub found_at: Option<UtcTime>,
    /// Where it is in the file, for messages (`/runs/0/results/3`, `line 12`).
    #[serde(skip)]
    pub place: Option<Box<str>>,
    /// Further facts, as name and value (committer, image layer, HTTP method …).
    pub facts: Vec<(&'static str, String)>,
}

/// Where exactly in an asset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Location {
    /// A file, by its path with `/`.
    pub file: Option<String>,
    /// The first line, from 1.
    pub line: Option<u32>,
    /// The last line.
    pub end_line: Option<u32>,
    /// The code there.
    pub snippet: Option<String>,
    /// A URL.
    pub url: Option<String>,
    /// The HTTP method.
    pub method: Option<String>,
    /// A parameter of the request.
    pub parameter: Option<String>,
    /// A network port with protocol (`443/tcp`).
    pub port: Option<String>,
    /// A resource inside the asset (`aws_s3_bucket.logs`, `Deployment/web`).
    pub resource: Option<String>,
}

/// What a report says about a finding's state: the weakest assessment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Analysis {
    /// The state.
    pub state: AnalysisState,
    /// The reason given.
    pub justification: Option<String>,
}

/// The states a report may give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnalysisState {
    /// Confirmed (CycloneDX `exploitable`, OpenVEX `affected`).
    #[default]
    Affected,
    /// Being looked at (`in_triage`, `under_investigation`).
    InReview,
    /// Fixed.
    Resolved,
    /// Not a real finding.
    FalsePositive,
    /// The product is not affected.
    NotAffected,
    /// Accepted, suppressed by the team (SARIF `suppressions`).
    RiskAccepted,
}

/// An entry that could not be read, or another doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Where (`/runs/0/results/3`, `line 12`).
    pub place: String,
    /// What.
    pub detail: String,
    /// An entry was lost: then nothing may be resolved by this report.
    pub lost_entry: bool,
}

impl Finding {
    /// The value of a further fact.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The severity that holds for this finding.
    #[must_use]
    pub fn severity_in(&self, report: &Report) -> Severity {
        self.severity
            .unwrap_or_else(|| report.vulnerabilities.get(self.vulnerability).map_or(Severity::Unknown, |v| v.severity))
    }
}
