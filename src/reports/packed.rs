//! Lists that hold many records in little memory.
//!
//! A finding may have twenty texts and numbers, and has five. As a struct it is four hundred bytes of which most say
//! "none", and each text has an allocation of its own; a large report would take ten times its size. Packed, a record is
//! its texts, one behind the other, and a few numbers: which of its options are there, and how long each text is. It is
//! read back by reference.

use std::fmt;
use std::marker::PhantomData;
use std::mem;

use serde::{Serialize, Serializer};

/// Bytes of text in a large chunk. Small reports begin with less.
const CHUNK_TEXT: usize = 256 << 10;
/// Bytes of text in the first chunk.
const FIRST_TEXT: usize = 4 << 10;
/// A chunk has room for a number for so many bytes of text at least.
const MOST_PER_NUMBER: usize = 64;

/// What can be packed.
pub trait Pack {
    /// Writes its parts, its key before all other texts.
    fn pack(&self, to: &mut Packer<'_>);
}

/// What can be read from packed parts: the whole, or what it begins with.
pub trait Unpack<'a> {
    /// Reads the parts in the order in which [`Pack::pack`] wrote them.
    fn unpack(from: &mut Unpacker<'a>) -> Self;
}

/// A kind of record.
pub trait Record: Pack {
    /// The same with texts that are borrowed from the list.
    type View<'a>: Pack + Unpack<'a> + Serialize + fmt::Debug + PartialEq;
}

/// A list of records.
#[derive(Debug, Clone)]
pub struct Packed<R> {
    chunks: Vec<Chunk>,
    length: usize,
    /// Names that are known when Patchbay is built: few, and in many records.
    names: Vec<&'static str>,
    /// The record that is being packed.
    next: Parts,
    kind: PhantomData<R>,
}

/// A number of records. It is made as large as it becomes: a list that grows by copies leaves holes behind.
#[derive(Debug, Clone, Default)]
struct Chunk {
    /// The place of its first record in the list.
    first: usize,
    parts: Parts,
    /// Where the numbers of each record begin. The first says where its texts begin.
    starts: Vec<u32>,
}

/// What records consist of.
#[derive(Debug, Clone, Default)]
struct Parts {
    texts: String,
    numbers: Vec<u32>,
}

impl<R> Default for Packed<R> {
    fn default() -> Self {
        Self { chunks: Vec::new(), length: 0, names: Vec::new(), next: Parts::default(), kind: PhantomData }
    }
}

impl<R> Packed<R> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The place of the chunk that has a record.
    fn chunk_of(&self, index: usize) -> usize {
        self.chunks.partition_point(|chunk| chunk.first <= index).saturating_sub(1)
    }

    fn unpacker(&self, index: usize) -> Option<Unpacker<'_>> {
        let chunk = self.chunks.get(self.chunk_of(index))?;
        Some(chunk.unpacker(*chunk.starts.get(index - chunk.first)?, &self.names))
    }
}

impl<R: Record> Packed<R> {
    /// Adds a record, or the view of one.
    pub fn push(&mut self, record: &impl Pack) {
        self.next.texts.clear();
        self.next.numbers.clear();
        // Where its texts begin, and which options are there.
        self.next.numbers.extend([0, 0]);
        record.pack(&mut Packer { parts: &mut self.next, names: &mut self.names, option: 1 });
        if self.chunks.last().is_none_or(|chunk| !chunk.has_room(&self.next)) {
            self.chunks.push(Chunk::after(self.chunks.last(), self.length, &self.next));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.add(&self.next);
            self.length += 1;
        }
    }

    /// The record at a place, if there is one.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<R::View<'_>> {
        self.unpacker(index).map(|mut from| R::View::unpack(&mut from))
    }

    /// The record at a place.
    ///
    /// # Panics
    /// Like an index, when it is not smaller than [`Self::len`].
    #[must_use]
    pub fn at(&self, index: usize) -> R::View<'_> {
        self.get(index).expect("an index below the length")
    }

    /// The first text of the record at a place, its key, for a look at many; empty where there is none.
    #[must_use]
    pub fn key(&self, index: usize) -> &str {
        self.unpacker(index).map(|mut from| from.text()).unwrap_or_default()
    }

    /// What the record at a place begins with, if there is one: without its lists, for a look at many.
    #[must_use]
    pub fn beginning<'a, B: Unpack<'a>>(&'a self, index: usize) -> Option<B> {
        self.unpacker(index).map(|mut from| B::unpack(&mut from))
    }

    /// All records.
    pub fn iter(&self) -> impl Iterator<Item = R::View<'_>> {
        self.chunks.iter().flat_map(|chunk| chunk.iter::<R>(&self.names))
    }

    /// Hands every record with its place to `write`, together with a new list for what shall be kept of it. What is
    /// through is freed on the way, so that there is never a second copy of the whole.
    pub fn rewrite(&mut self, mut write: impl FnMut(usize, R::View<'_>, &mut Self)) {
        let old = mem::take(self);
        for chunk in old.chunks {
            for (index, record) in (chunk.first..).zip(chunk.iter::<R>(&old.names)) {
                write(index, record, self);
            }
        }
    }
}

impl Chunk {
    /// The next chunk of a list: twice as large as the one before, with as many numbers for each byte of text as that one
    /// had, and large enough for its first record.
    fn after(last: Option<&Self>, first: usize, record: &Parts) -> Self {
        let last = last.map_or(record, |last| &last.parts);
        let texts = (2 * last.texts.capacity()).clamp(FIRST_TEXT, CHUNK_TEXT);
        let numbers = (texts * last.numbers.len() / last.texts.len().max(1)).clamp(texts / MOST_PER_NUMBER, texts);
        let parts = Parts {
            texts: String::with_capacity(texts.max(record.texts.len())),
            numbers: Vec::with_capacity(numbers.max(record.numbers.len())),
        };
        Self { first, parts, starts: Vec::new() }
    }

    fn has_room(&self, record: &Parts) -> bool {
        let Parts { texts, numbers } = &self.parts;
        texts.capacity() - texts.len() >= record.texts.len()
            && numbers.capacity() - numbers.len() >= record.numbers.len()
    }

    fn add(&mut self, record: &Parts) {
        let start = self.parts.numbers.len();
        self.starts.push(word(start));
        self.parts.numbers.extend_from_slice(&record.numbers);
        self.parts.numbers[start] = word(self.parts.texts.len());
        self.parts.texts.push_str(&record.texts);
    }

    fn iter<'a, R: Record>(&'a self, names: &'a [&'static str]) -> impl Iterator<Item = R::View<'a>> {
        self.starts.iter().map(move |start| R::View::unpack(&mut self.unpacker(*start, names)))
    }

    fn unpacker<'a>(&'a self, start: u32, names: &'a [&'static str]) -> Unpacker<'a> {
        let mut from = Unpacker { texts: "", numbers: &self.parts.numbers[start as usize..], names, options: 0 };
        from.texts = self.parts.texts.get(from.place()..).unwrap_or_default();
        from.options = from.number();
        from
    }
}

impl<R: Record> FromIterator<R> for Packed<R> {
    fn from_iter<I: IntoIterator<Item = R>>(records: I) -> Self {
        let mut packed = Self::default();
        records.into_iter().for_each(|record| packed.push(&record));
        packed
    }
}

impl<R: Record> PartialEq for Packed<R> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<R: Record> Serialize for Packed<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Takes the parts of a record, at most 32 of them options.
#[derive(Debug)]
pub struct Packer<'p> {
    parts: &'p mut Parts,
    names: &'p mut Vec<&'static str>,
    /// The bit of the next option, in the second number.
    option: u32,
}

impl Packer<'_> {
    /// A number.
    pub fn number(&mut self, number: u32) {
        self.parts.numbers.push(number);
    }

    /// A number of 64 bits.
    pub fn long(&mut self, number: u64) {
        self.parts.numbers.extend([(number >> 32) as u32, number as u32]);
    }

    /// A place in another list.
    pub fn place(&mut self, place: usize) {
        self.number(word(place));
    }

    /// A text.
    pub fn text<T: AsRef<str>>(&mut self, text: &T) {
        let text = text.as_ref();
        self.place(text.len());
        self.parts.texts.push_str(text);
    }

    /// A name.
    pub fn name(&mut self, name: &'static str) {
        let known = self.names.iter().position(|known| *known == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        self.place(place);
    }

    /// An option without content.
    pub fn flag(&mut self, is_set: bool) {
        if is_set {
            self.parts.numbers[1] |= self.option;
        }
        self.option <<= 1;
    }

    /// An option.
    pub fn option<V>(&mut self, value: Option<V>, pack: impl FnOnce(&mut Self, V)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            pack(self, value);
        }
    }

    /// A text that may be absent.
    pub fn some_text(&mut self, text: Option<&impl AsRef<str>>) {
        self.option(text, Self::text);
    }

    /// A list, of which many are empty.
    pub fn list<V>(&mut self, list: &[V], mut pack: impl FnMut(&mut Self, &V)) {
        self.option((!list.is_empty()).then_some(list), |packer, list| {
            packer.place(list.len());
            list.iter().for_each(|item| pack(packer, item));
        });
    }
}

/// Gives the parts of a record, in the order in which they were packed.
#[derive(Debug)]
pub struct Unpacker<'a> {
    texts: &'a str,
    numbers: &'a [u32],
    names: &'a [&'static str],
    options: u32,
}

impl<'a> Unpacker<'a> {
    /// A number.
    pub fn number(&mut self) -> u32 {
        let (first, rest) = self.numbers.split_first().unwrap_or((&0, &[]));
        self.numbers = rest;
        *first
    }

    /// A number of 64 bits.
    pub fn long(&mut self) -> u64 {
        u64::from(self.number()) << 32 | u64::from(self.number())
    }

    /// A place in another list.
    pub fn place(&mut self) -> usize {
        self.number() as usize
    }

    /// A text.
    pub fn text(&mut self) -> &'a str {
        let length = self.place();
        let (text, rest) = self.texts.split_at_checked(length).unwrap_or_default();
        self.texts = rest;
        text
    }

    /// A name.
    pub fn name(&mut self) -> &'static str {
        let place = self.place();
        self.names.get(place).copied().unwrap_or_default()
    }

    /// An option without content.
    pub fn flag(&mut self) -> bool {
        let is_set = self.options & 1 == 1;
        self.options >>= 1;
        is_set
    }

    /// An option.
    pub fn option<V>(&mut self, unpack: impl FnOnce(&mut Self) -> V) -> Option<V> {
        self.flag().then(|| unpack(self))
    }

    /// A text that may be absent.
    pub fn some_text(&mut self) -> Option<&'a str> {
        self.option(Self::text)
    }

    /// A list, of which many are empty.
    pub fn list<V>(&mut self, mut unpack: impl FnMut(&mut Self) -> V) -> Vec<V> {
        let list = self.option(|from| {
            let length = from.place();
            (0..length).map(|_| unpack(from)).collect()
        });
        list.unwrap_or_default()
    }
}

/// A length or place as it is packed. An upload is at most [`super::decode::TOTAL_LIMIT`] bytes, so it always fits.
fn word(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use crate::base::severity::Severity;
    use crate::base::time::UtcTime;
    use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Vulnerability};

    use super::*;

    fn full(number: u32, text: &str) -> Finding {
        let some = |name: &str| Some(format!("{name} {text} ü"));
        Finding {
            vulnerability: number as usize,
            asset: Some(1),
            component: Some(2),
            severity: Some(Severity::High),
            title: some("title"),
            description: some("description"),
            location: Location {
                file: some("file"),
                line: Some(number),
                end_line: Some(u32::MAX),
                snippet: some("snippet"),
                url: some("url"),
                method: some("method"),
                parameter: some("parameter"),
                port: some("port"),
                resource: some("resource"),
            },
            fingerprint: some("fingerprint"),
            analysis: Some(Analysis { state: AnalysisState::RiskAccepted, justification: some("justification") }),
            fixed_version: some("fixed"),
            found_at: Some(UtcTime::from_micros(-1)),
            place: None,
            facts: vec![("one", text.to_owned()), ("two", String::new())],
        }
    }

    /// Records of every size and fill, more than one chunk holds.
    fn records() -> Vec<Finding> {
        let of = |number: u32| match number % 4 {
            0 => Finding::default(),
            1 => full(number, "x"),
            2 => Finding { title: Some("t".repeat(number as usize)), ..Finding::default() },
            _ => Finding { facts: vec![("three", number.to_string())], ..Finding::default() },
        };
        let mut records: Vec<Finding> = (0..3_000).map(of).collect();
        records.insert(7, full(1, &"long ".repeat(CHUNK_TEXT / 4)));
        records
    }

    #[test]
    fn gives_back_what_it_was_given() {
        let records = records();
        let packed: Packed<Finding> = records.iter().cloned().collect();
        assert!(packed.chunks.len() > 2 && packed.len() == records.len());
        for (index, (record, view)) in records.iter().zip(packed.iter()).enumerate() {
            assert_eq!(format!("{view:?}"), format!("{record:?}"));
            assert_eq!(packed.get(index), Some(view));
        }
        assert!(packed.get(records.len()).is_none());
    }

    #[test]
    fn rewrites_some_and_leaves_others_out() {
        let records = records();
        let mut packed: Packed<Finding> = records.iter().cloned().collect();
        packed.rewrite(|index, mut finding, kept| {
            finding.location.method = Some("GET");
            match index % 3 {
                0 => kept.push(&finding),
                1 => kept.push(&records[index]),
                _ => {}
            }
        });
        let expected: Packed<Finding> = records
            .into_iter()
            .enumerate()
            .filter(|(index, _)| index % 3 < 2)
            .map(|(index, mut finding)| {
                finding.location.method = if index % 3 == 0 { Some("GET".to_owned()) } else { finding.location.method };
                finding
            })
            .collect();
        assert!(packed == expected);
    }

    #[test]
    fn shows_the_key_alone() {
        let of = |key: &str| Vulnerability { key: key.to_owned(), cwes: vec![79], ..Vulnerability::default() };
        let packed: Packed<Vulnerability> = ["CVE-2026-1", "", "tool:rule"].map(of).into_iter().collect();
        assert_eq!([0, 1, 2].map(|index| packed.key(index)), ["CVE-2026-1", "", "tool:rule"]);
    }
}
