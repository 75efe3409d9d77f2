//! Query parameters: strict, with all faults at once, and what every list understands.
//!
//! The names that a handler understands come from its type's [`IntoParams`], so there is no second list of them.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use crate::access::model::Caller;
use crate::base::error::{ApiError, Faults};
use crate::base::page::{CursorSeal, MAX_LIMIT, Window};

mod sorted;
mod values;

pub use sorted::Sorted;
use values::Values;

/// The query of a request: unknown parameters, wrong values and excess are faults, all of them named at once. A name
/// that is given several times fills a `Vec`.
#[derive(Debug, Clone)]
pub struct StrictQuery<T>(pub T);

impl<T: DeserializeOwned + IntoParams> FromRequest for StrictQuery<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(read_strictly(request.query_string()).map(Self))
    }
}

/// Reads a query string with the strictness of [`StrictQuery`]: also for forms, whose parts it may hold.
///
/// # Errors
/// `Invalid` with all faults.
pub(super) fn read_strictly<T: DeserializeOwned + IntoParams>(query: &str) -> Result<T, ApiError> {
    let (mut faults, mut values) = (Faults::default(), Values::parse(query)?);
    values.refuse_unknown(&names::<T>(), &mut faults);
    let read = values.read(&mut faults);
    faults.finish()?;
    read.ok_or_else(|| ApiError::internal("a query without faults could not be read"))
}

/// Reads a query string or form of a client that was written for another server: what is not known or empty is ignored.
///
/// # Errors
/// `Invalid` with all faults.
pub(super) fn read_leniently<T: DeserializeOwned + IntoParams>(query: &str) -> Result<T, ApiError> {
    let (mut faults, mut values) = (Faults::default(), Values::parse(query)?.split_off(&names::<T>()));
    values.drop_empty();
    let read = values.read(&mut faults);
    faults.finish()?;
    read.ok_or_else(|| ApiError::internal("a query without faults could not be read"))
}

/// Refuses every parameter of a query, where none is understood.
///
/// # Errors
/// `Invalid` with all names.
pub(super) fn refuse_all(query: &str) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    Values::parse(query)?.refuse_unknown(&[], &mut faults);
    faults.finish()
}

/// The names that a type understands.
fn names<T: IntoParams>() -> Vec<String> {
    T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect()
}

/// What may be added to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Include {
    /// How many there are in all.
    Total,
}

/// What every list understands beside its filters and its sort.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// The most items of the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(max_length = 4096)]
    pub cursor: Option<String>,
    /// `total` counts the whole list as well.
    #[serde(default)]
    #[param(max_items = 1)]
    pub include: Vec<Include>,
}

/// The filter of a list that has none: `ListQuery<NoFilter>`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct NoFilter {}

impl IntoParams for NoFilter {
    fn into_params(_parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

/// The query of a list: its page, and the filters and the sort in `F`. The same strictness as [`StrictQuery`].
///
/// The sort is a field of `F`, an enum of words like `name` and `-name`; document both with
/// `params(PageParams, F)`.
#[derive(Debug, Clone)]
pub struct ListQuery<F> {
    /// Which part.
    pub page: PageParams,
    /// Which items, in which order.
    pub filter: F,
    /// What the cursors of this list are bound to.
    context: String,
}

impl<F> ListQuery<F> {
    /// The part of the list to read, and the seal for the cursor of the next part: pass both to
    /// [`Window::page`].
    ///
    /// # Errors
    /// `Invalid` when the cursor is not of this list.
    pub fn window<K: DeserializeOwned>(
        &self,
        secret: &[u8; 32],
        caller: &Caller,
    ) -> Result<(Window<K>, CursorSeal), ApiError> {
        self.window_of(secret, &caller.organization)
    }

    /// The same for a list outside of any organization, of `owner`.
    ///
    /// # Errors
    /// `Invalid` when the cursor is not of this list.
    pub fn window_of<K: DeserializeOwned>(
        &self,
        secret: &[u8; 32],
        owner: &impl std::fmt::Display,
    ) -> Result<(Window<K>, CursorSeal), ApiError> {
        let seal = CursorSeal::new(secret, &format!("{owner} {}", self.context));
        let window = seal.window(self.page.limit, self.page.cursor.as_deref())?;
        Ok((window, seal))
    }

    /// Is the total asked for?
    #[must_use]
    pub fn wants_total(&self) -> bool {
        self.page.include.contains(&Include::Total)
    }
}

impl<F: DeserializeOwned + IntoParams> FromRequest for ListQuery<F> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(read_list(request.path(), request.query_string()))
    }
}

fn read_list<F: DeserializeOwned + IntoParams>(path: &str, query: &str) -> Result<ListQuery<F>, ApiError> {
    let (mut faults, mut values) = (Faults::default(), Values::parse(query)?);
    let (page_names, filter_names) = (names::<PageParams>(), names::<F>());
    values.refuse_unknown(&[page_names.as_slice(), &filter_names].concat(), &mut faults);
    let mut page_values = values.split_off(&page_names);
    let context = format!("{} {}", tenant_path(path), values.canonical());
    let page: Option<PageParams> = page_values.read(&mut faults);
    if let Some(limit) = page.as_ref().and_then(|page| page.limit) {
        faults.require((1..=MAX_LIMIT).contains(&limit), "limit", "must be between 1 and 500");
    }
    let filter = values.read(&mut faults);
    faults.finish()?;
    let unreadable = || ApiError::internal("a query without faults could not be read");
    Ok(ListQuery { page: page.ok_or_else(unreadable)?, filter: filter.ok_or_else(unreadable)?, context })
}

/// The path below the organization, whose slug and id both name it.
fn tenant_path(path: &str) -> &str {
    let below = path.strip_prefix("/api/v1/organizations/").and_then(|rest| rest.split_once('/'));
    below.map_or(path, |(_organization, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::ProductId;
    use crate::base::severity::Severity;

    #[derive(Debug, PartialEq, Deserialize, IntoParams)]
    #[into_params(parameter_in = Query)]
    struct Filter {
        #[serde(default)]
        severity: Vec<Severity>,
        product: Option<ProductId>,
        active: Option<bool>,
        minimum_score: Option<f64>,
        q: Option<String>,
    }

    fn faults(query: &str) -> Vec<(String, String)> {
        match read_list::<Filter>("/api/v1/organizations/acme/things", query) {
            Err(ApiError::Invalid(faults)) => faults.into_iter().map(|fault| (fault.pointer, fault.detail)).collect(),
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn reads_repeated_names_options_and_text() {
        let list =
            read_list::<Filter>("/x", "severity=high&limit=7&severity=critical&active=true&q=a%20b+c&include=total");
        let list = list.unwrap();
        assert_eq!(list.filter.severity, [Severity::High, Severity::Critical]);
        assert_eq!((list.filter.active, list.filter.q.as_deref()), (Some(true), Some("a b c")));
        assert_eq!((list.page.limit, list.wants_total()), (Some(7), true));
    }

    #[test]
    fn names_all_faults_at_once_and_the_nearest_known_name() {
        let found =
            faults("severty=high&severity=bad&severity=low&severity=worse&active=maybe&limit=0&product=x&q=a&q=b");
        let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["severty", "limit", "severity", "severity", "active", "product", "q"], "{found:?}");
        assert!(found[0].1.contains("`severity`"), "{}", found[0].1);
    }

    #[test]
    fn bounds_what_it_reads() {
        assert!(faults(&"severity=high&".repeat(5_000))[0].1.contains("at most"));
        assert!(faults(&format!("q={}", "a".repeat(100_000)))[0].1.contains("at most"));
        assert!(faults("q=a%00b")[0].1.contains("NUL"));
    }

    #[test]
    fn a_cursor_is_bound_to_the_filters_but_not_to_the_page_size_or_the_spelling_of_the_organization() {
        let context = |path: &str, query: &str| read_list::<Filter>(path, query).unwrap().context;
        let first = context("/api/v1/organizations/acme/things", "severity=high&q=a&limit=2");
        assert_eq!(first, context("/api/v1/organizations/0198/things", "q=a&limit=9&severity=high&include=total"));
        assert_ne!(first, context("/api/v1/organizations/acme/things", "severity=low&q=a"));
        assert_ne!(first, context("/api/v1/organizations/acme/others", "severity=high&q=a"));
    }
}
