//! Tenable: Nessus and its descendants (Tenable.io, Tenable.sc, Web App Scanning), as `.nessus` XML and as CSV.
//!
//! A plugin's result is a finding on each host. The same plugin may speak of several ports, or twice of one, once for TLS
//! and once for what is inside: that is one finding that says all.

mod csv;
mod xml;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::text::{self, Text};
use crate::reports::read::{time, words};
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};

/// Tenable.
pub const PARSER: Parser = Parser {
    name: "tenable",
    title: "Tenable (Nessus, Tenable.io, Tenable.sc, WAS)",
    tool: "Nessus",
    content_types: &["application/xml", "text/csv"],
    defectdojo_names: &["Tenable Scan"],
    example: r#"<NessusClientData_v2><Report name="office"><ReportHost name="10.0.0.1">
  <ReportItem port="443" protocol="tcp" svc_name="www" severity="3" pluginID="42873" pluginName="SSL medium strength ciphers"/>
</ReportHost></Report></NessusClientData_v2>"#,
    shapes: &[
        &[Sign::Has("/NessusClientData_v2")],
        &[Sign::Column("plugin id"), Sign::Column("risk"), Sign::Column("plugin output")],
        &[Sign::Column("plugin"), Sign::Column("plugin name"), Sign::Column("plugin output")],
        // Which columns are exported is a choice; no plugin's result comes without these.
        &[Sign::Column("plugin id"), Sign::Column("risk"), Sign::Column("host"), Sign::Column("name")],
        &[Sign::Column("plugin id"), Sign::Column("plugin name"), Sign::Column("severity")],
        &[Sign::Column("plugin"), Sign::Column("plugin name"), Sign::Column("severity")],
        &[Sign::Column("definition.id"), Sign::Column("definition.name"), Sign::Column("severity")],
        &[Sign::Column("definition.id"), Sign::Column("definition.name"), Sign::Column("asset.id")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Nessus");
    if text.trim_start().starts_with('<') {
        xml::read(text, &mut builder)?;
    } else {
        csv::read(text, &mut builder)?;
    }
    Ok(vec![builder.finish()])
}

/// A plugin's result on one host and port, as either spelling gives it.
#[derive(Default)]
struct Item<'a> {
    plugin: &'a str,
    name: &'a str,
    /// A word, or the number 0 to 4.
    severity: &'a str,
    ratings: Ratings,
    host: &'a str,
    port: &'a str,
    protocol: &'a str,
    synopsis: &'a str,
    description: &'a str,
    solution: &'a str,
    output: &'a str,
    /// Prose with CVE ids, CWE numbers, cross references and links in it.
    cves: String,
    cwes: String,
    links: String,
    xrefs: String,
    epss: &'a str,
    first_seen: &'a str,
    analysis: Option<Analysis>,
    facts: Vec<(&'static str, String)>,
}

fn add(builder: &mut ReportBuilder, item: Item<'_>, place: String) {
    if item.plugin.is_empty() || item.name.is_empty() {
        builder.lose(place, "no plugin id or name");
        return;
    }
    let port = Some(item.port).filter(|port| !matches!(*port, "" | "0"));
    let location = Location {
        port: port.map(|port| text::line(&format!("{port}/{}", item.protocol.to_ascii_lowercase()))),
        ..Location::default()
    };
    let finding = Finding {
        asset: asset(builder, item.host),
        location,
        description: text::some_text(item.output),
        analysis: item.analysis.clone(),
        found_at: time::of(item.first_seen),
        place: Some(place.into()),
        facts: item.facts.clone(),
        ..Finding::default()
    };
    // A plugin says what is wrong with a host, once for each port where that shows.
    let print = format!("{} {}", item.plugin, item.host);
    let same = builder::print_of((&print, finding.analysis.is_some()));
    let finding = Finding { fingerprint: text::some_line(&print), ..finding };
    builder.add_once(same, vulnerability(item), finding);
}

/// Web App Scanning names a site where the others name a host.
fn asset(builder: &mut ReportBuilder, host: &str) -> Option<usize> {
    if host.contains("://") { builder.asset_of_url(host) } else { builder.asset(AssetKind::Host, host) }
}

/// A plugin for one CVE is that CVE; one for several, or for none, is itself.
fn vulnerability(item: Item<'_>) -> Vulnerability {
    let ids = words::ids_in(&item.cves);
    let key = if let [only] = ids.as_slice() { only.clone() } else { format!("Nessus:{}", text::line(item.plugin)) };
    let parts = [item.synopsis, item.description].map(str::trim);
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let severity = severity(&item);
    item.ratings.rate(Vulnerability {
        key,
        title: text::title(item.name),
        description: text::text(&parts.join("\n\n")),
        remediation: text::some_text(item.solution).filter(|solution| solution != "n/a"),
        severity,
        ids,
        cwes: words::each_once(words::cwes(&item.cwes).into_iter().chain(words::cwes(&item.xrefs))),
        epss: Text::from(item.epss).number().filter(|epss| (0.0..=1.0).contains(epss)),
        known_exploited: item.xrefs.contains("CISA-KNOWN-EXPLOITED"),
        references: words::each_once(words::links(&item.links)),
        ..Vulnerability::default()
    })
}

/// The number is Nessus' own; the word may have been set by the team.
fn severity(item: &Item<'_>) -> Severity {
    let word = match item.severity {
        "0" => "info",
        "1" => "low",
        "2" => "medium",
        "3" => "high",
        "4" => "critical",
        word => word,
    };
    item.ratings.severity(word)
}

/// What the team has decided in Tenable's own console.
fn analysis(state: &str, accepted: &str) -> Option<Analysis> {
    let justification = text::some_text(accepted);
    let state = match state.to_ascii_lowercase().as_str() {
        "accepted" => AnalysisState::RiskAccepted,
        "fixed" => AnalysisState::Resolved,
        _ if justification.is_some() => AnalysisState::RiskAccepted,
        _ => return None,
    };
    Some(Analysis { state, justification })
}

fn facts<const N: usize>(named: [(&'static str, &str); N]) -> Vec<(&'static str, String)> {
    builder::facts(named.map(|(name, value)| (name, text::some_line(value))))
}
