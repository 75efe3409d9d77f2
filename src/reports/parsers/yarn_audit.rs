//! Yarn's audit as JSON: a document a line, of Yarn 1 and, in another shape, since Yarn 4. Between them, Yarn wrote what
//! npm 6 does.

use std::collections::HashSet;

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::npm_advisory::{self, Advisories, Advisory};
use crate::reports::read::json::{self, List, Object};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Report, Vulnerability};

/// Yarn.
pub const PARSER: Parser = Parser {
    name: "yarn_audit",
    title: "Yarn audit JSON",
    tool: "Yarn",
    content_types: &["application/x-ndjson", "application/json"],
    defectdojo_names: &["Yarn Audit Scan"],
    example: r#"{"type": "auditAdvisory", "data": {"advisory": {"id": 1179, "module_name": "minimist", "severity": "low",
  "title": "Prototype pollution", "findings": [{"version": "0.0.10", "paths": ["handlebars>optimist>minimist"]}]}}}
{"type": "auditSummary", "data": {"vulnerabilities": {"low": 1}}}"#,
    shapes: &[
        &[Sign::Says("type", "auditAdvisory"), Sign::Has("data.advisory.module_name")],
        &[Sign::Says("type", "auditSummary"), Sign::Object("data.vulnerabilities")],
        &[Sign::Has("value"), Sign::Has("children.ID"), Sign::Has("children.Issue")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    /// A text where Yarn only tells something.
    #[serde(borrow)]
    data: Object<AuditData<'a>>,
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(borrow)]
    children: Option<Issue<'a>>,
    #[serde(borrow)]
    advisories: Advisories<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuditData<'a> {
    #[serde(borrow)]
    advisory: Option<Advisory<'a>>,
}

/// What Yarn 4 knows of a package.
#[derive(Deserialize)]
struct Issue<'a> {
    #[serde(borrow, rename = "ID")]
    id: Text<'a>,
    #[serde(borrow, rename = "Issue", default)]
    issue: Text<'a>,
    #[serde(borrow, rename = "URL", default)]
    url: Text<'a>,
    #[serde(borrow, rename = "Severity", default)]
    severity: Text<'a>,
    #[serde(borrow, rename = "Vulnerable Versions", default)]
    vulnerable_versions: Text<'a>,
    #[serde(borrow, rename = "Tree Versions", default)]
    tree_versions: List<Text<'a>>,
    #[serde(borrow, rename = "Dependents", default)]
    dependents: List<Text<'a>>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("yarn audit");
    let (mut known, mut last_kind) = (HashSet::new(), String::new());
    for document in json::documents::<Line<'_>>(text) {
        let (number, line) = document?;
        let place = format!("line {number}");
        let Some(line) = builder.keep(line, &place) else { continue };
        if line.kind.as_str() == "error" {
            builder.head().failed = true;
            builder.warn(&place, "Yarn ended with an error");
        }
        last_kind = line.kind.line();
        npm_advisory::add_all(&mut builder, line.advisories);
        // Yarn 1 writes an advisory again for every way that leads to the package; each time it lists them all.
        if let Some(advisory) = line.data.0.advisory.filter(|advisory| known.insert(advisory.identity())) {
            npm_advisory::add(&mut builder, "npm", &advisory, place.clone().into());
        }
        if let Some(issue) = line.children {
            add(&mut builder, &line.value, &issue, place.into());
        }
    }
    // Yarn 1 ends with a summary; only then has it told all.
    if !matches!(last_kind.as_str(), "" | "auditSummary") {
        builder.head().failed = true;
        builder.warn("file", "the summary at the end is missing");
    }
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, package: &Text<'_>, issue: &Issue<'_>, place: Box<str>) {
    let ids = words::ids_in(&issue.url);
    let versions: Vec<String> = issue.tree_versions.iter().filter_map(Text::some_line).collect();
    let dependents: Vec<String> = issue.dependents.iter().filter_map(Text::some_line).collect();
    let vulnerability = Vulnerability {
        key: words::key(&ids, "npm", &issue.id),
        title: issue.issue.or(&issue.id).title(),
        severity: words::severity_or_unknown(&issue.severity),
        ids,
        references: issue.url.some_line().into_iter().collect(),
        ..Vulnerability::default()
    };
    let finding = Finding {
        component: builder.component(package, versions.first().map_or("", String::as_str), ""),
        place: Some(place),
        facts: builder::facts([
            ("installed_versions", text::some_line(&versions.join(", ")).filter(|_| versions.len() > 1)),
            ("vulnerable_versions", issue.vulnerable_versions.some_line()),
            ("dependents", text::some_text(&dependents.join("\n"))),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability, finding);
}
