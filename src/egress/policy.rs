//! Which hosts and addresses may be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::base::error::ApiError;
use crate::base::network::HostRule;

/// What may be reached: the public internet, and what the operator opens beyond it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    allowed_private: Vec<HostRule>,
}

impl Policy {
    /// A policy with these openings.
    #[must_use]
    pub fn new(allowed_private: Vec<HostRule>) -> Self {
        Self { allowed_private }
    }

    /// Whether a connection to this address of this host may be made.
    #[must_use]
    pub fn permits(&self, host: &str, address: IpAddr) -> bool {
        is_public(address) || self.allowed_private.iter().any(|rule| rule.allows(host, address))
    }

    /// Whether this URL may be asked, as far as can be told without resolving its name; else why not.
    ///
    /// # Errors
    /// A reason for people: the scheme, or an address that is not public.
    pub fn judge(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("the scheme {} is not allowed: use https or http", url.scheme()));
        }
        let (name, address) = match url.host() {
            None => return Err("a host is missing".to_owned()),
            Some(Host::Domain(name)) => (name.to_owned(), is_local_name(name).then_some(Ipv4Addr::LOCALHOST.into())),
            Some(Host::Ipv4(address)) => (address.to_string(), Some(IpAddr::V4(address))),
            Some(Host::Ipv6(address)) => (address.to_string(), Some(IpAddr::V6(address))),
        };
        match address {
            Some(address) if !self.permits(&name, address) => Err(refusal(&name)),
            _ => Ok(()),
        }
    }
}

/// The words for a host that may not be reached.
#[must_use]
pub fn refusal(host: &str) -> String {
    format!("{host} is not a public address; the operator can open it with the list of allowed private hosts")
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost") || name.ends_with(".localdomain")
}

/// A base URL as a person gave it, checked: http or https, a host that may be reached, and nothing that means one
/// thing to a reader and another to a machine (user parts, fragments, queries, backslashes, control characters).
///
/// # Errors
/// `Invalid` at `/base_url`, with the reason.
pub fn check_url(text: &str, policy: &Policy) -> Result<Url, ApiError> {
    let refuse = |detail: String| Err(ApiError::invalid("/base_url", detail));
    // The parser drops tabs and line breaks and turns backslashes into slashes, so they must be seen before it.
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return refuse("must not hold spaces, control characters or backslashes".to_owned());
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("%0d") || lower.contains("%0a") || lower.contains("%00") {
        return refuse("must not hold encoded control characters".to_owned());
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return refuse(format!("is not a URL: {error}")),
    };
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return refuse("must not hold a user or a password: give the credential in its own field".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("must not hold a query or a fragment".to_owned());
    }
    match policy.judge(&url) {
        Ok(()) => Ok(url),
        Err(reason) => refuse(reason),
    }
}

/// Whether an address belongs to the public internet.
/// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Networks that are not "globally reachable", multicast and reserved ones included, as (address, prefix bits).
const SPECIAL_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in =
        |network: Ipv4Addr, bits: u8| (u32::from(network) ^ u32::from(address)).leading_zeros() >= u32::from(bits);
    !SPECIAL_V4.iter().any(|(network, bits)| is_in(*network, *bits))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(embedded) = embedded_v4(address) {
        return is_public_v4(embedded);
    }
    let parts = address.segments();
    let is_global_unicast = parts[0] & 0xe000 == 0x2000;
    // 2001::/23 holds protocol assignments (Teredo among them), 2002::/16 is 6to4, the others are for documentation.
    let is_special = (parts[0] == 0x2001 && (parts[1] < 0x0200 || parts[1] == 0x0db8))
        || parts[0] == 0x2002
        || (parts[0] == 0x3fff && parts[1] < 0x1000);
    is_global_unicast && !is_special
}

/// The IPv4 address that a mapped (`::ffff:0:0/96`), compatible (`::/96`) or NAT64 (`64:ff9b::/96`) address stands for.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = address.segments();
    let prefix = &parts[..6];
    let embeds = prefix == [0, 0, 0, 0, 0, 0xffff] || prefix == [0; 6] || prefix == [0x64, 0xff9b, 0, 0, 0, 0];
    let [a, b] = parts[6].to_be_bytes();
    let [c, d] = parts[7].to_be_bytes();
    embeds.then_some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(openings: &[&str]) -> Policy {
        Policy::new(openings.iter().map(|text| text.parse().unwrap()).collect())
    }

    /// S-15
    #[test]
    fn refuses_every_spelling_of_an_inner_address() {
        for text in [
            "http://127.0.0.1",
            "http://localhost:8080",
            "http://LOCALHOST.",
            "http://tracker.localhost",
            "http://0.0.0.0",
            "http://[::1]",
            "http://[::]",
            "http://[::ffff:127.0.0.1]",
            "http://[::ffff:7f00:1]",
            "http://[64:ff9b::10.0.0.1]",
            "http://169.254.169.254",
            "http://10.0.0.1",
            "http://172.31.255.255",
            "http://192.168.1.1",
            "http://100.64.0.1",
            "http://2130706433",
            "http://0x7f.1",
            "http://017700000001",
            "http://127.1",
            "http://１２７.0.0.1",
            "http://[fd00::1]",
            "http://[fe80::1]",
            "http://[2002:7f00:1::]",
            "http://224.0.0.1",
            "http://255.255.255.255",
            "file:///etc/passwd",
            "gopher://example.com",
            "javascript:alert(1)",
            "http://user@example.com",
            "http://user:password@example.com",
            "http://127.0.0.1#@example.com",
            "http://example.com#@127.0.0.1",
            "http://example.com\\@127.0.0.1",
            "http://example.com/a\r\nHost: inner",
            "http://example.com/%0d%0aHost:%20inner",
            "http://example.com?next=inner",
            "http://",
            "example.com",
            "",
        ] {
            assert!(check_url(text, &Policy::default()).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn accepts_public_trackers() {
        for text in [
            "https://github.com",
            "https://gitlab.example.com/gitlab",
            "http://8.8.8.8:8443",
            "https://[2606:4700::1111]",
        ] {
            assert!(check_url(text, &Policy::default()).is_ok(), "{text}");
        }
    }

    #[test]
    fn opens_only_what_the_operator_names() {
        let policy = policy(&["jira.corp.example", "10.1.0.0/16", "127.0.0.1", "fd00::/8"]);
        for (host, address, expected) in [
            ("jira.corp.example", "10.9.9.9", true),
            ("JIRA.corp.example.", "10.9.9.9", true),
            ("xjira.corp.example", "10.9.9.9", false),
            ("git.jira.corp.example", "192.168.0.1", false),
            ("any.example", "10.1.2.3", true),
            ("any.example", "10.2.2.3", false),
            ("any.example", "::ffff:10.1.2.3", true),
            ("any.example", "127.0.0.1", true),
            ("any.example", "127.0.0.2", false),
            ("any.example", "fd12::1", true),
            ("any.example", "fe80::1", false),
            ("any.example", "93.184.215.14", true),
        ] {
            assert_eq!(policy.permits(host, address.parse().unwrap()), expected, "{host} at {address}");
        }
    }
}
