//! The outbox: durable wishes that a ticket be looked at, written in the transaction of the change that causes them.
//!
//! A job says *which* ticket needs a look, never what to do with it: whoever carries it out computes that from the data
//! of that moment. Tables: `sync_jobs`, `connection_budgets`. Invariants: one open job per subject and connection; a
//! change during a run bumps the job's revision, and a job ends only at the revision it was claimed at; a new change
//! never shortens a back-off or a lease; a lease that nobody ends runs out, and another worker takes the job.

pub mod backoff;
pub mod model;
pub mod rate;
pub mod repo;
