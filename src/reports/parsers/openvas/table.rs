//! The results as CSV.

use crate::reports::error::ParseError;
use crate::reports::parsers::openvas::{Results, TestResult};
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::Text;
use crate::reports::read::time;
use crate::reports::read::words;

/// Reads the rows.
///
/// # Errors
/// `Unfit` without the column `NVT Name`; see also [`Table::each`].
pub fn read(results: &mut Results, text: &str) -> Result<(), ParseError> {
    let table = Table::new(text)?;
    if !table.has_column("nvt name") {
        return Err(ParseError::unfit("line 1", "no column \"NVT Name\""));
    }
    table.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) => {
                let head = results.builder.head();
                head.reported_at = head.reported_at.or_else(|| time::of(row.get("timestamp")));
                results.add(&result(row), place);
            }
            Err(detail) => results.builder.lose(place, &detail),
        }
        Ok(())
    })
}

fn result<'r>(row: &'r Row<'_>) -> TestResult<'r> {
    let text = |column: &str| Text::from(row.get(column));
    let port = match (row.get("port"), row.get("port protocol")) {
        ("", _) => String::new(),
        (port, "") => port.to_owned(),
        (port, protocol) => format!("{port}/{protocol}"),
    };
    TestResult {
        oid: text("nvt oid"),
        name: text("nvt name"),
        address: text("ip"),
        hostname: text("hostname"),
        port: Text::from(port),
        threat: text("severity"),
        score: text("cvss").number(),
        epss: text("max severity epss score").number(),
        summary: text("summary"),
        insight: text("vulnerability insight"),
        impact: text("impact"),
        solution: text("solution"),
        affected: text("affected software/os"),
        output: text("specific result"),
        ids: words::ids_in(row.get("cves")),
        links: row.get("other references").split(',').map(str::to_owned).collect(),
        quality: text("qod"),
        ..TestResult::default()
    }
}
