//! The tables of Nessus, Tenable.sc and Tenable.io, whose columns have names of their own each.
//!
//! Nessus writes a row for every CVE of a plugin; each of them is of the plugin with all its CVEs.

use std::collections::HashMap;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parsers::tenable::{Item, add, analysis, facts};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::Text;
use crate::reports::read::words;

/// Reads a table.
///
/// # Errors
/// See [`Table`]; `Unfit` for a table of something else.
pub fn read(text: &str, builder: &mut ReportBuilder) -> Result<(), ParseError> {
    let table = Table::new(text)?;
    if !["plugin id", "plugin", "definition.id"].iter().any(|column| table.has_column(column)) {
        return Err(ParseError::unfit("line 1", "no column for the plugin"));
    }
    let cves = cves_by_plugin(text)?;
    table.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) => add(builder, item(row, &cves), place),
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })
}

/// The CVEs of each plugin, with spaces between them.
fn cves_by_plugin(text: &str) -> Result<HashMap<String, String>, ParseError> {
    let mut cves: HashMap<String, String> = HashMap::new();
    Table::new(text)?.each(|_, row| {
        let Ok(row) = row else { return Ok(()) };
        let found = words::ids_in(row.first(&["cve", "definition.cve"]));
        if !found.is_empty() {
            let joined = cves.entry(plugin(row).to_owned()).or_default();
            for id in found {
                let mut known = joined.split(' ');
                if known.clone().count() < words::LIST_LIMIT && known.all(|known| known != id) {
                    joined.push_str(if joined.is_empty() { "" } else { " " });
                    joined.push_str(&id);
                }
            }
        }
        Ok(())
    })?;
    Ok(cves)
}

fn plugin<'r>(row: &'r Row<'_>) -> &'r str {
    row.first(&["plugin id", "plugin", "definition.id"])
}

fn item<'r>(row: &'r Row<'_>, cves: &HashMap<String, String>) -> Item<'r> {
    let decided = row.first(&["risk modified"]);
    let state =
        if decided.eq_ignore_ascii_case("accepted") { decided } else { row.first(&["state", "vulnerability state"]) };
    Item {
        plugin: plugin(row),
        name: row.first(&["name", "plugin name", "definition.name"]),
        severity: row.first(&["severity", "risk", "risk factor", "definition.severity"]),
        ratings: ratings(row),
        host: row.first(&["host", "asset.name", "dns name", "fqdn", "ip address", "asset.display ipv4 address"]),
        port: row.get("port"),
        protocol: row.get("protocol"),
        synopsis: row.first(&["synopsis", "definition.synopsis"]),
        description: row.first(&["description", "definition.description"]),
        solution: row.first(&["solution", "steps to remediate", "definition.solution"]),
        output: row.first(&["plugin output", "plugin text", "output"]),
        cves: cves.get(plugin(row)).cloned().unwrap_or_default(),
        cwes: row.first(&["cwe", "definition.cwe"]).to_owned(),
        links: row.first(&["see also", "definition.see also"]).to_owned(),
        xrefs: row.first(&["xref", "cross references", "definition.references"]).to_owned(),
        epss: row.first(&["epss score", "definition.epss.score"]),
        first_seen: row.first(&["first discovered", "first observed", "first found"]),
        analysis: analysis(state, row.get("accept risk comment")),
        facts: facts([
            ("family", row.first(&["family", "plugin family", "definition.family"])),
            ("ip_address", row.first(&["ip address", "asset.display ipv4 address"])),
            ("operating_system", row.first(&["asset.operating system", "os"])),
            (
                "vulnerability_priority_rating",
                row.first(&[
                    "vulnerability priority rating",
                    "vulnerability priority rating (vpr)",
                    "vpr score",
                    "definition.vpr.score",
                ]),
            ),
            ("exploit_ease", row.first(&["exploit ease", "definition.exploitability ease"])),
            ("cpe", row.first(&["cpe", "definition.cpe"])),
            ("recast_comment", row.get("recast risk comment")),
        ]),
    }
}

fn ratings(row: &Row<'_>) -> Ratings {
    const VERSIONS: [(&[&str], &[&str]); 3] = [
        (
            &["cvss v4 vector", "definition.cvss4.base vector"],
            &["cvss v4.0 base score", "cvss v4 base score", "definition.cvss4.base score"],
        ),
        (
            &["cvss v3 vector", "cvss3 vector", "definition.cvss3.base vector"],
            &[
                "cvss v3.0 base score",
                "cvss v3 base score",
                "cvss3 base score",
                "cvssv3",
                "definition.cvss3.base score",
            ],
        ),
        (
            &["cvss v2 vector", "cvss vector", "definition.cvss2.base vector"],
            &["cvss", "cvss v2.0 base score", "cvss v2 base score", "cvss base score", "definition.cvss2.base score"],
        ),
    ];
    let mut ratings = Ratings::default();
    for (vectors, scores) in VERSIONS {
        let vector = row.first(vectors);
        ratings.add(vector, Text::from(row.first(scores)).number());
    }
    ratings
}
