//! The report as CSV. Its table may stand below some lines about the report.

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parsers::qualys::{TOOL, analysis, rate, severity};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::html;
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text;
use crate::reports::read::time;
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Vulnerability};

/// Reads the rows.
///
/// # Errors
/// `Unfit` where there is no header; see also [`Table::each`].
pub fn read(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let (above, text) = text.split_at(header(text));
    let above = above.matches('\n').count().max(above.matches('\r').count()) as u64;
    let table = Table::new(text)?;
    if !table.has_column("qid") {
        return Err(ParseError::unfit("line 1", "no column \"QID\""));
    }
    if !text.contains(['\n', '\r']) {
        return Err(ParseError::malformed(format!("line {}", above + 1), "the file ends in its header"));
    }
    table.each(|line, row| {
        let place = format!("line {}", line + above);
        match row {
            Ok(row) => add(builder, row, place.into()),
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })
}

/// Where the table begins: at the line that names the columns.
fn header(text: &str) -> usize {
    let is_header = |line: &str| line.contains("QID") && line.to_ascii_lowercase().contains("title");
    let mut at = 0;
    for line in text.split_inclusive(['\n', '\r']).take(100) {
        if is_header(line) {
            return at;
        }
        at += line.len();
    }
    0
}

fn add(builder: &mut ReportBuilder, row: &Row<'_>, place: Box<str>) {
    let title = row.first(&["title", "vuln title"]);
    let host = row.first(&["fqdn", "dns", "hostname", "ip"]);
    if row.get("qid").is_empty() || title.is_empty() {
        builder.lose(place, "a row without QID or title");
        return;
    }
    let named = |column: &str| text::some_line(row.get(column)).filter(|value| value != "-");
    let port = named("port").map(|port| named("protocol").map_or_else(|| port.clone(), |p| format!("{port}/{p}")));
    let finding = Finding {
        vulnerability: vulnerability(builder, row, title),
        asset: builder.asset(AssetKind::Host, host),
        location: Location { port, ..Location::default() },
        analysis: triaged(row),
        found_at: time::of(row.get("first detected")),
        place: Some(place),
        facts: builder::facts([
            ("address", named("ip").filter(|address| address != host)),
            ("operating_system", named("os").or_else(|| named("operating system"))),
            ("kind", named("type")),
            ("category", named("category")),
            ("pci", named("pci vuln").or_else(|| named("is pci"))),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity(row.get("severity")), title, row.first(&["results", "result"]));
}

fn vulnerability(builder: &mut ReportBuilder, row: &Row<'_>, title: &str) -> usize {
    builder.vulnerability(&format!("{TOOL}:{}", text::line(row.get("qid"))), || {
        let mut ratings = Ratings::default();
        for column in ["cvss3.1 base", "cvss3 base", "cvss base"] {
            rate(&mut ratings, row.get(column));
        }
        let parts = ["threat", "impact"].map(|column| html::to_text(row.get(column)));
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        ratings.rate(Vulnerability {
            title: text::title(title),
            description: text::text(&parts.join("\n\n")),
            remediation: text::some_text(&html::to_text(row.get("solution"))),
            severity: severity(row.get("severity")),
            ids: words::ids_in(row.first(&["cve id", "cveid"])),
            references: words::each_once(html::links(row.get("solution"))),
            ..Vulnerability::default()
        })
    })
}

/// A team may ask for a false positive; only an approved one is one.
fn triaged(row: &Row<'_>) -> Option<Analysis> {
    let state = match row.get("false positive status").to_ascii_lowercase().as_str() {
        "approved" => AnalysisState::FalsePositive,
        "requested" => AnalysisState::InReview,
        _ => return analysis(row.get("vuln status")),
    };
    Some(Analysis { state, justification: None })
}
