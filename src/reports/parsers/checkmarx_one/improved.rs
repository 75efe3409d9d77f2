//! The improved scan report: results by query, technology, package.

use std::collections::HashMap;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::parsers::checkmarx::{self, analysis, query_title};
use crate::reports::parsers::checkmarx_one::TOOL;
use crate::reports::parsers::checkmarx_one::schema::{Advice, Instance, Package, PackageResult, Query, Technology};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{List, Object};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Vulnerability};

/// Static analysis: vulnerabilities by query, with advice by CWE.
pub fn sast(builder: &mut ReportBuilder, queries: List<Object<Query<'_>>>, advice: &[Object<Advice<'_>>]) {
    let advice: HashMap<&str, &Advice<'_>> = advice.iter().map(|advice| (advice.cwe_id.as_str(), &advice.0)).collect();
    for (at, mut query) in queries.0.into_iter().enumerate() {
        let entries = std::mem::take(&mut query.0.vulnerabilities);
        let advice = advice.get(query.cwe_id.as_str()).copied().filter(|_| !query.cwe_id.is_empty());
        let path = format!("/scanResults/resultsList/{at}/vulnerabilities");
        builder.each(entries, &path, |builder, entry, place| {
            let vulnerability = rule(builder, &query, advice, entry);
            add(builder, vulnerability, &query, &Text::default(), entry, place);
        });
    }
}

/// Infrastructure as code: results by technology and query.
pub fn iac(builder: &mut ReportBuilder, technologies: List<Object<Technology<'_>>>) {
    for (at, technology) in technologies.0.into_iter().enumerate() {
        let Technology { name, queries } = technology.0;
        for (query_at, mut query) in queries.0.into_iter().enumerate() {
            let entries = std::mem::take(&mut query.0.results_list);
            let path = format!("/iacScanResults/technology/{at}/queries/{query_at}/resultsList");
            builder.each(entries, &path, |builder, entry, place| {
                let vulnerability = rule(builder, &query, None, entry);
                add(builder, vulnerability, &query, &name, entry, place);
            });
        }
    }
}

fn rule(builder: &mut ReportBuilder, query: &Query<'_>, advice: Option<&Advice<'_>>, entry: &Instance<'_>) -> usize {
    builder.vulnerability(&format!("{TOOL}:{}", query.query_name.title()), || {
        let said = advice.map(|advice| [&advice.cause, &advice.risk]);
        let parts = [&query.description].into_iter().chain(said.into_iter().flatten());
        let parts: Vec<String> = parts.filter_map(Text::some_text).collect();
        Vulnerability {
            title: text::title(&query_title(&query.query_name)),
            description: text::text(&parts.join("\n\n")),
            remediation: advice.map_or(&entry.expected_value, |advice| &advice.general_recommendations).some_text(),
            severity: words::severity_or_unknown(&entry.severity),
            cwes: words::cwe(&query.cwe_id).into_iter().collect(),
            references: query.query_description_link.some_line().into_iter().collect(),
            ..Vulnerability::default()
        }
    })
}

fn add(
    builder: &mut ReportBuilder,
    vulnerability: usize,
    query: &Query<'_>,
    platform: &Text<'_>,
    entry: &Instance<'_>,
    place: Box<str>,
) {
    if entry.severity.is_empty() {
        builder.lose(place, "no severity");
        return;
    }
    let link = entry.result_viewer_link.some_line();
    // The link ends with the result's id, which stays the same from scan to scan.
    let linked = link.as_deref().and_then(|link| link.split_once("result-id=")).map(|(_, id)| id.to_owned());
    let source = entry.source_file_name.some_line().map(|file| format!("{file}:{}", entry.source_line));
    let finding = Finding {
        vulnerability,
        location: Location {
            file: entry.destination_file_name.or(&entry.source_file_name).some_line(),
            line: entry.destination_line.positive(),
            snippet: entry.destination_code.some_text(),
            ..Location::default()
        },
        fingerprint: entry.similarity_id.some_line().or(linked),
        analysis: analysis(&entry.state),
        found_at: entry.first_found_date.time(),
        place: Some(place),
        facts: builder::facts([
            ("platform", platform.some_line()),
            ("query_path", query.query_path.some_line()),
            ("category", query.category.some_line()),
            ("source", source),
            ("method", entry.destination_method.some_line()),
            ("actual_value", entry.actual_value.some_line()),
            ("link", link),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, words::severity_or_unknown(&entry.severity), "", "");
}

/// Packages: results by CWE.
pub fn sca(builder: &mut ReportBuilder, packages: List<Object<Package<'_>>>) {
    for (at, package) in packages.0.into_iter().enumerate() {
        let Package { package_name, package_version, package_id, package_category } = package.0;
        for (category_at, category) in package_category.0.into_iter().enumerate() {
            let path = format!("/scaScanResults/packages/{at}/packageCategory/{category_at}/categoryResults");
            let cwes = words::cwes(&category.0.category_name);
            builder.each(category.0.category_results, &path, |builder, entry, place| {
                let component = match package_id.is_empty() {
                    true => builder.component(&package_name, &package_version, ""),
                    false => checkmarx::component(builder, &package_id, &package_version),
                };
                add_package(builder, component, &cwes, entry, place);
            });
        }
    }
}

fn add_package(
    builder: &mut ReportBuilder,
    component: Option<usize>,
    cwes: &[u32],
    entry: &PackageResult<'_>,
    place: Box<str>,
) {
    let Some(id) = entry.cve.some_line() else {
        builder.lose(place, "a result without an id");
        return;
    };
    let mut ratings = Ratings::default();
    ratings.add("", entry.score.0);
    let severity = ratings.severity(&entry.severity);
    let vulnerability = builder.vulnerability(&id, || {
        let mut vulnerability = Vulnerability {
            title: id.clone(),
            description: entry.description.text(),
            severity,
            ids: vec![id.clone()],
            cwes: cwes.to_vec(),
            ..Vulnerability::default()
        };
        ratings.fill(&mut vulnerability);
        vulnerability
    });
    let finding = Finding {
        vulnerability,
        component,
        fingerprint: entry.result_id.some_line(),
        analysis: analysis(&entry.state),
        found_at: entry.first_found_date.time(),
        place: Some(place),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", &entry.description);
}
