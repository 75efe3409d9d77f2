//! Where the texts of a sample are.

use std::ops::Range;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    Json,
    Xml,
    Table,
}

impl Syntax {
    pub fn of(sample: &str, repeated: &[&str]) -> Self {
        match (repeated, sample.trim_start().starts_with('<')) {
            (["rows"], _) => Self::Table,
            (_, true) => Self::Xml,
            (_, false) => Self::Json,
        }
    }
}

/// The strings of JSON that are no keys, without their quotes.
pub fn json_texts(text: &str) -> Vec<Range<usize>> {
    let (bytes, mut at, mut found) = (text.as_bytes(), 0, Vec::new());
    while at < bytes.len() {
        if bytes[at] != b'"' {
            at += 1;
            continue;
        }
        let start = at + 1;
        at = start;
        while bytes[at] != b'"' {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        if !text[at + 1..].trim_start().starts_with(':') {
            found.push(start..at);
        }
        at += 1;
    }
    found
}

/// The values of attributes and what stands between tags.
pub fn xml_texts(text: &str) -> Vec<Range<usize>> {
    let (mut at, mut found) = (0, Vec::new());
    while at < text.len() {
        let rest = &text[at..];
        if let Some(inside) = rest.strip_prefix("<![CDATA[") {
            let length = inside.find("]]>").unwrap();
            found.push(at + 9..at + 9 + length);
            at += 9 + length + 3;
        } else if rest.starts_with('<') {
            let length = rest.find('>').unwrap();
            let mut from = 0;
            while let Some(open) = rest[from..length].find("=\"").map(|open| from + open + 2) {
                let close = open + rest[open..].find('"').unwrap();
                found.push(at + open..at + close);
                from = close + 1;
            }
            at += length.max(from) + 1;
        } else {
            let length = rest.find('<').unwrap_or(rest.len());
            let inside = &rest[..length];
            let start = at + length - inside.trim_start().len();
            found.push(start..start + inside.trim().len());
            at += length;
        }
    }
    found
}
