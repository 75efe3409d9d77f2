//! What content looks like: the keys, elements or columns in its first kilobytes.
//!
//! One tolerant pass, shared by all formats. It builds no tree and does not recurse: it keeps the paths that it meets
//! down to a few levels, and counts brackets below.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::reports::read::{table, xml};

/// How much is looked at first, in bytes.
pub const WINDOW: usize = 64 * 1024;
/// Levels whose keys are kept.
const DEPTH_KEPT: usize = 6;
/// Most paths kept.
const PATHS_KEPT: usize = 4_000;
/// Most texts kept per path.
const TEXTS_KEPT: usize = 8;
/// Longest text or key kept, in bytes.
const TEXT_KEPT: usize = 200;

/// The syntax of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// JSON, or several JSON documents.
    Json,
    /// XML.
    Xml,
    /// Lines with columns under a header.
    Table,
    /// Nothing but white space.
    Empty,
}

/// What content looks like.
#[derive(Debug)]
pub struct Sniff<'a> {
    head: &'a str,
    syntax: Syntax,
    paths: HashMap<String, Node<'a>>,
    columns: Vec<String>,
    documents: usize,
    is_whole: bool,
}

#[derive(Debug, Default)]
struct Node<'a> {
    is_list: bool,
    is_object: bool,
    texts: Vec<Cow<'a, str>>,
}

impl<'a> Sniff<'a> {
    /// Looks at the first kilobytes.
    #[must_use]
    pub fn first(text: &'a str) -> Self {
        Self::of(&text[..text.floor_char_boundary(WINDOW)], text.len() <= WINDOW)
    }

    /// Looks at everything, for keys that come late.
    #[must_use]
    pub fn whole(text: &'a str) -> Self {
        Self::of(text, true)
    }

    fn of(head: &'a str, is_whole: bool) -> Self {
        let syntax = match head.trim_start().bytes().next() {
            None => Syntax::Empty,
            Some(b'{' | b'[') => Syntax::Json,
            Some(b'<') => Syntax::Xml,
            Some(_) => Syntax::Table,
        };
        let mut sniff = Self { head, syntax, paths: HashMap::new(), columns: Vec::new(), documents: 0, is_whole };
        match syntax {
            Syntax::Json => Outline::new(&mut sniff).run(),
            Syntax::Table => sniff.columns = table::header(head),
            Syntax::Xml => sniff.note_root(),
            Syntax::Empty => {}
        }
        sniff
    }

    /// The first element of XML and its attributes, as `/name` and `/name@attribute`.
    fn note_root(&mut self) {
        let Some(root) = xml::root(self.head) else { return };
        self.documents = 1;
        for (key, value) in root.attributes {
            let node = Node { texts: vec![value], ..Node::default() };
            self.paths.insert(format!("/{}@{key}", root.name), node);
        }
        self.paths.insert(format!("/{}", root.name), Node { is_object: true, ..Node::default() });
    }

    /// The part that was looked at.
    #[must_use]
    pub fn head(&self) -> &'a str {
        &self.head[..self.head.floor_char_boundary(WINDOW)]
    }

    /// The syntax.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// Whether all of the content was looked at.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether more than one JSON document follows each other.
    #[must_use]
    pub fn is_several_documents(&self) -> bool {
        self.documents > 1
    }

    /// Whether a path is there.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.nodes(path).next().is_some()
    }

    /// Whether a path is there and is a list.
    #[must_use]
    pub fn is_list(&self, path: &str) -> bool {
        self.nodes(path).any(|node| node.is_list)
    }

    /// Whether a path is there and is an object.
    #[must_use]
    pub fn is_object(&self, path: &str) -> bool {
        self.nodes(path).any(|node| node.is_object)
    }

    /// Whether a path holds a text that begins so, whatever the case.
    #[must_use]
    pub fn says(&self, path: &str, start: &str) -> bool {
        let begins = |text: &Cow<'_, str>| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
        self.nodes(path).any(|node| node.texts.iter().any(begins))
    }

    /// Whether the table has a column, whatever the case.
    #[must_use]
    pub fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.eq_ignore_ascii_case(name))
    }

    /// Whether there is no word in it: white space, or JSON of empty values alone.
    #[must_use]
    pub fn says_nothing(&self) -> bool {
        let is_empty = |(path, node): (&String, &Node<'_>)| !path.contains('.') && node.texts.is_empty();
        self.columns.is_empty() && self.syntax != Syntax::Xml && self.paths.iter().all(is_empty)
    }

    /// What stands on the first level, for an error message.
    #[must_use]
    pub fn first_level(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = match self.syntax {
            Syntax::Table => self.columns.iter().map(String::as_str).collect(),
            _ => self.paths.keys().map(String::as_str).filter(|path| !path.is_empty() && !path.contains('.')).collect(),
        };
        keys.sort_unstable();
        keys.truncate(12);
        keys
    }

    fn nodes<'s>(&'s self, path: &'s str) -> Box<dyn Iterator<Item = &'s Node<'a>> + 's> {
        if path.contains('*') {
            Box::new(self.paths.iter().filter(|(found, _)| matches_pattern(found, path)).map(|(_, node)| node))
        } else {
            Box::new(self.paths.get(path).into_iter())
        }
    }
}

fn matches_pattern(path: &str, pattern: &str) -> bool {
    let (mut path, mut pattern) = (path.split('.'), pattern.split('.'));
    loop {
        match (path.next(), pattern.next()) {
            (None, None) => return true,
            (Some(_), Some("*")) => {}
            (Some(found), Some(wanted)) if found == wanted => {}
            _ => return false,
        }
    }
}

/// The pass over JSON.
struct Outline<'s, 'a> {
    sniff: &'s mut Sniff<'a>,
    path: String,
    /// One per open bracket that is kept: is it a list, and how long was the path before it.
    open: Vec<(bool, usize)>,
    /// Open brackets below those.
    below: usize,
    /// The path holds a key whose value comes next.
    has_key: bool,
}

impl<'s, 'a> Outline<'s, 'a> {
    fn new(sniff: &'s mut Sniff<'a>) -> Self {
        Self { sniff, path: String::new(), open: Vec::new(), below: 0, has_key: false }
    }

    fn run(mut self) {
        let (text, mut at) = (self.sniff.head, 0);
        let bytes = text.as_bytes();
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let end = string_end(bytes, at + 1);
                    self.string(&text[at + 1..end.min(text.len())], bytes, end + 1);
                    at = end + 1;
                    continue;
                }
                b'{' => self.enter(false),
                b'[' => self.enter(true),
                b'}' | b']' => self.leave(),
                b',' => self.end_of_value(),
                b'0'..=b'9' | b'-' | b't' | b'f' | b'n' if self.below == 0 && self.has_key => self.value(None),
                _ => {}
            }
            at += 1;
        }
    }

    fn string(&mut self, text: &'a str, bytes: &[u8], after: usize) {
        if self.below > 0 {
            return;
        }
        let in_object = self.open.last().is_some_and(|(is_list, _)| !is_list);
        if in_object && !self.has_key {
            let is_key = bytes[after.min(bytes.len())..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
            if is_key && text.len() <= TEXT_KEPT {
                if !self.path.is_empty() {
                    self.path.push('.');
                }
                self.path.push_str(text);
                self.has_key = true;
            }
            return;
        }
        self.value(Some(text));
    }

    fn value(&mut self, text: Option<&'a str>) {
        if let Some(node) = self.node()
            && let Some(text) = text
            && node.texts.len() < TEXTS_KEPT
            && !node.texts.iter().any(|known| known == text)
        {
            node.texts.push(Cow::Borrowed(&text[..text.floor_char_boundary(TEXT_KEPT)]));
        }
    }

    fn node(&mut self) -> Option<&mut Node<'a>> {
        let paths = &mut self.sniff.paths;
        if paths.len() >= PATHS_KEPT && !paths.contains_key(&self.path) {
            return None;
        }
        if !paths.contains_key(&self.path) {
            paths.insert(self.path.clone(), Node::default());
        }
        paths.get_mut(&self.path)
    }

    fn enter(&mut self, is_list: bool) {
        if self.below > 0 || self.open.len() >= DEPTH_KEPT {
            self.below += 1;
            return;
        }
        if self.open.is_empty() {
            self.sniff.documents += 1;
        }
        if let Some(node) = self.node() {
            node.is_list |= is_list;
            node.is_object |= !is_list;
        }
        self.open.push((is_list, self.path.len()));
        if is_list {
            self.path.push_str("[]");
        }
        self.has_key = false;
    }

    fn leave(&mut self) {
        if self.below > 0 {
            self.below -= 1;
            return;
        }
        if let Some((_, length)) = self.open.pop() {
            self.path.truncate(length);
            self.has_key = self.open.last().is_some_and(|(is_list, _)| !is_list);
        }
    }

    /// A comma: the next key of an object replaces the last one on the path.
    fn end_of_value(&mut self) {
        if self.below > 0 {
            return;
        }
        if let Some((is_list, length)) = self.open.last() {
            self.path.truncate(*length);
            if *is_list {
                self.path.push_str("[]");
            }
            self.has_key = false;
        }
    }
}

/// Where the string that begins at `from` ends: at its closing quote, or past the end of a cut text.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_paths_of_json() {
        let sniff = Sniff::first(
            r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "n": 1}, {"o": null}], "z": {}}"#,
        );
        for path in
            ["version", "runs", "runs[]", "runs[].tool.driver.name", "runs[].n", "runs[].o", "z", "runs[].*.driver"]
        {
            assert!(sniff.has(path), "{path}: {:?}", sniff.paths.keys());
        }
        assert!(sniff.is_list("runs") && sniff.is_object("z") && !sniff.is_list("z"));
        assert!(sniff.says("version", "2.1") && !sniff.says("version", "2.2"));
        assert!(!sniff.has("tool") && !sniff.has("runs[].version"));
    }

    #[test]
    fn tells_one_document_from_several() {
        assert!(!Sniff::first("[{}, {}]").is_several_documents());
        assert!(Sniff::first("{\"a\": 1}\n{\"a\": 2}\n").is_several_documents());
    }

    /// S-20
    #[test]
    fn is_not_troubled_by_hostile_shapes() {
        for text in [
            "[".repeat(1_000_000),
            format!("{{\"{}\": 1}}", "k".repeat(500_000)),
            "{\"a\\".to_owned(),
            "\"".to_owned(),
            "}]}]".to_owned(),
        ] {
            assert!(Sniff::whole(&text).paths.len() <= 10);
        }
        let many: String = (0..100_000).map(|n| format!("\"k{n}\": {n},")).collect();
        assert_eq!(Sniff::whole(&format!("{{{many}}}")).paths.len(), PATHS_KEPT);
    }

    #[test]
    fn knows_an_empty_file() {
        assert_eq!(Sniff::first(" \n").syntax(), Syntax::Empty);
    }
}
