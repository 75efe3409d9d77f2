//! The rows of the outbox and the budgets of connections.

use diesel::prelude::*;

use super::rate::Rate;
use crate::base::ids::{ConnectionId, LeaseToken, OrganizationId, ProductId, SubjectId, SyncJobId};
use crate::base::time::UtcTime;
use crate::db::schema::{connection_budgets, sync_jobs};
use crate::text_enum;

text_enum! {
    /// What a job is about.
    SubjectKind {
        /// The ticket of an observation.
        Observation = "observation",
        /// The ticket of an issue.
        Issue = "issue",
        /// All tickets of a product: compare them with the tracker.
        TrackerConfig = "tracker_config",
    }
}

text_enum! {
    /// Why a job was written.
    JobReason {
        /// The subject, or what decides about it, changed.
        Change = "change",
        /// Somebody asked for it: it passes the switches that hold automatic pushes.
        Push = "push",
        /// The tracker may differ from what it should be.
        Verify = "verify",
    }
}

text_enum! {
    /// Where a job stands.
    JobState {
        /// Waits until it is due.
        Queued = "queued",
        /// A worker has it, until its lease ends.
        Leased = "leased",
        /// A switch is off; it waits until the switch is on again.
        Held = "held",
        /// It failed for good; it waits for a person or the next change.
        Parked = "parked",
    }
}

/// What changed: one line to be of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// Whose ticket.
    pub connection: ConnectionId,
    /// The kind of its subject.
    pub kind: SubjectKind,
    /// Its subject.
    pub subject: SubjectId,
}

/// One line of the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = sync_jobs)]
pub struct SyncJob {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: SyncJobId,
    /// Which tracker.
    pub connection_id: ConnectionId,
    /// The product of the subject.
    pub product_id: ProductId,
    /// What it is about.
    pub subject_kind: SubjectKind,
    /// What it is about.
    pub subject_id: SubjectId,
    /// Why it was written.
    pub reason: JobReason,
    /// Where it stands.
    pub state: JobState,
    /// Queued: when it may run. Leased: when the lease ends.
    pub due_at: UtcTime,
    /// The worker's proof that it still has the job.
    pub lease_token: Option<LeaseToken>,
    /// How often it was tried since the last success or change of mind.
    pub attempts: i32,
    /// Grows with every change of the subject.
    pub revision: i64,
    /// Why the last attempt failed, in the tracker's words.
    pub last_error: Option<String>,
    /// When the first change came.
    pub created_at: UtcTime,
}

/// What a worker has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The organization.
    pub organization: OrganizationId,
    /// The job.
    pub job: SyncJobId,
    /// The proof.
    pub token: LeaseToken,
    /// The revision that was claimed.
    pub revision: i64,
}

impl SyncJob {
    /// The lease on this job, if it was claimed.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        let token = self.lease_token?;
        Some(Lease { organization: self.organization_id, job: self.id, token, revision: self.revision })
    }
}

/// What became of a job whose worker is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// As the worker said.
    Done,
    /// Queued again: its subject changed during the run.
    Requeued,
    /// The lease had run out; somebody else has the job, or nobody needs it.
    Lost,
}

/// How much a connection takes and how it does.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = connection_budgets, treat_none_as_default_value = false)]
pub struct ConnectionBudget {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// Since when nothing is sent, because the tracker refuses the account.
    pub paused_at: Option<UtcTime>,
    /// What the tracker said.
    pub paused_reason: Option<String>,
    /// The theoretical arrival time of the next call.
    pub arrival_at: UtcTime,
    /// See [`Rate`].
    pub interval_micros: i64,
    /// See [`Rate`].
    pub burst_micros: i64,
    /// See [`Rate`].
    pub max_leases: i32,
    /// The last call that worked.
    pub last_success_at: Option<UtcTime>,
    /// Why the last failed call failed.
    pub last_error: Option<String>,
    /// The last call that failed.
    pub last_error_at: Option<UtcTime>,
}

impl ConnectionBudget {
    /// The budget of a new connection.
    #[must_use]
    pub const fn new(organization: OrganizationId, connection: ConnectionId, rate: Rate, now: UtcTime) -> Self {
        Self {
            organization_id: organization,
            connection_id: connection,
            paused_at: None,
            paused_reason: None,
            arrival_at: now,
            interval_micros: rate.interval_micros,
            burst_micros: rate.burst_micros,
            max_leases: rate.max_leases,
            last_success_at: None,
            last_error: None,
            last_error_at: None,
        }
    }

    /// Its rate.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        Rate { interval_micros: self.interval_micros, burst_micros: self.burst_micros, max_leases: self.max_leases }
    }

    /// Whether the last call failed: then one job at a time finds out whether the tracker is back.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.last_error_at > self.last_success_at
    }

    /// How many jobs may be claimed now, with `leased` already out.
    #[must_use]
    pub fn free(&self, leased: i64, now: UtcTime) -> i64 {
        let most = if self.is_failing() { 1 } else { i64::from(self.max_leases) };
        (most - leased).min(self.rate().permits(self.arrival_at, now)).max(0)
    }
}

/// The jobs of a connection, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// Jobs that wait or run.
    pub queued: i64,
    /// Jobs that a switch holds.
    pub held: i64,
    /// Jobs that wait for a person.
    pub parked: i64,
    /// When the oldest job that waits or runs was written.
    pub oldest_at: Option<UtcTime>,
}

/// The jobs of a product in one connection, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductJobs {
    /// Jobs that wait or run.
    pub queued: i64,
    /// Jobs that a switch holds.
    pub held: i64,
    /// Jobs that wait for a person.
    pub parked: i64,
    /// What the tracker said to the newest of those.
    pub last_error: Option<String>,
}
