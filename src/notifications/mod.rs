//! Notifications: what needs people, said once.
//!
//! Tables: `notifications`, `notification_reads`. Invariant: one open notification per cause; what happens again counts
//! up and becomes unread again, what is over is resolved.

pub mod model;
pub mod repo;
pub mod service;
