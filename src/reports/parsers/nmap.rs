//! Nmap's XML: open ports, and what its scripts say of the services behind them.
//!
//! An open port is information. A script of the `vulners` kind lists what is known of a service's version; one of the
//! `vuln` library says whether a host is vulnerable.

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::text::{self, Text};
use crate::reports::read::time;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};

/// Nmap.
pub const PARSER: Parser = Parser {
    name: "nmap",
    title: "Nmap XML",
    tool: "Nmap",
    content_types: &["application/xml"],
    defectdojo_names: &["Nmap Scan"],
    example: r#"<nmaprun scanner="nmap" version="7.95" start="1769854830"><host><address addr="192.0.2.1" addrtype="ipv4"/><ports>
  <port protocol="tcp" portid="22"><state state="open"/><service name="ssh"/></port></ports></host></nmaprun>"#,
    shapes: &[&[Sign::Has("/nmaprun")]],
    parse,
};

const TOOL: &str = "Nmap";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    let root = xml::root(text).unwrap_or_default();
    let head = builder.head();
    head.tool_version = text::some_line(root.attribute("version"));
    head.reported_at = time::of(root.attribute("start"));
    xml::each(text, &["host"], |line, host| {
        match name(&host) {
            Some(name) => add_host(&mut builder, &host, name, line),
            None => builder.lose(format!("line {line}"), "a host without an address"),
        }
        Ok(())
    })?;
    Ok(vec![builder.finish()])
}

/// The name that was asked for, else the one that its address resolves to, else the address.
fn name<'e>(host: &'e Element<'_>) -> Option<&'e str> {
    let names = || host.inside("hostnames", "hostname");
    let named = names().find(|name| name.attribute("type") == "user").or_else(|| names().next());
    let address = || host.all("address").find(|address| address.attribute("addrtype") != "mac");
    let named = named.map(|name| name.attribute("name")).filter(|name| !name.is_empty());
    named.or_else(|| address().map(|address| address.attribute("addr"))).filter(|name| !name.is_empty())
}

fn add_host(builder: &mut ReportBuilder, host: &Element, name: &str, line: u64) {
    let asset = builder.asset(AssetKind::Host, name);
    let address = host.child("address").and_then(|address| text::some_line(address.attribute("addr")));
    let address = address.filter(|address| address != name);
    let finding = Finding { asset, place: Some(format!("line {line}").into()), ..Finding::default() };
    for port in host.inside("ports", "port") {
        if port.child("state").is_some_and(|state| state.attribute("state") == "open") {
            let number = format!("{}/{}", port.attribute("portid"), port.attribute("protocol"));
            let location = Location { port: Some(text::line(&number)), ..Location::default() };
            let finding = Finding { location, ..finding.clone() };
            add_port(builder, port, &number, address.clone(), &finding);
            add_scripts(builder, port, &finding);
        }
    }
    for scripts in host.all("hostscript") {
        add_scripts(builder, scripts, &finding);
    }
}

fn add_port(builder: &mut ReportBuilder, port: &Element, number: &str, address: Option<String>, at: &Finding) {
    let title = text::title(&format!("Open port {number}"));
    let vulnerability = builder.vulnerability(&format!("{TOOL}:{title}"), || Vulnerability {
        title: title.clone(),
        severity: Severity::None,
        ..Vulnerability::default()
    });
    let said = |name: &str| port.child("service").and_then(|service| text::some_line(service.attribute(name)));
    let finding = Finding {
        vulnerability,
        facts: builder::facts([
            ("address", address),
            ("service", said("name")),
            ("product", said("product")),
            ("version", said("version")),
            ("extra", said("extrainfo")),
            ("cpe", port.child("service").and_then(|service| text::some_line(service.at("cpe")))),
        ]),
        ..at.clone()
    };
    builder.add(finding);
}

fn add_scripts(builder: &mut ReportBuilder, within: &Element, at: &Finding) {
    for script in within.all("script") {
        for table in script.all("table") {
            if script.attribute("id") == "vulners" {
                add_known(builder, table, at);
            } else if value(table, "state").contains("VULNERABLE") && !value(table, "state").contains("NOT VULNERABLE")
            {
                add_proven(builder, script, table, at);
            }
        }
    }
}

/// The text of a table's element by key; keys come in either case.
fn value<'e>(table: &'e Element, key: &str) -> &'e str {
    let mut elements = table.all("elem").filter(|elem| elem.attribute("key").eq_ignore_ascii_case(key));
    elements.next().map_or("", |elem| elem.text.trim())
}

/// The texts of a table inside a table.
fn listed(table: &Element, key: &str) -> Vec<String> {
    let inner = table.all("table").filter(|inner| inner.attribute("key").eq_ignore_ascii_case(key));
    inner.flat_map(|inner| inner.all("elem")).filter_map(|elem| text::some_text(&elem.text)).collect()
}

/// What `vulners` knows of a version, by its CPE (`cpe:/a:openbsd:openssh:7.4`). Exploits have ids of their own.
fn add_known(builder: &mut ReportBuilder, table: &Element, at: &Finding) {
    let mut cpe = table.attribute("key").split(':').skip(3);
    let component = builder.component(cpe.next().unwrap_or_default(), cpe.next().unwrap_or_default(), "");
    for entry in table.all("table") {
        let Some(id) = text::some_line(value(entry, "id")) else { continue };
        let mut ratings = Ratings::default();
        ratings.add("", Text::from(value(entry, "cvss")).number());
        let is_public = value(entry, "type").eq_ignore_ascii_case("cve");
        let key = if is_public { id.clone() } else { format!("{TOOL}:{id}") };
        let vulnerability = builder.vulnerability(&key, || {
            ratings.clone().rate(Vulnerability {
                title: text::title(&id),
                severity: ratings.severity(""),
                ids: if is_public { vec![id.clone()] } else { Vec::new() },
                ..Vulnerability::default()
            })
        });
        let facts = builder::facts([
            ("kind", text::some_line(value(entry, "type"))),
            ("exploit", text::some_line(value(entry, "is_exploit")).filter(|is_exploit| is_exploit == "true")),
        ]);
        builder.add(Finding { vulnerability, component, facts, ..at.clone() });
    }
}

/// What a script of the `vuln` library found.
fn add_proven(builder: &mut ReportBuilder, script: &Element, table: &Element, at: &Finding) {
    let title = text::title(value(table, "title"));
    let ids = listed(table, "ids");
    // `CVE:CVE-2014-0160`; of other databases (`BID:70574`) the number alone says nothing.
    let ids = words::each_once(ids.iter().map(|id| text::line(id.strip_prefix("CVE:").unwrap_or(id))));
    let mut ratings = Ratings::default();
    for score in listed(table, "scores") {
        let score = score.split_whitespace().next().map(Text::from).and_then(|score| score.number());
        ratings.add("", score);
    }
    let vulnerability = builder.vulnerability(&words::key(&ids, TOOL, script.attribute("id")), || {
        ratings.clone().rate(Vulnerability {
            title: title.clone(),
            description: text::text(&listed(table, "description").join("\n")),
            severity: ratings.severity(value(table, "risk_factor")),
            references: words::each_once(listed(table, "refs").iter().flat_map(|link| words::links(link))),
            ids: ids.clone(),
            ..Vulnerability::default()
        })
    });
    let facts = builder::facts([
        ("script", text::some_line(script.attribute("id"))),
        ("state", text::some_line(value(table, "state"))),
    ]);
    builder.add(Finding { vulnerability, facts, ..at.clone() });
}
