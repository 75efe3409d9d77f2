//! The entries of a report: left as text until the turn of each comes.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer,
};
use serde_json::value::RawValue;

use super::{detail, expect_room};

/// The findings of a list, each read when its turn comes, or told why not. `null` and absent lists are empty; a lone object
/// is a list of one.
#[derive(Debug, Clone)]
pub struct Entries<'a, T> {
    /// What was read already, from another syntax than JSON.
    read: Vec<Result<T, Box<str>>>,
    /// The texts of the others.
    pub(super) unread: Vec<&'a str>,
}

impl<T> Entries<'_, T> {
    /// Entries that were read already.
    pub fn of(entries: impl IntoIterator<Item = Result<T, Box<str>>>) -> Self {
        Self { read: entries.into_iter().collect(), unread: Vec::new() }
    }

    /// Adds one that was read already.
    pub fn push(&mut self, entry: T) {
        self.read.push(Ok(entry));
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read.len() + self.unread.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a, T: Deserialize<'a>> Entries<'a, T> {
    /// The entries of JSON that can be read, for what must be known before all of them are.
    pub fn ahead(&self) -> impl Iterator<Item = T> {
        self.unread.iter().filter_map(|text| entry(text).ok())
    }
}

impl<T> Default for Entries<'_, T> {
    fn default() -> Self {
        Self::of([])
    }
}

type Texts<'a, T> = std::iter::Map<std::vec::IntoIter<&'a str>, fn(&'a str) -> Result<T, Box<str>>>;

impl<'a, T: Deserialize<'a>> IntoIterator for Entries<'a, T> {
    type Item = Result<T, Box<str>>;
    type IntoIter = std::iter::Chain<std::vec::IntoIter<Self::Item>, Texts<'a, T>>;

    fn into_iter(self) -> Self::IntoIter {
        let read: fn(&'a str) -> Self::Item = entry;
        self.read.into_iter().chain(self.unread.into_iter().map(read))
    }
}

pub(super) fn entry<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Box<str>> {
    // A struct would take the items of a list for its fields, one after the other.
    if text.starts_with('[') {
        return Err("a list where an entry is expected".into());
    }
    serde_json::from_str(text).map_err(|error| detail(&error).into_boxed_str())
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Entries<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<'a, T>(PhantomData<Entries<'a, T>>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<'a, T> {
    type Value = Entries<'a, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut unread = Vec::new();
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            expect_room(unread.len(), "list")?;
            unread.push(raw.get());
        }
        Ok(Entries { read: Vec::new(), unread })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(Entries::of([Ok(T::deserialize(MapAccessDeserializer::new(map))?)]))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Entries::default())
    }
}

/// Entries that PHP wrote: a list out of which some were taken becomes an object with the numbers of the others as keys.
#[derive(Debug, Clone)]
pub struct Numbered<'a, T>(pub Entries<'a, T>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Numbered<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberedVisitor(PhantomData))
    }
}

struct NumberedVisitor<'a, T>(PhantomData<Numbered<'a, T>>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for NumberedVisitor<'a, T> {
    type Value = Numbered<'a, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries, or an object that numbers them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        EntriesVisitor(PhantomData).visit_seq(seq).map(Numbered)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut unread = Vec::new();
        while let Some((_, raw)) = map.next_entry::<IgnoredAny, &'de RawValue>()? {
            expect_room(unread.len(), "object")?;
            unread.push(raw.get());
        }
        Ok(Numbered(Entries { read: Vec::new(), unread }))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Numbered(Entries::default()))
    }
}

/// An entry that does not stand in a list, but under a key of a [`Pairs`].
#[derive(Debug, Clone)]
pub struct Entry<'a, T> {
    text: &'a str,
    kind: PhantomData<T>,
}

impl<'a, T: Deserialize<'a>> Entry<'a, T> {
    /// What it says, or why it cannot be read.
    ///
    /// # Errors
    /// The fault.
    pub fn read(self) -> Result<T, Box<str>> {
        entry(self.text)
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for Entry<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&'de RawValue>::deserialize(deserializer)?.get();
        Ok(Self { text, kind: PhantomData })
    }
}
