//! Checkmarx One: results as the API and the command line give them, and its improved scan report.
//!
//! The command line also writes GitLab's format; that is read as such.

mod improved;
mod schema;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::checkmarx::{self, analysis, query_title};
use crate::reports::parsers::gitlab;
use crate::reports::read::cvss;
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};
use schema::{File, ScanResult};

/// Checkmarx One.
pub const PARSER: Parser = Parser {
    name: "checkmarx_one",
    title: "Checkmarx One results and improved scan report",
    tool: "Checkmarx One",
    content_types: &["application/json"],
    defectdojo_names: &["Checkmarx One Scan"],
    example: r#"{"results": [{"type": "sast", "id": "1", "similarityId": "7", "severity": "HIGH", "state": "TO_VERIFY",
  "data": {"queryName": "SQL_Injection", "nodes": [{"fileName": "/a.java", "line": 3}]}}], "totalCount": 1, "scanID": "c0ffee"}"#,
    shapes: &[
        &[Sign::List("results"), Sign::Has("totalCount"), Sign::Has("scanID")],
        &[Sign::Has("results[].similarityId"), Sign::Object("results[].data"), Sign::Has("results[].type")],
        &[Sign::Has("scanResults.resultsList"), Sign::Object("reportHeader")],
        &[Sign::Has("iacScanResults.technology"), Sign::Object("reportHeader")],
        &[Sign::Has("scaScanResults.packages"), Sign::Object("reportHeader")],
    ],
    parse,
};

const TOOL: &str = "Checkmarx One";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    if file.vulnerabilities.is_some() {
        return (gitlab::PARSER.parse)(text);
    }
    let mut builder = ReportBuilder::new(TOOL);
    builder.head().target = file.report_header.project_name.some_line();
    builder.head().reported_at = file.report_creation_date.time();
    let File { results, scan_results, iac_scan_results, sca_scan_results, vulnerability_details, .. } = file;
    builder.each(results, "/results", add);
    improved::sast(&mut builder, scan_results.0.results_list, &vulnerability_details);
    improved::iac(&mut builder, iac_scan_results.0.technology);
    improved::sca(&mut builder, sca_scan_results.0.packages);
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &ScanResult<'_>, place: Box<str>) {
    if entry.kind.is_empty() {
        builder.lose(place, "no type");
        return;
    }
    let severity = words::severity_or_unknown(&entry.severity);
    let detail = &entry.data;
    let finding = Finding {
        vulnerability: vulnerability(builder, entry),
        asset: builder.asset(AssetKind::Image, words::image_name(&detail.image_name)),
        component: component(builder, entry),
        location: location(entry),
        // A package's id is its CVE: no more than what it has in common with all others.
        fingerprint: entry.id.or(&entry.similarity_id).some_line().filter(|_| !is_package(entry)),
        analysis: analysis(&entry.state),
        fixed_version: detail.recommended_version.some_line(),
        found_at: entry.first_found_at.time(),
        place: Some(place),
        facts: builder::facts([
            ("kind", entry.kind.some_line()),
            ("language", detail.language_name.or(&detail.platform).some_line()),
            ("group", detail.group.some_line()),
            ("source", detail.nodes.first().and_then(|node| node.full_name.some_line())),
            ("actual_value", detail.value.some_line()),
            ("dependency", detail.sca_package_data.type_of_dependency.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", &entry.description);
}

fn is_package(entry: &ScanResult<'_>) -> bool {
    matches!(entry.kind.as_str(), "sca" | "sca-container" | "containers")
}

fn vulnerability(builder: &mut ReportBuilder, entry: &ScanResult<'_>) -> usize {
    let (detail, ratings) = (&entry.data, &entry.vulnerability_details);
    let name = detail.query_name.or(&detail.rule_name);
    let id = ratings.cve_name.or(if is_package(entry) { entry.similarity_id.or(&entry.id) } else { &ratings.cve_name });
    let titled = if id.is_empty() { text::title(&query_title(name.or(&entry.description))) } else { id.title() };
    let key = id.some_line().unwrap_or_else(|| format!("{TOOL}:{}", name.or(&entry.description).title()));
    builder.vulnerability(&key, || {
        let mut scores = cvss::Ratings::default();
        scores.add("", ratings.cvss_score.0);
        let links = detail.package_data.iter().map(|link| &link.url).chain([&detail.sca_package_data.fix_link]);
        let mut vulnerability = Vulnerability {
            title: titled,
            description: entry.description.text(),
            remediation: detail.remediation.or(&detail.expected_value).some_text(),
            severity: words::severity_or_unknown(&entry.severity),
            ids: id.some_line().into_iter().collect(),
            cwes: words::cwe(&ratings.cwe_id).into_iter().collect(),
            references: words::each_once(links.filter_map(Text::some_line)),
            ..Vulnerability::default()
        };
        scores.fill(&mut vulnerability);
        vulnerability
    })
}

fn component(builder: &mut ReportBuilder, entry: &ScanResult<'_>) -> Option<usize> {
    let detail = &entry.data;
    if detail.package_name.is_empty() {
        return checkmarx::component(builder, &detail.package_identifier, &detail.package_version);
    }
    builder.component(&detail.package_name, &detail.package_version, "")
}

/// The end of a path, or the file that is named; of a secret too little to be used.
fn location(entry: &ScanResult<'_>) -> Location {
    let detail = &entry.data;
    let sink = detail.nodes.last();
    let is_secret = entry.kind.contains("secret");
    let code = detail.snippet.some_text().map(|code| if is_secret { words::redacted(&code) } else { code });
    let manifest = || detail.sca_package_data.locations.first().and_then(Text::some_line);
    Location {
        file: sink.map_or(&detail.file_name, |sink| &sink.file_name).some_line().or_else(manifest),
        line: sink.map_or(detail.line, |sink| sink.line).positive(),
        snippet: code,
        ..Location::default()
    }
}
