//! Semgrep's JSON: `semgrep scan` and `semgrep ci`, with dependencies and secrets; and the platform's list of
//! vulnerable dependencies.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};
use schema::{Extra, File, Match, VulnerableDependency};

/// Semgrep.
pub const PARSER: Parser = Parser {
    name: "semgrep",
    title: "Semgrep JSON",
    tool: "Semgrep",
    content_types: &["application/json"],
    defectdojo_names: &["Semgrep JSON Report"],
    example: r#"{"version": "1.100.0", "errors": [], "paths": {"scanned": ["app.py"]}, "results": [
  {"check_id": "python.lang.security.eval", "path": "app.py", "start": {"line": 3}, "end": {"line": 3},
   "extra": {"message": "Eval of input.", "severity": "ERROR", "metadata": {"cwe": ["CWE-95: Eval Injection"]}}}]}"#,
    shapes: &[
        &[Sign::Has("results[].check_id"), Sign::Has("results[].path")],
        &[Sign::List("results"), Sign::List("errors"), Sign::Object("paths")],
        &[Sign::List("results"), Sign::List("errors"), Sign::Lacks("generated_at"), Sign::Lacks("metrics")],
        &[Sign::Has("vulns[].advisory.ruleId"), Sign::Has("vulns[].matchedDependency")],
        &[Sign::List("vulns"), Sign::Has("hasMore")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Semgrep");
    builder.head().tool_version = file.version.some_line();
    builder.each(file.results, "/results", add_match);
    builder.each(file.vulns, "/vulns", add_dependency);
    Ok(vec![builder.finish()])
}

/// Semgrep's words. Its documentation equates `ERROR`, `WARNING` and `INFO` of older rules with high, medium and low;
/// experiments and inventories only take note of something.
pub fn severity(word: &str) -> Severity {
    match word.to_ascii_uppercase().as_str() {
        "INFO" => Severity::Low,
        "EXPERIMENT" | "INVENTORY" => Severity::None,
        word => words::severity_or_unknown(word),
    }
}

fn add_match(builder: &mut ReportBuilder, entry: &Match<'_>, place: Box<str>) {
    let extra = &entry.extra;
    let severity = severity(&extra.severity);
    let vulnerability = vulnerability(builder, entry, severity);
    let found = &extra.sca_info.dependency_match.found_dependency;
    let safe = extra.metadata.fix_versions.iter().flat_map(|versions| &versions.0);
    let safe = safe.filter(|(name, _)| *name == found.package).filter_map(|(_, version)| version.some_line());
    let finding = Finding {
        vulnerability,
        component: builder.component(&found.package, &found.version, ""),
        location: Location {
            file: entry.path.some_line(),
            line: entry.start.line.positive(),
            end_line: entry.end.line.positive(),
            snippet: snippet(extra),
            ..Location::default()
        },
        fingerprint: given(&extra.fingerprint).and_then(Text::some_line),
        analysis: analysis(extra),
        fixed_version: text::some(safe.collect::<Vec<_>>().join(", ")),
        place: Some(place),
        facts: match_facts(extra),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", &extra.message);
}

fn vulnerability(builder: &mut ReportBuilder, entry: &Match<'_>, severity: Severity) -> usize {
    let (extra, metadata) = (&entry.extra, &entry.extra.metadata);
    let ids: Vec<String> = metadata.vulnerability_id.some_line().into_iter().collect();
    let key = ids.first().cloned().unwrap_or_else(|| format!("Semgrep:{}", entry.check_id.line()));
    builder.vulnerability(&key, || {
        let links = metadata.references.iter().chain([&metadata.source_rule_url, &metadata.source]);
        Vulnerability {
            title: entry.check_id.title(),
            description: extra.message.text(),
            severity,
            ids: ids.clone(),
            cwes: words::each_once(metadata.cwe.iter().filter_map(|cwe| words::cwe(cwe))),
            references: words::each_once(links.filter_map(Text::some_line)),
            ..Vulnerability::default()
        }
    })
}

/// Without a login, Semgrep writes a phrase where fingerprint and code would be.
fn given<'t, 'a>(text: &'t Text<'a>) -> Option<&'t Text<'a>> {
    Some(text).filter(|text| text.as_str() != "requires login")
}

/// The code; where it is a secret, too little of it to be used. Only rules that look for secrets validate them.
fn snippet(extra: &Extra<'_>) -> Option<String> {
    let code = given(&extra.lines)?.some_text()?;
    let is_secret = !matches!(extra.validation_state.as_str(), "" | "NO_VALIDATOR");
    Some(if is_secret { words::redacted(&code) } else { code })
}

fn analysis(extra: &Extra<'_>) -> Option<Analysis> {
    let is_suppressed = extra.is_ignored.as_str() == "true";
    let justification = Some("nosemgrep".to_owned());
    is_suppressed.then_some(Analysis { state: AnalysisState::RiskAccepted, justification })
}

fn match_facts(extra: &Extra<'_>) -> Vec<(&'static str, String)> {
    let (metadata, sca) = (&extra.metadata, &extra.sca_info);
    let found = &sca.dependency_match.found_dependency;
    builder::facts([
        ("confidence", metadata.confidence.some_line()),
        ("likelihood", metadata.likelihood.some_line()),
        ("impact", metadata.impact.some_line()),
        ("category", metadata.category.some_line()),
        ("validation", extra.validation_state.some_line().filter(|state| state != "NO_VALIDATOR")),
        ("reachable", sca.reachable.some_line()),
        ("ecosystem", found.ecosystem.some_line()),
        ("transitivity", found.transitivity.some_line()),
        ("commit", extra.historical_info.git_commit.some_line()),
        ("commit_date", extra.historical_info.git_commit_timestamp.some_line()),
        ("suggested_code", extra.fix.some_text()),
    ])
}

fn add_dependency(builder: &mut ReportBuilder, entry: &VulnerableDependency<'_>, place: Box<str>) {
    let (advisory, dependency) = (&entry.advisory, &entry.matched_dependency);
    let severity = severity(&advisory.severity);
    let ids = words::each_once(advisory.references.cve_ids.iter().filter_map(Text::some_line));
    let own_key = || format!("Semgrep:{}", advisory.rule_id.line());
    let vulnerability = builder.vulnerability(&ids.first().cloned().unwrap_or_else(own_key), || Vulnerability {
        title: entry.title.or(&advisory.title).title(),
        description: advisory.description.text(),
        severity,
        ids: ids.clone(),
        cwes: words::each_once(advisory.references.cwe_ids.iter().filter_map(|cwe| words::cwe(cwe))),
        references: words::each_once(advisory.references.urls.iter().filter_map(Text::some_line)),
        ..Vulnerability::default()
    });
    let used =
        entry.usages.iter().map(|usage| format!("{}:{}", usage.location.path.line(), usage.location.start_line.line()));
    let mut facts = builder::facts([
        ("reachability", entry.exposure_type.some_line()),
        ("transitivity", entry.transitivity.some_line()),
        ("triage", entry.triage.status.some_line()),
        ("ticket", entry.triage.issue_url.some_line()),
    ]);
    facts.extend(used.take(words::LIST_LIMIT).map(|place| ("used_at", place)));
    let finding = Finding {
        vulnerability,
        asset: builder.asset(AssetKind::Repository, &entry.repository_name),
        component: builder.component(&dependency.name, &dependency.version_specifier, ""),
        location: Location {
            file: entry.dependency_file_location.path.some_line(),
            line: entry.dependency_file_location.start_line.positive(),
            ..Location::default()
        },
        fingerprint: entry.group_key.some_line(),
        analysis: dismissal(&entry.triage.dismiss_reason),
        fixed_version: entry.closest_safe_dependency.version_specifier.some_line(),
        found_at: entry.opened_at.time(),
        place: Some(place),
        facts,
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &entry.title, &advisory.description);
}

/// What a team's reason for setting a finding aside means, in either spelling of the platform's API.
pub fn dismissal(reason: &str) -> Option<Analysis> {
    let state = match reason.to_ascii_uppercase().as_str() {
        "FALSE_POSITIVE" => AnalysisState::FalsePositive,
        "ACCEPTABLE_RISK" | "NO_TIME" => AnalysisState::RiskAccepted,
        _ => return None,
    };
    Some(Analysis { state, justification: Some(reason.to_ascii_lowercase()) })
}
