//! Request bodies: JSON of one content type, unknown fields refused, all faults at once with their JSON pointers.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::{Decompress, Payload};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

pub use crate::base::patch::Patch;

use crate::base::error::ApiError;

mod read;

/// The largest JSON body.
pub const MAX_JSON_BYTES: usize = 1_048_576;
const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// A JSON body of the type `T`, which denies unknown fields. Only `application/json` is taken: a page of another
/// origin cannot send that without asking first.
#[derive(Debug, Clone)]
pub struct StrictJson<T>(pub T);

/// A JSON merge patch (RFC 7396): `T` has [`Patch`] fields with `#[serde(default)]` and denies unknown ones.
#[derive(Debug, Clone)]
pub struct MergePatch<T>(pub T);

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for StrictJson<T> {
    type Error = ApiError;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read_body(&request, payload, &[JSON]).await.map(Self) })
    }
}

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for MergePatch<T> {
    type Error = ApiError;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read_body(&request, payload, &[MERGE_PATCH, JSON]).await.map(Self) })
    }
}

async fn read_body<T: DeserializeOwned + ToSchema>(
    request: &HttpRequest,
    payload: Payload,
    accepted: &[&str],
) -> Result<T, ApiError> {
    check_content_type(request, accepted)?;
    let bytes = read_bytes(request, unpacked(request, payload), MAX_JSON_BYTES).await?;
    read::json(&bytes)
}

/// A body as it was before its client packed it.
pub fn unpacked(request: &HttpRequest, payload: Payload) -> Decompress<Payload> {
    Decompress::from_headers(payload, request.headers())
}

/// Refuses a body of another content type.
///
/// # Errors
/// `UnsupportedMediaType`.
pub fn check_content_type(request: &HttpRequest, accepted: &[&str]) -> Result<(), ApiError> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if accepted.contains(&essence.as_str()) {
        return Ok(());
    }
    Err(ApiError::UnsupportedMediaType(format!("the Content-Type must be {}", accepted.join(" or "))))
}

/// Reads a body of at most `limit` bytes, as it is sent or unpacked.
///
/// # Errors
/// `TooLarge`, before more than the limit is kept; `Invalid` when the client stops halfway.
pub async fn read_bytes<S>(request: &HttpRequest, mut payload: S, limit: usize) -> Result<web::Bytes, ApiError>
where
    S: Stream<Item = Result<web::Bytes, PayloadError>> + Unpin,
{
    let too_large = || ApiError::TooLarge { limit_bytes: limit as u64 };
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut bytes = web::BytesMut::with_capacity(length.unwrap_or(0));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| ApiError::invalid("", format!("the body could not be read: {error}")))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}
