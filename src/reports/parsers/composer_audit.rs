//! Composer's audit as JSON: advisories by package, and since 2.10 packages on a list of malware. Which version is
//! installed it does not say. Packages that are only abandoned have no vulnerability, and no finding.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, List, Numbered, Object, Pairs};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Finding, Report, Vulnerability};

/// Composer.
pub const PARSER: Parser = Parser {
    name: "composer_audit",
    title: "composer audit JSON",
    tool: "Composer",
    content_types: &["application/json"],
    defectdojo_names: &["Composer Audit Scan"],
    example: r#"{"advisories": {"league/flysystem": [{"advisoryId": "PKSA-abcd-efgh-ijkl", "packageName": "league/flysystem",
  "affectedVersions": "<1.1.4", "title": "Race condition", "cve": "CVE-2026-10001", "severity": "high"}]}, "abandoned": []}"#,
    shapes: &[
        &[Sign::Has("advisories.*.advisoryId"), Sign::Has("advisories.*.packageName")],
        &[Sign::Has("advisories.*.*.advisoryId"), Sign::Has("advisories.*.*.packageName")],
        &[Sign::Has("advisories"), Sign::Has("abandoned")],
        &[Sign::Has("advisories"), Sign::Has("ignored-advisories")],
    ],
    parse,
};

type Advisories<'a> = Pairs<Text<'a>, Numbered<'a, Advisory<'a>>>;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    advisories: Advisories<'a>,
    #[serde(borrow, rename = "ignored-advisories", default)]
    ignored: Advisories<'a>,
    #[serde(borrow, default)]
    filter: Pairs<Text<'a>, Numbered<'a, Listed<'a>>>,
    #[serde(borrow, rename = "unreachable-repositories", default)]
    unreachable: List<Text<'a>>,
}

/// A package on a list of those that nobody should install.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    #[serde(borrow)]
    list_name: Text<'a>,
    #[serde(borrow, default)]
    constraint: Text<'a>,
    #[serde(borrow, default)]
    url: Text<'a>,
    #[serde(borrow, default)]
    reason: Text<'a>,
    #[serde(borrow, default)]
    id: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Advisory<'a> {
    #[serde(borrow)]
    advisory_id: Text<'a>,
    #[serde(borrow, default)]
    affected_versions: Text<'a>,
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow, default)]
    cve: Text<'a>,
    #[serde(borrow, default)]
    link: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    sources: List<Object<Source<'a>>>,
    #[serde(borrow, default)]
    ignore_reason: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Source<'a> {
    #[serde(borrow)]
    remote_id: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Composer");
    add_all(&mut builder, file.advisories, "advisories", |_| None);
    add_all(&mut builder, file.ignored, "ignored-advisories", |advisory| {
        Some(Analysis { state: AnalysisState::RiskAccepted, justification: advisory.ignore_reason.some_text() })
    });
    for (package, entries) in file.filter.0 {
        let path = format!("/filter/{}", package.replace('/', "~1"));
        builder.each(entries.0, &path, |builder, listed, place| add_listed(builder, &package, listed, place));
    }
    for (index, repository) in file.unreachable.iter().enumerate() {
        // What it knows of is missing here, and not gone.
        builder.lose(format_args!("/unreachable-repositories/{index}"), &format!("not reached: {repository}"));
    }
    Ok(vec![builder.finish()])
}

/// Malware does harm as soon as it is installed. What other lists are about, only who keeps them knows.
fn add_listed(builder: &mut ReportBuilder, package: &Text<'_>, listed: &Listed<'_>, place: Box<str>) {
    let own = format!("{} {}", listed.list_name.line(), package.line());
    let ids: Vec<String> = listed.id.some_line().into_iter().filter(|id| words::is_vulnerability_id(id)).collect();
    let finding = Finding {
        component: builder.component(package, "", ""),
        place: Some(place),
        facts: builder::facts([
            ("affected_versions", listed.constraint.some_line()),
            ("list", listed.list_name.some_line()),
            ("list_entry", listed.id.some_line()),
        ]),
        ..Finding::default()
    };
    let vulnerability = Vulnerability {
        key: words::key(&ids, "Composer", &own),
        title: text::title(&format!("{package} is on the list {}", listed.list_name)),
        description: listed.reason.text(),
        severity: if listed.list_name.as_str() == "malware" { Severity::Critical } else { severity("") },
        references: listed.url.some_line().into_iter().collect(),
        ids,
        ..Vulnerability::default()
    };
    builder.add_of(vulnerability, finding);
}

fn add_all(
    builder: &mut ReportBuilder,
    advisories: Advisories<'_>,
    name: &str,
    analysis: fn(&Advisory<'_>) -> Option<Analysis>,
) {
    for (package, entries) in advisories.0 {
        let path = format!("/{name}/{}", package.replace('/', "~1"));
        builder.each(entries.0, &path, |builder, advisory, place| {
            let finding = Finding {
                component: builder.component(&package, "", ""),
                analysis: analysis(advisory),
                place: Some(place),
                facts: builder::facts([("affected_versions", advisory.affected_versions.some_line())]),
                ..Finding::default()
            };
            builder.add_of(vulnerability(advisory), finding);
        });
    }
}

fn vulnerability(advisory: &Advisory<'_>) -> Vulnerability {
    let sources = advisory.sources.iter().map(|source| &source.remote_id);
    // Other sources number files in their repository.
    let sources = sources.filter(|id| id.starts_with("GHSA-"));
    let ids = [&advisory.cve].into_iter().chain(sources).chain([&advisory.advisory_id]);
    let ids = words::each_once(ids.filter_map(Text::some_line));
    Vulnerability {
        key: words::key(&ids, "Composer", &advisory.title),
        title: advisory.title.or(&advisory.advisory_id).title(),
        severity: severity(&advisory.severity),
        references: advisory.link.some_line().into_iter().collect(),
        ids,
        ..Vulnerability::default()
    }
}

/// Before version 2.7 there was none: in between then, as nothing speaks for either side.
fn severity(word: &str) -> Severity {
    words::severity(word).unwrap_or(Severity::Medium)
}
