//! XML, streamed: each wanted element is built into a small tree, handed over and dropped.
//!
//! Documents are read without their DTD: none is loaded, no entity but the five of XML is known, and an unknown one
//! stays as it is written. Depth and size of an element are bounded.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::reports::error::ParseError;
use crate::reports::read::text::Text;

/// Deepest nesting read.
pub const DEPTH_LIMIT: usize = 200;
/// Most elements within one wanted element.
pub const ELEMENTS_LIMIT: usize = 2_000_000;

/// An element with what is in it. Names are without their prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// The name.
    pub name: String,
    /// The attributes, in order.
    pub attributes: Vec<(String, String)>,
    /// The text directly inside, put together.
    pub text: String,
    /// The elements inside.
    pub children: Vec<Element>,
}

impl Element {
    /// An attribute; empty when there is none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str())
    }

    /// The first child of a name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of a name.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text at a path of children (`ratings/rating/score`); empty when there is none.
    #[must_use]
    pub fn at(&self, path: &str) -> &str {
        let mut element = self;
        for name in path.split('/') {
            match element.child(name) {
                Some(child) => element = child,
                None => return "",
            }
        }
        element.text.trim()
    }

    /// The text at a path of children, for structs that JSON is read into, too.
    #[must_use]
    pub fn text_at(&self, path: &str) -> Text<'static> {
        Text::from(self.at(path).to_owned())
    }

    /// The text directly inside, likewise.
    #[must_use]
    pub fn own_text(&self) -> Text<'static> {
        Text::from(self.text.trim().to_owned())
    }

    /// An attribute, likewise.
    #[must_use]
    pub fn text_of(&self, attribute: &str) -> Text<'static> {
        Text::from(self.attribute(attribute).trim().to_owned())
    }

    /// The children of a name inside the child that lists them (`references/reference`).
    pub fn inside<'e>(&'e self, list: &str, item: &'e str) -> impl Iterator<Item = &'e Element> {
        self.child(list).into_iter().flat_map(move |list| list.all(item))
    }
}

/// Hands every element that `wants` names to `take`, with the line on which it begins. A wanted element inside a wanted one
/// stays part of it.
///
/// # Errors
/// `Malformed` for broken or cut-off XML, with the line; `Unfit` beyond the limits; or what `take` gives.
pub fn each(
    text: &str,
    wants: &[&str],
    mut take: impl FnMut(u64, Element) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let mut reader = Reader::from_str(text);
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut open: Vec<Element> = Vec::new();
    let (mut depth, mut elements, mut began) = (0usize, 0usize, 1);
    loop {
        let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|error| {
            let at = usize::try_from(reader.error_position()).unwrap_or(position);
            ParseError::malformed(format!("line {}", lines.of(at)), error.to_string())
        })?;
        match event {
            Event::Start(start) => {
                depth += 1;
                if depth > DEPTH_LIMIT {
                    let place = format!("line {}", lines.of(position));
                    return Err(ParseError::unfit(place, format!("nested deeper than {DEPTH_LIMIT} elements")));
                }
                let element = element(&start);
                if open.is_empty() && wants.contains(&element.name.as_str()) {
                    (began, elements) = (lines.of(position), 0);
                    open.push(element);
                } else if !open.is_empty() {
                    elements += 1;
                    open.push(element);
                }
            }
            Event::Empty(start) => {
                let element = element(&start);
                match open.last_mut() {
                    Some(parent) => {
                        elements += 1;
                        parent.children.push(element);
                    }
                    None if wants.contains(&element.name.as_str()) => take(lines.of(position), element)?,
                    None => {}
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let Some(done) = open.pop() {
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => take(began, done)?,
                    }
                }
            }
            Event::Text(part) => push(&mut open, &part),
            Event::CData(part) => push(&mut open, &part),
            Event::GeneralRef(name) => push(&mut open, &referred(&name)),
            Event::Eof if depth > 0 => {
                return Err(ParseError::malformed(
                    format!("line {}", lines.of(text.len())),
                    "the document ends too early",
                ));
            }
            Event::Eof => return Ok(()),
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
        if elements > ELEMENTS_LIMIT {
            let place = format!("line {}", lines.of(position));
            return Err(ParseError::unfit(place, format!("more than {ELEMENTS_LIMIT} elements in one")));
        }
    }
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// The character of a reference: numeric, or one of the five names of XML. Another stays as it is written.
fn referred(name: &str) -> String {
    let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    });
    match (name, number.and_then(char::from_u32)) {
        (_, Some(character)) => character.to_string(),
        ("lt", _) => "<".to_owned(),
        ("gt", _) => ">".to_owned(),
        ("amp", _) => "&".to_owned(),
        ("quot", _) => "\"".to_owned(),
        ("apos", _) => "'".to_owned(),
        _ => format!("&{name};"),
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    let name = start.local_name().as_ref().to_owned();
    let mut attributes = start.attributes();
    let attributes = attributes.with_checks(false).flatten().map(|attribute| {
        let key = attribute.key.local_name().as_ref().to_owned();
        (key, unescaped(&attribute.value))
    });
    let attributes = attributes.collect();
    Element { name, attributes, ..Element::default() }
}

fn unescaped(value: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(value.len()), value);
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
    plain
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
pub fn root(text: &str) -> Option<Element> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => return Some(element_with_prefixes(&start)),
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Like [`element`], but with the attributes' prefixes kept (`xmlns:x`).
fn element_with_prefixes(start: &BytesStart<'_>) -> Element {
    let mut attributes = start.attributes();
    let attributes = attributes.with_checks(false).flatten().take(50).map(|attribute| {
        let key = attribute.key.as_ref().to_owned();
        (key, unescaped(&attribute.value))
    });
    let attributes = attributes.collect();
    Element { attributes, ..element(start) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, wants: &[&str]) -> Result<Vec<(u64, Element)>, ParseError> {
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
        assert_eq!((*line, first.attribute("id"), first.text.as_str(), first.at("b")), (3, "a&b", "one <3>", "two"));
        assert_eq!((found[1].0, found[1].1.attribute("id")), (4, "2"));
        assert_eq!(root(text).unwrap().name, "list");
    }

    /// S-19
    #[test]
    fn knows_no_entities_and_no_depth() {
        let laughs = "<!DOCTYPE a [<!ENTITY l \"ha\"><!ENTITY m \"&l;&l;\"><!ENTITY x SYSTEM \"file:///etc/passwd\">]><a><b>&m;&x;&lt;</b></a>";
        assert_eq!(read(laughs, &["b"]).unwrap()[0].1.text, "&m;&x;<");
        let deep = format!("{}{}", "<a>".repeat(1_000_000), "</a>".repeat(1_000_000));
        assert!(matches!(read(&deep, &["b"]), Err(ParseError::Unfit { .. })));
    }

    #[test]
    fn names_the_line_of_a_fault() {
        for text in ["<a>\n<b>\n</c></a>", "<a>\n<b>\n", "<a>\n\n<b"] {
            let error = read(text, &["x"]).unwrap_err().to_string();
            assert!(error.starts_with("line "), "{error}");
        }
    }
}
