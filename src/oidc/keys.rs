//! The keys of issuers: found by discovery, kept for a while, asked for again when a token names one that is not known.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::token::{self, Claims, TokenError, Unproven};
use crate::base::time::UtcTime;
use crate::egress::client::{ACCEPT, Egress, HeaderMap, HeaderValue, Method, Outgoing};

/// How long keys are believed without asking again.
const FRESH_FOR: Duration = Duration::from_secs(3600);
/// How long they are believed while the issuer cannot be asked.
const STALE_FOR: Duration = Duration::from_secs(24 * 3600);
/// How often an issuer is asked at most, whatever keys tokens name.
const ASK_EVERY: Duration = Duration::from_secs(60);
/// More keys than any issuer has.
const MAX_KEYS: usize = 100;
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// The issuers that an operator trusts, and their keys. Each instance keeps its own.
#[derive(Debug)]
pub struct Issuers {
    trusted: Vec<String>,
    known: StdMutex<HashMap<String, Arc<Mutex<Known>>>>,
}

/// What is known of an issuer.
#[derive(Debug, Default)]
struct Known {
    keys: Vec<Jwk>,
    fetched_at: Option<UtcTime>,
    asked_at: Option<UtcTime>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Issuers {
    /// Trusts these issuers: URLs without a slash at the end.
    #[must_use]
    pub fn new(trusted: Vec<String>) -> Self {
        Self { trusted, known: StdMutex::default() }
    }

    /// Is this one of them?
    #[must_use]
    pub fn trusts(&self, issuer: &str) -> bool {
        self.trusted.iter().any(|known| known == issuer)
    }

    /// All of them.
    #[must_use]
    pub fn trusted(&self) -> &[String] {
        &self.trusted
    }

    /// What a token says, if a trusted issuer signed it and it is valid now.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn verify(&self, egress: &Egress, bearer: &str, now: UtcTime) -> Result<Claims, TokenError> {
        let unproven = Unproven::read(bearer)?;
        if !self.trusts(&unproven.issuer) {
            return Err(TokenError::UntrustedIssuer);
        }
        let key = self.key(egress, &unproven, now).await?;
        token::verify(bearer, &unproven, &key, now)
    }

    async fn key(&self, egress: &Egress, unproven: &Unproven, now: UtcTime) -> Result<Jwk, TokenError> {
        let entry = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(unproven.issuer.clone()).or_default())
        };
        // Held while the issuer is asked, so that many tokens at once ask once.
        let mut known = entry.lock().await;
        let age = known.fetched_at.map(|at| now.since(at));
        let found = known.find(&unproven.key_id);
        if let (Some(key), true) = (&found, age.is_some_and(|age| age < FRESH_FOR)) {
            return Ok(key.clone());
        }
        if known.asked_at.is_some_and(|at| now.since(at) < ASK_EVERY) {
            let is_usable = age.is_some_and(|age| age < STALE_FOR);
            return match found.filter(|_| is_usable) {
                Some(key) => Ok(key),
                None if is_usable => Err(TokenError::UnknownKey),
                None => Err(TokenError::IssuerUnreachable),
            };
        }
        known.asked_at = Some(now);
        match fetch(egress, &unproven.issuer).await {
            Ok(keys) => {
                (known.keys, known.fetched_at) = (keys, Some(now));
                known.find(&unproven.key_id).ok_or(TokenError::UnknownKey)
            }
            Err(cause) => {
                tracing::warn!(issuer = unproven.issuer, cause, "the keys of an issuer could not be read");
                let is_usable = age.is_some_and(|age| age < STALE_FOR);
                found.filter(|_| is_usable).ok_or(TokenError::IssuerUnreachable)
            }
        }
    }
}

impl Known {
    fn find(&self, key_id: &str) -> Option<Jwk> {
        self.keys.iter().find(|key| key.common.key_id.as_deref() == Some(key_id)).cloned()
    }
}

/// Asks an issuer for its keys.
async fn fetch(egress: &Egress, issuer: &str) -> Result<Vec<Jwk>, String> {
    let url = Url::parse(&format!("{issuer}{DISCOVERY}")).map_err(|error| error.to_string())?;
    let discovery: Discovery = read(egress, url.clone()).await?;
    if discovery.issuer != issuer {
        return Err("the discovery document is that of another issuer".to_owned());
    }
    let keys = Url::parse(&discovery.jwks_uri).map_err(|error| error.to_string())?;
    if keys.origin() != url.origin() {
        return Err("the keys are said to be at another host".to_owned());
    }
    let set: KeySet = read(egress, keys).await?;
    // A key of a kind that is not known must not cost the others.
    let keys = set.keys.into_iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value(key).ok());
    Ok(keys.collect())
}

async fn read<T: serde::de::DeserializeOwned>(egress: &Egress, url: Url) -> Result<T, String> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    let request = Outgoing { method: Method::GET, url, headers, body: None };
    let answer = egress.send(request).await.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("answered {}", answer.status));
    }
    serde_json::from_slice(&answer.body).map_err(|error| error.to_string())
}
