//! The report as XML: detections by host; what they mean stands in a glossary behind, which is read first.

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parsers::qualys::{TOOL, analysis, rate, severity};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::html;
use crate::reports::read::text;
use crate::reports::read::time;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{AssetKind, Finding, Location, Vulnerability};

/// Reads the hosts and the glossary.
///
/// # Errors
/// See [`xml::each`].
pub fn read(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let mut glossary = Glossary::new();
    xml::each(text, &["VULN_DETAILS"], |_, element| {
        glossary.insert(element.attribute("id").to_owned(), meaning(&element));
        Ok(())
    })?;
    xml::each(text, &["GENERATION_DATETIME", "HOST"], |line, element| {
        match element.name {
            "HOST" => host(builder, &element, line, &glossary),
            _ => builder.head().reported_at = time::of(&element.text),
        }
        Ok(())
    })
}

/// What the ids of Qualys mean.
type Glossary = HashMap<String, Vulnerability>;

fn host(builder: &mut ReportBuilder, host: &Element, line: u64, glossary: &Glossary) {
    let (name, address) = (host.at("DNS"), host.at("IP"));
    let asset = builder.asset(AssetKind::Host, if name.is_empty() { address } else { name });
    let system = text::some_line(host.at("OPERATING_SYSTEM"));
    for entry in host.inside("VULN_INFO_LIST", "VULN_INFO") {
        let finding = Finding {
            asset,
            location: Location { port: port(entry), ..Location::default() },
            analysis: analysis(entry.at("VULN_STATUS")),
            found_at: time::of(entry.at("FIRST_FOUND")),
            place: Some(format!("line {line}").into()),
            facts: builder::facts([
                ("address", text::some_line(address).filter(|_| !name.is_empty())),
                ("operating_system", system.clone()),
                ("kind", text::some_line(entry.at("TYPE"))),
            ]),
            ..Finding::default()
        };
        add(builder, entry, finding, glossary);
    }
}

fn port(entry: &Element) -> Option<String> {
    let port = text::some_line(entry.at("PORT"))?;
    Some(text::some_line(entry.at("PROTOCOL")).map_or_else(|| port.clone(), |protocol| format!("{port}/{protocol}")))
}

/// The score that Qualys computes for this host.
fn scored<'e>(entry: &'e Element) -> &'e str {
    let known = ["CVSS3_FINAL", "CVSS_FINAL"].map(|name| entry.at(name));
    known.into_iter().find(|score| !score.is_empty() && *score != "-").unwrap_or_default()
}

/// A glossary entry as a vulnerability.
fn meaning(entry: &Element) -> Vulnerability {
    let mut ratings = Ratings::default();
    for path in ["CVSS3_SCORE/CVSS3_BASE", "CVSS_SCORE/CVSS_BASE"] {
        rate(&mut ratings, entry.at(path));
    }
    let cves = || entry.inside("CVE_ID_LIST", "CVE_ID");
    let parts = ["THREAT", "IMPACT"].map(|name| html::to_text(entry.at(name)));
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    ratings.rate(Vulnerability {
        title: text::title(entry.at("TITLE")),
        description: text::text(&parts.join("\n\n")),
        remediation: text::some_text(&html::to_text(entry.at("SOLUTION"))),
        severity: severity(entry.at("SEVERITY")),
        ids: words::each_once(cves().filter_map(|cve| text::some_line(cve.at("ID")))),
        references: words::each_once(cves().filter_map(|cve| text::some_line(cve.at("URL")))),
        ..Vulnerability::default()
    })
}

/// The score on this host tells more than the level that a vulnerability has everywhere.
fn add(builder: &mut ReportBuilder, entry: &Element, mut finding: Finding, glossary: &Glossary) {
    let qid = entry.child("QID").map_or("", |qid| qid.attribute("id"));
    let Some(meaning) = glossary.get(qid) else {
        builder.lose(finding.place.unwrap_or_default(), &format!("{qid:?} is not in the glossary"));
        return;
    };
    let mut ratings = Ratings::default();
    rate(&mut ratings, scored(entry));
    let on_host = ratings.score().filter(|score| *score > 0.0).map(Severity::from_score);
    let everywhere = meaning.cvss_score.filter(|score| *score > 0.0).map(Severity::from_score);
    let number = qid.trim_start_matches("qid_");
    finding.vulnerability = builder.vulnerability(&format!("{TOOL}:{number}"), || meaning.clone());
    let severity = on_host.or(everywhere).unwrap_or(meaning.severity);
    builder.add_differing(finding, severity, &meaning.title, &html::to_text(entry.at("RESULT")));
}
