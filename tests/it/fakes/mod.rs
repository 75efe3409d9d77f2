//! Trackers that run inside the test: they keep issues, speak real HTTP on a port of their own, and fail on demand.
//!
//! ```ignore
//! let github = Fake::start(GitHub::new(&["acme/app"]));
//! github.inject(Fault::lost_answer().on("POST", "/issues"));
//! // … drive the application against github.url() with fakes::TOKEN …
//! assert_eq!(github.items().len(), 1);
//! ```

pub mod fault;
pub mod github;
pub mod gitlab;
pub mod http;
pub mod issuer;
pub mod jira;
pub mod server;
pub mod store;

/// The token that every fake accepts.
pub const TOKEN: &str = "fake-tracker-token";
