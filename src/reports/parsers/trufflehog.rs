//! TruffleHog's JSON, versions 2 and 3. No secret is kept, only what TruffleHog itself shows of it.
//!
//! Version 2 knows no lines: what it finds for one reason in one file is one finding.

mod schema;

use std::collections::HashSet;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};
use schema::{Secret, SourceData};

/// TruffleHog.
pub const PARSER: Parser = Parser {
    name: "trufflehog",
    title: "TruffleHog JSON",
    tool: "TruffleHog",
    content_types: &["application/x-ndjson", "application/json"],
    defectdojo_names: &["Trufflehog Scan"],
    example: r#"{"SourceMetadata": {"Data": {"Git": {"file": "deploy.sh", "line": 3, "commit": "c0ffee"}}},
  "SourceName": "trufflehog - git", "DetectorName": "AWS", "Verified": true, "Raw": "AKIAIOSFODNN7EXAMPLE"}"#,
    shapes: &[
        &[Sign::Has("SourceMetadata"), Sign::Has("DetectorName")],
        &[Sign::Has("[].SourceMetadata"), Sign::Has("[].DetectorName")],
        &[Sign::Has("stringsFound"), Sign::Has("commitHash"), Sign::Has("reason")],
        &[Sign::Has("[].stringsFound"), Sign::Has("[].commitHash"), Sign::Has("[].reason")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("TruffleHog");
    let mut known = HashSet::new();
    builder.each_in(text, |builder, secret, place| add(builder, &mut known, secret, place))?;
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, known: &mut HashSet<[String; 5]>, secret: &Secret<'_>, place: Box<str>) {
    let empty = SourceData::default();
    let data = &secret.source_metadata.data.0.first().map_or(&empty, |(_, data)| &data.0);
    let reason = secret.detector_name.or(&secret.reason);
    if reason.is_empty() {
        // Version 3 may write its log among the findings.
        if secret.level.is_empty() {
            builder.lose(place, "no detector");
        }
        return;
    }
    let file = data.file.or(&secret.path);
    let raw = format!("{}{}", secret.raw, secret.raw_v2);
    if !known.insert([reason.line(), file.line(), data.line.line(), data.commit.line(), raw]) {
        return;
    }
    let vulnerability = Vulnerability {
        key: format!("TruffleHog:{}", reason.line()),
        title: text::title(&format!("Secret in code: {}", reason.line())),
        severity: severity(reason, secret.verified.as_str() == "true"),
        ..Vulnerability::default()
    };
    let finding = Finding {
        asset: asset(builder, data),
        location: Location {
            file: file.some_line(),
            line: data.line.positive(),
            snippet: snippet(secret),
            ..Location::default()
        },
        place: Some(place),
        facts: facts(secret, data),
        ..Finding::default()
    };
    builder.add_of(vulnerability, finding);
}

/// TruffleHog has no severities. A secret that it has tried and that works is critical, and so is one that opens an
/// account in which everything else is kept; one that only looks like a secret tells less the less its form is fixed.
fn severity(reason: &str, is_verified: bool) -> Severity {
    match reason {
        _ if is_verified => Severity::Critical,
        "High Entropy" => Severity::None,
        "Generic Secret" => Severity::Medium,
        _ if ["Oauth", "AWS", "Heroku"].iter().any(|provider| reason.contains(provider)) => Severity::Critical,
        _ => Severity::High,
    }
}

fn asset(builder: &mut ReportBuilder, data: &SourceData<'_>) -> Option<usize> {
    let image = data.image.line();
    builder
        .asset(AssetKind::Image, words::image_name(&image))
        .or_else(|| builder.asset(AssetKind::Resource, &data.bucket))
        .or_else(|| builder.asset(AssetKind::Repository, data.repository.trim_end_matches(".git")))
}

/// What TruffleHog shows of a secret; else too little of it to be used.
fn snippet(secret: &Secret<'_>) -> Option<String> {
    let found = secret.strings_found.first().and_then(Text::some_line);
    let found = found.or_else(|| secret.raw.some_line()).map(|found| words::redacted(&found));
    secret.redacted.some_text().filter(|shown| *shown != secret.raw.as_str()).or(found)
}

fn facts(secret: &Secret<'_>, data: &SourceData<'_>) -> Vec<(&'static str, String)> {
    builder::facts([
        ("verified", secret.verified.some_line()),
        ("source", secret.source_name.some_line()),
        ("code_url", data.link.some_line()),
        ("commit", data.commit.or(&secret.commit_hash).some_line()),
        ("committer", data.email.some_line()),
        ("commit_date", data.timestamp.or(&secret.date).some_line()),
        ("commit_message", secret.commit.some_line()),
        ("branch", secret.branch.some_line()),
        ("image_layer", data.layer.some_line()),
    ])
}
