//! Instances as a table (CSV, RFC 4180) that people open in a spreadsheet: no cell of it is a formula.

use std::borrow::Cow;

use super::repo::instances::Kept;
use super::snapshot::{Snapshot, VulnerabilityFacts};

/// The columns, in order. What an instance was when it was added, but for the last five.
pub const COLUMNS: [&str; 23] = [
    "instance_id",
    "vulnerability",
    "names",
    "title",
    "severity",
    "cvss_score",
    "cwes",
    "product",
    "branch",
    "asset_kind",
    "asset",
    "component",
    "component_version",
    "location",
    "line",
    "fixed_version",
    "tools",
    "observations",
    "status",
    "is_remediated",
    "remediated_at",
    "regressions",
    "added_at",
];

/// The first line.
#[must_use]
pub fn header() -> Vec<u8> {
    lines_of([COLUMNS.map(Cow::Borrowed)].into_iter())
}

/// The lines of these instances.
#[must_use]
pub fn lines(instances: &[Kept]) -> Vec<u8> {
    lines_of(instances.iter().filter_map(cells))
}

fn lines_of<'a>(records: impl Iterator<Item = [Cow<'a, str>; COLUMNS.len()]>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for record in records {
        let cells = record.iter().map(|cell| safe(cell));
        writer
            .write_record(cells.map(|cell| cell.into_owned()))
            .expect("memory takes all, and records are of one length");
    }
    writer.into_inner().expect("memory takes all")
}

/// A cell that no spreadsheet takes for a formula: those that could be are text, marked by an apostrophe.
#[must_use]
pub fn safe(cell: &str) -> Cow<'_, str> {
    let begins = |text: &str| text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if begins(cell) || begins(cell.trim_start()) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Nothing for a snapshot that cannot be read.
fn cells(kept: &Kept) -> Option<[Cow<'static, str>; COLUMNS.len()]> {
    let then: Snapshot = serde_json::from_str(&kept.snapshot.snapshot_json).ok()?;
    let facts: VulnerabilityFacts = serde_json::from_str(&kept.vulnerability.snapshot_json).ok()?;
    let (instance, first) = (&kept.instance, then.observations.first());
    let component = first.and_then(|seen| seen.component.as_ref());
    let mut tools: Vec<&str> = then.observations.iter().map(|seen| seen.tool.as_str()).collect();
    tools.sort_unstable();
    tools.dedup();
    let cells = [
        instance.id.to_string(),
        facts.key,
        facts.names.join(" "),
        first.and_then(|seen| seen.title.clone()).unwrap_or(facts.title),
        then.severity.to_string(),
        facts.cvss_score.map(|score| score.to_string()).unwrap_or_default(),
        facts.cwes.iter().map(u32::to_string).collect::<Vec<_>>().join(" "),
        then.product.name,
        then.branch.name,
        then.asset.kind,
        then.asset.name,
        component.map(|component| component.name.clone()).unwrap_or_default(),
        component.map(|component| component.version.clone()).unwrap_or_default(),
        first.map(|seen| seen.location.clone()).unwrap_or_default(),
        first.and_then(|seen| seen.line).map(|line| line.to_string()).unwrap_or_default(),
        first.and_then(|seen| seen.fixed_version.clone()).unwrap_or_default(),
        tools.join(" "),
        then.observation_count.to_string(),
        instance.standing.to_string(),
        instance.standing.is_remediated().to_string(),
        instance.remediated_at.map(|at| at.to_string()).unwrap_or_default(),
        instance.regressions.to_string(),
        instance.added_at.to_string(),
    ];
    Some(cells.map(Cow::Owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S-24
    #[test]
    fn no_cell_is_a_formula() {
        for (cell, expected) in [
            ("=HYPERLINK(\"https://evil.example\")", "'=HYPERLINK(\"https://evil.example\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            (" =1", "' =1"),
            ("＝1", "'＝1"),
            ("CVE-2021-44228", "CVE-2021-44228"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(safe(cell), expected);
        }
    }

    #[test]
    fn lines_end_as_the_format_says_and_hold_what_cells_hold() {
        let mut cells = [const { Cow::Borrowed("") }; COLUMNS.len()];
        cells[0] = Cow::Borrowed("a \"b\", c\nd");
        let text = String::from_utf8(lines_of([cells].into_iter())).unwrap();
        assert!(text.starts_with("\"a \"\"b\"\", c\nd\",") && text.ends_with(",\r\n"), "{text:?}");
        assert!(header().ends_with(b"added_at\r\n"));
    }
}
