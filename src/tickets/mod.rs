//! Tickets: the link between a subject (an observation or an issue) and one item in a tracker.
//!
//! Table: `tickets`. Invariants: at most one linked ticket per subject and connection, and one link per item of a
//! tracker; a create is never sent before its marker is stored; a ticket outlives its subject and its product until the
//! item in the tracker is closed. What a ticket should be is decided in `trackers`.

pub mod model;
pub mod repo;
