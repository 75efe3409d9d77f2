//! Tickets in people's trackers: what they should say (`ticket`, `markup`), and how each tracker is told (`clients`).
//!
//! Invariants: the text of a scanner is never trusted and reaches a tracker only through `markup`; an answer that was
//! lost after a request may have been executed is said to be uncertain, never guessed; credentials leave this process
//! only towards the host of their connection.

pub mod clients;
pub mod failure;
pub mod issue_deletion;
pub mod issue_push;
pub mod issue_text;
pub mod markup;
pub mod plan;
pub mod preview;
pub mod repo;
pub mod service;
pub mod situation;
pub mod subject;
pub mod sync;
pub mod text;
pub mod ticket;
pub mod verify;
