//! What changed observations mean for issues: standings, counts, the moves that Patchbay makes by itself, the timeline.
//!
//! Called at the end of everything that changes observations, in the same transaction. All is done over sets: what is
//! read one by one is what changed of an issue, and the names of the first few instances that came back.

use std::collections::{BTreeSet, HashMap};

use diesel::QueryResult;

use super::model::{Issue, Pair};
use super::repo::recompute::{self as sets, Change, Returned, Scanned};
use super::repo::{self, pairs};
use super::status::{IssueEvent, IssueState};
use super::timeline::Entry;
use crate::base::actor::Actor;
use crate::base::ids::{BranchId, IssueId, OrganizationId, ProductId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;

/// The most instances that an entry names.
const NAMED: usize = 5;

/// Recomputes the issues that have one of these pairs; answers those that changed. Where no issue has an instance on the
/// branches of the pairs, that is all that is asked.
pub fn of_pairs(
    conn: &mut Conn,
    organization: OrganizationId,
    pairs: &[Pair],
    now: UtcTime,
) -> QueryResult<Vec<IssueId>> {
    after_scans(conn, organization, pairs, &[], now)
}

/// Recomputes after an import: of the pairs that it changed, and of what it still reports though an issue was called
/// resolved before the scan was made.
pub fn after_scans(
    conn: &mut Conn,
    organization: OrganizationId,
    touched: &[Pair],
    scans: &[Scanned],
    now: UtcTime,
) -> QueryResult<Vec<IssueId>> {
    if touched.is_empty() && scans.is_empty() {
        return Ok(Vec::new());
    }
    repo::lock(conn, organization)?;
    let branches = touched.iter().map(|pair| pair.branch).chain(scans.iter().map(|scan| scan.branch));
    let branches: Vec<BranchId> = branches.collect::<BTreeSet<_>>().into_iter().collect();
    if !sets::concerns(conn, organization, &branches)? {
        return Ok(Vec::new());
    }
    pairs::begin(conn)?;
    pairs::fill(conn, touched)?;
    finish(conn, organization, scans, now)
}

/// Recomputes issues in full: those that were closed are told what happened since.
pub fn of_issues(
    conn: &mut Conn,
    organization: OrganizationId,
    issues: &[IssueId],
    now: UtcTime,
) -> QueryResult<Vec<IssueId>> {
    pairs::begin(conn)?;
    for issues in issues.chunks(repo::IDS) {
        sets::fill_of_issues(conn, organization, issues)?;
    }
    finish(conn, organization, &[], now)
}

/// Recomputes all that is of a branch.
pub fn of_branch(
    conn: &mut Conn,
    organization: OrganizationId,
    branch: BranchId,
    now: UtcTime,
) -> QueryResult<Vec<IssueId>> {
    repo::lock(conn, organization)?;
    pairs::begin(conn)?;
    sets::fill_of_branch(conn, organization, branch)?;
    finish(conn, organization, &[], now)
}

/// Recomputes all that is of a product.
pub fn of_product(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    now: UtcTime,
) -> QueryResult<Vec<IssueId>> {
    repo::lock(conn, organization)?;
    pairs::begin(conn)?;
    sets::fill_of_product(conn, organization, product)?;
    finish(conn, organization, &[], now)
}

/// From the table of pairs to counts, states and timelines.
fn finish(conn: &mut Conn, organization: OrganizationId, scans: &[Scanned], now: UtcTime) -> QueryResult<Vec<IssueId>> {
    let mut is_change = sets::change_instances(conn, organization, now)?;
    for scan in scans {
        is_change |= sets::find_still_reported(conn, organization, *scan)?;
    }
    if !is_change {
        return Ok(Vec::new());
    }
    let changes = sets::sum_up(conn)?;
    let ids: Vec<IssueId> = changes.iter().map(|change| change.issue_id).collect::<BTreeSet<_>>().into_iter().collect();
    let before = repo::with_ids(conn, organization, &ids)?;
    sets::add_changes(conn, organization, now)?;
    let returned = if changes.iter().any(|change| change.found_again + change.still_reported > 0) {
        sets::returned(conn, organization, NAMED)?
    } else {
        Vec::new()
    };
    let newest_scan_at = scans.iter().map(|scan| scan.at).max();
    let (moves, entries) = told(&before, &changes, &returned, newest_scan_at, now);
    for (state, ids) in moves {
        repo::set_state(conn, organization, &ids, state, now)?;
    }
    repo::timeline::insert(conn, &entries)?;
    Ok(ids)
}

/// The moves that follow from changes, and what the timelines tell of both.
fn told(
    before: &[Issue],
    changes: &[Change],
    returned: &[Returned],
    newest_scan_at: Option<UtcTime>,
    now: UtcTime,
) -> (HashMap<IssueState, Vec<IssueId>>, Vec<Entry>) {
    let mut names: HashMap<(IssueId, ProductId), Vec<String>> = HashMap::new();
    for one in returned {
        let name = format!("{} on {}", one.vulnerability, one.asset);
        names.entry((one.issue_id, one.product_id)).or_default().push(name);
    }
    let (mut moves, mut entries) = (HashMap::<_, Vec<_>>::new(), Vec::new());
    for own in changes.chunk_by(|a, b| a.issue_id == b.issue_id) {
        let id = own[0].issue_id;
        let Ok(place) = before.binary_search_by_key(&id, |issue| issue.id) else { continue };
        let issue = &before[place];
        let mut returns = Vec::new();
        for change in own {
            entries.extend(remediated(issue, change, now));
            let named = names.remove(&(id, change.product_id)).unwrap_or_default();
            if let Some(text) = return_text(change, &named) {
                returns.push((change.product_id, text));
            }
        }
        let event = event(issue, own, newest_scan_at);
        let state = event.and_then(|event| issue.state.after(event));
        entries.extend(returns.iter().map(|(product, text)| of_product_entry(issue, *product, text, now)));
        if let (Some(state), Some(event)) = (state, event) {
            moves.entry(state).or_default().push(id);
            entries.push(move_entry(issue, state, event, &returns, now));
        }
    }
    (moves, entries)
}

/// What happened to the instances of an issue as a whole.
fn event(issue: &Issue, changes: &[Change], newest_scan_at: Option<UtcTime>) -> Option<IssueEvent> {
    let (before, mut after) = (issue.counts, issue.counts);
    changes.iter().for_each(|change| after += change.counts());
    // A risk was accepted, and now a scan reports the same from elsewhere.
    let is_new_work = before.actionable() == 0 && after.actionable() > 0;
    let is_refuted = is_new_work && newest_scan_at.is_some_and(|at| issue.state_changed_at < at);
    if changes.iter().any(|change| change.found_again > 0) {
        Some(IssueEvent::InstanceFoundAgain)
    } else if is_refuted || changes.iter().any(|change| change.still_reported > 0) {
        Some(IssueEvent::InstanceStillReported)
    } else {
        (!before.is_complete() && after.is_complete()).then_some(IssueEvent::AllInstancesRemediated)
    }
}

/// Only who may see the product is shown the entry.
fn of_product_entry(issue: &Issue, product: ProductId, text: &str, now: UtcTime) -> Entry {
    let entry = Entry::by(Actor::System, issue.organization_id, issue.id, now).saying(text);
    Entry { field: Some("instances".to_owned()), product_id: Some(product), ..entry }
}

fn remediated(issue: &Issue, change: &Change, now: UtcTime) -> Option<Entry> {
    let text = match change.newly_remediated {
        0 => return None,
        1 => "1 instance is remediated.".to_owned(),
        count => format!("{count} instances are remediated."),
    };
    Some(of_product_entry(issue, change.product_id, &text, now))
}

fn return_text(change: &Change, named: &[String]) -> Option<String> {
    let (count, what) = match (change.found_again, change.still_reported) {
        (0, 0) => return None,
        (0, count) => (count, "still reported"),
        (count, _) => (count, "found again"),
    };
    let (noun, verb) = if count == 1 { ("instance", "is") } else { ("instances", "are") };
    let more = usize::try_from(count).unwrap_or(usize::MAX) > named.len();
    Some(format!("{count} {noun} {verb} {what}: {}{}", named.join(", "), if more { ", …" } else { "" }))
}

/// What moved the state. Names stand in it only where everybody who sees the issue may see them.
fn move_entry(
    issue: &Issue,
    state: IssueState,
    event: IssueEvent,
    returns: &[(ProductId, String)],
    now: UtcTime,
) -> Entry {
    let named = returns.iter().find(|(product, _)| issue.product_id == Some(*product)).map(|(_, text)| text.as_str());
    let why = match event {
        IssueEvent::AllInstancesRemediated => "All instances are remediated.",
        IssueEvent::InstanceFoundAgain => named.unwrap_or("An instance is found again."),
        IssueEvent::InstanceStillReported => named.unwrap_or("An instance is still reported."),
    };
    Entry::by(Actor::System, issue.organization_id, issue.id, now)
        .change("state", Some(issue.state.to_string()), Some(state.to_string()))
        .saying(why)
}
