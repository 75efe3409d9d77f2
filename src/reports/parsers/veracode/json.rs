//! Findings as Veracode's REST API gives them, whole answers or just their list.

mod schema;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parsers::veracode::{TOOL, reviewed, severity};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::html;
use crate::reports::read::json;
use crate::reports::read::text;
use crate::reports::read::words;
use crate::reports::report::{Analysis, Finding, Location, Report, Vulnerability};
use schema::{Details, Entry, File};

/// Reads an answer of the API, or the list of its findings.
///
/// # Errors
/// See [`json::read`].
pub fn read(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new(TOOL);
    builder.each(file.findings, "/findings", add);
    builder.each(file.embedded.0.findings, "/_embedded/findings", add);
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Entry<'_>, place: Box<str>) {
    // The API gives what once was open, too: it is not found any more.
    if entry.finding_status.status.as_str() == "CLOSED" {
        return;
    }
    let details = &entry.finding_details;
    if !matches!(entry.scan_type.as_str(), "STATIC" | "DYNAMIC" | "MANUAL" | "SCA") {
        builder.lose(place, &format!("unknown scan type {:?}", entry.scan_type.line()));
        return;
    }
    let (severity, title) = (severity(&details.severity), title(details));
    let url = url(details);
    let finding = Finding {
        vulnerability: vulnerability(builder, entry, &title),
        asset: url.as_deref().and_then(|url| builder.asset_of_url(url)),
        component: builder.component(&details.component_filename, &details.version, ""),
        location: Location {
            file: details.component_path.first().map_or(&details.file_path, |path| &path.path).some_line(),
            line: details.file_line_number.positive(),
            url,
            parameter: details.vulnerable_parameter.some_line(),
            ..Location::default()
        },
        fingerprint: entry.issue_id.some_line(),
        analysis: analysis(entry),
        found_at: entry.finding_status.first_found_date.time(),
        place: Some(place),
        facts: builder::facts([
            ("module", details.module.some_line()),
            ("function", details.procedure.some_line()),
            ("attack_vector", details.attack_vector.some_line()),
            ("plugin", details.plugin.some_line()),
            ("language", details.language.some_line()),
            ("violates_policy", entry.violates_policy.some_line().filter(|is_violated| is_violated == "true")),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &title, &html::to_text(&entry.description));
}

fn title(details: &Details<'_>) -> String {
    let name = details.finding_category.name.or(&details.cwe.name);
    details.cve.name.or(name).title()
}

fn vulnerability(builder: &mut ReportBuilder, entry: &Entry<'_>, title: &str) -> usize {
    let details = &entry.finding_details;
    let own_key = || match words::cwe(&details.cwe.id) {
        Some(number) => format!("{TOOL}:CWE-{number}"),
        None => format!("{TOOL}:{title}"),
    };
    let key = details.cve.name.some_line().unwrap_or_else(own_key);
    builder.vulnerability(&key, || {
        let mut vulnerability = Vulnerability {
            title: title.to_owned(),
            description: text::text(&html::to_text(&entry.description)),
            severity: severity(&details.severity),
            ids: details.cve.name.some_line().into_iter().collect(),
            cwes: words::cwe(&details.cwe.id).into_iter().collect(),
            references: references(entry),
            ..Vulnerability::default()
        };
        ratings(details).fill(&mut vulnerability);
        vulnerability
    })
}

fn references(entry: &Entry<'_>) -> Vec<String> {
    let link = entry.finding_details.cve.href.some_line();
    words::each_once(link.into_iter().chain(html::links(&entry.description)).map(|link| text::line(&link)))
}

fn ratings(details: &Details<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    ratings.add(&details.cve.cvss3.vector, details.cve.cvss3.score.0);
    ratings.add(&details.cve.vector, details.cve.cvss.0);
    match details.cvss.number() {
        Some(score) => ratings.add("", Some(score)),
        None => ratings.add(&details.cvss, None),
    }
    ratings
}

fn url(details: &Details<'_>) -> Option<String> {
    let host = details.hostname.some_line();
    let port = details.port.some_line().map_or_else(String::new, |port| format!(":{port}"));
    details.url.some_line().or_else(|| Some(format!("{}{port}{}", host?, details.path.line())))
}

fn analysis(entry: &Entry<'_>) -> Option<Analysis> {
    let status = &entry.finding_status;
    let is_approved = match status.resolution_status.as_str() {
        "APPROVED" => true,
        "PROPOSED" => false,
        _ => return None,
    };
    let comment = entry.annotations.first().and_then(|annotation| annotation.comment.some_text());
    Some(reviewed(&status.resolution, comment, is_approved))
}
