//! HackerOne reports: the CSV that its inbox exports, the same columns as JSON, and the answer of its API.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Report, Vulnerability};
use schema::{ApiReport, Case, File};

/// HackerOne.
pub const PARSER: Parser = Parser {
    name: "h1",
    title: "HackerOne reports (CSV, JSON, API)",
    tool: "HackerOne",
    content_types: &["text/csv", "application/json"],
    defectdojo_names: &["HackerOne Cases"],
    example: "id,title,severity_rating,state,substate,weakness,reported_at,structured_scope,cve_ids\n\
              1,Orders of others can be read,high,open,triaged,IDOR,2026-01-31 08:00:00 UTC,shop.example.com,\n",
    shapes: &[
        &[Sign::Column("severity rating"), Sign::Column("weakness"), Sign::Column("structured scope")],
        &[Sign::Has("findings[].severity_rating"), Sign::Has("findings[].weakness")],
        &[
            Sign::Says("data[].type", "report"),
            Sign::Has("data[].attributes.vulnerability_information"),
            Sign::Object("data[].relationships"),
        ],
        &[Sign::Says("data.type", "report"), Sign::Has("data.attributes.vulnerability_information")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("HackerOne");
    if text.trim_start().starts_with('{') {
        let file: File<'_> = json::read(text)?;
        builder.each(file.findings, "/findings", add);
        builder.each(file.data, "/data", |builder, report, place| add(builder, &from_api(report), place));
    } else {
        Table::new(text)?.each(|line, row| {
            let place = format!("line {line}");
            match row {
                Ok(row) => add(&mut builder, &from_row(row), place.into()),
                Err(detail) => builder.lose(place, &detail),
            }
            Ok(())
        })?;
    }
    Ok(vec![builder.finish()])
}

fn from_row<'r>(row: &'r Row<'_>) -> Case<'r> {
    let text = |column: &str| Text::from(row.get(column));
    Case {
        id: text("id"),
        title: text("title"),
        severity_rating: text("severity rating"),
        severity_score: text("severity score"),
        state: text("state"),
        substate: text("substate"),
        weakness: text("weakness"),
        reported_at: text("reported at"),
        triaged_at: text("triaged at"),
        closed_at: text("closed at"),
        reporter: text("reporter"),
        assigned: text("assigned"),
        reference: text("reference"),
        reference_url: text("reference url"),
        structured_scope: text("structured scope"),
        original_report_id: text("original report id"),
        cve_ids: text("cve ids"),
        ..Case::default()
    }
}

fn from_api<'a>(report: &ApiReport<'a>) -> Case<'a> {
    let (own, related) = (&report.attributes, &report.relationships);
    let weakness = &related.weakness.data.attributes;
    Case {
        id: report.id.clone(),
        title: own.title.clone(),
        severity_rating: related.severity.data.attributes.rating.clone(),
        severity_score: related.severity.data.attributes.score.clone(),
        state: own.state.clone(),
        weakness: weakness.name.clone(),
        reported_at: own.created_at.clone(),
        triaged_at: own.triaged_at.clone(),
        closed_at: own.closed_at.clone(),
        reporter: related.reporter.data.attributes.username.clone(),
        assigned: related.assignee.data.attributes.username.clone(),
        structured_scope: related.structured_scope.data.attributes.asset_identifier.clone(),
        cve_ids: own.cve_ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(",").into(),
        description: own.vulnerability_information.clone(),
        cwe: weakness.external_id.clone(),
        ..Case::default()
    }
}

fn add(builder: &mut ReportBuilder, case: &Case<'_>, place: Box<str>) {
    if case.id.is_empty() && case.title.is_empty() {
        builder.lose(place, "neither id nor title");
        return;
    }
    let mut ratings = Ratings::default();
    ratings.add("", case.severity_score.number());
    let severity = ratings.severity(&case.severity_rating);
    let ids = words::each_once(case.cve_ids.split([',', ';', ' ']).filter(|id| !id.is_empty()).map(text::line));
    let own_key = || format!("HackerOne:{}", case.id.or(&case.title).title());
    let key = words::best_id(&ids).cloned().unwrap_or_else(own_key);
    let vulnerability = builder.vulnerability(&key, || weakness(case, severity, ratings, ids));
    let finding = Finding {
        vulnerability,
        asset: builder.asset(AssetKind::Application, &case.structured_scope),
        fingerprint: case.id.some_line(),
        analysis: analysis(case),
        found_at: case.reported_at.time(),
        place: Some(place),
        facts: facts([
            ("weakness", case.weakness.some_line()),
            ("reporter", case.reporter.some_line()),
            ("assigned_to", case.assigned.some_line()),
            ("reference", case.reference.some_line()),
            ("triaged_at", case.triaged_at.some_line()),
            ("closed_at", case.closed_at.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &case.title, &case.description);
}

fn weakness(case: &Case<'_>, severity: Severity, ratings: Ratings, ids: Vec<String>) -> Vulnerability {
    let page = case.id.some_line().map(|id| format!("https://hackerone.com/reports/{id}"));
    let mut vulnerability = Vulnerability {
        title: case.title.title(),
        description: case.description.text(),
        severity,
        ids,
        cwes: words::cwes(&case.cwe),
        references: words::each_once(page.into_iter().chain(case.reference_url.some_line())),
        ..Vulnerability::default()
    };
    ratings.fill(&mut vulnerability);
    vulnerability
}

/// HackerOne's states: the export has them as `substate`, the API as `state`. A duplicate is no finding of its own.
fn analysis(case: &Case<'_>) -> Option<Analysis> {
    let word = case.substate.or(&case.state);
    let state = match word.trim().to_ascii_lowercase().as_str() {
        "new" | "needs-more-info" | "pending-program-review" | "retesting" => AnalysisState::InReview,
        "triaged" => AnalysisState::Affected,
        "resolved" => AnalysisState::Resolved,
        "not-applicable" | "spam" | "duplicate" => AnalysisState::FalsePositive,
        "informative" => AnalysisState::RiskAccepted,
        _ => return None,
    };
    let original = case.original_report_id.some_line().map(|id| format!("{} of {id}", word.line()));
    Some(Analysis { state, justification: original.or_else(|| word.some_line()) })
}
