//! A scanner's file as Patchbay understands it: the words every parser speaks and every import hears.
//!
//! The shape is normalised on purpose. Ten thousand results of a hundred rules on one asset hold each rule and the
//! asset once; findings point at them by index. An import then writes shared rows per batch, not per finding.
//!
//! Parsers make records with texts of their own; a report holds them packed and shows views of them, whose texts are
//! borrowed (`Finding<&str>`).

use serde::Serialize;

use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::reports::packed::Packed;

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
    /// The file that it was read from, of an archive with several.
    #[serde(skip)]
    pub member: Option<String>,
    /// When the scan ran, by the report's own word.
    pub reported_at: Option<UtcTime>,
    /// The tool says that its run failed (SARIF `executionSuccessful: false`): nothing may be resolved by it.
    pub failed: bool,
    /// The vulnerabilities that the findings are of, each once.
    pub vulnerabilities: Packed<Vulnerability>,
    /// The assets that the findings are on, each once. Empty where the format names none: the import then uses the product's own.
    pub assets: Packed<Asset>,
    /// The components inside assets, each once.
    pub components: Packed<Component>,
    /// The findings, in the order of the file.
    pub findings: Packed<Finding>,
    /// Entries that could not be read, and other doubts.
    pub warnings: Vec<Warning>,
}

/// A unique finding: what is wrong, wherever it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Vulnerability<T = String> {
    /// Its identity within an organization: the CVE or GHSA id, or `tool:rule` where there is none.
    pub key: T,
    /// One line.
    pub title: T,
    /// Markdown or plain text; empty where the report has none.
    pub description: T,
    /// What to do about it.
    pub remediation: Option<T>,
    /// The tool's word, else by its CVSS.
    pub severity: Severity,
    /// All its ids (CVE, GHSA, …), the one in `key` included.
    pub ids: Vec<T>,
    /// CWE numbers.
    pub cwes: Vec<u32>,
    /// CVSS v2 vector.
    pub cvss2: Option<T>,
    /// CVSS v3.0 or v3.1 vector.
    pub cvss3: Option<T>,
    /// CVSS v4.0 vector.
    pub cvss4: Option<T>,
    /// The highest base score given, 0.0 to 10.0.
    pub cvss_score: Option<f64>,
    /// EPSS probability, 0.0 to 1.0.
    pub epss: Option<f64>,
    /// In a catalogue of known exploited vulnerabilities.
    pub known_exploited: bool,
    /// Links.
    pub references: Vec<T>,
}

/// What a vulnerability is at a glance.
#[derive(Debug, Clone, Copy, Default)]
pub struct Glance<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Its description.
    pub description: &'a str,
    /// Its severity.
    pub severity: Severity,
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

impl AssetKind {
    /// Every kind, in their order.
    pub const ALL: [Self; 6] =
        [Self::Host, Self::Image, Self::Repository, Self::Application, Self::Resource, Self::Certificate];
}

/// What a vulnerability was found on. Its name leaves out what changes with every build (tag, digest, URL query).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Asset<T = String> {
    /// The kind of thing.
    pub kind: AssetKind,
    /// Its name (`registry.example.com/shop`).
    pub name: T,
}

/// A library or package inside an asset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Component<T = String> {
    /// Its name, with the group where it has one (`org.apache/log4j`).
    pub name: T,
    /// Its version.
    pub version: Option<T>,
    /// Its package URL.
    pub purl: Option<T>,
}

/// One vulnerability at one place.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Finding<T = String> {
    /// Index into [`Report::vulnerabilities`].
    pub vulnerability: usize,
    /// Index into [`Report::assets`].
    pub asset: Option<usize>,
    /// Index into [`Report::components`].
    pub component: Option<usize>,
    /// The severity here, where it differs from the vulnerability's.
    pub severity: Option<Severity>,
    /// The title here, where it differs.
    pub title: Option<T>,
    /// The message here, where it differs from the vulnerability's description.
    pub description: Option<T>,
    /// Where exactly.
    pub location: Location<T>,
    /// The tool's own fingerprint: stable between its scans.
    pub fingerprint: Option<T>,
    /// What the report itself says about the finding's state.
    pub analysis: Option<Analysis<T>>,
    /// The version in which it is fixed.
    pub fixed_version: Option<T>,
    /// When the tool says it was first seen.
    pub found_at: Option<UtcTime>,
    /// Where it is in the file (`/runs/0/results/3`, `line 12`), for messages while the report is read; not kept.
    #[serde(skip)]
    pub place: Option<Box<str>>,
    /// Further facts, as name and value (committer, image layer, HTTP method …).
    pub facts: Vec<(&'static str, T)>,
}

/// Where exactly in an asset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Location<T = String> {
    /// A file, by its path with `/`.
    pub file: Option<T>,
    /// The first line, from 1.
    pub line: Option<u32>,
    /// The last line.
    pub end_line: Option<u32>,
    /// The code there.
    pub snippet: Option<T>,
    /// A URL.
    pub url: Option<T>,
    /// The HTTP method.
    pub method: Option<T>,
    /// A parameter of the request.
    pub parameter: Option<T>,
    /// A network port with protocol (`443/tcp`).
    pub port: Option<T>,
    /// A resource inside the asset (`aws_s3_bucket.logs`, `Deployment/web`).
    pub resource: Option<T>,
}

impl Location {
    /// The same with borrowed texts.
    #[must_use]
    pub fn view(&self) -> Location<&str> {
        Location {
            file: self.file.as_deref(),
            line: self.line,
            end_line: self.end_line,
            snippet: self.snippet.as_deref(),
            url: self.url.as_deref(),
            method: self.method.as_deref(),
            parameter: self.parameter.as_deref(),
            port: self.port.as_deref(),
            resource: self.resource.as_deref(),
        }
    }
}

/// What a report says about a finding's state: the weakest assessment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Analysis<T = String> {
    /// The state.
    pub state: AnalysisState,
    /// The reason given.
    pub justification: Option<T>,
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

impl AnalysisState {
    /// Every state, in their order.
    pub const ALL: [Self; 6] =
        [Self::Affected, Self::InReview, Self::Resolved, Self::FalsePositive, Self::NotAffected, Self::RiskAccepted];
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

impl Report {
    /// A vulnerability at a glance; nothing where there is none.
    #[must_use]
    pub fn glance(&self, vulnerability: usize) -> Glance<'_> {
        self.vulnerabilities.beginning(vulnerability).unwrap_or_default()
    }
}

impl<T: AsRef<str>> Finding<T> {
    /// The value of a further fact.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref())
    }

    /// The severity that holds for this finding.
    #[must_use]
    pub fn severity_in(&self, report: &Report) -> Severity {
        self.severity.unwrap_or_else(|| report.glance(self.vulnerability).severity)
    }
}
