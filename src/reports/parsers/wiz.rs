//! Wiz: the CSV exports of its issues and of its vulnerability findings.

use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::table::{Row, Table};
use crate::reports::read::{text, time, words};
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};

/// Wiz.
pub const PARSER: Parser = Parser {
    name: "wiz",
    title: "Wiz issues and vulnerability findings (CSV)",
    tool: "Wiz",
    content_types: &["text/csv"],
    defectdojo_names: &["Wiz Scan"],
    example: "Created At,Title,Severity,Status,Resource Type,Resource Name,Control ID,Issue ID,Wiz URL\n\
              2026-01-31T08:00:00Z,Bucket is public,HIGH,OPEN,Bucket,logs,c-1,i-1,https://app.wiz.io/i-1\n",
    shapes: &[
        &[Sign::Column("control id"), Sign::Column("issue id"), Sign::Column("wiz url"), Sign::Column("resource type")],
        &[Sign::Column("wizurl"), Sign::Column("cvssseverity"), Sign::Column("detailedname")],
        &[Sign::Column("wizurl"), Sign::Column("vendorseverity"), Sign::Column("findingstatus")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Wiz");
    let table = Table::new(text)?;
    let add = if table.has_column("control id") { add_issue } else { add_vulnerable };
    table.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) => add(&mut builder, row, place.into()),
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

/// A column as one line.
fn of(row: &Row<'_>, column: &str) -> Option<String> {
    text::some_line(row.get(column))
}

fn add_issue(builder: &mut ReportBuilder, row: &Row<'_>, place: Box<str>) {
    let title = row.get("title");
    if title.is_empty() {
        builder.lose(place, "column \"title\" is empty");
        return;
    }
    let vulnerability = Vulnerability {
        key: words::key(&[], "Wiz", row.first(&["control id", "title"])),
        title: text::title(title),
        description: text::text(row.get("description")),
        remediation: text::some_text(row.get("remediation recommendation")),
        severity: words::severity_or_unknown(row.get("severity")),
        ..Vulnerability::default()
    };
    let finding = Finding {
        asset: builder.asset(AssetKind::Resource, row.first(&["resource name", "resource external id"])),
        location: Location { resource: of(row, "resource external id"), ..Location::default() },
        fingerprint: of(row, "issue id"),
        analysis: analysis(row.get("status"), row.first(&["resolution", "note"])),
        found_at: time::of(row.get("created at")),
        place: Some(place),
        facts: facts([
            ("resource_type", of(row, "resource type")),
            ("region", of(row, "resource region")),
            ("platform", of(row, "resource platform")),
            ("subscription", of(row, "subscription name")),
            ("projects", of(row, "project names")),
            ("cluster", of(row, "kubernetes cluster")),
            ("namespace", of(row, "kubernetes namespace")),
            ("url", of(row, "wiz url")),
            ("console", of(row, "cloud provider url")),
            ("ticket", of(row, "ticket urls")),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability, finding);
}

fn add_vulnerable(builder: &mut ReportBuilder, row: &Row<'_>, place: Box<str>) {
    let name = row.get("name");
    if name.is_empty() {
        builder.lose(place, "column \"name\" is empty");
        return;
    }
    let ids = if words::is_vulnerability_id(name) { vec![text::line(name)] } else { Vec::new() };
    let vulnerability = Vulnerability {
        key: words::key(&ids, "Wiz", name),
        title: text::title(name),
        remediation: text::some_text(row.get("remediation")),
        severity: words::severity_or_unknown(row.first(&["vendorseverity", "cvssseverity"])),
        ids,
        known_exploited: row.get("hascisakevexploit").eq_ignore_ascii_case("true"),
        references: of(row, "link").into_iter().collect(),
        ..Vulnerability::default()
    };
    let finding = Finding {
        asset: builder.asset(AssetKind::Resource, row.first(&["assetname", "provideruniqueid"])),
        component: builder.component(row.get("detailedname"), row.get("version"), ""),
        location: Location {
            file: words::file_path(row.get("locationpath")),
            resource: of(row, "provideruniqueid"),
            ..Location::default()
        },
        fingerprint: of(row, "id"),
        analysis: analysis(row.get("findingstatus"), row.get("resolutionreason")),
        fixed_version: of(row, "fixedversion"),
        found_at: time::of(row.get("firstdetected")),
        place: Some(place),
        facts: facts([
            ("detected_by", of(row, "detectionmethod")),
            ("has_exploit", of(row, "hasexploit")),
            ("region", of(row, "assetregion")),
            ("platform", of(row, "cloudplatform")),
            ("subscription", of(row, "subscriptionname")),
            ("projects", of(row, "projects")),
            ("operating_system", of(row, "operatingsystem")),
            ("ip_address", of(row, "ipaddresses")),
            ("url", of(row, "wizurl")),
            ("console", of(row, "cloudproviderurl")),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability, finding);
}

/// The states of Wiz. One that was rejected is none, or its risk was accepted, by the reason that was given.
fn analysis(status: &str, reason: &str) -> Option<Analysis> {
    let state = match status.to_ascii_uppercase().as_str() {
        "IN_PROGRESS" => AnalysisState::InReview,
        "RESOLVED" => AnalysisState::Resolved,
        "REJECTED" if reason.to_ascii_lowercase().contains("false") => AnalysisState::FalsePositive,
        "REJECTED" => AnalysisState::RiskAccepted,
        _ => return None,
    };
    Some(Analysis { state, justification: text::some_text(reason) })
}
