//! Events: that something changed, for those who watch.
//!
//! Table: `events`. Invariants: an event is written in the transaction of its change; positions grow in the order in
//! which changes became visible, so whoever has seen one position has missed none before it. Positions are given only
//! while somebody watches: otherwise a change costs one insert and nothing else.

pub mod feed;
pub mod model;
pub mod repo;
