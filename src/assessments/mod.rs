//! What people decide about observations: the one way to assess, verify, make by hand and delete them.
//!
//! Tables: none of its own; it writes those of `observations` through that room. Invariant: whatever changes an
//! observation here ends in [`tail`], which keeps history, counts and issues and tells the outbox, in the same transaction.
//! A *decision* is what somebody says; [`decide`] makes of it what then holds.

pub mod browse;
pub mod decide;
pub mod deletion;
pub mod expiry;
pub mod model;
pub mod notes;
pub mod removal;
pub mod service;
pub mod tail;
