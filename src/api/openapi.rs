//! The document of the API (OpenAPI 3.1), made from the handlers and their types.

use actix_web::App as WebApp;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    let (_, document) = WebApp::new().into_utoipa_app().configure(super::routes).split_for_parts();
    document
}
