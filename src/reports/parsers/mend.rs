//! Mend, once WhiteSource: the list of vulnerabilities that its pages export, the libraries that its agent reports, the
//! alerts of its older API, of which those about licenses and versions are passed over, and the answers of its platform.

mod schema;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};
use schema::{Answer, File, Fix, Known, Library};

/// Mend.
pub const PARSER: Parser = Parser {
    name: "mend",
    title: "Mend (WhiteSource) vulnerabilities (JSON)",
    tool: "Mend",
    content_types: &["application/json"],
    defectdojo_names: &["Mend Scan"],
    example: r#"{"vulnerabilities": [{"name": "CVE-2026-10001", "type": "CVE", "severity": "medium", "cvss3_severity": "HIGH",
  "library": {"keyUuid": "c0ffee", "filename": "codec-1.3.jar", "artifactId": "codec", "version": "1.3"}, "project": "shop"}]}"#,
    shapes: &[
        &[Sign::Has("vulnerabilities[].library"), Sign::Has("vulnerabilities[].name")],
        &[Sign::Has("projectVitals"), Sign::Has("libraries")],
        &[Sign::Has("libraries[].keyUuid"), Sign::Has("libraries[].vulnerabilities")],
        &[Sign::Has("alerts[].vulnerability"), Sign::Has("alerts[].library")],
        &[Sign::Says("alerts[].type", "SECURITY_VULNERABILITY"), Sign::Has("alerts[].library")],
        &[Sign::Has("supportToken"), Sign::List("response")],
        &[
            Sign::Has("response[].vulnerability"),
            Sign::Has("response[].component"),
            Sign::Has("response[].findingInfo"),
        ],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Mend");
    let head = builder.head();
    head.target = file.vitals.name.some_line();
    head.reported_at = file.vitals.last_updated.time();
    builder.each(file.vulnerabilities, "/vulnerabilities", |builder, known, place| {
        builder.head().target = builder.head().target.take().or_else(|| known.project.some_line());
        add(builder, known, &known.library, Finding { place: Some(place), ..Finding::default() });
    });
    builder.each(file.alerts, "/alerts", |builder, alert, place| {
        if alert.vulnerability.name.is_empty() {
            return;
        }
        builder.head().target = builder.head().target.take().or_else(|| alert.project.some_line());
        let (analysis, found_at) = (schema::analysis(&alert.status), alert.creation_date.or(&alert.date).time());
        let finding = Finding { analysis, found_at, place: Some(place), ..Finding::default() };
        add(builder, &alert.vulnerability, &alert.library, finding);
    });
    for (index, library) in file.libraries.into_iter().enumerate() {
        let path = format!("/libraries/{index}");
        let Some(mut library) = builder.keep(library, &path) else { continue };
        let list = std::mem::take(&mut library.vulnerabilities);
        builder.each(list, &format!("{path}/vulnerabilities"), |builder, known, place| {
            add(builder, known, &library, Finding { place: Some(place), ..Finding::default() });
        });
    }
    builder.each(file.response, "/response", add_answer);
    json::expect_one(text, &["vulnerabilities", "libraries", "alerts", "response"])?;
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, known: &Known<'_>, library: &Library<'_>, finding: Finding) {
    let paths = known.locations.iter().map(|place| &place.path);
    let paths: Vec<&Text<'_>> = paths.chain(known.source_files.iter().map(|file| &file.local_path)).collect();
    let finding = Finding {
        component: builder.component(&name(library), &library.version, ""),
        location: Location { file: paths.first().and_then(|path| words::file_path(path)), ..Location::default() },
        fixed_version: fixed_version(&known.top_fix),
        facts: builder::facts([
            ("library_file", library.filename.some_line()),
            ("library_type", library.kind.some_line()),
            ("project", known.project.some_line()),
            ("product", known.product.some_line()),
            ("files", text::joined(paths.into_iter().skip(1).take(words::LIST_LIMIT), "\n")),
        ]),
        ..finding
    };
    builder.add_of(vulnerability(known), finding);
}

/// With the group, unless the group repeats the artifact.
fn name(library: &Library<'_>) -> String {
    let artifact = library.artifact_id.or(&library.name).line();
    match library.group_id.some_line() {
        Some(group) if !artifact.starts_with(&group) => format!("{group}/{artifact}"),
        _ => artifact,
    }
}

fn vulnerability(known: &Known<'_>) -> Vulnerability {
    let ids: Vec<String> = known.name.some_line().into_iter().collect();
    let mut ratings = Ratings::default();
    ratings.add(&known.vector, known.cvss3_score.0);
    if known.cvss3_score.0.is_none() {
        ratings.add("", known.score.0);
    }
    let severity = ratings.severity(known.cvss3_severity.or(&known.severity));
    let links = [&known.url, &known.top_fix.url];
    ratings.rate(Vulnerability {
        key: words::key(&ids, "Mend", &known.description),
        title: known.name.or(&known.description).title(),
        description: known.description.text(),
        remediation: known.top_fix.resolution.some_text(),
        severity,
        references: words::each_once(links.into_iter().filter_map(Text::some_line)),
        ids,
        ..Vulnerability::default()
    })
}

/// The version in a resolution like `Upgrade to version 3.6.0`.
fn fixed_version(fix: &Fix<'_>) -> Option<String> {
    let words = fix.resolution.as_str();
    let at = words.to_ascii_lowercase().find("upgrade to version ")?;
    words.get(at + "upgrade to version ".len()..).and_then(text::some_line)
}

fn add_answer(builder: &mut ReportBuilder, answer: &Answer<'_>, place: Box<str>) {
    let known = &answer.vulnerability;
    let ids: Vec<String> = known.name.or(&answer.name).some_line().into_iter().collect();
    let mut ratings = Ratings::default();
    ratings.add(&answer.vector, known.score.0);
    let severity = ratings.severity(&known.severity);
    let finding = Finding {
        component: builder.component(&name(&answer.component), &answer.component.version, ""),
        location: Location { file: words::file_path(&answer.component.path), ..Location::default() },
        analysis: schema::analysis(&answer.info.status),
        fixed_version: fixed_version(&answer.top_fix),
        found_at: answer.info.detected_at.time(),
        place: Some(place),
        facts: builder::facts([
            ("project", answer.project.name.some_line()),
            ("dependency_type", answer.component.dependency_type.some_line()),
            ("reachability", answer.effective.some_line()),
        ]),
        ..Finding::default()
    };
    let vulnerability = Vulnerability {
        key: words::key(&ids, "Mend", &known.description),
        title: known.name.or(&answer.name).title(),
        description: known.description.text(),
        remediation: answer.top_fix.resolution.some_text(),
        severity,
        references: words::each_once(answer.top_fix.url.some_line()),
        ids,
        ..Vulnerability::default()
    };
    builder.add_of(ratings.rate(vulnerability), finding);
}
