//! Retire.js' JSON: vulnerable JavaScript libraries in files, of version 1 (a bare list) and later.

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::Text;
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};

/// Retire.js.
pub const PARSER: Parser = Parser {
    name: "retirejs",
    title: "Retire.js JSON",
    tool: "Retire.js",
    content_types: &["application/json"],
    defectdojo_names: &["Retire.js Scan"],
    example: r#"{"version": "5.2.0", "start": "2026-01-31T10:20:30.000Z", "data": [{"file": "static/jquery.js", "results": [
  {"component": "jquery", "version": "1.8.0", "detection": "filecontent", "vulnerabilities": [{"severity": "medium",
   "below": "1.9.0", "identifiers": {"summary": "Selector interpreted as HTML", "CVE": ["CVE-2026-10001"]}}]}]}], "errors": []}"#,
    shapes: &[
        &[Sign::Has("data[].file"), Sign::Has("data[].results[].component"), Sign::Has("data[].results[].detection")],
        &[Sign::Has("[].file"), Sign::Has("[].results[].component"), Sign::Has("[].results[].detection")],
        &[Sign::Has("version"), Sign::Has("start"), Sign::List("data"), Sign::Has("messages"), Sign::Has("errors")],
    ],
    parse,
};

#[derive(Deserialize)]
struct Log<'a> {
    #[serde(borrow, default)]
    version: Text<'a>,
    #[serde(borrow, default)]
    start: Text<'a>,
    #[serde(borrow)]
    data: Entries<'a, File<'a>>,
    #[serde(borrow, default)]
    errors: List<Text<'a>>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    file: Text<'a>,
    #[serde(borrow)]
    results: List<Library<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Library<'a> {
    #[serde(borrow)]
    component: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    detection: Text<'a>,
    #[serde(borrow)]
    vulnerabilities: List<Known<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Known<'a> {
    #[serde(borrow)]
    info: List<Text<'a>>,
    #[serde(borrow)]
    below: Text<'a>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    cwe: List<Text<'a>>,
    #[serde(borrow)]
    identifiers: Object<Identifiers<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Identifiers<'a> {
    #[serde(borrow)]
    summary: Text<'a>,
    #[serde(borrow, rename = "CVE")]
    cve: List<Text<'a>>,
    #[serde(borrow, rename = "githubID")]
    github_id: Text<'a>,
    #[serde(borrow)]
    issue: Text<'a>,
    #[serde(borrow)]
    bug: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Retire.js");
    if text.trim_start().starts_with('[') {
        builder.each(json::read(text)?, "", add_file);
        return Ok(vec![builder.finish()]);
    }
    let log: Log<'_> = json::read(text)?;
    builder.head().tool_version = log.version.some_line();
    builder.head().reported_at = log.start.time();
    for (index, error) in log.errors.iter().enumerate().filter(|(_, error)| !error.is_empty()) {
        builder.warn(format_args!("/errors/{index}"), error);
    }
    builder.each(log.data, "/data", add_file);
    Ok(vec![builder.finish()])
}

fn add_file(builder: &mut ReportBuilder, file: &File<'_>, place: Box<str>) {
    for (number, library) in file.results.iter().enumerate() {
        let component = builder.component(&library.component, &library.version, "");
        for (index, known) in library.vulnerabilities.iter().enumerate() {
            let finding = Finding {
                component,
                location: Location { file: words::file_path(&file.file), ..Location::default() },
                fixed_version: known.below.some_line(),
                place: Some(format!("{place}/results/{number}/vulnerabilities/{index}").into()),
                facts: builder::facts([("detection", library.detection.some_line())]),
                ..Finding::default()
            };
            builder.add_of(vulnerability(library, known), finding);
        }
    }
}

fn vulnerability(library: &Library<'_>, known: &Known<'_>) -> Vulnerability {
    let names = &known.identifiers;
    let ids = words::each_once(names.cve.iter().chain([&names.github_id]).filter_map(Text::some_line));
    let own = names.issue.or(&names.bug).or(&names.summary);
    let title = if names.summary.is_empty() {
        format!("{} is vulnerable", library.component.title())
    } else {
        names.summary.title()
    };
    Vulnerability {
        key: words::key(&ids, "Retire.js", &format!("{} {own}", library.component)),
        title,
        severity: words::severity_or_unknown(&known.severity),
        cwes: words::each_once(known.cwe.iter().filter_map(|cwe| words::cwe(cwe))),
        references: words::each_once(known.info.iter().filter_map(Text::some_line)),
        ids,
        ..Vulnerability::default()
    }
}
