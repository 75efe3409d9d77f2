//! Reading what scanners wrote. Pure: bytes in, [`report::ParsedFile`] out; no database, no clock, no caller.

pub mod report;
