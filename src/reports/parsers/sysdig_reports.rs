//! Sysdig Secure's vulnerability reports: CSV and JSON of the reporting that ended in 2025 and of the one since.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries, List};
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};

/// Sysdig.
pub const PARSER: Parser = Parser {
    name: "sysdig_reports",
    title: "Sysdig vulnerability report (CSV, JSON)",
    tool: "Sysdig Secure",
    content_types: &["text/csv", "application/json"],
    defectdojo_names: &["Sysdig Vulnerability Report"],
    example: "Vulnerability ID,Severity,Package name,Package version,Package type,Image,CVSS score,Fix version\n\
              CVE-2026-10001,High,zlib,1.2,os,shop/web:1.2,7.5,1.3\n",
    shapes: &[
        &[
            Sign::Column("vulnerability id"),
            Sign::Column("package name"),
            Sign::Column("package type"),
            Sign::Column("image"),
        ],
        &[Sign::Column("vulnerability name"), Sign::Column("vulnerability severity"), Sign::Column("package name")],
        &[Sign::Has("data[].vulnName"), Sign::Has("data[].packageName"), Sign::Has("data[].imageId")],
        &[Sign::Has("panels[].data[].vuln_id"), Sign::Has("panels[].data[].scan_package_name")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    data: Entries<'a, Vulnerable<'a>>,
    #[serde(borrow)]
    panels: List<Panel<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Panel<'a> {
    #[serde(borrow)]
    data: Entries<'a, Vulnerable<'a>>,
}

/// A row, by the names of the JSON until 2025 and since.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Vulnerable<'a> {
    #[serde(borrow, alias = "vuln_id")]
    vuln_name: Text<'a>,
    #[serde(borrow, alias = "vuln_severity")]
    vuln_severity: Text<'a>,
    #[serde(borrow)]
    vuln_link: Text<'a>,
    #[serde(borrow, alias = "vuln_cvss_score")]
    vuln_cvss_score: Text<'a>,
    #[serde(borrow, alias = "vuln_cvss_vector")]
    vuln_cvss_vector: Text<'a>,
    #[serde(borrow, alias = "vuln_disclosure_date")]
    vuln_disclosure_date: Text<'a>,
    #[serde(borrow, alias = "vuln_has_exploit")]
    vuln_exploitable: Text<'a>,
    #[serde(borrow, alias = "vuln_fixed_in_version")]
    vuln_fix_version: Text<'a>,
    #[serde(borrow, rename = "vuln_risk_accepted")]
    risk_accepted: Text<'a>,
    #[serde(borrow, rename = "vuln_cisa_kev_publish_date")]
    kev_publish_date: Text<'a>,
    #[serde(borrow, alias = "scan_package_name")]
    package_name: Text<'a>,
    #[serde(borrow, alias = "scan_package_version")]
    package_version: Text<'a>,
    #[serde(borrow, alias = "scan_package_type")]
    package_type: Text<'a>,
    #[serde(borrow, alias = "scan_package_path")]
    package_path: Text<'a>,
    #[serde(borrow)]
    package_suggested_fix: Text<'a>,
    #[serde(borrow, rename = "scan_package_in_use")]
    package_in_use: Text<'a>,
    #[serde(borrow, alias = "container_image")]
    image_pull_string: Text<'a>,
    #[serde(borrow, alias = "container_image_id")]
    image_id: Text<'a>,
    #[serde(borrow, alias = "container_image_distro")]
    os_name: Text<'a>,
    #[serde(borrow, alias = "kubernetes_cluster_name")]
    k8s_cluster_name: Text<'a>,
    #[serde(borrow, alias = "kubernetes_namespace_name")]
    k8s_namespace_name: Text<'a>,
    #[serde(borrow, alias = "kubernetes_workload_type")]
    k8s_workload_type: Text<'a>,
    #[serde(borrow, alias = "kubernetes_workload_name")]
    k8s_workload_name: Text<'a>,
    #[serde(borrow, alias = "kubernetes_pod_container_name")]
    k8s_pod_container_name: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Sysdig");
    if text.trim_start().starts_with('{') {
        let file: File<'_> = json::read(text)?;
        builder.each(file.data, "/data", add);
        for (number, panel) in file.panels.0.into_iter().enumerate() {
            builder.each(panel.data, &format!("/panels/{number}/data"), add);
        }
    } else {
        Table::new(text)?.each(|line, row| {
            let place = format!("line {line}");
            match row {
                Ok(row) => add(&mut builder, &from_row(row), place.into()),
                Err(detail) => builder.lose(place, &detail),
            }
            Ok(())
        })?;
    }
    Ok(vec![builder.finish()])
}

fn from_row<'r>(row: &'r Row<'_>) -> Vulnerable<'r> {
    let text = |columns: &[&str]| Text::from(row.first(columns));
    Vulnerable {
        vuln_name: text(&["vulnerability name", "vulnerability id"]),
        vuln_severity: text(&["vulnerability severity", "severity"]),
        vuln_link: text(&["vuln link"]),
        vuln_cvss_score: text(&["cvss score"]),
        vuln_cvss_vector: text(&["cvss vector"]),
        vuln_disclosure_date: text(&["disclosure date", "vuln publish date"]),
        vuln_exploitable: text(&["public exploit"]),
        vuln_fix_version: text(&["fix version"]),
        risk_accepted: text(&["risk accepted"]),
        kev_publish_date: text(&["cisa kev publish date"]),
        package_name: text(&["package name"]),
        package_version: text(&["package version"]),
        package_type: text(&["package type"]),
        package_path: text(&["package path"]),
        package_suggested_fix: text(&["package suggested fix"]),
        package_in_use: text(&["package in use"]),
        image_pull_string: text(&["image name", "image", "registry image repository"]),
        image_id: text(&["image id"]),
        os_name: text(&["os name"]),
        k8s_cluster_name: text(&["kubernetes cluster name", "k8s cluster name"]),
        k8s_namespace_name: text(&["kubernetes namespace name", "k8s namespace name"]),
        k8s_workload_type: text(&["kubernetes workload type", "k8s workload type"]),
        k8s_workload_name: text(&["kubernetes workload name", "k8s workload name"]),
        k8s_pod_container_name: text(&["kubernetes container name", "k8s container name"]),
    }
}

fn add(builder: &mut ReportBuilder, entry: &Vulnerable<'_>, place: Box<str>) {
    if entry.vuln_name.is_empty() {
        builder.lose(place, "no vulnerability");
        return;
    }
    let workload = [
        &entry.k8s_cluster_name,
        &entry.k8s_namespace_name,
        &entry.k8s_workload_type,
        &entry.k8s_workload_name,
        &entry.k8s_pod_container_name,
    ];
    let workload: Vec<String> = workload.into_iter().filter_map(Text::some_line).collect();
    let accepted = entry.risk_accepted.eq_ignore_ascii_case("true") || entry.risk_accepted.eq_ignore_ascii_case("yes");
    let finding = Finding {
        asset: builder.asset(AssetKind::Image, words::image_name(&entry.image_pull_string)),
        component: builder.component(&entry.package_name, &entry.package_version, ""),
        location: Location {
            file: words::file_path(&entry.package_path),
            resource: text::some(workload.join("/")),
            ..Location::default()
        },
        analysis: accepted.then_some(Analysis { state: AnalysisState::RiskAccepted, justification: None }),
        fixed_version: entry.vuln_fix_version.or(&entry.package_suggested_fix).some_line(),
        place: Some(place),
        facts: facts([
            ("package_type", entry.package_type.some_line()),
            ("package_in_use", entry.package_in_use.some_line()),
            ("image_id", entry.image_id.some_line()),
            ("operating_system", entry.os_name.some_line()),
            ("has_exploit", entry.vuln_exploitable.some_line()),
            ("disclosed_at", entry.vuln_disclosure_date.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(entry), finding);
}

fn vulnerability(entry: &Vulnerable<'_>) -> Vulnerability {
    let mut ratings = Ratings::default();
    ratings.add(&entry.vuln_cvss_vector, entry.vuln_cvss_score.number());
    let ids = vec![entry.vuln_name.line()];
    let mut vulnerability = Vulnerability {
        key: words::key(&ids, "Sysdig", &entry.vuln_name),
        title: entry.vuln_name.title(),
        severity: severity(&entry.vuln_severity).unwrap_or_else(|| ratings.severity(&entry.vuln_severity)),
        ids,
        known_exploited: !entry.kev_publish_date.is_empty(),
        references: entry.vuln_link.some_line().into_iter().collect(),
        ..Vulnerability::default()
    };
    ratings.fill(&mut vulnerability);
    vulnerability
}

/// Sysdig ranks `Negligible` below `Low`, and below that `Other`, which its sources do not rate.
fn severity(word: &str) -> Option<Severity> {
    match word.to_ascii_lowercase().as_str() {
        "negligible" => Some(Severity::None),
        "other" => Some(Severity::Unknown),
        _ => None,
    }
}
