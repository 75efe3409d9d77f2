//! What teams remediate: groups of instances with a name, risk, state, due date, assignee and timeline.
//!
//! An *instance* is a (vulnerability, asset) pair with its branch, and so its product; what it was when it was added is
//! kept in a snapshot that nothing changes any more. What holds for it now is its [`standing`](standing::Standing), made
//! of all observations of the pair on that branch, whatever became of those that it was made from.
//!
//! Tables: `issues`, `issue_products`, `issue_instances`, `instance_snapshots`, `vulnerability_snapshots`,
//! `timeline_entries`. Invariants: while an issue is not closed, each `standing` is that of today's observations, and the
//! counts of `issue_products` and `issues` are those of its instances ([`recompute`] keeps both); a closed issue is left
//! as it was. Every writer holds [`repo::lock`], so that none decides on what another is about to change.
//!
//! Whoever may not see all products (PB-10) sees of an issue the instances, counts and entries of those that they may
//! see. An issue without any such instance is not there for them; one without any instance at all is there for whoever
//! may see its product, or for the whole organization where it has none.

pub mod export;
pub mod filter;
pub mod model;
pub mod recompute;
pub mod repo;
pub mod selection;
pub mod service;
pub mod snapshot;
pub mod standing;
pub mod status;
pub mod timeline;
