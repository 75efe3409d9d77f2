//! The door of time: carries what the outbox holds to the trackers, and does what is due.
//!
//! Several instances may work at once: a job is leased, and a connection's budget is one row. Each connection has its
//! own lane, so a slow tracker delays nobody else.

pub mod drain;
pub mod lanes;
pub mod overdue;
pub mod run;
pub mod sweep;
