//! Veracode SCA (SourceClear): the issues of a workspace as CSV or as its REST API gives them, and what its agent writes.
//!
//! Issues of libraries and licenses are no vulnerabilities and are passed over. The CVE is written without `CVE-`.

mod agent;
mod schema;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::packages;
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Report, Vulnerability};
use schema::{File, Issue, Library, Subject};

/// Veracode SCA.
pub const PARSER: Parser = Parser {
    name: "veracode_sca",
    title: "Veracode SCA (SourceClear) issues",
    tool: "Veracode SCA",
    content_types: &["text/csv", "application/json"],
    defectdojo_names: &["Veracode SourceClear Scan"],
    example: "Issue ID,Issue type,Library,Version in use,Package manager,CVSS score,Severity,CVE\n\
              7,Vulnerability,zlib,1.2,PYPI,7.5,High,2026-10001\n",
    shapes: &[
        &[Sign::Column("issue type"), Sign::Column("library"), Sign::Column("version in use")],
        &[Sign::Has("_embedded.issues[].issue_type"), Sign::Has("_embedded.issues[].library")],
        &[Sign::List("_embedded.issues"), Sign::Object("page")],
        &[Sign::List("records[].libraries"), Sign::Has("records[].vulnerabilities")],
    ],
    parse,
};

const TOOL: &str = "Veracode SCA";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    if text.trim_start().starts_with('{') {
        let file: File<'_> = json::read(text)?;
        builder.each(file.embedded.0.issues, "/_embedded/issues", add);
        for (index, record) in file.records.into_iter().enumerate() {
            let path = format!("/records/{index}");
            if let Some(record) = builder.keep(record, &path) {
                agent::add_record(&mut builder, record, index, &path);
            }
        }
    } else {
        rows(&mut builder, text)?;
    }
    Ok(vec![builder.finish()])
}

fn rows(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let table = Table::new(text)?;
    if !table.has_column("issue type") {
        return Err(ParseError::unfit("line 1", "no column \"Issue type\""));
    }
    table.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) => add(builder, &issue(row), place.into()),
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })
}

/// A row as the API would give it.
fn issue<'r>(row: &'r Row<'_>) -> Issue<'r> {
    let text = |column: &str| Text::from(row.get(column));
    let coordinates = [row.get("package manager"), row.get("coordinate 1"), row.get("coordinate 2")];
    let coordinates = coordinates.join(":");
    Issue {
        id: text("issue id"),
        kind: text("issue type"),
        ignored: text("ignored"),
        status: text("status"),
        created_at: text("issue opened: scan date"),
        severity: text("severity"),
        project: text("project"),
        branch: text("branch"),
        library: json::Object(Library {
            coordinates: Text::from(coordinates),
            name: text("library"),
            version: text("version in use"),
            direct: text("dependency (transitive or direct)"),
        }),
        vulnerability: json::Object(Subject {
            id: text("vulnerability id"),
            title: text("title"),
            cve: text("cve"),
            cvss2_score: text::Number(text("cvss score").number()),
            ..Subject::default()
        }),
        vulnerable_method: text("has vulnerable methods"),
        fixed_version: text("updated version"),
        ..Issue::default()
    }
}

fn add(builder: &mut ReportBuilder, issue: &Issue<'_>, place: Box<str>) {
    if issue.kind.is_empty() {
        builder.lose(place, "no issue type");
        return;
    }
    if !issue.kind.eq_ignore_ascii_case("vulnerability") {
        return;
    }
    builder.head().target = builder.head().target.take().or_else(|| issue.project.some_line());
    let severity = ratings(issue).severity(&issue.severity);
    let finding = Finding {
        vulnerability: vulnerability(builder, issue),
        component: component(builder, &issue.library),
        fingerprint: issue.id.some_line(),
        analysis: analysis(issue),
        fixed_version: issue.fixed_version.some_line(),
        found_at: issue.created_at.time(),
        place: Some(place),
        facts: builder::facts([
            ("project", issue.project.some_line()),
            ("branch", issue.branch.some_line()),
            ("dependency", dependency(&issue.library)),
            ("vulnerable_method", issue.vulnerable_method.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &issue.vulnerability.title, "");
}

fn vulnerability(builder: &mut ReportBuilder, issue: &Issue<'_>) -> usize {
    let subject = &issue.vulnerability;
    let id = subject.cve.some_line().map(|cve| match cve.get(..4) {
        Some(start) if start.eq_ignore_ascii_case("cve-") => cve,
        _ => format!("CVE-{cve}"),
    });
    let own_key = || format!("{TOOL}:{}", subject.id.or(&subject.title).line());
    builder.vulnerability(&id.clone().unwrap_or_else(own_key), || {
        let ratings = ratings(issue);
        let link = issue.links.html.href.some_line();
        let mut vulnerability = Vulnerability {
            title: subject.title.or(&subject.cve).title(),
            description: subject.overview.text(),
            severity: ratings.severity(&issue.severity),
            ids: id.into_iter().collect(),
            cwes: words::cwes(&subject.cwe_id),
            references: link.into_iter().collect(),
            ..Vulnerability::default()
        };
        ratings.fill(&mut vulnerability);
        vulnerability
    })
}

/// Where there is a v3 score, Veracode's severity is by that one.
fn ratings(issue: &Issue<'_>) -> Ratings {
    let subject = &issue.vulnerability;
    let mut ratings = Ratings::default();
    ratings.add(&subject.cvss3_vector, subject.cvss3_score.0.or_else(|| issue.severity.number()));
    if ratings.score().is_none() {
        ratings.add(&subject.cvss2_vector, subject.cvss2_score.0);
    }
    ratings
}

fn component(builder: &mut ReportBuilder, library: &Library<'_>) -> Option<usize> {
    // `maven:group:artifact:version:`, other package managers leave the second coordinate empty.
    let mut parts = library.coordinates.split(':').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let names: Vec<&str> = parts.take_while(|part| *part != library.version.as_str()).collect();
    let name = packages::name(&names.join(":"));
    let purl = packages::purl(kind, &name, &library.version).unwrap_or_default();
    let shown = if purl.is_empty() { library.name.as_str() } else { &name };
    builder.component(shown, &library.version, &purl)
}

fn dependency(library: &Library<'_>) -> Option<String> {
    match library.direct.to_ascii_lowercase().as_str() {
        "true" | "direct" => Some("direct".to_owned()),
        "false" | "transitive" => Some("transitive".to_owned()),
        _ => library.direct.some_line(),
    }
}

fn analysis(issue: &Issue<'_>) -> Option<Analysis> {
    let state = match issue.status.to_ascii_lowercase().as_str() {
        _ if issue.ignored.eq_ignore_ascii_case("true") => AnalysisState::RiskAccepted,
        "resolved" | "fixed" => AnalysisState::Resolved,
        _ => return None,
    };
    Some(Analysis { state, justification: None })
}
