//! SpotBugs XML (and FindBugs, whose format it is, with the rules of find-sec-bugs).

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::xml::{self, Element};
use crate::reports::read::{html, text, time, words};
use crate::reports::report::{Finding, Location, Report, Vulnerability};

/// SpotBugs.
pub const PARSER: Parser = Parser {
    name: "spotbugs",
    title: "SpotBugs XML",
    tool: "SpotBugs",
    content_types: &["application/xml"],
    defectdojo_names: &["SpotBugs Scan"],
    example: r#"<BugCollection version="4.9.0"><BugInstance type="SQL_INJECTION" priority="1" category="SECURITY">
  <SourceLine classname="Shop" start="3" end="3" sourcefile="Shop.java" sourcepath="Shop.java"/></BugInstance></BugCollection>"#,
    shapes: &[&[Sign::Has("/BugCollection")]],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("SpotBugs");
    let root = xml::root(text).unwrap_or_default();
    builder.head().tool_version = text::some_line(root.attribute("version"));
    builder.head().reported_at = time::of(root.attribute("analysisTimestamp"));
    let (mut patterns, mut known) = (HashMap::new(), HashMap::new());
    xml::each(text, &["Project", "BugInstance", "BugPattern"], |line, element| {
        match element.name {
            "Project" => builder.head().target = text::some_line(element.attribute("projectName")),
            "BugInstance" => add(&mut builder, &mut known, &element, format!("line {line}").into()),
            _ => drop(patterns.insert(key(&element), html::to_text(element.at("Details")))),
        }
        Ok(())
    })?;
    // The patterns stand behind the instances that name them.
    builder.head().vulnerabilities.rewrite(|_, known, kept| {
        let details = patterns.get(known.key).map(|details| text::text(details));
        kept.push(&Vulnerability { description: details.as_deref().unwrap_or(known.description), ..known });
    });
    Ok(vec![builder.finish()])
}

fn key(element: &Element) -> String {
    format!("SpotBugs:{}", text::line(element.attribute("type")))
}

/// Adds an instance. Occurrences with one hash are one instance to SpotBugs, as when a line is there twice.
fn add(builder: &mut ReportBuilder, known: &mut HashMap<String, usize>, bug: &Element, place: Box<str>) {
    let (location, hash) = (location(bug), text::some_line(bug.attribute("instanceHash")));
    let number = builder.head().findings.len();
    let first = hash.clone().map_or(number, |hash| *known.entry(hash).or_insert(number));
    if first < number {
        let line = location.line.map(|line| line.to_string());
        builder.add_fact(first, "also_on_line", &line.unwrap_or_default());
        return;
    }
    let severity = severity(bug.attribute("priority"));
    let title = if bug.at("ShortMessage").is_empty() { bug.attribute("type") } else { bug.at("ShortMessage") };
    let vulnerability = builder.vulnerability(&key(bug), || Vulnerability {
        title: text::title(title),
        severity,
        cwes: words::cwe(bug.attribute("cweid")).into_iter().collect(),
        ..Vulnerability::default()
    });
    let finding = Finding {
        vulnerability,
        location,
        fingerprint: hash,
        place: Some(place),
        facts: facts([
            ("class", attribute(bug, "Class", "classname")),
            ("method", attribute(bug, "Method", "name")),
            ("category", text::some_line(bug.attribute("category"))),
            ("rank", text::some_line(bug.attribute("rank"))),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, title, bug.at("LongMessage"));
}

fn attribute(bug: &Element, child: &str, name: &str) -> Option<String> {
    text::some_line(bug.child(child)?.attribute(name))
}

/// The line of the instance itself, else where its method or class is.
fn location(bug: &Element) -> Location {
    let parts = [Some(bug), bug.child("Method"), bug.child("Class")].into_iter().flatten();
    let Some(lines) = parts.flat_map(|part| part.child("SourceLine")).next() else { return Location::default() };
    let path = if lines.attribute("sourcepath").is_empty() { "sourcefile" } else { "sourcepath" };
    Location {
        file: text::some_line(lines.attribute(path)),
        line: text::Text::from(lines.attribute("start")).positive(),
        end_line: text::Text::from(lines.attribute("end")).positive(),
        ..Location::default()
    }
}

/// The priority is SpotBugs' confidence; its interface shows it as high, medium, low. Lower ones are experiments.
fn severity(priority: &str) -> Severity {
    match priority.trim() {
        "1" => Severity::High,
        "2" => Severity::Medium,
        "3" => Severity::Low,
        "4" | "5" => Severity::None,
        _ => Severity::Unknown,
    }
}
