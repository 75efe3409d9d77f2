//! One client per tracker behind one enum: plan the exact requests, send them, and say plainly what came of it.

pub mod client;
mod discovery;
pub mod github;
pub mod gitlab;
pub mod jira;
mod limits;
mod message;
pub mod settings;
mod wire;
mod workflow;
