//! Settling what was taken. Everything here needs the lease: who lost it changes nothing.

use diesel::prelude::*;

use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::sync_jobs;
use crate::outbox::model::{JobState, Lease, Settled};

macro_rules! leased {
    ($lease:expr) => {
        sync_jobs::table
            .find(($lease.organization, $lease.job))
            .filter(sync_jobs::lease_token.eq($lease.token).and(sync_jobs::state.eq(JobState::Leased)))
    };
}

/// Ends a job whose ticket is what it should be; queues it again if its subject changed meanwhile.
pub fn finish(conn: &mut Conn, lease: &Lease, now: UtcTime) -> QueryResult<Settled> {
    let ended = diesel::delete(leased!(lease).filter(sync_jobs::revision.eq(lease.revision))).execute(conn)?;
    if ended > 0 { Ok(Settled::Done) } else { requeue(conn, lease, now) }
}

/// Holds a job because a switch is off; queues it again if something changed meanwhile, perhaps that switch.
pub fn hold(conn: &mut Conn, lease: &Lease, now: UtcTime) -> QueryResult<Settled> {
    let held = diesel::update(leased!(lease).filter(sync_jobs::revision.eq(lease.revision)))
        .set((
            sync_jobs::state.eq(JobState::Held),
            sync_jobs::lease_token.eq(None::<Vec<u8>>),
            sync_jobs::attempts.eq(0),
        ))
        .execute(conn)?;
    if held > 0 { Ok(Settled::Done) } else { requeue(conn, lease, now) }
}

/// Parks a job that failed for good; queues it again if its subject changed meanwhile.
pub fn park(conn: &mut Conn, lease: &Lease, error: &str, now: UtcTime) -> QueryResult<Settled> {
    let parked = diesel::update(leased!(lease).filter(sync_jobs::revision.eq(lease.revision)))
        .set((
            sync_jobs::state.eq(JobState::Parked),
            sync_jobs::lease_token.eq(None::<Vec<u8>>),
            sync_jobs::last_error.eq(error),
        ))
        .execute(conn)?;
    if parked > 0 { Ok(Settled::Done) } else { requeue(conn, lease, now) }
}

/// Queues a job for a later moment, with the number of attempts that the next delay shall count from.
pub fn retry_at(conn: &mut Conn, lease: &Lease, at: UtcTime, attempts: i32, error: &str) -> QueryResult<Settled> {
    let queued = diesel::update(leased!(lease))
        .set((
            sync_jobs::state.eq(JobState::Queued),
            sync_jobs::due_at.eq(at),
            sync_jobs::lease_token.eq(None::<Vec<u8>>),
            sync_jobs::attempts.eq(attempts),
            sync_jobs::last_error.eq(error),
        ))
        .execute(conn)?;
    Ok(if queued > 0 { Settled::Requeued } else { Settled::Lost })
}

/// Gives back a job that was not done, as when the server stops: another worker may take it at once.
pub fn hand_back(conn: &mut Conn, lease: &Lease, now: UtcTime) -> QueryResult<Settled> {
    let queued = diesel::update(leased!(lease))
        .set((
            sync_jobs::state.eq(JobState::Queued),
            sync_jobs::due_at.eq(now),
            sync_jobs::lease_token.eq(None::<Vec<u8>>),
            sync_jobs::attempts.eq(sync_jobs::attempts - 1),
        ))
        .execute(conn)?;
    Ok(if queued > 0 { Settled::Requeued } else { Settled::Lost })
}

/// Makes a lease last until `until`. False when it had run out and somebody else has the job.
pub fn extend(conn: &mut Conn, lease: &Lease, until: UtcTime) -> QueryResult<bool> {
    let extended = diesel::update(leased!(lease)).set(sync_jobs::due_at.eq(until)).execute(conn)?;
    Ok(extended > 0)
}

fn requeue(conn: &mut Conn, lease: &Lease, now: UtcTime) -> QueryResult<Settled> {
    let queued = diesel::update(leased!(lease))
        .set((
            sync_jobs::state.eq(JobState::Queued),
            sync_jobs::due_at.eq(now),
            sync_jobs::lease_token.eq(None::<Vec<u8>>),
            sync_jobs::attempts.eq(0),
        ))
        .execute(conn)?;
    Ok(if queued > 0 { Settled::Requeued } else { Settled::Lost })
}
