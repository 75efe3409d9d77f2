//! SARIF 2.1.0, the OASIS standard for static analysis results.
//!
//! Runs of one tool and category are one report. A result at several places is one finding at each. Results of a kind
//! other than `fail`, `open` and `review` say that nothing is wrong and are left out, as are those of an earlier scan
//! (`baselineState: absent`).

mod package;
mod place;
mod rule;
mod run;
mod schema;
mod state;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::report::Report;
use schema::{Log, Run, ToolComponent};

/// SARIF.
pub const PARSER: Parser = Parser {
    name: "sarif",
    title: "SARIF 2.1.0",
    tool: "CodeQL, Semgrep, Trivy, Grype and many more",
    content_types: &["application/sarif+json", "application/json"],
    defectdojo_names: &["SARIF", "Snyk Code Scan"],
    example: r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Example"}}, "results": [
  {"ruleId": "E1", "level": "error", "message": {"text": "Found"},
   "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/a.c"}, "region": {"startLine": 3}}}]}]}]}"#,
    shapes: &[
        &[Sign::List("runs"), Sign::Says("version", "2.1")],
        &[Sign::List("runs"), Sign::Object("runs[].tool.driver")],
        &[Sign::List("runs"), Sign::Contains("sarif-2.1")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let log: Log<'_> = json::read(text)?;
    let mut reports: Vec<(String, Option<String>, ReportBuilder)> = Vec::new();
    for (number, mut run) in log.runs.0.into_iter().enumerate() {
        let (tool, category) = (tool_name(&run.tool.driver), category(&run.automation_details.id));
        let at = reports.iter().position(|(name, kind, _)| *name == tool && *kind == category).unwrap_or_else(|| {
            reports.push((tool.clone(), category.clone(), ReportBuilder::new(tool.clone())));
            reports.len() - 1
        });
        let builder = &mut reports[at].2;
        head(builder.head(), &run, category);
        let results = std::mem::take(&mut run.results);
        run::read_results(&run::Context::new(&run, number, tool), results, builder);
    }
    Ok(reports.into_iter().map(|(_, _, builder)| builder.finish()).collect())
}

fn tool_name(driver: &ToolComponent<'_>) -> String {
    driver.name.some_line().unwrap_or_else(|| "SARIF".to_owned())
}

/// The part of `automationDetails.id` that names the kind of run: all but the last segment, which names the run.
/// Source: SARIF 2.1.0, section 3.17.3. An id without a slash is taken whole.
fn category(id: &Text<'_>) -> Option<String> {
    let id = id.line();
    text::some(id.rsplit_once('/').map_or(id.as_str(), |(category, _)| category).to_owned())
}

fn head(report: &mut Report, run: &Run<'_>, category: Option<String>) {
    let driver = &run.tool.driver;
    report.tool_version = driver.version.or(&driver.semantic_version).some_line().or(report.tool_version.take());
    report.target = category;
    report.failed |= run.invocations.iter().any(|invocation| invocation.execution_successful == Some(false));
    let times = run
        .invocations
        .iter()
        .filter_map(|invocation| invocation.end_time_utc.time().or_else(|| invocation.start_time_utc.time()));
    report.reported_at = times.chain(report.reported_at).max();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_category_is_the_id_without_the_run() {
        for (id, expected) in [
            ("nightly/linux/2026-01-31", Some("nightly/linux")),
            ("nightly/", Some("nightly")),
            ("nightly", Some("nightly")),
            ("", None),
        ] {
            assert_eq!(category(&Text::from(id)).as_deref(), expected, "{id}");
        }
    }
}
