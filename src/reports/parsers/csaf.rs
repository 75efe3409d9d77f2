//! CSAF 2.0 and 2.1: a vendor's advisory or VEX. Each product with a status in a vulnerability is a finding.

mod products;
mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, List};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Report, Vulnerability};
use products::Products;
use schema::{Advised, Document, ForProducts, Score};

/// CSAF.
pub const PARSER: Parser = Parser {
    name: "csaf",
    title: "CSAF 2.0 and 2.1",
    tool: "vendors' advisories",
    content_types: &["application/json"],
    defectdojo_names: &["CSAF Scan"],
    example: r#"{"document": {"category": "csaf_security_advisory", "csaf_version": "2.0", "title": "Advisory",
  "publisher": {"name": "Shop"}, "tracking": {"id": "SHOP-1"}},
 "product_tree": {"full_product_names": [{"product_id": "P-1", "name": "Web 1.0"}]},
 "vulnerabilities": [{"cve": "CVE-2026-10001", "product_status": {"known_affected": ["P-1"]}}]}"#,
    shapes: &[
        &[Sign::Has("document.csaf_version"), Sign::Has("document.tracking")],
        &[Sign::Says("document.category", "csaf_"), Sign::Has("document.csaf_version")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: Document<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new(file.document.publisher.name.some_line().unwrap_or_else(|| "CSAF".to_owned()));
    let head = builder.head();
    head.reported_at = file.document.tracking.current_release_date.time();
    head.target = file.document.tracking.id.some_line();
    let products = Products::of(&file.product_tree);
    builder.each(file.vulnerabilities, "/vulnerabilities", |builder, advised, place| {
        add(builder, &products, &file.document.title, advised, place);
    });
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, products: &Products<'_>, title: &Text<'_>, advised: &Advised<'_>, place: Box<str>) {
    let ids = advised.ids.iter().map(|id| &id.text);
    let ids = words::each_once([&advised.cve].into_iter().chain(ids).filter_map(Text::some_line));
    let title = advised.title.or(&advised.cve).or(title);
    let key = words::best_id(&ids).cloned().unwrap_or_else(|| format!("CSAF:{}", title.title()));
    let vulnerability = builder.vulnerability(&key, || vulnerability(advised, title, ids));
    let mut has_status = false;
    for (state, listed) in states(advised) {
        for product in listed.iter() {
            has_status = true;
            add_product(builder, products, advised, vulnerability, state, product, &place);
        }
    }
    if !has_status {
        builder.add(Finding { vulnerability, place: Some(place), ..Finding::default() });
    }
}

fn add_product(
    builder: &mut ReportBuilder,
    products: &Products<'_>,
    advised: &Advised<'_>,
    vulnerability: usize,
    state: AnalysisState,
    product: &Text<'_>,
    place: &str,
) {
    let component = products.component(builder, product);
    let severity = severity(advised, product);
    let is_known = builder.head().vulnerabilities[vulnerability].severity == severity;
    let remedy = of_product(&advised.remediations, product);
    builder.add(Finding {
        vulnerability,
        component,
        severity: (!is_known).then_some(severity),
        analysis: Some(Analysis { state, justification: justification(advised, product) }),
        place: Some(place.into()),
        facts: facts([
            ("remedy", remedy.and_then(|remedy| remedy.details.some_text())),
            ("remedy_url", remedy.and_then(|remedy| remedy.url.some_line())),
        ]),
        ..Finding::default()
    });
}

/// What the lists of a status mean. `recommended` lists no affected product but what to use instead.
fn states<'t, 'a>(advised: &'t Advised<'a>) -> [(AnalysisState, &'t List<Text<'a>>); 7] {
    let status = &advised.product_status;
    [
        (AnalysisState::Affected, &status.known_affected),
        (AnalysisState::Affected, &status.first_affected),
        (AnalysisState::Affected, &status.last_affected),
        (AnalysisState::InReview, &status.under_investigation),
        (AnalysisState::Resolved, &status.fixed),
        (AnalysisState::Resolved, &status.first_fixed),
        (AnalysisState::NotAffected, &status.known_not_affected),
    ]
}

fn vulnerability(advised: &Advised<'_>, title: &Text<'_>, ids: Vec<String>) -> Vulnerability {
    let mut ratings = Ratings::default();
    advised.ratings().for_each(|(_, score)| rate(&mut ratings, score));
    let remedies = advised.remediations.iter().filter_map(|remedy| remedy.details.some_text());
    let notes = advised.notes.iter().filter(|note| matches!(note.category.as_str(), "description" | "summary"));
    let links = advised.references.iter().filter_map(|reference| reference.url.some_line());
    let cwes = [&advised.cwe.0].into_iter().chain(advised.cwes.iter());
    let mut vulnerability = Vulnerability {
        title: title.title(),
        description: text::text(&words::each_once(notes.filter_map(|note| note.text.some_text())).join("\n\n")),
        remediation: text::some(text::text(&words::each_once(remedies).join("\n"))),
        severity: ratings.severity(impact(advised, None)),
        ids,
        cwes: words::each_once(cwes.filter_map(|cwe| words::cwe(&cwe.id))),
        references: words::each_once(links),
        ..Vulnerability::default()
    };
    ratings.fill(&mut vulnerability);
    vulnerability
}

fn rate(ratings: &mut Ratings, score: &Score<'_>) {
    for cvss in [&score.cvss_v4, &score.cvss_v3, &score.cvss_v2] {
        ratings.add(&cvss.vector_string, cvss.base_score.0);
    }
}

/// The vendor's own word for the impact on a product, else the score for it. Where the advisory rates it by neither,
/// it is still about a vulnerability and not left unknown.
fn severity(advised: &Advised<'_>, product: &Text<'_>) -> Severity {
    let mut ratings = Ratings::default();
    let own = advised.ratings().filter(|(products, _)| products.contains(product));
    own.for_each(|(_, score)| rate(&mut ratings, score));
    match ratings.severity(impact(advised, Some(product))) {
        Severity::Unknown => Severity::Medium,
        known => known,
    }
}

fn impact<'t>(advised: &'t Advised<'_>, product: Option<&Text<'_>>) -> &'t str {
    let is_of = |threat: &ForProducts<'_>| product.is_none_or(|product| is_for(threat, product));
    let mut impacts = advised.threats.iter().filter(|threat| threat.category.as_str() == "impact" && is_of(threat));
    impacts.find(|threat| words::severity(&threat.details).is_some()).map_or("", |threat| threat.details.as_str())
}

/// A statement that names no product is about all.
fn is_for(statement: &ForProducts<'_>, product: &Text<'_>) -> bool {
    statement.product_ids.is_empty() || statement.product_ids.contains(product)
}

fn of_product<'t, 'a>(statements: &'t [ForProducts<'a>], product: &Text<'_>) -> Option<&'t ForProducts<'a>> {
    statements.iter().find(|statement| is_for(statement, product))
}

/// Why a product is not affected: the label of the standard, and the vendor's words.
fn justification(advised: &Advised<'_>, product: &Text<'_>) -> Option<String> {
    let label = of_product(&advised.flags, product).and_then(|flag| flag.label.some_line());
    let threats = advised.threats.iter().filter(|threat| threat.category.as_str() == "impact");
    let words = threats.filter(|threat| words::severity(&threat.details).is_none());
    let words = words.filter(|threat| is_for(threat, product)).find_map(|threat| threat.details.some_text());
    let reasons: Vec<String> = label.into_iter().chain(words).collect();
    text::some(reasons.join(": "))
}
