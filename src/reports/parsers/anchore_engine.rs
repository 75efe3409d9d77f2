//! Anchore Engine's JSON of an image's vulnerabilities. What it does not know, it writes as the text `None`.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};

/// Anchore Engine.
pub const PARSER: Parser = Parser {
    name: "anchore_engine",
    title: "Anchore Engine JSON",
    tool: "Anchore Engine",
    content_types: &["application/json"],
    defectdojo_names: &["Anchore Engine Scan"],
    example: r#"{"imageDigest": "sha256:abc", "vulnerability_type": "os", "vulnerabilities": [{"vuln": "CVE-2026-10001",
  "package_name": "zlib", "package_version": "1.2", "package_path": "None", "severity": "High", "fix": "1.3", "feed": "vulnerabilities"}]}"#,
    shapes: &[
        &[Sign::Has("vulnerability_type"), Sign::Has("vulnerabilities"), Sign::Has("imageDigest")],
        &[Sign::Has("vulnerability_type"), Sign::Has("vulnerabilities"), Sign::Has("image_digest")],
        &[
            Sign::Has("vulnerabilities[].vuln"),
            Sign::Has("vulnerabilities[].package_name"),
            Sign::Has("vulnerabilities[].feed"),
        ],
    ],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, rename = "imageFullTag", default)]
    full_tag: Text<'a>,
    #[serde(borrow)]
    vulnerabilities: Entries<'a, Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    vuln: Text<'a>,
    #[serde(borrow, default)]
    package: Text<'a>,
    #[serde(borrow, default)]
    package_name: Text<'a>,
    #[serde(borrow, default)]
    package_version: Text<'a>,
    #[serde(borrow, default)]
    package_type: Text<'a>,
    #[serde(borrow, default)]
    package_path: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    url: Text<'a>,
    #[serde(borrow, default)]
    fix: Text<'a>,
    #[serde(borrow, default)]
    feed_group: Text<'a>,
    #[serde(borrow, default)]
    inherited_from_base: Text<'a>,
    #[serde(borrow, default)]
    nvd_data: List<Object<Scores<'a>>>,
    #[serde(borrow, default)]
    vendor_data: List<Object<Scores<'a>>>,
    #[serde(borrow, default)]
    extra: Object<Extra<'a>>,
}

/// Scores of one CVE; -1 stands for none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Scores<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    cvss_v2: Object<Score<'a>>,
    #[serde(borrow)]
    cvss_v3: Object<Score<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Score<'a> {
    base_score: Number,
    #[serde(borrow)]
    vector_string: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extra<'a> {
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    nvd_data: List<Object<Scores<'a>>>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Anchore Engine");
    let image = words::image_name(&file.full_tag);
    builder.head().target = text::some_line(image);
    let asset = builder.asset(AssetKind::Image, image);
    builder.each(file.vulnerabilities, "/vulnerabilities", |builder, entry, place| add(builder, entry, asset, place));
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Entry<'_>, asset: Option<usize>, place: Box<str>) {
    let finding = Finding {
        asset,
        component: builder.component(entry.package_name.or(&entry.package), &entry.package_version, ""),
        // What the system's own package manager knows is in no file.
        location: Location { file: known(&entry.package_path).filter(|path| path != "pkgdb"), ..Location::default() },
        fixed_version: known(&entry.fix),
        place: Some(place),
        facts: builder::facts([
            ("package_type", known(&entry.package_type)),
            ("feed", known(&entry.feed_group)),
            ("inherited_from_base", Some(entry.inherited_from_base.line()).filter(|word| word == "true")),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(entry), finding);
}

fn known(text: &Text<'_>) -> Option<String> {
    text.some_line().filter(|text| text != "None")
}

fn vulnerability(entry: &Entry<'_>) -> Vulnerability {
    let scores = || entry.nvd_data.iter().chain(entry.vendor_data.iter()).chain(entry.extra.nvd_data.iter());
    let cves = scores().filter_map(|scores| known(&scores.id)).filter(|id| words::is_vulnerability_id(id));
    let ids = words::each_once(known(&entry.vuln).into_iter().chain(cves));
    let mut ratings = Ratings::default();
    for score in scores().flat_map(|scores| [&scores.cvss_v3, &scores.cvss_v2]) {
        ratings.add(&score.vector_string, score.base_score.0);
    }
    let severity = severity(&ratings, &entry.severity);
    ratings.rate(Vulnerability {
        key: words::key(&ids, "Anchore", &entry.vuln),
        title: entry.vuln.title(),
        description: entry.extra.description.text(),
        severity,
        references: known(&entry.url).into_iter().collect(),
        ids,
        ..Vulnerability::default()
    })
}

/// Anchore takes its words from the distributions, to which `Negligible` is a problem only in theory.
fn severity(ratings: &Ratings, word: &str) -> Severity {
    if word.eq_ignore_ascii_case("negligible") { Severity::None } else { ratings.severity(word) }
}
