//! CSAF 2.0 and 2.1: a vendor's advisory or VEX. Each product with a status in a vulnerability is a finding.

mod products;
mod schema;

use std::collections::HashMap;

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
    let key = words::key(&ids, "CSAF", title);
    let vulnerability = builder.vulnerability(&key, || vulnerability(advised, title, ids));
    let said = Said::of(advised);
    let number = builder.head().findings.len();
    for (state, listed) in states(advised) {
        for product in listed.iter() {
            let finding = Finding { vulnerability, place: Some(place.clone()), ..said.finding(product, state) };
            let component = products.component(builder, product);
            builder.add_differing(Finding { component, ..finding }, said.severity(product), "", "");
        }
    }
    if builder.head().findings.len() == number {
        builder.add(Finding { vulnerability, place: Some(place), ..Finding::default() });
    }
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
        severity: ratings.severity(advised.threats.iter().find_map(impact).unwrap_or_default()),
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

/// What an advisory says of one vulnerability in single products, by their ids.
struct Said<'t, 'a> {
    scores: HashMap<&'t str, Vec<&'t Score<'a>>>,
    remedies: ByProduct<'t, 'a>,
    flags: ByProduct<'t, 'a>,
    impacts: ByProduct<'t, 'a>,
    reasons: ByProduct<'t, 'a>,
}

impl<'t, 'a> Said<'t, 'a> {
    fn of(advised: &'t Advised<'a>) -> Self {
        let mut scores: HashMap<&str, Vec<&Score<'_>>> = HashMap::new();
        for (products, score) in advised.ratings() {
            for product in products.iter() {
                scores.entry(product.as_str()).or_default().push(score);
            }
        }
        let threats = || advised.threats.iter().filter(|threat| threat.category.as_str() == "impact");
        Self {
            scores,
            remedies: ByProduct::of(advised.remediations.iter()),
            flags: ByProduct::of(advised.flags.iter()),
            impacts: ByProduct::of(threats().filter(|threat| impact(threat).is_some())),
            reasons: ByProduct::of(threats().filter(|threat| impact(threat).is_none())),
        }
    }

    fn finding(&self, product: &Text<'_>, state: AnalysisState) -> Finding {
        let remedy = self.remedies.first(product);
        Finding {
            analysis: Some(Analysis { state, justification: self.justification(product) }),
            facts: facts([
                ("remedy", remedy.and_then(|remedy| remedy.details.some_line())),
                ("remedy_url", remedy.and_then(|remedy| remedy.url.some_line())),
            ]),
            ..Finding::default()
        }
    }

    /// The vendor's own word for the impact on a product, else the score for it. Where the advisory rates it by neither,
    /// it is still about a vulnerability and not left unknown.
    fn severity(&self, product: &Text<'_>) -> Severity {
        let mut ratings = Ratings::default();
        self.scores.get(product.as_str()).into_iter().flatten().for_each(|score| rate(&mut ratings, score));
        match ratings.severity(self.impacts.first(product).and_then(impact).unwrap_or_default()) {
            Severity::Unknown => Severity::Medium,
            known => known,
        }
    }

    /// Why a product is not affected: the label of the standard, and the vendor's words.
    fn justification(&self, product: &Text<'_>) -> Option<String> {
        let label = self.flags.first(product).and_then(|flag| flag.label.some_line());
        let reason = self.reasons.first(product).and_then(|threat| threat.details.some_line());
        let reasons: Vec<String> = label.into_iter().chain(reason).collect();
        text::some(reasons.join(": "))
    }
}

/// Statements by the products that they hold for; one that names no product is about all. Of several the first counts.
struct ByProduct<'t, 'a> {
    own: HashMap<&'t str, &'t ForProducts<'a>>,
    all: Option<&'t ForProducts<'a>>,
}

impl<'t, 'a> ByProduct<'t, 'a> {
    fn of(statements: impl Iterator<Item = &'t ForProducts<'a>>) -> Self {
        let mut by_product = Self { own: HashMap::new(), all: None };
        for statement in statements {
            if statement.product_ids.is_empty() {
                by_product.all.get_or_insert(statement);
            }
            for product in statement.product_ids.iter() {
                by_product.own.entry(product.as_str()).or_insert(statement);
            }
        }
        by_product
    }

    fn first(&self, product: &str) -> Option<&'t ForProducts<'a>> {
        self.own.get(product).copied().or(self.all)
    }
}

/// The vendor's rating, where a threat is one: some put it among them.
fn impact<'t>(threat: &'t ForProducts<'_>) -> Option<&'t str> {
    let is_rating = threat.category.as_str() == "impact" && words::severity(&threat.details).is_some();
    is_rating.then_some(threat.details.as_str())
}
