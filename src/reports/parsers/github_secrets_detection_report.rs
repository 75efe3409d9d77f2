//! Secret-scanning alerts as GitHub's API lists them. The secret itself is not kept.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::github_sast::{self, Repository};
use crate::reports::read::json::{self, Entries, Object};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};

/// GitHub secret scanning.
pub const PARSER: Parser = Parser {
    name: "github_secrets_detection_report",
    title: "GitHub secret-scanning alerts",
    tool: "GitHub secret scanning",
    content_types: &["application/json"],
    defectdojo_names: &["Github Secrets Detection Report Scan"],
    example: r#"[{"number": 2, "state": "open", "secret_type": "aws_access_key_id", "validity": "active",
  "html_url": "https://github.com/shop/web/security/secret-scanning/2",
  "locations_url": "https://api.github.com/repos/shop/web/secret-scanning/alerts/2/locations"}]"#,
    shapes: &[
        &[Sign::Has("[].secret_type"), Sign::Has("[].locations_url")],
        &[Sign::Has("[].secret_type"), Sign::Has("[].validity")],
        &[Sign::Has("secret_type"), Sign::Has("locations_url")],
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
    resolution: Text<'a>,
    #[serde(borrow, default)]
    resolution_comment: Text<'a>,
    #[serde(borrow)]
    secret_type: Text<'a>,
    #[serde(borrow, default)]
    secret_type_display_name: Text<'a>,
    #[serde(borrow, default)]
    secret: Text<'a>,
    #[serde(borrow, default)]
    validity: Text<'a>,
    #[serde(borrow, default)]
    publicly_leaked: Text<'a>,
    #[serde(borrow, default)]
    multi_repo: Text<'a>,
    #[serde(borrow, default)]
    push_protection_bypassed: Text<'a>,
    #[serde(borrow, default)]
    repository: Object<Repository<'a>>,
    #[serde(borrow, default)]
    first_location_detected: Object<FirstPlace<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FirstPlace<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    start_line: Number,
    end_line: Number,
    #[serde(borrow)]
    commit_sha: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let alerts: Entries<'_, Alert<'_>> = json::read(text)?;
    let mut builder = ReportBuilder::new("GitHub secret scanning");
    builder.each(alerts, "", add);
    Ok(vec![builder.finish()])
}

/// GitHub gives no severity, but says whether the secret still opens something and who may know it. One that it has
/// seen revoked is only worth a note.
fn severity(alert: &Alert<'_>) -> Severity {
    match (alert.state.as_str(), alert.validity.as_str(), alert.publicly_leaked.as_str()) {
        ("resolved", ..) => Severity::None,
        (_, "active", "true") => Severity::Critical,
        (_, "active", _) => Severity::High,
        _ => Severity::Medium,
    }
}

fn add(builder: &mut ReportBuilder, alert: &Alert<'_>, place: Box<str>) {
    let severity = severity(alert);
    let kind = alert.secret_type.line();
    let vulnerability = builder.vulnerability(&format!("GitHub secret scanning:{kind}"), || Vulnerability {
        title: text::title(&format!("Secret in code: {}", alert.secret_type_display_name.or(&alert.secret_type))),
        severity,
        ..Vulnerability::default()
    });
    let first = &alert.first_location_detected;
    let finding = Finding {
        vulnerability,
        asset: builder.asset(AssetKind::Repository, &alert.repository.full_name),
        location: Location {
            file: first.path.some_line(),
            line: first.start_line.positive(),
            end_line: first.end_line.positive(),
            snippet: alert.secret.some_line().map(|secret| words::redacted(&secret)),
            ..Location::default()
        },
        fingerprint: alert.html_url.some_line(),
        analysis: github_sast::state(&alert.state, &alert.resolution, &alert.resolution_comment),
        found_at: alert.created_at.time(),
        place: Some(place),
        facts: builder::facts([
            ("alert_url", alert.html_url.some_line()),
            ("validity", alert.validity.some_line()),
            ("publicly_leaked", alert.publicly_leaked.some_line()),
            ("in_several_repositories", alert.multi_repo.some_line()),
            ("push_protection_bypassed", alert.push_protection_bypassed.some_line()),
            ("commit", first.commit_sha.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", "");
}
