//! Any bytes as an upload: plain, compressed or an archive, with at most 16 MiB in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchbay::reports::decode::{self, Source};
use patchbay::reports::parsers::parse_source;

#[path = "../../it/valid_reports.rs"]
mod valid_reports;

const LIMIT: u64 = 16 << 20;

fuzz_target!(|bytes: &[u8]| {
    let mut decoded = 0;
    let _either = decode::documents(Source::Bytes(bytes.to_vec()), LIMIT, &mut |document| {
        decoded += document.bytes.len() as u64;
        Ok(())
    });
    // UTF-16 becomes longer by half at most.
    assert!(decoded <= LIMIT + LIMIT / 2, "{decoded} bytes came out");
    let _either = valid_reports::assert_sound(|| parse_source(Source::Bytes(bytes.to_vec()), None, LIMIT));
});
