//! Large reports out of small samples: findings are repeated as they stand, each time with other ids, paths and hosts.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use serde_json::value::RawValue;

use super::tokens::{Syntax, json_texts, xml_texts};

/// The sample with what `repeated` names repeated until it has at least `bytes`; `None` where nothing of it is there.
pub fn enlarged(sample: &str, repeated: &[&str], bytes: usize) -> Option<String> {
    if repeated == ["rows"] {
        return Some(rows(sample, bytes));
    }
    let (separator, tokens): (&str, Tokens) = match (repeated, Syntax::of(sample, repeated)) {
        (["documents"], _) => ("\n", json_texts),
        (_, Syntax::Xml) => ("", xml_texts),
        _ => (",", json_texts),
    };
    let spans = spans(sample, repeated)?;
    let once: usize = spans.iter().map(ExactSizeIterator::len).sum();
    let copies = bytes.div_ceil(once);
    let (mut outside, mut at) = (String::new(), 0);
    for span in &spans {
        outside.push_str(&sample[at..span.start]);
        at = span.end;
    }
    outside.push_str(&sample[at..]);
    let fixed: HashSet<&str> = tokens(&outside).into_iter().map(|span| &outside[span]).collect();

    let (mut large, mut at) = (String::with_capacity(bytes + bytes / 4), 0);
    for span in spans {
        large.push_str(&sample[at..span.start]);
        at = span.end;
        let item = &sample[span];
        let texts = tokens(item);
        for number in 0..copies {
            if number > 0 {
                large.push_str(separator);
            }
            push_varied(&mut large, item, &texts, &fixed, number);
        }
    }
    large.push_str(&sample[at..]);
    Some(large)
}

/// Where the texts of a syntax are.
type Tokens = fn(&str) -> Vec<Range<usize>>;

fn push_varied(large: &mut String, item: &str, texts: &[Range<usize>], fixed: &HashSet<&str>, number: usize) {
    let mut at = 0;
    // An entry of an object begins with its key.
    if let Some(key) = key_of_entry(item) {
        large.push_str(&item[..key]);
        push_number(large, number);
        at = key;
    }
    for text in texts {
        large.push_str(&item[at..text.start]);
        at = text.end;
        let text_itself = &item[text.clone()];
        let is_number_of_issue = item[..text.start].ends_with("issueid=\"");
        match place_of_number(text_itself) {
            Some(place) if !fixed.contains(text_itself) => {
                large.push_str(&text_itself[..place]);
                push_number(large, number);
                large.push_str(&text_itself[place..]);
            }
            _ => {
                large.push_str(text_itself);
                if is_number_of_issue {
                    push_number(large, number);
                }
            }
        }
    }
    large.push_str(&item[at..]);
}

/// The first copy is the sample's own.
fn push_number(large: &mut String, number: usize) {
    if number > 0 {
        large.push_str(&number.to_string());
    }
}

/// Where the key of an object's entry ends.
fn key_of_entry(item: &str) -> Option<usize> {
    let end = 1 + item.strip_prefix('"')?.find('"')?;
    item[end + 1..].trim_start().starts_with(':').then_some(end)
}

/// Where a number makes an id, a path or a host another one: before its last digits, or before its extension. Prose,
/// times, vectors and weaknesses stay as they are, and so do words without digit and slash.
fn place_of_number(text: &str) -> Option<usize> {
    let is_prose = text.len() > 300 || text.contains(char::is_whitespace);
    let is_vector = text.starts_with("CVSS") || text.contains("/AC:");
    if is_prose || is_vector || text.to_ascii_uppercase().contains("CWE") || is_time(text) {
        return None;
    }
    let bytes = text.as_bytes();
    if let Some(last) = bytes.windows(2).rposition(|pair| pair.iter().all(u8::is_ascii_digit)) {
        let before = bytes[..last].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        return Some(last - before);
    }
    let slash = text.rfind('/')?;
    Some(text.rfind('.').filter(|dot| *dot > slash + 1).unwrap_or(text.len()))
}

/// `2026-01-31` or `10:20`.
fn is_time(text: &str) -> bool {
    let looks_like = |window: &[u8], shape: &[u8]| {
        window.iter().zip(shape).all(|(byte, like)| if *like == b'0' { byte.is_ascii_digit() } else { byte == like })
    };
    let bytes = text.as_bytes();
    bytes.windows(10).any(|window| looks_like(window, b"0000-00-00"))
        || bytes.windows(5).any(|window| looks_like(window, b"00:00"))
}

fn spans(sample: &str, repeated: &[&str]) -> Option<Vec<Range<usize>>> {
    let mut spans = Vec::new();
    if repeated == ["documents"] {
        documents(sample, &mut spans)?;
    } else if Syntax::of(sample, repeated) == Syntax::Xml {
        repeated.iter().for_each(|name| elements(sample, name, &mut spans));
    } else {
        let begin = sample.find(['{', '[']).unwrap_or(0);
        for path in repeated {
            // A sample need not have all of them.
            let _found = values(sample, &sample[begin..], &path.split('/').collect::<Vec<_>>(), &mut spans);
        }
    }
    spans.sort_by_key(|span| span.start);
    Some(spans).filter(|spans| !spans.is_empty())
}

fn documents(sample: &str, spans: &mut Vec<Range<usize>>) -> Option<()> {
    for document in serde_json::Deserializer::from_str(sample).into_iter::<&RawValue>() {
        spans.push(within(sample, document.ok()?.get()));
    }
    Some(())
}

/// Where a part of a text is in it.
fn within(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

fn values(whole: &str, value: &str, path: &[&str], spans: &mut Vec<Range<usize>>) -> Option<()> {
    let (step, rest) = path.split_first()?;
    if *step == "[]" {
        let items: Vec<&RawValue> = serde_json::from_str(value).ok()?;
        for item in items {
            match rest {
                [] => spans.push(within(whole, item.get())),
                _ => values(whole, item.get(), rest, spans)?,
            }
        }
        return Some(());
    }
    let fields: BTreeMap<&str, &RawValue> = serde_json::from_str(value).ok()?;
    for (key, field) in fields.into_iter().filter(|(key, _)| *step == "*" || step == key) {
        match rest {
            [] => {
                let value = within(whole, field.get());
                spans.push(within(whole, key).start - 1..value.end);
            }
            _ => values(whole, field.get(), rest, spans)?,
        }
    }
    Some(())
}

/// The elements of a name that are not inside one of the same.
fn elements(sample: &str, name: &str, spans: &mut Vec<Range<usize>>) {
    let mut reader = quick_xml::Reader::from_str(sample);
    let (mut depth, mut began) = (0, 0);
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap();
        let event = reader.read_event().unwrap();
        let after = usize::try_from(reader.buffer_position()).unwrap();
        match event {
            quick_xml::events::Event::Start(start) if start.local_name().as_ref() == name => {
                if depth == 0 {
                    began = before;
                }
                depth += 1;
            }
            quick_xml::events::Event::Empty(start) if start.local_name().as_ref() == name && depth == 0 => {
                spans.push(before..after);
            }
            quick_xml::events::Event::End(end) if end.local_name().as_ref() == name => {
                depth -= 1;
                if depth == 0 {
                    spans.push(began..after);
                }
            }
            quick_xml::events::Event::Eof => return,
            _ => {}
        }
    }
}

fn rows(sample: &str, bytes: usize) -> String {
    let sample = sample.trim_start_matches('\u{feff}');
    let header = sample.lines().next().unwrap();
    let delimiter = [b';', b'\t', b','].into_iter().max_by_key(|byte| header.bytes().filter(|b| b == byte).count());
    let delimiter = delimiter.unwrap();
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(sample.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let large = format!("{header}\n").into_bytes();
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(large);
    let copies = bytes.div_ceil(sample.len() - header.len());
    for number in 0..copies {
        for record in &records {
            let varied = record.iter().map(|field| match place_of_number(field) {
                Some(place) if number > 0 => format!("{}{number}{}", &field[..place], &field[place..]),
                _ => field.to_owned(),
            });
            writer.write_record(varied).unwrap();
        }
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}
