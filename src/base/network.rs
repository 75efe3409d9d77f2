//! Networks and hosts as an operator names them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses that share their first bits: `10.0.0.0/8`; a single address is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// Whether `address` is one of them. An IPv4 address mapped into IPv6 is taken as the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix_bits)).unwrap_or(0);
                u32::from(own) & mask == u32::from(other) & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix_bits)).unwrap_or(0);
                u128::from(own) & mask == u128::from(other) & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hint = || "must be an address or a network like 10.0.0.0/8 or fd00::/8".to_owned();
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| hint())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| hint())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = bits.unwrap_or(most);
        if prefix_bits > most {
            return Err(hint());
        }
        Ok(Self { address, prefix_bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

/// A host that an operator allows: by name or by network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRule {
    /// Exactly this host, in lower case. Its addresses are allowed when it is called by this name.
    Name(String),
    /// Every address of this network.
    Network(Network),
}

impl HostRule {
    /// Whether the rule allows calling `host` (as written in the URL) at `address` (as it was resolved).
    #[must_use]
    pub fn allows(&self, host: &str, address: IpAddr) -> bool {
        match self {
            Self::Name(name) => host.trim_end_matches('.').eq_ignore_ascii_case(name),
            Self::Network(network) => network.contains(address),
        }
    }
}

impl FromStr for HostRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(network) = text.parse() {
            return Ok(Self::Network(network));
        }
        let is_name = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        // A name of digits and dots is an address that somebody mistyped.
        if is_name && text.chars().any(|c| c.is_ascii_alphabetic()) {
            return Ok(Self::Name(text.trim_end_matches('.').to_ascii_lowercase()));
        }
        Err("must be a host name without a port, an address, or a network like 10.0.0.0/8".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_what_shares_its_first_bits() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "2001:db8::1", true),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network} {address}");
        }
    }

    #[test]
    fn refuses_what_is_no_host_and_no_network() {
        for text in ["", "10.0.0.0/33", "fd00::/129", "10.0.0", "http://a.example", "a.example:80", "a b", "10.0.0.0/x"]
        {
            assert!(text.parse::<HostRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_rule_allows_that_host_only_whatever_its_address() {
        let rule: HostRule = "GitLab.example.lan".parse().unwrap();
        let address = "192.168.1.1".parse().unwrap();
        assert!(rule.allows("gitlab.example.lan", address));
        assert!(rule.allows("gitlab.example.lan.", address));
        assert!(!rule.allows("evil-gitlab.example.lan", address));
        assert!(!rule.allows("192.168.1.1", address));
    }
}
