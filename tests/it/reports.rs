//! Reading reports: small samples of every format against snapshots, and hostile input.

use std::fs;
use std::path::{Path, PathBuf};

use insta::{Settings, assert_json_snapshot};
use patchbay::reports::parsers::{PARSERS, parse};
use serde_json::{Value, json};

/// The samples of a format, by name.
fn samples(format: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports").join(format);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_none_or(|extension| extension != "snap"));
    files.sort();
    files
}

/// A value without what is absent, so that a snapshot shows what was read.
fn without_absent(value: Value) -> Value {
    let says = |value: &Value| {
        !matches!(value, Value::Null | Value::Bool(false)) && *value != json!([]) && *value != json!({})
    };
    match value {
        Value::Array(items) => items.into_iter().map(without_absent).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, without_absent(value)));
            fields.filter(|(_, value)| says(value)).collect()
        }
        other => other,
    }
}

/// PB-6: recognised by content, and all that the format gives is kept.
#[test]
fn every_sample_is_recognised_and_read_as_its_snapshot_says() {
    for parser in PARSERS {
        let files = samples(parser.name);
        assert!(!files.is_empty(), "{} has no sample", parser.name);
        for file in files {
            let bytes = fs::read(&file).unwrap();
            let parsed = parse(&bytes, None).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert_eq!(parsed.format, parser.name, "{}", file.display());
            assert_eq!(parse(&bytes, Some(parser.name)).as_ref(), Ok(&parsed), "{}", file.display());
            let mut settings = Settings::clone_current();
            settings.set_snapshot_path(file.parent().unwrap());
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            let kept = without_absent(serde_json::to_value(&parsed).unwrap());
            settings.bind(|| assert_json_snapshot!(file.file_name().unwrap().to_str().unwrap(), kept));
        }
    }
}

/// A report cut off anywhere is an error, never a shorter report.
#[test]
fn a_truncated_json_report_is_an_error_with_its_place() {
    for parser in PARSERS {
        for file in samples(parser.name) {
            let text = fs::read_to_string(&file).unwrap();
            let text = text.trim_end();
            if !text.starts_with(['{', '[']) {
                continue;
            }
            for percent in [30, 60, 90, 99] {
                let cut = text.floor_char_boundary(text.len() * percent / 100);
                let error = parse(&text.as_bytes()[..cut], Some(parser.name)).expect_err(&file.display().to_string());
                assert!(error.to_string().contains("line "), "{}: {error}", file.display());
            }
        }
    }
}
