//! Nikto: JSON and XML. What is said of many URLs of a host in the same words is one finding.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{self, Print, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::{self, Text};
use crate::reports::read::time;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};

/// Nikto.
pub const PARSER: Parser = Parser {
    name: "nikto",
    title: "Nikto (JSON, XML)",
    tool: "Nikto",
    content_types: &["application/json", "application/xml"],
    defectdojo_names: &["Nikto Scan"],
    example: r#"{"host": "shop.example.com", "ip": "192.0.2.1", "port": "443", "banner": "nginx", "vulnerabilities": [
  {"id": "999970", "OSVDB": "0", "method": "GET", "url": "/", "msg": "The Strict-Transport-Security HTTP header is not defined."}]}"#,
    shapes: &[
        &[Sign::Has("/niktoscan")],
        &[Sign::Has("host"), Sign::Has("banner"), Sign::List("vulnerabilities")],
        &[Sign::Has("[].host"), Sign::Has("[].banner"), Sign::List("[].vulnerabilities")],
    ],
    parse,
};

const TOOL: &str = "Nikto";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Host<'a> {
    #[serde(borrow)]
    host: Text<'a>,
    #[serde(borrow)]
    ip: Text<'a>,
    #[serde(borrow)]
    port: Text<'a>,
    #[serde(borrow)]
    banner: Text<'a>,
    #[serde(borrow)]
    vulnerabilities: Entries<'a, Item<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, rename = "OSVDB")]
    osvdb: Text<'a>,
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    msg: Text<'a>,
    #[serde(borrow)]
    references: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    if text.trim_start().starts_with('<') {
        let mut said = Said::new();
        let (mut nth, mut site) = (0, Host::default().site(&mut builder));
        let last = xml::each_inside(text, "scandetails", &["item"], |line, details, item| {
            if details.nth != nth {
                (nth, site) = (details.nth, host_of(&details.element).site(&mut builder));
            }
            site.add(&mut builder, &mut said, &item_of(&item), format!("line {line}").into());
            Ok(())
        })?;
        builder.head().reported_at = time::of(last.element.attribute("starttime"));
    } else {
        hosts(&mut builder, text)?;
    }
    Ok(vec![builder.finish()])
}

fn hosts(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let mended;
    let hosts: List<Object<Host<'_>>> = match json::read(text) {
        Ok(hosts) => hosts,
        // Versions before 2.5 write a comma behind every item.
        Err(fault) => {
            mended = json::without_trailing_commas(text).ok_or(fault)?;
            json::read(&mended)?
        }
    };
    let is_list = text.trim_start().starts_with('[');
    let mut said = Said::new();
    for (at, Object(mut host)) in hosts.0.into_iter().enumerate() {
        let path = if is_list { format!("/{at}/vulnerabilities") } else { "/vulnerabilities".to_owned() };
        let items = std::mem::take(&mut host.vulnerabilities);
        if !items.is_empty() {
            let site = host.site(builder);
            builder.each(items, &path, |builder, item, place| site.add(builder, &mut said, item, place));
        }
    }
    Ok(())
}

/// An item of the XML, read into the struct of the JSON. URLs are whole there.
fn item_of<'a>(item: &Element<'a>) -> Item<'a> {
    Item {
        id: item.text_of("id"),
        osvdb: item.text_of("osvdbid"),
        method: item.text_of("method"),
        url: item.text_at("namelink").or(&item.text_at("uri")).clone(),
        msg: item.text_at("description"),
        references: item.text_at("references"),
    }
}

fn host_of<'a>(details: &Element<'a>) -> Host<'a> {
    Host {
        host: details.text_of("sitename").or(&details.text_of("targethostname")).clone(),
        ip: details.text_of("targetip"),
        port: details.text_of("targetport"),
        banner: details.text_of("targetbanner"),
        vulnerabilities: Entries::default(),
    }
}

/// The findings by site and what is said of it.
type Said = HashMap<Print, usize>;

/// What the items of a host share.
struct Site {
    /// What comes before the path in URLs.
    url: String,
    asset: Option<usize>,
    port: Option<String>,
    facts: Vec<(&'static str, String)>,
    /// What tells it from others.
    print: Print,
}

impl Host<'_> {
    /// The site by its URL, or just the host.
    fn site(&self, builder: &mut ReportBuilder) -> Site {
        let is_url = self.host.contains("://");
        let port = self.port.some_line();
        let url = match &port {
            Some(port) if !is_url => format!("{}:{port}", self.host.or(&self.ip).line()),
            _ => self.host.line().trim_end_matches('/').to_owned(),
        };
        let asset = if is_url {
            builder.asset_of_url(&self.host)
        } else {
            builder.asset(AssetKind::Host, self.host.or(&self.ip))
        };
        let facts = builder::facts([("address", self.ip.some_line()), ("banner", self.banner.some_line())]);
        let print = builder::print_of((&url, &facts));
        Site { url, asset, port: port.map(|port| format!("{port}/tcp")), facts, print }
    }
}

impl Site {
    fn add(&self, builder: &mut ReportBuilder, said: &mut Said, item: &Item<'_>, place: Box<str>) {
        let same = builder::print_of((self.print, item.id.trim(), item.msg.trim()));
        let url = self.whole(item.url.trim());
        match said.entry(same) {
            Entry::Occupied(known) => return builder.add_fact(*known.get(), "url", &text::line(&url)),
            Entry::Vacant(new) => new.insert(builder.head().findings.len()),
        };
        let finding = Finding {
            vulnerability: vulnerability(builder, item),
            asset: self.asset,
            location: Location {
                url: text::some(url),
                method: item.method.some_line(),
                port: self.port.clone(),
                ..Location::default()
            },
            place: Some(place),
            facts: self.facts.clone(),
            ..Finding::default()
        };
        let severity = builder.head().glance(finding.vulnerability).severity;
        builder.add_differing(finding, severity, &item.msg, "");
    }

    /// The URL of an item, of which some reports give the path only.
    fn whole(&self, url: &str) -> String {
        let before = if url.starts_with('/') { self.url.as_str() } else { "" };
        [before, url].concat()
    }
}

fn vulnerability(builder: &mut ReportBuilder, item: &Item<'_>) -> usize {
    let own = item.id.or(&item.msg);
    builder.vulnerability(&[TOOL, ":", &own.title()].concat(), || Vulnerability {
        title: item.msg.or(&item.id).title(),
        severity: severity(&item.osvdb),
        ids: words::ids_in(&item.msg),
        references: words::each_once([&item.references, &item.msg].into_iter().flat_map(|text| words::links(text))),
        ..Vulnerability::default()
    })
}

/// Nikto rates nothing. What has a number in the OSVDB is a known vulnerability, all else an observation.
fn severity(osvdb: &Text<'_>) -> Severity {
    if osvdb.is_empty() || osvdb.trim() == "0" { Severity::None } else { Severity::Medium }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_of_the_xml_is_on_its_own_host() {
        let host = |name: &str| {
            let item = |id: u8| format!("<item id=\"{id}\"><description>d{id}</description><uri>/{id}</uri></item>");
            format!("<scandetails sitename=\"https://{name}.example.com/\">{}{}</scandetails>", item(1), item(2))
        };
        let text = format!("<niktoscan>{}{}</niktoscan>", host("shop"), host("mail"));
        let report = parse(&text).unwrap().remove(0);
        let urls: Vec<_> = report.findings.iter().filter_map(|finding| finding.location.url).collect();
        let url = |path: &str| format!("https://{path}");
        let expected = ["shop.example.com/1", "shop.example.com/2", "mail.example.com/1", "mail.example.com/2"];
        assert_eq!(urls, expected.map(url));
        assert_eq!(report.findings.iter().map(|finding| finding.asset).collect::<Vec<_>>(), [0, 0, 1, 1].map(Some));
    }
}
