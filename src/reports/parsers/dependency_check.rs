//! OWASP Dependency-Check, XML and JSON.
//!
//! Files that it took for the same dependency (`relatedDependencies`) are facts of the one it names.

mod schema;
mod xml;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};
use schema::{Cvss, Dependency, File, Known, ProjectInfo, ScanInfo};

/// OWASP Dependency-Check.
pub const PARSER: Parser = Parser {
    name: "dependency_check",
    title: "OWASP Dependency-Check XML and JSON",
    tool: "OWASP Dependency-Check",
    content_types: &["application/xml", "application/json"],
    defectdojo_names: &["Dependency Check Scan"],
    example: r#"<analysis xmlns="https://jeremylong.github.io/DependencyCheck/dependency-check.4.1.xsd"><dependencies>
  <dependency><fileName>zlib.jar</fileName><filePath>lib/zlib.jar</filePath><vulnerabilities><vulnerability source="NVD">
  <name>CVE-2026-10001</name><severity>HIGH</severity></vulnerability></vulnerabilities></dependency></dependencies>
</analysis>"#,
    shapes: &[
        &[Sign::Has("/analysis"), Sign::Contains("dependency-check.")],
        &[Sign::Has("/analysis"), Sign::Contains("<scanInfo>"), Sign::Contains("<dependencies")],
        &[Sign::Has("scanInfo.engineVersion"), Sign::List("dependencies"), Sign::Object("projectInfo")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Dependency-Check");
    if text.trim_start().starts_with('<') {
        xml::read(text, &mut builder)?;
    } else {
        let file: File<'_> = json::read(text)?;
        note_scan(&mut builder, &file.scan_info);
        note_project(&mut builder, &file.project_info);
        builder.each_owned(file.dependencies, "/dependencies", |builder, dependency, place| {
            add_dependency(builder, dependency, &place);
        });
    }
    Ok(vec![builder.finish()])
}

fn note_scan(builder: &mut ReportBuilder, scan: &ScanInfo<'_>) {
    builder.head().tool_version = scan.engine_version.some_line();
}

fn note_project(builder: &mut ReportBuilder, project: &ProjectInfo<'_>) {
    let head = builder.head();
    head.reported_at = project.report_date.time();
    head.target = project.name.some_line();
}

fn add_dependency(builder: &mut ReportBuilder, mut dependency: Dependency<'_>, path: &str) {
    let known = std::mem::take(&mut dependency.vulnerabilities);
    add_all(builder, &dependency, known, None, &format!("{path}/vulnerabilities"));
    let suppressed = std::mem::take(&mut dependency.suppressed);
    let state = Some(AnalysisState::RiskAccepted);
    add_all(builder, &dependency, suppressed, state, &format!("{path}/suppressedVulnerabilities"));
}

fn add_all(
    builder: &mut ReportBuilder,
    dependency: &Dependency<'_>,
    entries: Entries<'_, Known<'_>>,
    state: Option<AnalysisState>,
    path: &str,
) {
    builder.each(entries, path, |builder, entry, place| add(builder, dependency, entry, state, place));
}

fn add(
    builder: &mut ReportBuilder,
    dependency: &Dependency<'_>,
    entry: &Known<'_>,
    state: Option<AnalysisState>,
    place: Box<str>,
) {
    let ratings = ratings(entry);
    let word = entry.severity.or(&entry.cvss3.base_severity).or(&entry.cvss2.severity);
    let severity = ratings.severity(word);
    // OSS Index and RetireJS write a sentence where the NVD has its id; the id is in it where there is one.
    let name = entry.name.line();
    let is_id = words::is_vulnerability_id(&name);
    let ids = if is_id { vec![name.clone()] } else { words::ids_in(&name) };
    let key = words::best_id(&ids).cloned().unwrap_or_else(|| format!("Dependency-Check:{}", entry.name.title()));
    let vulnerability = builder.vulnerability(&key, || {
        let links = entry.references.iter().filter_map(|reference| reference.url.some_line());
        let mut vulnerability = Vulnerability {
            title: entry.name.title(),
            description: entry.description.text(),
            severity,
            ids: ids.clone(),
            cwes: words::each_once(entry.cwes.iter().flat_map(|cwe| words::cwes(cwe))),
            known_exploited: !entry.known_exploited.is_empty(),
            references: words::each_once(links),
            ..Vulnerability::default()
        };
        ratings.fill(&mut vulnerability);
        vulnerability
    });
    let finding = Finding {
        vulnerability,
        component: component(builder, dependency),
        location: Location { file: dependency.file_path.or(&dependency.file_name).some_line(), ..Location::default() },
        analysis: state.map(|state| Analysis { state, justification: entry.notes.some_text() }),
        place: Some(place),
        facts: facts(dependency, entry),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &entry.name, &entry.description);
}

/// By its package URL; by Maven's coordinates in reports before version 5; else by its file's name.
fn component(builder: &mut ReportBuilder, dependency: &Dependency<'_>) -> Option<usize> {
    let purls = dependency.packages.iter().map(|package| package.id.as_str().trim());
    if let Some((purl, (name, version))) = purls.filter_map(|id| Some((id, words::purl_parts(id)?))).next() {
        return builder.component(&name, version.as_deref().unwrap_or_default(), purl);
    }
    let coordinates = dependency.maven.split(':').collect::<Vec<_>>();
    match coordinates[..] {
        [group, artifact, version] => builder.component(&format!("{group}/{artifact}"), version, ""),
        _ => builder.component(&dependency.file_name, "", ""),
    }
}

fn facts(dependency: &Dependency<'_>, entry: &Known<'_>) -> Vec<(&'static str, String)> {
    let mut facts = builder::facts([
        ("source", entry.source.some_line()),
        ("file", dependency.file_name.some_line()),
        ("sha1", dependency.sha1.some_line()),
    ]);
    let related = dependency.related.iter().filter_map(|related| related.file_path.some_line());
    facts.extend(related.take(words::LIST_LIMIT).map(|path| ("also_in", path)));
    facts
}

fn ratings(entry: &Known<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    ratings.add(&entry.cvss4.vector_string, entry.cvss4.base_score.0);
    ratings.add(&vector3(&entry.cvss3).unwrap_or_default(), entry.cvss3.base_score.0);
    // What no database has scored may have a number for a word.
    ratings.add("", entry.severity.number());
    ratings.add(&vector2(&entry.cvss2).unwrap_or_default(), entry.cvss2.score.0.or(entry.cvss_score.0));
    ratings
}

/// The vector that the metrics, each in an element of its own, make up. Every value is abbreviated to its first letter.
fn vector3(cvss: &Cvss<'_>) -> Option<String> {
    let version = cvss.version.some_line().filter(|version| version.starts_with("3.")).unwrap_or("3.1".to_owned());
    let metrics = vector([
        ("AV", &cvss.attack_vector),
        ("AC", &cvss.attack_complexity),
        ("PR", &cvss.privileges_required),
        ("UI", &cvss.user_interaction),
        ("S", &cvss.scope),
        ("C", &cvss.confidentiality_impact),
        ("I", &cvss.integrity_impact),
        ("A", &cvss.availability_impact),
    ])?;
    Some(format!("CVSS:{version}/{metrics}"))
}

fn vector2(cvss: &Cvss<'_>) -> Option<String> {
    vector([
        ("AV", &cvss.access_vector),
        ("AC", &cvss.access_complexity),
        ("Au", &cvss.authentication),
        ("C", &cvss.confidentiality_impact),
        ("I", &cvss.integrity_impact),
        ("A", &cvss.availability_impact),
    ])
}

fn vector<const N: usize>(metrics: [(&str, &Text<'_>); N]) -> Option<String> {
    let parts: Option<Vec<String>> = metrics
        .into_iter()
        .map(|(name, value)| Some(format!("{name}:{}", value.trim().chars().next()?.to_ascii_uppercase())))
        .collect();
    Some(text::line(&parts?.join("/")))
}
