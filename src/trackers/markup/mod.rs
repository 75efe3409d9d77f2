//! Ticket text in each tracker's own markup. Pure.
//!
//! A [`document::Document`] holds untrusted text in trusted structure. The writers escape every text part, so that no
//! mention, close keyword, quick action, macro, HTML or script link of a scanner comes alive, and cut at the tracker's
//! limit without ever cutting the marker or the link back.

pub mod adf;
pub mod document;
pub mod fit;
pub mod markdown;
pub mod read;
pub mod text;
pub mod wiki;
