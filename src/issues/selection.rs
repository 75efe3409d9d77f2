//! What an issue is made of: any selection of observations, as pairs.

use std::collections::HashMap;

use super::model::{MAX_INSTANCES, Pair};
use crate::access::model::Caller;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{AssetId, ObservationId, ProductId, ScanId, VulnerabilityId};
use crate::db::conn::Conn;
use crate::observations::filter::Filter;
use crate::observations::repo::pairs::{self, ObservedPair};
use crate::products;

/// The most ids of one selection.
pub const MAX_IDS: usize = 10_000;
/// The most vulnerabilities of one selection.
pub const MAX_VULNERABILITIES: usize = 200;

/// Which pairs.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// Of these observations.
    Observations(Vec<ObservationId>),
    /// Of the active observations of these vulnerabilities.
    Vulnerabilities(Vec<VulnerabilityId>),
    /// Of all observations that match.
    Filter(Box<Filter>),
    /// Of the active observations on an asset.
    Asset(AssetId),
    /// Of the active observations of a product.
    Product(ProductId),
    /// Of the active observations that a scan reported.
    Scan(ScanId),
}

impl Selection {
    /// Refuses what is too much or cannot be answered.
    ///
    /// # Errors
    /// `Invalid`, with pointers that begin with `prefix`.
    pub fn check(&self, prefix: &str) -> Result<(), ApiError> {
        let mut faults = Faults::default();
        match self {
            Self::Observations(ids) => {
                let pointer = format!("{prefix}/observation_ids");
                faults.require(!ids.is_empty(), &pointer, "must not be empty");
                faults.require(ids.len() <= MAX_IDS, &pointer, "may have at most 10,000 items; use a filter for more");
            }
            Self::Vulnerabilities(ids) => {
                let pointer = format!("{prefix}/vulnerability_ids");
                faults.require(!ids.is_empty(), &pointer, "must not be empty");
                faults.require(ids.len() <= MAX_VULNERABILITIES, &pointer, "may have at most 200 items");
            }
            Self::Filter(filter) => return filter.check(&format!("{prefix}/filter/")),
            Self::Asset(_) | Self::Product(_) | Self::Scan(_) => {}
        }
        faults.finish()
    }
}

/// The pairs of a selection, as far as the caller may see them; the most severe first.
///
/// # Errors
/// `Invalid` when it names what the caller cannot see; `Conflict` when there are too many.
pub fn resolve(
    conn: &mut Conn,
    caller: &Caller,
    selection: &Selection,
    prefix: &str,
) -> Result<Vec<ObservedPair>, ApiError> {
    selection.check(prefix)?;
    let (organization, scope) = (caller.organization, &caller.products);
    let matching =
        |conn: &mut Conn, filter: &Filter| pairs::matching(conn, organization, scope, filter, MAX_INSTANCES + 1);
    let mut found = match selection {
        Selection::Observations(ids) => of_observations(conn, caller, ids, prefix)?,
        Selection::Vulnerabilities(ids) => {
            let vulnerability = ids.iter().map(VulnerabilityId::to_string).collect();
            matching(conn, &Filter { vulnerability, ..active() })?
        }
        Selection::Filter(filter) => matching(conn, filter)?,
        Selection::Asset(id) => matching(conn, &Filter { asset: vec![*id], ..active() })?,
        Selection::Product(id) => {
            let product = products::repo::find(conn, organization, scope, *id)?;
            product.ok_or_else(|| ApiError::invalid(format!("{prefix}/product_id"), NOT_SEEN))?;
            matching(conn, &Filter { product: vec![*id], ..active() })?
        }
        Selection::Scan(id) => {
            let found = pairs::of_scan(conn, organization, *id, MAX_INSTANCES + 1)?;
            found.into_iter().filter(|pair| scope.allows(pair.product_id)).collect()
        }
    };
    if found.len() > MAX_INSTANCES {
        return Err(ApiError::Conflict(format!("the selection has more than {MAX_INSTANCES} instances; narrow it")));
    }
    found.sort_unstable_by_key(|found| (std::cmp::Reverse(found.severity), pair(found)));
    Ok(found)
}

const NOT_SEEN: &str = "is not a product that you can see";

fn active() -> Filter {
    Filter { active: Some(true), ..Filter::default() }
}

fn of_observations(
    conn: &mut Conn,
    caller: &Caller,
    ids: &[ObservationId],
    prefix: &str,
) -> Result<Vec<ObservedPair>, ApiError> {
    let found = pairs::of_observations(conn, caller.organization, &caller.products, ids)?;
    let known: HashMap<ObservationId, ObservedPair> = found.into_iter().collect();
    let (mut faults, mut distinct) = (Faults::default(), HashMap::<Pair, ObservedPair>::with_capacity(known.len()));
    for (index, id) in ids.iter().enumerate() {
        let Some(observed) = known.get(id) else {
            faults.add(format!("{prefix}/observation_ids/{index}"), "is not an observation that you can see");
            continue;
        };
        let entry = distinct.entry(pair(observed)).or_insert(*observed);
        entry.severity = entry.severity.max(observed.severity);
    }
    faults.finish()?;
    Ok(distinct.into_values().collect())
}

/// What makes an instance of it.
#[must_use]
pub const fn pair(observed: &ObservedPair) -> Pair {
    Pair { branch: observed.branch_id, vulnerability: observed.vulnerability_id, asset: observed.asset_id }
}
