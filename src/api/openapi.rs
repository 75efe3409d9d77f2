//! The document of the API: what is true of all operations. The operations come from the handlers.

use actix_web::App;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_actix_web::AppExt;

use super::problem::Problem;
use super::query::Include;

mod complete;

use complete::complete;

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
    components(schemas(Include, Problem)),
    tags(
        (name = "auth", description = "Sessions of people: log in, refresh, log out."),
        (name = "organizations", description = "Tenants: everything else belongs to exactly one."),
        (name = "members", description = "Who belongs to an organization, in which role."),
        (name = "teams", description = "Members who own products together."),
        (name = "api-tokens", description = "Secrets for machines."),
        (name = "users", description = "Accounts, for who administers the server."),
        (name = "audit-log", description = "Who changed what, and when."),
        (name = "products", description = "What is scanned and owned; its branches and engagements."),
        (name = "assets", description = "What vulnerabilities were found on."),
        (name = "scans", description = "Reports of scanners: post them, watch them, see what they changed."),
        (name = "observations", description = "One vulnerability at one place, as one scan source reports it."),
        (name = "vulnerabilities", description = "The unique findings behind observations."),
        (name = "issues", description = "Groups of vulnerabilities on assets that teams remediate together."),
        (name = "trackers", description = "Accounts of issue trackers, how products use them, and the tickets there."),
        (name = "notifications", description = "Messages for people about what needs them."),
        (name = "events", description = "What changes, as it changes."),
        (name = "compatibility", description = "What clients of DefectDojo and SecObserve find where they look for it."),
        (name = "operations", description = "For who operates the server.")
    ),
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
    let mut document = App::new().into_utoipa_app().openapi(base).configure(super::routes).split_for_parts().1;
    complete(&mut document);
    document
}
