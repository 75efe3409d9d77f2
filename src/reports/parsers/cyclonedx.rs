//! CycloneDX 1.4 to 1.6: the vulnerabilities of a bill of materials, with their analysis (VEX).
//!
//! JSON and XML; the XML of 1.2 and 1.3 with vulnerabilities inside components, too.
//! A vulnerability is one finding on each component that it affects.

mod schema;
mod xml;

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Report, Vulnerability};
use schema::{Affected, Bom, BomVulnerability, Component, VexAnalysis};

/// CycloneDX.
pub const PARSER: Parser = Parser {
    name: "cyclonedx",
    title: "CycloneDX 1.4 to 1.6",
    tool: "Grype, Trivy, cdxgen, Dependency-Track and many more",
    content_types: &["application/vnd.cyclonedx+json", "application/vnd.cyclonedx+xml", "application/json"],
    defectdojo_names: &["CycloneDX Scan"],
    example: r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
  {"type": "library", "bom-ref": "zlib", "name": "zlib", "version": "1.2"}], "vulnerabilities": [
  {"id": "CVE-2026-10001", "ratings": [{"severity": "high"}], "affects": [{"ref": "zlib"}]}]}"#,
    shapes: &[
        &[Sign::Says("bomFormat", "CycloneDX")],
        &[Sign::Says("$schema", "http://cyclonedx.org/schema/bom")],
        &[Sign::Has("/bom"), Sign::Contains("http://cyclonedx.org/schema/bom")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let bom: Bom<'_> = if text.trim_start().starts_with('<') { xml::read(text)? } else { json::read(text)? };
    let mut builder = ReportBuilder::new(tool(&bom).unwrap_or_else(|| "CycloneDX".to_owned()));
    let asset = head(&mut builder, &bom);
    let mut components = HashMap::new();
    collect(&bom.components, &mut components);
    collect(std::slice::from_ref(&bom.metadata.component.0), &mut components);
    builder.each(bom.vulnerabilities, "/vulnerabilities", |builder, entry, place| {
        add(builder, entry, asset, &components, &place);
    });
    Ok(vec![builder.finish()])
}

/// The tool that wrote the bill, in either shape: a list of tools, or an object of components and services.
fn tool(bom: &Bom<'_>) -> Option<String> {
    bom.metadata.tools.first().and_then(|tool| tool.name.some_line())
}

fn head(builder: &mut ReportBuilder, bom: &Bom<'_>) -> Option<usize> {
    let subject = &bom.metadata.component;
    let name = full_name(subject);
    let is_image = subject.kind.as_str() == "container";
    let name = if is_image { words::image_name(&name) } else { &name };
    let head = builder.head();
    head.tool_version = bom.metadata.tools.first().and_then(|tool| tool.version.some_line());
    head.reported_at = bom.metadata.timestamp.time();
    head.target = text::some(name.to_owned());
    let kind = match subject.kind.as_str() {
        "container" => AssetKind::Image,
        "device" | "operating-system" => AssetKind::Host,
        "application" => AssetKind::Application,
        _ => AssetKind::Repository,
    };
    builder.asset(kind, name)
}

/// Components by reference, those inside others too. The depth is bounded by the JSON reader.
fn collect<'t, 'a>(list: &'t [Component<'a>], found: &mut HashMap<&'t str, &'t Component<'a>>) {
    for component in list {
        found.insert(component.bom_ref.as_str(), component);
        collect(&component.components, found);
    }
}

fn full_name(component: &Component<'_>) -> String {
    match component.group.some_line() {
        Some(group) => format!("{group}/{}", component.name.line()),
        None => component.name.line(),
    }
}

fn add(
    builder: &mut ReportBuilder,
    entry: &BomVulnerability<'_>,
    asset: Option<usize>,
    components: &HashMap<&str, &Component<'_>>,
    place: &str,
) {
    let Some(vulnerability) = vulnerability(builder, entry) else {
        builder.lose(place, "no id");
        return;
    };
    let (severity, _) = rate(entry);
    let description = described(entry);
    let finding = Finding {
        vulnerability,
        asset,
        analysis: analysis(&entry.analysis),
        place: Some(place.into()),
        ..Finding::default()
    };
    if entry.affects.is_empty() {
        builder.add_differing(finding.clone(), severity, "", &description);
    }
    for affected in entry.affects.iter() {
        let mut finding = finding.clone();
        finding.component = component(builder, affected, components);
        if finding.analysis.is_none() && is_unaffected(affected) {
            finding.analysis = Some(Analysis { state: AnalysisState::NotAffected, justification: None });
        }
        builder.add_differing(finding, severity, "", &description);
    }
}

fn vulnerability(builder: &mut ReportBuilder, entry: &BomVulnerability<'_>) -> Option<usize> {
    let related = entry.references.iter().map(|reference| &reference.id);
    let named = [&entry.id].into_iter().chain(related).filter_map(Text::some_line);
    let ids = words::each_once(named);
    let titled = || Some(title(entry)).filter(|title| !title.is_empty()).map(|title| format!("CycloneDX:{title}"));
    let own = || entry.bom_ref.some_line().or_else(titled);
    let key = words::best_id(&ids).cloned().or_else(own)?;
    let vulnerability = builder.vulnerability(&key, || {
        let (severity, ratings) = rate(entry);
        let links = [&entry.source.url].into_iter().chain(entry.advisories.iter().map(|advisory| &advisory.url));
        let links = links.chain(entry.references.iter().map(|reference| &reference.source.url));
        let advised = entry.recommendation.some_text();
        let mut vulnerability = Vulnerability {
            title: title(entry),
            description: described(entry),
            remediation: advised.or_else(|| entry.workaround.some_text()),
            severity,
            ids: ids.clone(),
            cwes: words::each_once(entry.cwes.iter().filter_map(|cwe| words::cwe(cwe))),
            references: words::each_once(links.filter_map(Text::some_line)),
            ..Vulnerability::default()
        };
        ratings.fill(&mut vulnerability);
        vulnerability
    });
    builder.add_ids(vulnerability, &ids);
    Some(vulnerability)
}

/// Its id. A vulnerability need not have one; then its name, or how its description begins.
fn title(entry: &BomVulnerability<'_>) -> String {
    let described = entry.description.or(&entry.detail).trim();
    let named = entry.id.or(&entry.bom_ref).title();
    if named.is_empty() { text::title(described.lines().next().unwrap_or_default()) } else { named }
}

fn described(entry: &BomVulnerability<'_>) -> String {
    match (entry.description.some_text(), entry.detail.some_text()) {
        (Some(description), Some(detail)) => text::text(&format!("{description}\n\n{detail}")),
        (description, detail) => description.or(detail).unwrap_or_default(),
    }
}

/// The word of the first rating that has one and knows it, else the highest score.
fn rate(entry: &BomVulnerability<'_>) -> (Severity, Ratings) {
    let mut ratings = Ratings::default();
    for rating in entry.ratings.iter() {
        // Scores of other methods (OWASP risk rating, SSVC) are on other scales.
        let is_cvss = rating.method.is_empty() || rating.method.starts_with("CVSS");
        if is_cvss {
            ratings.add(&rating.vector, rating.score.0);
        }
    }
    let known = |word: &&str| words::severity(word).is_some_and(|severity| severity != Severity::Unknown);
    let word = entry.ratings.iter().map(|rating| rating.severity.as_str()).find(known);
    let severity = ratings.severity(word.unwrap_or_default());
    (severity, ratings)
}

fn component(
    builder: &mut ReportBuilder,
    affected: &Affected<'_>,
    components: &HashMap<&str, &Component<'_>>,
) -> Option<usize> {
    let reference = affected.reference.as_str();
    // A BOM-Link names the bill before the `#`.
    let inner = reference.rsplit_once('#').map_or(reference, |(_, inner)| inner);
    if let Some(component) = components.get(reference).or_else(|| components.get(inner)) {
        return builder.component(&full_name(component), &component.version, &component.purl);
    }
    match words::purl_parts(inner) {
        Some((name, version)) => builder.component(&name, version.as_deref().unwrap_or_default(), inner),
        None => builder.component(inner, "", ""),
    }
}

fn is_unaffected(affected: &Affected<'_>) -> bool {
    !affected.versions.is_empty() && affected.versions.iter().all(|version| version.status.as_str() == "unaffected")
}

fn analysis(analysis: &VexAnalysis<'_>) -> Option<Analysis> {
    let state = match analysis.state.as_str() {
        "resolved" | "resolved_with_pedigree" => AnalysisState::Resolved,
        "exploitable" => AnalysisState::Affected,
        "in_triage" => AnalysisState::InReview,
        "false_positive" => AnalysisState::FalsePositive,
        "not_affected" => AnalysisState::NotAffected,
        _ => return None,
    };
    let reasons: Vec<String> =
        [analysis.justification.some_line(), analysis.detail.some_text()].into_iter().flatten().collect();
    Some(Analysis { state, justification: text::some(reasons.join(": ")) })
}
