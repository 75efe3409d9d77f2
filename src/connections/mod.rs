//! Connections: one tracker account each, with its credential sealed and write-only.
//!
//! Table: `tracker_connections`. Invariants: a credential is stored sealed with a key that is not in the database,
//! bound to its connection, and never answered; it never follows its connection to another address. A connection that
//! is in use cannot be removed, only switched off.

pub mod model;
pub mod repo;
pub mod service;
pub mod settings;
