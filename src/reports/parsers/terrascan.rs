//! Terrascan's JSON: violated policies, and those that a comment in the code skips.

use serde::Deserialize;

use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, Object};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

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
    scan_summary: Object<Summary<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Summary<'a> {
    #[serde(borrow, rename = "file/folder")]
    target: Text<'a>,
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
    comment: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let results = file.results.0;
    let mut builder = ReportBuilder::new("Terrascan");
    builder.head().target = results.scan_summary.target.some_line();
    builder.head().reported_at = results.scan_summary.scanned_at.time();
    builder.each(results.violations, "/results/violations", |builder, entry, place| add(builder, entry, None, place));
    builder.each(results.skipped_violations, "/results/skipped_violations", |builder, entry, place| {
        let skipped = Analysis { state: AnalysisState::RiskAccepted, justification: entry.comment.some_text() };
        add(builder, entry, Some(skipped), place);
    });
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Violation<'_>, analysis: Option<Analysis>, place: Box<str>) {
    let severity = words::severity_or_unknown(&entry.severity);
    let vulnerability = builder.vulnerability(&format!("Terrascan:{}", entry.rule_id.line()), || Vulnerability {
        title: entry.description.or(&entry.rule_name).title(),
        severity,
        ..Vulnerability::default()
    });
    let resource = [&entry.resource_type, &entry.resource_name].into_iter().filter_map(Text::some_line);
    let finding = Finding {
        vulnerability,
        location: Location {
            file: entry.file.some_line(),
            line: entry.line.positive(),
            resource: text::some(resource.collect::<Vec<_>>().join(".")),
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
