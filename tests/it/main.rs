//! The tests that drive the whole of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod access;
mod app;
mod assessments;
mod auth;
mod browsers;
mod builders;
mod commands;
mod config;
mod connections;
mod conventions;
mod desk;
mod durability;
mod egress;
mod fakes;
mod house;
mod issues;
mod lists;
mod migrations;
mod observation_counts;
mod observation_rows;
mod observations;
mod openapi;
mod outbox;
mod plans;
mod postgres;
mod process;
mod products;
mod reports;
mod sarif;
mod scans;
mod simulators;
mod sync;
mod sync_faults;
mod tenancy;
mod tracker_clients;
