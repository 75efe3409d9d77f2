//! Grype's JSON, of every schema version so far: images, folders, SBOMs.
//!
//! Of the matches that rules set aside (`ignoredMatches`), those that the team or a VEX document decided on are findings
//! with that state. Others Grype itself took back, or hides because it was asked for less; they are no findings.

mod schema;

use std::collections::HashSet;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};
use schema::{Advisory, Artifact, File, IgnoreRule, Match, Source};

/// Grype.
pub const PARSER: Parser = Parser {
    name: "anchore_grype",
    title: "Grype JSON",
    tool: "Grype",
    content_types: &["application/json"],
    defectdojo_names: &["Anchore Grype", "Anchore Grype detailed"],
    example: r#"{"matches": [{"vulnerability": {"id": "CVE-2026-10001", "severity": "High"}, "matchDetails": [],
  "artifact": {"name": "zlib", "version": "1.2", "type": "apk", "purl": "pkg:apk/alpine/zlib@1.2"}}],
  "source": {"type": "image", "target": {"userInput": "web:1.2"}}, "descriptor": {"name": "grype"}}"#,
    shapes: &[
        &[Sign::List("matches"), Sign::Says("descriptor.name", "grype")],
        &[Sign::Has("matches[].vulnerability.id"), Sign::Has("matches[].artifact.name")],
        // Old versions wrote `null` where nothing matched.
        &[Sign::Has("matches"), Sign::Says("descriptor.name", "grype")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Grype");
    let head = builder.head();
    head.tool_version = file.descriptor.version.some_line();
    head.reported_at = file.descriptor.timestamp.time();
    let asset = scanned(&mut builder, &file.source);
    let mut known = HashSet::new();
    builder.each(file.matches, "/matches", |builder, entry, place| {
        // Two matchers that agree write the same match twice.
        if known.insert(identity(entry)) {
            add(builder, entry, None, asset, place);
        }
    });
    builder.each(file.ignored, "/ignoredMatches", |builder, entry: &Match<'_>, place| {
        let decided = entry.rules.iter().find_map(|rule| decision(rule));
        if let Some(analysis) = decided.filter(|_| known.insert(identity(entry))) {
            add(builder, entry, Some(analysis), asset, place);
        }
    });
    Ok(vec![builder.finish()])
}

/// The image without its tag; where a build ran says nothing about what was built.
fn scanned(builder: &mut ReportBuilder, source: &Source<'_>) -> Option<usize> {
    if source.kind.as_str() != "image" {
        return None;
    }
    let empty = Text::default();
    let reference = source.target.user_input.or(source.target.tags.first().unwrap_or(&empty)).line();
    let name = words::image_name(&reference);
    builder.head().target = text::some(name.to_owned());
    builder.asset(AssetKind::Image, name)
}

fn identity(entry: &Match<'_>) -> [String; 4] {
    let artifact = &entry.artifact;
    let path = artifact.locations.first().map(|place| place.path.line());
    [entry.vulnerability.id.line(), artifact.name.line(), artifact.version.line(), path.unwrap_or_default()]
}

/// Grype's words are the usual ones, but that `Negligible` is below `Low`: the distributions that use it mean a problem
/// that is none in practice.
fn severity(ratings: &Ratings, word: &str) -> Severity {
    if word.eq_ignore_ascii_case("negligible") { Severity::None } else { ratings.severity(word) }
}

/// Why Grype itself takes a match back: its distribution says that the package is fixed, or never was affected.
const OWN_REASONS: [&str; 2] = ["DistroPackageFixed", "Explicit APK NAK"];

/// What a rule decides of a match: by the status of a VEX document, or by naming what the team accepts. Grype's own rules
/// against kernel headers ask for a type of match; a rule that names nothing is a filter of the command line.
fn decision(rule: &IgnoreRule<'_>) -> Option<Analysis> {
    let names_something = !rule.vulnerability.is_empty() || !rule.package.name.is_empty();
    let is_own = !rule.match_type.is_empty() || OWN_REASONS.contains(&rule.reason.as_str());
    let state = match rule.vex_status.as_str() {
        "not_affected" => AnalysisState::NotAffected,
        "fixed" => AnalysisState::Resolved,
        "under_investigation" => AnalysisState::InReview,
        _ if names_something && !is_own => AnalysisState::RiskAccepted,
        _ => return None,
    };
    Some(Analysis { state, justification: rule.reason.or(&rule.vex_justification).some_text() })
}

fn add(
    builder: &mut ReportBuilder,
    entry: &Match<'_>,
    analysis: Option<Analysis>,
    asset: Option<usize>,
    place: Box<str>,
) {
    let (main, artifact) = (&entry.vulnerability, &entry.artifact);
    let (ids, ratings) = (ids(entry), ratings(entry));
    let severity = severity(&ratings, &main.severity);
    let key = words::best_id(&ids).cloned().unwrap_or_else(|| format!("Grype:{}", main.id.line()));
    let vulnerability = builder.vulnerability(&key, || {
        let mut vulnerability = described(entry);
        (vulnerability.severity, vulnerability.ids) = (severity, ids.clone());
        ratings.fill(&mut vulnerability);
        vulnerability
    });
    builder.add_ids(vulnerability, &ids);
    let fixed = main.fix.versions.iter().filter_map(Text::some_line).collect::<Vec<_>>();
    let finding = Finding {
        vulnerability,
        asset,
        component: builder.component(&artifact.name, &artifact.version, &artifact.purl),
        location: location(artifact),
        analysis,
        fixed_version: text::some(fixed.join(", ")).or_else(|| main.fixed_in_version.some_line()),
        place: Some(place),
        facts: facts(entry),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", &main.description);
}

/// The match's own advisory, and those that it is another name for.
fn advisories<'t, 'a>(entry: &'t Match<'a>) -> impl Iterator<Item = &'t Advisory<'a>> {
    [&entry.vulnerability.0].into_iter().chain(entry.related.iter())
}

fn ids(entry: &Match<'_>) -> Vec<String> {
    words::each_once(advisories(entry).filter_map(|advisory| advisory.id.some_line()))
}

fn described(entry: &Match<'_>) -> Vulnerability {
    let links = advisories(entry).flat_map(|advisory| [&advisory.data_source].into_iter().chain(advisory.urls.iter()));
    let cwes = advisories(entry).flat_map(|advisory| advisory.cwes.iter());
    let epss = advisories(entry).flat_map(|advisory| advisory.epss.iter()).filter_map(|epss| epss.epss.probability());
    Vulnerability {
        title: entry.vulnerability.id.title(),
        description: advisories(entry).find_map(|advisory| advisory.description.some_text()).unwrap_or_default(),
        cwes: words::each_once(cwes.filter_map(|cwe| words::cwe(&cwe.cwe))),
        epss: epss.reduce(f64::max),
        known_exploited: advisories(entry).any(|advisory| !advisory.known_exploited.is_empty()),
        references: words::each_once(links.filter_map(Text::some_line)),
        ..Vulnerability::default()
    }
}

/// The match's own scores come first, so that its vectors are the ones kept.
fn ratings(entry: &Match<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    for advisory in advisories(entry) {
        for cvss in advisory.cvss.iter().chain([&advisory.cvss_v3.0, &advisory.cvss_v2.0]) {
            let score = cvss.metrics.base_score.0.or(cvss.base_score.0);
            // Old versions wrote a zero where there is no rating.
            ratings.add(&cvss.vector, score.filter(|score| *score > 0.0 || !cvss.vector.is_empty()));
        }
    }
    ratings
}

/// Packages of the system are in no file that says more than they do.
fn location(artifact: &Artifact<'_>) -> Location {
    let is_of_system = matches!(artifact.kind.as_str(), "apk" | "deb" | "rpm" | "alpm" | "portage");
    let file = artifact.locations.first().filter(|_| !is_of_system).and_then(|place| place.path.some_line());
    Location { file, ..Location::default() }
}

fn facts(entry: &Match<'_>) -> Vec<(&'static str, String)> {
    let artifact = &entry.artifact;
    builder::facts([
        ("package_type", artifact.kind.some_line()),
        ("image_layer", artifact.locations.first().and_then(|place| place.layer_id.some_line())),
        ("fix_status", entry.vulnerability.fix.state.some_line()),
        ("matcher", entry.details.first().and_then(|details| details.matcher.some_line())),
        ("risk", entry.vulnerability.risk.some_line()),
    ])
}
