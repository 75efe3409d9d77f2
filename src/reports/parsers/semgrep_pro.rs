//! Findings as the API of Semgrep's platform lists them: code, and dependencies.
//!
//! The list may span branches; a finding that stands on several of them is listed as often with one `match_based_id`,
//! and is one.

use std::collections::HashSet;

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::semgrep;
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};

/// Semgrep's platform.
pub const PARSER: Parser = Parser {
    name: "semgrep_pro",
    title: "Semgrep AppSec Platform findings",
    tool: "Semgrep",
    content_types: &["application/json"],
    defectdojo_names: &["Semgrep Pro JSON Report"],
    example: r#"{"findings": [{"id": 1, "match_based_id": "0f8c_0", "repository": {"name": "shop/web"}, "severity": "high",
  "rule_name": "python.eval", "rule_message": "Eval of input.", "location": {"file_path": "a.py", "line": 3}}]}"#,
    shapes: &[
        &[Sign::Has("findings[].match_based_id"), Sign::Has("findings[].rule_name")],
        &[Sign::Has("findings[].rule_name"), Sign::Has("findings[].location.file_path")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    findings: Entries<'a, PlatformFinding<'a>>,
}

#[derive(Deserialize)]
struct PlatformFinding<'a> {
    #[serde(borrow, default)]
    match_based_id: Text<'a>,
    #[serde(borrow, default)]
    repository: Object<Repository<'a>>,
    #[serde(borrow, default)]
    line_of_code_url: Text<'a>,
    #[serde(borrow, default)]
    state: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(borrow, default)]
    triage_state: Text<'a>,
    #[serde(borrow, default)]
    triage_reason: Text<'a>,
    #[serde(borrow, default)]
    triage_comment: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    confidence: Text<'a>,
    #[serde(borrow, default)]
    created_at: Text<'a>,
    #[serde(borrow)]
    rule_name: Text<'a>,
    #[serde(borrow, default)]
    rule_message: Text<'a>,
    #[serde(borrow, default)]
    location: Object<CodePlace<'a>>,
    #[serde(borrow, default)]
    rule: Object<Rule<'a>>,
    #[serde(borrow, default)]
    assistant: Object<Assistant<'a>>,
    #[serde(borrow, default)]
    external_ticket: Object<Ticket<'a>>,
    #[serde(borrow, default)]
    vulnerability_identifier: Text<'a>,
    #[serde(borrow, default)]
    reachability: Text<'a>,
    #[serde(borrow, default)]
    found_dependency: Object<Dependency<'a>>,
    #[serde(borrow, default)]
    fix_recommendations: List<Dependency<'a>>,
    #[serde(default)]
    epss_score: Object<Epss>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Repository<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CodePlace<'a> {
    #[serde(borrow)]
    file_path: Text<'a>,
    line: Number,
    end_line: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rule<'a> {
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow)]
    cwe_names: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Assistant<'a> {
    #[serde(borrow)]
    guidance: Object<Guidance<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Guidance<'a> {
    #[serde(borrow)]
    summary: Text<'a>,
    #[serde(borrow)]
    instructions: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ticket<'a> {
    #[serde(borrow)]
    url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Dependency<'a> {
    #[serde(borrow)]
    package: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Epss {
    score: Number,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Semgrep");
    let mut known = HashSet::new();
    builder.each(file.findings, "/findings", |builder, entry, place| {
        let identity = (entry.repository.name.line(), entry.match_based_id.line());
        if entry.match_based_id.is_empty() || known.insert(identity) {
            add(builder, entry, place);
        }
    });
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &PlatformFinding<'_>, place: Box<str>) {
    let severity = semgrep::severity(&entry.severity);
    let ids: Vec<String> = entry.vulnerability_identifier.some_line().into_iter().collect();
    let key = ids.first().cloned().unwrap_or_else(|| format!("Semgrep:{}", entry.rule_name.line()));
    let message = entry.rule_message.or(&entry.rule.message);
    let vulnerability = builder.vulnerability(&key, || Vulnerability {
        title: entry.rule_name.title(),
        description: message.text(),
        severity,
        ids: ids.clone(),
        cwes: words::each_once(entry.rule.cwe_names.iter().filter_map(|cwe| words::cwe(cwe))),
        epss: entry.epss_score.score.probability(),
        ..Vulnerability::default()
    });
    let found = &entry.found_dependency;
    let safe = entry.fix_recommendations.iter().filter(|fix| fix.package == found.package);
    let safe: Vec<String> = safe.filter_map(|fix| fix.version.some_line()).collect();
    let finding = Finding {
        vulnerability,
        asset: builder.asset(AssetKind::Repository, &entry.repository.name),
        component: builder.component(&found.package, &found.version, ""),
        location: Location {
            file: entry.location.file_path.some_line(),
            line: entry.location.line.positive(),
            end_line: entry.location.end_line.positive(),
            ..Location::default()
        },
        fingerprint: entry.match_based_id.some_line(),
        analysis: analysis(entry),
        fixed_version: text::some(safe.join(", ")),
        found_at: entry.created_at.time(),
        place: Some(place),
        facts: facts(entry),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", message);
}

/// What the team decided, else whether the platform still finds it.
fn analysis(entry: &PlatformFinding<'_>) -> Option<Analysis> {
    let state = match (entry.triage_state.as_str(), entry.status.or(&entry.state).as_str()) {
        ("ignored", _) | (_, "ignored") => AnalysisState::RiskAccepted,
        (_, "fixed" | "removed") => AnalysisState::Resolved,
        ("reviewing", _) | (_, "reviewing") => AnalysisState::InReview,
        _ => return semgrep::dismissal(&entry.triage_reason),
    };
    let reasoned = semgrep::dismissal(&entry.triage_reason).filter(|_| state == AnalysisState::RiskAccepted);
    Some(reasoned.unwrap_or(Analysis { state, justification: entry.triage_comment.some_line() }))
}

fn facts(entry: &PlatformFinding<'_>) -> Vec<(&'static str, String)> {
    let guidance = &entry.assistant.guidance;
    builder::facts([
        ("confidence", entry.confidence.some_line()),
        ("category", entry.rule.category.some_line()),
        ("reachability", entry.reachability.some_line()),
        ("code_url", entry.line_of_code_url.some_line()),
        ("ticket", entry.external_ticket.url.some_line()),
        ("guidance", guidance.instructions.or(&guidance.summary).some_text()),
    ])
}
