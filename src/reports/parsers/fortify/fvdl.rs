//! The static analyzer's own format. What a vulnerability means and how bad it is stands behind all of them.

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parsers::fortify::TOOL;
use crate::reports::read::html;
use crate::reports::read::text::{self, Text};
use crate::reports::read::time;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{Finding, Location, Report, Vulnerability};

#[derive(Default)]
struct Catalogue {
    flaws: Vec<Flaw>,
    descriptions: HashMap<String, Description>,
    rules: HashMap<String, Rule>,
    snippets: HashMap<String, String>,
    /// Where the shared nodes are that flaws end at. The many others, which also stand behind all flaws, are not kept.
    nodes: HashMap<String, Spot>,
}

/// A place in the code.
#[derive(Clone, Default)]
struct Spot {
    file: Option<String>,
    line: Option<u32>,
    end_line: Option<u32>,
    snippet: String,
}

struct Flaw {
    class: String,
    title: String,
    instance: Option<String>,
    impact: f64,
    confidence: f64,
    spot: Spot,
    /// The shared node that it ends at, where it has none of its own.
    node: Option<String>,
    /// What the description's gaps are filled with here.
    words: Vec<(String, String)>,
    facts: Vec<(&'static str, String)>,
    place: Box<str>,
}

#[derive(Default)]
struct Description {
    summary: String,
    explanation: String,
    remediation: Option<String>,
    references: Vec<String>,
}

#[derive(Default)]
struct Rule {
    impact: Option<f64>,
    accuracy: Option<f64>,
    probability: Option<f64>,
    cwes: Vec<u32>,
}

/// Reads an `audit.fvdl`.
///
/// # Errors
/// See [`xml::each`].
pub fn read(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    let mut catalogue = Catalogue::default();
    let wants = ["CreatedTS", "Build", "EngineVersion", "Vulnerability", "Node", "Description", "Snippet", "Rule"];
    xml::each(text, &wants, |line, element| {
        match element.name {
            "Vulnerability" => {
                let flaw = flaw(&element, line);
                catalogue.nodes.extend(flaw.node.clone().map(|node| (node, Spot::default())));
                catalogue.flaws.push(flaw);
            }
            "Node" => {
                let known = catalogue.nodes.get_mut(element.attribute("id"));
                known.into_iter().for_each(|known| *known = spot(element.child("SourceLocation")));
            }
            "Description" => drop(catalogue.descriptions.insert(id(&element, "classID"), description(&element))),
            "Snippet" => {
                drop(catalogue.snippets.insert(id(&element, "id"), text::beginning(element.at("Text")).to_owned()))
            }
            "Rule" if !element.attribute("id").is_empty() => {
                catalogue.rules.insert(id(&element, "id"), rule(&element));
            }
            _ => head(builder.head(), &element),
        }
        Ok(())
    })?;
    for flaw in std::mem::take(&mut catalogue.flaws) {
        add(&mut builder, flaw, &catalogue);
    }
    Ok(vec![builder.finish()])
}

fn id(element: &Element, attribute: &str) -> String {
    element.attribute(attribute).to_owned()
}

fn head(report: &mut Report, element: &Element) {
    match element.name {
        "CreatedTS" => {
            report.reported_at = time::of(&format!("{}T{}", element.attribute("date"), element.attribute("time")));
        }
        "Build" => report.target = text::some_line(element.at("BuildID")),
        "EngineVersion" => report.tool_version = text::some_line(&element.text),
        _ => {}
    }
}

fn flaw(element: &Element, line: u64) -> Flaw {
    let number = |path: &str| Text::from(element.at(path)).number();
    let subtype = element.at("ClassInfo/Subtype");
    let kind = element.at("ClassInfo/Type");
    let unified = element.child("AnalysisInfo").and_then(|info| info.child("Unified"));
    let source = unified.and_then(location);
    let words = unified.and_then(|unified| unified.child("ReplacementDefinitions"));
    let words = words.into_iter().flat_map(|words| words.all("Def"));
    Flaw {
        class: element.at("ClassInfo/ClassID").to_owned(),
        title: if subtype.is_empty() { kind.to_owned() } else { format!("{kind}: {subtype}") },
        instance: text::some_line(element.at("InstanceInfo/InstanceID")),
        impact: number("InstanceInfo/InstanceSeverity").or(number("ClassInfo/DefaultSeverity")).unwrap_or_default(),
        confidence: number("InstanceInfo/Confidence").unwrap_or_default(),
        spot: spot(source),
        node: unified.filter(|_| source.is_none()).and_then(shared_node),
        words: words.map(|word| (id(word, "key"), id(word, "value"))).collect(),
        facts: builder::facts([
            ("kingdom", text::some_line(element.at("ClassInfo/Kingdom"))),
            ("analyzer", text::some_line(element.at("ClassInfo/AnalyzerName"))),
        ]),
        place: format!("line {line}").into(),
    }
}

fn spot(source: Option<&Element>) -> Spot {
    let attribute = |name: &str| source.map_or("", |source| source.attribute(name));
    Spot {
        file: text::some_line(attribute("path")),
        line: Text::from(attribute("line")).positive(),
        end_line: Text::from(attribute("lineEnd")).positive(),
        snippet: attribute("snippet").to_owned(),
    }
}

fn entries<'e, 'a>(unified: &'e Element<'a>) -> impl Iterator<Item = &'e Element<'a>> {
    unified.all("Trace").filter_map(|trace| trace.child("Primary")).flat_map(|trace| trace.all("Entry"))
}

/// The last node of the traces, where all of them are shared with others.
fn shared_node(unified: &Element) -> Option<String> {
    let node = entries(unified).filter_map(|entry| entry.child("NodeRef")).last();
    node.and_then(|node| text::some_line(node.attribute("id")))
}

/// The node that Fortify shows first, else the first that has a place.
fn location<'e, 'a>(unified: &'e Element<'a>) -> Option<&'e Element<'a>> {
    let nodes = entries(unified).filter_map(|entry| entry.child("Node"));
    let mut nodes: Vec<&Element> = nodes.filter(|node| node.child("SourceLocation").is_some()).collect();
    nodes.sort_by_key(|node| node.attribute("isDefault") != "true");
    nodes.first().and_then(|node| node.child("SourceLocation"))
}

fn description(element: &Element) -> Description {
    let references = element.child("References").into_iter().flat_map(|list| list.all("Reference"));
    Description {
        summary: text::beginning(element.at("Abstract")).to_owned(),
        explanation: text::beginning(element.at("Explanation")).to_owned(),
        remediation: text::some_text(&html::to_text(element.at("Recommendations"))),
        references: words::each_once(references.flat_map(|reference| words::links(reference.at("Source")))),
    }
}

fn rule(element: &Element) -> Rule {
    let group = |name: &str| {
        let mut groups = element.child("MetaInfo").into_iter().flat_map(|meta| meta.all("Group"));
        groups.find(|group| group.attribute("name") == name).map_or("", |group| group.text.trim())
    };
    let number = |name: &str| Text::from(group(name)).number();
    Rule {
        impact: number("Impact"),
        accuracy: number("Accuracy"),
        probability: number("Probability"),
        cwes: words::cwes(&group("altcategoryCWE").replace("CWE ID ", "CWE-")),
    }
}

fn add(builder: &mut ReportBuilder, flaw: Flaw, catalogue: &Catalogue) {
    let severity = severity(&flaw, catalogue.rules.get(&flaw.class));
    let title = text::title(&flaw.title);
    let nothing = Description::default();
    let description = catalogue.descriptions.get(&flaw.class).unwrap_or(&nothing);
    let vulnerability = builder.vulnerability(&format!("{TOOL}:{title}"), || Vulnerability {
        title: title.clone(),
        description: text::text(&html::to_text(&description.explanation)),
        remediation: description.remediation.clone(),
        severity,
        cwes: catalogue.rules.get(&flaw.class).map(|rule| rule.cwes.clone()).unwrap_or_default(),
        references: description.references.clone(),
        ..Vulnerability::default()
    });
    let spot = flaw.node.and_then(|node| catalogue.nodes.get(&node).cloned()).unwrap_or(flaw.spot);
    let snippet = catalogue.snippets.get(&spot.snippet);
    let finding = Finding {
        vulnerability,
        location: Location {
            file: spot.file,
            line: spot.line,
            end_line: spot.end_line,
            snippet: snippet.and_then(|snippet| text::some_text(snippet)),
            ..Location::default()
        },
        fingerprint: flaw.instance,
        place: Some(flaw.place),
        facts: flaw.facts,
        ..Finding::default()
    };
    let summary = html::to_text(&filled(&description.summary, &flaw.words));
    builder.add_differing(finding, severity, &title, &summary);
}

/// Fortify's priority: impact against likelihood, each of 0 to 5.
/// Source: Fortify User Guide, «Fortify Priority Order».
fn severity(flaw: &Flaw, rule: Option<&Rule>) -> Severity {
    let likelihood = rule.and_then(|rule| Some(rule.accuracy? * flaw.confidence * rule.probability? / 25.0));
    let impact = rule.and_then(|rule| rule.impact).unwrap_or(flaw.impact);
    match (impact >= 2.5, likelihood.unwrap_or(flaw.confidence) >= 2.5) {
        (true, true) => Severity::Critical,
        (true, false) => Severity::High,
        (false, true) => Severity::Medium,
        (false, false) => Severity::Low,
    }
}

/// A description whose gaps (`<Replace key="SinkFunction"/>`) are filled.
fn filled(description: &str, words: &[(String, String)]) -> String {
    let mut parts = description.split("<Replace key=\"");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (key, rest) = part.split_once('"').unwrap_or((part, ""));
        let word = words.iter().find(|(known, _)| known == key).map_or("", |(_, word)| word.as_str());
        filled.push_str(word);
        filled.push_str(rest.split_once('>').map_or(rest, |(_, rest)| rest));
    }
    filled
}
