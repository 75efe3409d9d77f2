//! XML, streamed: each wanted element is built into a small tree, handed over and dropped.
//!
//! Documents are read without their DTD: none is loaded, no entity but the five of XML is known, an unknown one stays as
//! it is written, and who declares some is refused. Depth and size of an element are bounded.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesStart, Event};

use crate::reports::error::ParseError;
use crate::reports::read::text::Text;

/// Deepest nesting read.
pub const DEPTH_LIMIT: usize = 200;
/// Most elements within one wanted element.
pub const ELEMENTS_LIMIT: usize = 2_000_000;

/// An element with what is in it, borrowed from the document where it stands there as it is. Names are without their
/// prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element<'a> {
    /// The name.
    pub name: &'a str,
    /// The attributes, in order.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// The text directly inside, put together.
    pub text: Cow<'a, str>,
    /// The elements inside.
    pub children: Vec<Element<'a>>,
}

impl<'a> Element<'a> {
    /// An attribute; empty when there is none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.named(name).map_or("", |value| &**value)
    }

    /// The first child of a name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of a name.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text at a path of children (`ratings/rating/score`); empty when there is none.
    #[must_use]
    pub fn at(&self, path: &str) -> &str {
        self.find(path).map_or("", |element| element.text.trim())
    }

    /// The text at a path of children, for structs that JSON is read into, too.
    #[must_use]
    pub fn text_at(&self, path: &str) -> Text<'a> {
        self.find(path).map(Self::own_text).unwrap_or_default()
    }

    /// The text directly inside, likewise.
    #[must_use]
    pub fn own_text(&self) -> Text<'a> {
        trimmed(&self.text)
    }

    /// An attribute, likewise.
    #[must_use]
    pub fn text_of(&self, attribute: &str) -> Text<'a> {
        self.named(attribute).map(trimmed).unwrap_or_default()
    }

    /// The children of a name inside the child that lists them (`references/reference`).
    pub fn inside<'e>(&'e self, list: &str, item: &'e str) -> impl Iterator<Item = &'e Self> {
        self.child(list).into_iter().flat_map(move |list| list.all(item))
    }

    fn named(&self, attribute: &str) -> Option<&Cow<'a, str>> {
        self.attributes.iter().find(|(found, _)| *found == attribute).map(|(_, value)| value)
    }

    fn find(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |element, name| element.child(name))
    }

    fn adopt(&mut self, child: Self) {
        // Many elements hold one other; room for four would double the memory of a report.
        if self.children.is_empty() {
            self.children.reserve_exact(1);
        }
        self.children.push(child);
    }

    fn say(&mut self, part: Cow<'a, str>) {
        // What stands before the first word is the white space between two tags.
        if self.text.trim_start().is_empty() {
            self.text = part;
        } else {
            self.text.to_mut().push_str(&part);
        }
    }
}

fn trimmed<'a>(text: &Cow<'a, str>) -> Text<'a> {
    match text {
        Cow::Borrowed(text) => Text::from(text.trim()),
        Cow::Owned(text) => Text::from(text.trim().to_owned()),
    }
}

/// Hands every element that `wants` names to `take`, with the line on which it begins. A wanted element inside a wanted one
/// stays part of it.
///
/// # Errors
/// `Malformed` for broken or cut-off XML, with the line; `Unfit` beyond the limits; or what `take` gives.
pub fn each<'a>(
    text: &'a str,
    wants: &[&str],
    mut take: impl FnMut(u64, Element<'a>) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    each_inside(text, "", wants, |line, _, element| take(line, element)).map(drop)
}

/// An element around others, its attributes only.
#[derive(Default)]
pub struct Around<'a> {
    /// How many of its name there are up to it; 0 before the first.
    pub nth: usize,
    /// The element.
    pub element: Element<'a>,
}

/// Hands elements over as [`each`] does, each with the last element named `around` that began before it: its attributes
/// only, so that never all inside it are in memory. Answers the last of those.
///
/// # Errors
/// As for [`each`].
pub fn each_inside<'a>(
    text: &'a str,
    around: &str,
    wants: &[&str],
    mut take: impl FnMut(u64, &Around<'a>, Element<'a>) -> Result<(), ParseError>,
) -> Result<Around<'a>, ParseError> {
    let mut outer = Around::default();
    let mut reader = Reader::from_str(text);
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut open: Vec<Element<'a>> = Vec::new();
    let (mut depth, mut elements, mut began, mut has_root) = (0usize, 0usize, 1, false);
    loop {
        let position = offset(reader.buffer_position());
        let event = reader.read_event().map_err(|error| {
            ParseError::malformed(format!("line {}", lines.of(offset(reader.error_position()))), error.to_string())
        })?;
        let end = offset(reader.buffer_position());
        match event {
            Event::Start(start) => {
                (depth, has_root) = (depth + 1, true);
                if depth > DEPTH_LIMIT {
                    let place = format!("line {}", lines.of(position));
                    return Err(ParseError::unfit(place, format!("nested deeper than {DEPTH_LIMIT} elements")));
                }
                if !open.is_empty() {
                    elements += 1;
                    open.push(element(text, end, &start));
                } else if wants.contains(&start.local_name().as_ref()) {
                    (began, elements) = (lines.of(position), 0);
                    open.push(element(text, end, &start));
                } else if start.local_name().as_ref() == around {
                    outer = Around { nth: outer.nth + 1, element: element(text, end, &start) };
                }
            }
            Event::Empty(start) => {
                has_root = true;
                match open.last_mut() {
                    Some(parent) => {
                        elements += 1;
                        parent.adopt(element(text, end - 1, &start));
                    }
                    None if wants.contains(&start.local_name().as_ref()) => {
                        take(lines.of(position), &outer, element(text, end - 1, &start))?;
                    }
                    None if start.local_name().as_ref() == around => {
                        outer = Around { nth: outer.nth + 1, element: element(text, end - 1, &start) };
                    }
                    None => {}
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let Some(done) = open.pop() {
                    match open.last_mut() {
                        Some(parent) => parent.adopt(done),
                        None => take(began, &outer, done)?,
                    }
                }
            }
            Event::Text(part) => say(&mut open, part.into_inner()),
            Event::CData(part) => say(&mut open, part.into_inner()),
            Event::GeneralRef(name) => say(&mut open, referred(&name)),
            // Reports come with a DTD, Burp's even with its own inside; none declares entities.
            Event::DocType(declared) if declared.contains("<!ENTITY") => {
                let place = format!("line {}", lines.of(position));
                return Err(ParseError::malformed(place, "the document declares entities, which are not read"));
            }
            Event::Eof if depth > 0 || !has_root => {
                let place = format!("line {}", lines.of(text.len()));
                let detail = if has_root { "the document ends too early" } else { "there is no element" };
                return Err(ParseError::malformed(place, detail));
            }
            Event::Eof => return Ok(outer),
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
        if elements > ELEMENTS_LIMIT {
            let place = format!("line {}", lines.of(position));
            return Err(ParseError::unfit(place, format!("more than {ELEMENTS_LIMIT} elements in one")));
        }
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn say<'a>(open: &mut [Element<'a>], part: Cow<'a, str>) {
    if let Some(element) = open.last_mut() {
        element.say(part);
    }
}

/// The character of a reference: numeric, or one of the five names of XML. Another stays as it is written.
fn referred<'a>(name: &str) -> Cow<'a, str> {
    let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    });
    match (name, number.and_then(char::from_u32)) {
        (_, Some(character)) => Cow::Owned(character.to_string()),
        ("lt", _) => Cow::Borrowed("<"),
        ("gt", _) => Cow::Borrowed(">"),
        ("amp", _) => Cow::Borrowed("&"),
        ("quot", _) => Cow::Borrowed("\""),
        ("apos", _) => Cow::Borrowed("'"),
        _ => Cow::Owned(format!("&{name};")),
    }
}

/// The element of a tag whose `>` or `/>` ends at `end` bytes of the text. The reader lends what it read no longer than
/// its event lives; the text itself does for good.
fn element<'a>(text: &'a str, end: usize, start: &BytesStart<'_>) -> Element<'a> {
    let tag = tag(text, end, start);
    let (whole, local) = (start.name().as_ref().len(), start.local_name().as_ref().len());
    let mut attributes = Attributes::new(tag, whole);
    let attributes = attributes.with_checks(false).flatten();
    let attributes = attributes.map(|attribute| (attribute.key.local_name().into_inner(), unescaped(attribute.value)));
    Element { name: &tag[whole - local..whole], attributes: attributes.collect(), ..Element::default() }
}

fn tag<'a>(text: &'a str, end: usize, start: &BytesStart<'_>) -> &'a str {
    &text[end - 1 - start.len()..end - 1]
}

fn unescaped(value: Cow<'_, str>) -> Cow<'_, str> {
    if !value.contains('&') {
        return value;
    }
    let (mut plain, mut rest) = (String::with_capacity(value.len()), &*value);
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        match after.split_once(';') {
            Some((name, after)) if name.len() <= 10 => {
                plain.push_str(&referred(name));
                rest = after;
            }
            _ => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Counts lines only as far as somebody asks.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, position: usize) -> u64 {
        let position = position.min(self.text.len());
        if position > self.at {
            let passed = &self.text.as_bytes()[self.at..position];
            self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.at = position;
        }
        self.line
    }
}

/// The name of the document's first element, for recognition, with its attributes.
#[must_use]
pub fn root(text: &str) -> Option<Element<'_>> {
    let mut reader = Reader::from_str(text);
    loop {
        let event = reader.read_event().ok()?;
        let end = offset(reader.buffer_position());
        match event {
            Event::Start(start) => return Some(element_with_prefixes(text, end, &start)),
            Event::Empty(start) => return Some(element_with_prefixes(text, end - 1, &start)),
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Like [`element`], but with the attributes' prefixes kept (`xmlns:x`).
fn element_with_prefixes<'a>(text: &'a str, end: usize, start: &BytesStart<'_>) -> Element<'a> {
    let mut attributes = Attributes::new(tag(text, end, start), start.name().as_ref().len());
    let attributes = attributes.with_checks(false).flatten().take(50);
    let attributes = attributes.map(|attribute| (attribute.key.into_inner(), unescaped(attribute.value)));
    Element { attributes: attributes.collect(), ..element(text, end, start) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(text: &'a str, wants: &[&str]) -> Result<Vec<(u64, Element<'a>)>, ParseError> {
        let mut found = Vec::new();
        each(text, wants, |line, element| {
            found.push((line, element));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn hands_over_wanted_elements_with_their_line() {
        let text = "<?xml version=\"1.0\"?>\n<x:list xmlns:x=\"u\">\n<x:item id=\"a&amp;b\">one <b>two</b><![CDATA[<3>]]></x:item>\n<item id='2'/></x:list>";
        let found = read(text, &["item"]).unwrap();
        assert_eq!(found.len(), 2);
        let (line, first) = &found[0];
        assert_eq!((*line, first.attribute("id"), &*first.text, first.at("b")), (3, "a&b", "one <3>", "two"));
        assert_eq!((found[1].0, found[1].1.attribute("id")), (4, "2"));
        assert_eq!(root(text).unwrap().name, "list");
    }

    /// S-19
    #[test]
    fn knows_no_entities_and_no_depth() {
        assert_eq!(read("<a><b>&m;&x;&lt;</b></a>", &["b"]).unwrap()[0].1.text, "&m;&x;<");
        let harmless = "<!DOCTYPE a SYSTEM \"a.dtd\" [<!ELEMENT a (b*)>]><a><b>1</b></a>";
        assert_eq!(read(harmless, &["b"]).unwrap().len(), 1);
        for declared in ["l \"ha\"", "x SYSTEM \"file:///etc/passwd\"", "% p SYSTEM \"http://127.0.0.1/\""] {
            let text = format!("<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY {declared}>]><a><b>&l;</b></a>");
            let error = read(&text, &["b"]).unwrap_err().to_string();
            assert_eq!(error, "line 2: the document declares entities, which are not read");
        }
        let deep = format!("{}{}", "<a>".repeat(1_000_000), "</a>".repeat(1_000_000));
        assert!(matches!(read(&deep, &["b"]), Err(ParseError::Unfit { .. })));
    }

    #[test]
    fn names_the_line_of_a_fault() {
        for text in ["<a>\n<b>\n</c></a>", "<a>\n<b>\n", "<a>\n\n<b", "", "no XML", "<!-- nothing -->"] {
            let error = read(text, &["x"]).unwrap_err().to_string();
            assert!(error.starts_with("line "), "{error}");
        }
    }
}
