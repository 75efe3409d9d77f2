//! cargo-audit's JSON: vulnerable crates, and its warnings of unmaintained, unsound and yanked ones.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries, List, Object, Pairs};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Report, Vulnerability};
use crate::reports::sniff::Sniff;

/// cargo-audit.
pub const PARSER: Parser = Parser {
    name: "cargo_audit",
    title: "cargo-audit JSON",
    tool: "cargo-audit",
    content_types: &["application/json"],
    defectdojo_names: &["CargoAudit Scan"],
    example: r#"{"database": {"advisory-count": 700}, "lockfile": {"dependency-count": 9}, "vulnerabilities": {"found": true,
  "count": 1, "list": [{"advisory": {"id": "RUSTSEC-2026-0001", "title": "Out of bounds"}, "versions": {"patched": [">=1.2.0"]},
  "package": {"name": "smol", "version": "1.1.0"}}]}, "warnings": {}}"#,
    shapes: &[
        &[Sign::Has("vulnerabilities.list"), Sign::Has("database.advisory-count"), Sign::Has("lockfile")],
        &[Sign::Has("vulnerabilities.list[].advisory"), Sign::Has("vulnerabilities.list[].package")],
    ],
    parse,
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    vulnerabilities: Vulnerabilities<'a>,
    #[serde(borrow, default)]
    warnings: Pairs<Text<'a>, Entries<'a, Entry<'a>>>,
}

/// Before version 0.13 the warnings were a list.
#[derive(Deserialize)]
struct Older<'a> {
    #[serde(borrow)]
    warnings: Entries<'a, Entry<'a>>,
}

#[derive(Deserialize)]
struct Vulnerabilities<'a> {
    #[serde(borrow)]
    list: Entries<'a, Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow)]
    package: Package<'a>,
    #[serde(borrow, default)]
    advisory: Object<Advisory<'a>>,
    #[serde(borrow, default)]
    versions: Object<Versions<'a>>,
    #[serde(borrow, default)]
    affected: Object<Affected<'a>>,
}

#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Advisory<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    aliases: List<Text<'a>>,
    #[serde(borrow)]
    cvss: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    references: List<Text<'a>>,
    #[serde(borrow)]
    categories: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Versions<'a> {
    #[serde(borrow)]
    patched: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Affected<'a> {
    #[serde(borrow)]
    functions: Pairs<Text<'a>, List<Text<'a>>>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("cargo-audit");
    builder.each(file.vulnerabilities.list, "/vulnerabilities/list", |builder, entry, place| {
        add(builder, entry, "vulnerability", place);
    });
    for (kind, entries) in file.warnings.0 {
        let path = format!("/warnings/{kind}");
        builder.each(entries, &path, |builder, entry, place| add(builder, entry, &kind, place));
    }
    if Sniff::first(text).is_list("warnings") {
        let older: Older<'_> = json::read(text)?;
        builder.each(older.warnings, "/warnings", |builder, entry, place| add(builder, entry, &entry.kind, place));
    }
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, entry: &Entry<'_>, kind: &str, place: Box<str>) {
    let functions = entry.affected.functions.0.iter().map(|(name, _)| name);
    let finding = Finding {
        component: builder.component(&entry.package.name, &entry.package.version, ""),
        fixed_version: text::joined(entry.versions.patched.iter(), ", "),
        place: Some(place),
        facts: builder::facts([
            ("kind", text::some_line(kind)),
            ("categories", text::joined(entry.advisory.categories.iter(), ", ")),
            ("affected_functions", text::joined(functions, ", ")),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability(entry, kind), finding);
}

fn vulnerability(entry: &Entry<'_>, kind: &str) -> Vulnerability {
    let advisory = &entry.advisory;
    let ids = words::each_once([&advisory.id].into_iter().chain(advisory.aliases.iter()).filter_map(Text::some_line));
    let own = || format!("{} {kind}", entry.package.name.line());
    let mut ratings = Ratings::default();
    ratings.add(&advisory.cvss, None);
    let links = [&advisory.url].into_iter().chain(advisory.references.iter());
    let severity = match ratings.severity("") {
        Severity::Unknown => unrated(kind),
        known => known,
    };
    ratings.rate(Vulnerability {
        key: words::key(&ids, "cargo-audit", &own()),
        title: if advisory.title.is_empty() { text::title(&own()) } else { advisory.title.title() },
        description: advisory.description.text(),
        severity,
        references: words::each_once(links.filter_map(Text::some_line)),
        ids,
        ..Vulnerability::default()
    })
}

/// Most advisories have no CVSS. cargo-audit fails a build for vulnerabilities and warns of the rest: unsound code can
/// corrupt memory, code that nobody looks after or that was taken back is only a risk for later.
fn unrated(kind: &str) -> Severity {
    match kind {
        "vulnerability" => Severity::High,
        "unsound" => Severity::Medium,
        "notice" => Severity::None,
        _ => Severity::Low,
    }
}
