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
use crate::reports::read::{html, json, time, words, xml};
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
        &[Sign::Has("@programName"), Sign::Has("@generated")],
        &[Sign::Has("@version"), Sign::Has("@generated"), Sign::List("site")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("ZAP");
    if text.trim_start().starts_with('<') {
        read_xml(text, &mut builder)?
    } else {
        read_json(text, &mut builder)?
    }
    Ok(vec![builder.finish()])
}

fn read_xml(text: &str, builder: &mut ReportBuilder) -> Result<(), ParseError> {
    let root = xml::root(text).unwrap_or_default();
    describe(builder.head(), &root.text_of("version"), &root.text_of("generated"));
    let last = xml::each_inside(text, "site", &["alertitem"], |line, site, item| {
        add(builder, &site.element.text_of("name"), &schema::alert(&item), format!("line {line}").into());
        Ok(())
    })?;
    builder.head().target = last.element.text_of("name").some_line().filter(|_| last.nth == 1);
    Ok(())
}

fn read_json(text: &str, builder: &mut ReportBuilder) -> Result<(), ParseError> {
    let file: File<'_> = json::read(text)?;
    describe(builder.head(), &file.version, &file.generated);
    if let [site] = &file.sites.0[..] {
        builder.head().target = site.name.some_line();
    }
    for (number, Site { name, alerts }) in file.sites.0.into_iter().enumerate() {
        let path = format!("/site/{number}/alerts");
        builder.each(alerts, &path, |builder, alert, place| add(builder, &name, alert, place));
    }
    Ok(())
}

fn describe(head: &mut Report, version: &Text<'_>, generated: &Text<'_>) {
    head.tool_version = version.some_line();
    head.reported_at = time::of(generated);
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
    // The rules for known vulnerabilities have them among their tags.
    let ids = words::each_once(alert.tags.iter().flat_map(|tag| words::ids_in(&tag.tag)));
    let vulnerability = builder.vulnerability(&words::key(&ids, "ZAP", id), || Vulnerability {
        ids,
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
