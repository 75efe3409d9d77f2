//! Looking at jobs, and what people do with them.

use diesel::dsl::{count_star, min};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable};

use crate::base::ids::{ConnectionId, OrganizationId, ProductId, SubjectId, SyncJobId};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::sync_jobs;
use crate::in_scope;
use crate::outbox::model::{Backlog, JobState, ProductJobs, SubjectKind, SyncJob};

/// Which jobs.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// In one of these states; all if empty.
    pub states: Vec<JobState>,
    /// Of this connection.
    pub connection: Option<ConnectionId>,
    /// Of this product.
    pub product: Option<ProductId>,
}

/// Jobs, the newest first.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &JobFilter,
    window: &Window<SyncJobId>,
) -> QueryResult<Vec<SyncJob>> {
    let mut query = sync_jobs::table
        .filter(sync_jobs::organization_id.eq(organization))
        .select(SyncJob::as_select())
        .into_boxed::<MultiBackend>();
    query = in_scope!(query, scope, sync_jobs::product_id);
    if !filter.states.is_empty() {
        query = query.filter(sync_jobs::state.eq_any(filter.states.clone()));
    }
    if let Some(connection) = filter.connection {
        query = query.filter(sync_jobs::connection_id.eq(connection));
    }
    if let Some(product) = filter.product {
        query = query.filter(sync_jobs::product_id.eq(product));
    }
    if let Some(after) = window.after {
        query = query.filter(sync_jobs::id.lt(after));
    }
    query.order(sync_jobs::id.desc()).limit(window.fetch()).load(conn)
}

/// A job, if there is one that the scope shows.
pub fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    id: SyncJobId,
) -> QueryResult<Option<SyncJob>> {
    let query = sync_jobs::table.find((organization, id)).select(SyncJob::as_select()).into_boxed::<MultiBackend>();
    in_scope!(query, scope, sync_jobs::product_id).first(conn).optional()
}

/// The open job of a subject.
pub fn of_subject(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    kind: SubjectKind,
    subject: SubjectId,
) -> QueryResult<Option<SyncJob>> {
    sync_jobs::table
        .filter(sync_jobs::organization_id.eq(organization))
        .filter(sync_jobs::connection_id.eq(connection))
        .filter(sync_jobs::subject_kind.eq(kind).and(sync_jobs::subject_id.eq(subject)))
        .select(SyncJob::as_select())
        .first(conn)
        .optional()
}

/// Lets a job run now that waits, is held or is parked. False when a worker has it already.
pub fn retry_now(conn: &mut Conn, organization: OrganizationId, id: SyncJobId, now: UtcTime) -> QueryResult<bool> {
    let job = sync_jobs::table.find((organization, id)).filter(sync_jobs::state.ne(JobState::Leased));
    let freed = diesel::update(job)
        .set((sync_jobs::state.eq(JobState::Queued), sync_jobs::due_at.eq(now), sync_jobs::attempts.eq(0)))
        .execute(conn)?;
    Ok(freed > 0)
}

/// Forgets a job, whatever its state. The next change of its subject writes another.
pub fn discard(conn: &mut Conn, organization: OrganizationId, id: SyncJobId) -> QueryResult<bool> {
    Ok(diesel::delete(sync_jobs::table.find((organization, id))).execute(conn)? > 0)
}

/// Lets run what was held or parked, of a connection or of one product in it, because something changed that may free
/// it. Running jobs hear of it by their revision, so that none of them holds itself on yesterday's switch.
pub fn release(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    product: Option<ProductId>,
    now: UtcTime,
) -> QueryResult<()> {
    let jobs = sync_jobs::organization_id.eq(organization).and(sync_jobs::connection_id.eq(connection));
    let of_product = |product: ProductId| sync_jobs::product_id.eq(product);
    let running = sync_jobs::state.eq(JobState::Leased);
    let waiting = sync_jobs::state.eq_any([JobState::Held, JobState::Parked]);
    let grown = sync_jobs::revision.eq(sync_jobs::revision + 1);
    let freed = (sync_jobs::state.eq(JobState::Queued), sync_jobs::due_at.eq(now), sync_jobs::attempts.eq(0));
    match product {
        Some(product) => {
            let mine = of_product(product);
            diesel::update(sync_jobs::table.filter(jobs).filter(mine).filter(running)).set(grown).execute(conn)?;
            diesel::update(sync_jobs::table.filter(jobs).filter(mine).filter(waiting)).set(freed).execute(conn)?;
        }
        None => {
            diesel::update(sync_jobs::table.filter(jobs).filter(running)).set(grown).execute(conn)?;
            diesel::update(sync_jobs::table.filter(jobs).filter(waiting)).set(freed).execute(conn)?;
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct BacklogRow {
    #[diesel(sql_type = Binary)]
    organization_id: OrganizationId,
    #[diesel(sql_type = Binary)]
    connection_id: ConnectionId,
    #[diesel(sql_type = BigInt)]
    queued: i64,
    #[diesel(sql_type = BigInt)]
    held: i64,
    #[diesel(sql_type = BigInt)]
    parked: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    oldest_at: Option<UtcTime>,
}

/// How many jobs wait, by connection, of all organizations.
pub fn backlog(conn: &mut Conn) -> QueryResult<Vec<Backlog>> {
    let rows: Vec<BacklogRow> = diesel::sql_query(
        "SELECT organization_id, connection_id, \
         CAST(SUM(CASE WHEN state IN ('queued', 'leased') THEN 1 ELSE 0 END) AS BIGINT) AS queued, \
         CAST(SUM(CASE WHEN state = 'held' THEN 1 ELSE 0 END) AS BIGINT) AS held, \
         CAST(SUM(CASE WHEN state = 'parked' THEN 1 ELSE 0 END) AS BIGINT) AS parked, \
         MIN(CASE WHEN state IN ('queued', 'leased') THEN created_at END) AS oldest_at \
         FROM sync_jobs GROUP BY organization_id, connection_id ORDER BY organization_id, connection_id",
    )
    .load(conn)?;
    let shape = |row: BacklogRow| Backlog {
        organization_id: row.organization_id,
        connection_id: row.connection_id,
        queued: row.queued,
        held: row.held,
        parked: row.parked,
        oldest_at: row.oldest_at,
    };
    Ok(rows.into_iter().map(shape).collect())
}

/// How many jobs of a connection wait, of the products that the scope shows.
pub fn backlog_of(
    conn: &mut Conn,
    organization_id: OrganizationId,
    connection_id: ConnectionId,
    scope: &ProductScope,
) -> QueryResult<Backlog> {
    let jobs = sync_jobs::table
        .filter(sync_jobs::organization_id.eq(organization_id).and(sync_jobs::connection_id.eq(connection_id)));
    let counted = (sync_jobs::state, count_star(), min(sync_jobs::created_at));
    let rows: Vec<(JobState, i64, Option<UtcTime>)> = match scope {
        ProductScope::Except(_) => {
            let shown = jobs.filter(sync_jobs::product_id.ne_all(scope.unseen()));
            shown.group_by(sync_jobs::state).select(counted).load(conn)?
        }
        ProductScope::Only(product) => {
            let shown = jobs.filter(sync_jobs::product_id.eq(*product));
            shown.group_by(sync_jobs::state).select(counted).load(conn)?
        }
    };
    let mut backlog = Backlog { organization_id, connection_id, queued: 0, held: 0, parked: 0, oldest_at: None };
    for (state, count, oldest_at) in rows {
        match state {
            JobState::Queued | JobState::Leased => {
                backlog.queued += count;
                backlog.oldest_at = backlog.oldest_at.into_iter().chain(oldest_at).min();
            }
            JobState::Held => backlog.held = count,
            JobState::Parked => backlog.parked = count,
        }
    }
    Ok(backlog)
}

/// The jobs of a product in one connection, counted.
pub fn jobs_of_product(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    product: ProductId,
) -> QueryResult<ProductJobs> {
    let jobs = sync_jobs::table
        .filter(sync_jobs::organization_id.eq(organization).and(sync_jobs::product_id.eq(product)))
        .filter(sync_jobs::connection_id.eq(connection));
    let counts: Vec<(JobState, i64)> =
        jobs.group_by(sync_jobs::state).select((sync_jobs::state, count_star())).load(conn)?;
    let last_error: Option<Option<String>> = jobs
        .filter(sync_jobs::state.eq(JobState::Parked))
        .order(sync_jobs::id.desc())
        .select(sync_jobs::last_error)
        .first(conn)
        .optional()?;
    let of = |states: &[JobState]| counts.iter().filter(|(state, _)| states.contains(state)).map(|(_, n)| n).sum();
    Ok(ProductJobs {
        queued: of(&[JobState::Queued, JobState::Leased]),
        held: of(&[JobState::Held]),
        parked: of(&[JobState::Parked]),
        last_error: last_error.flatten(),
    })
}
