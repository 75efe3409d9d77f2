//! The part of Patchbay that reads reports, and what it stands on. It needs neither server nor database, so it is built
//! in a minute or two, whole with the counters that guide a fuzzer.

/// The floor below.
#[path = "../../../src/base"]
pub mod base {
    pub mod error;
    pub mod severity;
    pub mod text_enum;
    pub mod time;
}

#[path = "../../../src/reports/mod.rs"]
pub mod reports;
