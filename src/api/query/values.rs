//! The values of a query string, read into a type with every fault named.

use std::cell::Cell;

use serde::de::value::{Error, StrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::base::error::{ApiError, Faults};

/// The longest query string.
const MAX_QUERY_BYTES: usize = 16_384;
/// The most values of all parameters together.
const MAX_VALUES: usize = 200;
/// How much of an unknown name is repeated to the caller.
const SHOWN_CHARS: usize = 64;

/// Names with their values, in the order of their first appearance.
#[derive(Debug, Default)]
pub(super) struct Values(Vec<(String, Vec<String>)>);

impl Values {
    /// Splits a query string.
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(ApiError::invalid("query", format!("may have at most {MAX_QUERY_BYTES} bytes")));
        }
        let (mut values, mut faults) = (Self::default(), Faults::default());
        for (n, (name, value)) in url::form_urlencoded::parse(query.as_bytes()).enumerate() {
            if n == MAX_VALUES {
                return Err(ApiError::invalid("query", format!("may have at most {MAX_VALUES} values")));
            }
            if name.contains('\0') || value.contains('\0') {
                faults.add(name.replace('\0', "\u{fffd}"), "must not contain NUL");
            }
            values.add(name.into_owned(), value.into_owned());
        }
        faults.finish()?;
        Ok(values)
    }

    fn add(&mut self, name: String, value: String) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name, vec![value])),
        }
    }

    /// Takes out the parameters with these names.
    pub(super) fn split_off(&mut self, names: &[String]) -> Self {
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(|(name, _)| names.contains(name));
        self.0 = left;
        Self(taken)
    }

    /// Takes out values of nothing but space, and the names that have no others.
    pub(super) fn drop_empty(&mut self) {
        for (_, values) in &mut self.0 {
            values.retain(|value| !value.trim().is_empty());
        }
        self.0.retain(|(_, values)| !values.is_empty());
    }

    /// The same text for the same parameters, in whatever order.
    pub(super) fn canonical(&self) -> String {
        let mut pairs: Vec<(&str, &str)> =
            self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| (&**name, &**value))).collect();
        pairs.sort_unstable();
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    /// Takes out what nobody understands; every name of it is a fault.
    pub(super) fn refuse_unknown(&mut self, known: &[String], faults: &mut Faults) {
        self.0.retain(|(name, _)| {
            let is_known = known.contains(name);
            if !is_known {
                faults.add(shorten(name), unknown(name, known));
            }
            is_known
        });
    }

    /// Reads a type. What cannot be read is a fault and is taken out, so that the next round finds the next fault;
    /// each round has a value less.
    pub(super) fn read<T: DeserializeOwned>(&mut self, faults: &mut Faults) -> Option<T> {
        loop {
            let place = Cell::new(None);
            let error = match T::deserialize(Root { values: &self.0, place: &place }) {
                Ok(read) => return Some(read),
                Err(error) => error.to_string(),
            };
            let Some(Place { parameter, value }) = place.get() else {
                let missing = error.split('`').nth(1).unwrap_or("query");
                faults.add(missing, "is required");
                return None;
            };
            faults.add(self.0[parameter].0.clone(), error);
            match value {
                Some(value) if self.0[parameter].1.len() > 1 => drop(self.0[parameter].1.remove(value)),
                _ => drop(self.0.remove(parameter)),
            }
        }
    }
}

fn shorten(name: &str) -> String {
    name.chars().take(SHOWN_CHARS).collect()
}

fn unknown(name: &str, known: &[String]) -> String {
    let name = shorten(name);
    let near = known.iter().max_by(|a, b| strsim::jaro_winkler(&name, a).total_cmp(&strsim::jaro_winkler(&name, b)));
    match near {
        Some(near) => format!("is not a parameter here; the nearest is `{near}`"),
        None => "is not a parameter here; there are none".to_owned(),
    }
}

/// Where reading stands: the index of the parameter, and of its value unless all of them are meant.
#[derive(Clone, Copy)]
struct Place {
    parameter: usize,
    value: Option<usize>,
}

/// All parameters, as a map.
struct Root<'a> {
    values: &'a [(String, Vec<String>)],
    place: &'a Cell<Option<Place>>,
}

impl<'de> Deserializer<'de> for Root<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Entries { root: self, next: 0 })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Entries<'a> {
    root: Root<'a>,
    next: usize,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, _)) = self.root.values.get(self.next) else { return Ok(None) };
        let name: StrDeserializer<'_, Error> = name.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let parameter = self.next;
        self.next += 1;
        self.root.place.set(Some(Place { parameter, value: None }));
        let values = &self.root.values[parameter].1;
        let read = seed.deserialize(Parameter { values, place: self.root.place })?;
        self.root.place.set(None);
        Ok(read)
    }
}

/// The values of one name.
struct Parameter<'a> {
    values: &'a [String],
    place: &'a Cell<Option<Place>>,
}

impl Parameter<'_> {
    fn only(&self) -> Result<Value<'_>, Error> {
        match self.values {
            [value] => Ok(Value(value)),
            many => Err(Error::custom(format!("takes one value, but is given {} times", many.len()))),
        }
    }
}

macro_rules! read_the_only_value {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.only()?.$method(visitor)
        }
    )+};
}

impl<'de> Deserializer<'de> for Parameter<'_> {
    type Error = Error;

    read_the_only_value! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_map deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { parameter: self, next: 0 })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! { unit_struct tuple tuple_struct struct }
}

struct Items<'a> {
    parameter: Parameter<'a>,
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(value) = self.parameter.values.get(self.next) else { return Ok(None) };
        if let Some(place) = self.parameter.place.get() {
            self.parameter.place.set(Some(Place { value: Some(self.next), ..place }));
        }
        self.next += 1;
        seed.deserialize(Value(value)).map(Some)
    }
}

/// One value, whose type is known only to what is read.
struct Value<'a>(&'a str);

macro_rules! read_numbers {
    ($($method:ident $visit:ident $type:ty,)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number: $type = self.0.parse().map_err(|_| Error::custom(concat!("must be a number (", stringify!($type), ")")))?;
            visitor.$visit(number)
        }
    )+};
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = Error;

    read_numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128, deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128, deserialize_f32 visit_f32 f32, deserialize_f64 visit_f64 f64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.0.parse().map_err(|_| Error::custom("must be true or false"))?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        StringDeserializer::<Error>::deserialize_enum(self.0.to_owned().into_deserializer(), name, variants, visitor)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
