//! The HTTP client: guarded, bounded, quiet about secrets.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use url::Url;

pub use reqwest::Method;
pub use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::policy::{self, Policy};
use crate::base::error::ApiError;

/// How long and how large an exchange may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until the connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Until the last byte of the answer; also ends answers that drip.
    pub total_timeout: Duration,
    /// The longest answer in bytes, after decompression.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            body_bytes: 10 * 1024 * 1024,
        }
    }
}

/// Most headers an answer may have; their bytes are bounded by the HTTP library (some 400 kB, 16 kB in HTTP/2).
const MAX_HEADERS: usize = 100;

/// The addresses of a name, or why there are none.
pub type LookupResult = io::Result<Vec<IpAddr>>;

/// Turns a name into addresses: the system's resolver, or a test's.
pub trait Lookup: Send + Sync {
    /// The addresses of `host`, today.
    fn lookup(&self, host: String) -> Pin<Box<dyn Future<Output = LookupResult> + Send>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> Pin<Box<dyn Future<Output = LookupResult> + Send>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A request to send. `headers` may hold a credential: it is never logged and goes to the URL's host only.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Vec<u8>>,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The status; redirects are handed out like any other.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The address is not one that may be reached. Nothing was sent.
    #[error("{0}")]
    Forbidden(String),
    /// No connection came about: unknown name, refused, TLS. Nothing was sent.
    #[error("could not connect: {0}")]
    NotConnected(String),
    /// The request may have been executed, but its answer did not arrive whole.
    #[error("the answer was lost: {0}")]
    AnswerLost(String),
    /// The answer is longer than allowed.
    #[error("the answer is longer than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
}

/// The one HTTP client, cheap to clone.
#[derive(Clone)]
pub struct Egress {
    client: reqwest::Client,
    policy: Arc<Policy>,
    lookup: Arc<dyn Lookup>,
    limits: Limits,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").field("policy", &self.policy).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Egress {
    /// A client with the usual limits and the system's resolver.
    ///
    /// # Errors
    /// `Internal` when TLS cannot be set up (no root certificates).
    pub fn new(policy: Policy) -> Result<Self, ApiError> {
        Self::with(policy, Limits::default(), Arc::new(SystemLookup))
    }

    /// A client with other limits and another resolver.
    ///
    /// # Errors
    /// `Internal` when TLS cannot be set up (no root certificates).
    pub fn with(policy: Policy, limits: Limits, lookup: Arc<dyn Lookup>) -> Result<Self, ApiError> {
        // Fails only when a provider is installed already, which is what is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let policy = Arc::new(policy);
        let resolver = GuardedResolver { policy: Arc::clone(&policy), lookup: Arc::clone(&lookup) };
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(limits.connect_timeout)
            .timeout(limits.total_timeout)
            .http1_max_headers(MAX_HEADERS)
            .dns_resolver(resolver)
            .user_agent(concat!("patchbay/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ApiError::internal)?;
        Ok(Self { client, policy, lookup, limits })
    }

    /// Checks a base URL before it is saved: its spelling, and the addresses that its name has now. A name that cannot
    /// be resolved passes, because the tracker may come later; it is judged again at each request.
    ///
    /// # Errors
    /// `Invalid` at `/base_url`.
    pub async fn check_url(&self, text: &str) -> Result<Url, ApiError> {
        let url = policy::check_url(text, &self.policy)?;
        if let Some(url::Host::Domain(host)) = url.host()
            && let Ok(addresses) = self.lookup.lookup(host.to_owned()).await
            && addresses.iter().any(|address| !self.policy.permits(host, *address))
        {
            return Err(ApiError::invalid("/base_url", policy::refusal(host)));
        }
        Ok(url)
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// Where nothing was sent, [`EgressError::Forbidden`] or [`EgressError::NotConnected`]; else what happened to the
    /// answer.
    pub async fn send(&self, request: Outgoing) -> Result<Incoming, EgressError> {
        // A literal address never reaches the resolver, so it is judged here.
        self.policy.judge(&request.url).map_err(EgressError::Forbidden)?;
        let started = Instant::now();
        let (method, place) = (request.method.clone(), place_of(&request.url));
        let outcome = self.exchange(request).await;
        let elapsed_ms = started.elapsed().as_millis();
        match &outcome {
            Ok(answer) => tracing::debug!(%method, place, status = answer.status, elapsed_ms, "outgoing request"),
            Err(error) => tracing::debug!(%method, place, %error, elapsed_ms, "outgoing request failed"),
        }
        outcome
    }

    async fn exchange(&self, request: Outgoing) -> Result<Incoming, EgressError> {
        let mut builder = self.client.request(request.method, request.url).headers(request.headers);
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let mut response = builder.send().await.map_err(classify)?;
        let limit_bytes = self.limits.body_bytes;
        if response.content_length().is_some_and(|length| length > limit_bytes as u64) {
            return Err(EgressError::TooLarge { limit_bytes });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(classify)? {
            if body.len() + chunk.len() > limit_bytes {
                return Err(EgressError::TooLarge { limit_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Incoming { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }
}

/// Host and path, without what a query may hold.
fn place_of(url: &Url) -> String {
    format!("{}{}", url.host_str().unwrap_or_default(), url.path())
}

fn classify(error: reqwest::Error) -> EgressError {
    if let Some(refused) = cause::<Refused>(&error) {
        return EgressError::Forbidden(refused.0.clone());
    }
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        return EgressError::NotConnected(innermost(&error));
    }
    if error.is_timeout() {
        return EgressError::AnswerLost("it took too long".to_owned());
    }
    EgressError::AnswerLost(innermost(&error))
}

fn cause<E: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A resolver's refusal, found again in the chain of causes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

/// Lets through only the addresses that the policy permits. The connection is made to one of exactly these.
struct GuardedResolver {
    policy: Arc<Policy>,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, lookup) = (Arc::clone(&self.policy), Arc::clone(&self.lookup));
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = lookup.lookup(host.clone()).await?;
            let permitted: Vec<SocketAddr> = found
                .iter()
                .filter(|address| policy.permits(&host, **address))
                .map(|address| SocketAddr::new(*address, 0))
                .collect();
            if permitted.is_empty() && !found.is_empty() {
                return Err(Refused(policy::refusal(&host)).into());
            }
            let addresses: Addrs = Box::new(permitted.into_iter());
            Ok(addresses)
        })
    }
}

/// A header from text that is ours or a credential.
///
/// # Errors
/// `Invalid` for text that cannot stand in a header (line breaks).
pub fn header(name: &'static str, value: &str, is_secret: bool) -> Result<(HeaderName, HeaderValue), ApiError> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| ApiError::invalid("/credential", "must not hold control characters or line breaks"))?;
    value.set_sensitive(is_secret);
    Ok((HeaderName::from_static(name), value))
}
