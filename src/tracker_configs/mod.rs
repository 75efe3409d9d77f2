//! How a product uses a tracker, and which of its observations have tickets there.
//!
//! Table: `tracker_configs`. Invariants: a product has at most one config; one with tickets cannot be removed nor moved
//! to another connection, only switched off; a switch that is off holds what it stops and loses none of it.

pub mod issues;
pub mod model;
pub mod policy;
pub mod products;
pub mod repo;
pub mod service;
pub mod wishes;
