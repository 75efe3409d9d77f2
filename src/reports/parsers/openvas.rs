//! OpenVAS (Greenbone): a report's results as XML and as CSV.

mod table;
mod xml;

use std::collections::HashSet;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};

/// OpenVAS.
pub const PARSER: Parser = Parser {
    name: "openvas",
    title: "OpenVAS (Greenbone) report, XML and CSV",
    tool: "OpenVAS",
    content_types: &["application/xml", "text/csv"],
    defectdojo_names: &["OpenVAS Parser", "OpenVAS Parser v2"],
    example: r#"<report id="1" format_id="a994b278"><report><results><result id="2"><name>TCP timestamps</name><host>192.0.2.1</host>
  <port>general/tcp</port><nvt oid="1.3.6.1.4.1.25623.1.0.80091"/><threat>Low</threat><severity>2.6</severity></result></results></report></report>"#,
    shapes: &[
        &[Sign::Has("/report@format_id"), Sign::Contains("<report")],
        &[Sign::Has("/report"), Sign::Contains("<nvt oid=")],
        &[Sign::Has("/get_reports_response")],
        &[Sign::Has("/get_results_response")],
        &[Sign::Column("nvt name"), Sign::Column("nvt oid"), Sign::Column("ip")],
    ],
    parse,
};

const TOOL: &str = "OpenVAS";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut results = Results { builder: ReportBuilder::new(TOOL), places: HashSet::new() };
    if text.trim_start().starts_with('<') {
        xml::read(&mut results, text)?
    } else {
        table::read(&mut results, text)?
    }
    Ok(vec![results.builder.finish()])
}

/// The results so far. A test says the same of a host and port again for every name that the host has.
struct Results {
    builder: ReportBuilder,
    places: HashSet<[String; 4]>,
}

/// A result, in either syntax.
#[derive(Default)]
struct TestResult<'a> {
    oid: Text<'a>,
    name: Text<'a>,
    address: Text<'a>,
    hostname: Text<'a>,
    /// `443/tcp`; of a whole host `general/tcp` or nothing.
    port: Text<'a>,
    threat: Text<'a>,
    score: Option<f64>,
    vector: Text<'a>,
    epss: Option<f64>,
    summary: Text<'a>,
    insight: Text<'a>,
    impact: Text<'a>,
    solution: Text<'a>,
    affected: Text<'a>,
    /// What was found here.
    output: Text<'a>,
    ids: Vec<String>,
    links: Vec<String>,
    quality: Text<'a>,
    family: Text<'a>,
}

impl Results {
    fn add(&mut self, result: &TestResult<'_>, place: String) {
        let name = result.name.or(&result.oid);
        let host = result.hostname.or(&result.address);
        if name.is_empty() || host.is_empty() {
            self.builder.lose(place, "a result without name or host");
            return;
        }
        let key = [&result.address, &result.port, &result.oid, &result.name].map(|part| part.to_string());
        if !self.places.insert(key) {
            return;
        }
        let builder = &mut self.builder;
        let finding = Finding {
            vulnerability: vulnerability(builder, result),
            asset: builder.asset(AssetKind::Host, host),
            location: Location {
                port: result.port.some_line().filter(|port| !port.starts_with("general")),
                ..Location::default()
            },
            analysis: analysis(&result.threat),
            place: Some(place.into()),
            facts: builder::facts([
                ("address", result.address.some_line().filter(|_| !result.hostname.is_empty())),
                ("quality_of_detection", result.quality.some_line()),
                ("family", result.family.some_line()),
            ]),
            ..Finding::default()
        };
        let severity = ratings(result).severity(threat(&result.threat));
        builder.add_differing(finding, severity, name, &result.output);
    }
}

/// OpenVAS's own words: `Log` and `Debug` report what was seen. One that is blank leaves it to the score.
fn threat<'t>(word: &'t Text<'_>) -> &'t str {
    match word.trim().to_ascii_lowercase().as_str() {
        "log" | "debug" | "false positive" => "none",
        "alarm" => "high",
        _ => word,
    }
}

fn analysis(threat: &Text<'_>) -> Option<Analysis> {
    let is_false = threat.trim().eq_ignore_ascii_case("false positive");
    is_false.then_some(Analysis { state: AnalysisState::FalsePositive, justification: None })
}

fn ratings(result: &TestResult<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    // Results about false positives have a score of -1.
    ratings.add("", result.score.filter(|score| *score > 0.0));
    ratings.add(&result.vector, None);
    ratings
}

/// A test may be about many CVEs; its own number says best which it is, unless it is a CVE itself.
fn vulnerability(builder: &mut ReportBuilder, result: &TestResult<'_>) -> usize {
    let own = result.oid.or(&result.name);
    let ids = words::each_once(result.ids.iter().cloned().chain(words::ids_in(&result.oid)));
    let key = match ids.as_slice() {
        [id] if own.contains(id.as_str()) => id.clone(),
        _ => format!("{TOOL}:{}", own.line()),
    };
    builder.vulnerability(&key, || {
        let parts = [&result.summary, &result.insight, &result.impact, &result.affected];
        let parts = words::each_once(parts.into_iter().filter_map(Text::some_text));
        ratings(result).rate(Vulnerability {
            title: result.name.or(&result.oid).title(),
            description: text::text(&parts.join("\n\n")),
            remediation: result.solution.some_text(),
            severity: ratings(result).severity(threat(&result.threat)),
            epss: result.epss.filter(|epss| (0.0..=1.0).contains(epss)),
            references: words::each_once(result.links.iter().flat_map(|link| words::links(link))),
            ids: ids.clone(),
            ..Vulnerability::default()
        })
    })
}
