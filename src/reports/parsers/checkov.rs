//! Checkov's JSON: of one framework or of several, with the vulnerabilities of packages and images.
//!
//! Checks that somebody switched off beside the code (`checkov:skip`) are findings whose risk was accepted.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries, List};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};
use schema::{Check, Framework, PackageVulnerability};

/// Checkov.
pub const PARSER: Parser = Parser {
    name: "checkov",
    title: "Checkov JSON",
    tool: "Checkov",
    content_types: &["application/json"],
    defectdojo_names: &["Checkov Scan"],
    example: r#"{"check_type": "terraform", "results": {"failed_checks": [{"check_id": "CKV_AWS_20",
  "check_name": "S3 bucket is not public", "file_path": "/bucket.tf", "file_line_range": [1, 9],
  "resource": "aws_s3_bucket.logs"}]}, "summary": {"failed": 1, "checkov_version": "3.2.0"}}"#,
    shapes: &[
        &[Sign::Has("check_type"), Sign::List("results.failed_checks")],
        &[Sign::Has("[].check_type"), Sign::List("[].results.failed_checks")],
        &[Sign::Has("check_type"), Sign::Object("results"), Sign::Object("summary")],
        &[Sign::Has("[].check_type"), Sign::Object("[].results"), Sign::Object("[].summary")],
        // All that is written when there was nothing to check.
        &[Sign::Has("checkov_version"), Sign::Has("passed"), Sign::Has("failed")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let frameworks: List<Framework<'_>> = json::read(text)?;
    let mut builder = ReportBuilder::new("Checkov");
    let version =
        |framework: &Framework<'_>| framework.summary.checkov_version.or(&framework.checkov_version).some_line();
    builder.head().tool_version = frameworks.iter().find_map(version);
    let is_list = text.trim_start().starts_with('[');
    for (number, framework) in frameworks.0.into_iter().enumerate() {
        let path = if is_list { format!("/{number}/results") } else { "/results".to_owned() };
        let (kind, results) = (framework.check_type.line(), framework.results.0);
        add_all(&mut builder, results.failed_checks, &format!("{path}/failed_checks"), &kind, false);
        add_all(&mut builder, results.skipped_checks, &format!("{path}/skipped_checks"), &kind, true);
        for file in results.parsing_errors.iter() {
            builder.warn(&**file, "could not be parsed by Checkov");
        }
    }
    Ok(vec![builder.finish()])
}

fn add_all(builder: &mut ReportBuilder, checks: Entries<'_, Check<'_>>, path: &str, kind: &str, is_skipped: bool) {
    builder.each(checks, path, |builder, check, place| {
        let analysis = is_skipped.then(|| Analysis {
            state: AnalysisState::RiskAccepted,
            justification: check.check_result.suppress_comment.some_text(),
        });
        let finding = Finding {
            location: location(check),
            analysis,
            place: Some(place),
            facts: facts(check, kind),
            ..Finding::default()
        };
        if check.vulnerability_details.id.is_empty() {
            builder.add_of(misconfiguration(check), finding);
        } else {
            add_vulnerable(builder, check, finding);
        }
    });
}

/// Without a key of its vendor's platform, Checkov gives no severity; a failed check is then medium.
fn severity(check: &Check<'_>) -> Severity {
    if check.severity.is_empty() { Severity::Medium } else { words::severity_or_unknown(&check.severity) }
}

fn misconfiguration(check: &Check<'_>) -> Vulnerability {
    Vulnerability {
        key: format!("Checkov:{}", check.check_id.line()),
        title: check.check_name.or(&check.check_id).title(),
        description: check.description.text(),
        severity: severity(check),
        references: check.guideline.some_line().into_iter().collect(),
        ..Vulnerability::default()
    }
}

fn add_vulnerable(builder: &mut ReportBuilder, check: &Check<'_>, mut finding: Finding) {
    let details = &check.vulnerability_details;
    finding.component = builder.component(&details.package_name, &details.package_version, "");
    finding.fixed_version = details.lowest_fixed_version.or(&details.fix_version).some_line();
    builder.add_of(known(details), finding);
}

fn known(details: &PackageVulnerability<'_>) -> Vulnerability {
    let mut ratings = Ratings::default();
    ratings.add(&details.vector, details.cvss.0);
    let ids = vec![details.id.line()];
    let severity = ratings.severity(&details.severity);
    ratings.rate(Vulnerability {
        key: words::key(&ids, "Checkov", &details.id),
        title: details.id.title(),
        description: details.description.text(),
        severity,
        ids,
        references: details.link.some_line().into_iter().collect(),
        ..Vulnerability::default()
    })
}

fn location(check: &Check<'_>) -> Location {
    let code: Vec<&str> = check.code_block.iter().filter_map(|line| Some(line.get(1)?.as_str())).collect();
    Location {
        file: check.file_path.or(&check.repo_file_path).some_line(),
        line: check.file_line_range.first().and_then(|line| line.positive()),
        end_line: check.file_line_range.get(1).and_then(|line| line.positive()),
        snippet: text::some(text::text(&code.concat())),
        resource: check.resource.some_line(),
        ..Location::default()
    }
}

fn facts(check: &Check<'_>, kind: &str) -> Vec<(&'static str, String)> {
    let keys: Vec<&str> = check.check_result.evaluated_keys.iter().map(Text::as_str).collect();
    builder::facts([
        ("framework", text::some_line(kind)),
        ("check", check.bc_check_id.some_line()),
        ("evaluated", text::some_line(&keys.join(", "))),
        ("called_from", check.caller_file_path.some_line()),
    ])
}
