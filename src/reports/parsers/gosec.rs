//! gosec's JSON. What `#nosec` excuses is read as accepted.

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List, Object, Pairs};
use crate::reports::read::text::Text;
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// gosec.
pub const PARSER: Parser = Parser {
    name: "gosec",
    title: "gosec JSON",
    tool: "gosec",
    content_types: &["application/json"],
    defectdojo_names: &["Gosec Scanner"],
    example: r#"{"Golang errors": {}, "Issues": [{"severity": "MEDIUM", "confidence": "HIGH", "rule_id": "G401",
  "cwe": {"id": "328"}, "details": "Use of weak cryptographic primitive", "file": "main.go", "line": "7"}],
  "Stats": {"files": 1, "lines": 9, "nosec": 0, "found": 1}, "GosecVersion": "2.21.0"}"#,
    shapes: &[
        &[Sign::Has("Issues"), Sign::Has("Stats.nosec"), Sign::Has("Stats.found")],
        &[Sign::Has("Issues[].rule_id"), Sign::Has("Issues[].confidence")],
        &[Sign::Has("Issues"), Sign::Has("GosecVersion")],
    ],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, rename = "Issues")]
    issues: Entries<'a, Issue<'a>>,
    #[serde(borrow, rename = "Golang errors", default)]
    errors: Pairs<Text<'a>, List<Object<Fault<'a>>>>,
    #[serde(borrow, rename = "GosecVersion", default)]
    version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault<'a> {
    #[serde(borrow)]
    error: Text<'a>,
}

#[derive(Deserialize)]
struct Issue<'a> {
    #[serde(borrow)]
    rule_id: Text<'a>,
    #[serde(borrow, default)]
    details: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    confidence: Text<'a>,
    #[serde(borrow, default)]
    cwe: Object<Cwe<'a>>,
    #[serde(borrow, default)]
    file: Text<'a>,
    #[serde(borrow, default)]
    line: Text<'a>,
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    nosec: Text<'a>,
    #[serde(borrow, default)]
    suppressions: List<Object<Suppression<'a>>>,
    #[serde(borrow, default)]
    autofix: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cwe<'a> {
    #[serde(borrow, alias = "ID")]
    id: Text<'a>,
    #[serde(borrow, alias = "URL")]
    url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Suppression<'a> {
    #[serde(borrow)]
    justification: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("gosec");
    builder.head().tool_version = file.version.some_line();
    for (path, faults) in &file.errors.0 {
        let fault = faults.first().map_or("", |fault| fault.error.as_str());
        builder.warn(path, &format!("gosec could not read this file: {fault}"));
    }
    builder.each(file.issues, "/Issues", add);
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, issue: &Issue<'_>, place: Box<str>) {
    // A place of several lines is written `12-14`.
    let (first, last) = issue.line.split_once('-').unwrap_or((&issue.line, ""));
    let location = Location {
        file: words::file_path(&issue.file),
        line: Text::from(first).positive(),
        end_line: Text::from(last).positive(),
        snippet: snippet(issue),
        ..Location::default()
    };
    let finding = Finding {
        location,
        analysis: analysis(issue),
        place: Some(place),
        facts: builder::facts([("confidence", issue.confidence.some_line())]),
        ..Finding::default()
    };
    let vulnerability = Vulnerability {
        key: words::key(&[], "gosec", &issue.rule_id),
        title: issue.details.or(&issue.rule_id).title(),
        remediation: issue.autofix.some_text(),
        severity: words::severity_or_unknown(&issue.severity),
        cwes: words::cwe(&issue.cwe.id).into_iter().collect(),
        references: issue.cwe.url.some_line().into_iter().collect(),
        ..Vulnerability::default()
    };
    builder.add_of(vulnerability, finding);
}

/// The code, unless the finding is that it holds a password.
fn snippet(issue: &Issue<'_>) -> Option<String> {
    if issue.rule_id.as_str() == "G101" { None } else { issue.code.some_text() }
}

fn analysis(issue: &Issue<'_>) -> Option<Analysis> {
    let reasons = issue.suppressions.iter().find_map(|suppression| suppression.justification.some_text());
    let is_accepted = issue.nosec.as_str() == "true" || !issue.suppressions.is_empty();
    is_accepted.then_some(Analysis { state: AnalysisState::RiskAccepted, justification: reasons })
}
