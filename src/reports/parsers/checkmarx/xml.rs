//! The results of CxSAST.

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parsers::checkmarx::{TOOL, analysis, query_title};
use crate::reports::read::text::{self, Text};
use crate::reports::read::time;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// Reads the results, query by query.
///
/// # Errors
/// See [`xml::each`].
pub fn read(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    let root = xml::root(text).unwrap_or_default();
    let head = builder.head();
    head.target = text::some_line(root.attribute("ProjectName"));
    head.tool_version = text::some_line(root.attribute("CheckmarxVersion"));
    head.reported_at = time::of(root.attribute("ScanStart"));
    xml::each(text, &["Query"], |line, query| {
        let vulnerability = vulnerability(&mut builder, &query);
        for result in query.all("Result") {
            add(&mut builder, &query, result, vulnerability, line);
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

fn vulnerability(builder: &mut ReportBuilder, query: &Element) -> usize {
    let name = query.attribute("name");
    builder.vulnerability(&format!("{TOOL}:{}", text::line(name)), || Vulnerability {
        title: text::title(&query_title(name)),
        severity: words::severity_or_unknown(query.attribute("Severity")),
        cwes: words::cwe(query.attribute("cweId")).into_iter().collect(),
        ..Vulnerability::default()
    })
}

fn add(builder: &mut ReportBuilder, query: &Element, result: &Element, vulnerability: usize, line: u64) {
    let path = result.child("Path");
    let nodes: Vec<&Element> = path.map_or_else(Vec::new, |path| path.all("PathNode").collect());
    let attribute = |name: &str| text::some_line(result.attribute(name));
    let finding = Finding {
        vulnerability,
        location: location(result, nodes.last().copied()),
        fingerprint: path.and_then(|path| text::some_line(path.attribute("SimilarityId"))),
        analysis: triaged(result),
        found_at: time::of(result.attribute("DetectionDate")),
        place: Some(format!("line {line}").into()),
        facts: builder::facts([
            ("language", text::some_line(query.attribute("Language"))),
            ("group", text::some_line(query.attribute("group"))),
            ("categories", text::some_line(query.attribute("categories"))),
            ("source", nodes.first().map(|node| format!("{}:{}", node.at("FileName"), node.at("Line")))),
            ("sink", nodes.last().and_then(|node| text::some_line(node.at("Name")))),
            ("assigned_to", attribute("AssignToUser")),
            ("link", attribute("DeepLink")),
        ]),
        ..Finding::default()
    };
    let severity = words::severity_or_unknown(result.attribute("Severity"));
    builder.add_differing(finding, severity, "", "");
}

fn location(result: &Element, sink: Option<&Element>) -> Location {
    let at = |node: &str, attribute: &str| {
        let named = sink.map_or("", |sink| sink.at(node));
        if named.is_empty() { result.attribute(attribute).to_owned() } else { named.to_owned() }
    };
    let code = sink.and_then(|sink| sink.child("Snippet")).map(|snippet| {
        let lines: Vec<&str> = snippet.all("Line").map(|line| line.at("Code")).collect();
        lines.join("\n")
    });
    Location {
        file: text::some_line(&at("FileName", "FileName")),
        line: Text::from(at("Line", "Line")).positive(),
        snippet: code.and_then(|code| text::some_text(&code)),
        ..Location::default()
    }
}

/// The state, with the remark as its reason.
fn triaged(result: &Element) -> Option<Analysis> {
    let is_false = result.attribute("FalsePositive").eq_ignore_ascii_case("true");
    let stated = analysis(result.attribute("state"));
    let state = if is_false { Some(AnalysisState::FalsePositive) } else { stated.map(|analysis| analysis.state) };
    state.map(|state| Analysis { state, justification: text::some_text(result.attribute("Remark")) })
}
