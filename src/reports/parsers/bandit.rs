//! Bandit's JSON.

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};

/// Bandit.
pub const PARSER: Parser = Parser {
    name: "bandit",
    title: "Bandit JSON",
    tool: "Bandit",
    content_types: &["application/json"],
    defectdojo_names: &["Bandit Scan"],
    example: r#"{"errors": [], "generated_at": "2026-01-31T08:00:00Z", "metrics": {}, "results": [
  {"test_id": "B602", "test_name": "subprocess_popen_with_shell_equals_true", "filename": "shop/run.py", "line_number": 3,
   "issue_text": "subprocess call with shell=True identified, security issue.", "issue_severity": "HIGH"}]}"#,
    shapes: &[
        &[Sign::Has("results[].test_id"), Sign::Has("results[].issue_text")],
        // The metrics of every file scanned come before the results, and may be more than is looked at.
        &[Sign::Has("generated_at"), Sign::List("errors"), Sign::Has("metrics._totals.SEVERITY.HIGH")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    generated_at: Text<'a>,
    #[serde(borrow)]
    results: Entries<'a, Issue<'a>>,
    #[serde(borrow)]
    errors: List<Unread<'a>>,
}

#[derive(Deserialize)]
struct Issue<'a> {
    #[serde(borrow)]
    test_id: Text<'a>,
    #[serde(borrow, default)]
    test_name: Text<'a>,
    #[serde(borrow, default)]
    issue_text: Text<'a>,
    #[serde(borrow, default)]
    issue_severity: Text<'a>,
    #[serde(borrow, default)]
    issue_confidence: Text<'a>,
    #[serde(borrow, default)]
    issue_cwe: Object<Weakness<'a>>,
    #[serde(borrow, default)]
    filename: Text<'a>,
    #[serde(default)]
    line_number: Number,
    #[serde(default)]
    line_range: List<Number>,
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    more_info: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Weakness<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    link: Text<'a>,
}

/// A file that Bandit could not read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Unread<'a> {
    #[serde(borrow)]
    filename: Text<'a>,
    #[serde(borrow)]
    reason: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Bandit");
    builder.head().reported_at = file.generated_at.time();
    builder.each(file.results, "/results", add);
    for error in file.errors.iter() {
        builder.warn(&*error.filename, &format!("not scanned: {}", error.reason));
    }
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, issue: &Issue<'_>, place: Box<str>) {
    let links = [&issue.more_info, &issue.issue_cwe.link];
    let vulnerability = Vulnerability {
        key: format!("Bandit:{}", issue.test_id.line()),
        title: issue.issue_text.or(&issue.test_name).title(),
        severity: words::severity_or_unknown(&issue.issue_severity),
        cwes: words::cwe(&issue.issue_cwe.id).into_iter().collect(),
        references: words::each_once(links.into_iter().filter_map(Text::some_line)),
        ..Vulnerability::default()
    };
    let last_line = issue.line_range.last().and_then(|line| line.positive());
    builder.add_of(
        vulnerability,
        Finding {
            location: Location {
                file: words::file_path(&issue.filename),
                line: issue.line_number.positive(),
                end_line: last_line.max(issue.line_number.positive()),
                snippet: issue.code.some_text(),
                ..Location::default()
            },
            place: Some(place),
            facts: builder::facts([
                ("test", issue.test_name.some_line()),
                ("confidence", issue.issue_confidence.some_line()),
            ]),
            ..Finding::default()
        },
    );
}
