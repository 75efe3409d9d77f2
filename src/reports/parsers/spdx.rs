//! SPDX 2.x, JSON and tag-value: the security references of its packages that name a vulnerability. Each vulnerability
//! of a package is a finding; a bill of materials without any is a valid empty report.

mod schema;
mod tags;

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Report, Vulnerability};
use schema::{ExternalReference, Package};

/// SPDX.
pub const PARSER: Parser = Parser {
    name: "spdx",
    title: "SPDX 2 (JSON, tag-value)",
    tool: "Syft, Trivy and many more",
    content_types: &["application/spdx+json", "text/spdx", "application/json"],
    defectdojo_names: &["SPDX Scan"],
    example: r#"{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "web", "packages": [
  {"SPDXID": "SPDXRef-zlib", "name": "zlib", "versionInfo": "1.2", "externalRefs": [{"referenceCategory": "SECURITY",
   "referenceType": "advisory", "referenceLocator": "https://nvd.nist.gov/vuln/detail/CVE-2026-10001"}]}]}"#,
    shapes: &[
        &[Sign::Says("spdxVersion", "SPDX-2"), Sign::Has("SPDXID")],
        &[Sign::Contains("SPDXVersion: SPDX-2"), Sign::Contains("DataLicense:")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let document = if text.trim_start().starts_with('{') { json::read(text)? } else { tags::read(text)? };
    let mut builder = ReportBuilder::new("SPDX");
    let head = builder.head();
    let mut creators = document.creation_info.creators.iter();
    if let Some(tool) = creators.find_map(|creator| text::some_line(creator.strip_prefix("Tool:")?)) {
        // A name before the version, if there is one.
        let (name, version) = tool.rsplit_once('-').filter(|(name, _)| text::is_line(name)).unwrap_or((&tool, ""));
        (head.tool, head.tool_version) = (name.to_owned(), text::some_line(version));
    }
    head.reported_at = document.creation_info.created.time();
    head.target = text::some_line(words::image_name(&document.name));
    builder.each(document.packages, "/packages", |builder, package, place| add(builder, package, &place));
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, package: &Package<'_>, place: &str) {
    let purl = package.external_refs.iter().find(|reference| reference.kind.as_str() == "purl");
    let purl = purl.map_or("", |reference| reference.locator.as_str());
    let (mut ids, mut by_id) = (Vec::new(), HashMap::new());
    for reference in package.external_refs.iter().filter(|reference| names_fault(reference)) {
        for id in named_by(&reference.locator) {
            let references: &mut Vec<_> = by_id.entry(id.clone()).or_default();
            if references.is_empty() {
                ids.push(id);
            }
            references.push(reference);
        }
    }
    for id in ids {
        let of_id: &[&ExternalReference<'_>] = &by_id[&id];
        let vulnerability = builder.vulnerability(&id, || Vulnerability {
            title: text::title(&id),
            ids: vec![id.clone()],
            ..Vulnerability::default()
        });
        // Links are of the package: another one may have other advisories for the same vulnerability.
        let links: Vec<_> = of_id.iter().filter_map(|reference| reference.locator.some_line()).collect();
        builder.add_references(vulnerability, &links);
        let fix = of_id.iter().find(|reference| reference.kind.ends_with("fix"));
        let component = builder.component(&package.name, &package.version_info, purl);
        builder.add(Finding {
            vulnerability,
            component,
            // SPDX rates nothing, but a reference to an advisory asks for an answer, so it is not left unknown.
            severity: Some(Severity::Medium),
            place: Some(place.into()),
            facts: facts([
                ("fix", fix.and_then(|fix| fix.locator.some_line())),
                ("comment", of_id.iter().find_map(|reference| reference.comment.some_text())),
            ]),
            ..Finding::default()
        });
    }
}

/// The CVE and GHSA ids in a locator; where there is none, another database's, whose page ends in it.
fn named_by(locator: &str) -> Vec<String> {
    let known = words::ids_in(locator);
    let last = words::url_without_query(locator).trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let other = text::some_line(last).filter(|last| known.is_empty() && words::is_vulnerability_id(last));
    known.into_iter().chain(other).collect()
}

/// Whether the reference is about a vulnerability: SPDX counts CPE and SWID, which name the package, as security, too.
fn names_fault(reference: &ExternalReference<'_>) -> bool {
    let kind: &Text<'_> = &reference.kind;
    reference.category.eq_ignore_ascii_case("security") && !kind.contains("cpe") && !kind.contains("swid")
}
