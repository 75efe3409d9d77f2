//! Requests per minute, by caller or, without one, by address. Every answer says what is left.

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpRequest};

use super::client::ClientAddress;
use crate::access::model::{Caller, SignedIn};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::rate::{Allowance, RateLimiter, Whose};

/// What is left: `RateLimit: "minute";r=99;t=0` (draft-ietf-httpapi-ratelimit-headers).
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// What is allowed: `RateLimit-Policy: "minute";q=600;w=60`.
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Middleware for requests in an organization. Whoever is not of it hears nothing else: neither whether a path exists,
/// nor what would be wrong with a body.
///
/// # Errors
/// Those of the framework.
pub async fn for_callers(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match request.extract::<Caller>().await {
        Ok(caller) => {
            let whose = caller.actor.uuid().map_or_else(|| address(&request), Whose::Actor);
            limit(request, whose, async |request| Ok(next.call(request).await?.map_into_boxed_body())).await
        }
        Err(error) => {
            let whose = address(&request);
            limit(request, whose, async |request| Ok(request.error_response(error))).await
        }
    }
}

/// Middleware for requests that belong to no organization.
///
/// # Errors
/// Those of the framework.
pub async fn for_people(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let person = request.extract::<SignedIn>().await;
    let whose = person.map_or_else(|_| address(&request), |person| Whose::Actor(person.user.0));
    limit(request, whose, async |request| Ok(next.call(request).await?.map_into_boxed_body())).await
}

/// Who cannot be proven counts by address: guessing credentials is limited, too.
fn address(request: &ServiceRequest) -> Whose {
    Whose::Address(ClientAddress::of(request.request()).0)
}

/// Counts a wrong guess of somebody who cannot be proven.
///
/// # Errors
/// `TooManyRequests`.
pub fn count_guess(request: &HttpRequest, app: &App) -> Result<(), ApiError> {
    let Some(limiter) = &app.limiter else { return Ok(()) };
    let allowance = limiter.count(Whose::Address(ClientAddress::of(request).0), app.clock.now());
    match allowance.allowed {
        true => Ok(()),
        false => Err(ApiError::TooManyRequests { retry_after_s: whole_seconds(allowance.retry_after) }),
    }
}

async fn limit(
    request: ServiceRequest,
    whose: Whose,
    serve: impl AsyncFnOnce(ServiceRequest) -> Result<ServiceResponse<BoxBody>, Error>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let app = request.app_data::<Data<App>>().cloned();
    let limited = app.as_ref().and_then(|app| Some((app.clock.now(), app.limiter.as_ref()?)));
    let Some((now, limiter)) = limited else { return serve(request).await };
    let allowance = limiter.count(whose, now);
    let mut response = if allowance.allowed {
        serve(request).await?
    } else {
        request.error_response(ApiError::TooManyRequests { retry_after_s: whole_seconds(allowance.retry_after) })
    };
    say(response.headers_mut(), limiter, allowance);
    Ok(response)
}

fn say(headers: &mut HeaderMap, limiter: &RateLimiter<Whose>, allowance: Allowance) {
    let policy = format!("\"requests\";q={};w={}", limiter.limit(), limiter.window().as_secs());
    let left = format!("\"requests\";r={};t={}", allowance.remaining, whole_seconds(allowance.retry_after));
    for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
        headers.insert(name, HeaderValue::from_str(&value).expect("digits and letters"));
    }
}

/// Rounded up: who waits so long is served.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
