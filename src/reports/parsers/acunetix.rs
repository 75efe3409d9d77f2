//! Acunetix: the XML of its desktop and premium editions, and the JSON of Acunetix 360, which Netsparker and Invicti
//! write alike.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::text::{self, Text};
use crate::reports::read::xml::{self, Element};
use crate::reports::read::{html, json, time, words};
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};
use schema::{File, Vulnerable};

/// Acunetix.
pub const PARSER: Parser = Parser {
    name: "acunetix",
    title: "Acunetix XML and 360 JSON",
    tool: "Acunetix, Acunetix 360, Invicti (Netsparker)",
    content_types: &["application/xml", "application/json"],
    defectdojo_names: &["Acunetix Scan", "Acunetix360 Scan", "Netsparker Scan", "Invicti Scan"],
    example: r#"{"Generated": "31/01/2026 08:00 AM", "Target": {"ScanId": "a1", "Url": "https://shop.example.com/"},
 "Vulnerabilities": [{"Name": "Cookie Not Marked as HttpOnly", "Type": "CookieNotMarkedAsHttpOnly", "Severity": "Medium",
  "State": "Present", "Url": "https://shop.example.com/login"}]}"#,
    shapes: &[
        &[Sign::Has("Generated"), Sign::Has("Target.ScanId"), Sign::List("Vulnerabilities")],
        &[Sign::Has("Generated"), Sign::Has("Target.Url"), Sign::List("Vulnerabilities")],
        &[Sign::Has("/ScanGroup"), Sign::Contains("<StartURL>")],
        &[Sign::Has("/ScanGroup"), Sign::Contains("<ReportItem")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Acunetix");
    if text.trim_start().starts_with('<') {
        from_xml(&mut builder, text)?;
    } else {
        let file: File<'_> = json::read(text)?;
        builder.head().target = file.target.url.some_line();
        builder.head().reported_at = file.target.initiated.time().or_else(|| file.generated.time());
        builder.each(file.vulnerabilities, "/Vulnerabilities", add);
    }
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Vulnerable<'_>, place: Box<str>) {
    let asset = builder.asset_of_url(&entry.url);
    let request = &entry.http_request;
    let parameter = request.parameters.iter().find_map(|parameter| parameter.name.some_line());
    let seen = entry.extra_information.iter().filter(|extra| !extra.value.is_empty());
    let seen: Vec<String> = seen.map(|extra| format!("{}: {}", extra.name.line(), extra.value.text())).collect();
    let finding = Finding {
        asset,
        description: text::some(text::text(&seen.join("\n"))),
        location: Location {
            url: entry.url.some_line(),
            method: request.method.some_line(),
            parameter,
            ..Location::default()
        },
        fingerprint: entry.lookup_id.some_line(),
        analysis: analysis(&entry.state),
        found_at: entry.first_seen_date.time(),
        place: Some(place),
        facts: facts([
            ("request", words::request(&request.content)),
            ("proof", entry.proof_of_concept.some_text().map(|proof| html::to_text(&proof))),
            ("certainty", entry.certainty.some_line()),
            ("confirmed", entry.confirmed.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(entry), finding);
}

fn vulnerability(entry: &Vulnerable<'_>) -> Vulnerability {
    let class = &entry.classification;
    let mut ratings = Ratings::default();
    for cvss in [&class.cvss31, &class.cvss] {
        ratings.add(&base_vector(&cvss.vector), cvss.base_score.value.0);
    }
    let links = [&entry.external_references, &entry.remedy_references].into_iter().flat_map(|links| html::links(links));
    let mut vulnerability = Vulnerability {
        key: words::key(&[], "Acunetix", entry.kind.or(&entry.name)),
        title: entry.name.title(),
        description: described(&[&entry.description, &entry.impact]),
        remediation: text::some(described(&[&entry.remedial_procedure, &entry.remedial_actions])),
        severity: severity(&entry.severity, &ratings),
        cwes: words::each_once(class.cwe.split(',').filter_map(words::cwe)),
        references: words::each_once(links),
        ..Vulnerability::default()
    };
    ratings.fill(&mut vulnerability);
    vulnerability
}

/// A vector without its temporal metrics, which age.
fn base_vector(vector: &str) -> String {
    let is_temporal = |part: &&str| ["E:", "RL:", "RC:"].iter().any(|metric| part.starts_with(metric));
    vector.split('/').filter(|part| !is_temporal(part)).collect::<Vec<_>>().join("/")
}

fn described(parts: &[&str]) -> String {
    let parts = parts.iter().map(|part| html::to_text(part)).filter(|part| !part.is_empty());
    text::text(&words::each_once(parts).join("\n\n"))
}

/// Acunetix 360 also knows best practices, which are no faults.
fn severity(word: &str, ratings: &Ratings) -> Severity {
    let is_practice = word.replace(' ', "").eq_ignore_ascii_case("bestpractice");
    if is_practice { Severity::None } else { ratings.severity(word) }
}

/// The state is a list of words: whether the fault is there, and what people said of it.
fn analysis(state: &Text<'_>) -> Option<Analysis> {
    let known = [
        ("FalsePositive", AnalysisState::FalsePositive),
        ("AcceptedRisk", AnalysisState::RiskAccepted),
        ("Fixed", AnalysisState::Resolved),
    ];
    let (_, state) = known.into_iter().find(|(word, _)| state.split(", ").any(|said| said.starts_with(word)))?;
    Some(Analysis { state, justification: None })
}

fn from_xml(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let mut start = String::new();
    xml::each(text, &["StartURL", "FinishTime", "Aborted", "ReportItem"], |line, element| {
        let said = element.text.trim();
        match element.name {
            "StartURL" => {
                start = text::line(said);
                let head = builder.head();
                head.target = head.target.take().or_else(|| text::some(start.clone()));
            }
            "FinishTime" => builder.head().reported_at = time::of(said),
            "Aborted" => builder.head().failed |= said.eq_ignore_ascii_case("true"),
            _ => add_item(builder, &start, &element, format!("line {line}").into()),
        }
        Ok(())
    })
}

fn add_item(builder: &mut ReportBuilder, start: &str, item: &Element, place: Box<str>) {
    if item.at("Name").is_empty() {
        builder.lose(place, "a report item without a name");
        return;
    }
    let request = item.at("TechnicalDetails/Request");
    let is_false = item.at("IsFalsePositive").eq_ignore_ascii_case("true");
    let is_method = |word: &&str| word.len() <= 10 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let finding = Finding {
        asset: builder.asset_of_url(start),
        description: text::some_text(&html::to_text(item.at("Details"))),
        location: Location {
            file: text::some_line(item.at("AOP_SourceFile")),
            line: item.text_at("AOP_SourceLine").positive(),
            url: text::some_line(&format!("{}{}", words::origin(start), item.at("Affects"))),
            method: request.split(' ').next().filter(is_method).and_then(text::some_line),
            parameter: text::some_line(item.at("Parameter")).filter(|name| name != "<empty>"),
            ..Location::default()
        },
        analysis: is_false.then_some(Analysis { state: AnalysisState::FalsePositive, justification: None }),
        place: Some(place),
        facts: facts([("module", text::some_line(item.at("ModuleName"))), ("request", words::request(request))]),
        ..Finding::default()
    };
    // Of one fault Acunetix has an item for each path and each thing that it saw, such as a cookie.
    let print = format!("{} {}", words::origin(start), item.at("Name"));
    let same = builder::print_of((&print, finding.analysis.is_some()));
    let finding = Finding { fingerprint: text::some_line(&print), ..finding };
    builder.add_once(same, of_item(item), finding);
}

fn of_item(item: &Element) -> Vulnerability {
    let mut ratings = Ratings::default();
    for cvss in ["CVSS4", "CVSS3", "CVSS"] {
        let score = item.text_at(&format!("{cvss}/Score")).number();
        ratings.add(item.at(&format!("{cvss}/Descriptor")), score);
    }
    let ids = words::each_once(item.inside("CVEList", "CVE").flat_map(|cve| words::ids_in(&cve.text)));
    let links = item.inside("References", "Reference").filter_map(|link| text::some_line(link.at("URL")));
    let mut vulnerability = Vulnerability {
        key: words::key(&ids, "Acunetix", item.at("Name")),
        title: text::title(item.at("Name")),
        description: described(&[item.at("Description"), item.at("Impact"), item.at("DetailedInformation")]),
        remediation: text::some(described(&[item.at("Recommendation")])),
        severity: severity(item.at("Severity"), &ratings),
        ids,
        cwes: words::each_once(item.inside("CWEList", "CWE").filter_map(|cwe| words::cwe(&cwe.text))),
        references: words::each_once(links),
        ..Vulnerability::default()
    };
    ratings.fill(&mut vulnerability);
    vulnerability
}
