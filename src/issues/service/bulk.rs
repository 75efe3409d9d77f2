//! Changing many issues alike: named by id, or all that match a filter.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::edit::{entries, is_reopened, patched};
use super::{check, visible};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::IssueId;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::filter::{Filter, Reader};
use crate::issues::model::{Issue, IssuePatch};
use crate::issues::recompute;
use crate::issues::repo::list::{self, Question};
use crate::issues::repo::{self, Alike};

/// The most issues that one call changes.
pub const MAX_ISSUES: usize = 10_000;

/// Which issues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// These.
    Ids(Vec<IssueId>),
    /// All that match.
    Filter(Box<Filter>),
}

/// What became of one issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IssueOutcome)]
pub enum Outcome {
    /// It changed.
    Changed,
    /// It was like this before.
    Unchanged,
    /// It cannot be changed so: `detail` says why.
    Refused,
    /// There is none with this id that the caller may see.
    NotFound,
}

/// What became of one issue, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = IssueResult)]
pub struct ItemResult {
    /// The issue.
    pub id: IssueId,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "the issue is closed")]
    pub detail: Option<String>,
}

/// What became of all: one by one, in the order asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = IssueSummary)]
pub struct Summary {
    /// How many changed.
    #[schema(value_type = i64, example = 3)]
    pub changed: usize,
    /// What became of each.
    pub results: Vec<ItemResult>,
}

impl Summary {
    /// Those that changed.
    #[must_use]
    pub fn changed_ids(&self) -> Vec<IssueId> {
        self.results.iter().filter(|one| one.outcome == Outcome::Changed).map(|one| one.id).collect()
    }
}

/// Changes many issues alike. Those that cannot be changed so are left alone, and said.
///
/// # Errors
/// `Forbidden`; `Invalid` for what is wrong with the call as a whole; `Conflict` when too many match the filter.
pub fn change(
    conn: &mut Conn,
    caller: &Caller,
    which: &Which,
    patch: &IssuePatch,
    now: UtcTime,
) -> Result<Summary, ApiError> {
    caller.require(Permission::Write)?;
    let mut faults = Faults::default();
    faults.require(*patch != IssuePatch::default(), "/change", "must change something");
    if let Which::Ids(ids) = which {
        faults.require(!ids.is_empty(), "/ids", "must not be empty");
        faults.require(ids.len() <= MAX_ISSUES, "/ids", "may have at most 10,000 items");
    }
    faults.finish()?;
    check::patch(conn, caller, patch, "/change")?;
    repo::lock(conn, caller.organization)?;
    let ids = ids(conn, caller, which, now)?;
    let seen: HashSet<IssueId> = {
        let issues = repo::with_ids(conn, caller.organization, &ids)?;
        visible(conn, caller, issues)?.into_iter().map(|seen| seen.issue.id).collect()
    };
    let issues = repo::with_ids(conn, caller.organization, &ids)?;
    let mut plan = Plan::default();
    for before in issues.into_iter().filter(|issue| seen.contains(&issue.id)) {
        plan.add(before, patch, caller, now);
    }
    plan.write(conn, caller, patch, now)?;
    let result = |id: IssueId| {
        let (outcome, detail) = plan.outcomes.remove(&id).unwrap_or((Outcome::NotFound, None));
        ItemResult { id, outcome, detail }
    };
    Ok(Summary { results: ids.into_iter().map(result).collect(), changed: plan.changed })
}

fn ids(conn: &mut Conn, caller: &Caller, which: &Which, now: UtcTime) -> Result<Vec<IssueId>, ApiError> {
    match which {
        Which::Ids(ids) => {
            let mut seen = HashSet::with_capacity(ids.len());
            Ok(ids.iter().copied().filter(|id| seen.insert(*id)).collect())
        }
        Which::Filter(filter) => {
            filter.check("/filter/")?;
            let reader = Reader::of(caller);
            let question = Question { organization: caller.organization, reader: &reader, filter, now };
            let ids = list::ids(conn, question, MAX_ISSUES + 1)?;
            if ids.len() > MAX_ISSUES {
                return Err(ApiError::Conflict(format!("more than {MAX_ISSUES} issues match; narrow the filter")));
            }
            Ok(ids)
        }
    }
}

/// What is to be written, alike for as many issues as possible.
#[derive(Default)]
struct Plan {
    /// Those that get another state, and those that only get other fields.
    moved: Vec<IssueId>,
    edited: Vec<IssueId>,
    reopened: Vec<IssueId>,
    entries: Vec<crate::issues::timeline::Entry>,
    outcomes: HashMap<IssueId, (Outcome, Option<String>)>,
    changed: usize,
}

impl Plan {
    fn add(&mut self, before: Issue, patch: &IssuePatch, caller: &Caller, now: UtcTime) {
        let after = patched(&before, patch, now);
        let entries = entries(&before, &after, caller, now);
        let is_moved = before.state != after.state;
        let outcome = match before.merged_into {
            _ if entries.is_empty() => (Outcome::Unchanged, None),
            Some(into) if is_moved => (Outcome::Refused, Some(format!("this issue was merged into {into}"))),
            _ => {
                self.changed += 1;
                self.entries.extend(entries);
                if is_moved { &mut self.moved } else { &mut self.edited }.push(before.id);
                self.reopened.extend(is_reopened(&before, &after).then_some(before.id));
                (Outcome::Changed, None)
            }
        };
        self.outcomes.insert(before.id, outcome);
    }

    fn write(&self, conn: &mut Conn, caller: &Caller, patch: &IssuePatch, now: UtcTime) -> Result<(), ApiError> {
        let organization = caller.organization;
        let fields = |is_moved: bool| Alike {
            risk: patch.risk.as_set().copied(),
            state: patch.state.as_set().copied(),
            state_changed_at: is_moved.then_some(now),
            due_at: patch.due_at.as_set().copied(),
            assignee_kind: patch.assignee.as_set().map(|who| who.map(|who| who.kind)),
            assignee_id: patch.assignee.as_set().map(|who| who.map(|who| who.id.as_bytes().to_vec())),
        };
        repo::change(conn, organization, &self.moved, &fields(true), now)?;
        repo::change(conn, organization, &self.edited, &fields(false), now)?;
        repo::timeline::insert(conn, &self.entries)?;
        if !self.reopened.is_empty() {
            recompute::of_issues(conn, organization, &self.reopened, now)?;
        }
        Ok(())
    }
}

/// What many issues can be alike: no names, no texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// How bad they are.
    pub risk: Patch<crate::issues::model::Risk>,
    /// How far the work is.
    pub state: Patch<crate::issues::status::IssueState>,
    /// By when they are to be done.
    pub due_at: Patch<Option<UtcTime>>,
    /// Who is to work on them.
    pub assignee: Patch<Option<crate::issues::model::Assignee>>,
}

impl From<Change> for IssuePatch {
    fn from(change: Change) -> Self {
        Self {
            risk: change.risk,
            state: change.state,
            due_at: change.due_at,
            assignee: change.assignee,
            ..Self::default()
        }
    }
}
