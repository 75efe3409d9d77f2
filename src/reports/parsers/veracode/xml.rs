//! Veracode's detailed report.

use std::collections::HashSet;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parsers::veracode::{TOOL, reviewed, severity};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::packages;
use crate::reports::read::text::{self, Text};
use crate::reports::read::time;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// Reads a report: flaws by category, then vulnerable components.
///
/// # Errors
/// See [`xml::each`].
pub fn read(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    let root = xml::root(text).unwrap_or_default();
    let head = builder.head();
    head.target = text::some_line(root.attribute("app_name"));
    head.reported_at = time::of(root.attribute("last_update_time"));
    let mut issues = HashSet::new();
    xml::each(text, &["category", "component"], |line, element| {
        match element.name {
            "category" => category(&mut builder, &element, &mut issues, line),
            _ => component(&mut builder, &element, line),
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

/// Flaws of static, dynamic and manual analysis. One that stands under several CWEs is one.
fn category(builder: &mut ReportBuilder, category: &Element, issues: &mut HashSet<String>, line: u64) {
    for cwe in category.all("cwe") {
        for flaw in cwe.children.iter().filter(|list| list.name.ends_with("flaws")).flat_map(|list| list.all("flaw")) {
            let id = flaw.attribute("issueid");
            if id.is_empty() || issues.insert(id.to_owned()) {
                add_flaw(builder, category, cwe, flaw, line);
            }
        }
    }
}

fn add_flaw(builder: &mut ReportBuilder, category: &Element, cwe: &Element, flaw: &Element, line: u64) {
    let attribute = |name: &str| text::some_line(flaw.attribute(name));
    let name = |of: &Element, attribute: &str| text::some(text::title(of.attribute(attribute)));
    let title = name(flaw, "categoryname").or_else(|| name(cwe, "cwename")).unwrap_or_default();
    let number = words::cwe(flaw.attribute("cweid"));
    let key = number.map_or_else(|| title.clone(), |number| format!("CWE-{number}"));
    let severity = severity(flaw.attribute("severity"));
    let vulnerability = builder.vulnerability(&format!("{TOOL}:{key}"), || Vulnerability {
        title: title.clone(),
        description: paragraphs(category, "desc"),
        remediation: text::some(paragraphs(category, "recommendations")),
        severity,
        cwes: number.into_iter().collect(),
        ..Vulnerability::default()
    });
    let finding = Finding {
        vulnerability,
        asset: attribute("url").and_then(|url| builder.asset_of_url(&url)),
        location: location(flaw),
        fingerprint: attribute("issueid"),
        analysis: flaw_analysis(flaw),
        found_at: time::of(flaw.attribute("date_first_occurrence")),
        place: Some(format!("line {line}").into()),
        facts: builder::facts([
            ("module", attribute("module")),
            ("type", attribute("type")),
            ("function", attribute("functionprototype")),
            ("cia_impact", attribute("cia_impact")),
            ("remediation_status", attribute("remediation_status")),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &title, flaw.attribute("description"));
}

/// The paragraphs of a category's description or recommendations, with their bullets.
fn paragraphs(category: &Element, list: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in category.child(list).into_iter().flat_map(|list| list.all("para")) {
        lines.push(paragraph.attribute("text").to_owned());
        lines.extend(paragraph.all("bulletitem").map(|item| format!("- {}", item.attribute("text"))));
    }
    text::text(&lines.join("\n"))
}

fn location(flaw: &Element) -> Location {
    let attribute = |name: &str| text::some_line(flaw.attribute(name));
    let file = format!("{}{}", flaw.attribute("sourcefilepath"), flaw.attribute("sourcefile"));
    Location {
        file: text::some(text::line(&file)),
        line: Text::from(flaw.attribute("line")).positive(),
        url: attribute("url"),
        parameter: attribute("vuln_parameter"),
        ..Location::default()
    }
}

fn flaw_analysis(flaw: &Element) -> Option<Analysis> {
    if flaw.attribute("remediation_status").eq_ignore_ascii_case("fixed") {
        return Some(Analysis { state: AnalysisState::Resolved, justification: None });
    }
    match flaw.attribute("mitigation_status").to_ascii_lowercase().as_str() {
        "accepted" => Some(mitigated(flaw, true)),
        "proposed" => Some(mitigated(flaw, false)),
        _ => None,
    }
}

/// The proposal among the mitigations; approvals and comments stand beside it.
fn mitigated(element: &Element, is_approved: bool) -> Analysis {
    let mitigations = element.child("mitigations");
    let mut mitigations = mitigations.into_iter().flat_map(|list| list.all("mitigation"));
    let is_proposal = |action: &str| {
        let action = action.to_ascii_lowercase();
        action.contains("mitigate") || action.contains("false positive") || action.contains("risk")
    };
    let proposal = mitigations.find(|mitigation| is_proposal(mitigation.attribute("action")));
    let (action, reason) = proposal.map_or(("", ""), |m| (m.attribute("action"), m.attribute("description")));
    reviewed(action, text::some_text(reason), is_approved)
}

fn component(builder: &mut ReportBuilder, component: &Element, line: u64) {
    let vulnerabilities = component.child("vulnerabilities").filter(|list| !list.children.is_empty());
    let Some(vulnerabilities) = vulnerabilities else { return };
    let version = component.attribute("version");
    // `maven:group:artifact:version:`
    let id = component.attribute("library_id");
    let (kind, coordinates) = id.split_once(':').unwrap_or_default();
    let coordinates = coordinates.trim_end_matches(':');
    let name = packages::name(coordinates.strip_suffix(version).unwrap_or(coordinates));
    let purl = packages::purl(kind, &name, version).unwrap_or_default();
    let shown = if purl.is_empty() { component.attribute("library") } else { &name };
    let library = builder.component(shown, version, &purl);
    let paths = component.child("file_paths");
    let mut paths = paths.into_iter().flat_map(|paths| paths.all("file_path")).map(|path| path.attribute("value"));
    let file = paths.next().and_then(text::some_line);
    for entry in vulnerabilities.all("vulnerability") {
        let finding = Finding {
            component: library,
            location: Location { file: file.clone(), ..Location::default() },
            facts: builder::facts([
                ("file_name", text::some_line(component.attribute("file_name"))),
                ("sha1", text::some_line(component.attribute("sha1"))),
            ]),
            place: Some(format!("line {line}").into()),
            ..Finding::default()
        };
        add_vulnerability(builder, entry, finding);
    }
}

fn add_vulnerability(builder: &mut ReportBuilder, entry: &Element, mut finding: Finding) {
    let Some(id) = text::some_line(entry.attribute("cve_id")) else {
        builder.lose(finding.place.unwrap_or_default(), "a vulnerability without an id");
        return;
    };
    let severity = severity(entry.attribute("severity"));
    finding.vulnerability = builder.vulnerability(&id, || {
        let mut ratings = Ratings::default();
        ratings.add("", Text::from(entry.attribute("cvss_score")).number());
        let mut vulnerability = Vulnerability {
            title: id.clone(),
            description: text::text(entry.attribute("cve_summary")),
            severity,
            ids: vec![id.clone()],
            cwes: words::cwes(entry.attribute("cwe_id")),
            ..Vulnerability::default()
        };
        ratings.fill(&mut vulnerability);
        vulnerability
    });
    finding.found_at = time::of(entry.attribute("first_found_date"));
    finding.analysis = (entry.attribute("mitigation") == "true").then(|| mitigated(entry, true));
    builder.add_differing(finding, severity, &id, entry.attribute("cve_summary"));
}
