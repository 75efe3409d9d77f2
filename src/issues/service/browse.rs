//! Reading issues, their instances and timelines, as far as the caller may see them.

use std::collections::HashMap;

use super::{Visible, get, visible};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::ApiError;
use crate::base::ids::{EntryId, InstanceId, IssueId};
use crate::base::page::Window;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::filter::{FacetField, Filter, Key, Reader, Sort};
use crate::issues::repo;
use crate::issues::repo::instances::{Kept, Shown, Today};
use crate::issues::repo::list::{self, FacetValue, Question};
use crate::issues::repo::timeline;
use crate::issues::timeline::{Entry, EntryKind};

/// A part of the issues.
#[derive(Debug)]
pub struct Issues {
    /// The issues with their sort keys, one more than the page has.
    pub rows: Vec<(Key, Visible)>,
    /// How many match, if that is asked for.
    pub total: Option<i64>,
}

/// A part of the issues that match a filter.
///
/// # Errors
/// `Forbidden`, `Invalid`.
pub fn issues(
    conn: &mut Conn,
    caller: &Caller,
    filter: &Filter,
    sort: Sort,
    window: &Window<Key>,
    with_total: bool,
    now: UtcTime,
) -> Result<Issues, ApiError> {
    caller.require(Permission::Read)?;
    filter.check("")?;
    let reader = Reader::of(caller);
    let question = Question { organization: caller.organization, reader: &reader, filter, now };
    let keys = list::page(conn, question, sort, window)?;
    let ids: Vec<IssueId> = keys.iter().map(|(_, id)| *id).collect();
    let found = repo::with_ids(conn, caller.organization, &ids)?;
    let mut seen: HashMap<IssueId, Visible> =
        visible(conn, caller, found)?.into_iter().map(|seen| (seen.issue.id, seen)).collect();
    let rows = keys.into_iter().filter_map(|key| Some((key, seen.remove(&key.1)?))).collect();
    let total = if with_total { Some(list::total(conn, question)?) } else { None };
    Ok(Issues { rows, total })
}

/// Counts of issues by each field, under all filters but its own.
///
/// # Errors
/// `Forbidden`, `Invalid`.
pub fn facets(
    conn: &mut Conn,
    caller: &Caller,
    filter: &Filter,
    now: UtcTime,
) -> Result<Vec<(FacetField, Vec<FacetValue>)>, ApiError> {
    caller.require(Permission::Read)?;
    filter.check("")?;
    let reader = Reader::of(caller);
    let question = Question { organization: caller.organization, reader: &reader, filter, now };
    let facet = |field: FacetField| Ok((field, list::facet(conn, question, field)?));
    FacetField::ALL.into_iter().map(facet).collect()
}

/// An instance with what it was, and what it is today: nothing where no observation of it is left.
#[derive(Debug)]
pub struct Compared {
    /// The instance as it was.
    pub kept: Kept,
    /// Today.
    pub today: Option<Today>,
}

/// A part of the instances of an issue, the most severe first.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn instances(
    conn: &mut Conn,
    caller: &Caller,
    issue: IssueId,
    remediated: Option<bool>,
    window: &Window<(Severity, InstanceId)>,
) -> Result<Vec<Compared>, ApiError> {
    let products = get(conn, caller, issue)?.products;
    let (organization, shown) = (caller.organization, Shown { products, remediated });
    let kept = repo::instances::kept(conn, organization, issue, &shown, window.after, window.fetch())?;
    let ids: Vec<InstanceId> = kept.iter().map(|kept| kept.instance.id).collect();
    let today = repo::instances::today(conn, organization, issue, &ids)?;
    let mut today: HashMap<InstanceId, Today> = today.into_iter().map(|today| (today.id, today)).collect();
    Ok(kept.into_iter().map(|kept| Compared { today: today.remove(&kept.instance.id), kept }).collect())
}

/// A part of the instances of an issue for a table, the most severe first.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn lines(
    conn: &mut Conn,
    caller: &Caller,
    issue: IssueId,
    remediated: Option<bool>,
    after: Option<(Severity, InstanceId)>,
    limit: i64,
) -> Result<Vec<Kept>, ApiError> {
    let products = get(conn, caller, issue)?.products;
    let shown = Shown { products, remediated };
    Ok(repo::instances::kept(conn, caller.organization, issue, &shown, after, limit)?)
}

/// A part of the timeline of an issue, the newest first.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn timeline(
    conn: &mut Conn,
    caller: &Caller,
    issue: IssueId,
    kinds: Vec<EntryKind>,
    window: &Window<EntryId>,
) -> Result<Vec<Entry>, ApiError> {
    let products = get(conn, caller, issue)?.products;
    let products = (!Reader::of(caller).sees_all()).then_some(products);
    let shown = timeline::Shown { kinds, products };
    Ok(timeline::page(conn, caller.organization, issue, &shown, window)?)
}
