//! Trivy's own JSON: images, file systems, repositories, clusters; and the bare list that it wrote before 2021.
//!
//! Misconfigurations count when they failed. A vulnerability of a cluster is on the resource that runs the image.

mod schema;

use serde::Deserialize;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};
use schema::{File, Layer, License, Misconfiguration, Modified, ScanResult, Secret, Vulnerable};

/// Trivy.
pub const PARSER: Parser = Parser {
    name: "trivy",
    title: "Trivy JSON",
    tool: "Trivy",
    content_types: &["application/json"],
    defectdojo_names: &["Trivy Scan"],
    example: r#"{"SchemaVersion": 2, "ArtifactName": "web:1.2", "ArtifactType": "container_image", "Results": [
  {"Target": "web:1.2 (alpine 3.20)", "Class": "os-pkgs", "Type": "alpine", "Vulnerabilities": [
    {"VulnerabilityID": "CVE-2026-10001", "PkgName": "zlib", "InstalledVersion": "1.2", "Severity": "HIGH"}]}]}"#,
    shapes: &[
        &[Sign::Has("SchemaVersion"), Sign::Has("ArtifactName")],
        &[Sign::Has("ArtifactName"), Sign::List("Results")],
        // What has no name, as an SBOM from a pipe, is written without one.
        &[Sign::Has("SchemaVersion"), Sign::Has("ArtifactType")],
        &[Sign::Has("Results[].Target"), Sign::Has("Results[].Class")],
        &[Sign::Has("ClusterName"), Sign::Lacks("controls")],
        &[Sign::Has("[].Target"), Sign::Has("[].Vulnerabilities")],
        &[Sign::Has("[].Target"), Sign::Has("[].Type"), Sign::Has("[].Class")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Trivy");
    if text.trim_start().starts_with('[') {
        let results: Vec<ScanResult<'_>> = json::read(text)?;
        let asset = results.iter().find_map(|result| system_image(&result.target)).map(words::image_name);
        builder.head().target = asset.and_then(text::some_line);
        let asset = asset.and_then(|image| builder.asset(AssetKind::Image, image));
        add_results(&mut builder, results, asset, false, "");
        return Ok(vec![builder.finish()]);
    }
    let file: File<'_> = json::read(text)?;
    let head = builder.head();
    head.tool_version = file.trivy.version.some_line();
    head.reported_at = file.created_at.time();
    if !file.cluster_name.is_empty() {
        head.target = file.cluster_name.some_line();
    }
    let asset = artifact(&mut builder, &file);
    add_results(&mut builder, file.results.0, asset, false, "/Results");
    let lists = [
        ("Resources", file.resources),
        ("Findings", file.findings),
        ("Vulnerabilities", file.vulnerabilities),
        ("Misconfigurations", file.misconfigurations),
    ];
    for (name, list) in lists {
        for (number, resource) in list.0.into_iter().enumerate() {
            let parts = [&resource.namespace, &resource.kind, &resource.name];
            let parts: Vec<String> = parts.into_iter().filter_map(Text::some_line).collect();
            let asset = builder.asset(AssetKind::Resource, &parts.join("/"));
            add_results(&mut builder, resource.results.0, asset, true, &format!("/{name}/{number}/Results"));
        }
    }
    Ok(vec![builder.finish()])
}

/// The scanned thing: an image without its tag, a repository by its URL, a folder by its name if that says anything.
fn artifact(builder: &mut ReportBuilder, file: &File<'_>) -> Option<usize> {
    let empty = Text::default();
    let name = file.artifact_name.or(file.metadata.repo_tags.first().unwrap_or(&empty)).line();
    let (kind, name) = match file.artifact_type.as_str() {
        "container_image" => (AssetKind::Image, words::image_name(&name)),
        "vm" | "rootfs" => (AssetKind::Host, name.as_str()),
        "aws_account" => (AssetKind::Resource, name.as_str()),
        // Where the build ran says nothing about what was built.
        "filesystem" if name.starts_with(['.', '/']) => return None,
        _ => (AssetKind::Repository, name.as_str()),
    };
    builder.head().target = text::some_line(name);
    builder.asset(kind, name)
}

/// The image in a target like `web:1.2 (alpine 3.20)`, which stands for the packages of its system.
fn system_image(target: &str) -> Option<&str> {
    target.strip_suffix(')')?.split_once(" (").map(|(image, _)| image)
}

/// Adds results; those of a cluster are on its resource and name the image as the place.
fn add_results(
    builder: &mut ReportBuilder,
    results: Vec<ScanResult<'_>>,
    asset: Option<usize>,
    is_cluster: bool,
    path: &str,
) {
    for (number, result) in results.into_iter().enumerate() {
        let path = format!("{path}/{number}");
        let (target, kind) = (result.target.line(), result.kind.line());
        let is_os = result.class.as_str() == "os-pkgs" || result.class.is_empty() && system_image(&target).is_some();
        let mut within = Within { is_os, builder, target, kind, asset, is_cluster, suppressed: None };
        within.all(result.vulnerabilities, &path, "Vulnerabilities", Within::vulnerable);
        within.all(result.misconfigurations, &path, "Misconfigurations", Within::misconfiguration);
        within.all(result.secrets, &path, "Secrets", Within::secret);
        within.all(result.licenses, &path, "Licenses", Within::license);
        within.all(result.modified, &path, "ExperimentalModifiedFindings", Within::modified);
    }
}

/// Targets under which Trivy puts together what is installed of a language, wherever it is.
const LANGUAGES: [&str; 5] = ["Conda", "Java", "Node.js", "Python", "Ruby"];

/// One result: a lock file, an image's packages, a resource's manifest.
struct Within<'b> {
    builder: &'b mut ReportBuilder,
    target: String,
    kind: String,
    asset: Option<usize>,
    is_cluster: bool,
    is_os: bool,
    /// Why the finding at hand is not in its own list.
    suppressed: Option<Analysis>,
}

impl Within<'_> {
    fn all<'a, T: Deserialize<'a>>(
        &mut self,
        entries: Entries<'a, T>,
        path: &str,
        name: &str,
        add: fn(&mut Self, &T, Box<str>),
    ) {
        for (index, entry) in entries.into_iter().enumerate() {
            let place = format!("{path}/{name}/{index}");
            if let Some(entry) = self.builder.keep(entry, &place) {
                add(self, &entry, place.into());
            }
        }
    }

    /// A finding that was taken out of its list, which its type names, is read as one of it.
    fn modified(&mut self, entry: &Modified<'_>, place: Box<str>) {
        self.suppressed = Some(suppressed(entry));
        match entry.kind.as_str() {
            "vulnerability" => self.taken_out(entry, place, Self::vulnerable),
            "misconfiguration" => self.taken_out(entry, place, Self::misconfiguration),
            "secret" => self.taken_out(entry, place, Self::secret),
            "license" => self.taken_out(entry, place, Self::license),
            other => self.builder.lose(place, &format!("a finding of unknown type {other:?}")),
        }
        self.suppressed = None;
    }

    fn taken_out<'a, T: Deserialize<'a>>(
        &mut self,
        entry: &Modified<'a>,
        place: Box<str>,
        add: fn(&mut Self, &T, Box<str>),
    ) {
        match json::read(entry.finding.get()) {
            Ok(finding) => add(self, &finding, place),
            Err(error) => self.builder.lose(place, &error.to_string()),
        }
    }

    fn vulnerable(&mut self, entry: &Vulnerable<'_>, place: Box<str>) {
        let key = entry.id.line();
        let ratings = ratings(entry);
        let severity = ratings.severity(&entry.severity);
        let vulnerability = self.builder.vulnerability(&key, || {
            let links = [&entry.primary_url].into_iter().chain(entry.references.iter());
            let mut vulnerability = Vulnerability {
                title: entry.title.or(&entry.id).title(),
                description: entry.description.text(),
                severity,
                ids: ids(entry),
                cwes: words::each_once(entry.cwes.iter().filter_map(|text| words::cwe(text))),
                references: words::each_once(links.filter_map(Text::some_line)),
                ..Vulnerability::default()
            };
            ratings.fill(&mut vulnerability);
            vulnerability
        });
        // Only distributions have ids of their own; each names the CVE by another.
        if !entry.vendor_ids.is_empty() {
            self.builder.add_ids(vulnerability, &ids(entry));
        }
        let component = self.builder.component(&entry.pkg_name, &entry.installed_version, &entry.pkg_identifier.purl);
        let mut facts = layer(&entry.layer);
        facts.push(("package_type", self.kind.clone()));
        facts.extend(entry.status.some_line().map(|status| ("fix_status", status)));
        let finding = Finding {
            vulnerability,
            component,
            location: self.location(&entry.pkg_path),
            fingerprint: entry.fingerprint.some_line(),
            analysis: self.suppressed.clone().or_else(|| analysis(&entry.status)),
            fixed_version: entry.fixed_version.some_line(),
            facts,
            ..self.finding(place)
        };
        self.builder.add_differing(finding, severity, &entry.title, &entry.description);
    }

    fn misconfiguration(&mut self, entry: &Misconfiguration<'_>, place: Box<str>) {
        if !entry.status.is_empty() && entry.status.as_str() != "FAIL" {
            return;
        }
        let severity = words::severity_or_unknown(&entry.severity);
        let id = entry.avd_id.or(&entry.id).line();
        let vulnerability = self.builder.vulnerability(&format!("Trivy:{id}"), || {
            let links = [&entry.primary_url].into_iter().chain(entry.references.iter());
            Vulnerability {
                title: entry.title.title(),
                description: entry.description.text(),
                remediation: entry.resolution.some_text(),
                severity,
                ids: words::each_once([&entry.avd_id, &entry.id].into_iter().filter_map(Text::some_line)),
                references: words::each_once(links.filter_map(Text::some_line)),
                ..Vulnerability::default()
            }
        });
        let cause = &entry.cause_metadata;
        let code: Vec<&str> = cause.code.lines.iter().map(|line| line.content.as_str()).collect();
        let mut location = Location {
            line: cause.start_line.positive(),
            end_line: cause.end_line.positive(),
            snippet: text::some(text::text(&code.join("\n"))),
            resource: cause.resource.some_line(),
            ..Location::default()
        };
        // Of an AWS account, the target is a resource, too.
        if self.is_cluster || self.target.starts_with("arn:") {
            location.resource = location.resource.or_else(|| text::some(self.target.clone()));
        } else {
            location.file = text::some(self.target.clone());
        }
        let finding = Finding { vulnerability, location, ..self.finding(place) };
        self.builder.add_differing(finding, severity, &entry.title, &entry.message);
    }

    fn secret(&mut self, entry: &Secret<'_>, place: Box<str>) {
        let severity = words::severity_or_unknown(&entry.severity);
        let vulnerability = self.builder.vulnerability(&format!("Trivy:{}", entry.rule.line()), || Vulnerability {
            title: entry.title.or(&entry.rule).title(),
            severity,
            ..Vulnerability::default()
        });
        let mut facts = layer(&entry.layer);
        facts.extend(entry.category.some_line().map(|category| ("category", category)));
        let location = Location {
            file: text::some(self.target.clone()),
            line: entry.start_line.positive(),
            end_line: entry.end_line.positive(),
            snippet: entry.found.some_text(),
            ..Location::default()
        };
        let finding = Finding { vulnerability, location, facts, ..self.finding(place) };
        self.builder.add_differing(finding, severity, &entry.title, "");
    }

    fn license(&mut self, entry: &License<'_>, place: Box<str>) {
        let severity = words::severity_or_unknown(&entry.severity);
        let name = entry.name.line();
        let vulnerability = self.builder.vulnerability(&format!("Trivy:license:{name}"), || Vulnerability {
            title: text::title(&format!("License {name}")),
            severity,
            references: entry.link.some_line().into_iter().collect(),
            ..Vulnerability::default()
        });
        let component = self.builder.component(&entry.pkg_name, "", "");
        let facts = entry.category.some_line().map(|category| ("category", category)).into_iter().collect();
        let location = Location { file: entry.file_path.some_line(), ..Location::default() };
        let finding = Finding { vulnerability, component, location, facts, ..self.finding(place) };
        self.builder.add_differing(finding, severity, "", "");
    }

    fn finding(&self, place: Box<str>) -> Finding {
        Finding { asset: self.asset, analysis: self.suppressed.clone(), place: Some(place), ..Finding::default() }
    }

    /// Packages of the system are in no file; those of a language in the one that is named, else in the lock file, unless
    /// the target is the language alone.
    fn location(&self, path: &Text<'_>) -> Location {
        let is_no_file = self.is_os || LANGUAGES.contains(&self.target.as_str());
        let file = path.some_line().or_else(|| if is_no_file { None } else { text::some(self.target.clone()) });
        let image = system_image(&self.target).unwrap_or(&self.target);
        let resource = if self.is_cluster { text::some(words::image_name(image).to_owned()) } else { None };
        Location { file, resource, ..Location::default() }
    }
}

fn ids(entry: &Vulnerable<'_>) -> Vec<String> {
    words::each_once([&entry.id].into_iter().chain(entry.vendor_ids.iter()).filter_map(Text::some_line))
}

/// The source that gave the severity comes first, so that its vectors are the ones kept.
fn ratings(entry: &Vulnerable<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    let leads = |(source, _): &&(Text<'_>, _)| *source == entry.severity_source;
    let (first, rest): (Vec<_>, Vec<_>) = entry.cvss.0.iter().partition(leads);
    for (_, cvss) in first.into_iter().chain(rest) {
        let versions =
            [(&cvss.v40_vector, cvss.v40_score), (&cvss.v3_vector, cvss.v3_score), (&cvss.v2_vector, cvss.v2_score)];
        for (vector, score) in versions {
            ratings.add(vector, score.0);
        }
    }
    ratings
}

fn layer(layer: &Layer<'_>) -> Vec<(&'static str, String)> {
    layer.diff_id.or(&layer.digest).some_line().map(|layer| ("image_layer", layer)).into_iter().collect()
}

/// What an ignore file or a VEX document says of a finding. Ignoring is the team's own decision, the rest a supplier's.
fn suppressed(entry: &Modified<'_>) -> Analysis {
    let state = match entry.status.as_str() {
        "not_affected" => AnalysisState::NotAffected,
        "fixed" => AnalysisState::Resolved,
        "under_investigation" => AnalysisState::InReview,
        "affected" => AnalysisState::Affected,
        _ => AnalysisState::RiskAccepted,
    };
    let reasons: Vec<String> = [entry.statement.some_text(), entry.source.some_line()].into_iter().flatten().collect();
    Analysis { state, justification: text::some(reasons.join(", ")) }
}

/// Trivy's status is the vendor's: only two of its words are about whether the package is affected at all.
fn analysis(status: &Text<'_>) -> Option<Analysis> {
    let state = match status.as_str() {
        "not_affected" => AnalysisState::NotAffected,
        "under_investigation" => AnalysisState::InReview,
        _ => return None,
    };
    Some(Analysis { state, justification: None })
}
