//! The finding of DefectDojo's generic formats, JSON and CSV alike.

use serde::Deserialize;

use crate::base::time::UtcTime;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::List;
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Vulnerability};

/// A finding, by DefectDojo's names. Unknown fields are skipped, as there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GenericFinding<'a> {
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub mitigation: Text<'a>,
    #[serde(borrow)]
    pub impact: Text<'a>,
    #[serde(borrow)]
    pub references: List<Text<'a>>,
    #[serde(borrow)]
    pub date: Text<'a>,
    #[serde(borrow)]
    pub cve: Text<'a>,
    #[serde(borrow)]
    pub vulnerability_ids: List<Text<'a>>,
    #[serde(borrow)]
    pub cwe: Text<'a>,
    #[serde(borrow)]
    pub cwes: List<Text<'a>>,
    #[serde(borrow)]
    pub cvssv3: Text<'a>,
    pub cvssv3_score: Number,
    #[serde(borrow)]
    pub cvssv4: Text<'a>,
    pub cvssv4_score: Number,
    pub epss_score: Number,
    #[serde(borrow)]
    pub known_exploited: Text<'a>,
    #[serde(borrow)]
    pub file_path: Text<'a>,
    pub line: Number,
    #[serde(borrow)]
    pub component_name: Text<'a>,
    #[serde(borrow)]
    pub component_version: Text<'a>,
    #[serde(borrow)]
    pub endpoints: List<Endpoint<'a>>,
    #[serde(borrow)]
    pub param: Text<'a>,
    #[serde(borrow)]
    pub service: Text<'a>,
    #[serde(borrow)]
    pub fix_version: Text<'a>,
    #[serde(borrow)]
    pub unique_id_from_tool: Text<'a>,
    #[serde(borrow)]
    pub vuln_id_from_tool: Text<'a>,
    #[serde(borrow)]
    pub steps_to_reproduce: Text<'a>,
    #[serde(borrow)]
    pub severity_justification: Text<'a>,
    #[serde(borrow)]
    pub verified: Text<'a>,
    #[serde(borrow)]
    pub false_p: Text<'a>,
    #[serde(borrow)]
    pub risk_accepted: Text<'a>,
    #[serde(borrow)]
    pub out_of_scope: Text<'a>,
    #[serde(borrow)]
    pub under_review: Text<'a>,
    #[serde(borrow)]
    pub is_mitigated: Text<'a>,
}

/// An endpoint: a URL or host as text, or its parts.
#[derive(Debug, Default)]
pub struct Endpoint<'a> {
    pub protocol: Text<'a>,
    pub host: Text<'a>,
    pub port: Text<'a>,
    pub path: Text<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Endpoint<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
        struct EndpointVisitor;
        impl<'de> Visitor<'de> for EndpointVisitor {
            type Value = Endpoint<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an endpoint")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Endpoint { host: Text::from(text), ..Endpoint::default() })
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Endpoint { host: Text::from(text.to_owned()), ..Endpoint::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut endpoint = Endpoint::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    match key.as_str() {
                        "protocol" => endpoint.protocol = map.next_value()?,
                        "host" => endpoint.host = map.next_value()?,
                        "port" => endpoint.port = map.next_value()?,
                        "path" => endpoint.path = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(endpoint)
            }
        }
        deserializer.deserialize_any(EndpointVisitor)
    }
}

impl Endpoint<'_> {
    /// As a URL, or as host and port where no protocol is given.
    fn url(&self) -> String {
        let mut url = self.host.line();
        if let Some(protocol) = self.protocol.some_line() {
            url = format!("{protocol}://{url}");
        }
        if let Some(port) = self.port.some_line() {
            url = format!("{url}:{port}");
        }
        if let Some(path) = self.path.some_line() {
            url = format!("{url}/{}", path.trim_start_matches('/'));
        }
        url
    }
}

fn is_set(flag: &Text<'_>) -> bool {
    matches!(flag.trim().to_ascii_lowercase().as_str(), "true" | "yes" | "1")
}

/// Adds a finding of `tool` to a report.
pub fn add(builder: &mut ReportBuilder, tool: &str, entry: &GenericFinding<'_>, place: Box<str>) {
    if entry.title.is_empty() {
        builder.lose(place, "no title");
        return;
    }
    let mut ratings = Ratings::default();
    ratings.add(&entry.cvssv4, entry.cvssv4_score.0);
    ratings.add(&entry.cvssv3, entry.cvssv3_score.0);
    let severity = ratings.severity(&entry.severity);
    let named = entry.vulnerability_ids.iter().filter_map(Text::some_line);
    let ids = words::each_once(cves(&entry.cve).into_iter().chain(named));
    let own_key = || format!("{tool}:{}", entry.vuln_id_from_tool.or(&entry.title).title());
    let key = words::best_id(&ids).cloned().unwrap_or_else(own_key);
    let vulnerability = builder.vulnerability(&key, || {
        let mut vulnerability = Vulnerability {
            title: entry.title.title(),
            description: described(entry),
            remediation: entry.mitigation.some_text(),
            severity,
            ids: ids.clone(),
            cwes: words::each_once([&entry.cwe].into_iter().chain(entry.cwes.iter()).filter_map(|cwe| words::cwe(cwe))),
            epss: entry.epss_score.probability(),
            known_exploited: is_set(&entry.known_exploited),
            references: words::each_once(entry.references.iter().flat_map(|text| words::links(text))),
            ..Vulnerability::default()
        };
        ratings.fill(&mut vulnerability);
        vulnerability
    });
    builder.add_ids(vulnerability, &ids);
    let urls: Vec<String> = entry.endpoints.iter().map(Endpoint::url).filter(|url| !url.is_empty()).collect();
    let asset = match urls.first() {
        Some(url) if entry.service.is_empty() => builder.asset_of_url(url),
        _ => builder.asset(AssetKind::Application, &entry.service),
    };
    let finding = Finding {
        vulnerability,
        asset,
        component: builder.component(&entry.component_name, &entry.component_version, ""),
        location: Location {
            file: entry.file_path.some_line(),
            line: entry.line.positive(),
            url: urls.first().cloned(),
            parameter: entry.param.some_line(),
            ..Location::default()
        },
        fingerprint: entry.unique_id_from_tool.some_line(),
        analysis: analysis(entry),
        fixed_version: entry.fix_version.some_line(),
        found_at: day(&entry.date),
        place: Some(place),
        facts: facts(entry, &urls),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &entry.title, &described(entry));
}

/// The field holds one id; people write several into it.
fn cves(field: &Text<'_>) -> Vec<String> {
    let parts: Vec<&str> = field.split([',', ';', ' ', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > 1 && parts.iter().all(|part| words::is_vulnerability_id(part)) {
        return parts.into_iter().map(text::line).collect();
    }
    field.some_line().into_iter().collect()
}

/// Description and impact, and how it was found.
fn described(entry: &GenericFinding<'_>) -> String {
    let parts =
        [("", &entry.description), ("Impact: ", &entry.impact), ("Steps to reproduce: ", &entry.steps_to_reproduce)];
    let parts =
        parts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(label, text)| format!("{label}{}", text.text()));
    text::text(&parts.collect::<Vec<_>>().join("\n\n"))
}

/// A day, as `2026-01-31` or in the two orders with slashes: day first, unless that is no day.
pub fn day(text: &str) -> Option<UtcTime> {
    let text = text.trim();
    UtcTime::parse(text).or_else(|| {
        let mut parts = text.splitn(3, ['/', '.']).map(str::trim);
        let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
        let (day, month) =
            if second.parse::<u32>().is_ok_and(|second| second > 12) { (second, first) } else { (first, second) };
        UtcTime::parse(&format!("{year}-{month:0>2}-{day:0>2}"))
    })
}

fn analysis(entry: &GenericFinding<'_>) -> Option<Analysis> {
    let states = [
        (&entry.false_p, AnalysisState::FalsePositive),
        (&entry.risk_accepted, AnalysisState::RiskAccepted),
        (&entry.out_of_scope, AnalysisState::NotAffected),
        (&entry.is_mitigated, AnalysisState::Resolved),
        (&entry.under_review, AnalysisState::InReview),
    ];
    let (_, state) = states.into_iter().find(|(flag, _)| is_set(flag))?;
    Some(Analysis { state, justification: None })
}

fn facts(entry: &GenericFinding<'_>, urls: &[String]) -> Vec<(&'static str, String)> {
    let known = [
        ("severity_justification", entry.severity_justification.some_line()),
        ("verified", is_set(&entry.verified).then(|| "true".to_owned())),
    ];
    let mut facts = builder::facts(known);
    facts.extend(urls.iter().skip(1).take(words::LIST_LIMIT).map(|url| ("url", url.clone())));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_days_in_the_orders_that_people_write() {
        for (text, expected) in [
            ("28/02/2021", Some("2021-02-28")),
            ("01/30/2018", Some("2018-01-30")),
            ("1.2.2024", Some("2024-02-01")),
            ("2024-01-24T11:02:11Z", Some("2024-01-24T11:02:11Z")),
            ("soon", None),
        ] {
            assert_eq!(day(text), expected.and_then(UtcTime::parse), "{text}");
        }
    }
}
