//! Any bytes as a report of the format that `FORMAT` names.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use patchbay::reports::parsers::{by_name, parse};

#[path = "../../it/valid_reports.rs"]
mod valid_reports;

static FORMAT: LazyLock<&str> = LazyLock::new(|| {
    let name = std::env::var("FORMAT").expect("FORMAT names a format");
    by_name(&name).expect("FORMAT names a format").name
});

fuzz_target!(|bytes: &[u8]| {
    let _either = valid_reports::assert_sound(|| parse(bytes, Some(*FORMAT)));
});
