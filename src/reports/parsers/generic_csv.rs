//! DefectDojo's generic findings as CSV. Each row is a finding at its URL.

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::generic::{self, Endpoint, GenericFinding};
use crate::reports::read::json::List;
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::{Number, Text};
use crate::reports::report::Report;

/// DefectDojo generic CSV.
pub const PARSER: Parser = Parser {
    name: "generic_csv",
    title: "DefectDojo generic findings (CSV)",
    tool: "any",
    content_types: &["text/csv"],
    defectdojo_names: &[],
    example: "Date,Title,CweId,Url,Severity,Description,Mitigation\n\
              2026-01-31,Default password,1392,https://shop.example.com/login,High,admin/admin works,Change it\n",
    shapes: &[
        &[Sign::Column("title"), Sign::Column("severity"), Sign::Column("description"), Sign::Column("date")],
        &[Sign::Column("title"), Sign::Column("severity"), Sign::Column("cweid")],
        // With the tool, it is Patchbay's own.
        &[Sign::Column("title"), Sign::Column("severity"), Sign::Column("description"), Sign::Lacks("tool")],
        &[Sign::Column("title"), Sign::Column("severity"), Sign::Column("description"), Sign::Column("mitigation")],
        &[Sign::Column("title"), Sign::Column("severity"), Sign::Column("description"), Sign::Column("url")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Generic");
    let table = Table::new(text)?;
    if !table.has_column("title") {
        return Err(ParseError::unfit("line 1", "no column \"title\""));
    }
    table.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) => generic::add(&mut builder, "Generic", &finding(row), place.into()),
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

fn finding<'r>(row: &'r Row<'_>) -> GenericFinding<'r> {
    let text = |columns: &[&str]| Text::from(row.first(columns));
    let number = |column: &str| Number(text(&[column]).number());
    let list = |columns: &[&str], separators: &[char]| -> List<Text<'r>> {
        List(row.first(columns).split(separators).map(Text::from).filter(|part| !part.is_empty()).collect())
    };
    let endpoint = |host: Text<'r>| Endpoint { host, ..Endpoint::default() };
    GenericFinding {
        title: text(&["title"]),
        description: text(&["description"]),
        severity: text(&["severity"]),
        mitigation: text(&["mitigation"]),
        impact: text(&["impact"]),
        references: List(vec![text(&["references"])]),
        date: text(&["date"]),
        cve: text(&["cve"]),
        vulnerability_ids: list(&["vulnerability id", "vulnerability ids"], &[',', ';', ' ']),
        cwe: text(&["cweid", "cwe"]),
        cvssv3: text(&["cvssv3"]),
        cvssv3_score: number("cvssv3 score"),
        cvssv4: text(&["cvssv4"]),
        cvssv4_score: number("cvssv4 score"),
        epss_score: number("epss score"),
        known_exploited: text(&["known exploited"]),
        file_path: text(&["file path"]),
        line: number("line"),
        component_name: text(&["component name"]),
        component_version: text(&["component version"]),
        endpoints: List(list(&["url", "endpoints"], &[]).0.into_iter().map(endpoint).collect()),
        fix_version: text(&["fix version"]),
        unique_id_from_tool: text(&["unique id from tool"]),
        vuln_id_from_tool: text(&["vuln id from tool"]),
        verified: text(&["verified"]),
        false_p: text(&["falsepositive", "false p"]),
        risk_accepted: text(&["risk accepted"]),
        is_mitigated: text(&["ismitigated", "is mitigated"]),
        ..GenericFinding::default()
    }
}
