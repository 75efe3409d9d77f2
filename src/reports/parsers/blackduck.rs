//! Black Duck: `security.csv` of a project version's report, alone or in the zip with its other tables.
//!
//! Older reports call a component `Project`, newer ones `Component`. A row is a vulnerability of one origin of a
//! component. Where in the code an origin is stands in the zip's `source.csv`, which was `files.csv`.

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::companion::{Companion, Notes};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::packages;
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// Black Duck's CSV.
pub const PARSER: Parser = Parser {
    name: "blackduck",
    title: "Black Duck security report",
    tool: "Black Duck",
    content_types: &["text/csv", "application/zip"],
    defectdojo_names: &["Blackduck Hub Scan"],
    example: "Component id,Component name,Component version name,Channel version origin id,Vulnerability id,Security Risk\n\
              88cc892e,zlib,1.2,zlib/1.2,CVE-2026-10001,HIGH\n",
    shapes: &[
        &[Sign::Column("vulnerability id"), Sign::Column("channel version origin id"), Sign::Column("security risk")],
        &[Sign::Column("vulnerability id"), Sign::Column("component origin id"), Sign::Column("security risk")],
        &[Sign::Column("vulnerability id"), Sign::Column("remediation status"), Sign::Column("security risk")],
    ],
    parse,
};

/// The files that the components were found by, beside the vulnerabilities in the zip.
pub const FILES: Companion = Companion {
    of: PARSER.name,
    shapes: &[
        &[Sign::Column("origin id"), Sign::Column("match content"), Sign::Column("path")],
        &[Sign::Column("channel version id"), Sign::Column("match content"), Sign::Column("path")],
    ],
    read: files,
    name: |finding| finding.fact(ORIGIN),
};

/// The fact that holds Black Duck's own id of an origin.
const ORIGIN: &str = "component_origin_id";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let table = Table::new(text)?;
    if !table.has_column("vulnerability id") {
        // Of the zip's tables only one is about vulnerabilities.
        return Err(ParseError::Unrecognised { detail: "line 1: no column \"Vulnerability id\"".to_owned() });
    }
    let mut builder = ReportBuilder::new("Black Duck");
    table.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) if row.get("vulnerability id").is_empty() => builder.lose(place, "no vulnerability id"),
            Ok(row) => add(&mut builder, row, place.into()),
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

fn files(text: &str) -> Result<Notes, ParseError> {
    let mut notes = Notes::default();
    Table::new(text)?.each(|_, row| {
        // A row that cannot be read costs a path, and no finding.
        if let Ok(row) = row {
            // What is packed in an archive has the archive's path with a mark behind it.
            let path = format!("{}{}", row.get("archive context").trim_end_matches('/'), row.get("path"));
            notes.place(origin(row), &path);
        }
        Ok(())
    })?;
    Ok(notes)
}

/// Black Duck's own id of an origin. In `security.csv`, «component origin id» is what the origin calls it.
fn origin<'r>(row: &'r Row<'_>) -> &'r str {
    row.first(&["channel version id", "origin id"])
}

fn add(builder: &mut ReportBuilder, row: &Row<'_>, place: Box<str>) {
    let named = |column: &str| text::some_line(row.get(column));
    let ratings = ratings(row);
    let severity = ratings.severity(row.get("security risk"));
    let finding = Finding {
        vulnerability: vulnerability(builder, row),
        component: component(builder, row),
        location: Location { file: named("path"), ..Location::default() },
        analysis: analysis(row),
        place: Some(place),
        facts: builder::facts([
            (ORIGIN, text::some_line(origin(row))),
            ("component_origin", named("channel version origin").or_else(|| named("component origin name"))),
            ("match_type", named("match type")),
            ("project_path", named("project path")),
            ("reachable", named("reachable")),
            ("remediation_target_date", named("remediation target date")),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", row.get("description"));
}

fn vulnerability(builder: &mut ReportBuilder, row: &Row<'_>) -> usize {
    let given = row.get("vulnerability id");
    let ids = ids(given);
    // VulnDB's ids are bare numbers: they need its name to be one.
    let own_key = || match text::some_line(row.get("vulnerability source")) {
        Some(source) if given.bytes().all(|byte| byte.is_ascii_digit()) => format!("{source}:{given}"),
        _ => text::line(given),
    };
    let key = words::best_id(&ids).filter(|id| words::is_vulnerability_id(id)).cloned().unwrap_or_else(own_key);
    builder.vulnerability(&key, || {
        let ratings = ratings(row);
        let mut vulnerability = Vulnerability {
            title: text::title(given),
            description: text::text(row.get("description")),
            remediation: text::some_text(row.get("solution")),
            severity: ratings.severity(row.get("security risk")),
            ids: ids.clone(),
            cwes: words::cwes(row.first(&["cwe ids", "cwe id"])),
            known_exploited: !row.first(&["cisa vulnerability id", "cisa exploit added"]).is_empty(),
            references: words::links(row.get("url")),
            ..Vulnerability::default()
        };
        ratings.fill(&mut vulnerability);
        vulnerability
    })
}

/// `CVE-2026-10001 (BDSA-2026-0001)` is two ids.
fn ids(given: &str) -> Vec<String> {
    let parts = given.split(['(', ')', ',', ' ']).filter(|part| !part.is_empty());
    words::each_once(parts.map(text::line))
}

fn ratings(row: &Row<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    ratings.add(row.get("cvss vector"), Text::from(row.first(&["base score", "overall score"])).number());
    ratings
}

fn component(builder: &mut ReportBuilder, row: &Row<'_>) -> Option<usize> {
    let origin = row.first(&["channel version origin id", "component origin id", "origin id"]);
    let kind = row.first(&["channel version origin", "component origin name", "origin name"]);
    let version = row.first(&["version", "component version name"]);
    // The origin's id is its coordinates with the version behind.
    let coordinates = origin.strip_suffix(version).map(|name| name.trim_end_matches([':', '/']));
    let purl = coordinates.and_then(|name| packages::purl(kind, &packages::name(name), version));
    builder.component(row.first(&["project name", "component name"]), version, &purl.unwrap_or_default())
}

/// What the team decided. `NEW` and `DUPLICATE` decide nothing. Some exporters write `Not affected`.
fn analysis(row: &Row<'_>) -> Option<Analysis> {
    let status = row.get("remediation status").to_uppercase().replace(' ', "_");
    let state = match status.as_str() {
        "NEEDS_REVIEW" | "UNDER_INVESTIGATION" => AnalysisState::InReview,
        "REMEDIATION_REQUIRED" | "AFFECTED" => AnalysisState::Affected,
        "REMEDIATION_COMPLETE" | "PATCHED" => AnalysisState::Resolved,
        "IGNORED" | "MITIGATED" => AnalysisState::RiskAccepted,
        "NOT_AFFECTED" => AnalysisState::NotAffected,
        _ => return None,
    };
    let reason = row.first(&["remediation comment", "status justification"]);
    Some(Analysis { state, justification: text::some_text(reason) })
}
