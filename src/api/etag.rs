//! `ETag` from a resource's version, `If-Match` and `Location`.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{ETag, EntityTag, HeaderName, IF_MATCH, LOCATION};
use actix_web::{FromRequest, HttpRequest};

pub use crate::base::version::IfMatch;

/// The `ETag` header of a resource: `insert_header(etag(product.version))`.
#[must_use]
pub fn etag(version: i64) -> ETag {
    ETag(EntityTag::new_strong(version.to_string()))
}

/// The `Location` header of a resource just made by a `POST` to its list: `insert_header(location(&request, id))`.
#[must_use]
pub fn location(request: &HttpRequest, id: impl std::fmt::Display) -> (HeaderName, String) {
    (LOCATION, format!("{}/{id}", request.path().trim_end_matches('/')))
}

impl FromRequest for IfMatch {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let values: Vec<&str> = request.headers().get_all(IF_MATCH).filter_map(|value| value.to_str().ok()).collect();
        ready(Ok(if values.is_empty() { Self::Any } else { read(&values.join(",")) }))
    }
}

/// Reads the header. Tags that we never made, and weak ones, match nothing.
fn read(value: &str) -> IfMatch {
    if value.trim() == "*" {
        return IfMatch::Any;
    }
    let version = |tag: &str| tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    IfMatch::OneOf(value.split(',').filter_map(version).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_client_may_send() {
        for (value, expected) in [
            ("*", IfMatch::Any),
            ("\"3\"", IfMatch::OneOf(vec![3])),
            ("\"3\", \"4\"", IfMatch::OneOf(vec![3, 4])),
            ("W/\"3\"", IfMatch::OneOf(vec![])),
            ("3", IfMatch::OneOf(vec![])),
            ("\"deadbeef\"", IfMatch::OneOf(vec![])),
        ] {
            assert_eq!(read(value), expected, "{value}");
        }
    }
}
