//! Facts: what was seen, where and when, and what holds for it now.
//!
//! An observation is one vulnerability at one place, as one scan source reports it. Two things are kept apart:
//! *presence* (does the newest scan of its source report it? only scans change it) and *assessment* (what a person or
//! a report's own analysis says). [`status::current`] makes the status of both.
//!
//! Everything that changes an observation goes through `scans` or `assessments`; this room holds the words, the rows
//! and the questions. Invariants: `is_active` is [`status::ObservationStatus::is_active`] of `status`; `last_seen_at`
//! is NULL exactly while the observation is present; `observation_counts` equals a GROUP BY over the rows.

pub mod apply;
pub mod catalogue;
pub mod evidence;
pub mod filter;
pub mod model;
pub mod repo;
pub mod status;
pub mod ticket_state;
