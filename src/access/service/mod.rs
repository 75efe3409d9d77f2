//! Use cases: permission, rule, write, line in the audit log.

pub mod first_start;
pub mod invitations;
pub mod members;
pub mod organizations;
pub mod profile;
pub mod sessions;
pub mod teams;
pub mod tokens;
pub mod users;
