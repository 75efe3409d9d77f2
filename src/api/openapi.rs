//! The document of the API: what is true of all operations. The operations come from the handlers.

use actix_web::App;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_actix_web::AppExt;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Patchbay",
        description = "Connects security scanners to issue trackers: pipelines post reports, Patchbay keeps the \
            observations, and tickets in GitHub, GitLab and Jira follow them.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact()
    ),
    servers((url = "/", description = "This server")),
    security(("bearer" = [])),
    tags((name = "operations", description = "For who operates the server.")),
    modifiers(&Security)
)]
struct Base;

/// How callers prove who they are.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.description = Some("The access token of a session (`/auth/login`), or an API token.".to_owned());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The document, from the same registration that serves the requests.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let base = Base::openapi();
    App::new().into_utoipa_app().openapi(base).configure(super::routes).split_for_parts().1
}
