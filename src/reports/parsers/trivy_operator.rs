//! The reports that Trivy Operator keeps in a cluster, as `kubectl get … -o json` prints them: one, a list of
//! Kubernetes, a plain list, or lists by kind. Vulnerabilities, misconfigurations, secrets, compliance.

mod names;
mod schema;

use std::collections::HashMap;

use serde::Deserialize;

use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries, Pairs};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};
use names::{check_id, stable_name};
use schema::{Check, ControlResult, ControlSpec, ControlSummary, Head, Items, Resource, Secret, Vulnerable};

/// Trivy Operator.
pub const PARSER: Parser = Parser {
    name: "trivy_operator",
    title: "Trivy Operator reports",
    tool: "Trivy Operator",
    content_types: &["application/json"],
    defectdojo_names: &["Trivy Operator Scan"],
    example: r#"{"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReport", "metadata": {"labels":
 {"trivy-operator.resource.kind": "Deployment", "trivy-operator.resource.name": "web"}}, "report": {"vulnerabilities":
 [{"vulnerabilityID": "CVE-2026-10001", "resource": "zlib", "installedVersion": "1.2", "severity": "HIGH"}]}}"#,
    shapes: &[
        &[Sign::Says("apiVersion", "aquasecurity.github.io")],
        &[Sign::Says("[].apiVersion", "aquasecurity.github.io")],
        &[Sign::Says("items[].apiVersion", "aquasecurity.github.io")],
        &[Sign::List("vulnerabilityreports.aquasecurity.github.io")],
        &[Sign::List("configauditreports.aquasecurity.github.io")],
        &[Sign::List("exposedsecretreports.aquasecurity.github.io")],
        &[Sign::List("rbacassessmentreports.aquasecurity.github.io")],
        &[Sign::List("infraassessmentreports.aquasecurity.github.io")],
        &[Sign::List("clustercompliancereports.aquasecurity.github.io")],
        &[Sign::List("clustervulnerabilityreports.aquasecurity.github.io")],
        &[Sign::List("clusterconfigauditreports.aquasecurity.github.io")],
        &[Sign::List("clusterrbacassessmentreports.aquasecurity.github.io")],
        &[Sign::List("clusterinfraassessmentreports.aquasecurity.github.io")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Trivy Operator");
    for (path, resources) in lists(text)? {
        builder.each_owned(resources, &path, |builder, resource, place| {
            Within::new(builder, &resource).all(resource, &place);
        });
    }
    Ok(vec![builder.finish()])
}

/// The resources in the file, list by list.
fn lists(text: &str) -> Result<Vec<(String, Entries<'_, Resource<'_>>)>, ParseError> {
    if text.trim_start().starts_with('[') {
        return Ok(vec![(String::new(), json::read(text)?)]);
    }
    let head: Head<'_> = json::read(text)?;
    if head.kind.ends_with("List") || head.items.is_some() {
        return Ok(vec![("/items".to_owned(), json::read::<Items<'_>>(text)?.items)]);
    }
    if head.kind.is_empty() && head.metadata.is_none() {
        let kinds: Pairs<Text<'_>, Entries<'_, Resource<'_>>> = json::read(text)?;
        return Ok(kinds.0.into_iter().map(|(kind, list)| (format!("/{}", kind.line()), list)).collect());
    }
    Ok(vec![(String::new(), json::read(text)?)])
}

/// One report of the cluster.
struct Within<'b> {
    builder: &'b mut ReportBuilder,
    asset: Option<usize>,
    image: Option<String>,
    container: Option<String>,
}

impl<'b> Within<'b> {
    fn new(builder: &'b mut ReportBuilder, resource: &Resource<'_>) -> Self {
        let head = builder.head();
        head.tool_version = head.tool_version.take().or_else(|| resource.report.scanner.version.some_line());
        let time = resource.report.update_timestamp.or(&resource.status.update_timestamp).time();
        head.reported_at = head.reported_at.max(time);
        let labels = &resource.metadata.labels;
        let name = stable_name(&labels.kind, &labels.name);
        let parts = [labels.namespace.line(), labels.kind.line(), name];
        let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        let artifact = [&resource.report.registry.server, &resource.report.artifact.repository];
        let image = artifact.into_iter().filter_map(Text::some_line).collect::<Vec<_>>().join("/");
        let asset = builder.asset(AssetKind::Resource, &name);
        Self { builder, asset, image: text::some(image), container: labels.container.some_line() }
    }

    fn all(&mut self, resource: Resource<'_>, place: &str) {
        let report = resource.report.0;
        self.each(report.vulnerabilities, &format!("{place}/report/vulnerabilities"), Self::vulnerable);
        self.each(report.checks, &format!("{place}/report/checks"), |within, check, place| {
            within.check(check, "", place);
        });
        self.each(report.secrets, &format!("{place}/report/secrets"), Self::secret);
        let status = resource.status.0;
        for (number, result) in status.detail_report.0.results.0.into_iter().enumerate() {
            self.control(result, &format!("{place}/status/detailReport/results/{number}/checks"));
        }
        let path = format!("{place}/status/summaryReport/controlCheck");
        let specs: HashMap<_, _> = resource.spec.compliance.controls.iter().map(|spec| (&spec.id, spec)).collect();
        self.each(status.summary_report.0.control_check, &path, |within, control, place| {
            within.control_summary(control, specs.get(&control.id).copied(), place);
        });
    }

    fn each<'a, T: Deserialize<'a>>(
        &mut self,
        entries: Entries<'a, T>,
        path: &str,
        mut add: impl FnMut(&mut Self, &T, Box<str>),
    ) {
        for (index, entry) in entries.into_iter().enumerate() {
            let place = format!("{path}/{index}");
            if let Some(entry) = self.builder.keep(entry, &place) {
                add(self, &entry, place.into());
            }
        }
    }

    fn vulnerable(&mut self, entry: &Vulnerable<'_>, place: Box<str>) {
        let ratings = ratings(entry);
        let severity = ratings.severity(&entry.severity);
        let vulnerability = self.builder.vulnerability(&entry.id.line(), || {
            let links = [&entry.primary_link].into_iter().chain(entry.links.iter());
            let mut vulnerability = Vulnerability {
                title: entry.title.or(&entry.id).title(),
                description: entry.description.text(),
                severity,
                ids: vec![entry.id.line()],
                references: words::each_once(links.filter_map(Text::some_line)),
                ..Vulnerability::default()
            };
            ratings.fill(&mut vulnerability);
            vulnerability
        });
        let finding = Finding {
            vulnerability,
            component: self.builder.component(&entry.resource, &entry.installed_version, &entry.purl),
            location: Location { file: entry.path.or(&entry.target).some_line(), ..self.location() },
            fixed_version: entry.fixed_version.some_line(),
            ..self.finding(place, [("package_type", entry.package_type.some_line())])
        };
        self.builder.add_differing(finding, severity, entry.title.or(&entry.id), &entry.description);
    }

    /// A check without a severity of its own has that of its control.
    fn check(&mut self, entry: &Check<'_>, severity_of_control: &str, place: Box<str>) {
        if entry.success == Some(true) {
            return;
        }
        let own = words::severity(&entry.severity);
        let severity = own.unwrap_or_else(|| words::severity_or_unknown(severity_of_control));
        let id = check_id(&entry.id.line());
        let own_key = if id.is_empty() { entry.title.title() } else { id.clone() };
        let vulnerability = self.builder.vulnerability(&format!("Trivy:{own_key}"), || Vulnerability {
            title: entry.title.or(&entry.id).title(),
            description: entry.description.text(),
            remediation: entry.remediation.some_text(),
            severity,
            ids: text::some(id).into_iter().collect(),
            ..Vulnerability::default()
        });
        let mut location = self.location();
        location.resource = entry.target.some_line().or(location.resource);
        let finding =
            Finding { vulnerability, location, ..self.finding(place, [("category", entry.category.some_line())]) };
        let messages: Vec<String> = entry.messages.iter().filter_map(Text::some_text).collect();
        self.builder.add_differing(finding, severity, entry.title.or(&entry.id), &messages.join("\n"));
    }

    fn secret(&mut self, entry: &Secret<'_>, place: Box<str>) {
        let severity = words::severity_or_unknown(&entry.severity);
        let vulnerability = self.builder.vulnerability(&format!("Trivy:{}", entry.rule.line()), || Vulnerability {
            title: entry.title.or(&entry.rule).title(),
            severity,
            ..Vulnerability::default()
        });
        let location = Location { file: entry.target.some_line(), snippet: entry.found.some_text(), ..self.location() };
        let finding =
            Finding { vulnerability, location, ..self.finding(place, [("category", entry.category.some_line())]) };
        self.builder.add_differing(finding, severity, "", "");
    }

    fn control(&mut self, control: ControlResult<'_>, path: &str) {
        let severity = control.severity;
        self.each(control.checks, path, |within, check, place| within.check(check, &severity, place));
    }

    /// The short form of compliance: a control with the number of its failures.
    fn control_summary(&mut self, control: &ControlSummary<'_>, spec: Option<&ControlSpec<'_>>, place: Box<str>) {
        let Some(failures) = control.total_fail.positive() else { return };
        let severity = words::severity_or_unknown(&control.severity);
        let checks = spec.into_iter().flat_map(|spec| spec.checks.iter());
        let key = format!("Trivy:compliance:{}", control.id.line());
        let vulnerability = self.builder.vulnerability(&key, || Vulnerability {
            title: control.name.or(&control.id).title(),
            description: spec.map(|spec| spec.description.text()).unwrap_or_default(),
            severity,
            ids: words::each_once(checks.map(|check| check_id(&check.id.line()))),
            ..Vulnerability::default()
        });
        let finding = self.finding(place, [("failures", Some(failures.to_string()))]);
        self.builder.add_differing(Finding { vulnerability, ..finding }, severity, "", "");
    }

    fn location(&self) -> Location {
        Location { resource: self.image.clone(), ..Location::default() }
    }

    fn finding<const N: usize>(&self, place: Box<str>, known: [(&'static str, Option<String>); N]) -> Finding {
        let mut known = facts(known);
        known.extend(facts([("container", self.container.clone())]));
        Finding { asset: self.asset, place: Some(place), facts: known, ..Finding::default() }
    }
}

fn ratings(entry: &Vulnerable<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    for (_, cvss) in &entry.cvss.0 {
        ratings.add(&cvss.v3_vector, cvss.v3_score.0);
        ratings.add(&cvss.v2_vector, cvss.v2_score.0);
    }
    ratings.add("", entry.score.0);
    ratings
}
