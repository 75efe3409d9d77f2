//! SonarQube: issues and security hotspots as its API lists them, and the reports of `sonar-report`, JSON and HTML.

mod html;
mod schema;

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::text::{self, Text};
use crate::reports::read::{html as markup, json, time, words};
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};
use schema::{File, Issue, Rule};

/// SonarQube.
pub const PARSER: Parser = Parser {
    name: "sonarqube",
    title: "SonarQube issues, hotspots and sonar-report",
    tool: "SonarQube",
    content_types: &["application/json", "text/html"],
    defectdojo_names: &["SonarQube Scan", "SonarQube Scan detailed"],
    example: r#"{"paging": {"total": 1}, "issues": [{"key": "AYvNd32R", "rule": "java:S3649", "severity": "BLOCKER",
  "component": "shop:src/Cart.java", "project": "shop", "line": 3, "message": "Do not build SQL.",
  "type": "VULNERABILITY"}], "components": []}"#,
    shapes: &[
        &[Sign::Has("issues[].rule"), Sign::Has("issues[].project"), Sign::List("components")],
        &[Sign::Has("hotspots[].vulnerabilityProbability"), Sign::Has("hotspots[].component")],
        &[Sign::List("hotspots"), Sign::Object("paging")],
        &[Sign::List("issues"), Sign::Object("paging"), Sign::Has("effortTotal")],
        &[Sign::List("issues"), Sign::Object("paging"), Sign::List("components")],
        &[Sign::Has("issues[].rule"), Sign::Has("issues[].project"), Sign::Has("issues[].component")],
        &[Sign::List("issues"), Sign::Object("rules"), Sign::List("hotspotKeys")],
        &[Sign::List("issues"), Sign::Has("sonarBaseURL"), Sign::Has("deltaAnalysis")],
        // Its user may call a vulnerability otherwise.
        &[Sign::Has("/html"), Sign::Contains("<title>SonarQube "), Sign::Contains(" Report</title>")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut file: File<'_> = if text.trim_start().starts_with('<') { html::read(text)? } else { json::read(text)? };
    let mut builder = ReportBuilder::new("SonarQube");
    let issues = std::mem::take(&mut file.issues);
    let hotspots = std::mem::take(&mut file.hotspots);
    let first = issues.ahead().chain(hotspots.ahead()).next();
    let head = builder.head();
    head.target = first.as_ref().map_or(&file.project_name, |issue| issue.project.or(&file.project_name)).some_line();
    head.reported_at = time::of(&file.date);
    let listed = issues.len() + hotspots.len();
    if let Some(total) = file.paging.total.index().filter(|total| *total > listed) {
        builder.lose("/paging", &format!("a page with {listed} of {total}: send all pages in one archive"));
    }
    let context = Context::of(&file);
    builder.each(issues, "/issues", |builder, issue, place| context.add(builder, issue, place));
    builder.each(hotspots, "/hotspots", |builder, issue, place| context.add(builder, issue, place));
    Ok(vec![builder.finish()])
}

/// What the issues of a file refer to.
struct Context<'t, 'a> {
    is_report: bool,
    project: &'t Text<'a>,
    paths: HashMap<&'t str, &'t Text<'a>>,
    rules: HashMap<&'t str, &'t Rule<'a>>,
}

impl<'t, 'a> Context<'t, 'a> {
    fn of(file: &'t File<'a>) -> Self {
        let paths = file.components.iter().map(|component| (component.key.as_str(), &component.path));
        let rules = file.rules.0.iter().map(|(key, rule)| (key.as_str(), &rule.0));
        Self {
            is_report: file.hotspot_keys.is_some() || file.delta_analysis.is_some(),
            project: &file.project_name,
            paths: paths.filter(|(_, path)| !path.is_empty()).collect(),
            rules: rules.collect(),
        }
    }

    fn add(&self, builder: &mut ReportBuilder, issue: &Issue<'_>, place: Box<str>) {
        if rule_of(issue).is_empty() {
            builder.lose(place, "neither rule nor category");
            return;
        }
        let named = self.rules.get(issue.rule.as_str()).copied();
        let component = vulnerable_component(&issue.message);
        let finding = Finding {
            asset: builder.asset(AssetKind::Repository, issue.project.or(self.project)),
            component: component.and_then(|(name, version)| builder.component(name, version, "")),
            description: issue.message.some_text().filter(|_| named.is_some() || !issue.description.is_empty()),
            location: Location {
                file: self.file(issue),
                line: issue.line.positive().or(issue.text_range.start_line.positive()),
                end_line: issue.text_range.end_line.positive(),
                ..Location::default()
            },
            fingerprint: issue.key.some_line(),
            analysis: analysis(issue),
            found_at: time::of(&issue.creation_date),
            place: Some(place),
            facts: facts(issue),
            ..Finding::default()
        };
        builder.add_of(self.vulnerability(issue, named), finding);
    }

    fn vulnerability(&self, issue: &Issue<'_>, rule: Option<&Rule<'_>>) -> Vulnerability {
        let described = rule.map_or("", |rule| rule.html_description.as_str());
        let ids = words::ids_in(&issue.message);
        let tags = issue.tags.iter().flat_map(|tag| words::cwes(tag));
        let cwes = words::cwes(described).into_iter().chain(words::cwes(&issue.message)).chain(tags);
        let named = rule.map_or(&issue.description, |rule| rule.name.or(&issue.description));
        Vulnerability {
            key: words::key(&ids, "SonarQube", rule_of(issue)),
            title: named.or(&issue.message).or(rule_of(issue)).title(),
            description: text::text(&markup::to_text(described)),
            severity: self.severity(issue),
            cwes: words::each_once(cwes),
            cvss_score: cvss_score(&issue.message),
            references: words::each_once(markup::links(described)),
            ids,
            ..Vulnerability::default()
        }
    }

    /// SonarQube's five words. `sonar-report` counts in all five, so that its `CRITICAL` is the second; the API's
    /// issues stand beside hotspots with `HIGH`, and there each word is what it says.
    ///
    /// An issue without one is rated by its impacts, whose words are `BLOCKER`, `HIGH`, `MEDIUM`, `LOW` and `INFO`: by that
    /// on security, else by the worst.
    fn severity(&self, issue: &Issue<'_>) -> Severity {
        let rated = |word: &str| match word {
            "CRITICAL" if self.is_report => Severity::High,
            "MAJOR" => Severity::Medium,
            word => words::severity_or_unknown(word),
        };
        let on_security = issue.impacts.iter().find(|impact| impact.software_quality.as_str() == "SECURITY");
        match on_security {
            _ if !issue.severity.is_empty() => rated(&issue.severity),
            Some(impact) => rated(&impact.severity),
            None => issue.impacts.iter().map(|impact| rated(&impact.severity)).max().unwrap_or_default(),
        }
    }

    /// The path of a component, whose key is the project's and the path. What is of the project is in no file.
    fn file(&self, issue: &Issue<'_>) -> Option<String> {
        let component = issue.component.as_str();
        if let Some(path) = self.paths.get(component) {
            return path.some_line();
        }
        let prefix = format!("{}:", issue.project);
        let path = component.strip_prefix(&prefix).unwrap_or(component);
        text::some_line(path).filter(|path| *path != issue.project.as_str())
    }
}

/// What is wrong: a rule; in hotspots before SonarQube 9, which do not name theirs, a category (`sql-injection`).
fn rule_of<'t, 'a>(issue: &'t Issue<'a>) -> &'t Text<'a> {
    issue.rule.or(&issue.security_category)
}

/// The package in the messages of the Dependency-Check plug-in: `Filename: zlib:1.2 | Reference: CVE-2026-10001 | …`.
fn vulnerable_component(message: &str) -> Option<(&str, &str)> {
    let package = message.strip_prefix("Filename: ")?.split(" | ").next()?;
    Some(package.rsplit_once(':').unwrap_or((package, "")))
}

fn cvss_score(message: &str) -> Option<f64> {
    let (_, rest) = message.split_once("CVSS Score: ")?;
    rest.split_whitespace().next()?.parse().ok().filter(|score| (0.0..=10.0).contains(score))
}

/// What a person decided, else whether SonarQube still finds it.
fn analysis(issue: &Issue<'_>) -> Option<Analysis> {
    let state = match issue.resolution.or(&issue.issue_status).or(&issue.status).replace('-', "_").as_str() {
        "FALSE_POSITIVE" | "SAFE" => AnalysisState::FalsePositive,
        "WONTFIX" | "ACCEPTED" | "ACKNOWLEDGED" => AnalysisState::RiskAccepted,
        "FIXED" | "REMOVED" | "RESOLVED" | "CLOSED" => AnalysisState::Resolved,
        "CONFIRMED" => AnalysisState::Affected,
        _ => return None,
    };
    Some(Analysis { state, justification: None })
}

fn facts(issue: &Issue<'_>) -> Vec<(&'static str, String)> {
    let tags: Vec<&str> = issue.tags.iter().map(Text::as_str).collect();
    builder::facts([
        ("type", issue.kind.some_line()),
        ("category", issue.security_category.some_line()),
        ("status", issue.status.some_line()),
        ("committer", issue.author.some_line()),
        ("effort", issue.effort.some_line()),
        ("tags", text::some_line(&tags.join(", "))),
    ])
}
