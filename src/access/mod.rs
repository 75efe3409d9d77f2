//! Who may do what: organizations, users, memberships, teams, tokens.
//!
//! Everything a request does is done by a [`model::Caller`], who belongs to exactly one organization for that request.

pub mod model;
pub mod permission;
