//! The table of the console: a row for each vulnerability of each image or host.

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parsers::twistlock::schema::{Compliance, Entry};
use crate::reports::parsers::twistlock::{add, add_compliance, asset};
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::{Number, Text};
use crate::reports::report::AssetKind;

/// Reads a table.
///
/// # Errors
/// See [`Table`]; `Unfit` for a table of something else.
pub fn read(text: &str, builder: &mut ReportBuilder) -> Result<(), ParseError> {
    let table = Table::new(text)?;
    if !table.has_column("cve id") {
        return Err(ParseError::unfit("line 1", "no column \"CVE ID\""));
    }
    table.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) => add_row(builder, row, place),
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })
}

fn add_row(builder: &mut ReportBuilder, row: &Row<'_>, place: String) {
    let parts = [row.get("registry"), row.get("repository")].into_iter().filter(|part| !part.is_empty());
    let image = parts.collect::<Vec<_>>().join("/");
    let asset = asset(builder, &image).or_else(|| builder.asset(AssetKind::Host, row.get("hostname")));
    if !row.get("cve id").is_empty() {
        add(builder, &entry(row), asset, place.into());
    } else if !row.get("compliance id").is_empty() {
        add_compliance(builder, &compliance(row), asset, place.into());
    } else {
        builder.lose(place, "neither a CVE id nor a compliance id");
    }
}

fn entry<'r>(row: &'r Row<'_>) -> Entry<'r> {
    let text = |column: &str| Text::from(row.get(column));
    Entry {
        id: text("cve id"),
        status: text("fix status"),
        cvss: Number(text("cvss").number()),
        description: text("description"),
        severity: text("severity"),
        package_name: text("packages"),
        package_version: text("package version"),
        link: text("vulnerability link"),
        layer_instruction: text("layer"),
        discovered_date: text("discovered"),
        ..Entry::default()
    }
}

fn compliance<'r>(row: &'r Row<'_>) -> Compliance<'r> {
    let text = |column: &str| Text::from(row.get(column));
    Compliance {
        id: text("compliance id"),
        title: text("description"),
        severity: text("severity"),
        description: Text::default(),
        cause: text("cause"),
        category: text("type"),
    }
}
