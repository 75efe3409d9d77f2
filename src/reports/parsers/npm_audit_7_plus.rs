//! npm's audit as JSON, since npm 7.
//!
//! npm counts vulnerable packages, not advisories, and so does this: a package is one finding with all of its
//! advisories, and one that is vulnerable only through others is a finding, too, since it may be what has to be updated.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::value::RawValue;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::npm_advisory::Cvss;
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entry, List, Object, Pairs};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};

/// npm since 7.
pub const PARSER: Parser = Parser {
    name: "npm_audit_7_plus",
    title: "npm audit JSON (npm 7 and later)",
    tool: "npm",
    content_types: &["application/json"],
    defectdojo_names: &["NPM Audit v7+ Scan"],
    example: r#"{"auditReportVersion": 2, "vulnerabilities": {"debug": {"name": "debug", "severity": "high", "via": [
  {"source": 1094222, "title": "Denial of service in debug", "url": "https://github.com/advisories/GHSA-gxpj-cx7g-858c"}],
  "range": "<2.6.9", "nodes": ["node_modules/debug"], "fixAvailable": true}}, "metadata": {}}"#,
    shapes: &[
        &[Sign::Has("auditReportVersion"), Sign::Object("vulnerabilities")],
        &[Sign::Has("audit.auditReportVersion"), Sign::Object("audit.vulnerabilities")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    vulnerabilities: Pairs<Text<'a>, Entry<'a, Package<'a>>>,
    /// `npm audit fix` wraps the report in what it did.
    #[serde(borrow)]
    audit: Object<Audit<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Audit<'a> {
    #[serde(borrow)]
    vulnerabilities: Pairs<Text<'a>, Entry<'a, Package<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    is_direct: Text<'a>,
    #[serde(borrow, default)]
    via: List<Via<'a>>,
    #[serde(borrow, default)]
    range: Text<'a>,
    #[serde(borrow, default)]
    nodes: List<Text<'a>>,
    #[serde(borrow, default)]
    fix_available: Object<Fix<'a>>,
}

/// Why a package is vulnerable: an advisory, or another package by its name.
struct Via<'a> {
    package: Text<'a>,
    advisory: Object<Advisory<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Via<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        let package = serde_json::from_str(raw).map_err(D::Error::custom)?;
        let advisory = serde_json::from_str(raw).map_err(D::Error::custom)?;
        Ok(Self { package, advisory })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Advisory<'a> {
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    cwe: List<Text<'a>>,
    #[serde(borrow)]
    cvss: Object<Cvss<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fix<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("npm audit");
    for (name, package) in file.vulnerabilities.0.into_iter().chain(file.audit.0.vulnerabilities.0) {
        let place = format!("/vulnerabilities/{name}");
        if let Some(package) = builder.keep(package.read(), &place) {
            add(&mut builder, &package, place.into());
        }
    }
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, package: &Package<'_>, place: Box<str>) {
    let fix = &package.fix_available;
    let upgrade = format!("{}@{}", fix.name.line(), fix.version.line());
    let others: Vec<String> = package.nodes.iter().skip(1).filter_map(Text::some_line).collect();
    let finding = Finding {
        component: builder.component(&package.name, "", ""),
        location: Location { file: package.nodes.first().and_then(Text::some_line), ..Location::default() },
        fixed_version: fix.version.some_line().filter(|_| fix.name == package.name),
        place: Some(place),
        facts: builder::facts([
            ("vulnerable_versions", package.range.some_line()),
            ("direct_dependency", package.is_direct.some_line()),
            ("upgrade_to", Some(upgrade).filter(|_| !fix.name.is_empty())),
            ("also_in", text::some_line(&others.join(", "))),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(package), finding);
}

fn vulnerability(package: &Package<'_>) -> Vulnerability {
    let advisories: Vec<&Advisory<'_>> =
        package.via.iter().map(|via| &via.advisory.0).filter(|advisory| !advisory.title.is_empty()).collect();
    let mut ratings = Ratings::default();
    for advisory in &advisories {
        advisory.cvss.add_to(&mut ratings);
    }
    let ids = words::each_once(advisories.iter().flat_map(|advisory| words::ids_in(&advisory.url)));
    // Only a package with one advisory is that advisory's; with several, none of their ids stands for it.
    let key = match advisories[..] {
        [advisory] => words::key(&ids, "npm", &advisory.source),
        _ => format!("npm audit:{}", package.name.line()),
    };
    let severity = ratings.severity(&package.severity);
    let cwes = advisories.iter().flat_map(|advisory| advisory.cwe.iter()).filter_map(|cwe| words::cwe(cwe));
    let vulnerability = Vulnerability {
        key,
        title: title(package, &advisories),
        description: described(package, &advisories),
        severity,
        ids,
        cwes: words::each_once(cwes),
        references: words::each_once(advisories.iter().filter_map(|advisory| advisory.url.some_line())),
        ..Vulnerability::default()
    };
    ratings.rate(vulnerability)
}

fn title(package: &Package<'_>, advisories: &[&Advisory<'_>]) -> String {
    match advisories {
        [] => text::title(&format!("{} depends on vulnerable packages", package.name)),
        [advisory] => advisory.title.title(),
        [first, others @ ..] => text::title(&format!("{}, and {} more", first.title, others.len())),
    }
}

/// The advisories and the vulnerable dependencies, one a line.
fn described(package: &Package<'_>, advisories: &[&Advisory<'_>]) -> String {
    let known = advisories.iter().map(|advisory| format!("- {} ({})", advisory.title.line(), advisory.url.line()));
    let through = package.via.iter().filter_map(|via| via.package.some_line());
    let through = through.map(|name| format!("- depends on vulnerable versions of {name}"));
    text::text(&known.chain(through).collect::<Vec<_>>().join("\n"))
}
