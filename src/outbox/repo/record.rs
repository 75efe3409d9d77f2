//! Writing wishes.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Text};

use crate::base::ids::{OrganizationId, ProductId, SyncJobId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::outbox::model::{Change, JobReason};

/// Lines of one statement.
const CHUNK: usize = 10_000;

const COLUMNS: &str = "INSERT INTO sync_jobs (organization_id, product_id, reason, due_at, created_at, id, \
    connection_id, subject_kind, subject_id, state, attempts, revision)";

/// A job that is there already hears that there is more: its revision grows. What runs or waits keeps its time; what
/// was parked gets another chance, and a push by hand also frees what a switch held.
const COALESCE: &str = "ON CONFLICT (organization_id, connection_id, subject_kind, subject_id) DO UPDATE SET \
    revision = sync_jobs.revision + 1, \
    state = CASE WHEN sync_jobs.state = 'parked' OR (sync_jobs.state = 'held' AND excluded.reason = 'push') \
        THEN 'queued' ELSE sync_jobs.state END, \
    due_at = CASE WHEN sync_jobs.state = 'parked' OR (sync_jobs.state = 'held' AND excluded.reason = 'push') \
        THEN excluded.due_at ELSE sync_jobs.due_at END, \
    attempts = CASE WHEN sync_jobs.state = 'parked' THEN 0 ELSE sync_jobs.attempts END, \
    reason = CASE WHEN excluded.reason = 'push' OR sync_jobs.reason = 'verify' \
        THEN excluded.reason ELSE sync_jobs.reason END";

/// Writes that the tickets of these subjects of a product need a look, in the caller's transaction. A few statements
/// for any number of changes.
pub fn record(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    changes: &[Change],
    reason: JobReason,
    now: UtcTime,
) -> QueryResult<()> {
    let mut changes = changes.to_vec();
    // One order for all writers, so that they cannot deadlock; and a statement may not meet a row twice.
    changes.sort_unstable();
    changes.dedup();
    for chunk in changes.chunks(CHUNK) {
        match conn {
            Conn::Sqlite(conn) => record_sqlite(conn, organization, product, chunk, reason, now)?,
            Conn::Pg(conn) => record_pg(conn, organization, product, chunk, reason, now)?,
        };
    }
    Ok(())
}

fn record_sqlite(
    conn: &mut SqliteConnection,
    organization: OrganizationId,
    product: ProductId,
    changes: &[Change],
    reason: JobReason,
    now: UtcTime,
) -> QueryResult<usize> {
    let line = |change: &Change| {
        let hex = |id: uuid::Uuid| id.simple().to_string();
        [hex(SyncJobId::generate().0), hex(change.connection.0), change.kind.as_str().to_owned(), hex(change.subject.0)]
    };
    let lines: Vec<_> = changes.iter().map(line).collect();
    let lines = serde_json::to_string(&lines).expect("a list of strings always serialises");
    diesel::sql_query(format!(
        "{COLUMNS} SELECT $1, $2, $3, $4, $4, unhex(line.value ->> 0), unhex(line.value ->> 1), line.value ->> 2, \
         unhex(line.value ->> 3), 'queued', 0, 1 FROM json_each($5) AS line WHERE true {COALESCE}"
    ))
    .bind::<Binary, _>(organization)
    .bind::<Binary, _>(product)
    .bind::<Text, _>(reason)
    .bind::<BigInt, _>(now)
    .bind::<Text, _>(lines)
    .execute(conn)
}

fn record_pg(
    conn: &mut PgConnection,
    organization: OrganizationId,
    product: ProductId,
    changes: &[Change],
    reason: JobReason,
    now: UtcTime,
) -> QueryResult<usize> {
    let ids: Vec<_> = changes.iter().map(|_| SyncJobId::generate()).collect();
    let connections: Vec<_> = changes.iter().map(|change| change.connection).collect();
    let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
    let subjects: Vec<_> = changes.iter().map(|change| change.subject).collect();
    diesel::sql_query(format!(
        "{COLUMNS} SELECT $1, $2, $3, $4, $4, line.id, line.connection_id, line.subject_kind, line.subject_id, \
         'queued', 0, 1 FROM unnest($5, $6, $7, $8) AS line (id, connection_id, subject_kind, subject_id) {COALESCE}"
    ))
    .bind::<Binary, _>(organization)
    .bind::<Binary, _>(product)
    .bind::<Text, _>(reason)
    .bind::<BigInt, _>(now)
    .bind::<Array<Binary>, _>(ids)
    .bind::<Array<Binary>, _>(connections)
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<Binary>, _>(subjects)
    .execute(conn)
}
