//! A filter with a sort beside it, for filters that are asked for without a sort elsewhere.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::{IntoParams, PartialSchema};

const SORT: &str = "sort";

/// The filter `F` and the sort `S` of a list: `ListQuery<Sorted<Filter, Sort>>`.
#[derive(Debug, Clone)]
pub struct Sorted<F, S> {
    /// Which items.
    pub filter: F,
    /// In which order.
    pub sort: S,
}

impl<F: IntoParams, S: PartialSchema> IntoParams for Sorted<F, S> {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = F::into_params(place);
        let sort = ParameterBuilder::new()
            .name(SORT)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some("In which order."))
            .schema(Some(S::schema()));
        parameters.push(sort.build());
        parameters
    }
}

impl<'de, F: DeserializeOwned, S: DeserializeOwned + Default> Deserialize<'de> for Sorted<F, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SortedVisitor(PhantomData))
    }
}

struct SortedVisitor<F, S>(PhantomData<(F, S)>);

impl<'de, F: DeserializeOwned, S: DeserializeOwned + Default> Visitor<'de> for SortedVisitor<F, S> {
    type Value = Sorted<F, S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a filter and a sort")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut sort = None;
        let filter = F::deserialize(MapAccessDeserializer::new(WithoutSort { map, sort: &mut sort }))?;
        Ok(Sorted { filter, sort: sort.unwrap_or_default() })
    }
}

/// The entries of a map, but for the sort, which is put aside.
struct WithoutSort<'a, A, S> {
    map: A,
    sort: &'a mut Option<S>,
}

impl<'de, A: MapAccess<'de>, S: DeserializeOwned> MapAccess<'de> for WithoutSort<'_, A, S> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            if key != SORT {
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            *self.sort = Some(self.map.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
