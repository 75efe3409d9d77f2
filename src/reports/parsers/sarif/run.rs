//! The results of one run, as findings.

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::ReportBuilder;
use crate::reports::parsers::sarif::package;
use crate::reports::parsers::sarif::place::logical_name;
use crate::reports::parsers::sarif::rule::severity;
use crate::reports::parsers::sarif::schema::{Rule, Run, RunResult};
use crate::reports::parsers::sarif::state::{analysis, facts, fingerprint};
use crate::reports::read::json::Entries;
use crate::reports::read::text;
use crate::reports::report::{AssetKind, Finding, Vulnerability};

/// What a run says beside its results.
pub struct Context<'r, 'a> {
    pub run: &'r Run<'a>,
    number: usize,
    pub tool: String,
    pub rules: HashMap<&'r str, &'r Rule<'a>>,
}

/// What a rule means for its findings, worked out once per rule.
#[derive(Clone)]
struct Meaning {
    vulnerability: usize,
    severity: Severity,
    title: Option<String>,
}

/// Adds the results of a run to a report.
pub fn read_results<'r, 'a>(
    context: &'r Context<'r, 'a>,
    results: Entries<'a, RunResult<'a>>,
    builder: &mut ReportBuilder,
) {
    let repository = context.run.version_control_provenance.first().map(|provenance| provenance.repository_uri.line());
    let asset = repository.and_then(|uri| builder.asset(AssetKind::Repository, &uri));
    let mut meanings = HashMap::new();
    for (index, entry) in results.into_iter().enumerate() {
        let place = format!("/runs/{}/results/{index}", context.number);
        let Some(result) = builder.keep(entry, &place).filter(reports_a_fault) else { continue };
        let rule = context.rule_of(&result);
        let message = context.message(&result.message, rule);
        let named = result.rule_id.or(&result.rule.id);
        let id = if named.is_empty() { rule.map_or("", |rule| rule.id.as_str()) } else { named };
        if id.is_empty() && message.is_empty() {
            builder.lose(place, "neither rule nor message");
            continue;
        }
        let severity = severity(&result, rule);
        let known = if id.is_empty() { None } else { meanings.get(id) };
        let meaning: Meaning = known.cloned().unwrap_or_else(|| {
            let meaning = add_meaning(builder, context.vulnerability(id, rule, &result, &message, severity));
            meanings.insert(id.to_owned(), meaning.clone());
            meaning
        });
        let is_known = !builder.head().vulnerabilities.at(meaning.vulnerability).ids.is_empty();
        let package = is_known.then(|| package::named(&message, logical_name(&result))).flatten().unwrap_or_default();
        let finding = Finding {
            vulnerability: meaning.vulnerability,
            component: builder.component(package.name, package.version, ""),
            fixed_version: text::some_line(package.fixed_version),
            asset,
            severity: (meaning.severity != severity).then_some(severity),
            title: meaning.title,
            description: text::some(message),
            analysis: analysis(&result),
            found_at: result.provenance.first_detection_time_utc.time(),
            place: Some(place.into()),
            facts: facts(&result),
            ..Finding::default()
        };
        add_at_each_place(context, finding, &result, id, builder);
    }
}

fn add_meaning(builder: &mut ReportBuilder, vulnerability: Vulnerability) -> Meaning {
    let (key, title) = (vulnerability.key.clone(), vulnerability.title.clone());
    let index = builder.vulnerability(&key, || vulnerability);
    let known = builder.head().glance(index);
    Meaning { vulnerability: index, severity: known.severity, title: (known.title != title).then_some(title) }
}

fn add_at_each_place<'a>(
    context: &Context<'_, 'a>,
    finding: Finding,
    result: &RunResult<'a>,
    rule: &str,
    builder: &mut ReportBuilder,
) {
    let locations = result.locations.iter().map(Some);
    let count = result.locations.len().max(1);
    // Only a result at several places needs copies.
    for (number, (location, mut finding)) in
        locations.chain([None]).zip(std::iter::repeat_n(finding, count)).enumerate()
    {
        if let Some(location) = location {
            context.locate(&mut finding, location);
        }
        finding.fingerprint = fingerprint(result, rule, finding.location.file.as_deref(), number);
        builder.add(finding);
    }
}

impl<'r, 'a> Context<'r, 'a> {
    /// The context of a run, the `number`th of its file.
    pub fn new(run: &'r Run<'a>, number: usize, tool: String) -> Self {
        let components = std::iter::once(&run.tool.driver.0).chain(run.tool.extensions.iter());
        let mut rules = HashMap::new();
        for rule in components.flat_map(|component| component.rules.iter()) {
            rules.entry(rule.id.as_str()).or_insert(rule);
        }
        Self { run, number, tool, rules }
    }
}

/// Whether the result says that something is wrong, or may be. Source: SARIF 2.1.0, sections 3.27.9 and 3.27.24.
fn reports_a_fault(result: &RunResult<'_>) -> bool {
    let says = |kind: &&str| kind.eq_ignore_ascii_case(&result.kind);
    let is_fault = result.kind.is_empty() || ["fail", "open", "review"].iter().any(says);
    is_fault && !result.baseline_state.eq_ignore_ascii_case("absent")
}
