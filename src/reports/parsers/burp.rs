//! Burp Suite's XML of issues. A kind of issue on a host is a finding that lists its URLs, as other tools of its kind
//! report; requests and responses are left out, as they hold cookies and other secrets of whoever scanned.

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::text;
use crate::reports::read::xml::{self, Element};
use crate::reports::read::{html, time, words};
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// Burp Suite.
pub const PARSER: Parser = Parser {
    name: "burp",
    title: "Burp Suite XML",
    tool: "Burp Suite",
    content_types: &["application/xml"],
    defectdojo_names: &["Burp Scan"],
    example: r#"<issues burpVersion="2026.1"><issue><serialNumber>1</serialNumber><type>1049088</type><name>SQL injection</name>
  <host ip="10.0.0.1">https://shop.example.com</host><path>/login</path><location>/login [user parameter]</location>
  <severity>High</severity><confidence>Firm</confidence></issue></issues>"#,
    shapes: &[&[Sign::Has("/issues"), Sign::Has("/issues@burpVersion")]],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Burp Suite");
    let root = xml::root(text).filter(|root| root.name == "issues");
    let root = root.ok_or_else(|| ParseError::unfit("line 1", "the document is no list of issues"))?;
    builder.head().tool_version = text::some_line(root.attribute("burpVersion"));
    builder.head().reported_at = time::of(root.attribute("exportTime"));
    xml::each(text, &["issue"], |line, issue| {
        let place = format!("line {line}");
        if issue.at("name").is_empty() {
            builder.lose(place, "an issue without a name");
        } else {
            add(&mut builder, &issue, place.into());
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, issue: &Element, place: Box<str>) {
    let host = issue.at("host");
    let request = issue.child("requestresponse").and_then(|exchange| exchange.child("request"));
    let location = Location {
        url: text::some_line(&format!("{host}{}", issue.at("path"))),
        method: request.and_then(|request| text::some_line(request.attribute("method"))),
        parameter: parameter(issue.at("location")),
        ..Location::default()
    };
    let finding = Finding {
        asset: builder.asset_of_url(host),
        location,
        description: detail(issue),
        analysis: analysis(issue.at("severity")),
        place: Some(place),
        facts: builder::facts([
            ("confidence", text::some_line(issue.at("confidence"))),
            ("ip_address", issue.child("host").and_then(|host| text::some_line(host.attribute("ip")))),
            ("remediation", text::some_text(&html::to_text(issue.at("remediationDetail")))),
        ]),
        ..Finding::default()
    };
    let vulnerability = vulnerability(issue);
    let print = format!("{host} {}", vulnerability.key);
    let same = builder::print_of((&print, finding.analysis.is_some()));
    let finding = Finding { fingerprint: text::some_line(&print), ..finding };
    builder.add_once(same, vulnerability, finding);
}

fn vulnerability(issue: &Element) -> Vulnerability {
    let links = ["references", "vulnerabilityClassifications"].map(|name| html::links(issue.at(name)));
    Vulnerability {
        key: words::key(&[], "Burp", if issue.at("type").is_empty() { issue.at("name") } else { issue.at("type") }),
        title: text::title(issue.at("name")),
        description: text::text(&html::to_text(issue.at("issueBackground"))),
        remediation: text::some_text(&html::to_text(issue.at("remediationBackground"))),
        severity: severity(issue.at("severity")),
        cwes: words::cwes(issue.at("vulnerabilityClassifications")),
        references: words::each_once(links.into_iter().flatten()),
        ..Vulnerability::default()
    }
}

/// What was seen here: the detail, and the items that newer versions list apart from it.
fn detail(issue: &Element) -> Option<String> {
    let items = issue.child("issueDetailItems");
    let items = items.into_iter().flat_map(|items| items.all("issueDetailItem"));
    let items = items.map(|item| html::to_text(&item.text)).filter(|item| !item.is_empty());
    let mut parts = vec![html::to_text(issue.at("issueDetail"))];
    parts.extend(items.map(|item| format!("- {item}")));
    text::some_text(parts.join("\n").trim_start())
}

/// The parameter in a location like `/login [user parameter]`.
fn parameter(location: &str) -> Option<String> {
    let (_, inside) = location.strip_suffix(']')?.rsplit_once(" [")?;
    text::some_line(inside.strip_suffix(" parameter").unwrap_or(inside))
}

/// Burp has three severities, the word for none, and "False positive", which people set where they would set one.
fn severity(word: &str) -> Severity {
    words::severity_or_unknown(word)
}

fn analysis(word: &str) -> Option<Analysis> {
    let is_false = word.eq_ignore_ascii_case("False positive");
    is_false.then_some(Analysis { state: AnalysisState::FalsePositive, justification: None })
}
