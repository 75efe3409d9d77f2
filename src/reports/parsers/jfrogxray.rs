//! JFrog Xray's older export of security issues: an entry for each issue of a component.

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::jfrog_xray_unified::component_id;
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Report, Vulnerability};

/// JFrog Xray.
pub const PARSER: Parser = Parser {
    name: "jfrogxray",
    title: "JFrog Xray security export (JSON)",
    tool: "JFrog Xray",
    content_types: &["application/json"],
    defectdojo_names: &["JFrog Xray Scan"],
    example: r#"{"total_count": 1, "data": [{"id": "", "severity": "High", "summary": "Out of bounds", "issue_type": "security",
  "component": "zlib", "source_comp_id": "deb://debian:trixie:zlib:1.2", "component_versions": {"fixed_versions": ["1.3"],
   "more_details": {"cves": [{"cve": "CVE-2026-10001", "cvss_v3": "9.8/CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}}}]}"#,
    shapes: &[
        &[Sign::Has("data[].component_versions"), Sign::Has("data[].source_comp_id")],
        &[Sign::Has("total_count"), Sign::Has("data[].issue_type"), Sign::Has("data[].component")],
    ],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    data: Entries<'a, Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow)]
    summary: Text<'a>,
    #[serde(borrow, default)]
    issue_type: Text<'a>,
    #[serde(borrow, default)]
    provider: Text<'a>,
    #[serde(borrow, default)]
    component: Text<'a>,
    #[serde(borrow, default)]
    source_comp_id: Text<'a>,
    #[serde(borrow, default)]
    component_versions: Object<Versions<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Versions<'a> {
    #[serde(borrow)]
    vulnerable_versions: List<Text<'a>>,
    #[serde(borrow)]
    fixed_versions: List<Text<'a>>,
    #[serde(borrow)]
    more_details: Object<Details<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details<'a> {
    #[serde(borrow)]
    cves: List<Object<Cve<'a>>>,
    #[serde(borrow)]
    description: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cve<'a> {
    #[serde(borrow)]
    cve: Text<'a>,
    #[serde(borrow)]
    cwe: List<Text<'a>>,
    #[serde(borrow)]
    cvss_v2: Text<'a>,
    #[serde(borrow)]
    cvss_v3: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("JFrog Xray");
    builder.each(file.data, "/data", add);
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Entry<'_>, place: Box<str>) {
    let versions = &entry.component_versions;
    let (_, name, version) = component_id(&entry.source_comp_id);
    let name = if name.is_empty() { &entry.component } else { name };
    let finding = Finding {
        component: builder.component(name, version, ""),
        fixed_version: text::joined(versions.fixed_versions.iter(), ", "),
        place: Some(place),
        facts: builder::facts([
            ("issue_type", entry.issue_type.some_line()),
            ("provider", entry.provider.some_line()),
            ("vulnerable_versions", text::joined(versions.vulnerable_versions.iter(), ", ")),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(entry), finding);
}

fn vulnerability(entry: &Entry<'_>) -> Vulnerability {
    let details = &entry.component_versions.more_details;
    let ids = words::each_once(details.cves.iter().filter_map(|cve| cve.cve.some_line()));
    let cwes = details.cves.iter().flat_map(|cve| cve.cwe.iter());
    let mut ratings = Ratings::default();
    for rating in details.cves.iter().flat_map(|cve| [&cve.cvss_v3, &cve.cvss_v2]) {
        // `7.5/CVSS:3.0/AV:N/…`: the score, then the vector.
        let (score, vector) = rating.split_once('/').unwrap_or((rating, ""));
        ratings.add(vector, Text::from(score).number());
    }
    let severity = ratings.severity(&entry.severity);
    ratings.rate(Vulnerability {
        key: words::key(&ids, "Xray", entry.id.or(&entry.summary)),
        title: entry.summary.title(),
        description: details.description.or(&entry.summary).text(),
        severity,
        cwes: words::each_once(cwes.filter_map(|cwe| words::cwe(cwe))),
        ids,
        ..Vulnerability::default()
    })
}
