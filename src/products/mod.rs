//! What is scanned and owned: products, their branches, and engagements on them.
//!
//! Tables: `products`, `product_teams`, `branches`, `engagements`. Every product has one branch with an empty name, made
//! with it: what is scanned without a branch belongs there, so that a branch is never NULL in a key or a join. It is
//! shown to nobody and cannot be deleted. Names of products are unique whatever their case; those of branches and
//! engagements are unique in their product, with their case.

pub mod model;
pub mod repo;
pub mod service;
pub mod target;
