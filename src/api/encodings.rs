//! Encoded bodies. Little can unpack to more than there is memory, and the framework unpacks all that it is given at once
//! before anybody counts: so it is given little.

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::base::error::ApiError;

/// How many bytes are unpacked at once. Gzip makes at most a thousand times as many of them; zstd, 128 KiB of four.
const PIECE_BYTES: usize = 256;
/// What is understood. Brotli is not: a few bytes of it may stand for 16 MiB.
const UNDERSTOOD: &[&str] = &["gzip", "deflate", "zstd"];

/// Middleware: refuses encodings that are not understood, and hands on encoded bodies in small pieces.
///
/// # Errors
/// `UnsupportedMediaType`, and those of the framework.
pub async fn unpack_little_at_once(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if is_encoded(request.headers())? {
        let body = request.take_payload();
        request.set_payload(in_pieces(body));
    }
    next.call(request).await
}

fn is_encoded(headers: &HeaderMap) -> Result<bool, ApiError> {
    let mut named = headers.get_all(CONTENT_ENCODING);
    let encoding = match (named.next(), named.next()) {
        (None, _) => return Ok(false),
        (Some(one), None) => one.to_str().unwrap_or_default().trim().to_ascii_lowercase(),
        (Some(_), Some(_)) => String::new(),
    };
    if encoding == "identity" {
        return Ok(false);
    }
    if UNDERSTOOD.contains(&encoding.as_str()) {
        return Ok(true);
    }
    let known = UNDERSTOOD.join(", ");
    Err(ApiError::UnsupportedMediaType(format!("the Content-Encoding of a body may be one of {known}, or left out")))
}

/// A body that is handed on in small pieces.
pub fn in_pieces(body: Payload) -> Payload {
    let pieces = body.map_ok(|bytes| stream::iter(pieces_of(bytes)).map(Ok)).try_flatten();
    Payload::Stream { payload: Box::pin(pieces) }
}

fn pieces_of(bytes: Bytes) -> impl Iterator<Item = Bytes> {
    let length = bytes.len();
    (0..length).step_by(PIECE_BYTES).map(move |at| bytes.slice(at..length.min(at + PIECE_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S-19
    #[test]
    fn pieces_are_small_and_lose_nothing() {
        for length in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 10 * PIECE_BYTES + 7] {
            let whole: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let pieces: Vec<Bytes> = pieces_of(Bytes::from(whole.clone())).collect();
            assert!(pieces.iter().all(|piece| (1..=PIECE_BYTES).contains(&piece.len())), "{length}");
            assert_eq!(pieces.concat(), whole);
        }
    }
}
