//! GitGuardian's ggshield: secrets in commits, paths and images (`secret scan`), and faults in infrastructure as code
//! (`iac scan`). Each occurrence is a finding.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};
use schema::{Commit, Entity, Incident, Occurrence, Scan};

/// ggshield.
pub const PARSER: Parser = Parser {
    name: "ggshield",
    title: "GitGuardian ggshield JSON",
    tool: "ggshield",
    content_types: &["application/json"],
    defectdojo_names: &["Ggshield Scan"],
    example: r#"{"type": "path_scan", "total_incidents": 1, "total_occurrences": 1, "entities_with_incidents": [
  {"filename": "app.py", "incidents": [{"type": "AWS Keys", "policy": "Secrets detection", "validity": "valid",
   "occurrences": [{"match": "AKIA****", "type": "client_id", "line_start": 3}]}]}]}"#,
    shapes: &[
        &[Sign::Has("total_incidents"), Sign::Has("total_occurrences")],
        &[Sign::List("entities_with_incidents"), Sign::Has("entities_with_incidents[].incidents")],
        &[Sign::List("entities_with_incidents"), Sign::Has("total_incidents")],
        &[Sign::Has("scans[].entities_with_incidents"), Sign::Has("total_incidents")],
        &[Sign::List("added_vulns"), Sign::List("persisting_vulns"), Sign::List("removed_vulns")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("ggshield");
    scan(&mut builder, json::read(text)?, "");
    Ok(vec![builder.finish()])
}

/// A scan may hold others: those of a range's commits, of an image's layers. The JSON reader bounds their depth.
fn scan(builder: &mut ReportBuilder, found: Scan<'_>, path: &str) {
    let commit =
        Commit { id: if found.kind.as_str() == "commit" { found.id } else { Text::default() }, ..found.extra_info.0 };
    for (list, entities) in [
        ("entities_with_incidents", found.entities_with_incidents),
        ("added_vulns", found.added_vulns),
        ("persisting_vulns", found.persisting_vulns),
    ] {
        for (number, entity) in entities.0.into_iter().enumerate() {
            let path = format!("{path}/{list}/{number}/incidents");
            let Entity { filename, incidents } = entity;
            builder
                .each(incidents, &path, |builder, incident, place| add(builder, &filename, &commit, incident, place));
        }
    }
    for (number, inner) in found.scans.0.into_iter().enumerate() {
        scan(builder, inner, &format!("{path}/scans/{number}"));
    }
}

fn add(builder: &mut ReportBuilder, file: &Text<'_>, commit: &Commit<'_>, incident: &Incident<'_>, place: Box<str>) {
    let severity = severity(incident);
    let rule = incident.policy_id.or(&incident.kind).or(&incident.policy);
    let vulnerability = builder.vulnerability(&format!("ggshield:{}", rule.line()), || Vulnerability {
        title: if incident.policy_id.is_empty() { rule.title() } else { incident.policy.or(rule).title() },
        description: incident.description.text(),
        severity,
        references: incident.documentation_url.some_line().into_iter().collect(),
        ..Vulnerability::default()
    });
    let finding = Finding {
        vulnerability,
        fingerprint: incident.ignore_sha.some_line().map(|sha| format!("{}|{sha}", file.line())),
        analysis: analysis(incident),
        place: Some(place),
        ..Finding::default()
    };
    let here = Occurrence { line_start: incident.line_start, line_end: incident.line_end, ..Occurrence::default() };
    let alone = std::slice::from_ref(&here);
    for occurrence in if incident.occurrences.is_empty() { alone } else { &incident.occurrences } {
        let finding = Finding {
            location: location(file, incident, occurrence),
            facts: known(incident, commit, occurrence),
            ..finding.clone()
        };
        builder.add_differing(finding, severity, "", &incident.description);
    }
}

/// Secrets have no severity before version 1.30: whoever reads one may use it.
fn severity(incident: &Incident<'_>) -> Severity {
    words::severity(&incident.severity).filter(|known| *known != Severity::Unknown).unwrap_or(Severity::High)
}

fn location(file: &Text<'_>, incident: &Incident<'_>, occurrence: &Occurrence<'_>) -> Location {
    Location {
        file: file.some_line(),
        line: occurrence.line_start.positive(),
        end_line: occurrence.line_end.positive(),
        // Masked by ggshield, unless it was told not to.
        snippet: occurrence.found.some_text().map(|secret| words::redacted(&secret)),
        resource: incident.component.some_line(),
        ..Location::default()
    }
}

fn analysis(incident: &Incident<'_>) -> Option<Analysis> {
    let reason = incident.ignore_reason.kind.some_line();
    let is_ignored = incident.ignored.unwrap_or(reason.is_some());
    is_ignored.then(|| Analysis {
        state: AnalysisState::RiskAccepted,
        justification: incident.ignore_reason.detail.some_line().or(reason),
    })
}

fn known(incident: &Incident<'_>, commit: &Commit<'_>, occurrence: &Occurrence<'_>) -> Vec<(&'static str, String)> {
    facts([
        ("validity", incident.validity.some_line()),
        ("part", occurrence.kind.some_line()),
        ("incident_url", incident.incident_url.some_line()),
        ("commit", text::some(commit.id.line())),
        ("committer", commit.author.some_line()),
        ("committer_email", commit.email.some_line()),
        ("commit_date", commit.date.some_line()),
    ])
}
