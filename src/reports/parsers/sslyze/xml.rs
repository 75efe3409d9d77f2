//! The XML of versions before 3. What it says of certificates is by the trust stores of its time, and is not read.

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parsers::sslyze::{CCS_INJECTION, COMPRESSION, HEARTBLEED, ROBOT, Server};
use crate::reports::read::text;
use crate::reports::read::words;
use crate::reports::read::xml::{self, Element};

/// The elements of protocol versions, and what people call them.
const PROTOCOLS: [(&str, &str); 6] = [
    ("sslv2", "SSL 2.0"),
    ("sslv3", "SSL 3.0"),
    ("tlsv1", "TLS 1.0"),
    ("tlsv1_1", "TLS 1.1"),
    ("tlsv1_2", "TLS 1.2"),
    ("tlsv1_3", "TLS 1.3"),
];

/// Reads the targets; those that could not be reached are lost.
///
/// # Errors
/// See [`xml::each`].
pub fn read(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let root = xml::root(text).unwrap_or_default();
    builder.head().tool_version = text::some_line(root.attribute("SSLyzeVersion"));
    xml::each(text, &["target", "invalidTarget"], |line, target| {
        let place = format!("line {line}");
        if target.name == "invalidTarget" {
            builder.lose(place, &format!("{}: {}", target.text.trim(), target.attribute("error")));
            return Ok(());
        }
        let attribute = |name: &str| text::line(target.attribute(name));
        let (host, address, port) = (attribute("host"), attribute("ip"), attribute("port"));
        measured(&mut Server { builder, host, address, port, place }, &target);
        Ok(())
    })
}

fn measured(server: &mut Server<'_>, target: &Element) {
    let says = |path: (&str, &str), attribute: &str, value: &str| {
        target.inside(path.0, path.1).any(|element| element.attribute(attribute) == value)
    };
    if says(("heartbleed", "openSslHeartbleed"), "isVulnerable", "True") {
        server.add(HEARTBLEED, "", "");
    }
    if says(("openssl_ccs", "openSslCcsInjection"), "isVulnerable", "True") {
        server.add(CCS_INJECTION, "", "");
    }
    if says(("compression", "compressionMethod"), "isSupported", "True") {
        server.add(COMPRESSION, "", "");
    }
    let renegotiates = |attribute: &str, value: &str| says(("reneg", "sessionRenegotiation"), attribute, value);
    server.add_renegotiation(renegotiates("canBeClientInitiated", "True"), renegotiates("isSecure", "False"));
    let robots = target.inside("robot", "robotAttack");
    if robots.into_iter().any(|robot| robot.attribute("resultEnum").starts_with("VULNERABLE")) {
        server.add(ROBOT, "", "");
    }
    for (element, protocol) in PROTOCOLS {
        // Before version 1.1 only the suites say whether a protocol is supported.
        let offered = target.child(element).filter(|offered| offered.attribute("isProtocolSupported") != "False");
        if let Some(offered) = offered {
            server.add_protocol(protocol, &suites(offered));
        }
    }
}

fn suites<'e>(protocol: &'e Element<'_>) -> Vec<&'e str> {
    let lists = ["preferredCipherSuite", "acceptedCipherSuites"].into_iter();
    let named = lists.flat_map(|list| protocol.inside(list, "cipherSuite")).map(|suite| suite.attribute("name"));
    words::each_once(named.filter(|name| !name.is_empty()))
}
