//! Terrascan's JSON: violated policies, and those that a comment in the code skips; also what a registry knows of the
//! vulnerabilities in the images that the code names.

use serde::Deserialize;

use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};

/// Terrascan.
pub const PARSER: Parser = Parser {
    name: "terrascan",
    title: "Terrascan JSON",
    tool: "Terrascan",
    content_types: &["application/json"],
    defectdojo_names: &["Terrascan Scan"],
    example: r#"{"results": {"violations": [{"rule_name": "s3Public", "description": "The bucket is public",
  "rule_id": "AC_AWS_0210", "severity": "HIGH", "category": "Data Protection", "resource_name": "logs",
  "resource_type": "aws_s3_bucket", "file": "main.tf", "line": 3}],
 "scan_summary": {"file/folder": "infra", "iac_type": "terraform", "policies_validated": 607}}}"#,
    shapes: &[
        &[Sign::Has("results.violations"), Sign::Object("results.scan_summary")],
        &[Sign::Has("results.violations[].rule_id"), Sign::Has("results.violations[].resource_type")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    results: Object<Results<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Results<'a> {
    #[serde(borrow)]
    violations: Entries<'a, Violation<'a>>,
    #[serde(borrow)]
    skipped_violations: Entries<'a, Violation<'a>>,
    #[serde(borrow)]
    vulnerabilities: Entries<'a, Vulnerable<'a>>,
    #[serde(borrow)]
    scan_errors: List<Object<ScanError<'a>>>,
    #[serde(borrow)]
    scan_summary: Object<Summary<'a>>,
}

/// A folder that could not be read as one kind of code.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ScanError<'a> {
    #[serde(borrow)]
    iac_type: Text<'a>,
    #[serde(borrow)]
    directory: Text<'a>,
    #[serde(borrow, rename = "errMsg")]
    message: Text<'a>,
}

#[derive(Deserialize)]
struct Vulnerable<'a> {
    #[serde(borrow)]
    vulnerability_id: Text<'a>,
    #[serde(borrow, default)]
    image: Text<'a>,
    #[serde(borrow, default)]
    container: Text<'a>,
    #[serde(borrow, default)]
    package: Text<'a>,
    #[serde(borrow, default)]
    installed_version: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    cvss_score: Object<Cvss<'a>>,
    #[serde(borrow, default)]
    description: Text<'a>,
    #[serde(borrow, default)]
    primary_url: Text<'a>,
    #[serde(borrow, default)]
    resource_name: Text<'a>,
    #[serde(borrow, default)]
    resource_type: Text<'a>,
    #[serde(borrow, default)]
    file: Text<'a>,
    #[serde(default)]
    line: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cvss<'a> {
    #[serde(borrow)]
    v2_vector: Text<'a>,
    v2_score: Number,
    #[serde(borrow)]
    v3_vector: Text<'a>,
    v3_score: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Summary<'a> {
    #[serde(borrow, rename = "file/folder")]
    target: Text<'a>,
    #[serde(borrow)]
    iac_type: Text<'a>,
    #[serde(borrow)]
    scanned_at: Text<'a>,
}

#[derive(Deserialize)]
struct Violation<'a> {
    #[serde(borrow)]
    rule_id: Text<'a>,
    #[serde(borrow, default)]
    rule_name: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    category: Text<'a>,
    #[serde(borrow, default)]
    resource_name: Text<'a>,
    #[serde(borrow, default)]
    resource_type: Text<'a>,
    #[serde(borrow, default)]
    module_name: Text<'a>,
    #[serde(borrow, default)]
    file: Text<'a>,
    #[serde(default)]
    line: Number,
    #[serde(borrow, default)]
    skip_comment: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let results = file.results.0;
    let mut builder = ReportBuilder::new("Terrascan");
    builder.head().target = results.scan_summary.target.some_line();
    builder.head().reported_at = results.scan_summary.scanned_at.time();
    builder.each(results.violations, "/results/violations", |builder, entry, place| add(builder, entry, None, place));
    builder.each(results.skipped_violations, "/results/skipped_violations", |builder, entry, place| {
        let skipped = Analysis { state: AnalysisState::RiskAccepted, justification: entry.skip_comment.some_text() };
        add(builder, entry, Some(skipped), place);
    });
    builder.each(results.vulnerabilities, "/results/vulnerabilities", add_vulnerable);
    // Where no kind was asked for, Terrascan tries all, and every folder fails for most.
    let asked = results.scan_summary.iac_type.as_str();
    let errors = results.scan_errors.iter().enumerate().filter(|(_, error)| error.iac_type.as_str() == asked);
    for (number, error) in errors {
        let detail = format!("{}: {}", error.directory.line(), error.message.line());
        builder.warn(format!("/results/scan_errors/{number}"), &detail);
    }
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Violation<'_>, analysis: Option<Analysis>, place: Box<str>) {
    let severity = words::severity_or_unknown(&entry.severity);
    let vulnerability = builder.vulnerability(&format!("Terrascan:{}", entry.rule_id.line()), || Vulnerability {
        title: entry.description.or(&entry.rule_name).title(),
        severity,
        ..Vulnerability::default()
    });
    let finding = Finding {
        vulnerability,
        location: Location {
            file: entry.file.some_line(),
            line: entry.line.positive(),
            resource: resource(&entry.resource_type, &entry.resource_name),
            ..Location::default()
        },
        analysis,
        place: Some(place),
        facts: facts([
            ("rule", entry.rule_name.some_line()),
            ("category", entry.category.some_line()),
            ("module", entry.module_name.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, entry.description.or(&entry.rule_name), "");
}

fn resource(kind: &Text<'_>, name: &Text<'_>) -> Option<String> {
    text::some([kind, name].into_iter().filter_map(Text::some_line).collect::<Vec<_>>().join("."))
}

fn add_vulnerable(builder: &mut ReportBuilder, entry: &Vulnerable<'_>, place: Box<str>) {
    let mut ratings = Ratings::default();
    ratings.add(&entry.cvss_score.v3_vector, entry.cvss_score.v3_score.0);
    ratings.add(&entry.cvss_score.v2_vector, entry.cvss_score.v2_score.0);
    let ids: Vec<String> = entry.vulnerability_id.some_line().into_iter().collect();
    let vulnerability = Vulnerability {
        key: words::key(&ids, "Terrascan", &entry.vulnerability_id),
        title: entry.vulnerability_id.title(),
        description: entry.description.text(),
        severity: ratings.severity(&entry.severity),
        ids,
        references: entry.primary_url.some_line().into_iter().collect(),
        ..Vulnerability::default()
    };
    let finding = Finding {
        asset: builder.asset(AssetKind::Image, words::image_name(&entry.image)),
        component: builder.component(&entry.package, &entry.installed_version, ""),
        location: Location {
            file: entry.file.some_line(),
            line: entry.line.positive(),
            resource: resource(&entry.resource_type, &entry.resource_name),
            ..Location::default()
        },
        place: Some(place),
        facts: facts([("container", entry.container.some_line())]),
        ..Finding::default()
    };
    builder.add_of(ratings.rate(vulnerability), finding);
}
