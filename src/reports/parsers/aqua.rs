//! Aqua: an image with its resources (`scannercli`, version 1 of the API), a list of those, the list of CVEs of older
//! versions, and pages of version 2 of the API.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};
use schema::{File, Known, OldEntry, Resource, Scan, Scanned, Several};

/// Aqua.
pub const PARSER: Parser = Parser {
    name: "aqua",
    title: "Aqua image scan",
    tool: "Aqua",
    content_types: &["application/json"],
    defectdojo_names: &["Aqua Scan"],
    example: r#"{"image": "web:1.2", "digest": "sha256:abc", "vulnerability_summary": {"total": 1}, "resources": [
  {"resource": {"format": "apk", "name": "zlib", "version": "1.2"}, "scanned": true, "vulnerabilities": [
   {"name": "CVE-2026-10001", "aqua_severity": "high", "aqua_score": 7.5, "fix_version": "1.3"}]}]}"#,
    shapes: &[
        &[Sign::Has("image"), Sign::Has("resources"), Sign::Has("vulnerability_summary")],
        &[Sign::Has("resources[].resource"), Sign::Has("resources[].scanned")],
        &[Sign::Has("image"), Sign::Has("vulnerability_summary"), Sign::Has("image_assurance_results")],
        &[Sign::Has("[].results.resources"), Sign::Has("[].results.image")],
        &[Sign::Has("cves"), Sign::Has("cves_counts"), Sign::Has("image_name")],
        &[Sign::Has("cves[].name"), Sign::Has("cves[].file")],
        &[Sign::Has("result"), Sign::Has("pagesize"), Sign::Has("query.include_vpatch_info")],
        &[Sign::Has("result"), Sign::Has("pagesize"), Sign::Has("page"), Sign::Has("count")],
        &[Sign::Has("result[].resource"), Sign::Has("result[].aqua_severity")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Aqua");
    if text.trim_start().starts_with('[') {
        let file: json::Entries<'_, Several<'_>> = json::read(text)?;
        for (index, entry) in file.into_iter().enumerate() {
            let place = format!("/{index}");
            if let Some(entry) = builder.keep(entry, &place) {
                add_scan(&mut builder, entry.results, &format!("{place}/results"));
            }
        }
        return Ok(vec![builder.finish()]);
    }
    let file: File<'_> = json::read(text)?;
    let name = file.image_name.line();
    builder.each(file.cves, "/cves", |builder, entry, place| {
        let asset = image(builder, &name);
        add_old(builder, entry, asset, place);
    });
    builder.each(file.result, "/result", |builder, entry, place| {
        let asset = image(builder, &entry.image_name);
        add(builder, &entry.resource, entry, asset, place);
    });
    let scan = Scan { image: file.image, scan_started: file.scan_started, resources: file.resources };
    add_scan(&mut builder, scan, "");
    // Of an image without packages only the summary is there.
    json::expect_one(text, &["resources", "vulnerability_summary", "cves", "result"])?;
    Ok(vec![builder.finish()])
}

fn image(builder: &mut ReportBuilder, name: &str) -> Option<usize> {
    let name = words::image_name(name);
    let asset = builder.asset(AssetKind::Image, name)?;
    builder.head().target.get_or_insert_with(|| text::line(name));
    Some(asset)
}

fn add_scan(builder: &mut ReportBuilder, scan: Scan<'_>, path: &str) {
    let asset = image(builder, &scan.image);
    let head = builder.head();
    head.reported_at = head.reported_at.max(scan.scan_started.seconds.time());
    for (number, scanned) in scan.resources.into_iter().enumerate() {
        let path = format!("{path}/resources/{number}");
        let Some(Scanned { resource, vulnerabilities }) = builder.keep(scanned, &path) else { continue };
        for kind in words::each_once(resource.sensitive_items.iter().filter_map(Text::some_line)) {
            add_secret(builder, &resource, &kind, asset, &path);
        }
        builder.each(vulnerabilities, &format!("{path}/vulnerabilities"), |builder, known, place| {
            add(builder, &resource, known, asset, place);
        });
    }
}

fn add(builder: &mut ReportBuilder, resource: &Resource<'_>, known: &Known<'_>, asset: Option<usize>, place: Box<str>) {
    let name = resource.name.or(&resource.path);
    let finding = Finding {
        asset,
        component: builder.component(name, &resource.version, ""),
        location: file(resource),
        analysis: accepted(!known.acknowledged_date.is_empty()),
        fixed_version: known.fix_version.some_line(),
        found_at: known.first_found_date.time(),
        place: Some(place),
        facts: builder::facts([
            ("package_type", resource.format.some_line()),
            ("image_layer", resource.layer_digest.some_line()),
            ("severity_source", known.aqua_severity_classification.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(known), finding);
}

fn file(resource: &Resource<'_>) -> Location {
    Location { file: resource.path.some_line(), ..Location::default() }
}

fn accepted(is_acknowledged: bool) -> Option<Analysis> {
    is_acknowledged.then_some(Analysis { state: AnalysisState::RiskAccepted, justification: None })
}

fn vulnerability(known: &Known<'_>) -> Vulnerability {
    let referred = known.ref_vulns.iter().map(|other| &other.name);
    let ids = words::each_once([&known.name].into_iter().chain(referred).filter_map(Text::some_line));
    let ratings = ratings(known);
    let word = known.aqua_severity.or(&known.vendor_severity_v3).or(&known.vendor_severity).as_str();
    let links = [&known.nvd_url, &known.vendor_url];
    // Above all others counts what Aqua makes of it; a distribution's advisory may bundle several CVEs.
    let own: Vec<String> = known.name.some_line().into_iter().collect();
    let severity = severity(&ratings, word);
    ratings.rate(Vulnerability {
        key: words::key(&own, "Aqua", &known.name),
        title: known.name.title(),
        description: known.description.text(),
        remediation: known.solution.some_text(),
        severity,
        cwes: words::each_once(known.cwe_info.iter().filter_map(|cwe| words::cwe(&cwe.id))),
        epss: known.epss_score.0.filter(|epss| (0.0..=1.0).contains(epss)),
        known_exploited: !known.cisa_publish_date.is_empty(),
        references: words::each_once(links.into_iter().filter_map(Text::some_line)),
        ids,
        ..Vulnerability::default()
    })
}

fn ratings(known: &Known<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    ratings.add(&known.aqua_vectors, known.aqua_score.0);
    ratings.add(&known.nvd_vectors_v3, known.nvd_score_v3.0);
    ratings.add(&known.nvd_cvss3_vectors, known.nvd_cvss3_score.0);
    ratings.add(&known.vendor_vectors_v3, known.vendor_score_v3.0);
    ratings.add(&known.nvd_vectors, known.nvd_score.0);
    ratings
}

/// Aqua's `negligible` is what nobody is expected to fix.
fn severity(ratings: &Ratings, word: &str) -> Severity {
    if word.eq_ignore_ascii_case("negligible") { Severity::None } else { ratings.severity(word) }
}

/// A key or token in a file. Aqua rates none of them.
fn add_secret(builder: &mut ReportBuilder, resource: &Resource<'_>, kind: &str, asset: Option<usize>, place: &str) {
    let vulnerability = Vulnerability {
        key: words::key(&[], "Aqua", kind),
        title: text::title(&format!("Sensitive data: {kind}")),
        cwes: vec![312],
        ..Vulnerability::default()
    };
    let facts = builder::facts([("image_layer", resource.layer_digest.some_line())]);
    let finding = Finding { asset, location: file(resource), place: Some(place.into()), facts, ..Finding::default() };
    builder.add_of(vulnerability, finding);
}

/// In the old list the file is a path, or the name of a package.
fn add_old(builder: &mut ReportBuilder, entry: &OldEntry<'_>, asset: Option<usize>, place: Box<str>) {
    let is_path = entry.file.contains('/');
    let mut ratings = Ratings::default();
    ratings.add("", entry.score.number());
    let severity = severity(&ratings, &entry.severity);
    let ids: Vec<String> = entry.name.some_line().into_iter().collect();
    let finding = Finding {
        asset,
        component: if is_path { None } else { builder.component(&entry.file, "", "") },
        location: Location { file: entry.file.some_line().filter(|_| is_path), ..Location::default() },
        analysis: accepted(entry.acknowledged.as_str() == "true"),
        fixed_version: entry.fix_version.some_line(),
        place: Some(place),
        facts: builder::facts([("vendor_statement", entry.vendor_statement.some_text())]),
        ..Finding::default()
    };
    let vulnerability = Vulnerability {
        key: words::key(&ids, "Aqua", &entry.name),
        title: entry.name.title(),
        description: entry.description.text(),
        remediation: entry.solution.some_text(),
        severity,
        references: entry.url.some_line().into_iter().collect(),
        ids,
        ..Vulnerability::default()
    };
    builder.add_of(ratings.rate(vulnerability), finding);
}
