//! HTTP only: extract, one call down, shape the answer.
//!
//! Every file of resources exports `routes`, and [`routes`] lists them in the document's order. What is true of all of
//! them (problems, request ids, limits, idempotency) is wrapped around them here.

use actix_web::middleware::from_fn;
use actix_web::web;
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

pub mod api_tokens;
pub mod assets;
pub mod audit_log;
pub mod auth;
pub mod body;
pub mod branches;
pub mod caller;
pub mod client;
pub mod compat;
pub mod encodings;
pub mod engagements;
pub mod etag;
pub mod events;
pub mod health;
pub mod idempotency;
pub mod issue_instances;
pub mod issue_tickets;
pub mod issue_timeline;
pub mod issues;
pub mod limits;
pub mod me;
pub mod members;
pub mod notifications;
pub mod observation_notes;
pub mod observations;
pub mod openapi;
pub mod organizations;
pub mod problem;
pub mod products;
pub mod query;
pub mod report_formats;
pub mod request_id;
pub mod routing;
pub mod scan_sources;
pub mod scans;
pub mod security_gates;
pub mod spool;
pub mod sync_jobs;
pub mod teams;
pub mod tickets;
pub mod tracker_configs;
pub mod tracker_connections;
pub mod tracker_webhooks;
pub mod trust_rules;
pub mod upload;
pub mod users;
pub mod vulnerabilities;

/// The route table: one line per file, in the document's order.
pub fn routes(config: &mut ServiceConfig) {
    let tenant = scope("/organizations/{organization}")
        .configure(tenant_routes)
        .default_service(web::to(routing::no_route))
        .wrap(from_fn(idempotency::for_callers))
        .wrap(from_fn(limits::for_callers));
    // Trackers have secrets in place of callers, and no limit: what they know to be theirs is taken in.
    let inbound =
        scope("/webhooks").configure(tracker_webhooks::inbound_routes).default_service(web::to(routing::no_route));
    let global = scope("")
        .configure(global_routes)
        .default_service(web::to(routing::no_route))
        .wrap(from_fn(idempotency::for_people))
        .wrap(from_fn(limits::for_people));
    config.configure(health::routes).service(
        scope("/api/v1")
            .service(tenant)
            .service(inbound)
            .service(global)
            .wrap(from_fn(routing::refuse_queries))
            .wrap(from_fn(routing::serve_reads))
            .wrap(from_fn(problem::shape_problems))
            .wrap(from_fn(request_id::name_requests)),
    );
    config.configure(compat::routes);
}

/// What belongs to no organization.
fn global_routes(config: &mut ServiceConfig) {
    config.configure(trust_rules::global_routes).configure(report_formats::routes);
    config.configure(auth::routes).configure(me::routes).configure(organizations::routes).configure(users::routes);
}

/// What belongs to an organization. One statement a line, so that two changes of the list merge.
fn tenant_routes(config: &mut ServiceConfig) {
    config.configure(organizations::tenant_routes);
    config.configure(members::routes);
    config.configure(teams::routes);
    config.configure(api_tokens::routes);
    config.configure(products::routes);
    config.configure(branches::routes);
    config.configure(engagements::routes);
    config.configure(security_gates::routes);
    config.configure(trust_rules::routes);
    config.configure(scans::routes);
    config.configure(scan_sources::routes);
    config.configure(observations::routes);
    config.configure(observation_notes::routes);
    config.configure(vulnerabilities::routes);
    config.configure(assets::routes);
    config.configure(issues::routes);
    config.configure(issue_instances::routes);
    config.configure(issue_timeline::routes);
    config.configure(issue_tickets::routes);
    config.configure(audit_log::routes);
    config.configure(tracker_connections::routes);
    config.configure(tracker_webhooks::routes);
    config.configure(tracker_configs::routes);
    config.configure(tickets::routes);
    config.configure(sync_jobs::routes);
    config.configure(notifications::routes);
    config.configure(events::routes);
}
