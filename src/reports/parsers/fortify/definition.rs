//! Fortify's report as XML: issues by category, and what the category means.
//!
//! The same issue stands in several sections. Flows from several sources into one place are one finding there.

use std::collections::HashSet;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parsers::fortify::{TOOL, verdicts};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{Analysis, Finding, Location, Report, Vulnerability};

/// Reads a report.
///
/// # Errors
/// See [`xml::each`].
pub fn read(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    let mut places = HashSet::new();
    xml::each(text, &["GroupingSection"], |line, group| {
        for issue in group.all("Issue") {
            let place = issue.child("Primary").map(|primary| (file(primary), primary.at("LineStart")));
            let (file, at) = place.unwrap_or_default();
            if file.is_empty() && at.is_empty() {
                builder.lose(format!("line {line}"), "an issue without its place");
            } else if places.insert([issue.at("Category"), file, at].map(str::to_owned)) {
                add(&mut builder, &group, issue, line);
            }
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, group: &Element, issue: &Element, line: u64) {
    // Folders have the names of priorities; some templates leave the priority out.
    let severity =
        words::severity(issue.at("Friority")).unwrap_or_else(|| words::severity_or_unknown(issue.at("Folder")));
    let category = text::title(issue.at("Category"));
    let vulnerability = builder.vulnerability(&format!("{TOOL}:{category}"), || Vulnerability {
        title: category.clone(),
        description: meaning(group, "Explanation").or_else(|| meaning(group, "Abstract")).unwrap_or_default(),
        remediation: meaning(group, "Recommendations"),
        severity,
        cwes: cwes(issue),
        ..Vulnerability::default()
    });
    let source = issue.child("Source");
    let finding = Finding {
        vulnerability,
        location: location(issue),
        fingerprint: text::some_line(issue.attribute("iid")),
        analysis: analysis(issue),
        place: Some(format!("line {line}").into()),
        facts: builder::facts([
            ("kingdom", text::some_line(issue.at("Kingdom"))),
            ("rule", text::some_line(issue.attribute("ruleID"))),
            ("function", text::some_line(issue.at("Primary/TargetFunction"))),
            ("source", source.map(|source| format!("{}:{}", source.at("FilePath"), source.at("LineStart")))),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &category, issue.at("Abstract"));
}

/// What the report says about a category, by name.
fn meaning(group: &Element, name: &str) -> Option<String> {
    let mut all = group.child("MajorAttributeSummary")?.all("MetaInfo");
    all.find(|meta| meta.at("Name") == name).and_then(|meta| text::some_text(meta.at("Value")))
}

fn cwes(issue: &Element) -> Vec<u32> {
    let categories = issue.all("ExternalCategory").filter(|category| category.attribute("type").contains("CWE"));
    words::each_once(categories.flat_map(|category| words::cwes(&category.text.replace("CWE ID ", "CWE-"))))
}

/// A file by its path, or by its name where a template leaves the path out.
fn file<'e>(place: &'e Element<'_>) -> &'e str {
    let path = place.at("FilePath");
    if path.is_empty() { place.at("FileName") } else { path }
}

fn location(issue: &Element) -> Location {
    let primary = |name: &str| issue.child("Primary").map_or("", |primary| primary.at(name));
    Location {
        file: issue.child("Primary").and_then(|primary| text::some_line(file(primary))),
        line: Text::from(primary("LineStart")).positive(),
        snippet: text::some_text(primary("Snippet")),
        ..Location::default()
    }
}

fn analysis(issue: &Element) -> Option<Analysis> {
    let mut tags = issue.all("Tag").filter(|tag| tag.at("Name") == "Analysis");
    let state = verdicts::state(tags.next()?.at("Value"))?;
    let comment = issue.child("Comment").and_then(|comment| text::some_text(comment.at("Comment")));
    Some(Analysis { state, justification: comment })
}
