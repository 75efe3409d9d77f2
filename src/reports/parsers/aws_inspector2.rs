//! Amazon Inspector, as `aws inspector2 list-findings` answers: packages, code of functions, reachable ports.

mod schema;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::packages;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};
use schema::{File, InspectorFinding, NetworkDetails};

/// Amazon Inspector.
pub const PARSER: Parser = Parser {
    name: "aws_inspector2",
    title: "Amazon Inspector findings",
    tool: "Amazon Inspector",
    content_types: &["application/json"],
    defectdojo_names: &["AWS Inspector2 Scan"],
    example: r#"{"findings": [{"findingArn": "arn:aws:inspector2:1", "awsAccountId": "123456789012", "type": "PACKAGE_VULNERABILITY", "severity": "HIGH",
  "title": "CVE-2026-10001 - zlib", "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-2026-10001"},
  "resources": [{"type": "AWS_EC2_INSTANCE", "id": "i-0c0ffee"}]}]}"#,
    shapes: &[
        &[Sign::Says("findings[].findingArn", "arn:"), Sign::Has("findings[].type")],
        &[Sign::Has("findings[].packageVulnerabilityDetails.vulnerabilityId"), Sign::Has("findings[].awsAccountId")],
    ],
    parse,
};

const TOOL: &str = "Amazon Inspector";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new(TOOL);
    builder.each(file.findings, "/findings", add);
    Ok(vec![builder.finish()])
}

/// What AWS found something on: instances are hosts, container images images; all else is a resource in its account.
/// The kinds are written as `AwsEc2Instance` or `AWS_EC2_INSTANCE`.
pub fn asset(builder: &mut ReportBuilder, account: &str, kind: &str, id: &str) -> (Option<usize>, Option<String>) {
    let last = || id.rsplit(['/', ':']).next().unwrap_or(id);
    match kind.to_ascii_lowercase().replace('_', "").as_str() {
        "awsec2instance" => (builder.asset(AssetKind::Host, last()), None),
        "awsecrcontainerimage" => {
            // arn:aws:ecr:region:account:repository/name/sha256:digest
            let name = id.split_once("repository/").map_or(id, |(_, name)| name);
            let name = name.split_once("/sha256:").map_or(name, |(name, _)| name);
            (builder.asset(AssetKind::Image, words::image_name(name)), None)
        }
        _ => {
            let account = text::some_line(account).map(|account| format!("aws/{account}"));
            (account.and_then(|account| builder.asset(AssetKind::Resource, &account)), text::some_line(id))
        }
    }
}

fn add(builder: &mut ReportBuilder, entry: &InspectorFinding<'_>, place: Box<str>) {
    if entry.title.is_empty() && entry.kind.is_empty() {
        builder.lose(place, "no title");
        return;
    }
    let severity = ratings(entry).severity(&entry.severity);
    let resource = entry.resources.first();
    let (asset, inside) = match resource {
        Some(resource) => asset(builder, &entry.aws_account_id, &resource.kind, &resource.id),
        None => (None, None),
    };
    let package = entry.package_vulnerability_details.vulnerable_packages.first();
    let finding = Finding {
        vulnerability: vulnerability(builder, entry),
        asset,
        component: package.and_then(|package| {
            let name = packages::name(&package.name);
            let purl = packages::purl(&package.package_manager, &name, &package.version);
            builder.component(&name, &package.version, &purl.unwrap_or_default())
        }),
        location: location(entry, inside),
        fingerprint: entry.finding_arn.some_line(),
        analysis: analysis(entry),
        fixed_version: package.and_then(|package| package.fixed_in_version.some_line()),
        found_at: entry.first_observed_at.time(),
        place: Some(place),
        facts: facts(entry),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, &entry.title, &entry.description);
}

fn facts(entry: &InspectorFinding<'_>) -> Vec<(&'static str, String)> {
    let resource = entry.resources.first();
    let packages = &entry.package_vulnerability_details.vulnerable_packages;
    let mut facts = builder::facts([
        ("kind", entry.kind.some_line()),
        ("region", resource.and_then(|resource| resource.region.some_line())),
        ("resource_type", resource.and_then(|resource| resource.kind.some_line())),
        ("image_layer", packages.iter().find_map(|package| package.source_layer_hash.some_line())),
        ("exploit_available", entry.exploit_available.some_line()),
    ]);
    facts.extend(
        packages.iter().skip(1).map(|other| ("package", format!("{} {}", other.name.line(), other.version.line()))),
    );
    facts
}

fn vulnerability(builder: &mut ReportBuilder, entry: &InspectorFinding<'_>) -> usize {
    let (details, code) = (&entry.package_vulnerability_details, &entry.code_vulnerability_details);
    let ids = [&details.vulnerability_id].into_iter().chain(details.related_vulnerabilities.iter());
    let ids = words::each_once(ids.filter_map(Text::some_line));
    builder.vulnerability(&words::key(&ids, TOOL, code.detector_id.or(&entry.title)), || {
        let links = [&details.source_url, &entry.remediation.recommendation.url].into_iter();
        let links = links.chain(details.reference_urls.iter()).chain(code.reference_urls.iter());
        let epss = entry.epss.score.probability();
        ratings(entry).rate(Vulnerability {
            title: code.detector_name.or(&entry.title).title(),
            description: entry.description.text(),
            remediation: remediation(entry),
            severity: ratings(entry).severity(&entry.severity),
            cwes: words::each_once(code.cwes.iter().filter_map(|cwe| words::cwe(cwe))),
            epss,
            references: words::each_once(links.filter_map(Text::some_line)),
            ids,
            ..Vulnerability::default()
        })
    })
}

/// The advice of the package, which says what to type, before the general one.
fn remediation(entry: &InspectorFinding<'_>) -> Option<String> {
    let packages = entry.package_vulnerability_details.vulnerable_packages.iter();
    let advised = packages.map(|package| &package.remediation).find_map(Text::some_text);
    advised.or_else(|| entry.remediation.recommendation.text.some_text().filter(|text| text != "None Provided"))
}

/// `UNTRIAGED` is a word of Inspector's own: its vendor has not rated it yet, so the score speaks, if there is one.
fn ratings(entry: &InspectorFinding<'_>) -> Ratings {
    let adjusted = &entry.inspector_score_details.adjusted_cvss;
    let mut ratings = Ratings::default();
    ratings.add(&adjusted.scoring_vector, adjusted.base_score.0.or(entry.inspector_score.0));
    for cvss in entry.package_vulnerability_details.cvss.iter() {
        ratings.add(&cvss.scoring_vector, cvss.base_score.0);
    }
    ratings
}

fn location(entry: &InspectorFinding<'_>, resource: Option<String>) -> Location {
    let code = &entry.code_vulnerability_details.file_path;
    let packages = &entry.package_vulnerability_details.vulnerable_packages;
    let package_file = || packages.iter().find_map(|package| package.file_path.some_line());
    Location {
        file: code.file_path.or(&code.file_name).some_line().or_else(package_file),
        line: code.start_line.positive(),
        end_line: code.end_line.positive(),
        port: port(&entry.network_reachability_details),
        resource,
        ..Location::default()
    }
}

/// `443/tcp`, or `8000-8100/tcp`.
fn port(network: &NetworkDetails<'_>) -> Option<String> {
    let begin = network.open_port_range.begin.some_line()?;
    let end = network.open_port_range.end.some_line().filter(|end| *end != begin);
    let range = end.map_or_else(|| begin.clone(), |end| format!("{begin}-{end}"));
    Some(format!("{range}/{}", network.protocol.line().to_lowercase()))
}

fn analysis(entry: &InspectorFinding<'_>) -> Option<Analysis> {
    let state = match entry.status.as_str() {
        "SUPPRESSED" => AnalysisState::RiskAccepted,
        "CLOSED" => AnalysisState::Resolved,
        _ => return None,
    };
    Some(Analysis { state, justification: None })
}
