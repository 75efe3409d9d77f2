//! Scout Suite's results, as the script that its page loads (`scoutsuite_results = {…}`) or as plain JSON. Each item
//! that a rule flags is a finding.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, List, Object, Pairs};
use crate::reports::read::text::{self, Text};
use crate::reports::read::{html, words};
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};

/// Scout Suite.
pub const PARSER: Parser = Parser {
    name: "scout_suite",
    title: "Scout Suite results",
    tool: "Scout Suite",
    content_types: &["application/javascript", "application/json"],
    defectdojo_names: &["Scout Suite Scan"],
    example: r#"scoutsuite_results =
{"account_id": "shop-1", "provider_code": "gcp", "last_run": {"ruleset_name": "default"}, "services": {"cloudstorage":
 {"findings": {"bucket-public": {"description": "Bucket is public", "level": "danger", "flagged_items": 1,
  "items": ["cloudstorage.projects.shop-1.buckets.aa01.public"], "id_suffix": "public"}}}}}"#,
    shapes: &[
        &[Sign::Contains("scoutsuite_results"), Sign::Contains("\"account_id\"")],
        &[Sign::Has("provider_code"), Sign::Has("last_run"), Sign::Object("services")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    account_id: Text<'a>,
    #[serde(borrow)]
    provider_code: Text<'a>,
    #[serde(borrow)]
    last_run: Object<LastRun<'a>>,
    #[serde(borrow)]
    services: Pairs<Text<'a>, Object<Service<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LastRun<'a> {
    #[serde(borrow)]
    time: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Service<'a> {
    #[serde(borrow)]
    findings: Pairs<Text<'a>, Object<Rule<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rule<'a> {
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    rationale: Text<'a>,
    #[serde(borrow)]
    remediation: Text<'a>,
    #[serde(borrow)]
    references: List<Text<'a>>,
    #[serde(borrow)]
    compliance: List<Compliance<'a>>,
    #[serde(borrow)]
    level: Text<'a>,
    #[serde(borrow)]
    id_suffix: Text<'a>,
    #[serde(borrow)]
    items: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Compliance<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    reference: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let begin = text.find('{').ok_or_else(|| ParseError::malformed("line 1", "no object"))?;
    let file: File<'_> = json::read(&text[begin..])?;
    let mut builder = ReportBuilder::new("Scout Suite");
    let head = builder.head();
    head.tool_version = file.last_run.version.some_line();
    head.reported_at = file.last_run.time.time();
    head.target = file.account_id.some_line();
    let parts = [&file.provider_code, &file.account_id].into_iter().filter_map(Text::some_line);
    let asset = builder.asset(AssetKind::Resource, &parts.collect::<Vec<_>>().join("/"));
    for (service, found) in file.services.0 {
        for (id, rule) in found.0.findings.0 {
            let path = format!("/services/{}/findings/{}", service.line(), id.line());
            add(&mut builder, asset, &id, &rule, &path);
        }
    }
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, asset: Option<usize>, id: &Text<'_>, rule: &Rule<'_>, path: &str) {
    if rule.items.is_empty() {
        return;
    }
    let vulnerability = builder.vulnerability(&words::key(&[], "Scout Suite", id), || vulnerability(id, rule));
    // The suffix is the flagged attribute of the resource.
    let suffix = format!(".{}", rule.id_suffix);
    for (number, item) in rule.items.iter().enumerate() {
        let item = item.line();
        let resource = item.strip_suffix(&suffix).unwrap_or(&item);
        builder.add(Finding {
            vulnerability,
            asset,
            location: Location { resource: text::some_line(resource), ..Location::default() },
            place: Some(format!("{path}/items/{number}").into()),
            facts: facts([("attribute", rule.id_suffix.some_line())]),
            ..Finding::default()
        });
    }
}

fn vulnerability(id: &Text<'_>, rule: &Rule<'_>) -> Vulnerability {
    let standards = rule.compliance.iter().take(words::LIST_LIMIT);
    let standards = standards.map(|it| format!("- {} {}: {}", it.name, it.version, it.reference));
    let parts = [html::to_text(&rule.rationale), standards.collect::<Vec<_>>().join("\n")];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Vulnerability {
        title: text::title(&html::to_text(rule.description.or(id))),
        description: text::text(&parts.join("\n\n")),
        remediation: text::some_text(&html::to_text(&rule.remediation)),
        severity: severity(&rule.level),
        references: words::each_once(rule.references.iter().filter_map(Text::some_line)),
        ..Vulnerability::default()
    }
}

/// Scout Suite knows two levels, red and yellow.
fn severity(level: &str) -> Severity {
    match level {
        "danger" => Severity::Critical,
        "warning" => Severity::Medium,
        _ => Severity::Unknown,
    }
}
