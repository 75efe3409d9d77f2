//! JFrog Xray's vulnerabilities report, as its platform exports it: a row for each issue in each artifact.

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Report, Vulnerability};

/// JFrog Xray, unified.
pub const PARSER: Parser = Parser {
    name: "jfrog_xray_unified",
    title: "JFrog Xray vulnerabilities report (JSON)",
    tool: "JFrog Xray",
    content_types: &["application/json"],
    defectdojo_names: &["JFrog Xray Unified Scan"],
    example: r#"{"total_rows": 1, "rows": [{"cves": [{"cve": "CVE-2026-10001"}], "severity": "High", "summary": "Out of bounds",
  "issue_id": "XRAY-1", "vulnerable_component": "npm://ip:2.0.0", "impacted_artifact": "docker://web:1.2", "fixed_versions": ["2.0.1"]}]}"#,
    shapes: &[
        &[Sign::Has("total_rows"), Sign::Has("rows")],
        &[Sign::Has("rows[].vulnerable_component"), Sign::Has("rows[].impacted_artifact")],
    ],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    rows: Entries<'a, Row<'a>>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow, default)]
    issue_id: Text<'a>,
    #[serde(borrow, default)]
    summary: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    cves: List<Object<Cve<'a>>>,
    #[serde(borrow, default)]
    vulnerable_component: Text<'a>,
    #[serde(borrow, default)]
    impacted_artifact: Text<'a>,
    #[serde(borrow, default)]
    path: Text<'a>,
    #[serde(borrow, default)]
    fixed_versions: List<Text<'a>>,
    #[serde(borrow, default)]
    references: List<Text<'a>>,
    #[serde(borrow, default)]
    package_type: Text<'a>,
    #[serde(borrow, default)]
    provider: Text<'a>,
    #[serde(borrow, default)]
    applicability_result: Text<'a>,
    #[serde(borrow, default)]
    artifact_scan_time: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cve<'a> {
    #[serde(borrow)]
    cve: Text<'a>,
    #[serde(borrow)]
    cwe: List<Text<'a>>,
    cvss_v2_score: Number,
    #[serde(borrow)]
    cvss_v2_vector: Text<'a>,
    cvss_v3_score: Number,
    #[serde(borrow)]
    cvss_v3_vector: Text<'a>,
    cvss_v4_score: Number,
    #[serde(borrow)]
    cvss_v4_vector: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("JFrog Xray");
    builder.each(file.rows, "/rows", add);
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, row: &Row<'_>, place: Box<str>) {
    if row.issue_id.is_empty() && row.cves.is_empty() {
        builder.lose(place, "neither an issue nor a CVE");
        return;
    }
    let head = builder.head();
    head.reported_at = head.reported_at.max(row.artifact_scan_time.time());
    let (_, name, version) = component_id(&row.vulnerable_component);
    let finding = Finding {
        asset: asset(builder, &row.impacted_artifact),
        component: builder.component(name, version, ""),
        analysis: analysis(&row.applicability_result),
        fixed_version: text::joined(row.fixed_versions.iter(), ", "),
        place: Some(place),
        facts: builder::facts([
            ("xray_issue", row.issue_id.some_line()),
            ("package_type", row.package_type.some_line()),
            ("provider", row.provider.some_line()),
            ("applicability", row.applicability_result.some_line()),
            ("artifact_path", row.path.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(row), finding);
}

/// Xray looks whether the vulnerable code can be reached; only one of its answers is about this artifact for sure.
fn analysis(applicability: &str) -> Option<Analysis> {
    let is_out_of_reach = applicability.eq_ignore_ascii_case("not_applicable");
    is_out_of_reach.then_some(Analysis { state: AnalysisState::NotAffected, justification: None })
}

/// Images and builds without their tag or number, packages without their version.
fn asset(builder: &mut ReportBuilder, artifact: &str) -> Option<usize> {
    let (scheme, name, _) = component_id(artifact);
    let kind = match scheme {
        "docker" | "oci" => AssetKind::Image,
        _ => AssetKind::Repository,
    };
    builder.asset(kind, name)
}

/// Scheme, name and version of an id of Xray's, like `rpm://7:java-11-openjdk:0:11.0.6` or `docker://web:1.2`. An
/// epoch is part of the version; the release of a distribution before the name is not part of it.
pub fn component_id(id: &str) -> (&str, &str, &str) {
    let (scheme, rest) = id.split_once("://").unwrap_or(("", id));
    if !matches!(scheme, "rpm" | "deb" | "alpine") {
        let (name, version) = rest.rsplit_once(':').unwrap_or((rest, ""));
        return (scheme, name, version);
    }
    let name_from = if scheme == "deb" { 2 } else { 1 };
    let mut parts = rest.splitn(name_from + 2, ':').skip(name_from);
    match (parts.next(), parts.next()) {
        (Some(name), version) => (scheme, name, version.unwrap_or_default()),
        _ => (scheme, rest, ""),
    }
}

/// A row for one CVE is that CVE; a distribution's advisory for several is Xray's own issue.
fn vulnerability(row: &Row<'_>) -> Vulnerability {
    let ids = words::each_once(row.cves.iter().filter_map(|cve| cve.cve.some_line()));
    let key = if let [only] = ids.as_slice() { only.clone() } else { words::key(&[], "Xray", &row.issue_id) };
    let mut ratings = Ratings::default();
    for cve in row.cves.iter() {
        ratings.add(&cve.cvss_v4_vector, cve.cvss_v4_score.0);
        ratings.add(&cve.cvss_v3_vector, cve.cvss_v3_score.0);
        ratings.add(&cve.cvss_v2_vector, cve.cvss_v2_score.0);
    }
    let cwes = row.cves.iter().flat_map(|cve| cve.cwe.iter());
    let severity = ratings.severity(&row.severity);
    ratings.rate(Vulnerability {
        key,
        title: row.summary.or(&row.issue_id).title(),
        description: row.description.or(&row.summary).text(),
        severity,
        cwes: words::each_once(cwes.filter_map(|cwe| words::cwe(cwe))),
        references: words::each_once(row.references.iter().filter_map(Text::some_line)),
        ids,
        ..Vulnerability::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_ids_of_components_apart() {
        for (id, expected) in [
            ("rpm://7:expat:17:2.1.0-10.el7_3", ("rpm", "expat", "17:2.1.0-10.el7_3")),
            ("deb://debian:stretch:libx11:2:1.6.4-3", ("deb", "libx11", "2:1.6.4-3")),
            ("deb://debian:stretch:libx11", ("deb", "libx11", "")),
            ("gav://org.example:codec:1.2", ("gav", "org.example:codec", "1.2")),
            ("docker://reg/web:1.2", ("docker", "reg/web", "1.2")),
            ("npm://ip", ("npm", "ip", "")),
            ("rpm://odd", ("rpm", "odd", "")),
        ] {
            assert_eq!(component_id(id), expected, "{id}");
        }
    }
}
