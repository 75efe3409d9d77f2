//! Where a request comes from, for limits and logs.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use crate::app::App;
use crate::base::network::Network;

/// The address of the client: of the peer, or what trusted proxies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The client of a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        // Without a peer there is no network in between (tests).
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip());
        let trusted = request.app_data::<Data<App>>().map_or(&[][..], |app| &app.config.trusted_proxies);
        Self(behind(peer, request.headers(), trusted))
    }
}

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

/// Each proxy appends the address that it saw, so the list is read from its end, as long as who wrote it is trusted.
/// What a stranger wrote before that is worth nothing.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let lists = headers.get_all(X_FORWARDED_FOR).filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let mut client = peer;
    for hop in hops.iter().rev() {
        match hop.parse() {
            Ok(address) if is_trusted(client) => client = address,
            _ => break,
        }
    }
    client.to_canonical()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn believes_what_trusted_proxies_appended_and_nothing_before_it() {
        for (peer, header, expected) in [
            ("203.0.113.9", None, "203.0.113.9"),
            ("203.0.113.9", Some("198.51.100.1"), "203.0.113.9"),
            ("10.0.0.1", Some("198.51.100.1"), "198.51.100.1"),
            ("10.0.0.1", Some("1.2.3.4, 198.51.100.1"), "198.51.100.1"),
            ("10.0.0.1", Some("198.51.100.1, 10.0.0.2"), "198.51.100.1"),
            ("10.0.0.1", Some("10.0.0.3, 10.0.0.2"), "10.0.0.3"),
            ("10.0.0.1", Some("198.51.100.1, unknown"), "10.0.0.1"),
            ("::ffff:10.0.0.1", Some("2001:db8::7"), "2001:db8::7"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = header {
                headers.insert(X_FORWARDED_FOR, HeaderValue::from_static(value));
            }
            let client = behind(peer.parse().unwrap(), &headers, &["10.0.0.0/8".parse().unwrap()]);
            assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{peer} {header:?}");
        }
    }
}
