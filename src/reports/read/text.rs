//! Text from a report, made safe to store and to show on one line.
//!
//! Scanners quote what they scanned, so any byte may turn up. Control characters go here, at the edge: PostgreSQL
//! refuses NUL, terminals obey escapes, and a line break in a title would end a header or a CSV row further on.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::base::time::UtcTime;
use crate::reports::read::time;

/// Longest title kept, in bytes.
pub const TITLE_LIMIT: usize = 500;
/// Longest single-line text kept (paths, URLs, names), in bytes.
pub const LINE_LIMIT: usize = 4 * 1024;
/// Longest text kept (descriptions, snippets), in bytes.
pub const TEXT_LIMIT: usize = 64 * 1024;
/// Ends a text that was cut.
pub const CUT_MARK: &str = "… [cut]";

/// Ends a line that was cut.
const CUT_SIGN: char = '…';

/// Several lines: without control characters, at most [`TEXT_LIMIT`] bytes.
#[must_use]
pub fn text(raw: &str) -> String {
    let raw = raw.trim_end();
    if is_clean(raw) {
        return raw.to_owned();
    }
    let (kept, was_cut) = cut(raw, TEXT_LIMIT);
    let mut clean: String = kept
        .replace("\r\n", "\n")
        .chars()
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c })
        .collect();
    if was_cut {
        clean.push_str(CUT_MARK);
    }
    clean
}

/// Whether a text of several lines certainly needs no cleaning.
#[must_use]
pub fn is_clean(raw: &str) -> bool {
    raw.len() <= TEXT_LIMIT + CUT_MARK.len() && !holds(raw, |byte| may_control(byte) && byte != b'\n' && byte != b'\t')
}

/// One line: without control characters or line breaks, at most [`LINE_LIMIT`] bytes.
#[must_use]
pub fn line(raw: &str) -> String {
    one_line(raw, LINE_LIMIT)
}

/// Whether a text is one clean line that says something, and not too long.
#[must_use]
pub fn is_line(text: &str) -> bool {
    is_one_line(text, LINE_LIMIT)
}

/// Whether a text is a clean title that says something, and not too long.
#[must_use]
pub fn is_title(text: &str) -> bool {
    is_one_line(text, TITLE_LIMIT)
}

fn is_one_line(text: &str, limit: usize) -> bool {
    let is_clean = || !holds(text, may_control) || !text.contains(char::is_control);
    text.len() <= limit + CUT_SIGN.len_utf8() && is_clean() && !is_blank(text)
}

/// Whether there is nothing but white space. The first byte of most texts says no.
fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// One line of at most [`TITLE_LIMIT`] bytes.
#[must_use]
pub fn title(raw: &str) -> String {
    one_line(raw, TITLE_LIMIT)
}

fn one_line(raw: &str, limit: usize) -> String {
    let raw = raw.trim();
    if raw.len() <= limit && !holds(raw, may_control) {
        return raw.to_owned();
    }
    let (kept, was_cut) = cut(raw, limit);
    let mut clean = String::with_capacity(kept.len() + CUT_MARK.len());
    for word in kept.split(|c: char| c.is_control()).map(str::trim).filter(|word| !word.is_empty()) {
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(word);
    }
    if was_cut {
        clean.push(CUT_SIGN);
    }
    clean
}

/// Whether a byte of the text is such. Looks at all of them, without leaving early, so that it runs many at a time.
fn holds(raw: &str, is_such: impl Fn(u8) -> bool) -> bool {
    raw.bytes().fold(false, |found, byte| found | is_such(byte))
}

/// Whether a byte is a control character, or begins what may be one: U+0080 to U+009F, which terminals obey, too.
fn may_control(byte: u8) -> bool {
    byte < b' ' || byte == 0x7f || byte == 0xc2
}

/// Enough of a raw text to make a text of: for what is kept until it is known whether it is needed.
#[must_use]
pub fn beginning(raw: &str) -> &str {
    cut(raw, 4 * TEXT_LIMIT).0
}

fn cut(raw: &str, limit: usize) -> (&str, bool) {
    if raw.len() <= limit {
        return (raw, false);
    }
    (&raw[..raw.floor_char_boundary(limit)], true)
}

/// A text field that takes what tools write there: a string (borrowed where it can be), a number, a boolean, nothing.
/// Empty stands for absent. Lists and objects are skipped and count as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// The raw text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing but white space.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        is_blank(&self.0)
    }

    /// As one line; see [`line`].
    #[must_use]
    pub fn line(&self) -> String {
        line(&self.0)
    }

    /// As several lines; see [`text`].
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.0)
    }

    /// One line, or `None` when empty.
    #[must_use]
    pub fn some_line(&self) -> Option<String> {
        some(self.line())
    }

    /// Several lines, or `None` when empty.
    #[must_use]
    pub fn some_text(&self) -> Option<String> {
        some(self.text())
    }

    /// This one, or `other` when this is empty.
    #[must_use]
    pub fn or<'t>(&'t self, other: &'t Text<'a>) -> &'t Text<'a> {
        if self.is_empty() { other } else { self }
    }

    /// As a title; see [`title`].
    #[must_use]
    pub fn title(&self) -> String {
        title(&self.0)
    }

    /// As a number.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        self.0.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// As a time; `None` at once for the many that are empty.
    #[must_use]
    pub fn time(&self) -> Option<UtcTime> {
        time::of(&self.0)
    }

    /// As a line number or a count from 1.
    #[must_use]
    pub fn positive(&self) -> Option<u32> {
        let text = self.0.trim();
        text.parse().ok().filter(|number| *number > 0)
    }
}

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `None` for an empty text.
#[must_use]
pub fn some(text: String) -> Option<String> {
    if text.is_empty() { None } else { Some(text) }
}

/// A raw text as one clean line; `None` when nothing is left.
#[must_use]
pub fn some_line(raw: &str) -> Option<String> {
    some(line(raw))
}

/// A raw text as clean text of several lines; `None` when nothing is left.
#[must_use]
pub fn some_text(raw: &str) -> Option<String> {
    some(text(raw))
}

/// The texts that say something, as one line each, put together; `None` when none does.
#[must_use]
pub fn joined<'t, 'a: 't>(texts: impl IntoIterator<Item = &'t Text<'a>>, separator: &str) -> Option<String> {
    let lines: Vec<String> = texts.into_iter().filter_map(Text::some_line).collect();
    some(lines.join(separator))
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        self.visit_string(number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        self.visit_string(number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        self.visit_string(number.to_string())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        self.visit_borrowed_str(if value { "true" } else { "false" })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }
}

/// A number field that also takes a numeric text. Anything else counts as absent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Number(pub Option<f64>);

impl Number {
    /// As a line number or a count from 1.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
    pub fn positive(self) -> Option<u32> {
        self.0.filter(|number| (1.0..=f64::from(u32::MAX)).contains(number)).map(|number| number as u32)
    }

    /// As a probability, 0.0 to 1.0.
    #[must_use]
    pub fn probability(self) -> Option<f64> {
        self.0.filter(|number| (0.0..=1.0).contains(number))
    }

    /// As an index from 0.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
    pub fn index(self) -> Option<usize> {
        self.0.filter(|number| (0.0..=f64::from(u32::MAX)).contains(number)).map(|number| number as usize)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Number, E> {
        Ok(Number(Some(number).filter(|number| number.is_finite())))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number(Some(number as f64)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
        Ok(Number(Some(number as f64)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        Ok(Number(text.trim().parse().ok().filter(|number: &f64| number.is_finite())))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Number, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Number(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Number, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Number(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_numbers_in_either_spelling_and_only_in_range() {
        for (json, expected) in [
            ("12", Some(12)),
            ("\"12\"", Some(12)),
            ("0", None),
            ("-1", None),
            ("1e99", None),
            ("\"x\"", None),
            ("{}", None),
        ] {
            assert_eq!(serde_json::from_str::<Number>(json).unwrap().positive(), expected, "{json}");
        }
    }

    /// S-24
    #[test]
    fn makes_one_clean_line_of_anything() {
        for (raw, expected) in [
            ("plain", "plain"),
            ("  two\r\n  lines ", "two lines"),
            ("nul\0byte", "nul byte"),
            ("\u{1b}[31mred", "[31mred"),
            ("\u{9b}31mred\u{7f}", "31mred"),
            ("20 °C", "20 °C"),
            ("\n\n", ""),
        ] {
            assert_eq!(line(raw), expected, "{raw:?}");
        }
    }

    /// S-24
    #[test]
    fn keeps_line_breaks_and_tabs_of_a_text_and_nothing_else_that_controls() {
        assert_eq!(text("a\r\nb\tc\0d\n"), "a\nb\tc d");
    }

    /// S-24
    #[test]
    fn cuts_a_huge_text_between_characters_and_says_so() {
        let cut = text(&"ä".repeat(200_000));
        assert!(cut.len() <= TEXT_LIMIT + CUT_MARK.len());
        assert!(cut.ends_with(CUT_MARK));
        assert!(title(&"x".repeat(5_000)).len() <= TITLE_LIMIT + "…".len());
    }

    #[test]
    fn takes_whatever_a_tool_writes_for_a_text() {
        for (json, expected) in [
            ("\"a\"", "a"),
            ("12", "12"),
            ("1.5", "1.5"),
            ("true", "true"),
            ("null", ""),
            ("[1,[2]]", ""),
            ("{\"a\":{}}", ""),
        ] {
            assert_eq!(serde_json::from_str::<Text<'_>>(json).unwrap().as_str(), expected, "{json}");
        }
    }
}
