//! JSON into typed structs, straight from the text.
//!
//! The first pass is plain `serde_json`. It leaves the entries of a report as text, each of which is read when its turn
//! comes: a broken one costs itself and not the file, and never are all in memory. Only when the pass fails is the text
//! read again, with the path, so that the error names its place.

mod entries;
mod shapes;

use std::ops::Range;

use serde::de::{self, Deserialize, IgnoredAny};
use serde_json::value::RawValue;

use crate::reports::error::ParseError;
use crate::reports::read::text::Text;
use entries::entry;
pub use entries::{Entries, Entry, Numbered};
pub use shapes::{List, Object, Pairs};

/// Most entries read of one list. A file of a few megabytes could otherwise spell out millions of empty ones, each
/// hundreds of bytes in memory.
pub const ENTRY_LIMIT: usize = 500_000;

/// That one more fits beside so many entries of a list or an object.
fn expect_room<E: de::Error>(entries: usize, of: &str) -> Result<(), E> {
    if entries < ENTRY_LIMIT {
        return Ok(());
    }
    Err(E::custom(format_args!("more than {ENTRY_LIMIT} entries in one {of}")))
}

/// Visits of `null` and of scalars, by one who looks for something else: they are read as nothing.
macro_rules! else_nothing {
    ($nothing:expr) => {
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok($nothing)
        }
    };
}
pub(crate) use else_nothing;

/// Reads a JSON text into `T`.
///
/// # Errors
/// `Malformed` for broken JSON, `Unfit` for JSON of another shape; both with path, line and column.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ParseError> {
    serde_json::from_str(text).map_err(|error| with_path::<T>(text, &error))
}

/// That a JSON object has at least one of these keys, for formats whose every key may be missing.
///
/// # Errors
/// `Unfit` when it has none.
pub fn expect_one(text: &str, keys: &[&str]) -> Result<(), ParseError> {
    let found: Pairs<Text<'_>, IgnoredAny> = read(text)?;
    if found.0.iter().any(|(key, _)| keys.contains(&key.as_str())) {
        return Ok(());
    }
    Err(ParseError::unfit("file", format!("none of {}", keys.join(", "))))
}

/// The line on which a document begins, and the document or why it does not fit.
pub type Document<T> = (u64, Result<T, Box<str>>);

/// Reads JSON documents that follow each other, mostly one a line. The first error is the last item: `Malformed` where the
/// JSON itself is broken or cut off, `Unfit` beyond [`ENTRY_LIMIT`].
pub fn documents<'a, T: Deserialize<'a>>(text: &'a str) -> impl Iterator<Item = Result<Document<T>, ParseError>> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<&'a RawValue>();
    let (mut number, mut line, mut counted) = (0, 1, 0);
    std::iter::from_fn(move || {
        let raw = match stream.next()? {
            Ok(raw) => raw.get(),
            Err(error) => {
                let place = format!("line {} column {}", error.line(), error.column());
                return Some(Err(ParseError::malformed(place, detail(&error))));
            }
        };
        number += 1;
        if number > ENTRY_LIMIT {
            return Some(Err(ParseError::unfit("file", format!("more than {ENTRY_LIMIT} documents"))));
        }
        let begin = stream.byte_offset() - raw.len();
        line += text.as_bytes()[counted..begin].iter().filter(|byte| **byte == b'\n').count() as u64;
        counted = begin;
        Some(Ok((line, entry(raw))))
    })
}

/// The entries of an answer that comes in pages: a list, lists or entries that follow each other, or a list of lists.
///
/// # Errors
/// `Malformed` where the JSON itself is broken, cut off or missing, `Unfit` for a lone entry that cannot be read and beyond
/// [`ENTRY_LIMIT`].
pub fn pages<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Entries<'a, T>, ParseError> {
    if text.trim().is_empty() {
        return read(text);
    }
    let mut all = Entries::default();
    for document in serde_json::Deserializer::from_str(text).into_iter::<&'a RawValue>() {
        let document = document.map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            ParseError::malformed(place, detail(&error))
        })?;
        // An API's refusal is an object, too.
        if !document.get().starts_with('[') {
            read::<T>(document.get())?;
        }
        for page in items(document.get())? {
            all.unread.extend(items(page)?);
            if all.unread.len() > ENTRY_LIMIT {
                return Err(ParseError::unfit("file", format!("more than {ENTRY_LIMIT} entries")));
            }
        }
    }
    Ok(all)
}

/// The items of a list; what is none is an item itself.
fn items(text: &str) -> Result<Vec<&str>, ParseError> {
    if !text.starts_with('[') {
        return Ok(vec![text]);
    }
    let items: Vec<&RawValue> = read(text)?;
    Ok(items.into_iter().map(RawValue::get).collect())
}

/// JSON in which escapes of half a character (`\ud800`) are replaced, each by `\ufffd`; `None` where there is none.
#[must_use]
pub fn without_lone_surrogates(text: &str) -> Option<String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let (mut mended, mut rest) = (Mended::of(text), text);
    while let Some(at) = rest.find('\\') {
        rest = &rest[at..];
        let length = match (surrogate(rest), rest.get(6..).and_then(surrogate)) {
            (Some(Half::High), Some(Half::Low)) => 12,
            (Some(_), _) => {
                let begin = text.len() - rest.len();
                mended.replace(begin..begin + 6, "\\ufffd");
                6
            }
            // A backslash and what it escapes.
            (None, _) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        rest = &rest[length..];
    }
    mended.finish()
}

/// JSON without the commas behind the last item of a list or an object, which some tools write; `None` where there is none.
#[must_use]
pub fn without_trailing_commas(text: &str) -> Option<String> {
    let mut mended = Mended::of(text);
    let (mut comma, mut is_quoted, mut is_escaped) = (None, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_quoted => {
                is_quoted = byte != b'"' || is_escaped;
                is_escaped = byte == b'\\' && !is_escaped;
            }
            b',' => comma = Some(at),
            b']' | b'}' => {
                if let Some(comma) = comma.take() {
                    mended.replace(comma..comma + 1, "");
                }
            }
            _ if byte.is_ascii_whitespace() => {}
            _ => (comma, is_quoted) = (None, byte == b'"'),
        }
    }
    mended.finish()
}

/// A text of which parts are replaced, none by a longer one. It is copied if there are any, into the room that it needs.
struct Mended<'a> {
    text: &'a str,
    copy: String,
    /// How much of the text is done.
    done: usize,
}

impl<'a> Mended<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, copy: String::new(), done: 0 }
    }

    fn replace(&mut self, part: Range<usize>, with: &str) {
        if self.done == 0 {
            self.copy.reserve_exact(self.text.len());
        }
        self.copy.push_str(&self.text[self.done..part.start]);
        self.copy.push_str(with);
        self.done = part.end;
    }

    fn finish(self) -> Option<String> {
        (self.done > 0).then(|| self.copy + &self.text[self.done..])
    }
}

/// Half of a character beyond 16 bits.
enum Half {
    High,
    Low,
}

/// The half that an escape at the beginning of a text stands for.
fn surrogate(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

fn with_path<'a, T: Deserialize<'a>>(text: &'a str, error: &serde_json::Error) -> ParseError {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let path = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => String::new(),
        Err(error) => pointer(error.path()),
    };
    let place =
        format!("{}line {} column {}", if path.is_empty() { path } else { path + ", " }, error.line(), error.column());
    let detail = detail(error);
    if error.is_data() { ParseError::unfit(place, detail) } else { ParseError::malformed(place, detail) }
}

/// The message without serde's own "at line 1 column 2", which the place already says.
fn detail(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.as_str(), |(detail, _)| detail).to_owned()
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.chars().take(80).collect::<String>())),
            Segment::Enum { variant } => pointer.push_str(&format!("/{variant}")),
            Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Log<'a> {
        #[serde(borrow, default)]
        entries: Entries<'a, Entry<'a>>,
        #[serde(borrow, default)]
        tags: List<Text<'a>>,
    }

    #[derive(Debug, Deserialize)]
    struct Entry<'a> {
        #[serde(borrow)]
        id: Text<'a>,
    }

    #[test]
    fn a_broken_entry_costs_itself_and_not_the_file() {
        let log: Log<'_> = read(r#"{"entries": [{"id": "a"}, 42, {"id": "c"}], "tags": "one"}"#).unwrap();
        let ids: Vec<_> = log.entries.into_iter().map(|entry| entry.map(|entry| entry.id.to_string()).ok()).collect();
        assert_eq!(ids, [Some("a".to_owned()), None, Some("c".to_owned())]);
        assert_eq!(log.tags.len(), 1);
    }

    #[test]
    fn reads_documents_that_follow_each_other() {
        let read = |text: &'static str| documents::<Entry<'_>>(text).collect::<Result<Vec<_>, _>>();
        let found = read("{\"id\": \"a\"}\n\n{\n\"id\": \"b\"} 42").unwrap();
        let lines: Vec<_> = found.iter().map(|(line, entry)| (*line, entry.is_ok())).collect();
        assert_eq!(lines, [(1, true), (3, true), (4, false)]);
        let error = read("{\"id\": \"a\"}\n{\"id\": ").unwrap_err().to_string();
        assert!(error.starts_with("line 2 "), "{error}");
    }

    #[test]
    fn reads_answers_in_pages() {
        for text in [
            r#"[{"id": "a"}, {"id": "b"}]"#,
            r#"[[{"id": "a"}], [], [{"id": "b"}]]"#,
            "[{\"id\": \"a\"}][{\"id\": \"b\"}]\n[]",
            "{\"id\": \"a\"}\n{\"id\": \"b\"}",
        ] {
            let entries = pages::<Entry<'_>>(text).unwrap();
            let ids: Vec<_> = entries.into_iter().map(|entry| entry.unwrap().id.to_string()).collect();
            assert_eq!(ids, ["a", "b"], "{text}");
        }
        assert!(pages::<Entry<'_>>("[{\"id\": \"a\"}][{").is_err());
    }

    #[test]
    fn a_broken_entry_under_a_key_costs_itself_and_not_the_file() {
        let pairs: Pairs<Text<'_>, super::Entry<'_, Entry<'_>>> = read(r#"{"x": {"id": "a"}, "y": 42}"#).unwrap();
        let ids: Vec<_> = pairs.0.into_iter().map(|(key, entry)| (key.to_string(), entry.read().is_ok())).collect();
        assert_eq!(ids, [("x".to_owned(), true), ("y".to_owned(), false)]);
    }

    /// S-20
    #[test]
    fn replaces_half_a_character_and_nothing_else() {
        for (text, expected) in [
            (r#"{"a": "\ud83d\ude00 \\ud800 \u00e4"}"#, None),
            (r#"{"a": "\ud800"}"#, Some(r#"{"a": "\ufffd"}"#)),
            (r#"["\uDE00x\ud83d\ud83d\ude00\"#, Some(r#"["\ufffdx\ufffd\ud83d\ude00\"#)),
            (r"<a>\ud800</a>", None),
        ] {
            assert_eq!(without_lone_surrogates(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn leaves_out_commas_behind_the_last_item() {
        for (text, expected) in [
            (r#"{"a": [1, 2], "b": ",]"}"#, None),
            ("{\"a\": [{\"b\": 1},\n ],}", Some("{\"a\": [{\"b\": 1}\n ]}")),
            (r#"["\\", "\",]", ]"#, Some(r#"["\\", "\",]" ]"#)),
            (",]", Some("]")),
        ] {
            assert_eq!(without_trailing_commas(text).as_deref(), expected, "{text}");
        }
    }

    /// S-20
    #[test]
    fn names_the_place_of_a_fault() {
        for (text, place, is_malformed) in [
            (r#"{"entries": [{"id": "a"}, {"id": nope}]}"#, "/entries/1, line 1 column 35", true),
            (r#"{"entries": [{"id": "a""#, "/entries/0, line 1 column 23", true),
            (r#"{"entries": "no"}"#, "/entries, line 1 column 16", false),
        ] {
            let (found, malformed) = match read::<Log<'_>>(text).unwrap_err() {
                ParseError::Malformed { place, .. } => (place, true),
                ParseError::Unfit { place, .. } => (place, false),
                other => panic!("{other}"),
            };
            assert_eq!((found.as_str(), malformed), (place, is_malformed), "{text}");
        }
    }

    /// S-20
    #[test]
    fn skips_what_it_does_not_need_at_any_depth() {
        let deep = format!("{{\"bag\": {}{}, \"entries\": []}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(read::<Log<'_>>(&deep).unwrap().entries.is_empty());
        assert!(read::<Log<'_>>(&"[".repeat(1_000_000)).is_err());
    }
}
