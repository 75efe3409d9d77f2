//! Gitleaks: the JSON of version 8, that of the versions before it, and CSV.
//!
//! A history is searched commit by commit, so a secret that several commits touch comes several times; at one place it
//! is one finding. No secret is kept, only too little of it to be used.

use std::collections::HashSet;

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List};
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};

/// Gitleaks.
pub const PARSER: Parser = Parser {
    name: "gitleaks",
    title: "Gitleaks JSON and CSV",
    tool: "Gitleaks",
    content_types: &["application/json", "text/csv"],
    defectdojo_names: &["Gitleaks Scan"],
    example: r#"[{"RuleID": "aws-access-token", "Description": "An AWS key.", "StartLine": 3, "EndLine": 3,
  "Match": "key = AKIAIOSFODNN7EXAMPLE", "Secret": "AKIAIOSFODNN7EXAMPLE", "File": "app.cfg", "Commit": "c0ffee",
  "Fingerprint": "c0ffee:app.cfg:aws-access-token:3"}]"#,
    shapes: &[
        &[Sign::Has("[].RuleID"), Sign::Has("[].Secret"), Sign::Has("[].Match")],
        &[Sign::Has("[].offender"), Sign::Has("[].rule")],
        &[Sign::Column("ruleid"), Sign::Column("secret"), Sign::Column("match"), Sign::Column("fingerprint")],
    ],
    parse,
};

/// A leak, by the names of either generation.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Leak<'a> {
    #[serde(borrow, rename = "RuleID")]
    rule_id: Text<'a>,
    #[serde(borrow, alias = "rule")]
    rule: Text<'a>,
    #[serde(borrow, rename = "Description")]
    description: Text<'a>,
    #[serde(borrow, rename = "StartLine", alias = "lineNumber")]
    start_line: Text<'a>,
    #[serde(borrow, rename = "EndLine")]
    end_line: Text<'a>,
    #[serde(borrow, rename = "Match", alias = "line")]
    code: Text<'a>,
    #[serde(borrow, rename = "Secret", alias = "offender")]
    secret: Text<'a>,
    #[serde(borrow, rename = "File", alias = "file")]
    file: Text<'a>,
    #[serde(borrow, rename = "Link", alias = "leakURL")]
    link: Text<'a>,
    #[serde(borrow, rename = "Commit", alias = "commit")]
    commit: Text<'a>,
    #[serde(borrow, rename = "Author", alias = "author")]
    author: Text<'a>,
    #[serde(borrow, rename = "Email", alias = "email")]
    email: Text<'a>,
    #[serde(borrow, rename = "Date", alias = "date")]
    date: Text<'a>,
    #[serde(borrow, rename = "Message", alias = "commitMessage")]
    message: Text<'a>,
    #[serde(borrow, rename = "Tags", alias = "tags")]
    tags: List<Text<'a>>,
    #[serde(borrow, rename = "Entropy")]
    entropy: Text<'a>,
    #[serde(borrow, rename = "Fingerprint")]
    fingerprint: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Gitleaks");
    let mut known = HashSet::new();
    if text.trim_start().starts_with(['[', '{', 'n']) {
        let leaks: Entries<'_, Leak<'_>> = json::read(text)?;
        builder.each(leaks, "", |builder, leak, place| add(builder, &mut known, leak, place));
    } else {
        Table::new(text)?.each(|line, row| {
            let place = format!("line {line}");
            match row {
                Ok(row) => add(&mut builder, &mut known, &leak(row), place.into()),
                Err(detail) => builder.lose(place, &detail),
            }
            Ok(())
        })?;
    }
    Ok(vec![builder.finish()])
}

fn leak<'r>(row: &'r Row<'_>) -> Leak<'r> {
    let text = |column: &str| Text::from(row.get(column));
    Leak {
        rule_id: text("ruleid"),
        start_line: text("startline"),
        end_line: text("endline"),
        code: text("match"),
        secret: text("secret"),
        file: text("file"),
        link: text("link"),
        commit: text("commit"),
        author: text("author"),
        email: text("email"),
        date: text("date"),
        message: text("message"),
        tags: List(row.get("tags").split_whitespace().map(Text::from).collect()),
        fingerprint: text("fingerprint"),
        ..Leak::default()
    }
}

fn add(builder: &mut ReportBuilder, known: &mut HashSet<[String; 4]>, leak: &Leak<'_>, place: Box<str>) {
    let rule = leak.rule_id.or(&leak.rule);
    if rule.is_empty() {
        builder.lose(place, "no rule");
        return;
    }
    if !known.insert([rule.line(), leak.file.line(), leak.start_line.line(), leak.secret.to_string()]) {
        return;
    }
    let vulnerability = builder.vulnerability(&format!("Gitleaks:{}", rule.line()), || Vulnerability {
        title: text::title(&format!("Secret in code: {}", rule.line())),
        description: leak.description.text(),
        severity: severity(rule, &leak.description),
        ..Vulnerability::default()
    });
    builder.add(Finding {
        vulnerability,
        location: Location {
            file: leak.file.some_line(),
            line: leak.start_line.positive(),
            end_line: leak.end_line.positive(),
            snippet: words::without_secret(&leak.code, &leak.secret),
            ..Location::default()
        },
        fingerprint: leak.fingerprint.some_line(),
        place: Some(place),
        facts: facts(leak),
        ..Finding::default()
    });
}

/// Gitleaks has no severities. A secret in code is high; one that opens an account in which everything else is kept or
/// built is critical.
fn severity(rule: &str, description: &str) -> Severity {
    let opens_everything = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["aws", "github", "heroku"].iter().any(|provider| text.contains(provider))
    };
    if opens_everything(rule) || opens_everything(description) { Severity::Critical } else { Severity::High }
}

fn facts(leak: &Leak<'_>) -> Vec<(&'static str, String)> {
    let tags: Vec<&str> = leak.tags.iter().map(Text::as_str).collect();
    // What is in no commit yet has the first day of all as its date.
    let date = leak.date.some_line().filter(|date| !date.starts_with("0001-"));
    builder::facts([
        ("code_url", leak.link.some_line()),
        ("commit", leak.commit.some_line()),
        ("committer", leak.author.some_line()),
        ("committer_email", leak.email.some_line()),
        ("commit_date", date),
        ("commit_message", leak.message.some_line()),
        ("entropy", leak.entropy.some_line()),
        ("tags", text::some(text::line(&tags.join(", ")))),
    ])
}
