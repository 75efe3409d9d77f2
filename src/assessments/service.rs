//! Assessing: one, many, or all that match a filter.

use std::collections::{HashMap, HashSet};

use super::decide::{self, Original};
use super::model::{Decision, ItemResult, MAX_FILTERED, MAX_IDS, Outcome, Selection, Summary};
use super::tail::{self, Cause, Change};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::ObservationId;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::observations::repo::list;
use crate::observations::repo::{self, Assessable};

/// Assesses one observation.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`; `Invalid` when the decision does not fit.
pub fn assess_one(
    conn: &mut Conn,
    caller: &Caller,
    id: ObservationId,
    decision: &Decision,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    let rows = repo::lock(conn, caller.organization, &caller.products, &[id])?;
    let row = rows.first().ok_or_else(|| ApiError::not_found("observation", id))?;
    caller.require(Permission::Write)?;
    if_match.check(row.version)?;
    let mut faults = Faults::default();
    decision.check("", now, &mut faults);
    faults.finish()?;
    let original = original(conn, caller, decision, "")?;
    let after =
        decide::after(row, decision, original, now).map_err(|refusal| ApiError::invalid("", refusal.to_string()))?;
    if decide::is_change(row, &after) {
        write(conn, caller, vec![Change { before: row.clone(), after }], decision, original, now)?;
    }
    Ok(())
}

/// Assesses many observations alike. Those that the decision does not fit are left alone, and said.
///
/// # Errors
/// `Forbidden`; `Invalid` for what is wrong with the call as a whole; `Conflict` when too many match the filter.
pub fn assess(
    conn: &mut Conn,
    caller: &Caller,
    selection: &Selection,
    decision: &Decision,
    now: UtcTime,
) -> Result<Summary, ApiError> {
    caller.require(Permission::Write)?;
    check(selection, decision, now)?;
    let original = original(conn, caller, decision, "/assessment")?;
    let ids = selected(conn, caller, selection)?;
    let rows = repo::lock(conn, caller.organization, &caller.products, &ids)?;
    let (mut changes, mut results) = (Vec::with_capacity(rows.len()), HashMap::with_capacity(rows.len()));
    for before in rows {
        let id = before.id;
        let result = match decide::after(&before, decision, original, now) {
            Err(refusal) => (Outcome::Refused, Some(refusal.to_string())),
            Ok(after) if !decide::is_change(&before, &after) => (Outcome::Unchanged, None),
            Ok(after) => {
                changes.push(Change { before, after });
                (Outcome::Changed, None)
            }
        };
        results.insert(id, result);
    }
    write(conn, caller, changes, decision, original, now)?;
    Ok(summary(selection, &ids, &results))
}

fn check(selection: &Selection, decision: &Decision, now: UtcTime) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    faults.require(!decision.is_empty(), "/assessment", "must say something: status, severity or verification");
    decision.check("/assessment", now, &mut faults);
    if let Selection::Ids(ids) = selection {
        faults.require(!ids.is_empty(), "/ids", "must not be empty");
        faults.require(ids.len() <= MAX_IDS, "/ids", "may have at most 10,000 items; use a filter for more");
    }
    faults.finish()?;
    match selection {
        Selection::Ids(_) => Ok(()),
        Selection::Filter(filter) => filter.check("/filter/"),
    }
}

fn selected(conn: &mut Conn, caller: &Caller, selection: &Selection) -> Result<Vec<ObservationId>, ApiError> {
    match selection {
        Selection::Ids(ids) => {
            let mut seen = HashSet::with_capacity(ids.len());
            Ok(ids.iter().copied().filter(|id| seen.insert(*id)).collect())
        }
        Selection::Filter(filter) => {
            let ids = list::ids(conn, caller.organization, &caller.products, filter, MAX_FILTERED + 1)?;
            if i64::try_from(ids.len()).is_ok_and(|count| count <= MAX_FILTERED) {
                return Ok(ids);
            }
            Err(ApiError::Conflict(format!("more than {MAX_FILTERED} observations match; narrow the filter")))
        }
    }
}

fn summary(
    selection: &Selection,
    ids: &[ObservationId],
    results: &HashMap<ObservationId, (Outcome, Option<String>)>,
) -> Summary {
    let mut summary = Summary::default();
    for id in ids {
        let (outcome, detail) = results.get(id).cloned().unwrap_or((Outcome::NotFound, None));
        summary.add(ItemResult { id: *id, outcome, detail });
    }
    if matches!(selection, Selection::Filter(_)) {
        summary.results.retain(|result| result.outcome == Outcome::Refused);
    }
    summary
}

/// The original that a decision names: where that is a duplicate itself, its original, so that chains never grow.
fn original(conn: &mut Conn, caller: &Caller, decision: &Decision, prefix: &str) -> Result<Option<Original>, ApiError> {
    let Patch::Set(Some(named)) = decision.duplicate_of else { return Ok(None) };
    let mut find = |id| repo::find(conn, caller.organization, &caller.products, id);
    let unknown = || ApiError::invalid(format!("{prefix}/duplicate_of"), "is not an observation that you can see");
    let found = find(named)?.ok_or_else(unknown)?;
    let root = match found.duplicate_of {
        Some(root) => find(root)?.ok_or_else(unknown)?,
        None => found,
    };
    Ok(Some(Original { id: root.id, product: root.product_id }))
}

fn write(
    conn: &mut Conn,
    caller: &Caller,
    changes: Vec<Change>,
    decision: &Decision,
    original: Option<Original>,
    now: UtcTime,
) -> Result<(), ApiError> {
    let cause = Cause { actor: caller.actor, at: now, comment: decision.comment.as_deref() };
    tail::write(conn, caller.organization, &changes, cause)?;
    if let Some(original) = original {
        // What had these as its original has theirs now.
        let duplicates: Vec<ObservationId> = changes.iter().map(|change| change.before.id).collect();
        repo::repoint_duplicates(conn, caller.organization, &duplicates, original.id)?;
    }
    Ok(())
}

/// What people said about these observations is taken back, for a reason of Patchbay's own.
pub(super) fn take_back(rows: Vec<Assessable>, now: UtcTime) -> Vec<Change> {
    let nothing = Decision { assessed_status: Patch::Set(None), ..Decision::default() };
    rows.into_iter()
        .filter_map(|before| Some(Change { after: decide::after(&before, &nothing, None, now).ok()?, before }))
        .collect()
}
