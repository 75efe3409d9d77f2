//! Patchbay's own CSV, for findings that come from nowhere else: a pentest, a spreadsheet, a script.
//!
//! Columns by name, in any order; `title` and `tool` must be there. A row that cannot be read is named by its line.
//!
//! | column | holds |
//! |---|---|
//! | `title` | one line; required |
//! | `tool` | who found it; required; rows of several tools make several reports |
//! | `severity` | `unknown`, `none`, `low`, `medium`, `high`, `critical`; empty: by the CVSS |
//! | `rule` | the tool's own name for what is wrong, where there is no public id |
//! | `description`, `remediation` | text |
//! | `vulnerability_ids` | CVE, GHSA …, separated by spaces or commas |
//! | `cwe` | numbers, separated likewise |
//! | `cvss`, `cvss_score`, `epss`, `known_exploited` | a vector, 0 to 10, 0 to 1, `true` |
//! | `asset`, `asset_kind` | name; `host`, `image`, `repository` (default), `application`, `resource`, `certificate` |
//! | `component`, `component_version`, `purl`, `fixed_version` | the library |
//! | `file`, `line`, `end_line`, `snippet` | a place in code |
//! | `url`, `method`, `parameter`, `port`, `resource` | a place elsewhere |
//! | `references` | links, separated by spaces |
//! | `fingerprint` | stable between scans |
//! | `status`, `justification` | `affected`, `in_review`, `resolved`, `false_positive`, `not_affected`, `risk_accepted` |
//! | `found_at` | first seen: a date or time |
//! | `tool_version`, `target`, `reported_at` | of the report: its first row counts |

use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Report, Vulnerability};

/// Patchbay's own CSV.
pub const PARSER: Parser = Parser {
    name: "patchbay_csv",
    title: "Patchbay CSV",
    tool: "any",
    content_types: &["text/csv"],
    defectdojo_names: &[],
    example: "tool,title,severity,asset,asset_kind,url\n\
              Pentest,Default password,high,https://shop.example.com,application,https://shop.example.com/login\n",
    shapes: &[&[Sign::Column("title"), Sign::Column("tool")]],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let table = Table::new(text)?;
    for column in ["title", "tool"] {
        if !table.has_column(column) {
            return Err(ParseError::unfit("line 1", format!("no column {column:?}")));
        }
    }
    let mut builders: Vec<(String, ReportBuilder)> = Vec::new();
    let mut lost: Vec<(String, String)> = Vec::new();
    table.each(|line, row| {
        let place = format!("line {line}");
        match row.and_then(|row| Ok((of_tool(&mut builders, row)?, row))) {
            Ok((at, row)) => {
                let (tool, builder) = &mut builders[at];
                if let Err(detail) = add(builder, tool, row, &place) {
                    lost.push((place, detail));
                }
            }
            Err(detail) => lost.push((place, detail)),
        }
        Ok(())
    })?;
    if builders.is_empty() {
        builders.push(("CSV".to_owned(), ReportBuilder::new("CSV")));
    }
    // A row that says nothing readable may have been of any tool: none of them may resolve anything.
    for (_, builder) in &mut builders {
        for (place, detail) in &lost {
            builder.lose(place, detail);
        }
    }
    Ok(builders.into_iter().map(|(_, builder)| builder.finish()).collect())
}

fn of_tool(builders: &mut Vec<(String, ReportBuilder)>, row: &Row<'_>) -> Result<usize, String> {
    let tool = text::line(row.get("tool"));
    if tool.is_empty() {
        return Err("column \"tool\" is empty".to_owned());
    }
    if let Some(at) = builders.iter().position(|(name, _)| *name == tool) {
        return Ok(at);
    }
    if builders.len() == TOOL_LIMIT {
        return Err(format!("more than {TOOL_LIMIT} tools in one file"));
    }
    let mut builder = ReportBuilder::new(tool.clone());
    let head = builder.head();
    head.tool_version = text::some(text::line(row.get("tool version")));
    head.target = text::some(text::line(row.get("target")));
    head.reported_at = UtcTime::parse(row.get("reported at"));
    builders.push((tool, builder));
    Ok(builders.len() - 1)
}

/// Most tools in one file; each is a scan of its own.
const TOOL_LIMIT: usize = 100;

fn add(builder: &mut ReportBuilder, tool: &str, row: &Row<'_>, place: &str) -> Result<(), String> {
    let title = row.get("title");
    if title.is_empty() {
        return Err("column \"title\" is empty".to_owned());
    }
    let ratings = ratings(row)?;
    let severity = severity(row, &ratings)?;
    let asset_kind = asset_kind(row.get("asset kind"))?;
    let analysis = analysis(row)?;
    let ids = words::each_once(listed(row.get("vulnerability ids")).map(text::line));
    let rule = if row.get("rule").is_empty() { title } else { row.get("rule") };
    let key = words::best_id(&ids).cloned().unwrap_or_else(|| format!("{tool}:{}", text::title(rule)));
    let vulnerability = builder.vulnerability(&key, || {
        let mut vulnerability = Vulnerability {
            title: text::title(title),
            description: text::text(row.get("description")),
            remediation: text::some(text::text(row.get("remediation"))),
            severity,
            ids: ids.clone(),
            cwes: words::each_once(listed(row.get("cwe")).filter_map(words::cwe)),
            epss: Text::from(row.get("epss")).number(),
            known_exploited: row.get("known exploited").eq_ignore_ascii_case("true"),
            references: words::each_once(row.get("references").split_whitespace().map(text::line)),
            ..Vulnerability::default()
        };
        ratings.fill(&mut vulnerability);
        vulnerability
    });
    let finding = Finding {
        vulnerability,
        asset: builder.asset(asset_kind, row.get("asset")),
        component: builder.component(row.get("component"), row.get("component version"), row.get("purl")),
        location: location(row),
        fingerprint: text::some(text::line(row.get("fingerprint"))),
        analysis,
        fixed_version: text::some(text::line(row.get("fixed version"))),
        found_at: UtcTime::parse(row.get("found at")),
        place: Some(place.into()),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, title, row.get("description"));
    Ok(())
}

fn listed(list: &str) -> impl Iterator<Item = &str> {
    list.split([' ', ',', ';']).filter(|item| !item.is_empty())
}

fn ratings(row: &Row<'_>) -> Result<Ratings, String> {
    let score = row.get("cvss score");
    let given = Text::from(score).number();
    if !score.is_empty() && !given.is_some_and(|score| (0.0..=10.0).contains(&score)) {
        return Err(format!("cvss_score {score:?} is not a number from 0 to 10"));
    }
    let mut ratings = Ratings::default();
    ratings.add(row.get("cvss"), given);
    Ok(ratings)
}

fn severity(row: &Row<'_>, ratings: &Ratings) -> Result<Severity, String> {
    let word = row.get("severity");
    if !word.is_empty() && words::severity(word).is_none() {
        return Err(format!("severity {word:?} is not one of unknown, none, low, medium, high, critical"));
    }
    Ok(ratings.severity(word))
}

fn asset_kind(word: &str) -> Result<AssetKind, String> {
    Ok(match word.to_ascii_lowercase().as_str() {
        "" | "repository" => AssetKind::Repository,
        "host" => AssetKind::Host,
        "image" => AssetKind::Image,
        "application" => AssetKind::Application,
        "resource" => AssetKind::Resource,
        "certificate" => AssetKind::Certificate,
        _ => return Err(format!("asset_kind {word:?} is not known")),
    })
}

fn analysis(row: &Row<'_>) -> Result<Option<Analysis>, String> {
    let word = row.get("status");
    let state = match word.to_ascii_lowercase().as_str() {
        "" | "open" => return Ok(None),
        "affected" => AnalysisState::Affected,
        "in_review" => AnalysisState::InReview,
        "resolved" => AnalysisState::Resolved,
        "false_positive" => AnalysisState::FalsePositive,
        "not_affected" => AnalysisState::NotAffected,
        "risk_accepted" => AnalysisState::RiskAccepted,
        _ => return Err(format!("status {word:?} is not known")),
    };
    Ok(Some(Analysis { state, justification: text::some(text::text(row.get("justification"))) }))
}

fn location(row: &Row<'_>) -> Location {
    let line = |column: &str| text::some(text::line(row.get(column)));
    Location {
        file: line("file"),
        line: Text::from(row.get("line")).positive(),
        end_line: Text::from(row.get("end line")).positive(),
        snippet: text::some(text::text(row.get("snippet"))),
        url: line("url"),
        method: line("method"),
        parameter: line("parameter"),
        port: line("port"),
        resource: line("resource"),
    }
}
