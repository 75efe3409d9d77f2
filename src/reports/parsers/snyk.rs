//! Snyk's JSON: `snyk test`, `snyk container test` and `snyk iac test`, of one project or of several.
//!
//! `snyk code test` writes SARIF. A container's report holds the projects found inside the image, too. What a policy
//! ignores or patches (`filtered`) is a finding with that state.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::sarif;
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, List};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};
use schema::{IacIssue, Issue, Project, Rule};

/// Snyk.
pub const PARSER: Parser = Parser {
    name: "snyk",
    title: "Snyk JSON",
    tool: "Snyk",
    content_types: &["application/json"],
    defectdojo_names: &["Snyk Scan"],
    example: r#"{"vulnerabilities": [{"id": "SNYK-JS-LODASH-590103", "title": "Prototype Pollution", "severity": "high",
  "identifiers": {"CVE": ["CVE-2026-10001"], "CWE": ["CWE-400"]}, "from": ["shop@1.0.0", "lodash@4.17.13"],
  "packageName": "lodash", "version": "4.17.13"}], "ok": false, "packageManager": "npm", "projectName": "shop"}"#,
    shapes: &[
        &[Sign::List("vulnerabilities"), Sign::Has("ok"), Sign::Has("dependencyCount")],
        &[Sign::List("vulnerabilities"), Sign::Has("ok"), Sign::Has("projectName")],
        &[Sign::List("vulnerabilities"), Sign::Has("ok"), Sign::Has("packageManager")],
        &[Sign::List("vulnerabilities"), Sign::Has("ok"), Sign::Has("org")],
        &[Sign::List("[].vulnerabilities"), Sign::Has("[].ok")],
        &[Sign::Has("vulnerabilities[].semver"), Sign::Has("vulnerabilities[].packageName")],
        &[Sign::Has("[].vulnerabilities[].semver"), Sign::Has("[].vulnerabilities[].packageName")],
        &[Sign::List("infrastructureAsCodeIssues")],
        &[Sign::List("[].infrastructureAsCodeIssues")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let projects: List<Project<'_>> = json::read(text)?;
    if projects.iter().any(|project| !project.runs.is_empty()) {
        return (sarif::PARSER.parse)(text);
    }
    let mut builder = ReportBuilder::new("Snyk");
    if let [project] = &projects.0[..] {
        builder.head().target = project_name(project);
    }
    let is_list = text.trim_start().starts_with('[');
    for (number, project) in projects.0.into_iter().enumerate() {
        let path = if is_list { format!("/{number}") } else { String::new() };
        add_project(&mut builder, project, None, &path);
    }
    Ok(vec![builder.finish()])
}

fn project_name(project: &Project<'_>) -> Option<String> {
    let name = project.project_name.or(&project.path).some_line()?;
    text::some_line(words::image_name(name.strip_prefix("docker-image|").unwrap_or(&name)))
}

/// A project; those inside an image are on that image.
fn add_project(builder: &mut ReportBuilder, project: Project<'_>, image: Option<usize>, path: &str) {
    let is_image = project.project_name.starts_with("docker-image|") || !project.docker.is_empty();
    let own_image = project_name(&project).filter(|_| is_image);
    let asset = image.or_else(|| builder.asset(AssetKind::Image, &own_image?));
    if let Some(error) = project.error.some_line() {
        builder.head().failed = true;
        builder.warn(if path.is_empty() { "file" } else { path }, &error);
    }
    let file = project.display_target_file.or(&project.target_file).some_line();
    builder.each(project.vulnerabilities, &format!("{path}/vulnerabilities"), |builder, issue, place| {
        let location = Location { file: file.clone(), ..Location::default() };
        add_issue(builder, issue, Finding { asset, location, place: Some(place), ..Finding::default() });
    });
    let filtered = project.filtered.0;
    let lists =
        [("ignore", filtered.ignore, AnalysisState::RiskAccepted), ("patch", filtered.patch, AnalysisState::Resolved)];
    for (name, issues, state) in lists {
        builder.each(issues, &format!("{path}/filtered/{name}"), |builder, issue: &Issue<'_>, place| {
            let location = Location { file: file.clone(), ..Location::default() };
            let analysis = Some(Analysis { state, justification: reason(&issue.filtered.ignored) });
            add_issue(builder, issue, Finding { asset, location, analysis, place: Some(place), ..Finding::default() });
        });
    }
    builder.each(project.iac_issues, &format!("{path}/infrastructureAsCodeIssues"), |builder, issue, place| {
        add_iac_issue(builder, issue, file.clone(), place);
    });
    for (number, application) in project.applications.0.into_iter().enumerate() {
        add_project(builder, application, asset, &format!("{path}/applications/{number}"));
    }
}

/// Why a policy ignores an issue, by the first of its rules that says so.
fn reason(rules: &[Rule<'_>]) -> Option<String> {
    rules.iter().find_map(|rule| rule.reason.some_text())
}

fn add_issue(builder: &mut ReportBuilder, issue: &Issue<'_>, finding: Finding) {
    let severity = severity(issue);
    let vulnerability = vulnerability(builder, issue, severity);
    let fixed = issue.fixed_in.iter().filter_map(Text::some_line).collect::<Vec<_>>().join(", ");
    let path: Vec<String> = issue.from.iter().filter_map(Text::some_line).collect();
    let facts = builder::facts([
        ("package_manager", issue.package_manager.some_line()),
        ("dependency_path", text::some(text::line(&path.join(" > ")))),
        // The first is the project itself; the second, what it has to ask for.
        ("upgrade_to", issue.upgrade_path.get(1).and_then(Text::some_line).filter(|package| package != "false")),
        ("exploit", issue.exploit.some_line().filter(|exploit| exploit != "Not Defined")),
    ]);
    let finding = Finding {
        vulnerability,
        component: builder.component(issue.name.or(&issue.package_name), &issue.version, ""),
        fixed_version: text::some(fixed).or_else(|| issue.nearest_fixed_in_version.some_line()),
        facts,
        ..finding
    };
    builder.add_differing(finding, severity, "", "");
}

/// Snyk's word, which also weighs what a distribution says of its package; before 2020 `critical` had a field of its
/// own.
fn severity(issue: &Issue<'_>) -> Severity {
    ratings(issue).severity(issue.severity_with_critical.or(&issue.severity))
}

fn ratings(issue: &Issue<'_>) -> Ratings {
    let mut ratings = Ratings::default();
    ratings.add(&issue.cvss_v3, issue.cvss_score.0);
    for source in issue.cvss_sources.iter().filter(|source| source.assigner.as_str() == "Snyk") {
        ratings.add(&source.vector, source.base_score.0);
    }
    ratings
}

fn vulnerability(builder: &mut ReportBuilder, issue: &Issue<'_>, severity: Severity) -> usize {
    let named = issue.identifiers.0.iter().filter(|(kind, _)| !matches!(kind.as_str(), "CWE" | "ALTERNATIVE"));
    let named = named.flat_map(|(_, ids)| ids.iter()).chain([&issue.id]);
    let ids = words::each_once(named.filter_map(Text::some_line).filter(|id| words::is_vulnerability_id(id)));
    let key = words::best_id(&ids).cloned().unwrap_or_else(|| format!("Snyk:{}", issue.id.line()));
    let index = builder.vulnerability(&key, || {
        let cwes = issue.identifiers.0.iter().filter(|(kind, _)| kind.as_str() == "CWE");
        let cwes = cwes.flat_map(|(_, cwes)| cwes.iter());
        let mut vulnerability = Vulnerability {
            title: issue.title.title(),
            description: issue.description.text(),
            remediation: section(&issue.description, "## Remediation"),
            severity,
            ids: ids.clone(),
            cwes: words::each_once(cwes.filter_map(|cwe| words::cwe(cwe))),
            epss: issue.epss_details.probability.probability(),
            references: words::each_once(issue.references.iter().filter_map(|link| link.url.some_line())),
            ..Vulnerability::default()
        };
        ratings(issue).fill(&mut vulnerability);
        vulnerability
    });
    builder.add_ids(index, &ids);
    index
}

/// The part of a description under a heading.
fn section(description: &str, heading: &str) -> Option<String> {
    let (_, rest) = description.split_once(heading)?;
    let end = rest.find("\n## ").unwrap_or(rest.len());
    text::some(text::text(rest[..end].trim_start()))
}

fn add_iac_issue(builder: &mut ReportBuilder, issue: &IacIssue<'_>, file: Option<String>, place: Box<str>) {
    let severity = words::severity_or_unknown(&issue.severity);
    let rule = issue.public_id.or(&issue.id);
    let vulnerability = builder.vulnerability(&format!("Snyk:{}", rule.line()), || Vulnerability {
        title: issue.title.title(),
        description: joined([&issue.description.issue, &issue.description.impact]),
        remediation: issue.description.resolve.or(&issue.resolve).some_text(),
        severity,
        references: words::each_once(issue.references.iter().chain([&issue.documentation]).filter_map(Text::some_line)),
        ..Vulnerability::default()
    });
    let resource = issue.path.iter().filter_map(Text::some_line).collect::<Vec<_>>().join(".");
    let location = Location {
        file,
        line: issue.line_number.positive(),
        resource: text::some(text::line(&resource)),
        ..Location::default()
    };
    let accepted = || Analysis { state: AnalysisState::RiskAccepted, justification: None };
    let analysis = (issue.is_ignored.as_str() == "true").then(accepted);
    let facts = builder::facts([("resource_type", issue.sub_type.some_line())]);
    let finding = Finding { vulnerability, location, analysis, facts, place: Some(place), ..Finding::default() };
    builder.add_differing(finding, severity, "", "");
}

fn joined<const N: usize>(parts: [&Text<'_>; N]) -> String {
    let parts: Vec<String> = parts.into_iter().filter_map(Text::some_text).collect();
    text::text(&parts.join("\n\n"))
}
