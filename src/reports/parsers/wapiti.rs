//! Wapiti's XML and JSON. Vulnerabilities and anomalies are findings as they are; of what it found out beside
//! (`additionals`, the technology in use) each is one, too, with the level that Wapiti gives it.

mod schema;

use std::collections::{HashMap, HashSet};

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, Object, Pairs};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{Finding, Location, Report, Vulnerability};
use schema::{Class, Entry, File};

/// Wapiti.
pub const PARSER: Parser = Parser {
    name: "wapiti",
    title: "Wapiti XML and JSON",
    tool: "Wapiti",
    content_types: &["application/xml", "application/json"],
    defectdojo_names: &["Wapiti Scan"],
    example: r#"{"classifications": {"CRLF Injection": {"desc": "Headers can be added", "sol": "Encode line breaks"}},
  "vulnerabilities": {"CRLF Injection": [{"method": "GET", "path": "/a", "level": 2, "info": "in header X"}]},
  "infos": {"target": "https://shop.example.com/", "version": "Wapiti 3.2.0", "scope": "folder"}}"#,
    shapes: &[
        &[Sign::Object("vulnerabilities"), Sign::Object("classifications"), Sign::Has("infos.target")],
        &[Sign::Has("/report"), Sign::Says("/report@type", "security"), Sign::Contains("wapiti")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file = if text.trim_start().starts_with('<') { read_xml(text)? } else { json::read(text)? };
    let mut builder = ReportBuilder::new("Wapiti");
    let head = builder.head();
    let version = file.infos.version.line();
    head.tool_version = text::some(version.strip_prefix("Wapiti ").unwrap_or(&version).to_owned());
    head.reported_at = file.infos.date.time();
    head.target = file.infos.target.some_line();
    let site = Site { url: file.infos.target.line(), classes: file.classifications.0.into_iter().collect() };
    let mut seen = HashSet::new();
    let lists =
        [("vulnerabilities", file.vulnerabilities), ("anomalies", file.anomalies), ("additionals", file.additionals)];
    for (list, classes) in lists {
        for (name, entries) in classes.0 {
            let path = format!("/{list}/{}", name.line());
            builder.each(entries, &path, |builder, entry, place| {
                // A page that is linked several times is attacked several times, with the same outcome.
                if seen.insert(builder::print_of((&name, entry))) {
                    site.add(builder, &name, entry, place);
                }
            });
        }
    }
    Ok(vec![builder.finish()])
}

/// The scanned site, and what Wapiti says of each class of vulnerability.
struct Site<'a> {
    url: String,
    classes: HashMap<Text<'a>, Object<Class<'a>>>,
}

impl Site<'_> {
    fn add(&self, builder: &mut ReportBuilder, name: &Text<'_>, entry: &Entry<'_>, place: Box<str>) {
        let severity = severity(&entry.level);
        let vulnerability = builder.vulnerability(&format!("Wapiti:{}", name.title()), || self.class(name, severity));
        let finding = Finding {
            vulnerability,
            asset: builder.asset_of_url(&self.url),
            location: Location {
                url: Some(format!("{}{}", words::origin(&self.url), entry.path.line())),
                method: entry.method.some_line(),
                parameter: entry.parameter.some_line(),
                ..Location::default()
            },
            place: Some(place),
            facts: facts([("module", entry.module.some_line()), ("request", words::request(&entry.http_request))]),
            ..Finding::default()
        };
        builder.add_differing(finding, severity, "", &entry.info);
    }

    fn class(&self, name: &Text<'_>, severity: Severity) -> Vulnerability {
        let mut vulnerability = Vulnerability { title: name.title(), severity, ..Vulnerability::default() };
        if let Some(class) = self.classes.get(name) {
            vulnerability.description = class.description.text();
            vulnerability.remediation = class.solution.some_text();
            vulnerability.references =
                words::each_once(class.references.0.iter().filter_map(|(_, url)| url.some_line()));
            let titles = class.references.0.iter().flat_map(|(title, _)| words::cwes(title));
            vulnerability.cwes = words::each_once(titles);
        }
        vulnerability
    }
}

/// Wapiti's levels, as its own HTML report names them.
fn severity(level: &Text<'_>) -> Severity {
    match level.trim() {
        "4" => Severity::Critical,
        "3" => Severity::High,
        "2" => Severity::Medium,
        "1" => Severity::Low,
        "0" => Severity::None,
        _ => Severity::Unknown,
    }
}

fn read_xml(text: &str) -> Result<File<'_>, ParseError> {
    let mut file = File::default();
    xml::each(text, &["report_infos", "vulnerability", "anomaly", "additional"], |_, element| {
        let list = match element.name {
            "report_infos" => {
                infos(&mut file, &element);
                return Ok(());
            }
            "vulnerability" => &mut file.vulnerabilities,
            "anomaly" => &mut file.anomalies,
            _ => &mut file.additionals,
        };
        let name = element.text_of("name");
        let entries = element.inside("entries", "entry");
        list.0.push((name.clone(), Entries::of(entries.map(|entry| Ok(entry_of(entry))))));
        file.classifications.0.push((name, Object(class(&element))));
        Ok(())
    })?;
    Ok(file)
}

fn infos<'a>(file: &mut File<'a>, element: &Element<'a>) {
    for info in element.all("info") {
        let slot = match info.attribute("name") {
            "target" => &mut file.infos.0.target,
            "dateOfScan" => &mut file.infos.0.date,
            "generatorVersion" => &mut file.infos.0.version,
            _ => continue,
        };
        *slot = info.own_text();
    }
}

fn class<'a>(element: &Element<'a>) -> Class<'a> {
    let references = element.inside("references", "reference");
    Class {
        description: element.text_at("description"),
        solution: element.text_at("solution"),
        references: Pairs(references.map(|reference| (reference.text_at("title"), reference.text_at("url"))).collect()),
    }
}

fn entry_of<'a>(element: &Element<'a>) -> Entry<'a> {
    Entry {
        method: element.text_at("method"),
        path: element.text_at("path"),
        level: element.text_at("level"),
        parameter: element.text_at("parameter"),
        info: element.text_at("info"),
        module: element.text_at("module"),
        http_request: element.text_at("http_request"),
    }
}
