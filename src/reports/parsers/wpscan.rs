//! WPScan's JSON: vulnerabilities of WordPress, its themes and plugins, and what else is interesting at the site.

mod schema;

use std::collections::HashSet;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};
use schema::{File, Interesting, Part, References, Vulnerable};

/// WPScan.
pub const PARSER: Parser = Parser {
    name: "wpscan",
    title: "WPScan JSON",
    tool: "WPScan",
    content_types: &["application/json"],
    defectdojo_names: &["Wpscan"],
    example: r#"{"banner": {"version": "3.8.25"}, "target_url": "https://shop.example.com/", "interesting_findings": [
  {"url": "https://shop.example.com/robots.txt", "to_s": "robots.txt found", "type": "robots_txt"}], "plugins": {}}"#,
    shapes: &[
        &[Sign::Has("interesting_findings"), Sign::Has("target_url")],
        &[Sign::Has("banner.version"), Sign::Has("target_url"), Sign::Has("main_theme")],
        &[Sign::Has("banner.version"), Sign::Has("scan_aborted")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("WPScan");
    let head = builder.head();
    head.tool_version = file.banner.version.some_line();
    head.target = file.effective_url.or(&file.target_url).some_line();
    head.reported_at = file.stop_time.or(&file.start_time).time();
    head.failed = !file.scan_aborted.is_empty();
    if let Some(reason) = file.scan_aborted.some_text() {
        builder.warn("/scan_aborted", &reason);
    }
    let mut site = Site { asset: builder.asset_of_url(file.effective_url.or(&file.target_url)), seen: HashSet::new() };
    builder.each(file.interesting_findings, "/interesting_findings", |builder, found, place| {
        site.interesting(builder, found, place);
    });
    for (list, urls) in [("config_backups", file.config_backups), ("db_exports", file.db_exports)] {
        for (url, _) in urls.0 {
            site.exposed(&mut builder, list, &url);
        }
    }
    let wordpress = Part { slug: "wordpress".into(), version: file.version, ..Part::default() };
    let mut parts = vec![("/version".to_owned(), wordpress)];
    for (list, named) in [("plugins", file.plugins), ("themes", file.themes)] {
        parts.extend(named.0.into_iter().map(|(slug, part)| (format!("/{list}/{}", slug.line()), part.0)));
    }
    parts.push(("/main_theme".to_owned(), file.main_theme.0));
    for (path, part) in parts {
        site.part(&mut builder, part, &path);
    }
    Ok(vec![builder.finish()])
}

/// The scanned site, and the vulnerabilities known so far: the main theme is among the themes as well.
struct Site {
    asset: Option<usize>,
    seen: HashSet<String>,
}

impl Site {
    fn part(&mut self, builder: &mut ReportBuilder, mut part: Part<'_>, path: &str) {
        // Those of WordPress itself stand in its version.
        let lists = [std::mem::take(&mut part.vulnerabilities), std::mem::take(&mut part.version.0.vulnerabilities)];
        for list in lists {
            let path = format!("{path}/vulnerabilities");
            builder.each(list, &path, |builder, entry, place| self.vulnerable(builder, &part, entry, place));
        }
    }

    fn vulnerable(&mut self, builder: &mut ReportBuilder, part: &Part<'_>, entry: &Vulnerable<'_>, place: Box<str>) {
        let own = entry.references.wpvulndb.first().and_then(Text::some_line);
        if !self.seen.insert(own.clone().unwrap_or_else(|| format!("{} {}", part.slug, entry.title))) {
            return;
        }
        let finding = Finding {
            asset: self.asset,
            component: builder.component(&part.slug, &part.version.number, ""),
            location: Location { url: part.location.some_line(), ..Location::default() },
            fingerprint: own.clone().map(|own| format!("{}|{own}", part.slug.line())),
            fixed_version: entry.fixed_in.some_line(),
            place: Some(place),
            facts: facts([
                ("confidence", part.confidence.or(&part.version.confidence).some_line()),
                ("latest_version", part.latest_version.some_line()),
            ]),
            ..Finding::default()
        };
        builder.add_of(vulnerability(entry, own), finding);
    }

    fn interesting(&self, builder: &mut ReportBuilder, found: &Interesting<'_>, place: Box<str>) {
        let entries: Vec<String> = found.interesting_entries.iter().filter_map(Text::some_line).collect();
        let vulnerability = Vulnerability {
            key: words::key(&[], "WPScan", found.kind.or(&found.to_s)),
            title: found.to_s.or(&found.kind).title(),
            severity: Severity::None,
            references: links(&found.references, None),
            ..Vulnerability::default()
        };
        let finding = Finding {
            asset: self.asset,
            description: text::some(text::text(&entries.join("\n"))),
            location: Location { url: found.url.some_line(), ..Location::default() },
            place: Some(place),
            facts: facts([("found_by", found.found_by.some_line()), ("confidence", found.confidence.some_line())]),
            ..Finding::default()
        };
        builder.add_of(vulnerability, finding);
    }

    /// A copy of the configuration or the database for everybody to fetch: passwords and all.
    fn exposed(&self, builder: &mut ReportBuilder, list: &str, url: &Text<'_>) {
        let title = if list == "db_exports" { "Database export found" } else { "Configuration backup found" };
        let vulnerability = Vulnerability {
            key: words::key(&[], "WPScan", list),
            title: title.to_owned(),
            severity: Severity::High,
            ..Vulnerability::default()
        };
        let location = Location { url: url.some_line(), ..Location::default() };
        let place = Some(format!("/{list}/{}", url.line()).into());
        builder.add_of(vulnerability, Finding { asset: self.asset, location, place, ..Finding::default() });
    }
}

/// Without a licence WPScan's database gives no CVSS. A known vulnerability is not left unknown for that.
fn vulnerability(entry: &Vulnerable<'_>, own: Option<String>) -> Vulnerability {
    let mut ratings = Ratings::default();
    ratings.add(&entry.cvss.vector, entry.cvss.score.0);
    let severity = match ratings.severity("") {
        Severity::Unknown => Severity::Medium,
        known => known,
    };
    let cves = entry.references.cve.iter().filter_map(Text::some_line);
    let ids = words::each_once(cves.map(|number| format!("CVE-{}", number.trim_start_matches("CVE-"))));
    let mut vulnerability = Vulnerability {
        key: words::key(&ids, "WPScan", own.as_deref().unwrap_or(&entry.title)),
        title: entry.title.title(),
        description: entry.description.text(),
        severity,
        ids,
        references: links(&entry.references, own),
        ..Vulnerability::default()
    };
    ratings.fill(&mut vulnerability);
    vulnerability
}

fn links(references: &References<'_>, own: Option<String>) -> Vec<String> {
    let page = own.map(|own| format!("https://wpscan.com/vulnerability/{own}"));
    words::each_once(references.url.iter().filter_map(Text::some_line).chain(page))
}
