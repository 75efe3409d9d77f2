//! Horusec's JSON: the findings of its own engine and of the tools that it runs.

use serde::Deserialize;

use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, Object};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// Horusec.
pub const PARSER: Parser = Parser {
    name: "horusec",
    title: "Horusec JSON",
    tool: "Horusec",
    content_types: &["application/json"],
    defectdojo_names: &["Horusec Scan"],
    example: r#"{"version": "v2.8.0", "status": "success", "createdAt": "2026-01-31T08:00:00Z", "analysisVulnerabilities": [
  {"vulnerabilities": {"line": "12", "file": "a.js", "code": "eval(x)", "details": "No use eval\nIt runs any code.",
   "securityTool": "HorusecEngine", "severity": "CRITICAL", "type": "Vulnerability", "rule_id": "HS-JS-1"}}]}"#,
    shapes: &[&[Sign::Has("analysisVulnerabilities"), Sign::Has("status")]],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File<'a> {
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    errors: Text<'a>,
    #[serde(borrow)]
    repository_name: Text<'a>,
    #[serde(borrow)]
    created_at: Text<'a>,
    #[serde(borrow)]
    finished_at: Text<'a>,
    #[serde(borrow)]
    analysis_vulnerabilities: Entries<'a, Wrapped<'a>>,
}

#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    vulnerabilities: Object<Vulnerable<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Vulnerable<'a> {
    line: Number,
    #[serde(borrow)]
    file: Text<'a>,
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(borrow)]
    details: Text<'a>,
    #[serde(borrow)]
    confidence: Text<'a>,
    #[serde(borrow)]
    security_tool: Text<'a>,
    #[serde(borrow)]
    language: Text<'a>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    commit_author: Text<'a>,
    #[serde(borrow)]
    commit_email: Text<'a>,
    #[serde(borrow)]
    commit_hash: Text<'a>,
    #[serde(borrow)]
    commit_message: Text<'a>,
    #[serde(borrow)]
    commit_date: Text<'a>,
    #[serde(borrow, rename = "rule_id")]
    rule_id: Text<'a>,
    #[serde(borrow)]
    vuln_hash: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    json::expect_one(text, &["analysisVulnerabilities"])?;
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Horusec");
    let head = builder.head();
    head.tool_version = text::some(file.version.line().trim_start_matches('v').to_owned());
    head.reported_at = file.finished_at.time().or_else(|| file.created_at.time());
    head.target = file.repository_name.some_line();
    head.failed = file.status.as_str() == "error";
    if let Some(errors) = file.errors.some_text() {
        builder.warn("/errors", &errors);
    }
    builder.each(file.analysis_vulnerabilities, "/analysisVulnerabilities", |builder, entry, place| {
        add(builder, &entry.vulnerabilities, place);
    });
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Vulnerable<'_>, place: Box<str>) {
    let details = entry.details.text();
    let (title, description) = details.split_once('\n').unwrap_or((&details, ""));
    let title = text::title(without_count(title));
    if title.is_empty() {
        builder.lose(place, "no details");
        return;
    }
    let rule = entry.rule_id.some_line().unwrap_or_else(|| title.clone());
    let vulnerability = Vulnerability {
        key: words::key(&[], "Horusec", &rule),
        title,
        description: text::text(description),
        severity: words::severity_or_unknown(&entry.severity),
        ids: words::ids_in(&details),
        cwes: words::cwes(&details),
        ..Vulnerability::default()
    };
    let finding = Finding {
        location: Location {
            file: words::file_path(&entry.file),
            line: entry.line.positive(),
            snippet: snippet(entry),
            ..Location::default()
        },
        fingerprint: entry.vuln_hash.some_line(),
        analysis: analysis(&entry.kind),
        place: Some(place),
        facts: facts([
            ("engine", entry.security_tool.some_line()),
            ("language", entry.language.some_line()),
            ("confidence", entry.confidence.some_line()),
            ("commit", known(&entry.commit_hash)),
            ("committer", known(&entry.commit_author)),
            ("committer_email", known(&entry.commit_email)),
            ("commit_date", known(&entry.commit_date)),
            ("commit_message", known(&entry.commit_message)),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability, finding);
}

/// `(1/2) * Possible vulnerability detected: No use eval` is `No use eval`.
fn without_count(title: &str) -> &str {
    let title = match title.split_once(") * ") {
        Some((count, rest)) if count.starts_with('(') => rest,
        _ => title,
    };
    title.strip_prefix("Possible vulnerability detected: ").unwrap_or(title)
}

/// The code; where it is a secret, too little of it to be used.
fn snippet(entry: &Vulnerable<'_>) -> Option<String> {
    let code = entry.code.some_text()?;
    Some(if entry.language.as_str() == "Leaks" { words::redacted(&code) } else { code })
}

/// Horusec writes `-` for what it does not know.
fn known(text: &Text<'_>) -> Option<String> {
    text.some_line().filter(|text| text != "-")
}

/// What its platform or configuration says of a finding.
fn analysis(kind: &str) -> Option<Analysis> {
    let state = match kind {
        "False Positive" => AnalysisState::FalsePositive,
        "Risk Accepted" => AnalysisState::RiskAccepted,
        "Corrected" => AnalysisState::Resolved,
        _ => return None,
    };
    Some(Analysis { state, justification: None })
}
