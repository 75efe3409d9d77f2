//! Patchbay connects inputs to outputs: scanners on one side, people's issue trackers on the other.
//!
//! One binary, two doors: `api` for people and pipelines, `worker` for time and retries. Behind both stand the
//! same domain rooms, each with its rules (pure), its repository and its service. Every import points down; the
//! floors are listed in `tests/it/house.rs`, which enforces them.

pub mod access;
pub mod api;
pub mod app;
pub mod assessments;
pub mod assets;
pub mod base;
pub mod clients;
pub mod commands;
pub mod config;
pub mod connections;
pub mod db;
pub mod demo;
pub mod egress;
pub mod events;
pub mod gates;
pub mod idempotency;
pub mod inbox;
pub mod issues;
pub mod keys;
pub mod notifications;
pub mod observations;
pub mod oidc;
pub mod outbox;
pub mod products;
pub mod reports;
pub mod scans;
pub mod server;
pub mod telemetry;
pub mod tickets;
pub mod tracker_configs;
pub mod trackers;
pub mod webhooks;
pub mod worker;
pub mod workloads;
