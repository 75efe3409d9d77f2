//! What an import writes: many rows at once, one function per kind of change. The caller owns the transaction.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text};

use super::model::{HistoryEntry, Observation, ObservationDetails};
use super::status::ObservationStatus;
use crate::base::ids::{AssetId, BranchId, ObservationId, OrganizationId, ProductId, ScanSourceId, VulnerabilityId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::{observation_counts, observation_details, observation_history, observations};
use crate::on_backend;

/// Rows of one insert: SQLite binds at most 32,766 values.
const ROWS: usize = 1000;
/// Rows of an insert that stays prepared on SQLite: text for any number of rows would be compiled each time, and a
/// statement for each row opens all indexes again.
const PREPARED_ROWS: usize = 16;
/// Ids in one `IN (…)`.
const IDS: usize = 10_000;

/// What holds for an observation that a scan is about to change.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct Standing {
    /// The observation.
    pub id: ObservationId,
    /// What was found.
    pub vulnerability_id: VulnerabilityId,
    /// On what.
    pub asset_id: AssetId,
    /// Its status.
    pub status: ObservationStatus,
    /// Its severity.
    pub severity: Severity,
    /// What the last scan said about its state.
    pub scan_status: Option<ObservationStatus>,
    /// What people say about its state.
    pub assessed_status: Option<ObservationStatus>,
    /// What people say about its severity.
    pub assessed_severity: Option<Severity>,
    /// When its status last changed.
    pub status_changed_at: UtcTime,
}

/// All that a scan may write to a known observation.
#[derive(Debug, Clone)]
pub struct Rewrite {
    /// The observation.
    pub id: ObservationId,
    /// Its prints.
    pub fingerprint: Vec<u8>,
    /// The tool's.
    pub tool_fingerprint: Option<Vec<u8>>,
    /// What holds now.
    pub status: ObservationStatus,
    /// What holds now.
    pub severity: Severity,
    /// What this scan says.
    pub scan_severity: Severity,
    /// What this scan says.
    pub scan_status: Option<ObservationStatus>,
    /// What people say, less what this scan refutes.
    pub assessed_status: Option<ObservationStatus>,
    /// Where in the asset.
    pub location: String,
    /// The line there.
    pub line: Option<i32>,
    /// Of all that a scan writes.
    pub content_hash: i64,
    /// When the status changed.
    pub status_changed_at: UtcTime,
}

/// How many observations of a source gained or lost a (status, severity).
pub type CountDeltas = HashMap<(ObservationStatus, Severity), i64>;

/// Adds many rows: copied in on PostgreSQL, by prepared statements of many rows each on SQLite.
macro_rules! insert_many {
    ($conn:expr, $table:expr, $rows:expr) => {
        match $conn {
            Conn::Pg(_) if $rows.is_empty() => Ok(()),
            Conn::Pg(conn) => diesel::copy_from($table).from_insertable($rows).execute(conn).map(drop),
            Conn::Sqlite(conn) => {
                let (full, rest) = $rows.as_chunks::<PREPARED_ROWS>();
                for rows in full {
                    diesel::insert_into($table).values(rows).execute(conn)?;
                }
                for row in rest {
                    diesel::insert_into($table).values(row).execute(conn)?;
                }
                Ok(())
            }
        }
    };
}

/// Adds new observations.
pub fn insert(conn: &mut Conn, rows: &[Observation]) -> QueryResult<()> {
    insert_many!(conn, observations::table, rows)
}

/// Adds the wide text of observations that have none yet.
pub fn insert_details(conn: &mut Conn, rows: &[ObservationDetails]) -> QueryResult<()> {
    insert_many!(conn, observation_details::table, rows)
}

/// Replaces the wide text of these observations by `rows`.
pub fn replace_details(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[ObservationId],
    rows: &[ObservationDetails],
) -> QueryResult<()> {
    use observation_details as d;
    for ids in ids.chunks(IDS) {
        diesel::delete(d::table.filter(d::organization_id.eq(organization)).filter(d::observation_id.eq_any(ids)))
            .execute(conn)?;
    }
    insert_details(conn, rows)
}

/// Moves all that these sources brought to another branch.
pub fn move_to_branch(
    conn: &mut Conn,
    organization: OrganizationId,
    sources: &[ScanSourceId],
    to: BranchId,
) -> QueryResult<usize> {
    use observations as o;
    let theirs = o::organization_id.eq(organization).and(o::source_id.eq_any(sources));
    diesel::update(o::table.filter(theirs)).set(o::branch_id.eq(to)).execute(conn)
}

/// Adds history.
pub fn insert_history(conn: &mut Conn, rows: &[HistoryEntry]) -> QueryResult<()> {
    for rows in rows.chunks(ROWS) {
        on_backend!(conn, |conn| diesel::insert_into(observation_history::table).values(rows).execute(conn))?;
    }
    Ok(())
}

/// What holds for these observations. On PostgreSQL their rows stay locked: nobody assesses them meanwhile.
pub fn standing(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[ObservationId],
) -> QueryResult<HashMap<ObservationId, Standing>> {
    use observations as o;
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(IDS) {
        let query = o::table.filter(o::organization_id.eq(organization)).filter(o::id.eq_any(ids)).select((
            o::id,
            o::vulnerability_id,
            o::asset_id,
            o::status,
            o::severity,
            o::scan_status,
            o::assessed_status,
            o::assessed_severity,
            o::status_changed_at,
        ));
        let rows: Vec<Standing> = match conn {
            // In the order of the ids, so that two imports cannot wait for each other.
            Conn::Pg(conn) => query.order(o::id).for_update().load(conn)?,
            Conn::Sqlite(conn) => query.load(conn)?,
        };
        found.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    Ok(found)
}

/// Marks observations that the newest scan does not report: last seen at `seen_at`, with `status`, since `changed_at`
/// where it is another than before.
pub fn mark_gone(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[ObservationId],
    status: ObservationStatus,
    seen_at: UtcTime,
    changed_at: Option<UtcTime>,
) -> QueryResult<()> {
    use observations as o;
    for ids in ids.chunks(IDS) {
        diesel::update(o::table.filter(o::organization_id.eq(organization)).filter(o::id.eq_any(ids)))
            .set((
                o::last_seen_at.eq(seen_at),
                o::status.eq(status),
                o::is_active.eq(status.is_active()),
                changed_at.map(|at| o::status_changed_at.eq(at)),
                o::version.eq(o::version + 1),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Writes what a scan says about known observations, which it reports: they are present.
pub fn rewrite(conn: &mut Conn, organization: OrganizationId, rows: &[Rewrite]) -> QueryResult<()> {
    match conn {
        Conn::Pg(conn) => rows.chunks(IDS).try_for_each(|rows| rewrite_on_postgresql(conn, organization, rows)),
        Conn::Sqlite(conn) => rows.iter().try_for_each(|row| rewrite_on_sqlite(conn, organization, row)),
    }
}

/// One prepared statement, row by row: the engine is in this process, so a batch would gain nothing.
fn rewrite_on_sqlite(conn: &mut SqliteConnection, organization: OrganizationId, row: &Rewrite) -> QueryResult<()> {
    use observations as o;
    diesel::update(o::table.filter(o::organization_id.eq(organization)).filter(o::id.eq(row.id)))
        .set((
            (o::fingerprint.eq(&row.fingerprint), o::tool_fingerprint.eq(&row.tool_fingerprint)),
            (o::status.eq(row.status), o::is_active.eq(row.status.is_active()), o::severity.eq(row.severity)),
            (o::scan_severity.eq(row.scan_severity), o::scan_status.eq(row.scan_status)),
            o::assessed_status.eq(row.assessed_status),
            (o::location.eq(&row.location), o::line.eq(row.line), o::content_hash.eq(row.content_hash)),
            (o::last_seen_at.eq(None::<UtcTime>), o::status_changed_at.eq(row.status_changed_at)),
            o::version.eq(o::version + 1),
        ))
        .execute(conn)?;
    Ok(())
}

/// All rows in one statement: a round trip per row would cost more than the update.
fn rewrite_on_postgresql(conn: &mut PgConnection, organization: OrganizationId, rows: &[Rewrite]) -> QueryResult<()> {
    fn column<'a, T>(rows: &'a [Rewrite], of: impl Fn(&'a Rewrite) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    diesel::sql_query(
        "UPDATE observations AS o SET fingerprint = u.fingerprint, tool_fingerprint = u.tool_fingerprint, \
         status = u.status, is_active = u.is_active, severity = u.severity, scan_severity = u.scan_severity, \
         scan_status = u.scan_status, assessed_status = u.assessed_status, location = u.location, line = u.line, \
         content_hash = u.content_hash, last_seen_at = NULL, status_changed_at = u.status_changed_at, \
         version = o.version + 1 \
         FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS u (id, fingerprint, \
         tool_fingerprint, status, is_active, severity, scan_severity, scan_status, assessed_status, location, line, \
         content_hash, status_changed_at) \
         WHERE o.organization_id = $1 AND o.id = u.id",
    )
    .bind::<Binary, _>(organization)
    .bind::<Array<Binary>, _>(column(rows, |row| row.id))
    .bind::<Array<Binary>, _>(column(rows, |row| &row.fingerprint))
    .bind::<Array<Nullable<Binary>>, _>(column(rows, |row| row.tool_fingerprint.as_ref()))
    .bind::<Array<Text>, _>(column(rows, |row| row.status))
    .bind::<Array<Bool>, _>(column(rows, |row| row.status.is_active()))
    .bind::<Array<SmallInt>, _>(column(rows, |row| row.severity))
    .bind::<Array<SmallInt>, _>(column(rows, |row| row.scan_severity))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.scan_status))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.assessed_status))
    .bind::<Array<Text>, _>(column(rows, |row| row.location.as_str()))
    .bind::<Array<Nullable<Integer>>, _>(column(rows, |row| row.line))
    .bind::<Array<BigInt>, _>(column(rows, |row| row.content_hash))
    .bind::<Array<BigInt>, _>(column(rows, |row| row.status_changed_at))
    .execute(conn)?;
    Ok(())
}

/// Adds to the counts of a source.
pub fn add_counts(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    source: ScanSourceId,
    deltas: &CountDeltas,
) -> QueryResult<()> {
    use observation_counts as c;
    let mut deltas: Vec<_> = deltas.iter().filter(|(_, delta)| **delta != 0).collect();
    // In one order, so that two transactions cannot wait for each other.
    deltas.sort_by_key(|(key, _)| **key);
    for ((status, severity), delta) in deltas {
        let row = (
            c::organization_id.eq(organization),
            c::product_id.eq(product),
            c::source_id.eq(source),
            c::status.eq(*status),
            c::severity.eq(*severity),
            c::observations.eq(*delta),
        );
        let key = (c::organization_id, c::product_id, c::source_id, c::status, c::severity);
        on_backend!(conn, |conn| diesel::insert_into(c::table)
            .values(row)
            .on_conflict(key)
            .do_update()
            .set(c::observations.eq(c::observations + *delta))
            .execute(conn))?;
    }
    Ok(())
}
