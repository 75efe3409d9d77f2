//! The results of a pipeline scan (`results.json`, `filtered_results.json`).

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parsers::veracode::{TOOL, severity};
use crate::reports::read::html;
use crate::reports::read::json::{self, Entries, Object};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    project_name: Text<'a>,
    #[serde(borrow, default)]
    scan_status: Text<'a>,
    #[serde(borrow)]
    findings: Entries<'a, Flaw<'a>>,
}

#[derive(Deserialize)]
struct Flaw<'a> {
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    issue_type: Text<'a>,
    #[serde(borrow, default)]
    cwe_id: Text<'a>,
    #[serde(borrow, default)]
    display_text: Text<'a>,
    #[serde(borrow, default)]
    files: Object<Files<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Files<'a> {
    #[serde(borrow)]
    source_file: Object<SourceFile<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SourceFile<'a> {
    #[serde(borrow)]
    file: Text<'a>,
    line: Number,
    #[serde(borrow)]
    qualified_function_name: Text<'a>,
}

/// Reads the results.
///
/// # Errors
/// See [`json::read`].
pub fn read(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new(TOOL);
    builder.head().target = file.project_name.some_line();
    builder.head().failed = !file.scan_status.is_empty() && file.scan_status.as_str() != "SUCCESS";
    builder.each(file.findings, "/findings", add);
    Ok(vec![builder.finish()])
}

/// The issue's number is counted anew in each scan; it is no fingerprint.
fn add(builder: &mut ReportBuilder, flaw: &Flaw<'_>, place: Box<str>) {
    let (severity, source) = (severity(&flaw.severity), &flaw.files.source_file);
    let number = words::cwe(&flaw.cwe_id);
    let key = number.map_or_else(|| flaw.issue_type.title(), |number| format!("CWE-{number}"));
    let vulnerability = builder.vulnerability(&format!("{TOOL}:{key}"), || Vulnerability {
        title: flaw.issue_type.title(),
        severity,
        cwes: number.into_iter().collect(),
        references: words::each_once(html::links(&flaw.display_text).iter().map(|link| text::line(link))),
        ..Vulnerability::default()
    });
    let finding = Finding {
        vulnerability,
        location: Location {
            file: words::file_path(&source.file),
            line: source.line.positive(),
            ..Location::default()
        },
        place: Some(place),
        facts: builder::facts([
            ("attack_vector", flaw.title.some_line()),
            ("function", source.qualified_function_name.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &flaw.issue_type, &html::to_text(&flaw.display_text));
}
