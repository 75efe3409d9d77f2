//! bundler-audit: gems with known vulnerabilities, as JSON and as the text that it prints.

mod printed;

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Report, Vulnerability};

/// bundler-audit.
pub const PARSER: Parser = Parser {
    name: "bundler_audit",
    title: "bundler-audit (JSON, text)",
    tool: "bundler-audit",
    content_types: &["application/json", "text/plain"],
    defectdojo_names: &["Bundler-Audit Scan"],
    example: "Name: rack\nVersion: 1.6.13\nCVE: CVE-2026-10001\nCriticality: High\nURL: https://example.com/1\n\
              Title: Directory traversal\nSolution: update to '>= 2.1.3'\n\nVulnerabilities found!\n",
    shapes: &[
        &[Sign::Has("results[].gem.name"), Sign::Has("results[].advisory.id")],
        &[Sign::Says("results[].type", "insecure_source"), Sign::Has("results[].source")],
        &[Sign::Has("version"), Sign::Has("created_at"), Sign::List("results")],
        &[Sign::Contains("Name: "), Sign::Contains("\nCriticality: "), Sign::Contains("\nSolution: ")],
        &[Sign::Contains("Insecure Source URI found: ")],
        &[Sign::Column("no vulnerabilities found")],
        &[Sign::Contains("ruby-advisory-db"), Sign::Contains("\nNo vulnerabilities found")],
    ],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    version: Text<'a>,
    #[serde(borrow, default)]
    created_at: Text<'a>,
    #[serde(borrow)]
    results: Entries<'a, Entry<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry<'a> {
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(borrow)]
    gem: Object<Gem<'a>>,
    #[serde(borrow)]
    advisory: Object<Advisory<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Gem<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Advisory<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    cvss_v2: Number,
    cvss_v3: Number,
    #[serde(borrow)]
    cve: Text<'a>,
    #[serde(borrow)]
    ghsa: Text<'a>,
    #[serde(borrow)]
    criticality: Text<'a>,
    #[serde(borrow)]
    patched_versions: List<Text<'a>>,
    #[serde(borrow)]
    solution: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = if text.trim_start().starts_with('{') { json::read(text)? } else { printed::read(text)? };
    let mut builder = ReportBuilder::new("bundler-audit");
    builder.head().tool_version = file.version.some_line();
    builder.head().reported_at = file.created_at.time();
    builder.each(file.results, "/results", |builder, entry, place| {
        let is_source = entry.gem.name.is_empty() && !entry.source.is_empty();
        let finding = Finding { place: Some(place), ..Finding::default() };
        if is_source { add_source(builder, entry, finding) } else { add_gem(builder, entry, finding) }
    });
    Ok(vec![builder.finish()])
}

/// A gem that is fetched without encryption.
fn add_source(builder: &mut ReportBuilder, entry: &Entry<'_>, mut finding: Finding) {
    finding.location.url = entry.source.some_line();
    let vulnerability = Vulnerability {
        key: words::key(&[], "bundler-audit", "insecure_source"),
        title: "Insecure source of gems".to_owned(),
        severity: UNRATED,
        cwes: vec![319],
        ..Vulnerability::default()
    };
    builder.add_of(vulnerability, finding);
}

fn add_gem(builder: &mut ReportBuilder, entry: &Entry<'_>, mut finding: Finding) {
    let advisory = &entry.advisory;
    finding.component = builder.component(&entry.gem.name, &entry.gem.version, "");
    finding.fixed_version = text::joined(advisory.patched_versions.iter(), ", ");
    let ids = [full_id("CVE-", &advisory.cve), full_id("GHSA-", &advisory.ghsa), advisory.id.some_line()];
    let ids = words::each_once(ids.into_iter().flatten());
    let mut ratings = Ratings::default();
    ratings.add("", advisory.cvss_v2.0);
    ratings.add("", advisory.cvss_v3.0);
    let vulnerability = Vulnerability {
        key: words::key(&ids, "bundler-audit", &advisory.title),
        title: advisory.title.or(&advisory.id).title(),
        description: advisory.description.text(),
        remediation: advisory.solution.some_text(),
        severity: severity(&ratings, &advisory.criticality),
        ids,
        references: advisory.url.some_line().into_iter().collect(),
        ..Vulnerability::default()
    };
    builder.add_of(ratings.rate(vulnerability), finding);
}

/// The JSON leaves the prefix of an id out.
fn full_id(prefix: &str, id: &Text<'_>) -> Option<String> {
    let id = id.some_line()?;
    Some(if id.starts_with(prefix) { id } else { format!("{prefix}{id}") })
}

/// What nobody has rated yet is known, public and fixed in a newer gem: neither alarming nor to be missed.
const UNRATED: Severity = Severity::Medium;

fn severity(ratings: &Ratings, word: &str) -> Severity {
    match ratings.severity(word) {
        Severity::Unknown => UNRATED,
        known => known,
    }
}
