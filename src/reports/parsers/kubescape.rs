//! Kubescape's JSON (`--format json`, format version v2): controls that a resource fails. Each failed rule of a control
//! is a finding.

mod schema;

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Object};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};
use schema::{Control, File, Path, Resource, Rule, Summary};

/// Kubescape.
pub const PARSER: Parser = Parser {
    name: "kubescape",
    title: "Kubescape JSON",
    tool: "Kubescape",
    content_types: &["application/json"],
    defectdojo_names: &["Kubescape JSON Importer"],
    example: r#"{"summaryDetails": {"controls": {"C-0013": {"name": "Non-root containers", "scoreFactor": 6}}},
 "resources": [{"resourceID": "apps/v1/shop/Deployment/web", "object": {"kind": "Deployment", "metadata": {"name": "web"}}}],
 "results": [{"resourceID": "apps/v1/shop/Deployment/web", "controls": [{"controlID": "C-0013",
  "name": "Non-root containers", "status": {"status": "failed"}, "rules": [{"name": "non-root", "status": "failed"}]}]}]}"#,
    shapes: &[
        &[Sign::Object("summaryDetails.controls"), Sign::Has("summaryDetails.controls.*.scoreFactor")],
        &[Sign::Object("summaryDetails.controls"), Sign::Has("results"), Sign::Has("resources")],
        &[Sign::Has("results[].controls[].controlID"), Sign::Has("results[].resourceID")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Kubescape");
    let head = builder.head();
    let scan = &file.metadata.scan_metadata;
    head.tool_version = text::some(scan.kubescape_version.line().trim_start_matches('v').to_owned());
    // Scans of files say the zero time of Go.
    head.reported_at =
        Some(&file.generation_time).filter(|time| !time.starts_with("0001-")).and_then(|time| time.time());
    head.target = file.cluster_name.some_line();
    let about = About {
        controls: file.summary_details.0.controls.0.into_iter().collect(),
        resources: file.resources.iter().map(|resource| (resource.resource_id.as_str(), resource)).collect(),
    };
    for (number, result) in file.results.0.into_iter().enumerate() {
        let path = format!("/results/{number}/controls");
        builder.each(result.controls, &path, |builder, control, place| {
            about.add(builder, &result.resource_id, control, &place);
        });
    }
    Ok(vec![builder.finish()])
}

/// What the report says apart from the results: of controls and of resources.
struct About<'t, 'a> {
    controls: HashMap<Text<'a>, Object<Summary<'a>>>,
    resources: HashMap<&'t str, &'t Resource<'a>>,
}

impl About<'_, '_> {
    fn add(&self, builder: &mut ReportBuilder, resource: &Text<'_>, control: &Control<'_>, place: &str) {
        let has_passed = !control.status.status.is_empty() && control.status.status.as_str() != "failed";
        if has_passed {
            return;
        }
        let summary = self.controls.get(&control.control_id);
        let id = control.control_id.line();
        let vulnerability = builder.vulnerability(&format!("Kubescape:{id}"), || Vulnerability {
            title: control.name.or(&control.control_id).title(),
            description: summary.map(|summary| summary.description.text()).unwrap_or_default(),
            remediation: summary.and_then(|summary| summary.remediation.or(&summary.mitigation).some_text()),
            severity: severity(summary.and_then(|summary| summary.score_factor.0)),
            ids: text::some(id.clone()).into_iter().collect(),
            ..Vulnerability::default()
        });
        let known = self.resources.get(resource.as_str());
        let name = known.map(|known| name(known)).filter(|name| !name.is_empty()).unwrap_or_else(|| resource.line());
        let asset = builder.asset(AssetKind::Resource, &name);
        // Without its rules, a control that failed failed all the same.
        let unknown = Rule::default();
        let rules = if control.rules.is_empty() { std::slice::from_ref(&unknown) } else { &control.rules };
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.status.as_str() != "passed") {
            builder.add(Finding {
                vulnerability,
                asset,
                location: Location {
                    file: known.and_then(|known| known.source.relative_path.some_line()),
                    resource: Some(name.clone()),
                    snippet: fixes(rule),
                    ..Location::default()
                },
                place: Some(format!("{place}/rules/{number}").into()),
                facts: facts([
                    ("rule", rule.name.some_line()),
                    ("category", summary.and_then(|summary| summary.category.name.some_line())),
                ]),
                ..Finding::default()
            });
        }
    }
}

/// The score factor of a control, by Kubescape's own scale (`ControlSeverityToInt`).
fn severity(factor: Option<f64>) -> Severity {
    match factor {
        Some(factor) if factor >= 9.0 => Severity::Critical,
        Some(factor) if factor >= 7.0 => Severity::High,
        Some(factor) if factor >= 4.0 => Severity::Medium,
        Some(factor) if factor >= 1.0 => Severity::Low,
        _ => Severity::Unknown,
    }
}

/// A resource as `namespace/Kind/name`.
fn name(resource: &Resource<'_>) -> String {
    let object = &resource.object;
    let parts = [&object.metadata.namespace, &object.kind, object.metadata.name.or(&object.name)];
    parts.into_iter().filter_map(Text::some_line).collect::<Vec<_>>().join("/")
}

/// The fields that are at fault, with the values that would do.
fn fixes(rule: &Rule<'_>) -> Option<String> {
    let line = |path: &Path<'_>| {
        let fault = path.failed_path.or(&path.review_path).or(&path.delete_path).some_line();
        fault.or_else(|| Some(format!("{}: {}", path.fix_path.path.some_line()?, path.fix_path.value.line())))
    };
    let lines: Vec<String> = words::each_once(rule.paths.iter().filter_map(line));
    text::some(text::text(&lines.join("\n")))
}
