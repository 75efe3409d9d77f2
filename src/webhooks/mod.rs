//! What trackers tell us: their webhooks, taken in at once and worked off in the background.
//!
//! Tables: `tracker_webhooks`, `webhook_deliveries`, `webhook_kinds`, `webhook_statuses`, `webhook_tickets`.
//! Invariants: a delivery is taken in only with the secret of its connection, and with a right signature if it carries
//! one; each delivery is worked off once, however often it comes; what is older than what was heard already changes no
//! state; our own changes that come back change nothing. A ticket is found by what the tracker calls it, within the
//! connection whose secret was known, so no tracker reaches another organization.

pub mod account;
pub mod echo;
pub mod intake;
pub mod mapping;
pub mod model;
pub mod payload;
pub mod repo;
pub mod service;
pub mod signature;
pub mod taking;
pub mod work;
