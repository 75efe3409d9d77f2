//! The list of observations: a page costs the same at any depth.
//!
//! A page is read in two steps: first the keys of its rows, along an index (see [`super::plan`]); then these rows with
//! what belongs to them ([`super::rows`]), so that nothing is joined that is not shown.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, SmallInt};

use super::last_seen;
use super::plan::{self, Lead, Run};
use super::rows::{self, ListedObservation};
use super::sql::Sql;
use super::target::Target;
use crate::base::ids::{ObservationId, OrganizationId};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::base::severity::Severity;
use crate::db::conn::Conn;
use crate::observations::filter::{Filter, Key, Sort, SortField};

/// The sizes of pages that clients mostly ask for.
const USUAL_LIMITS: [i64; 5] = [20, 25, 50, 100, 500];
/// Where a total that must be counted row by row stops.
pub const MAX_COUNTED: i64 = 10_000;

/// The rows of a page with their sort keys, one more than the page has, in order.
pub fn page(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &Filter,
    sort: Sort,
    window: &Window<Key>,
) -> QueryResult<Vec<(Key, ListedObservation)>> {
    let Some(target) = Target::of(conn, organization, scope, filter)? else { return Ok(Vec::new()) };
    let keys = match sort.field() {
        SortField::LastSeen => last_seen::keys(conn, &target, sort, window)?,
        SortField::Severity | SortField::Created => {
            let is_usual = *filter == Filter::default() && *scope == ProductScope::all();
            keys(conn, &target, sort, window, is_usual && USUAL_LIMITS.contains(&window.limit))?
        }
    };
    rows::with_keys(conn, organization, keys)
}

/// The ids of all that match, in no particular order: at most `limit`.
pub fn ids(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &Filter,
    limit: i64,
) -> QueryResult<Vec<ObservationId>> {
    let Some(target) = Target::of(conn, organization, scope, filter)? else { return Ok(Vec::new()) };
    let lead = Lead::of(conn, &target, true)?;
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT o.id, o.severity");
    plan::push_rows(&mut sql, &lead, &target);
    sql.push(" LIMIT ").push(&limit.to_string());
    Ok(sql.load::<KeyRow>(conn)?.into_iter().map(|row| row.id).collect())
}

/// How many match. Exact where `observation_counts` knows; otherwise counted no further than [`MAX_COUNTED`].
pub fn total(conn: &mut Conn, organization: OrganizationId, scope: &ProductScope, filter: &Filter) -> QueryResult<i64> {
    let Some(target) = Target::of(conn, organization, scope, filter)? else { return Ok(0) };
    if filter.is_counted() {
        return super::facets::counted_total(conn, &target);
    }
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let lead = Lead::of(conn, &target, true)?;
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT count(*) AS total FROM (SELECT 1");
    plan::push_rows(&mut sql, &lead, &target);
    sql.push(" LIMIT ").push(&MAX_COUNTED.to_string()).push(") found");
    Ok(sql.load::<Total>(conn)?.first().map_or(0, |row| row.total))
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Binary)]
    id: ObservationId,
    #[diesel(sql_type = SmallInt)]
    severity: Severity,
}

impl KeyRow {
    const fn key(&self, sort: Sort) -> Key {
        match sort.field() {
            SortField::Created => Key::Created(self.id),
            SortField::Severity | SortField::LastSeen => Key::Severity(self.severity, self.id),
        }
    }
}

/// The keys of a page that is sorted by severity or creation; the statement of a usual one is kept prepared.
fn keys(conn: &mut Conn, target: &Target, sort: Sort, window: &Window<Key>, is_usual: bool) -> QueryResult<Vec<Key>> {
    let Some(mut sql) = statement(conn, target, sort, window)? else { return Ok(Vec::new()) };
    if is_usual {
        sql.keep();
    }
    Ok(sql.load::<KeyRow>(conn)?.iter().map(|row| row.key(sort)).collect())
}

/// The statement that reads the keys of a page; none when no run can have more.
pub(super) fn statement(
    conn: &mut Conn,
    target: &Target,
    sort: Sort,
    window: &Window<Key>,
) -> QueryResult<Option<Sql>> {
    let by_severity = sort.field() == SortField::Severity;
    let lead = Lead::of(conn, target, by_severity)?;
    let mut sql = Sql::for_database(conn);
    let Some(mut runs) = plan::runs(&lead, target, by_severity) else {
        sql.push("SELECT o.id, o.severity");
        plan::push_rows(&mut sql, &lead, target);
        push_after(&mut sql, sort, window.after.as_ref(), None);
        push_end(&mut sql, "o.", sort, window.fetch());
        return Ok(Some(sql));
    };
    runs.retain(|run| has_more(run, sort, window.after.as_ref()));
    push_merged(&mut sql, &runs, target, sort, window);
    Ok((!runs.is_empty()).then_some(sql))
}

/// Can a run have rows after the key? One of a severity that the pages before have passed cannot.
fn has_more(run: &Run, sort: Sort, after: Option<&Key>) -> bool {
    match (run.severity, after) {
        (Some(severity), Some(Key::Severity(passed, _))) if sort.is_down() => severity <= *passed,
        (Some(severity), Some(Key::Severity(passed, _))) => severity >= *passed,
        _ => true,
    }
}

fn push_merged(sql: &mut Sql, runs: &[Run], target: &Target, sort: Sort, window: &Window<Key>) {
    let push_one = |sql: &mut Sql, run: &Run| {
        sql.push("SELECT o.id, o.severity");
        plan::push_run(sql, run, target);
        push_after(sql, sort, window.after.as_ref(), run.severity);
        push_end(sql, "o.", sort, window.fetch());
    };
    if let [run] = runs {
        return push_one(sql, run);
    }
    sql.push("SELECT id, severity FROM (");
    for (n, run) in runs.iter().enumerate() {
        sql.push(if n == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
        push_one(sql, run);
        sql.push(") run").push(&n.to_string());
    }
    sql.push(") merged");
    push_end(sql, "", sort, window.fetch());
}

/// Writes the condition that a row comes after a key; `severity` is the one that all rows have.
fn push_after(sql: &mut Sql, sort: Sort, after: Option<&Key>, severity: Option<Severity>) {
    let comparison = sort.words().0;
    match (after, severity) {
        (None, _) => {}
        (Some(Key::Severity(passed, id)), None) => {
            sql.push(" AND (o.severity, o.id) ").push(comparison).push(" (").push(&passed.rank().to_string());
            sql.push(", ").bind(*id).push(")");
        }
        // The runs of severities yet to come are read from their beginning.
        (Some(Key::Severity(passed, _)), Some(severity)) if severity != *passed => {}
        (Some(Key::Severity(_, id) | Key::Created(id) | Key::LastSeen(_, _, id)), _) => {
            sql.push(" AND o.id ").push(comparison).push(" ").bind(*id);
        }
    }
}

fn push_end(sql: &mut Sql, alias: &str, sort: Sort, limit: i64) {
    let order = sort.words().1;
    sql.push(" ORDER BY ");
    if sort.field() == SortField::Severity {
        sql.push(alias).push("severity ").push(order).push(", ");
    }
    sql.push(alias).push("id ").push(order).push(" LIMIT ").push(&limit.to_string());
}
