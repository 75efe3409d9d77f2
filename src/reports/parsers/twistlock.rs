//! Twistlock, now Prisma Cloud Compute: the JSON of `twistcli` and the tables of its console. What an image does not
//! comply with is a finding, too.

mod table;

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};

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
        &[Sign::Column("cve id"), Sign::Column("compliance id"), Sign::Column("fix status"), Sign::Column("packages")],
    ],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    results: Entries<'a, Image<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Image<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    scan_time: Text<'a>,
    #[serde(borrow, default)]
    vulnerabilities: Entries<'a, Entry<'a>>,
    #[serde(borrow, default)]
    compliances: Entries<'a, Compliance<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(default)]
    cvss: Number,
    #[serde(borrow, default)]
    vector: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    package_name: Text<'a>,
    #[serde(borrow, default)]
    package_version: Text<'a>,
    #[serde(borrow, default)]
    package_path: Text<'a>,
    #[serde(borrow, default)]
    package_type: Text<'a>,
    #[serde(borrow, default)]
    link: Text<'a>,
    #[serde(borrow, default)]
    layer_instruction: Text<'a>,
    #[serde(borrow, default)]
    discovered_date: Text<'a>,
}

#[derive(Deserialize)]
struct Compliance<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
    #[serde(borrow, default)]
    cause: Text<'a>,
    #[serde(borrow, default)]
    category: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Twistlock");
    if !text.trim_start().starts_with('{') {
        table::read(text, &mut builder)?;
        return Ok(vec![builder.finish()]);
    }
    let file: File<'_> = json::read(text)?;
    for (index, image) in file.results.into_iter().enumerate() {
        let path = format!("/results/{index}");
        if let Some(image) = builder.keep(image, &path) {
            add_image(&mut builder, image, &path);
        }
    }
    Ok(vec![builder.finish()])
}

fn add_image(builder: &mut ReportBuilder, image: Image<'_>, path: &str) {
    let asset = asset(builder, words::image_name(&image.name));
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
    let severity = ratings.severity(&entry.severity);
    let ids: Vec<String> = entry.id.some_line().into_iter().collect();
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
        key: words::key(&ids, "Twistlock", &entry.id),
        title: entry.id.title(),
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
