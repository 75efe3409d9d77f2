//! Lists as other servers' clients read them: a count, links, results.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::query::read_leniently;
use crate::base::error::ApiError;
use crate::clients::model::{MAX_LIMIT, MAX_OFFSET, Part};

/// The results when nobody says.
const DEFAULT_LIMIT: i64 = 25;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Results<T> {
    /// How many there are in all.
    #[schema(example = 17)]
    pub count: i64,
    /// The next part.
    #[schema(example = "https://patchbay.example.com/api/v2/products/?limit=25&offset=25")]
    pub next: Option<String>,
    /// The part before.
    #[schema(example = "https://patchbay.example.com/api/v2/products/?limit=25")]
    pub previous: Option<String>,
    /// The results.
    pub results: Vec<T>,
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

/// The query of a list. Parameters that are not known are ignored, as such servers do.
#[derive(Debug, Clone)]
pub struct PartOf<F> {
    /// Which results.
    pub filter: F,
    /// Which part of them.
    pub part: Part,
    address: String,
    other: Vec<(String, String)>,
}

impl<F: DeserializeOwned + IntoParams> FromRequest for PartOf<F> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Self::read(request))
    }
}

impl<F: DeserializeOwned + IntoParams> PartOf<F> {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let params: PartParams = read_leniently(request.query_string())?;
        let offset = params.offset.unwrap_or(0);
        if !(0..=MAX_OFFSET).contains(&offset) {
            return Err(ApiError::invalid("offset", format!("must be 0 to {MAX_OFFSET}: filter the list instead")));
        }
        let connection = request.connection_info();
        let address = format!("{}://{}{}", connection.scheme(), connection.host(), request.path());
        let pairs = url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned();
        Ok(Self {
            filter: read_leniently(request.query_string())?,
            part: Part { limit: params.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT), offset },
            address,
            other: pairs.filter(|(name, _)| name != "limit" && name != "offset").collect(),
        })
    }
}

impl<F> PartOf<F> {
    /// The answer.
    #[must_use]
    pub fn answer<T>(&self, count: i64, results: Vec<T>) -> Results<T> {
        let Part { limit, offset } = self.part;
        let next = offset + limit;
        Results {
            count,
            next: (next < count && next <= MAX_OFFSET).then(|| self.link(next)),
            previous: (offset > 0).then(|| self.link((offset - limit).max(0))),
            results,
        }
    }

    fn link(&self, offset: i64) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.other);
        query.append_pair("limit", &self.part.limit.to_string()).append_pair("offset", &offset.to_string());
        format!("{}?{}", self.address, query.finish())
    }
}
