//! Which hosts and addresses may be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use url::{Host, Url};

use crate::base::error::ApiError;

/// What the operator opens beyond the public internet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    allowed_private: Vec<Opening>,
}

/// A private destination that the operator allows: `jira.corp.example`, `*.corp.example`, `10.1.2.3`, `10.0.0.0/8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// Exactly this host name.
    Host(String),
    /// Every host name below this domain.
    Below(String),
    /// The addresses whose first `prefix_bits` are those of `network`.
    Network {
        /// The network's address.
        network: IpAddr,
        /// How many leading bits count.
        prefix_bits: u8,
    },
}

impl FromStr for Opening {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_ascii_lowercase();
        if let Some((network, bits)) = text.split_once('/') {
            return network_of(network, bits).ok_or_else(|| format!("{text} is not a network like 10.0.0.0/8"));
        }
        if let Ok(address) = bare(&text).parse::<IpAddr>() {
            let address = address.to_canonical();
            return Ok(Self::Network { network: address, prefix_bits: width(address) });
        }
        let (name, below) = text.strip_prefix("*.").map_or((text.as_str(), false), |name| (name, true));
        if !is_host_name(name) {
            return Err(format!("{text} is neither a host name, nor *.domain, nor an address, nor a network"));
        }
        Ok(if below { Self::Below(format!(".{name}")) } else { Self::Host(name.to_owned()) })
    }
}

fn network_of(network: &str, bits: &str) -> Option<Opening> {
    let network = bare(network).parse::<IpAddr>().ok()?;
    let prefix_bits = bits.parse::<u8>().ok().filter(|bits| *bits <= width(network))?;
    Some(Opening::Network { network, prefix_bits })
}

fn bare(address: &str) -> &str {
    address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address)
}

fn is_host_name(name: &str) -> bool {
    let label_is_valid = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.split('.').all(label_is_valid)
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl Policy {
    /// A policy with these openings.
    #[must_use]
    pub fn new(allowed_private: Vec<Opening>) -> Self {
        Self { allowed_private }
    }

    /// Whether a connection to this address of this host may be made.
    #[must_use]
    pub fn permits(&self, host: &str, address: IpAddr) -> bool {
        is_public(address) || self.opens_host(host) || self.opens_address(address)
    }

    fn opens_host(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.allowed_private.iter().any(|opening| match opening {
            Opening::Host(name) => *name == host,
            Opening::Below(suffix) => host.ends_with(suffix.as_str()),
            Opening::Network { .. } => false,
        })
    }

    fn opens_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed_private.iter().any(|opening| match opening {
            Opening::Network { network, prefix_bits } => same_prefix(*network, address, *prefix_bits),
            Opening::Host(_) | Opening::Below(_) => false,
        })
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

fn same_prefix(network: IpAddr, address: IpAddr, bits: u8) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let differing = u32::from(network) ^ u32::from(address);
            differing.leading_zeros() >= u32::from(bits)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let differing = u128::from(network) ^ u128::from(address);
            differing.leading_zeros() >= u32::from(bits)
        }
        _ => false,
    }
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
    !SPECIAL_V4.iter().any(|(network, bits)| same_prefix(IpAddr::V4(*network), IpAddr::V4(address), *bits))
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
        let policy = policy(&["jira.corp.example", "*.inner.example", "10.1.0.0/16", "127.0.0.1", "fd00::/8"]);
        for (host, address, expected) in [
            ("jira.corp.example", "10.9.9.9", true),
            ("JIRA.corp.example.", "10.9.9.9", true),
            ("xjira.corp.example", "10.9.9.9", false),
            ("git.inner.example", "192.168.0.1", true),
            ("inner.example", "192.168.0.1", false),
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

    #[test]
    fn reads_openings_and_refuses_what_is_none() {
        for text in ["10.0.0.0/33", "10.0.0/8", "http://host", "a b", "", "*.", "*", "host/"] {
            assert!(text.parse::<Opening>().is_err(), "{text:?} was accepted");
        }
        for text in ["10.0.0.0/8", "[::1]", "host", "*.corp.example", "::1/128", "0.0.0.0/0"] {
            assert!(text.parse::<Opening>().is_ok(), "{text:?} was refused");
        }
    }
}
