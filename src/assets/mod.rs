//! Assets: what vulnerabilities are found on.
//!
//! An asset's identity leaves out what changes with every build; its table is `assets`.

pub mod model;
pub mod repo;
pub mod service;
