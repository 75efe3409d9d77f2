//! The baseline of detect-secrets: secrets by file, with what an audit said of them.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, Pairs};
use crate::reports::read::text::{Number, Text};
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};

/// detect-secrets.
pub const PARSER: Parser = Parser {
    name: "detect_secrets",
    title: "detect-secrets baseline",
    tool: "detect-secrets",
    content_types: &["application/json"],
    defectdojo_names: &["Detect-secrets Scan"],
    example: r#"{"version": "1.5.0", "plugins_used": [{"name": "AWSKeyDetector"}], "results": {
  "app.py": [{"type": "AWS Access Key", "filename": "app.py", "hashed_secret": "c0ffee", "line_number": 3}]},
 "generated_at": "2026-01-31T08:00:00Z"}"#,
    shapes: &[
        &[Sign::List("plugins_used"), Sign::Object("results"), Sign::Has("generated_at")],
        &[Sign::List("plugins_used"), Sign::Object("results"), Sign::Has("version")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    generated_at: Text<'a>,
    #[serde(borrow)]
    results: Pairs<Text<'a>, Entries<'a, Secret<'a>>>,
}

#[derive(Deserialize)]
struct Secret<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    hashed_secret: Text<'a>,
    #[serde(default)]
    line_number: Number,
    #[serde(default)]
    is_verified: Option<bool>,
    /// What a person said in an audit; absent while nobody did.
    #[serde(default)]
    is_secret: Option<bool>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("detect-secrets");
    builder.head().tool_version = file.version.some_line();
    builder.head().reported_at = file.generated_at.time();
    for (name, secrets) in file.results.0 {
        let path = format!("/results/{}", name.line());
        builder.each(secrets, &path, |builder, secret, place| add(builder, &name, secret, place));
    }
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, file: &Text<'_>, secret: &Secret<'_>, place: Box<str>) {
    let kind = secret.kind.title();
    let vulnerability = builder.vulnerability(&format!("detect-secrets:{kind}"), || Vulnerability {
        title: kind.clone(),
        // The format has no severity: whoever reads a secret may use it.
        severity: Severity::High,
        ..Vulnerability::default()
    });
    builder.add(Finding {
        vulnerability,
        location: Location { file: file.some_line(), line: secret.line_number.positive(), ..Location::default() },
        fingerprint: secret.hashed_secret.some_line().map(|hash| format!("{}|{kind}|{hash}", file.line())),
        analysis: secret.is_secret.map(analysis),
        place: Some(place),
        facts: facts([("verified", secret.is_verified.map(|is_verified| is_verified.to_string()))]),
        ..Finding::default()
    });
}

fn analysis(is_secret: bool) -> Analysis {
    let state = if is_secret { AnalysisState::Affected } else { AnalysisState::FalsePositive };
    Analysis { state, justification: None }
}
