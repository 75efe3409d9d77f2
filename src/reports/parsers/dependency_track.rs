//! Dependency-Track's Finding Packaging Format, versions 1.0 to 1.3: what it knows of one project. Its API answers with the
//! bare list.

mod schema;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Report, Vulnerability};
use schema::{Entry, File, Known, State};

/// Dependency-Track.
pub const PARSER: Parser = Parser {
    name: "dependency_track",
    title: "Dependency-Track findings (FPF)",
    tool: "Dependency-Track",
    content_types: &["application/json"],
    defectdojo_names: &["Dependency Track Finding Packaging Format (FPF) Export"],
    example: r#"{"version": "1.2", "meta": {"application": "Dependency-Track", "version": "4.11.0"},
  "project": {"uuid": "p1", "name": "shop", "version": "1.0"}, "findings": [{"component": {"name": "zlib", "version": "1.2"},
   "vulnerability": {"source": "NVD", "vulnId": "CVE-2026-10001", "severity": "HIGH"}, "matrix": "p1:c1:v1"}]}"#,
    shapes: &[
        &[Sign::Has("findings"), Sign::Says("meta.application", "Dependency-Track")],
        &[Sign::Has("findings[].component"), Sign::Has("findings[].vulnerability.vulnId"), Sign::Has("project")],
        &[Sign::Has("project"), Sign::Says("meta.application", "Dependency-Track")],
        &[Sign::Object("[].component"), Sign::Has("[].vulnerability.vulnId"), Sign::Has("[].matrix")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Dependency-Track");
    if text.trim_start().starts_with('[') {
        builder.each(json::read(text)?, "", |builder, entry, place| add(builder, entry, None, place));
        return Ok(vec![builder.finish()]);
    }
    let file: File<'_> = json::read(text)?;
    let head = builder.head();
    head.tool_version = file.meta.version.some_line();
    head.reported_at = file.meta.timestamp.time();
    head.target = file.project.name.some_line();
    let asset = builder.asset(AssetKind::Application, &file.project.name);
    builder.each(file.findings, "/findings", |builder, entry, place| add(builder, entry, asset, place));
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Entry<'_>, asset: Option<usize>, place: Box<str>) {
    let component = &entry.component;
    let name = match component.group.some_line() {
        Some(group) => format!("{group}/{}", component.name.line()),
        None => component.name.line(),
    };
    let finding = Finding {
        asset,
        component: builder.component(&name, &component.version, &component.purl),
        fingerprint: entry.matrix.some_line(),
        analysis: analysis(&entry.analysis),
        found_at: entry.attribution.attributed_on.time(),
        place: Some(place),
        facts: builder::facts([
            ("analyzer", entry.attribution.analyzer_identity.some_line()),
            ("latest_version", component.latest_version.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(entry), finding);
}

fn vulnerability(entry: &Entry<'_>) -> Vulnerability {
    let known = &entry.vulnerability;
    let aliases = known.aliases.iter().flat_map(|alias| alias.ids()).filter_map(Text::some_line);
    // What the analyzer calls it that found it.
    let other = entry.attribution.alternate_identifier.some_line().filter(|id| words::is_vulnerability_id(id));
    let ids = words::each_once(known.vuln_id.some_line().into_iter().chain(aliases).chain(other));
    let ratings = ratings(known);
    let severity = ratings.severity(&known.severity);
    let cwes = known.cwes.iter().map(|cwe| &cwe.cwe_id).chain([&known.cwe_id]);
    let links = [known.references.as_str(), entry.attribution.reference_url.as_str()].map(links);
    ratings.rate(Vulnerability {
        key: key(&ids, known),
        title: title(known),
        description: known.description.text(),
        remediation: known.recommendation.some_text(),
        severity,
        cwes: words::each_once(cwes.filter_map(|cwe| words::cwe(cwe))),
        epss: known.epss_score.probability(),
        references: words::each_once(links.into_iter().flatten()),
        ids,
        ..Vulnerability::default()
    })
}

/// Ids of sources that number for themselves (NPM's `533`) say nothing without their source.
fn key(ids: &[String], known: &Known<'_>) -> String {
    match words::best_id(ids) {
        Some(id) if words::is_vulnerability_id(id) => id.clone(),
        _ => words::key(&[], &known.source.line(), &known.vuln_id),
    }
}

fn title(known: &Known<'_>) -> String {
    match (known.title.is_empty(), known.subtitle.some_line()) {
        (true, _) => known.vuln_id.title(),
        (false, None) => known.title.title(),
        (false, Some(subtitle)) => text::title(&format!("{}: {subtitle}", known.title.line())),
    }
}

/// References are Markdown: `* [https://a.example](https://a.example)`.
fn links(markdown: &str) -> Vec<String> {
    let words = markdown.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')'));
    words.filter(|word| word.starts_with("http")).map(text::line).collect()
}

fn ratings(known: &Known<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    ratings.add(&known.cvss_v4_vector, known.cvss_v4_score.0);
    ratings.add(&known.cvss_v3_vector, known.cvss_v3_base_score.0);
    ratings.add(&known.cvss_v2_vector, known.cvss_v2_base_score.0);
    ratings
}

fn analysis(given: &State<'_>) -> Option<Analysis> {
    let state = match given.state.as_str() {
        // Whatever else was said of it, the team does not want to see it any more.
        "EXPLOITABLE" | "IN_TRIAGE" if given.is_suppressed() => AnalysisState::RiskAccepted,
        "EXPLOITABLE" => AnalysisState::Affected,
        "IN_TRIAGE" => AnalysisState::InReview,
        "RESOLVED" => AnalysisState::Resolved,
        "FALSE_POSITIVE" => AnalysisState::FalsePositive,
        "NOT_AFFECTED" => AnalysisState::NotAffected,
        _ if given.is_suppressed() => AnalysisState::RiskAccepted,
        _ => return None,
    };
    let reasons = [given.justification.some_line().filter(|reason| reason != "NOT_SET"), given.detail.some_text()];
    let reasons: Vec<String> = reasons.into_iter().flatten().collect();
    Some(Analysis { state, justification: text::some(reasons.join(": ")) })
}
