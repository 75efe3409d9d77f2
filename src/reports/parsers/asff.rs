//! The AWS Security Finding Format, as a list of findings or one after the other. Security Hub exports wrap the same.
//!
//! A finding may name several resources; it is one, on the first, with the others as facts.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::aws_inspector2;
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries};
use crate::reports::read::packages;
use crate::reports::read::text::Text;
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};
pub use schema::AwsFinding;
use schema::{AwsPackage, AwsVulnerability};

/// AWS Security Finding Format.
pub const PARSER: Parser = Parser {
    name: "asff",
    title: "AWS Security Finding Format (ASFF)",
    tool: "AWS Security Hub and what reports to it",
    content_types: &["application/json"],
    defectdojo_names: &["AWS Security Finding Format (ASFF) Scan"],
    example: r#"[{"SchemaVersion": "2018-10-08", "Id": "arn:aws:securityhub:1", "ProductName": "Security Hub", "GeneratorId": "S3.8",
  "AwsAccountId": "123456789012", "Severity": {"Label": "HIGH"}, "Title": "S3.8 Buckets should block public access",
  "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::shop"}]}]"#,
    shapes: &[
        &[Sign::Has("[].SchemaVersion"), Sign::Has("[].AwsAccountId"), Sign::Has("[].GeneratorId")],
        &[Sign::Has("[].ProductArn"), Sign::Has("[].AwsAccountId"), Sign::Has("[].Resources")],
        &[Sign::Has("[].SchemaVersion"), Sign::Has("[].Title"), Sign::Has("[].Resources")],
        &[Sign::Has("SchemaVersion"), Sign::Has("AwsAccountId"), Sign::Has("GeneratorId")],
    ],
    parse,
};

const TOOL: &str = "AWS Security Hub";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    if !text.trim_start().starts_with('{') {
        return read(json::read(text)?, "");
    }
    let mut builder = ReportBuilder::new(TOOL);
    builder.each_in(text, add)?;
    Ok(vec![builder.finish()])
}

/// Reads findings that stand in a list.
///
/// # Errors
/// None; an entry that cannot be read is a warning.
pub fn read(entries: Entries<'_, AwsFinding<'_>>, path: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    builder.each(entries, path, add);
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &AwsFinding<'_>, place: Box<str>) {
    if entry.title.is_empty() {
        builder.lose(place, "no title");
        return;
    }
    let severity = severity(entry);
    let flaw = entry.vulnerabilities.first().map(|flaw| &flaw.0);
    let package = flaw.and_then(|flaw| flaw.vulnerable_packages.first());
    let resource = entry.resources.first();
    let resource_type = resource.and_then(|resource| resource.kind.some_line());
    let (asset, inside) = match resource {
        Some(resource) => aws_inspector2::asset(builder, &entry.aws_account_id, &resource.kind, &resource.id),
        None => (None, None),
    };
    let mut facts = builder::facts([
        ("product", entry.product_name.some_line()),
        ("region", entry.region.some_line()),
        ("resource_type", resource_type),
        ("type", entry.types.first().and_then(Text::some_line)),
    ]);
    facts.extend(entry.resources.iter().skip(1).filter_map(|other| Some(("resource", other.id.some_line()?))));
    facts.extend(
        flaw.into_iter()
            .flat_map(|flaw| flaw.vulnerable_packages.iter().skip(1))
            .map(|package| ("package", format!("{} {}", package.name.line(), package.version.line()))),
    );
    let finding = Finding {
        vulnerability: vulnerability(builder, entry),
        asset,
        component: package.and_then(|package| component(builder, package)),
        location: Location { resource: inside, ..location(flaw) },
        fingerprint: entry.id.some_line(),
        analysis: analysis(entry),
        fixed_version: package.and_then(|package| package.fixed_in_version.some_line()),
        found_at: entry.first_observed_at.or(&entry.created_at).time(),
        place: Some(place),
        facts,
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &entry.title, &entry.description);
}

/// The label; without one, what AWS says the normalized number means, and last the product's own word.
fn severity(entry: &AwsFinding<'_>) -> Severity {
    let (given, first) = (&entry.severity, &entry.provider.severity);
    words::severity(given.label.or(&first.label)).unwrap_or_else(|| match given.normalized.0.or(first.normalized.0) {
        Some(number) if number >= 90.0 => Severity::Critical,
        Some(number) if number >= 70.0 => Severity::High,
        Some(number) if number >= 40.0 => Severity::Medium,
        Some(number) if number >= 1.0 => Severity::Low,
        Some(_) => Severity::None,
        None => words::severity_or_unknown(given.original.or(&first.original)),
    })
}

/// Some scanners name the CVE only in the title.
fn ids(entry: &AwsFinding<'_>) -> Vec<String> {
    if entry.vulnerabilities.is_empty() {
        return words::ids_in(&entry.title);
    }
    let flaws = entry.vulnerabilities.iter();
    let ids = flaws.flat_map(|flaw| [&flaw.id].into_iter().chain(flaw.related_vulnerabilities.iter()));
    words::each_once(ids.filter_map(Text::some_line))
}

fn vulnerability(builder: &mut ReportBuilder, entry: &AwsFinding<'_>) -> usize {
    let flaws = || entry.vulnerabilities.iter();
    let ids = ids(entry);
    builder.vulnerability(&words::key(&ids, TOOL, rule(entry)), || {
        let advice = &entry.remediation.recommendation;
        let links = [&advice.url, &entry.source_url].into_iter();
        let links =
            links.chain(flaws().flat_map(|flaw| [&flaw.vendor.url].into_iter().chain(flaw.reference_urls.iter())));
        let cwes = flaws().flat_map(|flaw| flaw.code_vulnerabilities.iter()).flat_map(|code| code.cwes.iter());
        let epss = entry.epss_score.0.or_else(|| flaws().find_map(|flaw| flaw.epss_score.0));
        ratings(entry).rate(Vulnerability {
            title: entry.title.title(),
            description: entry.description.text(),
            remediation: remediation(entry),
            severity: severity(entry),
            cwes: words::each_once(cwes.filter_map(|cwe| words::cwe(cwe))),
            epss: epss.filter(|epss| (0.0..=1.0).contains(epss)),
            references: words::each_once(links.filter_map(Text::some_line)),
            ids,
            ..Vulnerability::default()
        })
    })
}

/// What names the rule: the generator, unless that is a whole detector; then the type of the finding.
fn rule<'e>(entry: &'e AwsFinding<'_>) -> &'e str {
    let generator = &entry.generator_id;
    let is_rule = !generator.is_empty() && !generator.contains(":detector/") && generator.as_str() != "AWSInspector";
    if is_rule { generator } else { entry.types.first().map_or(&entry.title, |kind| kind.or(&entry.title)) }
}

/// The advice of the package, which says what to type, before the general one.
fn remediation(entry: &AwsFinding<'_>) -> Option<String> {
    let packages = entry.vulnerabilities.iter().flat_map(|flaw| flaw.vulnerable_packages.iter());
    let advised = packages.map(|package| &package.remediation).find_map(Text::some_text);
    advised.or_else(|| entry.remediation.recommendation.text.some_text().filter(|text| text != "None Provided"))
}

fn ratings(entry: &AwsFinding<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    for cvss in entry.vulnerabilities.iter().flat_map(|flaw| flaw.cvss.iter()) {
        ratings.add(&cvss.base_vector, cvss.base_score.0);
    }
    ratings
}

fn component(builder: &mut ReportBuilder, package: &AwsPackage<'_>) -> Option<usize> {
    let name = packages::name(&package.name);
    let purl = packages::purl(&package.package_manager, &name, &package.version);
    builder.component(&name, &package.version, &purl.unwrap_or_default())
}

fn location(flaw: Option<&AwsVulnerability<'_>>) -> Location {
    let Some(flaw) = flaw else { return Location::default() };
    if let Some(code) = flaw.code_vulnerabilities.first() {
        return Location {
            file: code.file_path.file_path.some_line(),
            line: code.file_path.start_line.positive(),
            end_line: code.file_path.end_line.positive(),
            ..Location::default()
        };
    }
    let file = flaw.vulnerable_packages.iter().find_map(|package| package.file_path.some_line());
    Location { file, ..Location::default() }
}

/// What the team decided comes first, then what Security Hub saw: a control that passed, a record that is archived.
fn analysis(entry: &AwsFinding<'_>) -> Option<Analysis> {
    let state = match (entry.workflow.status.as_str(), entry.compliance.status.as_str(), entry.record_state.as_str()) {
        ("SUPPRESSED", ..) => AnalysisState::RiskAccepted,
        ("RESOLVED", ..) | (_, _, "ARCHIVED") => AnalysisState::Resolved,
        (_, "PASSED", _) => AnalysisState::NotAffected,
        ("NOTIFIED", ..) => AnalysisState::InReview,
        _ => return None,
    };
    Some(Analysis { state, justification: entry.note.text.some_text() })
}
