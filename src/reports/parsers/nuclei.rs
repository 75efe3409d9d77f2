//! Nuclei's JSON: a document a line, or a list.
//!
//! A template that matches at several places of a host is one finding; the further places are its facts. Requests, the
//! `curl` commands that repeat them and responses are left out: they carry the session of whoever scanned.

mod schema;

use std::collections::HashMap;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};
use schema::{Info, Match};

/// Nuclei.
pub const PARSER: Parser = Parser {
    name: "nuclei",
    title: "Nuclei JSON",
    tool: "Nuclei",
    content_types: &["application/x-ndjson", "application/json"],
    defectdojo_names: &["Nuclei Scan"],
    example: r#"{"template-id": "git-config", "info": {"name": "Git configuration exposed", "severity": "medium"}, "type": "http",
  "host": "shop.example.com", "matched-at": "https://shop.example.com/.git/config", "timestamp": "2026-01-31T08:00:00Z"}"#,
    shapes: &[
        &[Sign::Has("template-id"), Sign::Has("info.severity")],
        &[Sign::Has("templateID"), Sign::Has("info.severity")],
        &[Sign::Has("[].template-id"), Sign::Has("[].info.severity")],
        &[Sign::Has("[].templateID"), Sign::Has("[].info.severity")],
    ],
    parse,
};

/// The findings by template, type, matcher and host, with their place in the list.
type Known = HashMap<[String; 4], usize>;

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Nuclei");
    let mut known = Known::new();
    builder.each_in(text, |builder, entry, place| add(builder, &mut known, entry, place))?;
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, known: &mut Known, entry: &Match<'_>, place: Box<str>) {
    // Asked to, Nuclei also writes what did not match.
    if entry.matcher_status.as_str() == "false" {
        return;
    }
    let at = entry.matched_at.or(&entry.url).or(&entry.host).line();
    let identity = [entry.template_id.line(), entry.kind.line(), entry.matcher_name.line(), hostname(&at).to_owned()];
    if let Some(finding) = known.get(&identity) {
        builder.add_fact(*finding, "instance", &at);
        return;
    }
    let fingerprint = text::some_line(&identity.join(" "));
    known.insert(identity, builder.head().findings.len());
    let finding = Finding {
        asset: builder.asset_of_url(if at.contains("://") { &at } else { hostname(&at) }),
        location: location(entry, &at),
        fingerprint,
        found_at: entry.timestamp.time(),
        place: Some(place),
        facts: facts(entry),
        ..Finding::default()
    };
    builder.add_of(vulnerability(entry), finding);
}

/// The host alone, without port.
fn hostname(at: &str) -> &str {
    let rest = at.split_once("://").map_or(at, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // An address of IPv6 without brackets has no port.
    if is_bare_ipv6(host) { host } else { host.rsplit_once(':').map_or(host, |(name, _)| name) }
}

fn is_bare_ipv6(host: &str) -> bool {
    host.parse::<std::net::Ipv6Addr>().is_ok()
}

/// A URL; or a port, where what was scanned is no web server.
fn location(entry: &Match<'_>, at: &str) -> Location {
    if at.contains("://") {
        let method =
            entry.request.split_whitespace().next().filter(|word| word.chars().all(|c| c.is_ascii_uppercase()));
        return Location { url: text::some_line(at), method: method.map(text::line), ..Location::default() };
    }
    let port = at.rsplit_once(':').filter(|_| !is_bare_ipv6(at)).map(|(_, port)| port);
    let port = port.filter(|port| port.parse::<u16>().is_ok());
    Location { port: port.map(|port| format!("{port}/tcp")), ..Location::default() }
}

fn vulnerability(entry: &Match<'_>) -> Vulnerability {
    let (info, class) = (&entry.info, &entry.info.classification);
    let ids = words::each_once(class.cve_id.iter().filter_map(|id| Some(id.some_line()?.to_uppercase())));
    let mut ratings = Ratings::default();
    ratings.add(&class.cvss_metrics, class.cvss_score.0);
    let severity = ratings.severity(&info.severity);
    ratings.rate(Vulnerability {
        key: words::key(&ids, "Nuclei", &entry.template_id),
        title: info.name.or(&entry.template_id).title(),
        description: described(info),
        remediation: info.remediation.some_text(),
        severity,
        ids,
        cwes: words::each_once(class.cwe_id.iter().flat_map(|cwe| words::cwes(cwe))),
        epss: class.epss_score.probability(),
        known_exploited: tags(info).any(|tag| tag == "kev"),
        references: words::each_once(info.reference.iter().flat_map(|text| words::links(text))),
        ..Vulnerability::default()
    })
}

fn described(info: &Info<'_>) -> String {
    let parts = [info.description.some_text(), info.impact.some_text().map(|impact| format!("Impact: {impact}"))];
    text::text(&parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n"))
}

/// The tags: a list, or one text with commas.
fn tags<'i>(info: &'i Info<'_>) -> impl Iterator<Item = &'i str> {
    info.tags.iter().flat_map(|tags| tags.as_str().split(',')).map(str::trim).filter(|tag| !tag.is_empty())
}

fn facts(entry: &Match<'_>) -> Vec<(&'static str, String)> {
    let extracted: Vec<&str> = entry.extracted_results.iter().map(Text::as_str).collect();
    let tags: Vec<&str> = tags(&entry.info).collect();
    builder::facts([
        ("template", entry.template.or(&entry.template_id).some_line()),
        ("type", entry.kind.some_line()),
        ("matcher", entry.matcher_name.some_line()),
        ("extracted", text::some_text(&extracted.join("\n"))),
        ("ip", entry.ip.some_line()),
        ("tags", text::some_line(&tags.join(", "))),
    ])
}
