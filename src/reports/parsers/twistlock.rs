//! Twistlock, now Prisma Cloud Compute: the JSON of `twistcli` and of its API, and the tables of its console. What an
//! image or a host does not comply with is a finding, too.

mod schema;
mod table;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries};
use crate::reports::read::text;
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};
use crate::reports::sniff::Sniff;
use schema::{Compliance, Entry, File, Image, Scan};

/// Twistlock.
pub const PARSER: Parser = Parser {
    name: "twistlock",
    title: "Twistlock / Prisma Cloud image scan (JSON, CSV)",
    tool: "Twistlock",
    content_types: &["application/json", "text/csv"],
    defectdojo_names: &["Twistlock Image Scan"],
    example: r#"{"results": [{"id": "sha256:abc", "name": "web:1.2", "distro": "Alpine Linux v3.20", "vulnerabilities": [
  {"id": "CVE-2026-10001", "severity": "high", "packageName": "zlib", "packageVersion": "1.2", "status": "fixed in 1.3"}]}]}"#,
    shapes: &[
        &[Sign::Has("results[].vulnerabilityDistribution"), Sign::Has("results[].complianceDistribution")],
        &[Sign::Has("results[].vulnerabilities[].packageName"), Sign::Has("results[].distro")],
        &[
            Sign::Has("results[].vulnerabilities[].packageName"),
            Sign::Has("results[].vulnerabilities[].packageVersion"),
        ],
        &[Sign::Has("[].entityInfo.vulnerabilities"), Sign::Has("[].entityInfo.complianceIssues")],
        &[Sign::Has("[].vulnerabilityDistribution"), Sign::Has("[].complianceIssues")],
        &[Sign::Column("cve id"), Sign::Column("compliance id"), Sign::Column("fix status"), Sign::Column("packages")],
        &[
            Sign::Column("cve id"),
            Sign::Column("fix status"),
            Sign::Column("packages"),
            Sign::Column("package version"),
        ],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Twistlock");
    if !text.trim_start().starts_with(['{', '[']) {
        table::read(text, &mut builder)?;
        return Ok(vec![builder.finish()]);
    }
    if text.trim_start().starts_with('[') {
        if Sniff::first(text).has("[].entityInfo") {
            let scans: Entries<'_, Scan<'_>> = json::read(text)?;
            add_images(&mut builder, scans.into_iter().map(|scan| Ok(scan?.entity_info)), "");
        } else {
            add_images(&mut builder, json::read::<Entries<'_, Image<'_>>>(text)?, "");
        }
    } else {
        let file: File<'_> = json::read(text)?;
        add_images(&mut builder, file.results, "/results");
    }
    Ok(vec![builder.finish()])
}

fn add_images<'a>(
    builder: &mut ReportBuilder,
    images: impl IntoIterator<Item = Result<Image<'a>, Box<str>>>,
    path: &str,
) {
    for (index, image) in images.into_iter().enumerate() {
        let path = format!("{path}/{index}");
        if let Some(image) = builder.keep(image, &path) {
            add_image(builder, image, &path);
        }
    }
}

fn add_image(builder: &mut ReportBuilder, image: Image<'_>, path: &str) {
    let tagged = text::joined([&image.repo_tag.registry, &image.repo_tag.repo], "/").unwrap_or_default();
    let name = if image.name.is_empty() { &tagged } else { image.name.as_str() };
    let asset = asset(builder, words::image_name(name)).or_else(|| builder.asset(AssetKind::Host, &image.hostname));
    let head = builder.head();
    head.reported_at = head.reported_at.max(image.scan_time.time());
    builder.each(image.vulnerabilities, &format!("{path}/vulnerabilities"), |builder, entry, place| {
        add(builder, entry, asset, place);
    });
    builder.each(image.compliances, &format!("{path}/compliances"), |builder, entry, place| {
        add_compliance(builder, entry, asset, place);
    });
}

fn asset(builder: &mut ReportBuilder, name: &str) -> Option<usize> {
    let asset = builder.asset(AssetKind::Image, name)?;
    builder.head().target.get_or_insert_with(|| text::line(name));
    Some(asset)
}

fn add(builder: &mut ReportBuilder, entry: &Entry<'_>, asset: Option<usize>, place: Box<str>) {
    let mut ratings = Ratings::default();
    ratings.add(&entry.vector, entry.cvss.0.filter(|score| *score > 0.0));
    let severity = severity(&ratings, &entry.severity);
    let id = entry.cve.or(&entry.id);
    let ids: Vec<String> = id.some_line().into_iter().collect();
    let finding = Finding {
        asset,
        component: builder.component(&entry.package_name, &entry.package_version, ""),
        location: Location { file: entry.package_path.some_line(), ..Location::default() },
        fixed_version: entry.status.strip_prefix("fixed in ").and_then(text::some_line),
        found_at: entry.discovered_date.time(),
        place: Some(place),
        facts: builder::facts([
            ("fix_status", entry.status.some_line()),
            ("package_type", entry.package_type.some_line()),
            ("image_layer", entry.layer_instruction.some_line()),
        ]),
        ..Finding::default()
    };
    let vulnerability = Vulnerability {
        key: words::key(&ids, "Twistlock", id),
        title: id.title(),
        description: entry.description.text(),
        severity,
        references: entry.link.some_line().into_iter().collect(),
        ids,
        ..Vulnerability::default()
    };
    builder.add_of(ratings.rate(vulnerability), finding);
}

fn add_compliance(builder: &mut ReportBuilder, entry: &Compliance<'_>, asset: Option<usize>, place: Box<str>) {
    if entry.id.is_empty() && entry.title.is_empty() {
        builder.lose(place, "neither id nor title");
        return;
    }
    let finding = Finding {
        asset,
        description: entry.cause.some_text(),
        place: Some(place),
        facts: builder::facts([("category", entry.category.some_line())]),
        ..Finding::default()
    };
    let vulnerability = Vulnerability {
        key: words::key(&[], "Twistlock", entry.id.or(&entry.title)),
        title: entry.title.or(&entry.id).title(),
        description: entry.description.text(),
        severity: words::severity_or_unknown(&entry.severity),
        ..Vulnerability::default()
    };
    builder.add_of(vulnerability, finding);
}

/// The words of the distributions, as Prisma Cloud normalizes them: what is not rated counts as low.
fn severity(ratings: &Ratings, word: &str) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "unimportant" | "unassigned" | "not yet assigned" => Severity::Low,
        word => ratings.severity(word),
    }
}
