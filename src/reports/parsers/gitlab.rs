//! GitLab security reports, schema versions 1 to 15: SAST, secret detection, dependency and container scanning, DAST. The
//! first version was a bare list.
//!
//! Before version 14 a finding had no `id`; its `cve` field, in spite of the name, was the key by which GitLab told
//! findings apart, and findings that share it are one.

mod schema;

use std::collections::HashSet;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};
use schema::{File, GitlabLocation, GitlabVulnerability, Scan};

/// GitLab security reports.
pub const PARSER: Parser = Parser {
    name: "gitlab",
    title: "GitLab security report",
    tool: "GitLab's analyzers",
    content_types: &["application/json"],
    defectdojo_names: &[
        "GitLab SAST Report",
        "GitLab Secret Detection Report",
        "GitLab Dependency Scanning Report",
        "GitLab Container Scan",
        "GitLab DAST Report",
        "GitLab API Fuzzing Report Scan",
    ],
    example: r#"{"version": "15.0.7", "scan": {"scanner": {"id": "semgrep", "name": "Semgrep"}, "type": "sast"}, "vulnerabilities": [
  {"id": "c0ffee", "name": "Eval of input", "severity": "High", "location": {"file": "a.py", "start_line": 3},
   "identifiers": [{"type": "semgrep_id", "name": "eval", "value": "eval"}]}]}"#,
    shapes: &[
        &[Sign::List("vulnerabilities"), Sign::Object("scan"), Sign::Has("scan.scanner")],
        &[Sign::Has("vulnerabilities[].identifiers[].type"), Sign::Object("vulnerabilities[].location")],
        &[Sign::List("vulnerabilities"), Sign::List("remediations"), Sign::Has("version")],
        &[Sign::List("vulnerabilities"), Sign::List("dependency_files"), Sign::Has("version")],
        &[Sign::Has("vulnerabilities[].category"), Sign::Has("vulnerabilities[].cve"), Sign::Has("version")],
        &[Sign::Has("[].category"), Sign::Has("[].cve"), Sign::Object("[].location")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let is_list = text.trim_start().starts_with('[');
    let file: File<'_> =
        if is_list { File { vulnerabilities: json::read(text)?, ..File::default() } } else { json::read(text)? };
    let entries = file.vulnerabilities;
    let tool = tool(&file.scan, entries.ahead().next());
    let mut builder = ReportBuilder::new(tool.clone());
    head(builder.head(), &file.scan);
    let mut compare_keys = HashSet::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let place = format!("/vulnerabilities/{index}");
        let Some(entry) = builder.keep(entry, &place) else { continue };
        let is_new = !entry.id.is_empty() || entry.cve.is_empty() || compare_keys.insert(entry.cve.to_string());
        if is_new {
            add(&mut builder, &tool, &entry, place.into());
        }
    }
    Ok(vec![builder.finish()])
}

fn tool(scan: &Scan<'_>, first: Option<GitlabVulnerability<'_>>) -> String {
    let of_entry = || first.as_ref().and_then(|entry| entry.scanner.name.or(&entry.scanner.id).some_line());
    scan.scanner.name.or(&scan.analyzer.name).some_line().or_else(of_entry).unwrap_or_else(|| "GitLab".to_owned())
}

fn head(report: &mut Report, scan: &Scan<'_>) {
    report.tool_version = scan.scanner.version.or(&scan.analyzer.version).some_line();
    report.reported_at = scan.end_time.time().or_else(|| scan.start_time.time());
    report.failed = scan.status.as_str() == "failure";
}

fn add(builder: &mut ReportBuilder, tool: &str, entry: &GitlabVulnerability<'_>, place: Box<str>) {
    let vulnerability = vulnerability(builder, tool, entry);
    let (place_in, asset) = (&entry.location, asset(&entry.location));
    let asset = asset.and_then(|(kind, name)| {
        // Reports of an image or a site are about that one; the sources of a repository need no name.
        builder.head().target.get_or_insert_with(|| name.clone());
        builder.asset(kind, &name)
    });
    let dependency = &place_in.dependency;
    let component = builder.component(&dependency.package.name, &dependency.version, "");
    let finding = Finding {
        vulnerability,
        asset,
        component,
        location: location(entry),
        fingerprint: fingerprint(entry),
        place: Some(place),
        facts: facts(entry),
        ..Finding::default()
    };
    let severity = ratings(entry).severity(&entry.severity);
    builder.add_differing(finding, severity, title(entry), described(entry));
}

fn title<'t>(entry: &'t GitlabVulnerability<'_>) -> &'t str {
    let identifier = entry.identifiers.first().map_or("", |identifier| identifier.name.as_str());
    let named = entry.name.or(&entry.message);
    if named.is_empty() { identifier } else { named }
}

fn described<'t>(entry: &'t GitlabVulnerability<'_>) -> &'t str {
    entry.description.or(&entry.message)
}

fn vulnerability(builder: &mut ReportBuilder, tool: &str, entry: &GitlabVulnerability<'_>) -> usize {
    let values = entry.identifiers.iter().filter(|identifier| identifier.kind.as_str() != "cwe");
    let ids = values.filter(|identifier| words::is_vulnerability_id(&identifier.value));
    let ids = words::each_once(ids.map(|identifier| identifier.value.line()));
    let own_key = || {
        let rule = entry.identifiers.first().and_then(|identifier| identifier.value.some_line());
        format!("{tool}:{}", rule.unwrap_or_else(|| text::title(title(entry))))
    };
    let key = words::best_id(&ids).cloned().unwrap_or_else(own_key);
    let index = builder.vulnerability(&key, || {
        let ratings = ratings(entry);
        let is_cwe = |kind: &str| kind.eq_ignore_ascii_case("cwe");
        let cwes = entry.identifiers.iter().filter(|identifier| is_cwe(&identifier.kind));
        let links = entry.links.iter().map(|link| &link.url);
        let links = links.chain(entry.identifiers.iter().map(|identifier| &identifier.url));
        let mut vulnerability = Vulnerability {
            title: text::title(title(entry)),
            description: text::text(described(entry)),
            remediation: entry.solution.some_text(),
            severity: ratings.severity(&entry.severity),
            ids: ids.clone(),
            cwes: words::each_once(cwes.filter_map(|identifier| words::cwe(identifier.value.or(&identifier.name)))),
            references: words::each_once(links.filter_map(Text::some_line)),
            ..Vulnerability::default()
        };
        ratings.fill(&mut vulnerability);
        vulnerability
    });
    builder.add_ids(index, &ids);
    index
}

fn ratings(entry: &GitlabVulnerability<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    for rating in entry.cvss_vectors.iter() {
        ratings.add(&rating.vector, None);
    }
    ratings
}

fn asset(location: &GitlabLocation<'_>) -> Option<(AssetKind, String)> {
    let resource = &location.kubernetes_resource;
    if !resource.name.is_empty() {
        let parts = [&resource.namespace, &resource.kind, &resource.name];
        let parts: Vec<String> = parts.into_iter().filter_map(Text::some_line).collect();
        return Some((AssetKind::Resource, parts.join("/")));
    }
    if let Some(image) = location.image.some_line() {
        return Some((AssetKind::Image, words::image_name(&image).to_owned()));
    }
    location.hostname.some_line().map(|host| (AssetKind::Application, host))
}

fn location(entry: &GitlabVulnerability<'_>) -> Location {
    let place = &entry.location;
    let mut location = Location {
        file: place.file.some_line(),
        line: place.start_line.positive(),
        end_line: place.end_line.positive(),
        snippet: snippet(entry),
        ..Location::default()
    };
    if let Some(host) = place.hostname.some_line() {
        location.url = Some(format!("{}{}", host.trim_end_matches('/'), place.path.line()));
        location.method = place.method.some_line();
        location.parameter = place.param.some_line();
    }
    location
}

/// The code; where it is a secret, too little of it to be used.
fn snippet(entry: &GitlabVulnerability<'_>) -> Option<String> {
    let code = entry.raw_source_code_extract.some_text()?;
    let is_secret = entry.category.as_str() == "secret_detection" || !entry.location.commit.sha.is_empty();
    Some(if is_secret { words::redacted(&code) } else { code })
}

/// GitLab's own tracking first; then the compare key, unless it is just a CVE; then the id.
fn fingerprint(entry: &GitlabVulnerability<'_>) -> Option<String> {
    let signatures = entry.tracking.items.iter().flat_map(|item| item.signatures.iter());
    let tracked = signatures.map(|signature| &signature.value).find(|value| !value.is_empty());
    let compare_key = || Some(&entry.cve).filter(|key| !key.is_empty() && key.contains(':'));
    tracked.or_else(compare_key).unwrap_or(&entry.id).some_line()
}

fn facts(entry: &GitlabVulnerability<'_>) -> Vec<(&'static str, String)> {
    let (place, commit) = (&entry.location, &entry.location.commit);
    let is_web = !place.hostname.is_empty();
    let method = if is_web { None } else { place.method.some_line() };
    let known = [
        ("confidence", entry.confidence.some_line()),
        ("class", place.class.some_line()),
        ("function", method),
        ("operating_system", place.operating_system.some_line()),
        ("commit", commit.sha.some_line()),
        ("committer", commit.author.some_line()),
        ("commit_date", commit.date.some_line()),
        ("commit_message", commit.message.some_line()),
        ("evidence", entry.evidence.summary.some_line()),
        ("flag", entry.flags.first().and_then(|flag| flag.kind.some_line())),
    ];
    builder::facts(known)
}
