//! SSLyze: its JSON since version 3, and its XML before. Both measure; what is a weakness is said here.

mod json;
mod xml;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::text;
use crate::reports::report::{AssetKind, Finding, Location, Report, Vulnerability};

/// SSLyze.
pub const PARSER: Parser = Parser {
    name: "sslyze",
    title: "SSLyze (JSON, XML)",
    tool: "SSLyze",
    content_types: &["application/json", "application/xml"],
    defectdojo_names: &["SSLyze Scan (JSON)", "Sslyze Scan"],
    example: r#"{"sslyze_version": "5.0.2", "server_scan_results": [{"server_location": {"hostname": "shop.example.com", "port": 443},
  "scan_result": {"heartbleed": {"result": {"is_vulnerable_to_heartbleed": true}}}}]}"#,
    shapes: &[
        &[Sign::List("server_scan_results"), Sign::Has("sslyze_version")],
        &[Sign::List("server_scan_results"), Sign::Has("date_scans_completed")],
        &[Sign::Has("server_scan_results[].scan_commands_results")],
        &[Sign::Has("/document@SSLyzeVersion")],
    ],
    parse,
};

const TOOL: &str = "SSLyze";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    if text.trim_start().starts_with('<') {
        xml::read(&mut builder, text)?
    } else {
        json::read(&mut builder, text)?
    }
    Ok(vec![builder.finish()])
}

/// What can be wrong with a server.
#[derive(Clone, Copy)]
struct Weakness {
    title: &'static str,
    cve: Option<&'static str>,
    cwe: u32,
    severity: Severity,
    remediation: &'static str,
}

// SSLyze rates nothing. Flaws have the severity of their CVE's base score in the NVD; a certificate that clients refuse
// is medium. How bad an old protocol or suite is depends on who has to connect: that stays unknown.
const HEARTBLEED: Weakness = Weakness {
    title: "OpenSSL Heartbleed",
    cve: Some("CVE-2014-0160"),
    cwe: 125,
    severity: Severity::High,
    remediation: "Update OpenSSL and replace the keys that it held.",
};
const CCS_INJECTION: Weakness = Weakness {
    title: "OpenSSL CCS injection",
    cve: Some("CVE-2014-0224"),
    cwe: 326,
    severity: Severity::High,
    remediation: "Update OpenSSL.",
};
const ROBOT: Weakness = Weakness {
    title: "ROBOT: RSA key exchange decrypts for strangers",
    cve: None,
    cwe: 203,
    severity: Severity::Medium,
    remediation: "Disable cipher suites with RSA key exchange.",
};
const RENEGOTIATION: Weakness = Weakness {
    title: "Weak session renegotiation",
    cve: None,
    cwe: 310,
    severity: Severity::Medium,
    remediation: "Allow secure renegotiation only, and none that the client begins.",
};
const COMPRESSION: Weakness = Weakness {
    title: "TLS compression (CRIME)",
    cve: Some("CVE-2012-4929"),
    cwe: 310,
    severity: Severity::Medium,
    remediation: "Disable compression.",
};
const OLD_PROTOCOL: Weakness = Weakness {
    title: "Outdated protocol versions",
    cve: None,
    cwe: 327,
    severity: Severity::Unknown,
    remediation: "Offer TLS 1.2 and 1.3 only (RFC 8996).",
};
const WEAK_SUITES: Weakness = Weakness {
    title: "Weak cipher suites",
    cve: None,
    cwe: 327,
    severity: Severity::Unknown,
    remediation: "Offer suites with forward secrecy and without SHA-1, RC4, DES or export keys only (RFC 9325).",
};
const CERTIFICATE: Weakness = Weakness {
    title: "Certificate not trusted",
    cve: None,
    cwe: 295,
    severity: Severity::Medium,
    remediation: "Install a valid certificate for this name with its whole chain.",
};

/// A server.
struct Server<'b> {
    builder: &'b mut ReportBuilder,
    host: String,
    address: String,
    port: String,
    place: String,
}

impl Server<'_> {
    /// Adds a weakness of this server; `what` tells apart several of one kind.
    fn add(&mut self, weakness: Weakness, what: &str, description: &str) {
        let key = weakness.cve.map_or_else(|| format!("{TOOL}:{}", weakness.title), str::to_owned);
        let vulnerability = self.builder.vulnerability(&key, || Vulnerability {
            title: weakness.title.to_owned(),
            remediation: Some(weakness.remediation.to_owned()),
            severity: weakness.severity,
            ids: weakness.cve.map(str::to_owned).into_iter().collect(),
            cwes: vec![weakness.cwe],
            ..Vulnerability::default()
        });
        let name = if self.host.is_empty() { &self.address } else { &self.host };
        let finding = Finding {
            vulnerability,
            asset: self.builder.asset(AssetKind::Host, name),
            location: Location {
                port: text::some_line(&self.port).map(|port| format!("{port}/tcp")),
                resource: text::some_line(what),
                ..Location::default()
            },
            place: Some(self.place.as_str().into()),
            facts: builder::facts([("address", text::some_line(&self.address))]),
            ..Finding::default()
        };
        self.builder.add_differing(finding, weakness.severity, "", description);
    }

    /// Adds what is wrong with how sessions are renegotiated: that the client may begin it, that it is not secure.
    fn add_renegotiation(&mut self, by_client: bool, is_insecure: bool) {
        let by_client = by_client.then_some("The client may begin renegotiation.");
        let is_insecure = is_insecure.then_some("Secure renegotiation is not supported.");
        let problems: Vec<&str> = [by_client, is_insecure].into_iter().flatten().collect();
        if !problems.is_empty() {
            self.add(RENEGOTIATION, "", &problems.join("\n"));
        }
    }

    /// Adds what is wrong with a protocol version, given the suites that are accepted for it: either that it is
    /// offered at all, or its weak suites.
    fn add_protocol(&mut self, protocol: &str, suites: &[&str]) {
        let is_old = !matches!(protocol, "TLS 1.2" | "TLS 1.3");
        let weak: Vec<&str> = suites.iter().copied().filter(|suite| is_weak(suite)).collect();
        if is_old && !suites.is_empty() {
            self.add(OLD_PROTOCOL, protocol, &format!("{protocol} is offered with {}", suites.join(", ")));
        } else if !weak.is_empty() {
            self.add(WEAK_SUITES, protocol, &format!("{protocol} is offered with {}", weak.join(", ")));
        }
    }
}

/// Suites without forward secrecy, with SHA-1, or with a broken algorithm. Those of TLS 1.3 name no key exchange and
/// are all good.
fn is_weak(suite: &str) -> bool {
    const BROKEN: [&str; 8] = ["_NULL_", "_EXPORT_", "_anon_", "_RC4_", "_DES_", "_3DES_", "_IDEA_", "_MD5"];
    let Some((exchange, _)) = suite.split_once("_WITH_") else { return suite.starts_with("SSL_CK") };
    let has_forward_secrecy = exchange.contains("DHE_");
    !has_forward_secrecy || suite.ends_with("_SHA") || BROKEN.iter().any(|broken| suite.contains(broken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_weak_suites() {
        for (suite, expected) in [
            ("TLS_AES_128_GCM_SHA256", false),
            ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", false),
            ("TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", false),
            ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", true),
            ("TLS_RSA_WITH_AES_256_GCM_SHA384", true),
            ("TLS_ECDH_RSA_WITH_AES_256_GCM_SHA384", true),
            ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", true),
            ("TLS_DH_anon_WITH_AES_128_GCM_SHA256", true),
            ("SSL_CK_RC4_128_WITH_MD5", true),
        ] {
            assert_eq!(is_weak(suite), expected, "{suite}");
        }
    }
}
