//! Hostile input for every parser, made of its own samples: what is said of one must be true of all.

use std::fs;
use std::net::TcpListener;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use patchbay::reports::decode::{Source, TOTAL_LIMIT};
use patchbay::reports::error::ParseError;
use patchbay::reports::parsers::{PARSERS, parse, parse_source};
use patchbay::reports::report::ParsedFile;
use serde::de::IgnoredAny;

use crate::reports::samples;
use crate::valid_reports::{assert_answer, assert_sound};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Json,
    Xml,
    /// Tables, and what else has lines.
    Lines,
}

struct Sample {
    format: &'static str,
    name: String,
    text: String,
    syntax: Syntax,
}

impl Sample {
    fn parse(&self, text: &str) -> Result<ParsedFile, ParseError> {
        parse(text.as_bytes(), Some(self.format))
    }

    /// Reads a changed text; whatever it is, the answer must be sound.
    #[track_caller]
    fn sound(&self, text: &str) -> Result<ParsedFile, ParseError> {
        let answer = self.parse(text);
        assert_answer(&answer);
        answer
    }

    fn with(&self, range: &Range<usize>, other: &str) -> String {
        [&self.text[..range.start], other, &self.text[range.end..]].concat()
    }

    /// The longest of the texts in it; its end, when there is none.
    fn longest_text(&self) -> Range<usize> {
        let texts = match self.syntax {
            Syntax::Json => self.tokens(Token::Text),
            Syntax::Xml => xml_texts(&self.text),
            Syntax::Lines => Vec::new(),
        };
        let end = self.text.trim_end().len();
        texts.into_iter().max_by_key(ExactSizeIterator::len).unwrap_or(end..end)
    }

    fn tokens(&self, wanted: Token) -> Vec<Range<usize>> {
        json_tokens(&self.text).into_iter().filter(|(token, _)| *token == wanted).map(|(_, range)| range).collect()
    }
}

fn all_samples() -> Vec<Sample> {
    let read = |format: &'static str, file: std::path::PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.trim_start_matches('\u{feff}').to_owned();
        let syntax = match text.trim_start().chars().next() {
            Some('{' | '[') => Syntax::Json,
            Some('<') if !text.contains("<html") => Syntax::Xml,
            _ => Syntax::Lines,
        };
        Sample { format, name: format!("{format}/{}", file.file_name().unwrap().display()), text, syntax }
    };
    PARSERS.iter().flat_map(|parser| samples(parser.name).into_iter().map(|file| read(parser.name, file))).collect()
}

fn samples_of(syntax: Syntax) -> Vec<Sample> {
    all_samples().into_iter().filter(|sample| sample.syntax == syntax).collect()
}

/// One sample of each syntax of a format: for what takes long and cannot differ between two.
fn first_samples() -> Vec<Sample> {
    let mut all = all_samples();
    all.dedup_by_key(|sample| (sample.format, sample.syntax));
    all
}

/// Checks every sample, also those after one that fails.
#[track_caller]
fn each(samples: Vec<Sample>, check: impl Fn(&Sample)) {
    let fails = |sample: &Sample| panic::catch_unwind(AssertUnwindSafe(|| check(sample))).is_err();
    let failed: Vec<String> = samples.into_iter().filter(fails).map(|sample| sample.name).collect();
    assert!(failed.is_empty(), "fails for {failed:?}");
}

fn findings(file: &ParsedFile) -> usize {
    file.reports.iter().map(|report| report.findings.len()).sum()
}

fn has_lost_entries(file: &ParsedFile) -> bool {
    file.reports.iter().flat_map(|report| &report.warnings).any(|warning| warning.lost_entry)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// With its quotes.
    Key,
    /// Without its quotes.
    Text,
    Number,
}

fn json_tokens(text: &str) -> Vec<(Token, Range<usize>)> {
    let (bytes, mut at, mut found) = (text.as_bytes(), 0, Vec::new());
    while at < bytes.len() {
        let start = at;
        at += 1;
        match bytes[start] {
            b'"' => {
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                let is_key = text[at..].trim_start().starts_with(':');
                found.push(if is_key { (Token::Key, start..at) } else { (Token::Text, start + 1..at - 1) });
            }
            b'-' | b'0'..=b'9' => {
                at += text[at..].bytes().take_while(|b| b.is_ascii_digit() || b".eE+-".contains(b)).count();
                found.push((Token::Number, start..at));
            }
            _ => {}
        }
    }
    found
}

/// What stands between two tags, and between the brackets of CDATA.
fn xml_texts(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('>') {
        let length = text[at + 1..].find('<').unwrap_or(0);
        found.push(at + 1..at + 1 + length);
    }
    for (at, mark) in text.match_indices("<![CDATA[") {
        let start = at + mark.len();
        found.push(start..start + text[start..].find("]]>").unwrap());
    }
    found
}

/// The document with a DTD of our own.
fn with_doctype(xml: &str, inside: &str) -> String {
    let mut text = xml.to_owned();
    if let Some(start) = text.find("<!DOCTYPE") {
        let end =
            start + text[start..].find(if text[start..].starts_with("<!DOCTYPE issues") { "]>" } else { ">" }).unwrap();
        let end = end + if text[end..].starts_with("]>") { 2 } else { 1 };
        text.replace_range(start..end, "");
    }
    let at = text.find("?>").map_or(0, |at| at + 2);
    text.insert_str(at, &format!("\n<!DOCTYPE report {inside}>\n"));
    text
}

/// S-19: a DTD is not loaded, and one that declares entities is refused at once, at its line.
#[test]
fn every_xml_format_refuses_entities_and_loads_no_dtd() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/evil.dtd", listener.local_addr().unwrap());
    let laughs: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let laughs = format!("[<!ENTITY l0 \"ha\">{laughs}]");
    let quadratic = format!("[<!ENTITY a \"{}\">]", "a".repeat(100_000));
    let file = "[<!ENTITY l9 SYSTEM \"file:///etc/passwd\">]".to_owned();
    let remote = format!("[<!ENTITY l9 SYSTEM \"{url}\">]");
    let parameter = format!("[<!ENTITY % p SYSTEM \"{url}\"> %p;]");
    each(samples_of(Syntax::Xml), |sample| {
        let text = sample.longest_text();
        let referring = sample.with(&text, "&l9;");
        for doctype in [&laughs, &quadratic, &file, &remote, &parameter] {
            let began = Instant::now();
            let error = sample.sound(&with_doctype(&referring, doctype)).expect_err(&sample.name);
            assert!(matches!(error, ParseError::Malformed { .. }), "{}: {error}", sample.name);
            assert!(error.to_string().starts_with("line "), "{}: {error}", sample.name);
            assert!(began.elapsed() < Duration::from_secs(1), "{}: {:?}", sample.name, began.elapsed());
        }
        let external = with_doctype(&sample.text, &format!("SYSTEM \"{url}\""));
        let read = sample.sound(&external).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        assert_eq!(findings(&read), findings(&sample.parse(&sample.text).unwrap()), "{}", sample.name);
    });
    assert!(listener.accept().is_err(), "somebody asked for the DTD");
}

/// S-19, S-20: neither the stack nor the time runs out, whatever stands in whatever.
#[test]
fn no_format_follows_a_hundred_thousand_levels() {
    const DEPTH: usize = 100_000;
    let lists = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let objects = format!("{}1{}", "{\"a\":".repeat(DEPTH), "}".repeat(DEPTH));
    each(first_samples(), |sample| {
        match sample.syntax {
            Syntax::Json => {
                for deep in [&lists, &objects] {
                    let _either = sample.sound(&deep.replacen('1', &sample.text, 1));
                    let at = sample.text.find('{').unwrap() + 1;
                    let comma = if sample.text[at..].trim_start().starts_with('}') { "" } else { "," };
                    // What nobody asks for is skipped at any depth.
                    let unknown = sample.with(&(at..at), &format!("\"unknown to all\": {deep}{comma}"));
                    let read = sample.sound(&unknown);
                    if let Ok(read) = read {
                        let expected = findings(&sample.parse(&sample.text).unwrap());
                        assert!(findings(&read) >= expected || has_lost_entries(&read), "{}", sample.name);
                    }
                }
            }
            Syntax::Xml => {
                let deep = format!("{}{}", "<a>".repeat(DEPTH), "</a>".repeat(DEPTH));
                let root = sample.text.find("\n<").unwrap_or(0);
                let at = root + sample.text[root..].find("</").unwrap();
                let error = sample.sound(&sample.with(&(at..at), &deep)).expect_err(&sample.name).to_string();
                assert!(error.contains("nested deeper than"), "{}: {error}", sample.name);
            }
            Syntax::Lines => {}
        }
    });
}

/// S-20: of each known key a value of any shape, also one that goes on for ever.
#[test]
fn no_format_is_troubled_by_values_of_another_shape() {
    let deep = format!("{}{}", "[{\"a\":".repeat(1_000), "1}]".repeat(1_000));
    each(samples_of(Syntax::Json), |sample| {
        for key in sample.tokens(Token::Key) {
            let colon = key.end + sample.text[key.end..].find(':').unwrap() + 1;
            for value in ["null", "true", "[]", "{}", "\"\"", "-1", "[[[1]]]", "{\"a\": {\"b\": []}}", &deep] {
                // The value that was there is kept under another name.
                let other = sample.with(&(colon..colon), &format!(" {value}, \"unknown to all\":"));
                let _either = sample.sound(&other);
            }
        }
    });
}

/// S-20, S-24: a key or text of megabytes costs itself, not more. The readers are shared, so three formats with more do.
#[test]
fn huge_keys_and_texts_are_cut_or_skipped() {
    each(first_samples(), |sample| {
        let is_longest = ["nmap", "patchbay_csv", "sarif"].contains(&sample.format);
        let huge = "k".repeat(if is_longest { 20_000_000 } else { 500_000 });
        let began = Instant::now();
        if findings(&sample.parse(&sample.text).unwrap()) == 0 {
            return;
        }
        let read_all = |text: &str| {
            let read = sample.sound(text).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
            assert!(findings(&read) >= 1, "{}", sample.name);
            let size = serde_json::to_string(&read).unwrap().len();
            assert!(size < 2_000_000, "{}: {size} bytes are kept", sample.name);
        };
        match sample.syntax {
            Syntax::Json => {
                let at = sample.text.find('{').unwrap() + 1;
                let comma = if sample.text[at..].trim_start().starts_with('}') { "" } else { "," };
                let _either = sample.sound(&sample.with(&(at..at), &format!("\"{huge}\": 1{comma}")));
                if !sample.longest_text().is_empty() {
                    read_all(&sample.with(&sample.longest_text(), &huge));
                }
            }
            Syntax::Xml => {
                read_all(&sample.with(&sample.longest_text(), &huge));
                let root = sample.text.find("</").unwrap();
                read_all(&sample.with(&(root..root), &format!("<{huge} a=\"{huge}\"></{huge}>")));
            }
            Syntax::Lines => {
                let _either = sample.sound(&format!("{}{huge}", sample.text));
                let _either = sample.sound(&format!("{huge}\n{}", sample.text));
            }
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{}: {:?}", sample.name, began.elapsed());
    });
}

/// S-20: no key is chosen of two that differ. Where a key names a finding, there are two findings.
#[test]
fn duplicate_keys_are_never_chosen_from() {
    each(samples_of(Syntax::Json), |sample| {
        let whole = sample.parse(&sample.text).unwrap();
        for key in sample.tokens(Token::Key) {
            let name = &sample.text[key.clone()];
            let twice = sample.with(&(key.start..key.start), &format!("{name}: \"another\", "));
            if let Ok(read) = sample.sound(&twice) {
                let is_told = has_lost_entries(&read) && findings(&read) <= findings(&whole);
                assert!(
                    is_told || findings(&read) >= findings(&whole),
                    "{}: {name} twice costs a finding in silence",
                    sample.name
                );
            }
        }
    });
}

/// S-20
#[test]
fn numbers_beyond_all_are_refused_or_left_out() {
    let digits = "9".repeat(400);
    each(samples_of(Syntax::Json), |sample| {
        for number in sample.tokens(Token::Number) {
            for other in ["1e999", "-1e999", "1e-999", "-0", "-1", "1180591620717411303424", "0.1", "1e15", &digits] {
                let _either = sample.sound(&sample.with(&number, other));
            }
            for other in ["NaN", "Infinity", "+1", "0x1F", "1."] {
                let read = sample.sound(&sample.with(&number, other));
                assert!(read.as_ref().map_or(true, has_lost_entries), "{}: {other}: {read:?}", sample.name);
            }
        }
    });
}

/// S-24: whatever stands in a text, what is kept of it is clean, bounded and not empty.
#[test]
fn no_text_of_any_format_controls_a_terminal_or_a_line() {
    let dirty = r"a\u0000\u001b[31m\u009b31m\u007f\r\nb\u2028";
    let long = "x y/".repeat(25_000);
    each(samples_of(Syntax::Json), |sample| {
        for text in sample.tokens(Token::Text) {
            for other in ["", " ", dirty, r"\r\n\t", "-1", "1e999", "99999999999999999999", "0000-00-00", "%2e%"] {
                let _either = sample.sound(&sample.with(&text, other));
            }
        }
        let _either = sample.sound(&sample.with(&sample.longest_text(), &long));
        for key in sample.tokens(Token::Key) {
            let inside = key.end - 1..key.end - 1;
            let _either = sample.sound(&sample.with(&inside, dirty));
        }
    });
    each(samples_of(Syntax::Xml), |sample| {
        for text in xml_texts(&sample.text) {
            for other in ["", " ", "a\0\u{1b}[31m\u{9b}31m\u{7f}\r\nb", "&#0;&#x1b;&#65;", "-1", "1e999"] {
                let _either = sample.sound(&sample.with(&text, other));
            }
        }
    });
    each(samples_of(Syntax::Lines), |sample| {
        let words: Vec<_> = sample.text.match_indices([',', ';', '\n']).map(|(at, _)| at..at).collect();
        for place in words {
            for other in ["a\0\u{1b}[31m\u{9b}31m\u{7f}b", "\r", "-1", ",", "\"\""] {
                let _either = sample.sound(&sample.with(&place, other));
            }
        }
    });
}

/// S-20: half a character, which tools that cut texts leave behind, is replaced wherever it stands.
#[test]
fn a_lone_surrogate_costs_nothing() {
    each(samples_of(Syntax::Json), |sample| {
        for text in sample.tokens(Token::Text) {
            let end = text.end..text.end;
            let replaced = sample.parse(&sample.with(&end, r"\ufffd"));
            for half in [r"\ud800", r"\udc00", r"\uD83D"] {
                assert_eq!(sample.parse(&sample.with(&end, half)), replaced, "{}: {half}", sample.name);
            }
        }
    });
}

/// S-20: UTF-8 is the rule, UTF-16 is read, and a stray byte costs its character.
#[test]
fn every_format_is_read_in_every_encoding() {
    each(all_samples(), |sample| {
        let read = |bytes: Vec<u8>| parse_source(Source::Bytes(bytes), Some(sample.format), TOTAL_LIMIT);
        let expected = read(sample.text.clone().into_bytes());
        assert!(expected.is_ok(), "{}", sample.name);
        let marked = format!("\u{feff}{}", sample.text);
        assert_eq!(read(marked.clone().into_bytes()), expected, "{}: UTF-8 with a mark", sample.name);
        for text in [&sample.text, &marked] {
            let little = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(read(little), expected, "{}: UTF-16, little end first", sample.name);
            let big = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            assert_eq!(read(big), expected, "{}: UTF-16, big end first", sample.name);
        }
        let place = sample.longest_text().end;
        let place = place..place;
        let replaced = sample.parse(&sample.with(&place, "\u{fffd}"));
        let mut stray = sample.text.clone().into_bytes();
        stray.insert(place.start, 0xff);
        assert_eq!(parse(&stray, Some(sample.format)), replaced, "{}: a stray byte", sample.name);
        for nul in [place.start, 0, sample.text.len()] {
            let mut bytes = sample.text.clone().into_bytes();
            bytes.insert(nul, 0);
            let _either = assert_sound(|| parse(&bytes, Some(sample.format)));
        }
    });
}

/// A report that is cut off is an error, never a shorter report. What no reader can see is a cut at the end of a line of a
/// format of lines, inside the last field of a row, or in a header behind the columns that it is known by.
#[test]
fn every_truncated_report_is_an_error_with_its_place() {
    each(all_samples(), |sample| {
        let whole = findings(&sample.parse(&sample.text).unwrap());
        let text = sample.text.trim_end();
        for sixteenth in 1..16 {
            let cut = &text[..text.floor_char_boundary(text.len() * sixteenth / 16)];
            match sample.sound(cut) {
                Err(error) => {
                    let is_placed =
                        ["line ", "file", "/", "none of", "no "].iter().any(|word| error.to_string().contains(word));
                    assert!(is_placed, "{}: {error}", sample.name);
                }
                Ok(read) => assert!(
                    whole == 0 || has_lost_entries(&read) || ends_a_line(sample, cut, text),
                    "{} cut at {sixteenth}/16 counts as a report: …{:?}",
                    sample.name,
                    &cut[cut.floor_char_boundary(cut.len().saturating_sub(60))..]
                ),
            }
        }
    });
}

/// Whether a cut leaves whole documents, lines, or all fields of a row.
fn ends_a_line(sample: &Sample, cut: &str, text: &str) -> bool {
    let is_between = cut.ends_with('\n') || text[cut.len()..].starts_with(['\n', '\r']);
    match sample.syntax {
        Syntax::Xml => false,
        Syntax::Json => {
            let mut documents = serde_json::Deserializer::from_str(cut).into_iter::<IgnoredAny>();
            documents.all(|document| document.is_ok())
        }
        Syntax::Lines => {
            let header = text.lines().next().unwrap();
            let row = cut.lines().next_back().unwrap_or_default();
            let count = |line: &str| line.matches([',', ';', '\t']).count();
            let is_header = cut.lines().count() == 1 && parse(cut.as_bytes(), None).is_ok();
            is_between || is_header || (count(row) >= count(header) && row.matches('"').count().is_multiple_of(2))
        }
    }
}

/// Lines may end as on an old Macintosh, but for tools that print plain lines.
#[test]
fn lone_carriage_returns_end_lines() {
    each(all_samples(), |sample| {
        if ["bundler_audit/output.txt", "spdx/packages.spdx"].contains(&sample.name.as_str()) {
            return;
        }
        let read = sample.sound(&sample.text.replace('\n', "\r"));
        let read = read.unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        assert_eq!(findings(&read), findings(&sample.parse(&sample.text).unwrap()), "{}", sample.name);
    });
}

/// What a broken step leaves behind is no empty report, even if a format is named. Nothing at all is one where a tool writes
/// a line for each finding.
#[test]
fn what_is_no_report_is_an_error_for_every_format() {
    const SILENT: [&str; 6] = ["aws_prowler", "govulncheck", "kubeaudit", "nuclei", "trufflehog", "yarn_audit"];
    let mut accepted = Vec::new();
    for parser in PARSERS {
        for text in [
            "",
            " \r\n\t",
            "hello",
            "\0\0\0\0",
            "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
            "<!DOCTYPE html><html><body>Sign in</body></html>",
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
            "{\"message\": \"Not Found\", \"documentation_url\": \"https://example.com\", \"status\": \"404\"}",
            "error: cannot connect to the database, is it running?\n",
        ] {
            let read = assert_sound(|| parse(text.as_bytes(), Some(parser.name)));
            let is_silent = text.trim().is_empty() && SILENT.contains(&parser.name);
            if read.is_ok() && !is_silent {
                accepted.push(format!("{}: {text:?}", parser.name));
            }
        }
    }
    assert!(accepted.is_empty(), "these count as reports:\n{}", accepted.join("\n"));
}

/// What the fuzzer found, each once.
#[test]
fn what_was_found_by_chance_stays_mended() {
    let row = |time: &str| {
        format!("CHECK_ID;CHECK_TITLE;STATUS;SEVERITY;FINDING_UID;PROVIDER;TIMESTAMP\nc;t;FAIL;high;u;aws;{time}\n")
    };
    for (format, text) in [
        ("prowler", row("-026-01-31 10:20:30.913874")),
        ("prowler", row("99999-01-31 10:20:30")),
        ("trivy", r#"[{"Target": "@sha256:1 (alpine 3.20)", "Type": "alpine", "Vulnerabilities": []}]"#.to_owned()),
        ("snyk", r#"{"vulnerabilities": [], "ok": true, "projectName": "docker-image|: @sha256:1"}"#.to_owned()),
        ("nuclei", "{\"template-id\": \"a\"}\n{\"template-id\": \"a\"}\n".to_owned()),
        ("spdx", "SPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\nCreator: Tool: \nPackageName: a\n".to_owned()),
    ] {
        let read = assert_sound(|| parse(text.as_bytes(), Some(format)));
        assert!(read.is_ok(), "{format}: {read:?}");
    }
    // An id that no glossary explains is all there is for a title.
    let entries = |qid: &str| {
        let entry = |qid: &str| format!("<VULNERABILITY><QID>{qid}</QID></VULNERABILITY>");
        format!("<WAS_SCAN_REPORT><RESULTS>{}{}</RESULTS></WAS_SCAN_REPORT>", entry("150001"), entry(qid))
    };
    for (qid, lost) in [("7".repeat(60_000), 0), ("7\u{7f}7".to_owned(), 0), (" ".to_owned(), 1)] {
        let read = assert_sound(|| parse(entries(&qid).as_bytes(), Some("qualys_webapp"))).unwrap();
        assert_eq!((findings(&read), read.reports[0].warnings.len()), (2 - lost, lost));
    }
    // A fault is told in a few words, however long the names are that it is about.
    let long = format!("<issues burpVersion=\"1\"><issue></{}></issues>", "i".repeat(60_000));
    assert!(assert_sound(|| parse(long.as_bytes(), Some("burp"))).is_err());
    let columns = format!("a{}", ";\0b".repeat(20_000));
    assert!(assert_sound(|| parse(columns.as_bytes(), None)).is_err());
    // Some tools write a header alone, and end no line: an empty report, whether its format is named or found out.
    for format in [None, Some("generic_csv")] {
        let read = assert_sound(|| parse(b"Title,Severity,Description,Date", format)).unwrap();
        assert_eq!(findings(&read), 0);
    }
}
