//! govulncheck: its messages, one after the other or put into a list, and the single object that it wrote at first.
//!
//! It reports a vulnerability up to three times: for the module, for the package that is imported, for each symbol that
//! is called. That is one finding per module, at the deepest level that was found.

mod old;
mod schema;

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::json::{self, Entries};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};
use crate::reports::sniff::Sniff;
use old::Old;
use schema::{Config, Frame, Hit, Message, Osv, Rating};

/// govulncheck.
pub const PARSER: Parser = Parser {
    name: "govulncheck",
    title: "govulncheck JSON",
    tool: "govulncheck",
    content_types: &["application/json"],
    defectdojo_names: &["Govulncheck Scanner", "Govulncheck Scanner V2"],
    example: r#"{"config": {"protocol_version": "v1.0.0", "scanner_name": "govulncheck", "scan_level": "symbol"}}
{"osv": {"id": "GO-2026-0001", "aliases": ["CVE-2026-10001"], "summary": "Endless loop in x"}}
{"finding": {"osv": "GO-2026-0001", "fixed_version": "v1.2.1", "trace": [{"module": "example.com/x", "version": "v1.2.0",
  "package": "example.com/x", "function": "Do"}]}}"#,
    shapes: &[
        &[Sign::Has("config.protocol_version"), Sign::Has("config.scan_level")],
        &[Sign::Has("[].config.protocol_version"), Sign::Has("[].config.scan_level")],
        &[Sign::Has("config.protocol_version"), Sign::Says("config.scanner_name", "govulncheck")],
        &[Sign::Has("finding.osv"), Sign::List("finding.trace")],
        &[Sign::Has("[].finding.osv"), Sign::List("[].finding.trace")],
        &[Sign::Says("config.name", "govulncheck"), Sign::Has("config.data_source")],
        &[Sign::Object("Calls.Functions"), Sign::Has("Calls.Functions.*.PkgPath")],
        &[Sign::Object("Calls.Functions"), Sign::Has("Imports"), Sign::Has("Requires")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut found = Found::default();
    let mut builder = ReportBuilder::new("govulncheck");
    if text.trim_start().starts_with('[') {
        let messages: Entries<'_, Message<'_>> = json::read(text)?;
        for (index, message) in messages.into_iter().enumerate() {
            found.take(&mut builder, message, format!("/{index}"));
        }
    } else if Sniff::first(text).is_object("Calls") {
        found.take_old(&mut builder, json::read(text)?);
    } else {
        for document in json::documents(text) {
            let (line, message) = document?;
            found.take(&mut builder, message, format!("line {line}"));
        }
    }
    found.add_to(&mut builder)?;
    Ok(vec![builder.finish()])
}

/// How close a vulnerability comes, weakest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    #[default]
    Module,
    Package,
    Symbol,
}

/// A vulnerability in a module, at its deepest level so far.
#[derive(Default)]
struct Reached<'a> {
    id: Text<'a>,
    module: Text<'a>,
    version: Text<'a>,
    fixed: Text<'a>,
    level: Level,
    symbols: Vec<String>,
    location: Location,
    place: String,
}

#[derive(Default)]
struct Found<'a> {
    config: Option<Config<'a>>,
    vulnerabilities: HashMap<Text<'a>, Osv<'a>>,
    reached: Vec<Reached<'a>>,
    known: HashMap<(Text<'a>, Text<'a>), usize>,
}

impl<'a> Found<'a> {
    fn take(&mut self, builder: &mut ReportBuilder, message: Result<Message<'a>, Box<str>>, place: String) {
        let Some(message) = builder.keep(message, &place) else { return };
        if let Some(config) = message.config {
            builder.head().tool_version = config.scanner_version.or(&config.version).some_line();
            self.config = Some(config);
        }
        if let Some(root) = message.sbom.roots.first() {
            builder.head().target = root.some_line();
        }
        if let Some(osv) = message.osv {
            self.vulnerabilities.insert(osv.id.clone(), osv);
        }
        if let Some(old) = message.vulnerability {
            for reached in old::in_modules(&old, &place) {
                self.reach(reached);
            }
            self.vulnerabilities.insert(old.osv.id.clone(), old.osv);
        }
        if let Some(hit) = message.finding {
            self.reach(reached(hit, place));
        }
    }

    fn take_old(&mut self, builder: &mut ReportBuilder, old: Old<'a>) {
        self.config = Some(Config { scan_level: "symbol".into(), ..Config::default() });
        let versions: HashMap<Text<'a>, Text<'a>> =
            old.modules.0.into_iter().map(|module| (module.0.path, module.0.version)).collect();
        for (index, hit) in old.vulns.into_iter().enumerate() {
            let place = format!("/Vulns/{index}");
            let Some(hit) = builder.keep(hit, &place) else { continue };
            let version = versions.get(&hit.mod_path).cloned().unwrap_or_default();
            self.reach(old::reached(&hit, version, place));
            self.vulnerabilities.insert(hit.osv.id.clone(), hit.osv);
        }
    }

    /// Keeps the deepest level, and every symbol on it.
    fn reach(&mut self, new: Reached<'a>) {
        let key = (new.id.clone(), new.module.clone());
        let Some(index) = self.known.get(&key) else {
            self.known.insert(key, self.reached.len());
            self.reached.push(new);
            return;
        };
        let old = &mut self.reached[*index];
        if new.level > old.level {
            *old = new;
        } else if new.level == old.level && old.symbols.len() < words::LIST_LIMIT {
            old.symbols.extend(new.symbols);
        }
    }

    fn add_to(self, builder: &mut ReportBuilder) -> Result<(), ParseError> {
        let config = match self.config {
            Some(config) => config,
            // Who picks out what interests them leaves the config behind, but no finding.
            None if !self.reached.is_empty() => Config { scan_level: "symbol".into(), ..Config::default() },
            None => return Err(ParseError::unfit("file", "no config message: govulncheck begins with one")),
        };
        for reached in self.reached {
            let unknown = Osv { id: reached.id.clone(), ..Osv::default() };
            let osv = self.vulnerabilities.get(&reached.id).unwrap_or(&unknown);
            let vulnerability = vulnerability(osv, severity(reached.level, &config.scan_level));
            let symbols = words::each_once(reached.symbols);
            let finding = Finding {
                component: builder.component(&reached.module, &reached.version, ""),
                location: reached.location,
                fixed_version: reached.fixed.some_line(),
                place: Some(reached.place.into()),
                facts: builder::facts([
                    ("reached", Some(format!("{:?}", reached.level).to_lowercase())),
                    ("symbols", text::some_text(&symbols.join(", "))),
                ]),
                ..Finding::default()
            };
            builder.add_of(vulnerability, finding);
        }
        Ok(())
    }
}

/// The trace goes from what is vulnerable to the code that was scanned.
fn reached<'a>(mut hit: Hit<'a>, place: String) -> Reached<'a> {
    let caller = hit.trace.iter().rev().find(|frame| !frame.position.filename.is_empty());
    let location = caller.map(|frame| Location {
        file: words::file_path(&frame.position.filename),
        line: frame.position.line.positive(),
        ..Location::default()
    });
    let location = location.unwrap_or_default();
    let first = if hit.trace.is_empty() { Frame::default() } else { hit.trace.0.swap_remove(0) };
    let level = match (first.package.is_empty(), first.function.is_empty()) {
        (_, false) => Level::Symbol,
        (false, true) => Level::Package,
        (true, true) => Level::Module,
    };
    let parts = [&first.package, &first.receiver, &first.function].into_iter().filter_map(Text::some_line);
    let symbol = parts.collect::<Vec<_>>().join(".");
    let symbols = if level == Level::Symbol { vec![symbol] } else { Vec::new() };
    let (module, version) = (first.module, first.version);
    Reached { id: hit.osv, module, version, fixed: hit.fixed_version, level, symbols, location, place }
}

/// The Go vulnerability database rates nothing; what govulncheck finds out is whether the vulnerable code is reached.
/// Called, it is as bad as it can be; imported, it is a slip away; otherwise it is good to know. What the scan was told
/// not to look for stays unknown.
fn severity(level: Level, scanned: &str) -> Severity {
    match (level, scanned) {
        (Level::Symbol, _) => Severity::High,
        (Level::Package, "package") | (Level::Module, "package" | "module") => Severity::Unknown,
        (Level::Package, _) => Severity::Low,
        (Level::Module, _) => Severity::None,
    }
}

/// Another database (`-db`) may rate what it knows: then that counts.
fn vulnerability(osv: &Osv<'_>, by_level: Severity) -> Vulnerability {
    let ids = words::each_once([&osv.id].into_iter().chain(osv.aliases.iter()).filter_map(Text::some_line));
    let links = [&osv.database_specific.url].into_iter().chain(osv.references.iter().map(|reference| &reference.url));
    let older = osv.affected.iter().map(|affected| &affected.database_specific.url);
    let (mut ratings, mut word) = (Ratings::default(), osv.database_specific.severity.as_str());
    for rating in osv.severity.iter() {
        match rating {
            Rating::Vector { score } => ratings.add(score, score.number()),
            Rating::Word(said) => word = said,
        }
    }
    let rated = ratings.severity(word);
    ratings.rate(Vulnerability {
        key: words::key(&ids, "govulncheck", &osv.id),
        title: osv.summary.or(&osv.id).title(),
        description: osv.details.text(),
        severity: if rated == Severity::Unknown { by_level } else { rated },
        references: words::each_once(links.chain(older).filter_map(Text::some_line)),
        ids,
        ..Vulnerability::default()
    })
}
