//! The scan report of Checkmarx's cloud: static results by language and query, packages, infrastructure as code.

mod schema;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parsers::checkmarx::{TOOL, analysis, component, query_title};
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};
use schema::{Entry, File, Group, Query};

/// Reads a scan report.
///
/// # Errors
/// See [`json::read`].
pub fn read(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new(TOOL);
    builder.head().target = file.report_header.project_name.some_line();
    builder.head().reported_at = file.scan_summary.scan_completed_date.time();
    let results = file.scan_results.0;
    for (at, language) in results.sast.0.languages.0.into_iter().enumerate() {
        for (query_at, query) in language.0.queries.0.into_iter().enumerate() {
            let path = format!("/scanResults/sast/languages/{at}/queries/{query_at}/vulnerabilities");
            let Query { query_name, description, vulnerabilities } = query.0;
            let about = About { name: &query_name, description: &description, language: &language.0.language_name };
            each(&mut builder, vulnerabilities, &path, |builder, entry, place| flaw(builder, &about, entry, place));
        }
    }
    groups(&mut builder, results.sca.0.packages, "/scanResults/sca/packages", package);
    groups(&mut builder, results.kics.0.results, "/scanResults/kics/results", misconfiguration);
    Ok(vec![builder.finish()])
}

type Add = fn(&mut ReportBuilder, &Text<'_>, &Entry<'_>, Box<str>);

fn groups(builder: &mut ReportBuilder, groups: List<Object<Group<'_>>>, path: &str, add: Add) {
    for (at, group) in groups.0.into_iter().enumerate() {
        let Group { name, vulnerabilities } = group.0;
        each(builder, vulnerabilities, &format!("{path}/{at}/vulnerabilities"), |builder, entry, place| {
            add(builder, &name, entry, place);
        });
    }
}

/// Entries that say nothing are lost.
fn each<'a>(
    builder: &mut ReportBuilder,
    entries: Entries<'a, Entry<'a>>,
    path: &str,
    add: impl Fn(&mut ReportBuilder, &Entry<'a>, Box<str>),
) {
    builder.each(entries, path, |builder, entry, place| {
        if entry.severity.is_empty() {
            builder.lose(place, "no severity");
        } else {
            add(builder, entry, place);
        }
    });
}

/// A query of static analysis.
struct About<'a> {
    name: &'a Text<'a>,
    description: &'a Text<'a>,
    language: &'a Text<'a>,
}

fn flaw(builder: &mut ReportBuilder, query: &About<'_>, entry: &Entry<'_>, place: Box<str>) {
    let severity = words::severity_or_unknown(&entry.severity);
    let vulnerability = builder.vulnerability(&format!("{TOOL}:{}", query.name.line()), || Vulnerability {
        title: text::title(&query_title(query.name)),
        description: query.description.text(),
        severity,
        cwes: words::cwe(&entry.cwe_id).into_iter().collect(),
        ..Vulnerability::default()
    });
    let (source, sink) = (entry.nodes.first(), entry.nodes.last());
    let finding = Finding {
        vulnerability,
        location: Location {
            file: sink.and_then(|node| node.file_name.some_line()),
            line: sink.and_then(|node| node.line.positive()),
            ..Location::default()
        },
        facts: builder::facts([
            ("language", query.language.some_line()),
            ("group", entry.group_name.some_line()),
            ("source", source.and_then(|node| node.full_name.some_line())),
            ("sink", sink.and_then(|node| node.full_name.some_line())),
        ]),
        ..common(entry, place)
    };
    builder.add_differing(finding, severity, "", query.description);
}

fn package(builder: &mut ReportBuilder, name: &Text<'_>, entry: &Entry<'_>, place: Box<str>) {
    let severity = words::severity_or_unknown(&entry.severity);
    let id = entry.cve_id.or(&entry.similarity_id).line();
    let vulnerability = builder.vulnerability(&id, || Vulnerability {
        title: text::title(&id),
        description: entry.description.text(),
        severity,
        ids: vec![id.clone()],
        cwes: words::cwe(&entry.cwe).into_iter().collect(),
        ..Vulnerability::default()
    });
    let component = component(builder, name, &entry.version);
    let finding = Finding { vulnerability, component, ..common(entry, place) };
    builder.add_differing(finding, severity, "", &entry.description);
}

fn misconfiguration(builder: &mut ReportBuilder, platform: &Text<'_>, entry: &Entry<'_>, place: Box<str>) {
    let severity = words::severity_or_unknown(&entry.severity);
    let vulnerability = builder.vulnerability(&format!("{TOOL}:{}", entry.query_name.line()), || Vulnerability {
        title: entry.query_name.title(),
        description: entry.description.text(),
        remediation: entry.expected_value.some_text(),
        severity,
        ..Vulnerability::default()
    });
    let finding = Finding {
        vulnerability,
        location: Location { file: entry.file_name.some_line(), ..Location::default() },
        facts: builder::facts([
            ("platform", platform.some_line()),
            ("category", entry.category.some_line()),
            ("actual_value", entry.actual_value.some_line()),
        ]),
        ..common(entry, place)
    };
    builder.add_differing(finding, severity, "", &entry.description);
}

/// What every kind of entry says.
fn common(entry: &Entry<'_>, place: Box<str>) -> Finding {
    Finding {
        fingerprint: entry.id.or(&entry.similarity_id).some_line(),
        analysis: analysis(&entry.state),
        found_at: entry.first_found_date.text().time(),
        place: Some(place),
        ..Finding::default()
    }
}
