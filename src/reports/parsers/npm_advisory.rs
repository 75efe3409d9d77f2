//! The advisory of the npm registry, as npm up to 6 and pnpm write it.

use serde::Deserialize;

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entry, List, Object, Pairs};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Report, Vulnerability};

/// An advisory with where it applies.
#[derive(Deserialize)]
pub struct Advisory<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    module_name: Text<'a>,
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow, default)]
    overview: Text<'a>,
    #[serde(borrow, default)]
    recommendation: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    cves: List<Text<'a>>,
    #[serde(borrow, default)]
    cwe: List<Text<'a>>,
    #[serde(borrow, default)]
    cvss: Object<Cvss<'a>>,
    #[serde(borrow, default)]
    github_advisory_id: Text<'a>,
    #[serde(borrow, default)]
    url: Text<'a>,
    #[serde(borrow, default)]
    references: Text<'a>,
    #[serde(borrow, default)]
    vulnerable_versions: Text<'a>,
    #[serde(borrow, default)]
    patched_versions: Text<'a>,
    #[serde(borrow, default)]
    findings: List<Object<Use<'a>>>,
}

/// A rating. An advisory without one has a score of zero.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cvss<'a> {
    score: Number,
    #[serde(borrow)]
    vector_string: Text<'a>,
}

impl Cvss<'_> {
    /// Adds the rating, if there is one.
    pub fn add_to(&self, ratings: &mut Ratings) {
        ratings.add(&self.vector_string, self.score.0.filter(|score| *score > 0.0));
    }
}

/// What npm up to 6 and pnpm write.
#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    advisories: Advisories<'a>,
}

/// Reads a registry's answer, as the named tool wrote it.
///
/// # Errors
/// Where it is broken, or no such answer.
pub fn read(text: &str, tool: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new(tool);
    add_all(&mut builder, file.advisories);
    Ok(vec![builder.finish()])
}

/// A version that is installed, with the ways by which others depend on it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Use<'a> {
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    paths: List<Text<'a>>,
}

/// Advisories by their number.
pub type Advisories<'a> = Pairs<Text<'a>, Entry<'a, Advisory<'a>>>;

/// Adds all advisories of a registry's answer.
pub fn add_all(builder: &mut ReportBuilder, advisories: Advisories<'_>) {
    for (id, advisory) in advisories.0 {
        let place = format!("/advisories/{id}");
        if let Some(advisory) = builder.keep(advisory.read(), &place) {
            add(builder, "npm", &advisory, place.into());
        }
    }
}

impl Advisory<'_> {
    /// Which advisory it is, on which package.
    pub fn identity(&self) -> (String, String) {
        (self.id.line(), self.module_name.line())
    }
}

/// Most ways shown: a package at the bottom of everything has thousands.
const PATHS_SHOWN: usize = 10;

/// Adds an advisory: one finding, however many versions of the package are installed.
pub fn add(builder: &mut ReportBuilder, tool: &str, advisory: &Advisory<'_>, place: Box<str>) {
    let versions = words::each_once(advisory.findings.iter().filter_map(|found| found.version.some_line()));
    let paths = advisory.findings.iter().flat_map(|found| found.paths.iter()).filter_map(Text::some_line);
    let paths: Vec<String> = paths.take(PATHS_SHOWN).collect();
    let finding = Finding {
        component: builder.component(&advisory.module_name, versions.first().map_or("", String::as_str), ""),
        // Versions below zero stand for none.
        fixed_version: advisory.patched_versions.some_line().filter(|versions| versions != "<0.0.0"),
        place: Some(place),
        facts: builder::facts([
            ("installed_versions", text::some_line(&versions.join(", ")).filter(|_| versions.len() > 1)),
            ("vulnerable_versions", advisory.vulnerable_versions.some_line()),
            ("dependency_paths", text::some_text(&paths.join("\n"))),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(tool, advisory), finding);
}

fn vulnerability(tool: &str, advisory: &Advisory<'_>) -> Vulnerability {
    let named = advisory.cves.iter().chain([&advisory.github_advisory_id]).filter_map(Text::some_line);
    // Where the registry has no id of its own for it, the address ends with GitHub's.
    let ids = words::each_once(named.chain(words::ids_in(&advisory.url)));
    let mut ratings = Ratings::default();
    advisory.cvss.add_to(&mut ratings);
    let links = advisory.url.some_line().into_iter().chain(words::links(&advisory.references));
    let severity = ratings.severity(&advisory.severity);
    ratings.rate(Vulnerability {
        key: words::key(&ids, tool, &advisory.id),
        title: advisory.title.or(&advisory.module_name).title(),
        description: advisory.overview.text(),
        remediation: advisory.recommendation.some_text().filter(|advice| advice != "None"),
        severity,
        cwes: words::each_once(advisory.cwe.iter().flat_map(|cwe| words::cwes(cwe))),
        references: words::each_once(links),
        ids,
        ..Vulnerability::default()
    })
}
