//! KICS' JSON: infrastructure as code. A query with the files in which it found something; each is a finding.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};

/// KICS.
pub const PARSER: Parser = Parser {
    name: "kics",
    title: "KICS JSON",
    tool: "KICS",
    content_types: &["application/json"],
    defectdojo_names: &["KICS Scan"],
    example: r#"{"kics_version": "v2.1.0", "queries_total": 1, "severity_counters": {"HIGH": 1}, "queries": [
  {"query_name": "S3 bucket allows public read", "query_id": "c0ffee", "severity": "HIGH", "platform": "Terraform",
   "files": [{"file_name": "main.tf", "similarity_id": "abc", "line": 3}]}]}"#,
    shapes: &[
        &[Sign::Has("queries_total"), Sign::Has("severity_counters"), Sign::Has("files_scanned")],
        &[Sign::List("queries"), Sign::Has("queries_total"), Sign::Has("severity_counters")],
        &[Sign::Has("queries[].query_id"), Sign::Has("queries[].files[].similarity_id")],
    ],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    kics_version: Text<'a>,
    #[serde(borrow, default)]
    end: Text<'a>,
    #[serde(borrow)]
    queries: Entries<'a, Query<'a>>,
    #[serde(default)]
    files_failed_to_scan: Number,
    #[serde(default)]
    queries_failed_to_execute: Number,
}

#[derive(Deserialize)]
struct Query<'a> {
    #[serde(borrow)]
    query_name: Text<'a>,
    #[serde(borrow, default)]
    query_id: Text<'a>,
    #[serde(borrow, default)]
    query_url: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    platform: Text<'a>,
    #[serde(borrow, default)]
    cloud_provider: Text<'a>,
    #[serde(borrow, default)]
    category: Text<'a>,
    #[serde(borrow, default)]
    cwe: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
    #[serde(borrow, default)]
    files: Entries<'a, Hit<'a>>,
}

#[derive(Deserialize)]
struct Hit<'a> {
    #[serde(borrow)]
    file_name: Text<'a>,
    #[serde(borrow, default)]
    similarity_id: Text<'a>,
    #[serde(default)]
    line: Number,
    #[serde(borrow, default)]
    resource_type: Text<'a>,
    #[serde(borrow, default)]
    resource_name: Text<'a>,
    #[serde(borrow, default)]
    issue_type: Text<'a>,
    #[serde(borrow, default)]
    search_key: Text<'a>,
    #[serde(borrow, default)]
    expected_value: Text<'a>,
    #[serde(borrow, default)]
    actual_value: Text<'a>,
    #[serde(borrow, default)]
    remediation: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("KICS");
    builder.head().tool_version = file.kics_version.some_line();
    builder.head().reported_at = file.end.time();
    for (name, failed) in [
        ("files_failed_to_scan", file.files_failed_to_scan),
        ("queries_failed_to_execute", file.queries_failed_to_execute),
    ] {
        if let Some(count) = failed.positive() {
            builder.warn(format_args!("/{name}"), &format!("KICS could not do {count} of them"));
        }
    }
    for (index, query) in file.queries.into_iter().enumerate() {
        let path = format!("/queries/{index}");
        let Some(mut query) = builder.keep(query, &path) else { continue };
        let hits = std::mem::take(&mut query.files);
        let of_query = vulnerability(&query);
        let severity = of_query.severity;
        let index = builder.vulnerability(&of_query.key.clone(), || of_query);
        builder.each(hits, &format!("{path}/files"), |builder, hit, place| {
            let finding = Finding { vulnerability: index, place: Some(place), ..finding(&query, hit) };
            builder.add_differing(finding, severity, "", &message(hit));
        });
    }
    Ok(vec![builder.finish()])
}

fn finding(query: &Query<'_>, hit: &Hit<'_>) -> Finding {
    let resource = [&hit.resource_type, &hit.resource_name].map(Text::line).join(".");
    let location = Location {
        file: words::file_path(&hit.file_name),
        line: hit.line.positive(),
        resource: text::some_line(resource.trim_matches('.')),
        ..Location::default()
    };
    Finding {
        location,
        fingerprint: hit.similarity_id.some_line(),
        facts: builder::facts([
            ("platform", query.platform.some_line()),
            ("cloud_provider", query.cloud_provider.some_line()),
            ("category", query.category.some_line()),
            ("issue_type", hit.issue_type.some_line()),
            ("search_key", hit.search_key.some_line()),
            ("remediation", hit.remediation.some_text()),
        ]),
        ..Finding::default()
    }
}

fn vulnerability(query: &Query<'_>) -> Vulnerability {
    Vulnerability {
        key: words::key(&[], "KICS", query.query_id.or(&query.query_name)),
        title: query.query_name.title(),
        description: query.description.text(),
        severity: severity(&query.severity),
        cwes: words::cwe(&query.cwe).into_iter().collect(),
        references: query.query_url.some_line().into_iter().collect(),
        ..Vulnerability::default()
    }
}

/// What should be there and what is.
fn message(hit: &Hit<'_>) -> String {
    let parts = [("Expected: ", &hit.expected_value), ("Actual: ", &hit.actual_value)];
    let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<String> = parts.map(|(label, value)| format!("{label}{}", value.text())).collect();
    parts.join("\n")
}

/// `TRACE` is for bills of material: nothing is wrong there.
fn severity(word: &str) -> Severity {
    if word.eq_ignore_ascii_case("TRACE") { Severity::None } else { words::severity_or_unknown(word) }
}
