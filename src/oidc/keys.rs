//! The keys of issuers: found by discovery, kept for a while, asked for again when a token names one that is not known.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
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
    entries: StdMutex<HashMap<String, Arc<Entry>>>,
}

/// An issuer.
#[derive(Debug, Default)]
struct Entry {
    known: StdMutex<Known>,
    /// Held while the issuer is asked, so that many tokens at once ask once.
    turn: Arc<Mutex<()>>,
}

/// What is known of an issuer.
#[derive(Debug, Default)]
struct Known {
    keys: Vec<Jwk>,
    fetched_at: Option<UtcTime>,
    asked_at: Option<UtcTime>,
    /// Did it not answer when it was asked last?
    is_silent: bool,
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
        Self { trusted, entries: StdMutex::default() }
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

    fn entry(&self, issuer: &str) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(entries.entry(issuer.to_owned()).or_default())
    }

    async fn key(&self, egress: &Egress, unproven: &Unproven, now: UtcTime) -> Result<Jwk, TokenError> {
        let entry = self.entry(&unproven.issuer);
        let key_id = unproven.key_id.as_str();
        if let Some(key) = entry.known().find(key_id, now, FRESH_FOR) {
            return Ok(key);
        }
        let usable = entry.known().find(key_id, now, STALE_FOR);
        let turn = match (Arc::clone(&entry.turn).try_lock_owned(), usable) {
            (Ok(turn), _) => turn,
            // Somebody is asking: who has a key that is believed need not wait for the answer.
            (Err(_), Some(key)) => return Ok(key),
            (Err(_), None) => Arc::clone(&entry.turn).lock_owned().await,
        };
        if entry.known().may_ask(key_id, now) {
            // A task of its own: who hangs up meanwhile does not keep the keys from the others.
            let asking = ask(egress.clone(), Arc::clone(&entry), unproven.issuer.clone(), now, turn);
            tokio::spawn(asking).await.map_err(|_| TokenError::IssuerUnreachable)?;
        }
        entry.known().believed(key_id, now)
    }
}

impl Entry {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// A key, if the keys are not older than that.
    fn find(&self, key_id: &str, now: UtcTime, lasts: Duration) -> Option<Jwk> {
        self.fetched_at.filter(|at| now.since(*at) < lasts)?;
        self.keys.iter().find(|key| key.common.key_id.as_deref() == Some(key_id)).cloned()
    }

    /// Must the issuer be asked for a key, and may it be asked again?
    fn may_ask(&self, key_id: &str, now: UtcTime) -> bool {
        let is_early = self.asked_at.is_some_and(|at| now.since(at) < ASK_EVERY);
        !is_early && self.find(key_id, now, FRESH_FOR).is_none()
    }

    /// A key that is believed now, or why there is none.
    fn believed(&self, key_id: &str, now: UtcTime) -> Result<Jwk, TokenError> {
        let has_keys = self.fetched_at.is_some_and(|at| now.since(at) < STALE_FOR);
        let missing = if has_keys && !self.is_silent { TokenError::UnknownKey } else { TokenError::IssuerUnreachable };
        self.find(key_id, now, STALE_FOR).ok_or(missing)
    }
}

/// Asks an issuer for its keys, and notes what it says.
async fn ask(egress: Egress, entry: Arc<Entry>, issuer: String, now: UtcTime, _turn: OwnedMutexGuard<()>) {
    entry.known().asked_at = Some(now);
    let answer = fetch(&egress, &issuer).await;
    let mut known = entry.known();
    known.is_silent = answer.is_err();
    match answer {
        Ok(keys) => (known.keys, known.fetched_at) = (keys, Some(now)),
        Err(cause) => tracing::warn!(issuer, cause, "the keys of an issuer could not be read"),
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
