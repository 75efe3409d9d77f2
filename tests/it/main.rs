//! The tests that drive the whole of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod commands;
mod config;
mod egress;
mod fakes;
mod house;
mod reports;
mod tracker_clients;
