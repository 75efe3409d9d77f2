//! The findings of one result, each of its kinds.

use serde::Deserialize;

use crate::reports::builder::ReportBuilder;
use crate::reports::parsers::trivy::schema::{
    Layer, License, Misconfiguration, Modified, ScanResult, Secret, Vulnerable,
};
use crate::reports::parsers::trivy::system_image;
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Vulnerability};

/// Targets under which Trivy puts together what is installed of a language, wherever it is.
const LANGUAGES: [&str; 5] = ["Conda", "Java", "Node.js", "Python", "Ruby"];

/// One result: a lock file, an image's packages, a resource's manifest.
pub struct Within<'b> {
    pub builder: &'b mut ReportBuilder,
    pub target: String,
    pub kind: String,
    pub asset: Option<usize>,
    pub is_cluster: bool,
    pub is_os: bool,
    /// Why the finding at hand is not in its own list.
    pub suppressed: Option<Analysis>,
}

impl Within<'_> {
    /// Adds the findings of a result.
    pub fn add(&mut self, result: ScanResult<'_>, path: &str) {
        self.all(result.vulnerabilities, path, "Vulnerabilities", Self::vulnerable);
        self.all(result.misconfigurations, path, "Misconfigurations", Self::misconfiguration);
        self.all(result.secrets, path, "Secrets", Self::secret);
        self.all(result.licenses, path, "Licenses", Self::license);
        self.all(result.modified, path, "ExperimentalModifiedFindings", Self::modified);
    }

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
