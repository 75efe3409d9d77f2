//! The JSON since version 3. Version 5 wraps each result with its status.

mod schema;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parsers::sslyze::{CCS_INJECTION, CERTIFICATE, COMPRESSION, HEARTBLEED, ROBOT, Server};
use crate::reports::read::json;
use crate::reports::read::words;
use schema::{CertificateInfo, File, Results, ServerScan, Wrapped};

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
