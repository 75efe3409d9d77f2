//! StackHawk: the event of a completed scan. A plugin's finding on a host is one, on the first of its paths.

use std::collections::HashSet;

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::Text;
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// StackHawk.
pub const PARSER: Parser = Parser {
    name: "stackhawk",
    title: "StackHawk HawkScan",
    tool: "StackHawk",
    content_types: &["application/json"],
    defectdojo_names: &["StackHawk HawkScan"],
    example: r#"{"service": "StackHawk", "scanCompleted": {"scan": {"application": "shop", "env": "Test"}, "findings": [
  {"pluginId": "90027", "pluginName": "Cookie Slack Detector", "severity": "Low", "host": "https://shop.example.com", "paths": [
   {"path": "/", "method": "GET", "status": "NEW"}]}]}}"#,
    shapes: &[
        &[Sign::Says("service", "StackHawk"), Sign::Object("scanCompleted")],
        &[Sign::Has("scanCompleted.scan.hawkscanVersion")],
    ],
    parse,
};

const TOOL: &str = "StackHawk";

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File<'a> {
    #[serde(borrow)]
    scan_completed: Object<Completed<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Completed<'a> {
    #[serde(borrow)]
    scan: Object<Scan<'a>>,
    #[serde(borrow)]
    findings: Entries<'a, HawkFinding<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Scan<'a> {
    #[serde(borrow)]
    hawkscan_version: Text<'a>,
    #[serde(borrow)]
    env: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    application: Text<'a>,
    #[serde(borrow)]
    started_timestamp: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HawkFinding<'a> {
    #[serde(borrow)]
    plugin_id: Text<'a>,
    #[serde(borrow)]
    plugin_name: Text<'a>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    host: Text<'a>,
    #[serde(borrow)]
    paths: List<Object<Path<'a>>>,
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow, rename = "findingURL")]
    link: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Path<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let Completed { scan, findings } = file.scan_completed.0;
    let mut builder = ReportBuilder::new(TOOL);
    let head = builder.head();
    head.tool_version = scan.hawkscan_version.some_line();
    head.target = scan.application.some_line();
    head.reported_at = scan.started_timestamp.time();
    head.failed = scan.status.as_str() == "ERROR";
    let mut plugins = HashSet::new();
    builder.each(findings, "/scanCompleted/findings", |builder, entry, place| {
        if entry.plugin_id.is_empty() {
            builder.lose(place, "no plugin id");
        } else if plugins.insert((entry.plugin_id.to_string(), entry.host.to_string())) {
            add(builder, &scan, entry, place);
        }
    });
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, scan: &Scan<'_>, entry: &HawkFinding<'_>, place: Box<str>) {
    let severity = words::severity_or_unknown(&entry.severity);
    let vulnerability = builder.vulnerability(&format!("{TOOL}:{}", entry.plugin_id.line()), || Vulnerability {
        title: entry.plugin_name.or(&entry.plugin_id).title(),
        severity,
        ..Vulnerability::default()
    });
    let url = |path: &Path<'_>| format!("{}{}", entry.host.line().trim_end_matches('/'), path.path.line());
    let first = entry.paths.first();
    let mut facts = builder::facts([
        ("category", entry.category.some_line()),
        ("environment", scan.env.some_line()),
        ("link", entry.link.some_line()),
    ]);
    facts.extend(entry.paths.iter().skip(1).take(words::LIST_LIMIT).map(|path| ("url", url(path))));
    let finding = Finding {
        vulnerability,
        asset: builder.asset_of_url(&entry.host),
        location: Location {
            url: first.map(|path| url(path)),
            method: first.and_then(|path| path.method.some_line()),
            ..Location::default()
        },
        analysis: analysis(&entry.paths),
        place: Some(place),
        facts,
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &entry.plugin_name, "");
}

/// What the team decided of all paths; while one is open, the finding is.
fn analysis(paths: &[Object<Path<'_>>]) -> Option<Analysis> {
    let mut states = words::each_once(paths.iter().map(|path| match path.status.as_str() {
        "FALSE_POSITIVE" => Some(AnalysisState::FalsePositive),
        "RISK_ACCEPTED" => Some(AnalysisState::RiskAccepted),
        "PROMOTED" | "ASSIGNED" => Some(AnalysisState::Affected),
        _ => None,
    }));
    let state = states.pop().flatten().filter(|_| states.is_empty())?;
    Some(Analysis { state, justification: None })
}
