//! WebInspect's scan: issues at URLs, in a list of their own or under the sessions in which they were found.

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::read::html;
use crate::reports::read::text;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{Finding, Location, Report, Vulnerability};

/// The fact that holds WebInspect's id of an issue, which need not be the same in its next scan.
pub const ISSUE: &str = "issue_id";

/// Reads a scan.
///
/// # Errors
/// See [`xml::each`].
pub fn read(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Fortify WebInspect");
    xml::each(text, &["Issue", "Session"], |line, element| {
        if element.name == "Issue" {
            add(&mut builder, &element, &element, line);
        }
        element.inside("Issues", "Issue").for_each(|issue| add(&mut builder, issue, &element, line));
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

/// Adds an issue; where it is says the issue itself or its session.
fn add(builder: &mut ReportBuilder, issue: &Element, place: &Element, line: u64) {
    let title = &text::title(issue.at("Name"));
    if title.is_empty() {
        return builder.lose(format!("line {line}"), "an issue without a name");
    }
    let severity = severity(issue.at("Severity"));
    let id = issue.at("VulnerabilityID");
    let key = format!("WebInspect:{}", if id.is_empty() { title } else { id });
    let vulnerability = builder.vulnerability(&key, || Vulnerability {
        title: title.clone(),
        description: section(issue, "Summary").unwrap_or_default(),
        remediation: section(issue, "Fix"),
        severity,
        cwes: cwes(issue),
        references: issue.all("ReportSection").flat_map(|section| html::links(section.at("SectionText"))).collect(),
        ..Vulnerability::default()
    });
    let url = url(place);
    let finding = Finding {
        vulnerability,
        asset: url.as_deref().and_then(|url| builder.asset_of_url(url)),
        location: Location {
            url,
            method: text::some_line(place.at("AttackMethod")),
            parameter: text::some_line(place.at("AttackParamDescriptor")),
            ..Location::default()
        },
        place: Some(format!("line {line}").into()),
        facts: builder::facts([
            (ISSUE, text::some_line(issue.attribute("id"))),
            ("check_type", text::some_line(issue.at("CheckTypeID"))),
            ("engine", text::some_line(issue.at("EngineType"))),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, title, "");
}

/// WebInspect's levels.
fn severity(level: &str) -> Severity {
    match level {
        "4" => Severity::Critical,
        "3" => Severity::High,
        "2" => Severity::Medium,
        "1" => Severity::Low,
        "0" => Severity::None,
        word => words::severity_or_unknown(word),
    }
}

fn section(issue: &Element, name: &str) -> Option<String> {
    let mut sections = issue.all("ReportSection");
    let section = sections.find(|section| section.at("Name").eq_ignore_ascii_case(name))?;
    text::some_text(&html::to_text(section.at("SectionText")))
}

fn cwes(issue: &Element) -> Vec<u32> {
    let list = issue.child("Classifications").into_iter().flat_map(|list| list.all("Classification"));
    let list = list.filter(|class| class.attribute("kind").eq_ignore_ascii_case("cwe"));
    words::each_once(list.filter_map(|class| words::cwe(class.attribute("identifier"))))
}

fn url(place: &Element) -> Option<String> {
    text::some_line(place.at("URL")).or_else(|| {
        let (scheme, host, port) = (place.at("Scheme"), place.at("Host"), place.at("Port"));
        (!host.is_empty()).then(|| text::line(&format!("{scheme}://{host}:{port}/")))
    })
}
