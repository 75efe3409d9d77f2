//! Nexpose's XML export 2.0 (and 1.0): tests that found hosts or their services vulnerable.
//!
//! A vulnerability is one finding on each host and port; of several tests for it, each adds what it saw.

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::text::{self, Text};
use crate::reports::read::xml::{self, Element};
use crate::reports::read::{time, words};
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};

/// Nexpose.
pub const PARSER: Parser = Parser {
    name: "nexpose",
    title: "Nexpose XML export",
    tool: "Nexpose, InsightVM",
    content_types: &["application/xml"],
    defectdojo_names: &["Nexpose Scan"],
    example: r#"<NexposeReport version="2.0"><nodes><node address="10.0.0.1" status="alive"><tests>
  <test id="ssh-weak" status="vulnerable-version"/></tests></node></nodes><VulnerabilityDefinitions>
  <vulnerability id="ssh-weak" title="Weak ciphers" severity="4"/></VulnerabilityDefinitions></NexposeReport>"#,
    shapes: &[&[Sign::Has("/NexposeReport")]],
    parse,
};

/// Definitions by id, in lower case: tests and definitions do not agree in it.
type Definitions<'a> = HashMap<String, Element<'a>>;

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    // What a test is of stands behind all tests, so the file is read twice.
    let mut definitions = Definitions::new();
    xml::each(text, &["vulnerability"], |_, element| {
        definitions.insert(element.attribute("id").to_lowercase(), element);
        Ok(())
    })?;
    let mut builder = ReportBuilder::new("Nexpose");
    xml::each(text, &["scan", "node"], |line, element| {
        if element.name == "scan" {
            scan(builder.head(), &element);
        } else {
            Node::new(&mut builder, &definitions, &element, line).all(&element);
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

fn scan(head: &mut Report, element: &Element) {
    head.target = head.target.take().or_else(|| text::some_line(element.attribute("name")));
    head.reported_at = head.reported_at.max(time::of(element.attribute("endTime")));
    head.failed |= matches!(element.attribute("status"), "error" | "aborted");
}

/// One host.
struct Node<'b> {
    builder: &'b mut ReportBuilder,
    definitions: &'b Definitions<'b>,
    asset: Option<usize>,
    names: Vec<String>,
    place: String,
}

impl<'b> Node<'b> {
    fn new(builder: &'b mut ReportBuilder, definitions: &'b Definitions<'b>, node: &Element, line: u64) -> Self {
        let asset = builder.asset(AssetKind::Host, node.attribute("address"));
        let names = node.inside("names", "name");
        let names = words::each_once(names.filter_map(|name| text::some_line(&name.text)));
        Self { builder, definitions, asset, names, place: format!("line {line}") }
    }

    fn all(&mut self, node: &Element) {
        self.tests(node, None, None);
        let endpoints = node.inside("endpoints", "endpoint");
        for endpoint in endpoints {
            let port = [endpoint.attribute("port"), endpoint.attribute("protocol")].join("/");
            for service in endpoint.inside("services", "service") {
                self.tests(
                    service,
                    text::some_line(port.trim_matches('/')),
                    text::some_line(service.attribute("name")),
                );
            }
        }
    }

    fn tests(&mut self, of: &Element, port: Option<String>, service: Option<String>) {
        let is_found = |test: &&Element| {
            let status = test.attribute("status");
            status.contains("vulnerable") && !status.contains("not-vulnerable")
        };
        let (mut ids, mut by_id) = (Vec::new(), HashMap::new());
        for test in of.inside("tests", "test").filter(is_found) {
            let tests: &mut Vec<&Element> = by_id.entry(test.attribute("id")).or_default();
            if tests.is_empty() {
                ids.push(test.attribute("id"));
            }
            tests.push(test);
        }
        for id in ids {
            self.add(id, &by_id[id], port.clone(), service.clone());
        }
    }

    fn add(&mut self, id: &str, tests: &[&Element], port: Option<String>, service: Option<String>) {
        let vulnerability = self.vulnerability(id);
        let seen: Vec<String> = tests.iter().map(|test| prose(test)).filter(|seen| !seen.is_empty()).collect();
        let first = tests.iter().find_map(|test| time::of(test.attribute("vulnerable-since")));
        let known = self.builder.head().glance(vulnerability).severity;
        let finding = Finding {
            vulnerability,
            asset: self.asset,
            location: Location { port, ..Location::default() },
            analysis: tests.first().and_then(|test| analysis(test.attribute("status"))),
            found_at: first,
            place: Some(self.place.as_str().into()),
            facts: facts([("host_name", text::some(self.names.join(", "))), ("service", service)]),
            ..Finding::default()
        };
        self.builder.add_differing(finding, known, "", &seen.join("\n"));
    }

    fn vulnerability(&mut self, id: &str) -> usize {
        let (id, title) = (id.to_lowercase(), id);
        let Some(definition) = self.definitions.get(&id) else {
            let make = || Vulnerability { title: text::title(title), ..Vulnerability::default() };
            return self.builder.vulnerability(&format!("Nexpose:{}", text::line(&id)), make);
        };
        let references = definition.inside("references", "reference");
        let ids = references.filter(|reference| matches!(reference.attribute("source"), "CVE" | "GHSA"));
        let ids = words::each_once(ids.filter_map(|reference| text::some_line(&reference.text)));
        let key = words::best_id(&ids).cloned().unwrap_or_else(|| format!("Nexpose:{}", text::line(&id)));
        self.builder.vulnerability(&key, || described(definition, ids))
    }
}

fn described(definition: &Element, ids: Vec<String>) -> Vulnerability {
    let part = |name: &str| definition.child(name).map(prose).unwrap_or_default();
    let links = definition.inside("references", "reference");
    let links = links.filter(|reference| reference.attribute("source") == "URL");
    let mut ratings = Ratings::default();
    ratings.add(definition.attribute("cvssV3Vector"), Text::from(definition.attribute("cvssV3Score")).number());
    // Version 2 stands in brackets.
    let version2 = definition.attribute("cvssVector").trim_matches(['(', ')']);
    ratings.add(version2, Text::from(definition.attribute("cvssScore")).number());
    let mut vulnerability = Vulnerability {
        title: text::title(definition.attribute("title")),
        description: text::text(&part("description")),
        remediation: text::some_text(&part("solution")),
        severity: severity(definition.attribute("severity")),
        ids,
        references: words::each_once(links.filter_map(|link| text::some_line(&link.text))),
        ..Vulnerability::default()
    };
    ratings.fill(&mut vulnerability);
    vulnerability
}

/// Nexpose's severity is a CVSS score as a whole number from 1 to 10, so it has the bands of CVSS.
fn severity(number: &str) -> Severity {
    Text::from(number).number().map_or(Severity::Unknown, Severity::from_score)
}

/// A potential vulnerability is a guess by the version; one with an exception was accepted.
fn analysis(status: &str) -> Option<Analysis> {
    let state = match status {
        _ if status.starts_with("exception-") => AnalysisState::RiskAccepted,
        "vulnerable-potential" => AnalysisState::InReview,
        _ => return None,
    };
    Some(Analysis { state, justification: text::some_line(status) })
}

/// The text of Nexpose's paragraphs and lists, a line each.
fn prose(element: &Element) -> String {
    let own = element.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let own = if element.name == "ListItem" && !own.is_empty() { format!("- {own}") } else { own };
    let lines = [own].into_iter().chain(element.children.iter().map(prose));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
