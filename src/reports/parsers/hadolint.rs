//! Hadolint's JSON: what it says of Dockerfiles, with ShellCheck's rules (`SC`) among its own (`DL`).

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries};
use crate::reports::read::text::{Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};

/// Hadolint.
pub const PARSER: Parser = Parser {
    name: "hadolint",
    title: "Hadolint JSON",
    tool: "Hadolint",
    content_types: &["application/json"],
    defectdojo_names: &["Hadolint Dockerfile check"],
    example: r#"[{"line": 1, "column": 1, "file": "Dockerfile", "code": "DL3006", "level": "warning",
  "message": "Always tag the version of an image explicitly"}]"#,
    shapes: &[
        &[Sign::Says("[].code", "DL"), Sign::Has("[].level"), Sign::Has("[].file"), Sign::Has("[].column")],
        &[Sign::Says("[].code", "SC"), Sign::Has("[].level"), Sign::Has("[].file"), Sign::Has("[].column")],
    ],
    parse,
};

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    level: Text<'a>,
    #[serde(borrow, default)]
    file: Text<'a>,
    #[serde(default)]
    line: Number,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Hadolint");
    builder.each(json::read::<Entries<'_, Entry<'_>>>(text)?, "", add);
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Entry<'_>, place: Box<str>) {
    let code = entry.code.line();
    let vulnerability = Vulnerability {
        key: words::key(&[], "Hadolint", &code),
        title: entry.message.or(&entry.code).title(),
        severity: severity(&entry.level),
        references: documentation(&code).into_iter().collect(),
        ..Vulnerability::default()
    };
    let location = Location { file: words::file_path(&entry.file), line: entry.line.positive(), ..Location::default() };
    builder.add_of(vulnerability, Finding { location, place: Some(place), ..Finding::default() });
}

/// Each rule has a page under its code.
fn documentation(code: &str) -> Option<String> {
    let digits = code.get(2..).filter(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))?;
    match code.get(..2)? {
        "DL" => Some(format!("https://github.com/hadolint/hadolint/wiki/DL{digits}")),
        "SC" => Some(format!("https://www.shellcheck.net/wiki/SC{digits}")),
        _ => None,
    }
}

/// Hadolint's levels are of a linter that fails a build already for `info`. Read one step up, as others that import it
/// do, so that its warnings do not vanish among those of scanners.
fn severity(level: &str) -> Severity {
    match level.to_ascii_lowercase().as_str() {
        "error" => Severity::Critical,
        "warning" => Severity::High,
        _ => Severity::None,
    }
}
