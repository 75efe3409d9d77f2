//! The `.nessus` XML, version 2: a host with its properties, then what each plugin says of it.

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parsers::tenable::{Item, add, facts};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::text::Text;
use crate::reports::read::time;
use crate::reports::read::xml::{self, Element};

/// Reads a report.
///
/// # Errors
/// See [`xml::each`]; `Unfit` for a file that holds a policy and no report.
pub fn read(text: &str, builder: &mut ReportBuilder) -> Result<(), ParseError> {
    if !text.contains("<Report") {
        return Err(ParseError::unfit("/NessusClientData_v2", "no Report: a policy alone says nothing of any host"));
    }
    xml::each(text, &["ReportHost"], |line, host| {
        let end = property(&host, "HOST_END_TIMESTAMP");
        let end = time::of(if end.is_empty() { property(&host, "HOST_END") } else { end });
        let head = builder.head();
        head.reported_at = head.reported_at.max(end);
        let facts = [property(&host, "host-ip"), property(&host, "operating-system")];
        for (number, element) in host.all("ReportItem").enumerate() {
            let place = format!("line {line}, {}, ReportItem {}", host.attribute("name"), number + 1);
            add(builder, item(host.attribute("name"), facts, element), place);
        }
        Ok(())
    })
}

fn property<'e>(host: &'e Element, name: &str) -> &'e str {
    let properties = host.child("HostProperties");
    let mut tags = properties.into_iter().flat_map(|properties| properties.all("tag"));
    tags.find(|tag| tag.attribute("name") == name).map_or("", |tag| tag.text.trim())
}

fn item<'e>(host: &'e str, [ip, system]: [&'e str; 2], element: &'e Element) -> Item<'e> {
    Item {
        plugin: element.attribute("pluginID"),
        name: element.attribute("pluginName"),
        severity: element.attribute("severity"),
        ratings: ratings(element),
        host,
        port: element.attribute("port"),
        protocol: element.attribute("protocol"),
        synopsis: element.at("synopsis"),
        description: element.at("description"),
        solution: element.at("solution"),
        output: element.at("plugin_output"),
        cves: joined(element, "cve"),
        cwes: joined(element, "cwe"),
        links: joined(element, "see_also"),
        xrefs: joined(element, "xref"),
        epss: element.at("epss_score"),
        facts: facts([
            ("family", element.attribute("pluginFamily")),
            ("service", element.attribute("svc_name")),
            ("ip_address", ip),
            ("operating_system", system),
            ("vulnerability_priority_rating", element.at("vpr_score")),
            ("exploit_ease", element.at("exploitability_ease")),
            ("cpe", element.at("cpe")),
        ]),
        ..Item::default()
    }
}

fn ratings(element: &Element) -> Ratings {
    let mut ratings = Ratings::default();
    for (vector, score) in [
        ("cvss4_vector", "cvss4_base_score"),
        ("cvss3_vector", "cvss3_base_score"),
        ("cvss_vector", "cvss_base_score"),
        // Web App Scanning writes scores alone.
        ("", "cvssv3"),
        ("", "cvss"),
    ] {
        let vector = element.at(vector);
        let score = Text::from(element.at(score)).number();
        ratings.add(vector, score);
    }
    ratings
}

fn joined(element: &Element, name: &str) -> String {
    element.all(name).map(|child| child.text.trim()).collect::<Vec<_>>().join("\n")
}
