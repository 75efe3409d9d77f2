//! Docker Bench for Security: its JSON log. Checks that a person must make by hand are no findings.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Report, Vulnerability};

/// Docker Bench for Security.
pub const PARSER: Parser = Parser {
    name: "dockerbench",
    title: "Docker Bench for Security JSON",
    tool: "Docker Bench for Security",
    content_types: &["application/json"],
    defectdojo_names: &["docker-bench-security Scan"],
    example: r#"{"dockerbenchsecurity": "1.6.0", "start": 1769846400, "tests": [{"id": "2", "desc": "Docker daemon",
  "results": [{"id": "2.15", "desc": "Ensure live restore is enabled (Automated)", "result": "WARN"}]}]}"#,
    shapes: &[&[Sign::Has("dockerbenchsecurity"), Sign::List("tests")]],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    dockerbenchsecurity: Text<'a>,
    #[serde(borrow)]
    start: Text<'a>,
    #[serde(borrow)]
    end: Text<'a>,
    #[serde(borrow)]
    tests: List<Section<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Section<'a> {
    #[serde(borrow)]
    desc: Text<'a>,
    #[serde(borrow)]
    results: Entries<'a, Check<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Check<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    desc: Text<'a>,
    #[serde(borrow, default)]
    result: Text<'a>,
    #[serde(borrow, default)]
    details: Text<'a>,
    #[serde(borrow, default)]
    items: List<Text<'a>>,
    #[serde(borrow, default)]
    remediation: Text<'a>,
    #[serde(borrow, default)]
    remediation_impact: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Docker Bench for Security");
    builder.head().tool_version = file.dockerbenchsecurity.some_line();
    builder.head().reported_at = file.end.time().or_else(|| file.start.time());
    for (number, section) in file.tests.0.into_iter().enumerate() {
        let path = format!("/tests/{number}/results");
        let name = section.desc;
        builder.each(section.results, &path, |builder, check, place| add(builder, &name, check, place));
    }
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, section: &Text<'_>, check: &Check<'_>, place: Box<str>) {
    let Some(severity) = severity(check) else { return };
    let remedies = [check.remediation.some_text(), check.remediation_impact.some_text()];
    let remedies: Vec<String> = remedies.into_iter().flatten().collect();
    let vulnerability = Vulnerability {
        key: words::key(&[], "Docker Bench", &check.id),
        title: check.desc.or(&check.id).title(),
        remediation: text::some(text::text(&remedies.join("\n\n"))),
        severity,
        ..Vulnerability::default()
    };
    let items = check.items.iter().take(words::LIST_LIMIT).filter_map(Text::some_line);
    let mut known = facts([("check", check.id.some_line()), ("section", section.some_line())]);
    known.extend(items.map(|item| ("item", item)));
    let finding =
        Finding { description: check.details.some_text(), place: Some(place), facts: known, ..Finding::default() };
    builder.add_of(vulnerability, finding);
}

/// Results by the tool's manual: `WARN` is a failed check, `INFO` one that could not be made, `NOTE` advice. A check by
/// hand says nothing, whatever its result; `FAIL` was written by forks.
fn severity(check: &Check<'_>) -> Option<Severity> {
    let is_manual = check.desc.contains("(Manual)");
    match check.result.to_ascii_uppercase().as_str() {
        "FAIL" => Some(Severity::Critical),
        "WARN" if !is_manual => Some(Severity::High),
        "INFO" if !is_manual => Some(Severity::Low),
        "NOTE" if !is_manual => Some(Severity::None),
        _ => None,
    }
}
