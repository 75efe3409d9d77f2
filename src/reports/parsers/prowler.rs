//! Prowler 3 and later: CSV with semicolons, and OCSF findings as JSON.
//!
//! A check that passes is no finding, nor is what the team muted. One that a person has to look into is under review.

mod check;
mod ocsf;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::Text;
use crate::reports::report::Report;
pub use check::Check;

/// Prowler 4 and later.
pub const PARSER: Parser = Parser {
    name: "prowler",
    title: "Prowler 4 and later (CSV, OCSF)",
    tool: "Prowler",
    content_types: &["text/csv", "application/json"],
    defectdojo_names: &["Prowler Scan"],
    example: r#"[{"metadata": {"event_code": "s3_bucket_public_access", "product": {"name": "Prowler", "version": "5.0.0"}}, "severity": "High",
  "status_code": "FAIL", "status_detail": "Bucket shop is public.", "finding_info": {"uid": "prowler-1", "title": "No bucket is public"},
  "resources": [{"uid": "arn:aws:s3:::shop"}], "cloud": {"provider": "aws", "account": {"uid": "123456789012"}}}]"#,
    shapes: &[
        &[Sign::Column("check id"), Sign::Column("check title"), Sign::Column("status extended")],
        &[Sign::Says("[].metadata.product.name", "Prowler"), Sign::Has("[].status_code")],
        &[Sign::Says("[].metadata.product.name", "Prowler"), Sign::Object("[].finding_info")],
        &[Sign::Says("[].metadata.product.name", "Prowler"), Sign::Object("[].finding"), Sign::Has("[].status")],
    ],
    parse,
};

const TOOL: &str = "Prowler";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    if text.trim_start().starts_with(['[', '{']) {
        ocsf::read(&mut builder, text)?;
    } else {
        rows(&mut builder, text)?;
    }
    Ok(vec![builder.finish()])
}

/// Reads OCSF findings; the scan type of version 3 means them, too.
///
/// # Errors
/// See [`crate::reports::read::json::read`].
pub fn read_ocsf(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    ocsf::read(builder, text)
}

fn rows(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let table = Table::new(text)?;
    if !table.has_column("check id") {
        return Err(ParseError::unfit("line 1", "no column \"CHECK_ID\""));
    }
    table.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) => check(row).add(builder, place.into()),
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })
}

/// A row. Version 3 called some columns differently.
fn check<'r>(row: &'r Row<'_>) -> Check<'r> {
    let text = |columns: &[&str]| Text::from(row.first(columns));
    Check {
        id: text(&["check id"]),
        title: text(&["check title"]),
        description: text(&["description"]),
        risk: text(&["risk"]),
        remediation: text(&["remediation recommendation text"]),
        links: ["remediation recommendation url", "related url", "additional urls"].map(|url| text(&[url])).to_vec(),
        severity: text(&["severity"]),
        status: text(&["status"]),
        is_muted: row.get("muted").eq_ignore_ascii_case("true"),
        message: text(&["status extended"]),
        provider: text(&["provider"]),
        account: text(&["account uid", "account id", "subscription", "project id"]),
        region: text(&["region"]),
        service: text(&["service name"]),
        resource: text(&["resource uid", "resource arn", "resource name", "resource id"]),
        resource_type: text(&["resource type"]),
        uid: text(&["finding uid", "finding unique id"]),
        found_at: text(&["timestamp", "assessment start time"]),
        compliance: text(&["compliance"]),
        version: text(&["prowler version"]),
    }
}
