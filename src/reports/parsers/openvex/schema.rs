//! The parts of OpenVEX that are read. Vulnerability and products are objects, in version 0.0.1 plain texts.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::Text;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Document<'a> {
    #[serde(borrow)]
    pub timestamp: Text<'a>,
    #[serde(borrow)]
    pub last_updated: Text<'a>,
    #[serde(borrow)]
    pub tooling: Text<'a>,
    #[serde(borrow)]
    pub statements: Entries<'a, Statement<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Statement<'a> {
    #[serde(borrow)]
    pub vulnerability: OrText<Named<'a>>,
    #[serde(borrow)]
    pub products: List<OrText<Product<'a>>>,
    #[serde(borrow)]
    pub subcomponents: List<OrText<Product<'a>>>,
    #[serde(borrow)]
    pub status: Text<'a>,
    #[serde(borrow)]
    pub status_notes: Text<'a>,
    #[serde(borrow)]
    pub justification: Text<'a>,
    #[serde(borrow)]
    pub impact_statement: Text<'a>,
    #[serde(borrow)]
    pub action_statement: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Named<'a> {
    #[serde(borrow, rename = "@id")]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub aliases: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Product<'a> {
    #[serde(borrow, rename = "@id")]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub identifiers: Object<Identifiers<'a>>,
    #[serde(borrow)]
    pub subcomponents: List<OrText<Product<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Identifiers<'a> {
    #[serde(borrow)]
    pub purl: Text<'a>,
}

impl From<&str> for Named<'_> {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned().into(), ..Self::default() }
    }
}

impl From<&str> for Product<'_> {
    fn from(id: &str) -> Self {
        Self { id: id.to_owned().into(), ..Self::default() }
    }
}

/// An object, or the text that stands for it.
#[derive(Default)]
pub struct OrText<T>(pub T);

impl<T> Deref for OrText<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Deserialize<'de> + for<'t> From<&'t str>> Deserialize<'de> for OrText<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrTextVisitor(PhantomData))
    }
}

struct OrTextVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + for<'t> From<&'t str>> Visitor<'de> for OrTextVisitor<T> {
    type Value = OrText<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(OrText(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(OrText)
    }
}
