//! Endpoints that clients of other servers find where they look for them: those of DefectDojo below `/api/v2`, and those
//! of SecObserve below `/api/import` and `/api/products`.
//!
//! A thin layer over the same services, with the same permissions. What is different: `Authorization: Token` and
//! `APIToken` beside `Bearer`, no organization in the path (it is the token's, or the person's only one), numbers for
//! ids, and parameters that are not known are ignored, because such clients send more than a server needs.

use actix_web::middleware::from_fn;
use actix_web::web;
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{idempotency, limits, problem, request_id, routing};

pub mod engagements;
pub mod findings;
pub mod imports;
pub mod list;
pub mod products;
pub mod secobserve;
pub mod slashes;
pub mod statistics;
pub mod tests;
pub mod token;
pub mod values;

/// The routes of the clients of other servers.
pub fn routes(config: &mut ServiceConfig) {
    let open = scope("/v2/api-token-auth").configure(token::open_routes).wrap(from_fn(limits::for_people));
    let callers = scope("")
        .configure(token::routes)
        .configure(products::routes)
        .configure(engagements::routes)
        .configure(tests::routes)
        .configure(imports::routes)
        .configure(findings::routes)
        .configure(secobserve::routes)
        .default_service(web::to(routing::no_route))
        .wrap(from_fn(idempotency::for_callers))
        .wrap(from_fn(limits::for_callers));
    config.service(
        scope("/api")
            .service(open)
            .service(callers)
            .wrap(from_fn(routing::serve_reads))
            .wrap(from_fn(problem::shape_problems))
            .wrap(from_fn(request_id::name_requests)),
    );
}

/// A number of something that clients only show: 48 random bits of its id, which every JSON reader can hold.
fn number_of(id: uuid::Uuid) -> i64 {
    i64::try_from(id.as_u128() & 0xffff_ffff_ffff).unwrap_or_default()
}
