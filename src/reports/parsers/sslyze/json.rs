//! The JSON since version 3. Version 5 wraps each result with its status.

use serde::Deserialize;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parsers::sslyze::{CCS_INJECTION, CERTIFICATE, COMPRESSION, HEARTBLEED, ROBOT, Server};
use crate::reports::read::json::{self, Entries, List, Object};
use crate::reports::read::text::Text;
use crate::reports::read::words;

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    sslyze_version: Text<'a>,
    #[serde(borrow)]
    date_scans_completed: Text<'a>,
    #[serde(borrow)]
    server_scan_results: Entries<'a, ServerScan<'a>>,
    #[serde(borrow)]
    server_connectivity_errors: List<Object<ServerScan<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerScan<'a> {
    #[serde(borrow)]
    server_info: Object<ServerInfo<'a>>,
    #[serde(borrow)]
    server_location: Object<ServerLocation<'a>>,
    #[serde(borrow)]
    scan_commands_results: Object<Results<'a>>,
    #[serde(borrow)]
    scan_result: Object<Wrapped<'a>>,
    #[serde(borrow)]
    connectivity_status: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerInfo<'a> {
    #[serde(borrow)]
    server_location: Object<ServerLocation<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServerLocation<'a> {
    #[serde(borrow)]
    hostname: Text<'a>,
    #[serde(borrow)]
    ip_address: Text<'a>,
    #[serde(borrow)]
    port: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Results<'a> {
    heartbleed: Object<Heartbleed>,
    openssl_ccs_injection: Object<CcsInjection>,
    #[serde(borrow)]
    robot: Object<Robot<'a>>,
    session_renegotiation: Object<Renegotiation>,
    tls_compression: Object<Compression>,
    #[serde(borrow)]
    ssl_2_0_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    ssl_3_0_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    tls_1_0_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    tls_1_1_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    tls_1_2_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    tls_1_3_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    certificate_info: Object<CertificateInfo<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wrapped<'a> {
    heartbleed: Object<Outcome<Heartbleed>>,
    openssl_ccs_injection: Object<Outcome<CcsInjection>>,
    #[serde(borrow)]
    robot: Object<Outcome<Robot<'a>>>,
    session_renegotiation: Object<Outcome<Renegotiation>>,
    tls_compression: Object<Outcome<Compression>>,
    #[serde(borrow)]
    ssl_2_0_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    ssl_3_0_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    tls_1_0_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    tls_1_1_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    tls_1_2_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    tls_1_3_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    certificate_info: Object<Outcome<CertificateInfo<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de> + Default"))]
struct Outcome<T> {
    #[serde(default)]
    result: Object<T>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Heartbleed {
    is_vulnerable_to_heartbleed: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CcsInjection {
    is_vulnerable_to_ccs_injection: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Robot<'a> {
    #[serde(borrow)]
    robot_result: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Renegotiation {
    #[serde(alias = "is_vulnerable_to_client_renegotiation_dos")]
    accepts_client_renegotiation: Option<bool>,
    supports_secure_renegotiation: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Compression {
    supports_compression: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Suites<'a> {
    #[serde(borrow)]
    accepted_cipher_suites: List<Object<Accepted<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Accepted<'a> {
    #[serde(borrow)]
    cipher_suite: Object<Suite<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Suite<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CertificateInfo<'a> {
    #[serde(borrow)]
    certificate_deployments: List<Object<Deployment<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Deployment<'a> {
    leaf_certificate_subject_matches_hostname: Option<bool>,
    #[serde(borrow)]
    path_validation_results: List<Object<Validation<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Validation<'a> {
    #[serde(borrow, alias = "validation_error")]
    openssl_error_string: Text<'a>,
}

/// Reads the servers; those that could not be reached are lost.
///
/// # Errors
/// See [`json::read`].
pub fn read(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let file: File<'_> = json::read(text)?;
    builder.head().tool_version = file.sslyze_version.some_line();
    builder.head().reported_at = file.date_scans_completed.time();
    for (at, _) in file.server_connectivity_errors.iter().enumerate() {
        builder.lose(format!("/server_connectivity_errors/{at}"), "the server could not be reached");
    }
    for (at, scan) in file.server_scan_results.into_iter().enumerate() {
        let place = format!("/server_scan_results/{at}");
        match builder.keep(scan, &place) {
            Some(scan) if scan.connectivity_status.as_str() == "ERROR" => {
                builder.lose(place, "the server could not be reached");
            }
            Some(scan) => measured(builder, scan, place),
            None => {}
        }
    }
    Ok(())
}

fn measured(builder: &mut ReportBuilder, scan: ServerScan<'_>, place: String) {
    let (now, before) = (&scan.server_location.0, &scan.server_info.server_location.0);
    let at = if now.hostname.or(&now.ip_address).is_empty() { before } else { now };
    let (host, address, port) = (at.hostname.line(), at.ip_address.line(), at.port.line());
    let mut server = Server { builder, host, address, port, place };
    flaws(&mut server, &scan.scan_commands_results);
    flaws(&mut server, &unwrapped(scan.scan_result.0));
}

fn unwrapped(results: Wrapped<'_>) -> Results<'_> {
    Results {
        heartbleed: results.heartbleed.0.result,
        openssl_ccs_injection: results.openssl_ccs_injection.0.result,
        robot: results.robot.0.result,
        session_renegotiation: results.session_renegotiation.0.result,
        tls_compression: results.tls_compression.0.result,
        ssl_2_0_cipher_suites: results.ssl_2_0_cipher_suites.0.result,
        ssl_3_0_cipher_suites: results.ssl_3_0_cipher_suites.0.result,
        tls_1_0_cipher_suites: results.tls_1_0_cipher_suites.0.result,
        tls_1_1_cipher_suites: results.tls_1_1_cipher_suites.0.result,
        tls_1_2_cipher_suites: results.tls_1_2_cipher_suites.0.result,
        tls_1_3_cipher_suites: results.tls_1_3_cipher_suites.0.result,
        certificate_info: results.certificate_info.0.result,
    }
}

fn flaws(server: &mut Server<'_>, results: &Results<'_>) {
    if results.heartbleed.is_vulnerable_to_heartbleed == Some(true) {
        server.add(HEARTBLEED, "", "");
    }
    if results.openssl_ccs_injection.is_vulnerable_to_ccs_injection == Some(true) {
        server.add(CCS_INJECTION, "", "");
    }
    if results.robot.robot_result.starts_with("VULNERABLE") {
        server.add(ROBOT, "", "");
    }
    if results.tls_compression.supports_compression == Some(true) {
        server.add(COMPRESSION, "", "");
    }
    let renegotiation = &results.session_renegotiation;
    server.add_renegotiation(
        renegotiation.accepts_client_renegotiation == Some(true),
        renegotiation.supports_secure_renegotiation == Some(false),
    );
    for (protocol, suites) in [
        ("SSL 2.0", &results.ssl_2_0_cipher_suites),
        ("SSL 3.0", &results.ssl_3_0_cipher_suites),
        ("TLS 1.0", &results.tls_1_0_cipher_suites),
        ("TLS 1.1", &results.tls_1_1_cipher_suites),
        ("TLS 1.2", &results.tls_1_2_cipher_suites),
        ("TLS 1.3", &results.tls_1_3_cipher_suites),
    ] {
        let names: Vec<&str> =
            suites.accepted_cipher_suites.iter().map(|suite| suite.cipher_suite.name.as_str()).collect();
        server.add_protocol(protocol, &names);
    }
    certificate(server, &results.certificate_info);
}

fn certificate(server: &mut Server<'_>, info: &CertificateInfo<'_>) {
    let deployments = || info.certificate_deployments.iter();
    let mismatch = deployments().filter(|one| one.leaf_certificate_subject_matches_hostname == Some(false));
    let mismatch = mismatch.map(|_| "The certificate is of another name.".to_owned());
    let errors = deployments().flat_map(|one| one.path_validation_results.iter());
    let errors = errors.filter_map(|validation| validation.openssl_error_string.some_line());
    let problems = words::each_once(mismatch.chain(errors));
    if !problems.is_empty() {
        server.add(CERTIFICATE, "", &problems.join("\n"));
    }
}
