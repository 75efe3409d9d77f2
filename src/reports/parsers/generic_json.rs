//! DefectDojo's generic findings as JSON: what pipelines write for tools that have no format.

use serde::Deserialize;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::generic::{self, GenericFinding};
use crate::reports::read::json::{self, Entries};
use crate::reports::read::text::Text;
use crate::reports::report::Report;

/// DefectDojo generic JSON.
pub const PARSER: Parser = Parser {
    name: "generic_json",
    title: "DefectDojo generic findings (JSON)",
    tool: "any",
    content_types: &["application/json"],
    defectdojo_names: &["Generic Findings Import"],
    example: r#"{"type": "Own checks", "findings": [
  {"title": "Default password", "description": "admin/admin works", "severity": "High", "cwe": 1392}]}"#,
    shapes: &[
        &[Sign::Has("findings[].title"), Sign::Has("findings[].severity")],
        &[Sign::Has("findings[].title"), Sign::Has("findings[].description")],
        &[Sign::List("findings"), Sign::Has("name"), Sign::Has("type")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    findings: Entries<'a, GenericFinding<'a>>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let tool = file.kind.or(&file.name).some_line().unwrap_or_else(|| "Generic".to_owned());
    let mut builder = ReportBuilder::new(tool.clone());
    builder.head().tool_version = file.version.some_line();
    builder.each(file.findings, "/findings", |builder, entry, place| generic::add(builder, &tool, entry, place));
    Ok(vec![builder.finish()])
}
