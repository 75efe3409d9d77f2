//! Tokens of OpenID Connect issuers: whose keys they are, and what a token says.
//!
//! Keys come from the issuer's own discovery document, through the guarded client, and from nowhere else: a token that
//! names keys itself is refused before anything is asked.

pub mod keys;
pub mod token;
