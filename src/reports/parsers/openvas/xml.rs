//! The results as XML.

use crate::reports::error::ParseError;
use crate::reports::parsers::openvas::{Results, TestResult};
use crate::reports::read::text::Text;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};

/// Reads the results of all reports in the document.
///
/// # Errors
/// See [`xml::each`].
pub fn read(results: &mut Results, text: &str) -> Result<(), ParseError> {
    xml::each(text, &["result", "scan_start", "target"], |line, element| {
        match element.name {
            "result" => results.add(&result(&element), format!("line {line}")),
            "target" => {
                let head = results.builder.head();
                head.target = head.target.take().or_else(|| element.text_at("name").some_line());
            }
            _ => {
                let head = results.builder.head();
                head.reported_at = head.reported_at.or_else(|| element.own_text().time());
            }
        }
        Ok(())
    })
}

fn result<'a>(element: &Element<'a>) -> TestResult<'a> {
    let empty = Element::default();
    let nvt = element.child("nvt").unwrap_or(&empty);
    let tag = |name: &str| tag(nvt.at("tags"), name);
    let given = nvt.text_at("solution");
    TestResult {
        oid: nvt.text_of("oid"),
        name: element.text_at("name").or(&nvt.text_at("name")).clone(),
        address: element.text_at("host"),
        hostname: element.text_at("host/hostname"),
        port: element.text_at("port"),
        threat: element.text_at("threat"),
        score: element.text_at("severity").number(),
        vector: vector(nvt),
        epss: nvt.text_at("epss/max_severity/score").number(),
        summary: tag("summary"),
        insight: tag("insight"),
        impact: tag("impact"),
        solution: given.or(&tag("solution")).clone(),
        affected: tag("affected"),
        output: element.text_at("description"),
        ids: references(nvt, true),
        links: references(nvt, false),
        quality: element.text_at("qod/value"),
        family: nvt.text_at("family"),
    }
}

/// The text of one of the test's tags: `summary=…|insight=…`.
fn tag(tags: &str, name: &str) -> Text<'static> {
    let mut tags = tags.split('|').filter_map(|tag| tag.split_once('='));
    Text::from(tags.find(|(key, _)| key.trim() == name).map_or("", |(_, text)| text.trim()).to_owned())
}

/// The CVSS vector: a tag in older reports, an element in newer ones.
fn vector<'a>(nvt: &Element<'a>) -> Text<'a> {
    let given = nvt.inside("severities", "severity").map(|severity| severity.text_at("value"));
    given.into_iter().find(|vector| vector.contains("AV:")).unwrap_or_else(|| tag(nvt.at("tags"), "cvss_base_vector"))
}

/// The CVEs of a test, or its other references. Older reports list CVEs in an element of their own.
fn references(nvt: &Element, is_cve: bool) -> Vec<String> {
    let listed = nvt.inside("refs", "ref").filter(|one| one.attribute("type").eq_ignore_ascii_case("cve") == is_cve);
    let mut listed: Vec<String> = listed.map(|one| one.attribute("id").to_owned()).collect();
    if is_cve {
        listed.extend(words::ids_in(nvt.at("cve")));
    }
    listed
}
