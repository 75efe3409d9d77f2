//! WebInspect's scan: issues at URLs.

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::read::html;
use crate::reports::read::text;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{Finding, Location, Report, Vulnerability};

/// Reads a scan.
///
/// # Errors
/// See [`xml::each`].
pub fn read(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Fortify WebInspect");
    xml::each(text, &["Issue"], |line, issue| {
        match text::some(text::title(issue.at("Name"))) {
            Some(title) => add(&mut builder, &issue, &title, line),
            None => builder.lose(format!("line {line}"), "an issue without a name"),
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, issue: &Element, title: &str, line: u64) {
    let severity = severity(issue.at("Severity"));
    let id = issue.at("VulnerabilityID");
    let key = format!("WebInspect:{}", if id.is_empty() { title } else { id });
    let vulnerability = builder.vulnerability(&key, || Vulnerability {
        title: title.to_owned(),
        description: section(issue, "Summary").unwrap_or_default(),
        remediation: section(issue, "Fix"),
        severity,
        cwes: cwes(issue),
        references: issue.all("ReportSection").flat_map(|section| html::links(section.at("SectionText"))).collect(),
        ..Vulnerability::default()
    });
    let url = url(issue);
    let finding = Finding {
        vulnerability,
        asset: url.as_deref().and_then(|url| builder.asset_of_url(url)),
        location: Location {
            url,
            method: text::some_line(issue.at("AttackMethod")),
            parameter: text::some_line(issue.at("AttackParamDescriptor")),
            ..Location::default()
        },
        place: Some(format!("line {line}").into()),
        facts: builder::facts([
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

fn url(issue: &Element) -> Option<String> {
    text::some_line(issue.at("URL")).or_else(|| {
        let (scheme, host, port) = (issue.at("Scheme"), issue.at("Host"), issue.at("Port"));
        (!host.is_empty()).then(|| text::line(&format!("{scheme}://{host}:{port}/")))
    })
}
