//! Reading what scanners wrote. Pure: bytes in, [`report::ParsedFile`] out; no database, no clock, no caller.
//!
//! [`decode`] unpacks, [`sniff`] looks at the first kilobytes, [`parsers`] knows the formats and picks one by what
//! was seen, never by a file's name. A parser is one file: typed structs of its format, and how each entry becomes a
//! [`report::Finding`]. What all of them share is in [`read`] and [`builder`].

mod additions;
pub mod builder;
pub mod companion;
pub mod decode;
pub mod error;
pub mod inspect;
pub mod packed;
pub mod parser;
pub mod parsers;
pub mod read;
mod records;
pub mod report;
pub mod sniff;
