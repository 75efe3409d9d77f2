//! What parsers share for reading: JSON, CSV, words, scores.

pub mod cvss;
pub mod json;
pub mod table;
pub mod text;
pub mod words;
pub mod xml;
