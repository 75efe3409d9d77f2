//! Code-scanning alerts as GitHub's API lists them, page by page.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};

/// GitHub code scanning.
pub const PARSER: Parser = Parser {
    name: "github_sast",
    title: "GitHub code-scanning alerts",
    tool: "GitHub code scanning",
    content_types: &["application/json"],
    defectdojo_names: &["Github SAST Scan"],
    example: r#"[{"number": 35, "state": "open", "rule": {"id": "py/sql-injection", "severity": "error"},
  "tool": {"name": "CodeQL"}, "html_url": "https://github.com/shop/web/security/code-scanning/35",
  "most_recent_instance": {"location": {"path": "app.py", "start_line": 42}}}]"#,
    shapes: &[
        &[Sign::Has("[].rule"), Sign::Has("[].most_recent_instance"), Sign::Has("[].tool")],
        &[Sign::Has("[].instances_url"), Sign::Has("[].rule")],
        &[Sign::Has("[][].rule"), Sign::Has("[][].most_recent_instance"), Sign::Has("[][].tool")],
        &[Sign::Has("rule"), Sign::Has("most_recent_instance"), Sign::Has("tool")],
    ],
    parse,
};

#[derive(Deserialize)]
struct Alert<'a> {
    #[serde(borrow, default)]
    html_url: Text<'a>,
    #[serde(borrow, default)]
    created_at: Text<'a>,
    #[serde(borrow, default)]
    state: Text<'a>,
    #[serde(borrow, default)]
    dismissed_reason: Text<'a>,
    #[serde(borrow, default)]
    dismissed_comment: Text<'a>,
    #[serde(borrow)]
    rule: Object<Rule<'a>>,
    #[serde(borrow, default)]
    tool: Object<Tool<'a>>,
    #[serde(borrow, default)]
    most_recent_instance: Object<Instance<'a>>,
    #[serde(borrow, default)]
    repository: Object<Repository<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rule<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    full_description: Text<'a>,
    #[serde(borrow)]
    help: Text<'a>,
    #[serde(borrow)]
    help_uri: Text<'a>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    security_severity_level: Text<'a>,
    #[serde(borrow)]
    tags: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Instance<'a> {
    #[serde(borrow, rename = "ref")]
    reference: Text<'a>,
    #[serde(borrow)]
    commit_sha: Text<'a>,
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow)]
    message: Object<Message<'a>>,
    #[serde(borrow)]
    location: Object<CodePlace<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    text: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CodePlace<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    start_line: Number,
    end_line: Number,
}

/// A repository, in the alerts of an organization.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Repository<'a> {
    /// `owner/name`.
    #[serde(borrow)]
    pub full_name: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let alerts: Entries<'_, Alert<'_>> = json::pages(text)?;
    let tool = alerts.ahead().map(|alert| alert.tool).find(|tool| !tool.name.is_empty());
    let name = tool.as_ref().map_or("GitHub code scanning".to_owned(), |tool| tool.name.line());
    let mut builder = ReportBuilder::new(name);
    builder.head().tool_version = tool.and_then(|tool| tool.version.some_line());
    builder.each(alerts, "", add);
    Ok(vec![builder.finish()])
}

/// The level of a security rule; else the rule's own, of which a `note` names no danger.
fn severity(rule: &Rule<'_>) -> Severity {
    words::severity_or_unknown(rule.security_severity_level.or(&rule.severity))
}

fn add(builder: &mut ReportBuilder, alert: &Alert<'_>, place: Box<str>) {
    let (rule, instance) = (&alert.rule, &alert.most_recent_instance);
    let severity = severity(rule);
    let tool = alert.tool.name.some_line().unwrap_or_else(|| "GitHub code scanning".to_owned());
    let id = rule.id.or(&rule.name).line();
    let vulnerability = builder.vulnerability(&format!("{tool}:{id}"), || Vulnerability {
        title: rule.description.or(&rule.name).or(&rule.id).title(),
        description: rule.full_description.or(&instance.message.text).text(),
        remediation: rule.help.some_text(),
        severity,
        cwes: words::each_once(rule.tags.iter().flat_map(|tag| words::cwes(tag))),
        references: rule.help_uri.some_line().into_iter().collect(),
        ..Vulnerability::default()
    });
    let finding = Finding {
        vulnerability,
        asset: builder.asset(AssetKind::Repository, &alert.repository.full_name),
        location: Location {
            file: instance.location.path.some_line(),
            line: instance.location.start_line.positive(),
            end_line: instance.location.end_line.positive(),
            ..Location::default()
        },
        fingerprint: alert.html_url.some_line(),
        analysis: state(&alert.state, &alert.dismissed_reason, &alert.dismissed_comment),
        found_at: alert.created_at.time(),
        place: Some(place),
        facts: builder::facts([
            ("alert_url", alert.html_url.some_line()),
            ("ref", instance.reference.some_line()),
            ("commit", instance.commit_sha.some_line()),
            ("category", instance.category.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", &instance.message.text);
}

/// The state of an alert of any kind. The reasons for dismissing one differ by kind in spelling alone.
pub fn state(state: &str, reason: &Text<'_>, comment: &Text<'_>) -> Option<Analysis> {
    let reason = reason.some_line().filter(|reason| reason != "None");
    let plain = reason.as_deref().unwrap_or_default().to_ascii_lowercase().replace(['_', '\'', '’'], " ");
    let state = match (state.to_ascii_lowercase().as_str(), plain.as_str()) {
        ("open", _) | ("", _) => return None,
        ("fixed" | "auto_dismissed" | "closed", _) | (_, "revoked" | "pattern deleted" | "pattern edited") => {
            AnalysisState::Resolved
        }
        (_, "false positive" | "inaccurate") => AnalysisState::FalsePositive,
        (_, "used in tests" | "not used") => AnalysisState::NotAffected,
        (_, "fix started") => AnalysisState::InReview,
        _ => AnalysisState::RiskAccepted,
    };
    let comment = comment.some_text().filter(|comment| comment != "None");
    Some(Analysis { state, justification: comment.or(reason) })
}
