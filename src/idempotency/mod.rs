//! Requests that are sent twice and take effect once.
//!
//! A client names a request by a key. The first request with a key claims it, under a lease that it renews while it
//! runs; what it answered is kept for a day and given to whoever sends the same request again. A request that had no
//! effect gives its key back. The table is `idempotency_keys`; keys belong to one caller in one organization.

pub mod model;
pub mod repo;
pub mod service;
