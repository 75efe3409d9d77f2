//! The list by last seen.
//!
//! What is present was last seen when its source's newest scan ran, which is kept with the source. So the list is
//! merged of two streams: the sources by the time of their newest scan, each read along its own index; and the gone,
//! along theirs. Where a narrower index leads to few rows, those are collected and sorted.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, SmallInt};
use uuid::Uuid;

use super::plan::{self, Lead, Run};
use super::sql::{Sql, Value};
use super::target::{Dimension, Target, boolean};
use crate::base::ids::{ObservationId, ScanSourceId};
use crate::base::page::Window;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::observations::filter::{Key, Sort};

/// The most sources that one statement reads.
const MAX_SOURCES: i64 = 48;

/// The keys of a page that is sorted by last seen.
pub(super) fn keys(conn: &mut Conn, target: &Target, sort: Sort, window: &Window<Key>) -> QueryResult<Vec<Key>> {
    let lead = Lead::of(conn, target, true)?;
    if !lead.is_whole() {
        return collected(conn, target, &lead, sort, window);
    }
    let mut keys = present(conn, target, sort, window)?;
    if target.actives.contains(&false) {
        // Only what is resolved or disposed of can be gone.
        keys.extend(gone(conn, target, sort, window)?);
    }
    keys.sort_unstable();
    if sort.is_down() {
        keys.reverse();
    }
    keys.truncate(usize::try_from(window.fetch()).unwrap_or(usize::MAX));
    Ok(keys)
}

#[derive(QueryableByName)]
struct SeenRow {
    #[diesel(sql_type = Binary)]
    id: ObservationId,
    #[diesel(sql_type = SmallInt)]
    severity: Severity,
    #[diesel(sql_type = Binary)]
    source_id: ScanSourceId,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_seen_at: Option<UtcTime>,
}

const COLUMNS: &str = "SELECT o.id, o.severity, o.source_id, o.last_seen_at";

#[derive(Debug, QueryableByName)]
struct SourceRow {
    #[diesel(sql_type = Binary)]
    id: ScanSourceId,
    #[diesel(sql_type = BigInt)]
    latest_scan_at: UtcTime,
}

/// What is present, source by source until the page is full.
fn present(conn: &mut Conn, target: &Target, sort: Sort, window: &Window<Key>) -> QueryResult<Vec<Key>> {
    let wanted = usize::try_from(window.fetch()).unwrap_or(usize::MAX);
    let (mut keys, mut after) = (Vec::new(), SourceAfter::of(window.after.as_ref()));
    // Mostly the first source fills the page; a filter that few sources meet reads ever more of them at a time.
    let mut batch = 2;
    while keys.len() < wanted {
        let sources = newest_sources(conn, target, sort, after, batch)?;
        let Some(last) = sources.last() else { break };
        after = SourceAfter::Source(last.latest_scan_at, last.id);
        keys.extend(of_sources(conn, target, &sources, sort, window)?);
        batch = (batch * 3).min(MAX_SOURCES);
    }
    Ok(keys)
}

/// Where the walk over the sources goes on.
#[derive(Debug, Clone, Copy)]
enum SourceAfter {
    /// At the beginning.
    Start,
    /// With this source itself: the page before ended in it.
    In(UtcTime, ScanSourceId),
    /// After this source.
    Source(UtcTime, ScanSourceId),
    /// With the sources whose newest scan is as old as this: the page before ended in what was gone then.
    Time(UtcTime),
}

impl SourceAfter {
    const fn of(after: Option<&Key>) -> Self {
        match after {
            Some(Key::LastSeen(at, Some((source, _)), _)) => Self::In(*at, *source),
            Some(Key::LastSeen(at, None, _)) => Self::Time(*at),
            _ => Self::Start,
        }
    }
}

fn newest_sources(
    conn: &mut Conn,
    target: &Target,
    sort: Sort,
    after: SourceAfter,
    limit: i64,
) -> QueryResult<Vec<SourceRow>> {
    let (comparison, order) = sort.words();
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT s.id, s.latest_scan_at FROM scan_sources s WHERE s.organization_id = ").bind(target.organization);
    sql.push(" AND s.latest_scan_at IS NOT NULL");
    push_sources(&mut sql, target);
    match after {
        SourceAfter::Start => {}
        SourceAfter::In(at, id) | SourceAfter::Source(at, id) => {
            let inclusive = if matches!(after, SourceAfter::In(..)) { "=" } else { "" };
            sql.push(" AND (s.latest_scan_at, s.id) ").push(comparison).push(inclusive);
            sql.push(" (").bind(at).push(", ").bind(id).push(")");
        }
        // Down, what was gone comes after what is present at the same time; up, before it.
        SourceAfter::Time(at) => {
            let inclusive = if sort.is_down() { "" } else { "=" };
            sql.push(" AND s.latest_scan_at ").push(comparison).push(inclusive).push(" ").bind(at);
        }
    }
    sql.push(" ORDER BY s.latest_scan_at ").push(order).push(", s.id ").push(order);
    sql.push(" LIMIT ").push(&limit.to_string());
    sql.load(conn)
}

fn push_sources(sql: &mut Sql, target: &Target) {
    if let Some(sources) = &target.sources {
        sql.push(" AND s.id IN ").bind_list(sources.iter().copied());
    }
    if !target.products.is_empty() {
        sql.push(" AND s.product_id IN ").bind_list(target.products.iter().copied());
    }
    if !target.hidden.is_empty() {
        sql.push(" AND s.product_id NOT IN ").bind_list(target.hidden.iter().copied());
    }
}

/// What is present of these sources, each in the order of severity and id.
fn of_sources(
    conn: &mut Conn,
    target: &Target,
    sources: &[SourceRow],
    sort: Sort,
    window: &Window<Key>,
) -> QueryResult<Vec<Key>> {
    let mut sql = Sql::for_database(conn);
    let mut runs = 0;
    for source in sources {
        let value = vec![Value::from(source.id)];
        let lead = Lead::Column(Dimension::Source, "source_id", "ix_observations_source", value);
        for run in plan::runs(&lead, target, true).unwrap_or_default() {
            push_union(&mut sql, runs);
            push_present(&mut sql, &run, source.id, target, sort, window);
            sql.push(") run").push(&runs.to_string());
            runs += 1;
        }
    }
    let seen: HashMap<ScanSourceId, UtcTime> = sources.iter().map(|s| (s.id, s.latest_scan_at)).collect();
    Ok(sql
        .load::<SeenRow>(conn)?
        .into_iter()
        .map(|row| Key::LastSeen(seen[&row.source_id], Some((row.source_id, row.severity)), row.id))
        .collect())
}

fn push_union(sql: &mut Sql, runs: usize) {
    sql.push(if runs == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
}

fn push_present(sql: &mut Sql, run: &Run, id: ScanSourceId, target: &Target, sort: Sort, window: &Window<Key>) {
    let (comparison, order) = sort.words();
    sql.push(COLUMNS);
    plan::push_run(sql, run, target);
    sql.push(" AND o.last_seen_at IS NULL");
    if let Some(Key::LastSeen(_, Some((source, severity)), passed)) = window.after
        && source == id
    {
        sql.push(" AND (o.severity, o.id) ").push(comparison).push(" (").push(&severity.rank().to_string());
        sql.push(", ").bind(passed).push(")");
    }
    sql.push(" ORDER BY o.severity ").push(order).push(", o.id ").push(order);
    sql.push(" LIMIT ").push(&window.fetch().to_string());
}

/// What is gone, along the index of the organization; or of the sources, where there are few.
fn gone(conn: &mut Conn, target: &Target, sort: Sort, window: &Window<Key>) -> QueryResult<Vec<Key>> {
    let few = usize::try_from(MAX_SOURCES).unwrap_or(usize::MAX);
    let sources = of_whole(conn, target)?.filter(|sources| sources.len() <= few);
    let mut sql = Sql::for_database(conn);
    match sources {
        None => push_gone(&mut sql, None, target, sort, window),
        Some(sources) if sources.is_empty() => return Ok(Vec::new()),
        Some(sources) => {
            for (n, source) in sources.into_iter().enumerate() {
                push_union(&mut sql, n);
                push_gone(&mut sql, Some(source), target, sort, window);
                sql.push(") run").push(&n.to_string());
            }
        }
    }
    let rows: Vec<SeenRow> = sql.load(conn)?;
    Ok(rows.into_iter().filter_map(|row| Some(Key::LastSeen(row.last_seen_at?, None, row.id))).collect())
}

/// The sources that are asked for, or those of the products that are.
fn of_whole(conn: &mut Conn, target: &Target) -> QueryResult<Option<Vec<ScanSourceId>>> {
    if target.sources.is_some() || target.products.is_empty() {
        return Ok(target.sources.clone());
    }
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT s.id, s.latest_scan_at FROM scan_sources s WHERE s.organization_id = ").bind(target.organization);
    sql.push(" AND s.latest_scan_at IS NOT NULL");
    push_sources(&mut sql, target);
    sql.push(" LIMIT ").push(&(MAX_SOURCES + 1).to_string());
    Ok(Some(sql.load::<SourceRow>(conn)?.into_iter().map(|source| source.id).collect()))
}

fn push_gone(sql: &mut Sql, source: Option<ScanSourceId>, target: &Target, sort: Sort, window: &Window<Key>) {
    let (comparison, order) = sort.words();
    sql.push(COLUMNS).push(" FROM observations o");
    let taken = match source {
        None => {
            sql.indexed_by("ix_observations_gone_organization").push(" WHERE o.organization_id = ");
            sql.bind(target.organization);
            Dimension::Organization
        }
        Some(source) => {
            sql.indexed_by("ix_observations_gone").push(" WHERE o.source_id = ").bind(source);
            Dimension::Source
        }
    };
    sql.push(" AND o.last_seen_at IS NOT NULL");
    if let [active] = target.actives[..] {
        sql.push(" AND o.is_active = ").push(boolean(active));
    }
    plan::push_severities(sql, &target.severities);
    target.push_conditions(sql, taken);
    match window.after {
        Some(Key::LastSeen(at, None, id)) => {
            sql.push(" AND (o.last_seen_at, o.id) ").push(comparison).push(" (").bind(at).push(", ").bind(id).push(")");
        }
        Some(Key::LastSeen(at, Some(_), _)) => {
            let inclusive = if sort.is_down() { "=" } else { "" };
            sql.push(" AND o.last_seen_at ").push(comparison).push(inclusive).push(" ").bind(at);
        }
        _ => {}
    }
    sql.push(" ORDER BY o.last_seen_at ").push(order).push(", o.id ").push(order);
    sql.push(" LIMIT ").push(&window.fetch().to_string());
}

/// The keys behind an index that leads to few rows, sorted.
fn collected(conn: &mut Conn, target: &Target, lead: &Lead, sort: Sort, window: &Window<Key>) -> QueryResult<Vec<Key>> {
    let (comparison, order) = sort.words();
    let mut sql = Sql::for_database(conn);
    push_key_parts(&mut sql);
    plan::push_rows(&mut sql, lead, target);
    sql.push(") found");
    if let Some(Key::LastSeen(at, place, id)) = window.after {
        let (source, severity) =
            place.map_or((None, Severity::Unknown), |(source, severity)| (Some(source.0), severity));
        sql.push(" WHERE (seen_at, is_present, source_id, severity, id) ").push(comparison).push(" (").bind(at);
        sql.push(if source.is_some() { ", 1, " } else { ", 0, " }).bind(Value::Id(source));
        sql.push(", ").push(&severity.rank().to_string()).push(", ").bind(id).push(")");
    }
    let parts = ["seen_at", "is_present", "source_id", "severity", "id"].map(|part| format!("{part} {order}"));
    sql.push(" ORDER BY ").push(&parts.join(", ")).push(" LIMIT ").push(&window.fetch().to_string());
    Ok(sql.load::<CollectedRow>(conn)?.iter().map(CollectedRow::key).collect())
}

/// Writes the parts of [`Key::LastSeen`], in its order; what is gone has no source and severity in it.
fn push_key_parts(sql: &mut Sql) {
    let no_source = if sql.is_sqlite() { "x''" } else { "''::bytea" };
    sql.push("SELECT * FROM (SELECT o.id, COALESCE(o.last_seen_at, (SELECT s.latest_scan_at FROM scan_sources s ");
    sql.push("WHERE s.organization_id = o.organization_id AND s.id = o.source_id), 0) AS seen_at, ");
    sql.push("CASE WHEN o.last_seen_at IS NULL THEN 1 ELSE 0 END AS is_present, ");
    sql.push("CASE WHEN o.last_seen_at IS NULL THEN o.source_id ELSE ").push(no_source).push(" END AS source_id, ");
    sql.push("CASE WHEN o.last_seen_at IS NULL THEN o.severity ELSE CAST(0 AS SMALLINT) END AS severity");
}

#[derive(QueryableByName)]
struct CollectedRow {
    #[diesel(sql_type = Binary)]
    id: ObservationId,
    #[diesel(sql_type = BigInt)]
    seen_at: UtcTime,
    #[diesel(sql_type = Integer)]
    is_present: i32,
    #[diesel(sql_type = Binary)]
    source_id: Vec<u8>,
    #[diesel(sql_type = SmallInt)]
    severity: Severity,
}

impl CollectedRow {
    fn key(&self) -> Key {
        let source = Uuid::from_slice(&self.source_id).ok().filter(|_| self.is_present == 1);
        Key::LastSeen(self.seen_at, source.map(|id| (ScanSourceId(id), self.severity)), self.id)
    }
}
