//! pip-audit's JSON: of version 2, and the bare list before it.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Report, Vulnerability};

/// pip-audit.
pub const PARSER: Parser = Parser {
    name: "pip_audit",
    title: "pip-audit JSON",
    tool: "pip-audit",
    content_types: &["application/json"],
    defectdojo_names: &["pip-audit Scan"],
    example: r#"{"dependencies": [{"name": "django", "version": "3.2.9", "vulns": [
  {"id": "PYSEC-2021-439", "fix_versions": ["3.2.10"], "aliases": ["CVE-2026-10001"], "description": "A bypass."}]}],
  "fixes": []}"#,
    shapes: &[
        &[Sign::Has("dependencies[].name"), Sign::List("dependencies[].vulns")],
        &[Sign::Has("[].name"), Sign::Has("[].version"), Sign::List("[].vulns")],
        &[Sign::List("dependencies"), Sign::List("fixes")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    dependencies: Entries<'a, Dependency<'a>>,
}

#[derive(Deserialize)]
struct Dependency<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    version: Text<'a>,
    #[serde(borrow, default)]
    skip_reason: Text<'a>,
    #[serde(borrow, default)]
    vulns: List<Known<'a>>,
}

#[derive(Deserialize)]
struct Known<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    fix_versions: List<Text<'a>>,
    #[serde(borrow, default)]
    aliases: List<Text<'a>>,
    #[serde(borrow, default)]
    description: Text<'a>,
}

/// pip-audit gives no severity. What somebody published an advisory on is worth a look, and more cannot be told.
const SEVERITY: Severity = Severity::Medium;

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("pip-audit");
    if text.trim_start().starts_with('[') {
        builder.each(json::read(text)?, "", add_all);
    } else {
        let file: File<'_> = json::read(text)?;
        builder.each(file.dependencies, "/dependencies", add_all);
    }
    Ok(vec![builder.finish()])
}

fn add_all(builder: &mut ReportBuilder, dependency: &Dependency<'_>, place: Box<str>) {
    if let Some(reason) = dependency.skip_reason.some_line() {
        builder.warn(&place, &reason);
    }
    let component = builder.component(&dependency.name, &dependency.version, "");
    for (number, known) in dependency.vulns.iter().enumerate() {
        let named = [&known.id].into_iter().chain(known.aliases.iter());
        let ids = words::each_once(named.filter_map(Text::some_line));
        let fixed = known.fix_versions.iter().filter_map(Text::some_line).collect::<Vec<_>>();
        let vulnerability = Vulnerability {
            key: words::key(&ids, "pip-audit", &known.id),
            title: known.id.title(),
            description: known.description.text(),
            severity: SEVERITY,
            ids,
            ..Vulnerability::default()
        };
        let finding = Finding {
            component,
            fixed_version: text::some(fixed.join(", ")),
            place: Some(format!("{place}/vulns/{number}").into()),
            ..Finding::default()
        };
        builder.add_of(vulnerability, finding);
    }
}
