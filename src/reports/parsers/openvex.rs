//! OpenVEX 0.0.1 and 0.2.0: what a supplier says of vulnerabilities in products. Each product of a statement, or each
//! subcomponent that it names, is a finding with that state.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, ENTRY_LIMIT};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Report, Vulnerability};
use schema::{Document, Product, Statement};

/// OpenVEX.
pub const PARSER: Parser = Parser {
    name: "openvex",
    title: "OpenVEX",
    tool: "vexctl, Trivy, Chainguard and other suppliers",
    content_types: &["application/json"],
    defectdojo_names: &["OpenVEX Scan"],
    example: r#"{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex-1", "author": "Shop",
 "timestamp": "2026-01-31T08:00:00Z", "version": 1, "statements": [{"vulnerability": {"name": "CVE-2026-10001"},
  "products": [{"@id": "pkg:apk/alpine/zlib@1.2"}], "status": "not_affected", "justification": "component_not_present"}]}"#,
    shapes: &[
        &[Sign::Says("@context", "https://openvex.dev/")],
        &[Sign::Says("@context", "https://openvex.dev"), Sign::List("statements")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let document: Document<'_> = json::read(text)?;
    let tooling = document.tooling.line();
    let (tool, version) = tooling.split_once('/').unwrap_or((&tooling, ""));
    let mut builder = ReportBuilder::new(if tool.is_empty() { "OpenVEX" } else { tool });
    builder.head().tool_version = text::some_line(version);
    builder.head().reported_at = document.last_updated.or(&document.timestamp).time();
    builder.each(document.statements, "/statements", add);
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, statement: &Statement<'_>, place: Box<str>) {
    let named = &statement.vulnerability;
    let names = [&named.name].into_iter().chain(named.aliases.iter()).filter_map(Text::some_line);
    let mut ids = words::each_once(names);
    if ids.is_empty() {
        // Some name the vulnerability by its page alone.
        ids = words::ids_in(&named.id);
    }
    let Some(key) = words::best_id(&ids).cloned() else {
        builder.lose(place, "no vulnerability");
        return;
    };
    if statement.products.len().saturating_mul(statement.subcomponents.len()) > ENTRY_LIMIT {
        builder.lose(place, &format!("more than {ENTRY_LIMIT} parts of products"));
        return;
    }
    let vulnerability = builder.vulnerability(&key, || Vulnerability {
        title: named.name.or(&Text::from(key.as_str())).title(),
        description: named.description.text(),
        remediation: statement.action_statement.some_text(),
        ids,
        references: named.id.some_line().into_iter().filter(|id| id.starts_with("http")).collect(),
        ..Vulnerability::default()
    });
    let finding = Finding {
        vulnerability,
        severity: severity(&statement.status),
        analysis: analysis(statement),
        place: Some(place),
        facts: facts([("status_notes", statement.status_notes.some_text())]),
        ..Finding::default()
    };
    if statement.products.is_empty() {
        builder.add(finding.clone());
    }
    for product in statement.products.iter() {
        let inner = if product.subcomponents.is_empty() { &statement.subcomponents } else { &product.subcomponents };
        if inner.is_empty() {
            let (asset, component) = whole(builder, product);
            builder.add(Finding { asset, component, ..finding.clone() });
        }
        for part in inner.iter() {
            let asset = container(builder, product);
            let component = component(builder, part);
            builder.add(Finding { asset, component, ..finding.clone() });
        }
    }
}

/// A product without parts: an image is an asset, anything else a component.
fn whole(builder: &mut ReportBuilder, product: &Product<'_>) -> (Option<usize>, Option<usize>) {
    if purl(product).starts_with("pkg:oci/") {
        return (container(builder, product), None);
    }
    (None, component(builder, product))
}

fn purl<'t>(product: &'t Product<'_>) -> &'t Text<'t> {
    if product.identifiers.purl.is_empty() { &product.id } else { &product.identifiers.purl }
}

fn container(builder: &mut ReportBuilder, product: &Product<'_>) -> Option<usize> {
    let purl = purl(product);
    let kind = if purl.starts_with("pkg:oci/") { AssetKind::Image } else { AssetKind::Application };
    match words::purl_parts(purl) {
        Some((name, _)) => builder.asset(kind, &name),
        None => builder.asset(kind, &product.id),
    }
}

fn component(builder: &mut ReportBuilder, product: &Product<'_>) -> Option<usize> {
    let purl = purl(product);
    match words::purl_parts(purl) {
        Some((name, version)) => builder.component(&name, version.as_deref().unwrap_or_default(), purl),
        None => builder.component(&product.id, "", ""),
    }
}

/// OpenVEX rates nothing. That a supplier says `affected` asks for an answer all the same, so it is not left unknown.
fn severity(status: &str) -> Option<Severity> {
    (status == "affected").then_some(Severity::Medium)
}

fn analysis(statement: &Statement<'_>) -> Option<Analysis> {
    let state = match statement.status.as_str() {
        "affected" => AnalysisState::Affected,
        "under_investigation" => AnalysisState::InReview,
        "fixed" => AnalysisState::Resolved,
        "not_affected" => AnalysisState::NotAffected,
        _ => return None,
    };
    let reasons = [statement.justification.some_line(), statement.impact_statement.some_text()];
    let reasons: Vec<String> = reasons.into_iter().flatten().collect();
    Some(Analysis { state, justification: text::some(reasons.join(": ")) })
}
