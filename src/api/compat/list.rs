//! Lists as other servers' clients read them: a count, links, results.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::{Serializer, parse};
use utoipa::{IntoParams, ToSchema};

use crate::api::query::read_leniently;
use crate::app::App;
use crate::base::error::{ApiError, Faults};
use crate::clients::model::{MAX_LIMIT, MAX_OFFSET, Part};

/// The results when nobody says.
const DEFAULT_LIMIT: i64 = 25;
/// The parameters that say which part is meant: each link says its own.
const OF_THE_PART: [&str; 3] = ["limit", "offset", "cursor"];

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Results<T> {
    /// How many there are in all; at least so many, where the list says that it does not count to the end.
    #[schema(example = 17)]
    pub count: i64,
    /// The next part; null after the last one, and where it would begin at an offset that is not answered: filter the
    /// list then.
    #[schema(example = "https://patchbay.example.com/api/v2/products?limit=25&offset=25")]
    pub next: Option<String>,
    /// The part before; null where it would begin at an offset that is not answered.
    #[schema(example = "https://patchbay.example.com/api/v2/products?limit=25&offset=0")]
    pub previous: Option<String>,
    /// The results.
    pub results: Vec<T>,
}

/// How the parts of a list are asked for.
pub trait Parts: DeserializeOwned + IntoParams {
    /// The deepest offset that is answered: the maximum that the parameters document.
    const DEEPEST: i64;

    /// The most results, if somebody says.
    fn limit(&self) -> Option<i64>;

    /// How many results to leave out before, if somebody says.
    fn offset(&self) -> Option<i64>;
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PartParams {
    /// The most results; more than 1000 are not given at once.
    #[param(minimum = 1, maximum = 1000, default = 25)]
    limit: Option<i64>,
    /// How many results to leave out before.
    #[param(minimum = 0, maximum = 100_000, default = 0)]
    offset: Option<i64>,
}

impl Parts for PartParams {
    const DEEPEST: i64 = MAX_OFFSET;

    fn limit(&self) -> Option<i64> {
        self.limit
    }

    fn offset(&self) -> Option<i64> {
        self.offset
    }
}

/// The query of a list. Parameters that are not known are ignored, as such servers do.
#[derive(Debug, Clone)]
pub struct PartOf<F, P = PartParams> {
    /// Which results.
    pub filter: F,
    /// Which part of them.
    pub part: Part,
    /// The part as it is asked for.
    pub asked: P,
    address: String,
    other: Vec<(String, String)>,
}

impl<F: DeserializeOwned + IntoParams, P: Parts> FromRequest for PartOf<F, P> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Self::read(request))
    }
}

impl<F: DeserializeOwned + IntoParams, P: Parts> PartOf<F, P> {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let app = request.app_data::<Data<App>>();
        let app = app.ok_or_else(|| ApiError::internal("the server was given no application"))?;
        let asked: P = read_leniently(request.query_string())?;
        let offset = asked.offset().unwrap_or(0);
        if !(0..=P::DEEPEST).contains(&offset) {
            let detail = format!("must be 0 to {}: follow `next`, or filter the list instead", P::DEEPEST);
            return Err(ApiError::invalid("offset", detail));
        }
        let pairs = parse(request.query_string().as_bytes()).into_owned();
        Ok(Self {
            filter: read_leniently(request.query_string())?,
            part: Part { limit: asked.limit().unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT), offset },
            asked,
            // Not what the request calls this server: anybody can claim anything there.
            address: format!("{}{}", app.config.public_url, request.path()),
            other: pairs.filter(|(name, _)| !OF_THE_PART.contains(&name.as_str())).collect(),
        })
    }
}

impl<F, P: Parts> PartOf<F, P> {
    /// The answer of a list that is read by offset.
    #[must_use]
    pub fn answer<T>(&self, count: i64, results: Vec<T>) -> Results<T> {
        let next = self.part.offset + self.part.limit;
        Results {
            count,
            next: if next < count { self.link(next, None) } else { None },
            previous: self.previous(self.part.offset),
            results,
        }
    }

    /// The link to the part before the one that begins after so many results.
    #[must_use]
    pub fn previous(&self, offset: i64) -> Option<String> {
        if offset > 0 { self.link((offset - self.part.limit).max(0), None) } else { None }
    }

    /// The link to the part that begins after so many results; none where neither the offset is answered nor a cursor
    /// leads there.
    #[must_use]
    pub fn link(&self, offset: i64, cursor: Option<&str>) -> Option<String> {
        let by_offset = (offset <= P::DEEPEST).then(|| ("offset", offset.to_string()));
        if by_offset.is_none() && cursor.is_none() {
            return None;
        }
        let mut query = Serializer::new(String::new());
        query.extend_pairs(&self.other).append_pair("limit", &self.part.limit.to_string());
        query.extend_pairs(by_offset).extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
        Some(format!("{}?{}", self.address, query.finish()))
    }

    /// What the cursors of this list are bound to: its address and filters, in whatever order these are given.
    #[must_use]
    pub fn context(&self) -> String {
        let mut pairs: Vec<&(String, String)> = self.other.iter().collect();
        pairs.sort_unstable();
        format!("{}?{}", self.address, Serializer::new(String::new()).extend_pairs(pairs).finish())
    }

    /// Refuses parameters that ask for what cannot be answered. One without a value asks for nothing.
    ///
    /// # Errors
    /// `Invalid` with all of them.
    pub fn refuse(&self, names: &[&str], detail: &str) -> Result<(), ApiError> {
        let mut faults = Faults::default();
        for (name, value) in &self.other {
            let is_asked = !value.trim().is_empty() && names.contains(&name.as_str());
            faults.require(!is_asked, name, detail);
        }
        faults.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PB-8
    #[test]
    fn links_lead_only_where_they_are_answered() {
        for (count, limit, offset, next, previous) in [
            (20, 25, 0, None, None),
            (30, 25, 0, Some(25), None),
            (30, 25, 25, None, Some(0)),
            (30, 25, 10, None, Some(0)),
            (200_000, 1000, 99_000, Some(100_000), Some(98_000)),
            (200_000, 1000, 99_500, None, Some(98_500)),
            (200_000, 1000, 100_000, None, Some(99_000)),
        ] {
            let list = PartOf {
                filter: (),
                part: Part { limit, offset },
                asked: PartParams { limit: None, offset: None },
                address: "https://patchbay.example/x".to_owned(),
                other: vec![("name".to_owned(), "a b".to_owned())],
            };
            let link = |to: i64| format!("https://patchbay.example/x?name=a+b&limit={limit}&offset={to}");
            let answer = list.answer(count, Vec::<()>::new());
            assert_eq!(
                (answer.next, answer.previous),
                (next.map(link), previous.map(link)),
                "{count} {limit} {offset}"
            );
        }
    }
}
