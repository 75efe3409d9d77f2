//! The parts of SSLyze's JSON that are read. What is not named here is skipped.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::Text;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub sslyze_version: Text<'a>,
    #[serde(borrow)]
    pub date_scans_completed: Text<'a>,
    #[serde(borrow)]
    pub server_scan_results: Entries<'a, ServerScan<'a>>,
    #[serde(borrow)]
    pub server_connectivity_errors: List<Object<ServerScan<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ServerScan<'a> {
    #[serde(borrow)]
    pub server_info: Object<ServerInfo<'a>>,
    #[serde(borrow)]
    pub server_location: Object<ServerLocation<'a>>,
    #[serde(borrow)]
    pub scan_commands_results: Object<Results<'a>>,
    #[serde(borrow)]
    pub scan_result: Object<Wrapped<'a>>,
    #[serde(borrow)]
    pub connectivity_status: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ServerInfo<'a> {
    #[serde(borrow)]
    pub server_location: Object<ServerLocation<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ServerLocation<'a> {
    #[serde(borrow)]
    pub hostname: Text<'a>,
    #[serde(borrow)]
    pub ip_address: Text<'a>,
    #[serde(borrow)]
    pub port: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Results<'a> {
    pub heartbleed: Object<Heartbleed>,
    pub openssl_ccs_injection: Object<CcsInjection>,
    #[serde(borrow)]
    pub robot: Object<Robot<'a>>,
    pub session_renegotiation: Object<Renegotiation>,
    pub tls_compression: Object<Compression>,
    #[serde(borrow)]
    pub ssl_2_0_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    pub ssl_3_0_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    pub tls_1_0_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    pub tls_1_1_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    pub tls_1_2_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    pub tls_1_3_cipher_suites: Object<Suites<'a>>,
    #[serde(borrow)]
    pub certificate_info: Object<CertificateInfo<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wrapped<'a> {
    pub heartbleed: Object<Outcome<Heartbleed>>,
    pub openssl_ccs_injection: Object<Outcome<CcsInjection>>,
    #[serde(borrow)]
    pub robot: Object<Outcome<Robot<'a>>>,
    pub session_renegotiation: Object<Outcome<Renegotiation>>,
    pub tls_compression: Object<Outcome<Compression>>,
    #[serde(borrow)]
    pub ssl_2_0_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    pub ssl_3_0_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    pub tls_1_0_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    pub tls_1_1_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    pub tls_1_2_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    pub tls_1_3_cipher_suites: Object<Outcome<Suites<'a>>>,
    #[serde(borrow)]
    pub certificate_info: Object<Outcome<CertificateInfo<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de> + Default"))]
pub struct Outcome<T> {
    #[serde(default)]
    pub result: Object<T>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Heartbleed {
    pub is_vulnerable_to_heartbleed: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CcsInjection {
    pub is_vulnerable_to_ccs_injection: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Robot<'a> {
    #[serde(borrow)]
    pub robot_result: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Renegotiation {
    #[serde(alias = "is_vulnerable_to_client_renegotiation_dos")]
    pub accepts_client_renegotiation: Option<bool>,
    pub supports_secure_renegotiation: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Compression {
    pub supports_compression: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Suites<'a> {
    #[serde(borrow)]
    pub accepted_cipher_suites: List<Object<Accepted<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Accepted<'a> {
    #[serde(borrow)]
    pub cipher_suite: Object<Suite<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Suite<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CertificateInfo<'a> {
    #[serde(borrow)]
    pub certificate_deployments: List<Object<Deployment<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Deployment<'a> {
    pub leaf_certificate_subject_matches_hostname: Option<bool>,
    #[serde(borrow)]
    pub path_validation_results: List<Object<Validation<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Validation<'a> {
    #[serde(borrow, alias = "validation_error")]
    pub openssl_error_string: Text<'a>,
}
