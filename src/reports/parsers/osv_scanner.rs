//! OSV-Scanner's JSON, versions 1 and 2: packages of lock files, images and checkouts, with entries in the OSV schema.
//!
//! One problem may have an entry in several databases. They stay apart, as they are written, but are of one
//! vulnerability where they share a CVE.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};
use schema::{Entry, File, PackageResult, Source};

/// OSV-Scanner.
pub const PARSER: Parser = Parser {
    name: "osv_scanner",
    title: "OSV-Scanner JSON",
    tool: "OSV-Scanner",
    content_types: &["application/json"],
    defectdojo_names: &["OSV Scan"],
    example: r#"{"results": [{"source": {"path": "/src/yarn.lock", "type": "lockfile"}, "packages": [{
  "package": {"name": "lodash", "version": "4.17.13", "ecosystem": "npm"},
  "vulnerabilities": [{"id": "GHSA-35jh-r3h4-6jhm", "database_specific": {"severity": "HIGH"}}], "groups": []}]}]}"#,
    shapes: &[
        &[Sign::Has("results[].source.path"), Sign::Has("results[].packages[].package.ecosystem")],
        &[Sign::List("results[].packages"), Sign::List("results[].packages[].vulnerabilities")],
        &[Sign::List("results"), Sign::Has("experimental_config")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("OSV-Scanner");
    for (number, result) in file.results.0.into_iter().enumerate() {
        let source = result.source.0;
        builder.each_owned(result.packages, &format!("/results/{number}/packages"), |builder, mut package, place| {
            let entries: Vec<_> = std::mem::take(&mut package.vulnerabilities).into_iter().collect();
            let component = component(builder, &package, &entries);
            for (number, entry) in entries.into_iter().enumerate() {
                let place = format!("{place}/vulnerabilities/{number}");
                if let Some(entry) = builder.keep(entry, &place) {
                    let finding = Finding { component, place: Some(place.into()), ..Finding::default() };
                    add(builder, &source, &package, &entry, finding);
                }
            }
        });
    }
    Ok(vec![builder.finish()])
}

/// The package, with its URL where one of its entries gives one. Only the scanner knows the version.
fn component<E>(
    builder: &mut ReportBuilder,
    result: &PackageResult<'_>,
    entries: &[Result<Entry<'_>, E>],
) -> Option<usize> {
    let package = &result.package;
    let affected = entries.iter().flatten().flat_map(|entry| entry.affected.iter());
    let purl = affected.filter(|affected| affected.package.name == package.name);
    let purl = purl.map(|affected| affected.package.purl.as_str()).find(|purl| !purl.is_empty()).unwrap_or_default();
    let is_complete = purl.is_empty() || purl.contains('@') || package.version.is_empty();
    let purl = if is_complete { purl.to_owned() } else { format!("{purl}@{}", package.version) };
    builder.component(package.name.or(&package.commit), &package.version, &purl)
}

fn add(
    builder: &mut ReportBuilder,
    source: &Source<'_>,
    result: &PackageResult<'_>,
    entry: &Entry<'_>,
    finding: Finding,
) {
    let finding = Finding {
        location: Location { file: source.path.some_line(), ..Location::default() },
        analysis: analysis(result, entry),
        fixed_version: text::some_line(&fixed_versions(entry, &result.package.name).join(", ")),
        facts: facts(source, result, entry),
        ..finding
    };
    builder.add_of(vulnerability(entry), finding);
}

fn vulnerability(entry: &Entry<'_>) -> Vulnerability {
    let named = [&entry.id].into_iter().chain(entry.aliases.iter()).filter_map(Text::some_line);
    let own_ids = words::each_once(named);
    let upstream = entry.upstream.iter().filter_map(Text::some_line);
    let ids = words::each_once(own_ids.iter().cloned().chain(upstream));
    // What a distribution's entry is about upstream it is itself, unless it is about several.
    let named_by = if entry.upstream.len() == 1 { &ids } else { &own_ids };
    let key = words::key(named_by, "OSV", &entry.id);
    let mut ratings = Ratings::default();
    // An entry is rated as a whole, or package by package.
    let of_packages = entry.affected.iter().flat_map(|affected| affected.severity.iter());
    for rating in entry.severity.iter().chain(of_packages) {
        ratings.add(&rating.score, None);
    }
    let specific = entry.affected.iter().flat_map(|affected| affected.database_specific.cwes.iter());
    let cwes = entry.database_specific.cwe_ids.iter().chain(specific.map(|cwe| &cwe.cwe_id));
    let severity = severity(&ratings, entry);
    let cwes = words::each_once(cwes.filter_map(|cwe| words::cwe(cwe)));
    ratings.rate(Vulnerability {
        key,
        title: entry.summary.or(&entry.id).title(),
        description: entry.details.text(),
        severity,
        ids,
        cwes,
        references: words::each_once(entry.references.iter().filter_map(|link| link.url.some_line())),
        ..Vulnerability::default()
    })
}

/// The database's word, else the vector's score, else the distribution's word. An entry that nobody has rated is low until
/// somebody does: nearly all are second copies of an entry that is rated. But a malicious package (`MAL-`) has done its
/// harm when it is installed, and its database rates none.
fn severity(ratings: &Ratings, entry: &Entry<'_>) -> Severity {
    let words = entry.severity.iter().find_map(|rating| words::severity(&rating.score));
    match (ratings.severity(&entry.database_specific.severity), words) {
        (Severity::Unknown, Some(word)) if word != Severity::Unknown => word,
        (Severity::Unknown, _) if entry.id.starts_with("MAL-") => Severity::Critical,
        (Severity::Unknown, _) => Severity::Low,
        (known, _) => known,
    }
}

/// Versions that end a range. Commits end one, too, but nobody installs those.
fn fixed_versions(entry: &Entry<'_>, package: &Text<'_>) -> Vec<String> {
    let affected = entry.affected.iter().filter(|affected| affected.package.name == *package);
    let ranges = affected.flat_map(|affected| affected.ranges.iter()).filter(|range| range.kind.as_str() != "GIT");
    let events = ranges.flat_map(|range| range.events.iter());
    words::each_once(events.filter_map(|event| event.fixed.some_line()))
}

/// The scanner looks, for some languages, whether the vulnerable code is called at all.
fn analysis(result: &PackageResult<'_>, entry: &Entry<'_>) -> Option<Analysis> {
    let group = result.groups.iter().find(|group| group.ids.contains(&entry.id))?;
    let (_, calls) = group.analysis().find(|(id, _)| *id == entry.id)?;
    let justification = Some("the vulnerable code is not called".to_owned());
    (calls.called.as_str() == "false").then_some(Analysis { state: AnalysisState::NotAffected, justification })
}

fn facts(source: &Source<'_>, result: &PackageResult<'_>, entry: &Entry<'_>) -> Vec<(&'static str, String)> {
    let groups: Vec<&str> = result.dependency_groups.iter().map(Text::as_str).collect();
    builder::facts([
        ("source_type", source.kind.some_line()),
        ("ecosystem", result.package.ecosystem.some_line()),
        ("commit", result.package.commit.some_line()),
        ("dependency_groups", text::some_line(&groups.join(", "))),
        ("advisory", entry.id.some_line()),
        ("published", entry.published.some_line()),
    ])
}
