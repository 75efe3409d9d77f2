//! Brakeman's JSON: Ruby on Rails. What its ignore file excuses is read as accepted, with the note.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// Brakeman.
pub const PARSER: Parser = Parser {
    name: "brakeman",
    title: "Brakeman JSON",
    tool: "Brakeman",
    content_types: &["application/json"],
    defectdojo_names: &["Brakeman Scan"],
    example: r#"{"scan_info": {"brakeman_version": "6.2.1", "rails_version": "7.1"}, "warnings": [
  {"warning_type": "SQL Injection", "message": "Possible SQL injection", "file": "app/models/user.rb", "line": 7,
   "fingerprint": "c0ffee", "confidence": "High"}], "ignored_warnings": [], "errors": []}"#,
    shapes: &[&[Sign::Has("scan_info.brakeman_version"), Sign::List("warnings")]],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    scan_info: Object<ScanInfo<'a>>,
    #[serde(borrow)]
    warnings: Entries<'a, Entry<'a>>,
    #[serde(borrow, default)]
    ignored_warnings: Entries<'a, Entry<'a>>,
    #[serde(borrow, default)]
    errors: List<Object<Fault<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScanInfo<'a> {
    #[serde(borrow)]
    brakeman_version: Text<'a>,
    #[serde(borrow)]
    end_time: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault<'a> {
    #[serde(borrow)]
    error: Text<'a>,
    #[serde(borrow)]
    location: Text<'a>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    warning_type: Text<'a>,
    #[serde(borrow, default)]
    check_name: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    fingerprint: Text<'a>,
    #[serde(borrow, default)]
    file: Text<'a>,
    #[serde(default)]
    line: Number,
    #[serde(borrow, default)]
    link: Text<'a>,
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    user_input: Text<'a>,
    #[serde(borrow, default)]
    confidence: Text<'a>,
    #[serde(borrow, default)]
    cwe_id: List<Text<'a>>,
    #[serde(borrow, default)]
    note: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Brakeman");
    builder.head().tool_version = file.scan_info.brakeman_version.some_line();
    builder.head().reported_at = file.scan_info.end_time.time();
    for fault in file.errors.iter() {
        builder.warn(&fault.location, &fault.error);
    }
    builder.each(file.warnings, "/warnings", |builder, entry, place| add(builder, entry, None, place));
    builder.each(file.ignored_warnings, "/ignored_warnings", |builder, entry, place| {
        let analysis = Analysis { state: AnalysisState::RiskAccepted, justification: entry.note.some_text() };
        add(builder, entry, Some(analysis), place);
    });
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Entry<'_>, analysis: Option<Analysis>, place: Box<str>) {
    let location = Location {
        file: words::file_path(&entry.file),
        line: entry.line.positive(),
        snippet: entry.code.some_text(),
        parameter: entry.user_input.some_line(),
        ..Location::default()
    };
    let finding = Finding {
        location,
        description: entry.message.some_text(),
        fingerprint: entry.fingerprint.some_line(),
        analysis,
        place: Some(place),
        facts: builder::facts([("confidence", entry.confidence.some_line()), ("check", entry.check_name.some_line())]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(entry), finding);
}

/// Warnings about Rails itself name their CVE in the message.
fn vulnerability(entry: &Entry<'_>) -> Vulnerability {
    let ids = words::ids_in(&entry.message);
    Vulnerability {
        key: words::key(&ids, "Brakeman", &entry.warning_type),
        title: if ids.is_empty() { entry.warning_type.title() } else { entry.message.title() },
        // Brakeman says how sure it is, not how bad it would be.
        severity: Severity::Medium,
        cwes: words::each_once(entry.cwe_id.iter().filter_map(|cwe| words::cwe(cwe))),
        references: entry.link.some_line().into_iter().collect(),
        ids,
        ..Vulnerability::default()
    }
}
