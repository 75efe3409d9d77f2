//! ESLint's JSON, with and without metadata. Messages that a comment suppresses are there, too, as accepted.

use std::collections::HashMap;

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List, Object, Pairs};
use crate::reports::read::text::{Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// ESLint.
pub const PARSER: Parser = Parser {
    name: "eslint",
    title: "ESLint JSON",
    tool: "ESLint",
    content_types: &["application/json"],
    defectdojo_names: &["ESLint Scan"],
    example: r#"[{"filePath": "/src/shop.js", "errorCount": 1, "messages": [
  {"ruleId": "no-eval", "severity": 2, "message": "eval can be harmful.", "line": 3, "endLine": 3}]}]"#,
    shapes: &[
        &[Sign::Has("[].filePath"), Sign::List("[].messages")],
        &[Sign::Has("results[].filePath"), Sign::List("results[].messages"), Sign::Has("metadata")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    results: List<Source<'a>>,
    #[serde(borrow)]
    metadata: Object<Metadata<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata<'a> {
    #[serde(borrow)]
    rules_meta: Pairs<Text<'a>, Object<RuleMeta<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RuleMeta<'a> {
    #[serde(borrow)]
    docs: Object<Docs<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Docs<'a> {
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Source<'a> {
    #[serde(borrow)]
    file_path: Text<'a>,
    #[serde(borrow)]
    messages: Entries<'a, Message<'a>>,
    #[serde(borrow)]
    suppressed_messages: Entries<'a, Message<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    /// Empty for a file that could not be parsed.
    #[serde(borrow, default)]
    rule_id: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(default)]
    line: Number,
    #[serde(default)]
    end_line: Number,
    #[serde(borrow, default)]
    message_id: Text<'a>,
    #[serde(borrow, default)]
    suppressions: List<Suppression<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Suppression<'a> {
    #[serde(borrow)]
    justification: Text<'a>,
}

/// What is said of rules, by their id.
type Rules<'a> = HashMap<Text<'a>, Object<RuleMeta<'a>>>;

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let is_list = text.trim_start().starts_with('[');
    let file: File<'_> =
        if is_list { File { results: json::read(text)?, ..File::default() } } else { json::read(text)? };
    let path = if is_list { "" } else { "/results" };
    let mut builder = ReportBuilder::new("ESLint");
    let rules: Rules<'_> = file.metadata.0.rules_meta.0.into_iter().collect();
    for (number, source) in file.results.0.into_iter().enumerate() {
        let (name, path) = (source.file_path, format!("{path}/{number}"));
        for (list, messages) in [("messages", source.messages), ("suppressedMessages", source.suppressed_messages)] {
            let path = format!("{path}/{list}");
            builder.each(messages, &path, |builder, message, place| add(builder, &rules, &name, message, place));
        }
    }
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, rules: &Rules<'_>, file: &Text<'_>, message: &Message<'_>, place: Box<str>) {
    let severity = severity(&message.severity);
    let rule = message.rule_id.some_line().unwrap_or_else(|| "parsing".to_owned());
    let vulnerability = builder.vulnerability(&format!("ESLint:{rule}"), || {
        let docs = rules.get(&message.rule_id).map(|meta| &meta.docs);
        Vulnerability {
            title: message.rule_id.or(&message.message).title(),
            description: docs.map_or(&message.message, |docs| docs.description.or(&message.message)).text(),
            severity,
            cwes: docs.map(|docs| words::cwes(&docs.description)).unwrap_or_default(),
            references: docs.and_then(|docs| docs.url.some_line()).into_iter().collect(),
            ..Vulnerability::default()
        }
    });
    let finding = Finding {
        vulnerability,
        location: Location {
            file: file.some_line(),
            line: message.line.positive(),
            end_line: message.end_line.positive(),
            ..Location::default()
        },
        analysis: message.suppressions.first().map(|suppression| Analysis {
            state: AnalysisState::RiskAccepted,
            justification: suppression.justification.some_text(),
        }),
        place: Some(place),
        facts: facts([("message", message.message_id.some_line())]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", &message.message);
}

/// ESLint knows errors (2) and warnings (1).
fn severity(level: &str) -> Severity {
    match level {
        "2" => Severity::High,
        "1" => Severity::Medium,
        _ => Severity::None,
    }
}
