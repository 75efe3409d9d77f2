//! Dockle's JSON: how an image is built. What passed, or was left out on purpose, is no finding.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Report, Vulnerability};

/// Dockle.
pub const PARSER: Parser = Parser {
    name: "dockle",
    title: "Dockle JSON",
    tool: "Dockle",
    content_types: &["application/json"],
    defectdojo_names: &["Dockle Scan"],
    example: r#"{"image": "web:1.2", "summary": {"fatal": 0, "warn": 1, "info": 0, "skip": 0, "pass": 15}, "details": [
  {"code": "CIS-DI-0001", "title": "Create a user for the container", "level": "WARN", "alerts": ["Last user should not be root"]}]}"#,
    shapes: &[&[
        Sign::Has("details"),
        Sign::Has("summary.fatal"),
        Sign::Has("summary.warn"),
        Sign::Has("summary.pass"),
    ]],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    image: Text<'a>,
    #[serde(borrow)]
    details: Entries<'a, Detail<'a>>,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow, default)]
    level: Text<'a>,
    #[serde(borrow, default)]
    alerts: List<Text<'a>>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Dockle");
    let image = words::image_name(&file.image);
    builder.head().target = text::some_line(image);
    let asset = builder.asset(AssetKind::Image, image);
    builder.each(file.details, "/details", |builder, detail, place| add(builder, detail, asset, place));
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, detail: &Detail<'_>, asset: Option<usize>, place: Box<str>) {
    let Some(severity) = severity(&detail.level) else { return };
    let code = detail.code.line();
    let alerts: Vec<String> = detail.alerts.iter().map(Text::text).collect();
    let finding =
        Finding { asset, description: text::some_text(&alerts.join("\n")), place: Some(place), ..Finding::default() };
    let vulnerability = Vulnerability {
        key: words::key(&[], "Dockle", &code),
        title: detail.title.or(&detail.code).title(),
        severity,
        references: vec![format!("https://github.com/goodwithtech/dockle/blob/master/CHECKPOINT.md#{code}")],
        ..Vulnerability::default()
    };
    builder.add_of(vulnerability, finding);
}

/// Dockle's levels say how much a checkpoint matters, and its lowest still asks for something to be done. `SKIP` could
/// not be looked at, `IGNORE` is in the team's own ignore file.
fn severity(level: &str) -> Option<Severity> {
    match level.to_ascii_uppercase().as_str() {
        "FATAL" => Some(Severity::High),
        "WARN" => Some(Severity::Medium),
        "INFO" => Some(Severity::Low),
        _ => None,
    }
}
