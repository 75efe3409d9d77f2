//! Pipelines that prove who they are by their CI's own token, so that they need no secret of ours.
//!
//! A trust rule of a product says which runs of which repository may upload to it: tables `trust_rules` and
//! `workload_tokens`. A run exchanges the token of its CI for one of ours, which lives for minutes and uploads to that
//! product only, or sends the CI's token itself. What a rule admits ends with the rule.
//!
//! - Repositories are known by the number that their CI gives them, never by their name: names can be taken over.
//! - Runs for pull requests are refused unless the rule says otherwise: anybody can open one, and a token does not tell
//!   a fork from a branch.
//! - A token of a CI is exchanged once.

pub mod exchange;
pub mod identity;
pub mod model;
pub mod pattern;
pub mod repo;
pub mod service;
