//! The tests that drive the whole of it.

mod config;
mod house;
