//! Qualys WAS: reports of scans and of web applications.
//!
//! What an entry means stands in a glossary behind. Information gathered is information, whatever its level.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::html;
use crate::reports::read::text::{self, Text};
use crate::reports::read::time;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// Qualys WAS.
pub const PARSER: Parser = Parser {
    name: "qualys_webapp",
    title: "Qualys WAS report",
    tool: "Qualys WAS",
    content_types: &["application/xml"],
    defectdojo_names: &["Qualys Webapp Scan"],
    example: r#"<WAS_SCAN_REPORT><RESULTS><VULNERABILITY_LIST><VULNERABILITY><UNIQUE_ID>1</UNIQUE_ID><QID>150001</QID>
  <URL>https://shop.example.com/search</URL></VULNERABILITY></VULNERABILITY_LIST></RESULTS><GLOSSARY><QID_LIST><QID><QID>150001</QID>
  <SEVERITY>5</SEVERITY><TITLE>Cross-Site Scripting</TITLE></QID></QID_LIST></GLOSSARY></WAS_SCAN_REPORT>"#,
    shapes: &[&[Sign::Has("/WAS_SCAN_REPORT")], &[Sign::Has("/WAS_WEBAPP_REPORT")]],
    parse,
};

const TOOL: &str = "Qualys WAS";

/// An entry, before it is known what it means.
struct Entry {
    qid: String,
    is_information: bool,
    url: Option<String>,
    evidence: String,
    finding: Finding,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    let mut glossary = HashMap::new();
    // Entries name theirs in an element of the same name.
    xml::each(text, &["QID"], |_, element| {
        if element.child("QID").is_some() {
            glossary.insert(text::line(element.at("QID")), meaning(&element));
        }
        Ok(())
    })?;
    let wants = ["GENERATION_DATETIME", "VULNERABILITY", "SENSITIVE_CONTENT", "INFORMATION_GATHERED"];
    xml::each(text, &wants, |line, element| {
        match element.name {
            "GENERATION_DATETIME" => builder.head().reported_at = time::of(&element.text),
            // The summary counts in elements of the same names.
            _ if element.child("QID").is_some() => add(&mut builder, entry(&element, line), &glossary),
            _ => {}
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

fn entry(element: &Element, line: u64) -> Entry {
    let named = |path: &str| text::some_line(element.at(path));
    let url = named("URL");
    Entry {
        qid: text::line(element.at("QID")),
        is_information: element.name == "INFORMATION_GATHERED",
        evidence: evidence(element),
        finding: Finding {
            location: Location {
                url: url.clone(),
                method: named("PAYLOADS/PAYLOAD/REQUEST/METHOD"),
                parameter: named("PARAM"),
                ..Location::default()
            },
            fingerprint: named("UNIQUE_ID"),
            analysis: analysis(element),
            found_at: time::of(element.at("FIRST_TIME_DETECTED")),
            place: Some(format!("line {line}").into()),
            facts: builder::facts([
                ("payload", named("PAYLOADS/PAYLOAD/PAYLOAD").filter(|payload| payload != "N/A")),
                ("authentication", named("AUTHENTICATION")),
            ]),
            ..Finding::default()
        },
        url,
    }
}

/// What was seen, which may be packed as base64.
fn evidence(element: &Element) -> String {
    let Some(seen) = element.child("DATA") else { return String::new() };
    let packed = || STANDARD.decode(seen.text.split_whitespace().collect::<String>()).ok();
    match seen.attribute("base64") {
        "true" => packed().map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).unwrap_or_default(),
        _ => seen.text.trim().to_owned(),
    }
}

fn analysis(element: &Element) -> Option<Analysis> {
    let state = match () {
        () if element.at("IGNORED") == "true" => match element.at("IGNORE_REASON") {
            "FALSE_POSITIVE" => AnalysisState::FalsePositive,
            "NOT_APPLICABLE" => AnalysisState::NotAffected,
            _ => AnalysisState::RiskAccepted,
        },
        () if element.at("STATUS").eq_ignore_ascii_case("fixed") => AnalysisState::Resolved,
        () => return None,
    };
    Some(Analysis { state, justification: text::some_text(element.at("IGNORE_COMMENT")) })
}

/// A glossary entry as a vulnerability.
fn meaning(entry: &Element) -> Vulnerability {
    let mut ratings = Ratings::default();
    ratings.add(entry.at("CVSS_V3/ATTACK_VECTOR"), Text::from(entry.at("CVSS_V3/BASE")).number());
    ratings.add("", Text::from(entry.at("CVSS_BASE")).number());
    let parts = ["DESCRIPTION", "IMPACT"].map(|name| html::to_text(entry.at(name)));
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    ratings.rate(Vulnerability {
        title: text::title(entry.at("TITLE")),
        description: text::text(&parts.join("\n\n")),
        remediation: text::some_text(&html::to_text(entry.at("SOLUTION"))),
        severity: severity(entry.at("SEVERITY")),
        cwes: words::cwes(entry.at("CWE")),
        references: words::each_once(html::links(entry.at("SOLUTION"))),
        ..Vulnerability::default()
    })
}

/// Qualys's levels. Even the first is a vulnerability here: what only informs is listed apart.
fn severity(level: &str) -> Severity {
    match level {
        "5" => Severity::Critical,
        "4" => Severity::High,
        "3" => Severity::Medium,
        "2" | "1" => Severity::Low,
        _ => Severity::Unknown,
    }
}

fn add(builder: &mut ReportBuilder, entry: Entry, glossary: &HashMap<String, Vulnerability>) {
    if entry.qid.is_empty() {
        builder.lose(entry.finding.place.unwrap_or_default(), "no QID");
        return;
    }
    let unknown = || Vulnerability { title: text::title(&format!("QID {}", entry.qid)), ..Vulnerability::default() };
    let meaning = glossary.get(&entry.qid).map_or_else(|| Cow::Owned(unknown()), Cow::Borrowed);
    let severity = if entry.is_information { Severity::None } else { meaning.severity };
    let known = || Vulnerability { severity, ..(*meaning).clone() };
    let vulnerability = builder.vulnerability(&format!("{TOOL}:{}", entry.qid), known);
    let asset = entry.url.as_deref().and_then(|url| builder.asset_of_url(url));
    builder.add_differing(Finding { vulnerability, asset, ..entry.finding }, severity, &meaning.title, &entry.evidence);
}
