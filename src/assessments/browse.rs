//! Reading observations and vulnerabilities, as far as the caller may see them.

use std::collections::HashMap;

use diesel::QueryResult;

use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::ApiError;
use crate::base::ids::{HistoryId, ObservationId, VulnerabilityId};
use crate::base::page::Window;
use crate::db::conn::Conn;
use crate::observations::filter::{Filter, Key, Sort};
use crate::observations::model::{HistoryEntry, Observation, ObservationDetails, Vulnerability};
use crate::observations::repo::facets::{self, Facet, FacetField};
use crate::observations::repo::rows::{self, ListedObservation};
use crate::observations::repo::vulnerabilities::{
    self, Counted, VulnerabilityFilter, VulnerabilityKey, VulnerabilitySort,
};
use crate::observations::repo::{self, list};

/// All names of vulnerabilities.
pub type Names = HashMap<VulnerabilityId, Vec<String>>;

/// A part of the observations.
#[derive(Debug)]
pub struct Observations {
    /// The rows with their sort keys, one more than the page has.
    pub rows: Vec<(Key, ListedObservation)>,
    /// The names of their vulnerabilities.
    pub names: Names,
    /// How many match, if that is asked for.
    pub total: Option<i64>,
}

/// A part of the observations that match a filter.
///
/// # Errors
/// `Forbidden`, `Invalid`.
pub fn observations(
    conn: &mut Conn,
    caller: &Caller,
    filter: &Filter,
    sort: Sort,
    window: &Window<Key>,
    with_total: bool,
) -> Result<Observations, ApiError> {
    caller.require(Permission::Read)?;
    filter.check("")?;
    let (organization, scope) = (caller.organization, &caller.products);
    let rows = list::page(conn, organization, scope, filter, sort, window)?;
    let names = names(conn, caller, rows.iter().map(|(_, listed)| listed.vulnerability.id))?;
    let total = if with_total { Some(list::total(conn, organization, scope, filter)?) } else { None };
    Ok(Observations { rows, names, total })
}

fn names(conn: &mut Conn, caller: &Caller, ids: impl Iterator<Item = VulnerabilityId>) -> QueryResult<Names> {
    let mut ids: Vec<VulnerabilityId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    rows::names(conn, caller.organization, &ids)
}

/// Counts of observations by these fields.
///
/// # Errors
/// `Forbidden`, `Invalid`.
pub fn facets(
    conn: &mut Conn,
    caller: &Caller,
    filter: &Filter,
    fields: &[FacetField],
) -> Result<Vec<Facet>, ApiError> {
    caller.require(Permission::Read)?;
    filter.check("")?;
    let facet = |field: &FacetField| facets::facet(conn, caller.organization, &caller.products, filter, *field);
    Ok(fields.iter().map(facet).collect::<QueryResult<_>>()?)
}

/// An observation with all that is known of it.
#[derive(Debug)]
pub struct WholeObservation {
    /// Its row.
    pub row: Observation,
    /// As lists show it.
    pub listed: ListedObservation,
    /// Its wide text.
    pub details: Option<ObservationDetails>,
    /// Its vulnerability.
    pub vulnerability: Vulnerability,
    /// All names of the vulnerability.
    pub names: Vec<String>,
}

/// An observation.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn observation(conn: &mut Conn, caller: &Caller, id: ObservationId) -> Result<WholeObservation, ApiError> {
    let row = require(conn, caller, id)?;
    let organization = caller.organization;
    let gone = || ApiError::not_found("observation", id);
    let listed = rows::with_ids(conn, organization, &[id])?.remove(&id).ok_or_else(gone)?;
    let details = repo::details(conn, organization, id)?;
    let found = vulnerabilities::find(conn, organization, &caller.products, row.vulnerability_id)?;
    let vulnerability = found.ok_or_else(gone)?.vulnerability;
    let names = names(conn, caller, std::iter::once(vulnerability.id))?.remove(&vulnerability.id).unwrap_or_default();
    Ok(WholeObservation { row, listed, details, vulnerability, names })
}

/// The row of an observation that the caller may read.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn require(conn: &mut Conn, caller: &Caller, id: ObservationId) -> Result<Observation, ApiError> {
    caller.require(Permission::Read)?;
    let found = repo::find(conn, caller.organization, &caller.products, id)?;
    found.ok_or_else(|| ApiError::not_found("observation", id))
}

/// A part of the history of an observation, newest first.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn history(
    conn: &mut Conn,
    caller: &Caller,
    id: ObservationId,
    window: &Window<HistoryId>,
) -> Result<Vec<HistoryEntry>, ApiError> {
    require(conn, caller, id)?;
    Ok(repo::history(conn, caller.organization, id, window)?)
}

/// A part of the vulnerabilities.
#[derive(Debug)]
pub struct Vulnerabilities {
    /// The rows, one more than the page has.
    pub rows: Vec<Counted>,
    /// All their names.
    pub names: Names,
    /// How many match, if that is asked for.
    pub total: Option<i64>,
}

/// A part of the vulnerabilities that match a filter.
///
/// # Errors
/// `Forbidden`, `Invalid`.
pub fn vulnerabilities(
    conn: &mut Conn,
    caller: &Caller,
    filter: &VulnerabilityFilter,
    sort: VulnerabilitySort,
    window: &Window<VulnerabilityKey>,
    with_total: bool,
) -> Result<Vulnerabilities, ApiError> {
    caller.require(Permission::Read)?;
    filter.check()?;
    let (organization, scope) = (caller.organization, &caller.products);
    let rows = vulnerabilities::page(conn, organization, scope, filter, sort, window)?;
    let names = names(conn, caller, rows.iter().map(|row| row.vulnerability.id))?;
    let total = if with_total { Some(vulnerabilities::total(conn, organization, scope, filter)?) } else { None };
    Ok(Vulnerabilities { rows, names, total })
}

/// A vulnerability with its names.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn vulnerability(
    conn: &mut Conn,
    caller: &Caller,
    id: VulnerabilityId,
) -> Result<(Counted, Vec<String>), ApiError> {
    caller.require(Permission::Read)?;
    let found = vulnerabilities::find(conn, caller.organization, &caller.products, id)?;
    let counted = found.ok_or_else(|| ApiError::not_found("vulnerability", id))?;
    let names = names(conn, caller, std::iter::once(id))?.remove(&id).unwrap_or_default();
    Ok((counted, names))
}
