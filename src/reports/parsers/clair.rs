//! Clair: the reports of clair-scanner and of Klar, which ask Clair 2, its own answer on a layer, and reports of Clair 4.

mod schema;

use std::collections::{HashMap, HashSet};

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Report, Vulnerability};
use crate::reports::sniff::Sniff;
use schema::{Answer, Clair4, ClairScanner, Enrichment, Entry, Feature, Klar, Known, Layer};

/// Clair.
pub const PARSER: Parser = Parser {
    name: "clair",
    title: "Clair (clair-scanner, Klar, Clair 4)",
    tool: "Clair",
    content_types: &["application/json"],
    defectdojo_names: &["Clair Scan"],
    example: r#"{"image": "web:1.2", "unapproved": ["CVE-2026-10001"], "vulnerabilities": [{"featurename": "zlib",
  "featureversion": "1.2", "vulnerability": "CVE-2026-10001", "namespace": "debian:12", "severity": "High", "fixedby": "1.3"}]}"#,
    shapes: &[
        &[Sign::Has("image"), Sign::Has("unapproved"), Sign::Has("vulnerabilities")],
        &[Sign::Has("LayerCount"), Sign::Has("Vulnerabilities")],
        &[Sign::Has("Layer.Name"), Sign::Has("Layer.Features")],
        &[Sign::Has("data.Layer.Name"), Sign::Has("data.Layer.Features")],
        &[Sign::Has("manifest_hash"), Sign::Has("package_vulnerabilities")],
        &[Sign::Has("manifest_hash"), Sign::Has("packages"), Sign::Has("vulnerabilities")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let sniff = Sniff::first(text);
    let mut builder = ReportBuilder::new("Clair");
    if sniff.has("LayerCount") {
        let file: Klar<'_> = json::read(text)?;
        for (word, entries) in file.vulnerabilities.0 {
            builder.each(entries, &format!("/Vulnerabilities/{word}"), |builder, entry: &Entry<'_>, place| {
                add(builder, entry, None, Finding { place: Some(place), ..Finding::default() });
            });
        }
    } else if sniff.has("Layer") || sniff.has("data.Layer") {
        let file: Answer<'_> = json::read(text)?;
        add_layer(&mut builder, file.layer.0);
        add_layer(&mut builder, file.data.0.layer.0);
    } else if sniff.has("manifest_hash") {
        add_all_of_4(&mut builder, json::read(text)?);
    } else {
        add_all_of_scanner(&mut builder, json::read(text)?);
    }
    Ok(vec![builder.finish()])
}

/// Clair 2 answers feature by feature, with all that the layers below have; Quay wraps that.
fn add_layer(builder: &mut ReportBuilder, layer: Layer<'_>) {
    for (index, feature) in layer.features.into_iter().enumerate() {
        let path = format!("/Layer/Features/{index}");
        let Some(Feature { name, version, vulnerabilities }) = builder.keep(feature, &path) else { continue };
        builder.each(vulnerabilities, &format!("{path}/Vulnerabilities"), |builder, entry: &Entry<'_>, place| {
            let component = builder.component(&name, &version, "");
            add(builder, entry, None, Finding { component, place: Some(place), ..Finding::default() });
        });
    }
}

/// clair-scanner lists everything, and which of it the team's list of exceptions does not name.
fn add_all_of_scanner(builder: &mut ReportBuilder, file: ClairScanner<'_>) {
    let image = words::image_name(&file.image);
    builder.head().target = text::some_line(image);
    let asset = builder.asset(AssetKind::Image, image);
    let unapproved: HashSet<&str> = file.unapproved.iter().map(Text::as_str).collect();
    builder.each(file.vulnerabilities, "/vulnerabilities", |builder, entry, place| {
        let is_approved = !unapproved.contains(entry.name.as_str());
        let accepted = Analysis { state: AnalysisState::RiskAccepted, justification: None };
        let analysis = is_approved.then_some(accepted);
        add(builder, entry, asset, Finding { analysis, place: Some(place), ..Finding::default() });
    });
}

fn add(builder: &mut ReportBuilder, entry: &Entry<'_>, asset: Option<usize>, finding: Finding) {
    let finding = Finding {
        asset,
        component: builder.component(&entry.feature_name, &entry.feature_version, "").or(finding.component),
        fixed_version: entry.fixed_by.some_line(),
        facts: builder::facts([("namespace", entry.namespace.some_line())]),
        ..finding
    };
    builder.add_of(vulnerability(&entry.name, &entry.description, &entry.severity, &entry.link), finding);
}

/// Clair 4 keeps packages and vulnerabilities apart, and which package has which. A vulnerability is read once, however
/// many packages have it.
fn add_all_of_4(builder: &mut ReportBuilder, file: Clair4<'_>) {
    let mut enriched: HashMap<&Text<'_>, Vec<&Enrichment<'_>>> = HashMap::new();
    let lists = file.enrichments.0.iter().flat_map(|(_, lists)| lists.iter());
    for (id, said) in lists.flat_map(|by_id| by_id.0.iter()) {
        enriched.entry(id).or_default().extend(said.iter().map(|said| &said.0));
    }
    let mut known = HashMap::new();
    for (id, entry) in file.vulnerabilities.0 {
        if let Some(entry) = builder.keep(entry.read(), format_args!("/vulnerabilities/{id}")) {
            let word = entry.normalized_severity.or(&entry.severity);
            let vulnerability = vulnerability(&entry.name, &entry.description, word, &entry.links);
            let vulnerability = enrich(vulnerability, enriched.get(&id).map_or(&[], Vec::as_slice));
            known.insert(id, (vulnerability, entry));
        }
    }
    for (package, list) in &file.package_vulnerabilities.0 {
        let component = file.packages.get(package).and_then(|found| builder.component(&found.name, &found.version, ""));
        for id in list.iter() {
            match known.get(id) {
                Some((vulnerability, entry)) => add_known(builder, vulnerability, entry, component, id),
                None => builder.lose(format_args!("/vulnerabilities/{id}"), "a package has it, but it is not there"),
            }
        }
    }
}

/// What Clair adds from the NVD and from EPSS; where the distribution has no word, the score speaks.
fn enrich(mut vulnerability: Vulnerability, enrichments: &[&Enrichment<'_>]) -> Vulnerability {
    let mut ratings = Ratings::default();
    for said in enrichments {
        ratings.add(&said.vector, said.base_score.0);
        vulnerability.epss = vulnerability.epss.or(said.epss.probability());
    }
    if vulnerability.severity == Severity::Unknown {
        vulnerability.severity = ratings.severity("");
    }
    ratings.rate(vulnerability)
}

fn add_known(
    builder: &mut ReportBuilder,
    vulnerability: &Vulnerability,
    entry: &Known<'_>,
    component: Option<usize>,
    id: &str,
) {
    let finding = Finding {
        vulnerability: builder.vulnerability(&vulnerability.key, || vulnerability.clone()),
        component,
        fixed_version: entry.fixed_in_version.some_line(),
        place: Some(format!("/vulnerabilities/{id}").into()),
        facts: builder::facts([("source", entry.updater.some_line())]),
        ..Finding::default()
    };
    builder.add_differing(finding, vulnerability.severity, "", "");
}

fn vulnerability(name: &Text<'_>, description: &Text<'_>, severity: &str, links: &str) -> Vulnerability {
    // Newer Clair may put the advisory and its CVE into one name.
    let named: Vec<String> = name.split_whitespace().map(text::line).collect();
    let ids = words::each_once(named.into_iter().filter(|id| id.contains('-')));
    Vulnerability {
        key: words::key(&ids, "Clair", name),
        title: name.title(),
        description: description.text(),
        severity: self::severity(severity),
        references: words::each_once(words::links(links)),
        ids,
        ..Vulnerability::default()
    }
}

/// Clair's `Defcon1` is above critical: it stops the build whatever the threshold. What is negligible "is technically a
/// vulnerability" to it, and no more.
fn severity(word: &str) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "defcon1" => Severity::Critical,
        "negligible" => Severity::None,
        word => words::severity_or_unknown(word),
    }
}
