//! The inbox: deliveries of webhooks, durable before they are acknowledged, until the worker has worked them off.
//!
//! Table: `webhook_inbox`; on SQLite in a file of its own, so that taking one in never waits for an import that writes.
//! Invariants: what was acknowledged is there after a power cut; a delivery leaves only after what it says is written,
//! so it may be worked off again after a crash, and whoever works it off must know it by its id.

pub mod model;
pub mod repo;
pub mod store;
