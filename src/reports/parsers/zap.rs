//! ZAP's traditional reports, XML and JSON.
//!
//! An alert is one finding of its site; the places where it shows are its facts, since they change with every crawl.
//! Requests and responses, which the longer reports hold, are left out: they carry the session of whoever scanned.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::text::{self, Text};
use crate::reports::read::{html, json, time, words};
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};
use schema::{Alert, File, Instance, Site};

/// ZAP.
pub const PARSER: Parser = Parser {
    name: "zap",
    title: "ZAP XML and JSON",
    tool: "ZAP",
    content_types: &["application/xml", "application/json"],
    defectdojo_names: &["ZAP Scan"],
    example: r#"<OWASPZAPReport version="2.16.1"><site name="https://shop.example.com"><alerts><alertitem>
  <pluginid>10011</pluginid><alert>Cookie Without Secure Flag</alert><riskcode>1</riskcode></alertitem></alerts></site>
</OWASPZAPReport>"#,
    shapes: &[
        &[Sign::Has("/OWASPZAPReport")],
        &[Sign::Has("site[].alerts[].pluginid"), Sign::Has("@version")],
        &[Sign::Has("@programName"), Sign::Has("@generated"), Sign::Has("site")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let is_xml = text.trim_start().starts_with('<');
    let file: File<'_> = if is_xml { schema::read_xml(text)? } else { json::read(text)? };
    let mut builder = ReportBuilder::new("ZAP");
    let head = builder.head();
    head.tool_version = file.version.some_line();
    head.reported_at = time::of(&file.generated);
    if let [site] = &file.sites.0[..] {
        head.target = site.name.some_line();
    }
    for (number, site) in file.sites.0.into_iter().enumerate() {
        let place = if is_xml { format!("site {}/alertitem", number + 1) } else { format!("/site/{number}/alerts") };
        let Site { name, alerts } = site;
        builder.each(alerts, &place, |builder, alert, place| add(builder, &name, alert, place));
    }
    Ok(vec![builder.finish()])
}

/// ZAP's risk codes, in the words of its own reports.
fn severity(code: &str) -> Severity {
    match code.trim() {
        "0" => Severity::None,
        "1" => Severity::Low,
        "2" => Severity::Medium,
        "3" => Severity::High,
        _ => Severity::Unknown,
    }
}

fn add(builder: &mut ReportBuilder, site: &Text<'_>, alert: &Alert<'_>, place: Box<str>) {
    let title = alert.alert.or(&alert.name);
    let id = alert.alert_ref.or(&alert.plugin_id).or(title);
    if id.is_empty() {
        builder.lose(place, "neither plug-in nor name");
        return;
    }
    let severity = severity(&alert.risk_code);
    let description = html::to_text(&alert.desc);
    let vulnerability = builder.vulnerability(&format!("ZAP:{}", id.line()), || Vulnerability {
        title: title.title(),
        description: text::text(&description),
        remediation: text::some(text::text(&html::to_text(&alert.solution))),
        severity,
        cwes: words::cwe(&alert.cwe_id).into_iter().collect(),
        references: words::each_once(words::links(&html::to_text(&alert.reference))),
        ..Vulnerability::default()
    });
    let first = alert.instances.first().unwrap_or(&alert.lone);
    let url = first.uri.or(site).some_line();
    let finding = Finding {
        vulnerability,
        asset: builder.asset_of_url(site.or(&first.uri)),
        location: Location {
            url,
            method: first.method.some_line(),
            parameter: first.param.some_line(),
            ..Location::default()
        },
        fingerprint: text::some(text::line(&format!("{site} {} {title}", id.line()))),
        analysis: analysis(alert),
        place: Some(place),
        facts: facts(alert, first),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, title, &description);
}

/// Confidence 0 is how ZAP keeps what a person marked as false, 4 what one confirmed.
fn analysis(alert: &Alert<'_>) -> Option<Analysis> {
    let state = match alert.confidence.as_str() {
        "0" => AnalysisState::FalsePositive,
        "4" => AnalysisState::Affected,
        _ => return None,
    };
    Some(Analysis { state, justification: None })
}

fn facts(alert: &Alert<'_>, first: &Instance<'_>) -> Vec<(&'static str, String)> {
    let confidence = match alert.confidence.as_str() {
        "1" => Some("Low"),
        "2" => Some("Medium"),
        "3" => Some("High"),
        _ => None,
    };
    let mut facts = builder::facts([
        ("confidence", confidence.map(str::to_owned)),
        ("attack", first.attack.some_line()),
        ("evidence", first.evidence.some_line()),
        ("other_information", text::some(text::text(&html::to_text(alert.other_info.or(&first.other_info))))),
        ("wasc", alert.wasc_id.some_line()),
    ]);
    let others = alert.instances.iter().skip(1).take(words::LIST_LIMIT);
    facts.extend(others.map(|instance| ("instance", described(instance))));
    facts
}

/// An instance on one line: `GET https://shop.example.com/cart (id)`.
fn described(instance: &Instance<'_>) -> String {
    let mut line = format!("{} {}", instance.method.line(), instance.uri.line());
    if let Some(parameter) = instance.param.some_line() {
        line = format!("{line} ({parameter})");
    }
    text::line(&line)
}
