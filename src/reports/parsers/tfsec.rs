//! tfsec's JSON, with the rules of version 1 (`aws-s3-no-public-access`) and of those before (`AWS001`), of which the
//! first had no description.
//!
//! A module that is used several times is reported for each use; the place in the code is one, and so is the finding.

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// tfsec.
pub const PARSER: Parser = Parser {
    name: "tfsec",
    title: "tfsec JSON",
    tool: "tfsec",
    content_types: &["application/json"],
    defectdojo_names: &["TFSec Scan"],
    example: r#"{"results": [{"rule_id": "AVD-AWS-0086", "long_id": "aws-s3-block-public-acls", "rule_provider": "aws",
  "rule_description": "S3 access block should block public ACLs", "severity": "HIGH", "description": "No access block",
  "location": {"filename": "main.tf", "start_line": 3, "end_line": 9}}]}"#,
    shapes: &[
        &[Sign::Has("results[].rule_id"), Sign::Has("results[].rule_provider"), Sign::Has("results[].location")],
        &[Sign::Has("results[].rule_id"), Sign::Has("results[].location.filename"), Sign::Has("results[].severity")],
    ],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    results: Entries<'a, Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    rule_id: Text<'a>,
    #[serde(borrow, default)]
    long_id: Text<'a>,
    #[serde(borrow, default)]
    rule_description: Text<'a>,
    #[serde(borrow, default)]
    rule_provider: Text<'a>,
    #[serde(borrow, default)]
    rule_service: Text<'a>,
    #[serde(borrow, default)]
    impact: Text<'a>,
    #[serde(borrow, default)]
    resolution: Text<'a>,
    #[serde(borrow, default)]
    links: List<Text<'a>>,
    #[serde(borrow, default)]
    link: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(borrow, default)]
    passed: Text<'a>,
    #[serde(borrow, default)]
    resource: Text<'a>,
    #[serde(borrow, default)]
    location: Object<Place<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Place<'a> {
    #[serde(borrow)]
    filename: Text<'a>,
    start_line: Number,
    end_line: Number,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("tfsec");
    builder.each(file.results, "/results", add);
    Ok(vec![builder.finish()])
}

/// The states of a check: by name, or by the number that some versions write.
fn add(builder: &mut ReportBuilder, entry: &Entry<'_>, place: Box<str>) {
    let analysis = match entry.status.as_str() {
        _ if entry.passed.as_str() == "true" => return,
        "passed" | "1" => return,
        "ignored" | "2" => Some(Analysis { state: AnalysisState::RiskAccepted, justification: None }),
        _ => None,
    };
    let location = Location {
        file: words::file_path(&entry.location.filename),
        line: entry.location.start_line.positive(),
        end_line: entry.location.end_line.positive(),
        resource: entry.resource.some_line(),
        ..Location::default()
    };
    let finding = Finding {
        location,
        description: entry.description.some_text(),
        analysis,
        place: Some(place),
        facts: builder::facts([
            ("provider", entry.rule_provider.some_line()),
            ("service", entry.rule_service.some_line()),
        ]),
        ..Finding::default()
    };
    let location = &entry.location;
    let same = builder::print_of((&entry.rule_id, &location.filename, location.start_line.positive()));
    builder.add_once(same, vulnerability(entry), finding);
}

fn vulnerability(entry: &Entry<'_>) -> Vulnerability {
    let links = entry.links.iter().chain([&entry.link]).flat_map(|link| words::links(link));
    Vulnerability {
        key: words::key(&[], "tfsec", entry.long_id.or(&entry.rule_id)),
        title: entry.rule_description.or(&entry.rule_id).title(),
        description: entry.impact.text(),
        remediation: entry.resolution.some_text(),
        severity: words::severity_or_unknown(&entry.severity),
        references: words::each_once(links),
        ..Vulnerability::default()
    }
}
