//! Security gates of products: whether a pipeline may go on.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::StrictJson;
use super::etag::{IfMatch, etag};
use super::products::ProductPath;
use crate::access::model::Caller;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::ProductId;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::gates::service::{self, Judged, Limits};

/// The routes of security gates.
pub fn routes(config: &mut ServiceConfig) {
    config.service(get_security_gate).service(put_security_gate).service(delete_security_gate);
}

/// How many active observations of each severity there may be at most; null for any number.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct GateLimits {
    /// Of severity critical.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 0)]
    critical: Option<i64>,
    /// Of severity high.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 0)]
    high: Option<i64>,
    /// Of severity medium.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 20)]
    medium: Option<i64>,
    /// Of severity low.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 500)]
    low: Option<i64>,
    /// Of severity none.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 500)]
    none: Option<i64>,
    /// Of no known severity.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 500)]
    unknown: Option<i64>,
}

/// A gate to give to a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PutSecurityGate {
    /// How many active observations of each severity there may be at most.
    most_active: GateLimits,
}

/// How many active observations of each severity there are.
#[derive(Debug, Default, Serialize, ToSchema)]
struct GateCounts {
    /// Of severity critical.
    #[schema(example = 0)]
    critical: i64,
    /// Of severity high.
    #[schema(example = 2)]
    high: i64,
    /// Of severity medium.
    #[schema(example = 14)]
    medium: i64,
    /// Of severity low.
    #[schema(example = 31)]
    low: i64,
    /// Of severity none.
    #[schema(example = 0)]
    none: i64,
    /// Of no known severity.
    #[schema(example = 1)]
    unknown: i64,
}

/// The gate of a product, and what it says now.
#[derive(Debug, Serialize, ToSchema)]
struct SecurityGateView {
    /// The product.
    product_id: ProductId,
    /// Whether no severity has more than it may.
    is_passed: bool,
    /// How many active observations of each severity there may be at most.
    most_active: GateLimits,
    /// How many there are on the default branch; while the product has none, without a branch.
    active: GateCounts,
    /// When the gate was last changed.
    updated_at: UtcTime,
}

impl From<Judged> for SecurityGateView {
    fn from(Judged { gate, is_passed, active }: Judged) -> Self {
        let count = |severity: Severity| active.iter().filter(|(_, of, _)| *of == severity).map(|(.., n)| n).sum();
        Self {
            product_id: gate.product_id,
            is_passed,
            most_active: GateLimits {
                critical: gate.most_critical,
                high: gate.most_high,
                medium: gate.most_medium,
                low: gate.most_low,
                none: gate.most_none,
                unknown: gate.most_unknown,
            },
            active: GateCounts {
                critical: count(Severity::Critical),
                high: count(Severity::High),
                medium: count(Severity::Medium),
                low: count(Severity::Low),
                none: count(Severity::None),
                unknown: count(Severity::Unknown),
            },
            updated_at: gate.updated_at,
        }
    }
}

/// Get the security gate of a product.
///
/// Whether a pipeline may go on. Whoever may upload may ask.
#[utoipa::path(tag = "products", params(ProductPath), responses((status = 200, description = "The gate.", body = SecurityGateView)))]
#[get("/products/{product}/security-gate")]
async fn get_security_gate(app: Data<App>, caller: Caller, path: Path<ProductPath>) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| service::get(conn, &caller, path.product)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(found.gate.version)).json(SecurityGateView::from(found)))
}

/// Give a product a security gate.
#[utoipa::path(tag = "products", params(ProductPath), request_body = PutSecurityGate, responses((status = 200, description = "The gate.", body = SecurityGateView)))]
#[put("/products/{product}/security-gate")]
async fn put_security_gate(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    if_match: IfMatch,
    StrictJson(PutSecurityGate { most_active }): StrictJson<PutSecurityGate>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let GateLimits { critical, high, medium, low, none, unknown } = most_active;
    let limits = Limits { critical, high, medium, low, none, unknown };
    let put = app.db.write(move |conn| service::put(conn, &caller, path.product, limits, &if_match, now)).await?;
    Ok(HttpResponse::Ok().insert_header(etag(put.gate.version)).json(SecurityGateView::from(put)))
}

/// Take the security gate of a product away.
#[utoipa::path(tag = "products", params(ProductPath), responses((status = 204, description = "It is gone.")))]
#[delete("/products/{product}/security-gate")]
async fn delete_security_gate(
    app: Data<App>,
    caller: Caller,
    path: Path<ProductPath>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    app.db.write(move |conn| service::delete(conn, &caller, path.product, &if_match, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
