//! Reading reports: small samples of every format against snapshots, and hostile input.

use std::fs;
use std::path::{Path, PathBuf};

use insta::{Settings, assert_json_snapshot};
use patchbay::reports::parsers::{PARSERS, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The samples of a format, by name.
pub fn samples(format: &str) -> Vec<PathBuf> {
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

/// What a tool writes when it finds nothing may be too little to tell whose it is; a caller who says so is believed.
#[test]
fn an_empty_report_is_one_of_the_format_that_is_named() {
    for (format, texts) in [
        ("gitleaks", &["[]", "null", "\n[]\n"][..]),
        ("semgrep_pro", &["{\"findings\": []}"]),
        ("github_sast", &["[]"]),
        ("Github Vulnerability Scan", &["[]"]),
        ("github_secrets_detection_report", &["[]"]),
        ("npm_audit", &["{\"advisories\": {}}"]),
        ("yarn_audit", &["", "{\"advisories\": {}}"]),
        ("pip_audit", &["[]", "{\"dependencies\": []}"]),
        ("checkov", &["[]"]),
        ("snyk", &["[]"]),
        ("trufflehog", &["", "[]"]),
        ("nuclei", &["", "[]"]),
        ("osv_scanner", &["{\"results\": []}", "{\"results\": null}"]),
    ] {
        for text in texts {
            let parsed = parse(text.as_bytes(), Some(format)).unwrap_or_else(|error| panic!("{format}: {error}"));
            let report = &parsed.reports[0];
            assert!(report.findings.is_empty() && report.warnings.is_empty() && !report.failed, "{format}: {text}");
            assert!(parse(text.as_bytes(), None).is_err(), "{text}");
        }
    }
}

/// S-20: hostile JSON is an error or harmless, and never the end of the process.
#[test]
fn hostile_json_is_refused_or_skipped() {
    let sarif = |inside: &str| {
        format!(r#"{{"version": "2.1.0", "runs": [{{"tool": {{"driver": {{"name": "T"}}}}, "results": [{inside}]}}]}}"#)
    };
    let deep = format!("{}1{}", "{\"a\":[".repeat(500_000), "]}".repeat(500_000));
    let harmless = sarif(&format!(r#"{{"message": {{"text": "m"}}, "properties": {{"deep": {deep}}}}}"#));
    assert_eq!(parse(harmless.as_bytes(), None).unwrap().reports[0].findings.len(), 1);
    let beyond = sarif(&format!(r#"{{"message": {{"text": "m"}}, "ruleIndex": 1{}}}"#, "0".repeat(400)));
    assert!(parse(beyond.as_bytes(), None).unwrap().reports[0].warnings[0].lost_entry);

    for (name, text) in [
        ("a million brackets", "[".repeat(1_000_000)),
        ("a huge key", format!("{{\"{}\": 1}}", "k".repeat(5_000_000))),
        ("not a number", sarif(r#"{"message": {"text": "m"}, "ruleIndex": NaN}"#)),
        ("nothing", String::new()),
    ] {
        let error = parse(text.as_bytes(), None).expect_err(name).to_string();
        assert!(error.len() < 2_000, "{name}: the message quotes the file");
    }
}

/// S-20: of duplicate keys none is chosen; the entry is lost and named.
#[test]
fn a_result_with_duplicate_keys_is_lost_and_named() {
    let text = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "T"}}, "results": [
        {"ruleId": "a", "ruleId": "b", "message": {"text": "m"}}, {"ruleId": "c", "message": {"text": "m"}}]}]}"#;
    let parsed = parse(text.as_bytes(), None).unwrap();
    let report = &parsed.reports[0];
    assert_eq!(report.findings.len(), 1);
    assert_eq!((report.warnings[0].place.as_str(), report.warnings[0].lost_entry), ("/runs/0/results/0", true));
}

/// S-24: what reaches the database and the trackers has no control characters and is bounded.
#[test]
fn text_from_a_report_is_clean_and_bounded() {
    let long = "x".repeat(300_000);
    let text = format!(
        r#"{{"findings": [{{"title": "two\r\nlines\u0000", "severity": "High", "description": "a\u0000b {long}"}}]}}"#
    );
    let parsed = parse(text.as_bytes(), None).unwrap();
    let vulnerability = parsed.reports[0].vulnerabilities.at(0);
    assert_eq!(vulnerability.title, "two lines");
    assert!(vulnerability.description.starts_with("a b x") && vulnerability.description.ends_with("[cut]"));
    assert!(vulnerability.description.len() < 70_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// S-20: whatever happens to a report on its way, reading it ends with a report or an error.
    #[test]
    fn no_parser_panics_on_a_damaged_sample(at in 0.0..1.0f64, length in 0usize..40, inserted in "[\\[\\]{}\",:0-9a-z\\\\\u{0}-\u{ff}]{0,6}") {
        for parser in PARSERS {
            for file in samples(parser.name) {
                let mut bytes = fs::read(&file).unwrap();
                let from = (bytes.len() as f64 * at) as usize;
                let to = (from + length).min(bytes.len());
                bytes.splice(from..to, inserted.bytes());
                let _ = parse(&bytes, Some(parser.name));
                let _ = parse(&bytes, None);
            }
        }
    }
}
