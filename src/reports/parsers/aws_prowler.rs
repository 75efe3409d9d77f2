//! Prowler 2: CSV, and JSON documents one a line.

use serde::Deserialize;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::prowler::Check;
use crate::reports::read::json;
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::Text;
use crate::reports::report::Report;

/// Prowler 2.
pub const PARSER: Parser = Parser {
    name: "aws_prowler",
    title: "Prowler 2 (CSV, JSON)",
    tool: "Prowler",
    content_types: &["text/csv", "application/json"],
    defectdojo_names: &["AWS Prowler Scan"],
    example: "PROFILE,ACCOUNT_NUM,REGION,TITLE_ID,CHECK_RESULT,TITLE_TEXT,CHECK_RESULT_EXTENDED,CHECK_SEVERITY\n\
              ,123456789012,eu-west-1,1.2,FAIL,[check12] Ensure MFA is enabled,User ann has no MFA,High\n",
    shapes: &[
        &[Sign::Column("account num"), Sign::Column("title id"), Sign::Column("title text")],
        &[Sign::Has("Control ID"), Sign::Has("Account Number"), Sign::Has("Control")],
        &[Sign::Has("[].Control ID"), Sign::Has("[].Account Number"), Sign::Has("[].Control")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Entry<'a> {
    #[serde(borrow, rename = "Account Number")]
    account: Text<'a>,
    #[serde(borrow)]
    control: Text<'a>,
    #[serde(borrow, rename = "Control ID")]
    control_id: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    region: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow)]
    service: Text<'a>,
    #[serde(borrow)]
    risk: Text<'a>,
    #[serde(borrow)]
    remediation: Text<'a>,
    #[serde(borrow, rename = "Doc link")]
    link: Text<'a>,
    #[serde(borrow, rename = "Resource ID")]
    resource: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Prowler");
    match text.trim_start().chars().next() {
        Some('[') => builder.each(json::read(text)?, "", |builder, entry, place| of_entry(entry).add(builder, place)),
        Some('{') => {
            for document in json::documents::<Entry<'_>>(text) {
                let (line, entry) = document?;
                let place = format!("line {line}");
                if let Some(entry) = builder.keep(entry, &place) {
                    of_entry(&entry).add(&mut builder, place.into());
                }
            }
        }
        _ => rows(&mut builder, text)?,
    }
    Ok(vec![builder.finish()])
}

fn rows(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let table = Table::new(text)?;
    if !table.has_column("title text") {
        return Err(ParseError::unfit("line 1", "no column \"TITLE_TEXT\""));
    }
    table.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) => of_row(row).add(builder, place.into()),
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })
}

/// `[check12] Ensure MFA is enabled` is the check `check12` and its title.
fn named(title: &str) -> (&str, &str) {
    let (id, title) = title.trim().strip_prefix('[').and_then(|rest| rest.split_once(']')).unwrap_or(("", title));
    (id, title.trim())
}

fn of_entry<'e>(entry: &'e Entry<'_>) -> Check<'e> {
    let (id, title) = named(&entry.control);
    let text = |text: &'e Text<'_>| Text::from(text.as_str());
    Check {
        id: Text::from(if id.is_empty() { entry.control_id.as_str() } else { id }),
        title: Text::from(title),
        risk: text(&entry.risk),
        remediation: text(&entry.remediation),
        links: vec![text(&entry.link)],
        severity: Text::from(severity(&entry.severity, "")),
        status: text(&entry.status),
        message: text(&entry.message),
        account: text(&entry.account),
        region: text(&entry.region),
        service: text(&entry.service),
        resource: text(&entry.resource),
        found_at: text(&entry.timestamp),
        compliance: text(&entry.control_id),
        ..Check::default()
    }
}

/// Prowler 2 calls checks informational, but that one failed is more than information. Its first versions gave no
/// severity but the level of the CIS benchmark, whose first is what nobody can do without.
fn severity<'t>(word: &'t str, level: &str) -> &'t str {
    match (word, level) {
        (word, _) if word.eq_ignore_ascii_case("informational") => "low",
        ("", "Level 1") => "critical",
        ("", _) => "high",
        (word, _) => word,
    }
}

/// The first versions named some columns without `CHECK_`.
fn of_row<'r>(row: &'r Row<'_>) -> Check<'r> {
    let text = |columns: &[&str]| Text::from(row.first(columns));
    let (id, title) = named(row.get("title text"));
    Check {
        id: Text::from(if id.is_empty() { row.get("title id") } else { id }),
        title: Text::from(title),
        risk: text(&["check risk"]),
        remediation: text(&["check remediation"]),
        links: vec![text(&["check doc"])],
        severity: Text::from(severity(row.first(&["check severity", "severity"]), row.first(&["item level", "level"]))),
        status: text(&["check result", "result"]),
        message: text(&["check result extended", "notes"]),
        account: text(&["account num"]),
        region: text(&["region"]),
        service: text(&["check servicename"]),
        // Where no resource is named, the region is all that tells findings of one check apart.
        resource: text(&["check resource id", "region"]),
        resource_type: text(&["check asff resource type"]),
        compliance: text(&["title id"]),
        ..Check::default()
    }
}
