//! The one way out: every outgoing HTTP request of this process passes here.
//!
//! User-given URLs may not reach this machine or its neighbours, so an address is judged three times: when a URL is
//! saved ([`policy::check_url`]), before each request (a URL with a literal address never asks a resolver), and on the
//! addresses that the name really resolves to at that moment ([`client`]), so that a DNS answer which changes gains
//! nothing. Redirects are not followed. Answers are bounded in time and size.

pub mod client;
pub mod policy;
