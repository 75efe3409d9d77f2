//! What parsers share for reading: JSON, XML, CSV, words, scores, times.

pub mod cvss;
pub mod html;
pub mod json;
pub mod packages;
pub mod table;
pub mod text;
pub mod time;
pub mod words;
pub mod xml;
