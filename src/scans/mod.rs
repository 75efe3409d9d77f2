//! Scans: reports imported into their sources.
//!
//! An upload is one posted file; each tool in it makes one scan of one source. An import is one transaction: what is
//! new, updated, found again and gone, or nothing at all.

pub mod diff;
pub mod fingerprint;
pub mod held;
pub mod import;
pub mod ledger;
pub mod manual;
pub mod model;
pub mod prepare;
pub mod repeat;
pub mod repo;
pub mod rows;
pub mod service;
pub mod sources;
pub mod write;
