//! Who may do what: organizations, users, memberships, teams, sessions, API tokens, the audit log.
//!
//! Everything a request does is done by a [`model::Caller`], who belongs to exactly one organization for that request.
//! What the caller may do is read with every request, so whoever is removed or demoted is so at once.
//!
//! - A user belongs to the server, a membership to an organization. People join by a code that an admin hands them: an
//!   admin of one organization can neither add, change nor learn about people of another.
//! - An API token can do no more than its creator can now, and ends with the creator's membership. Without a product
//!   it sees the products that are not restricted to teams; with the scope `admin` it sees all.
//! - Secrets are stored as hashes: Argon2id for what people choose, SHA-256 for what is random.

pub mod attempts;
pub mod audit;
pub mod authentication;
pub mod checks;
pub mod jwt;
pub mod model;
pub mod password;
pub mod permission;
pub mod repo;
pub mod secret_text;
pub mod service;
