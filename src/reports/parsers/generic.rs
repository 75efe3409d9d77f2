//! The finding of DefectDojo's generic formats, JSON and CSV alike.

mod schema;

use crate::base::time::UtcTime;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Vulnerability};

pub use schema::{Endpoint, GenericFinding};

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
