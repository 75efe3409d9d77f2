//! Any bytes as a report whose format is to be found out. The one that is found reads it as if it had been named.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchbay::reports::parsers::parse;

#[path = "../../it/valid_reports.rs"]
mod valid_reports;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = valid_reports::assert_sound(|| parse(bytes, None)) {
        assert_eq!(parse(bytes, Some(file.format)), Ok(file));
    }
});
