//! Kubeaudit's JSON: one log line a result.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::text::{self, Text};
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};

/// Kubeaudit.
pub const PARSER: Parser = Parser {
    name: "kubeaudit",
    title: "kubeaudit JSON",
    tool: "kubeaudit",
    content_types: &["application/json", "application/x-ndjson"],
    defectdojo_names: &["Kubeaudit Scan"],
    example: r#"{"AuditResultName": "PrivilegedTrue", "Container": "web", "ResourceKind": "Deployment",
 "ResourceName": "web", "ResourceNamespace": "shop", "level": "error", "msg": "privileged is set to 'true'.",
 "time": "2026-01-31T08:00:00Z"}"#,
    shapes: &[
        &[Sign::Has("AuditResultName"), Sign::Has("ResourceKind"), Sign::Has("msg")],
        // Before version 0.11 the resource is not named.
        &[Sign::Has("AuditResultName"), Sign::Has("level"), Sign::Has("msg")],
        &[Sign::Has("[].AuditResultName"), Sign::Has("[].level"), Sign::Has("[].msg")],
    ],
    parse,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AuditResult<'a> {
    #[serde(borrow)]
    audit_result_name: Text<'a>,
    #[serde(borrow, default)]
    resource_kind: Text<'a>,
    #[serde(borrow, default)]
    resource_name: Text<'a>,
    #[serde(borrow, default)]
    resource_namespace: Text<'a>,
    #[serde(borrow, default)]
    container: Text<'a>,
    #[serde(borrow, default)]
    missing_annotation: Text<'a>,
    #[serde(borrow, default)]
    metadata: Text<'a>,
    #[serde(borrow, rename = "level", default)]
    level: Text<'a>,
    #[serde(borrow, rename = "msg", default)]
    message: Text<'a>,
    #[serde(borrow, rename = "time", default)]
    time: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("kubeaudit");
    builder.each_in(text, |builder, entry: &AuditResult<'_>, place| {
        let time = entry.time.time();
        builder.head().reported_at = builder.head().reported_at.or(time);
        add(builder, entry, place);
    })?;
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &AuditResult<'_>, place: Box<str>) {
    let severity = severity(&entry.level);
    let name = entry.audit_result_name.title();
    let vulnerability = builder.vulnerability(&format!("kubeaudit:{name}"), || Vulnerability {
        title: name.clone(),
        description: entry.message.text(),
        severity,
        ..Vulnerability::default()
    });
    let parts = [&entry.resource_namespace, &entry.resource_kind, &entry.resource_name];
    let resource = parts.into_iter().filter_map(Text::some_line).collect::<Vec<_>>().join("/");
    let finding = Finding {
        vulnerability,
        asset: builder.asset(AssetKind::Resource, &resource),
        location: Location {
            resource: text::some(resource),
            parameter: entry.missing_annotation.some_line(),
            ..Location::default()
        },
        place: Some(place),
        facts: facts([("container", entry.container.some_line()), ("metadata", entry.metadata.some_line())]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", &entry.message);
}

/// Levels by kubeaudit's manual: `error` is to be fixed, `warning` is a better practice, `info` needs no action.
fn severity(level: &str) -> Severity {
    match level {
        "error" => Severity::High,
        "warning" | "warn" => Severity::Medium,
        "info" => Severity::None,
        _ => Severity::Unknown,
    }
}
