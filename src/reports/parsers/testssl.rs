//! testssl.sh: its CSV and JSON. What is fine is no finding, nor are the parts of the rating.
//!
//! A row that names several CVEs is a finding of each.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::table::Table;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};

/// testssl.sh.
pub const PARSER: Parser = Parser {
    name: "testssl",
    title: "testssl.sh (CSV, JSON)",
    tool: "testssl.sh",
    content_types: &["text/csv", "application/json"],
    defectdojo_names: &["Testssl Scan"],
    example: "\"id\",\"fqdn/ip\",\"port\",\"severity\",\"finding\",\"cve\",\"cwe\"\n\
              \"TLS1\",\"shop.example.com/192.0.2.1\",\"443\",\"LOW\",\"offered (deprecated)\",\"\",\"\"\n",
    shapes: &[
        &[Sign::Column("id"), Sign::Column("fqdn/ip"), Sign::Column("finding")],
        &[Sign::Has("[].id"), Sign::Has("[].ip"), Sign::Has("[].port"), Sign::Has("[].finding")],
        &[Sign::Has("scanResult[].targetHost"), Sign::Has("scanResult[].protocols")],
        &[Sign::Has("scanResult[].targetHost"), Sign::Has("scanResult[].vulnerabilities")],
        &[Sign::Has("scanResult[].targetHost"), Sign::Has("Invocation")],
    ],
    parse,
};

const TOOL: &str = "testssl.sh";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Check<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    /// `shop.example.com/192.0.2.1`
    #[serde(borrow)]
    ip: Text<'a>,
    #[serde(borrow)]
    port: Text<'a>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    finding: Text<'a>,
    #[serde(borrow)]
    cve: Text<'a>,
    #[serde(borrow)]
    cwe: Text<'a>,
}

/// The nested JSON.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Pretty<'a> {
    #[serde(borrow, rename = "version")]
    version: Text<'a>,
    #[serde(borrow)]
    scan_result: List<Object<Target<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Target<'a> {
    #[serde(borrow)]
    target_host: Text<'a>,
    #[serde(borrow)]
    ip: Text<'a>,
    #[serde(borrow)]
    port: Text<'a>,
    #[serde(borrow)]
    pretest: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    protocols: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    grease: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    ciphers: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    cipher_order: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    server_preferences: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    fs: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    server_defaults: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    header_response: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    vulnerabilities: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    cipher_tests: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    browser_simulations: Entries<'a, Check<'a>>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    match text.trim_start().chars().next() {
        Some('[') => {
            let checks: Entries<'_, Check<'_>> = json::read(text)?;
            builder.each(checks, "", |builder, check, place| add(builder, check, &place));
        }
        Some('{') => pretty(&mut builder, text)?,
        _ => rows(&mut builder, text)?,
    }
    Ok(vec![builder.finish()])
}

fn pretty(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let file: Pretty<'_> = json::read(text)?;
    builder.head().tool_version = file.version.some_line();
    for (at, target) in file.scan_result.0.into_iter().enumerate() {
        let target = target.0;
        let host = Text::from(format!("{}/{}", target.target_host, target.ip));
        let port = target.port.clone();
        for (name, checks) in sections(target) {
            builder.each_owned(checks, &format!("/scanResult/{at}/{name}"), |builder, check, place| {
                add(builder, &Check { ip: host.clone(), port: port.clone(), ..check }, &place);
            });
        }
    }
    Ok(())
}

/// The checks of a target by what they are about; the rating is left out.
fn sections(target: Target<'_>) -> [(&'static str, Entries<'_, Check<'_>>); 12] {
    [
        ("pretest", target.pretest),
        ("protocols", target.protocols),
        ("grease", target.grease),
        ("ciphers", target.ciphers),
        ("cipherOrder", target.cipher_order),
        ("serverPreferences", target.server_preferences),
        ("fs", target.fs),
        ("serverDefaults", target.server_defaults),
        ("headerResponse", target.header_response),
        ("vulnerabilities", target.vulnerabilities),
        ("cipherTests", target.cipher_tests),
        ("browserSimulations", target.browser_simulations),
    ]
}

fn rows(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let table = Table::new(text)?;
    if !table.has_column("finding") {
        return Err(ParseError::unfit("line 1", "no column \"finding\""));
    }
    table.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) => {
                let text = |column: &str| Text::from(row.get(column));
                let check = Check {
                    id: text("id"),
                    ip: text("fqdn/ip"),
                    port: text("port"),
                    severity: text("severity"),
                    finding: text("finding"),
                    cve: text("cve"),
                    cwe: text("cwe"),
                };
                add(builder, &check, &place);
            }
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })
}

/// What adds up to the grade says nothing that the other checks do not.
fn is_rating(id: &str) -> bool {
    id.starts_with("grade_cap_reason_")
        || matches!(id.trim_end_matches("_weighted"), "protocol_support_score" | "key_exchange_score")
        || matches!(id.trim_end_matches("_weighted"), "cipher_strength_score" | "final_score" | "overall_grade")
        || matches!(id, "rating_spec" | "rating_doc")
}

fn add(builder: &mut ReportBuilder, check: &Check<'_>, place: &str) {
    if check.id.is_empty() || check.severity.is_empty() {
        builder.lose(place, "a check without id or severity");
        return;
    }
    if check.severity.as_str() == "OK" || is_rating(&check.id) {
        return;
    }
    builder.head().failed |= check.severity.as_str() == "FATAL";
    let cves: Vec<&str> = check.cve.split_whitespace().collect();
    let title = check.id.title();
    if cves.is_empty() {
        let vulnerability = vulnerability(builder, check, &format!("{TOOL}:{title}"), None);
        add_finding(builder, check, vulnerability, place);
    }
    for cve in cves {
        let vulnerability = vulnerability(builder, check, cve, Some(text::line(cve)));
        add_finding(builder, check, vulnerability, place);
    }
}

fn vulnerability(builder: &mut ReportBuilder, check: &Check<'_>, key: &str, cve: Option<String>) -> usize {
    builder.vulnerability(key, || Vulnerability {
        title: check.id.title(),
        description: check.finding.text(),
        severity: severity(&check.severity),
        ids: cve.into_iter().collect(),
        cwes: words::cwes(&check.cwe),
        ..Vulnerability::default()
    })
}

fn add_finding(builder: &mut ReportBuilder, check: &Check<'_>, vulnerability: usize, place: &str) {
    let (host, address) = check.ip.split_once('/').unwrap_or((&check.ip, ""));
    let finding = Finding {
        vulnerability,
        asset: builder.asset(AssetKind::Host, if host.is_empty() { address } else { host }),
        location: Location {
            port: check.port.some_line().map(|port| format!("{port}/tcp")),
            // Several checks are about one CVE.
            resource: check.id.some_line(),
            ..Location::default()
        },
        place: Some(place.into()),
        facts: text::some_line(address).map(|address| ("address", address)).into_iter().collect(),
        ..Finding::default()
    };
    builder.add_differing(finding, severity(&check.severity), &check.id, &check.finding);
}

/// `WARN` and `FATAL` are about the test, not about the host.
fn severity(word: &str) -> Severity {
    match word.trim() {
        "WARN" | "FATAL" | "DEBUG" => Severity::None,
        word => words::severity_or_unknown(word),
    }
}
