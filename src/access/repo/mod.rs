//! SQL, one function per question. Permissions, clocks and transactions belong to the callers.

pub mod attempts;
pub mod audit;
pub mod credentials;
pub mod invitations;
pub mod members;
pub mod organizations;
pub mod sessions;
pub mod teams;
pub mod tokens;
pub mod users;
