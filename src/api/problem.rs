//! Errors as `application/problem+json` (RFC 9457): the one place with status numbers.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::request_id::RequestId;
use crate::base::error::{ApiError, Fault};

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// How programs recognise a kind of problem, whatever its text says.
const KIND_PREFIX: &str = "urn:problem-type:patchbay:";

/// Why a request did not succeed (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// The kind of problem: the same for the same cause, for programs to tell problems apart.
    #[serde(rename = "type")]
    #[schema(example = "urn:problem-type:patchbay:invalid")]
    pub kind: String,
    /// The kind in words.
    #[schema(example = "Invalid request")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 400, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What went wrong this time.
    #[schema(example = "1 fault in the request")]
    pub detail: String,
    /// The request, as the server's log names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0198c8f2-5a5c-7d3e-9b1a-2f6d1c0e4b7a")]
    pub request_id: Option<String>,
    /// The word of OAuth for it (RFC 6749, section 5.2): only where a token is exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "invalid_request")]
    pub error: Option<&'static str>,
    /// All faults in the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

impl Problem {
    /// A problem that has no kind of [`ApiError`]: those of the protocol itself.
    #[must_use]
    pub fn of_status(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let kind = format!("{KIND_PREFIX}{}", title.to_ascii_lowercase().replace(' ', "-"));
        let (title, status) = (title.to_owned(), status.as_u16());
        Self { kind, title, status, detail: detail.into(), request_id: None, error: None, errors: Vec::new() }
    }

    /// The answer that says it.
    #[must_use]
    pub fn respond(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).expect("a problem is text and numbers");
        let mut response = HttpResponse::build(status).content_type(PROBLEM_JSON).body(body);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<&ApiError> for Problem {
    fn from(error: &ApiError) -> Self {
        let (kind, title, status) = name(error);
        let (detail, errors) = match error {
            ApiError::Invalid(faults) | ApiError::Unprocessable(faults) => (count(faults), faults.clone()),
            ApiError::Internal(_) => ("a fault of the server; its log has the cause".to_owned(), Vec::new()),
            other => (other.to_string(), Vec::new()),
        };
        let (kind, title, status) = (format!("{KIND_PREFIX}{kind}"), title.to_owned(), status.as_u16());
        Self { kind, title, status, detail, request_id: None, error: None, errors }
    }
}

/// Kind, title and status of an error.
const fn name(error: &ApiError) -> (&'static str, &'static str, StatusCode) {
    match error {
        ApiError::NotFound { .. } => ("not-found", "Not found", StatusCode::NOT_FOUND),
        ApiError::Unauthenticated(_) => ("unauthenticated", "Not authenticated", StatusCode::UNAUTHORIZED),
        ApiError::Forbidden(_) => ("forbidden", "Not allowed", StatusCode::FORBIDDEN),
        ApiError::Conflict(_) => ("conflict", "Conflict", StatusCode::CONFLICT),
        ApiError::Invalid(_) => ("invalid", "Invalid request", StatusCode::BAD_REQUEST),
        ApiError::Unprocessable(_) => ("unprocessable", "Cannot be processed", StatusCode::UNPROCESSABLE_ENTITY),
        ApiError::PreconditionFailed => {
            ("precondition-failed", "Changed in the meantime", StatusCode::PRECONDITION_FAILED)
        }
        ApiError::TooLarge { .. } => ("too-large", "Too large", StatusCode::PAYLOAD_TOO_LARGE),
        ApiError::UnsupportedMediaType(_) => {
            ("unsupported-media-type", "Unsupported media type", StatusCode::UNSUPPORTED_MEDIA_TYPE)
        }
        ApiError::TooManyRequests { .. } => ("too-many-requests", "Too many requests", StatusCode::TOO_MANY_REQUESTS),
        ApiError::Unavailable { .. } => ("unavailable", "Not available now", StatusCode::SERVICE_UNAVAILABLE),
        ApiError::Internal(_) => ("internal", "Internal error", StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn count(faults: &[Fault]) -> String {
    match faults {
        [only] => format!("1 fault in the request: {}: {}", only.pointer, only.detail),
        many => format!("{} faults in the request", many.len()),
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        name(self).2
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        if let Self::Internal(cause) = self {
            tracing::error!(%cause, "request failed");
        }
        let mut response = Problem::from(self).respond();
        let headers = response.headers_mut();
        match self {
            Self::Unauthenticated(_) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"patchbay\""));
            }
            Self::TooManyRequests { retry_after_s } | Self::Unavailable { retry_after_s, .. } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after_s));
            }
            _ => {}
        }
        response
    }
}

/// Middleware: every error leaves as a problem that names its request, those of the framework as well.
///
/// # Errors
/// Those of the framework that carry no request.
pub async fn shape_problems(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let request_id = request.extensions().get::<RequestId>().map(ToString::to_string);
    let response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(response);
    }
    let (request, mut response) = response.into_parts();
    let said = response.extensions_mut().remove::<Problem>();
    let problem = said.unwrap_or_else(|| Problem::of_status(status, explain(response.error(), status)));
    let mut answer = Problem { request_id, ..problem }.respond();
    copy_headers(response.headers(), answer.headers_mut());
    Ok(ServiceResponse::new(request, answer))
}

/// What the framework says about an error of its own; nothing of a fault of the server.
fn explain(error: Option<&Error>, status: StatusCode) -> String {
    match error {
        Some(error) if status.is_client_error() => error.to_string(),
        _ => status.canonical_reason().unwrap_or("the request failed").to_owned(),
    }
}

fn copy_headers(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            to.append(name.clone(), value.clone());
        }
    }
}
