//! `X-Request-Id`: taken from the client when it is a plain word, else made here; in every answer and problem.

use std::fmt;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use uuid::Uuid;

/// The header.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken from a client.
const MAX_LENGTH: usize = 128;

/// What the log and the answer call a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The client's id, if it can be written into a log and a header as it is; else a new one.
    #[must_use]
    pub fn of(request: &ServiceRequest) -> Self {
        let given = request.headers().get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
        let is_plain = |id: &&str| {
            (1..=MAX_LENGTH).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte))
        };
        Self(given.filter(is_plain).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Middleware: gives a request its id and its answer the header. An id that an outer middleware gave is kept.
///
/// # Errors
/// Those of the framework.
pub async fn name_requests(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let known = request.extensions().get::<RequestId>().cloned();
    let id = known.unwrap_or_else(|| RequestId::of(&request));
    request.extensions_mut().insert(id.clone());
    let mut response = next.call(request).await?;
    let value = HeaderValue::from_str(&id.0).expect("ids are plain words");
    response.headers_mut().insert(X_REQUEST_ID, value);
    Ok(response)
}
