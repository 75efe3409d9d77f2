//! What to do about what trackers answer: try again, wait, park, or stop the connection; and whom to tell.

use super::sync::{Flow, Tools, Work, change_ticket, lose, moved_to};
use super::ticket::{ClientError, TicketRef};
use crate::base::error::ApiError;
use crate::base::ids::{ConnectionId, SubjectId, TicketId};
use crate::base::time::UtcTime;
use crate::connections::model::Connection;
use crate::db::conn::Conn;
use crate::notifications;
use crate::notifications::model::{Notice, NotificationKind};
use crate::outbox::model::{Change, JobReason, Lease, SubjectKind, SyncJob};
use crate::outbox::{self, backoff};
use crate::tickets;
use crate::tickets::model::{Phase, Ticket};
use crate::tracker_configs;

/// After so many attempts people are told that a tracker fails.
const TELL_AFTER: i32 = 6;
/// After so many attempts a ticket that cannot be found, but is not known to be deleted, waits for a person.
const NOT_FOUND_ATTEMPTS: i32 = 5;
/// What to do about a job that waits for a person.
const PARKED: &str = "Mend that in the tracker or in the tracker config, then retry or discard";
/// What to do about a job that does not.
const STILL_TRIED: &str = "It is tried again until it works; see";
/// How soon the outcome of an uncertain call is looked for.
const LOOK_AFTER: std::time::Duration = std::time::Duration::from_secs(2);

/// The cause of the notification that a ticket cannot be pushed.
#[must_use]
pub fn ticket_cause(connection: ConnectionId, subject: SubjectId) -> String {
    format!("ticket/{connection}/{subject}")
}

/// Records a failure of a step. `ticket` is named when its create was sent, or when it is what the failure is about.
///
/// # Errors
/// A fault of the database.
pub async fn record(work: &Work, ticket: Option<TicketId>, error: &ClientError) -> Result<Flow, ApiError> {
    let case = Case::of(&work.job, work.lease, &work.connection, ticket, error, (work.tools.now)());
    work.tools.db.write(move |conn| case.record(conn)).await
}

/// Records a failure before there is a client.
///
/// # Errors
/// A fault of the database.
pub async fn without_client(
    tools: &Tools,
    job: &SyncJob,
    lease: Lease,
    connection: &Connection,
    error: &ClientError,
) -> Result<(), ApiError> {
    let case = Case::of(job, lease, connection, None, error, (tools.now)());
    tools.db.write(move |conn| case.record(conn).map(drop)).await
}

/// A failure and where it happened.
struct Case {
    job: SyncJob,
    lease: Lease,
    connection: Connection,
    ticket: Option<TicketId>,
    error: ClientError,
    now: UtcTime,
}

impl Case {
    fn of(
        job: &SyncJob,
        lease: Lease,
        connection: &Connection,
        ticket: Option<TicketId>,
        error: &ClientError,
        now: UtcTime,
    ) -> Self {
        let (job, connection, error) = (job.clone(), connection.clone(), error.clone());
        Self { job, lease, connection, ticket, error, now }
    }

    fn record(self, conn: &mut Conn) -> Result<Flow, ApiError> {
        tracing::info!(
            connection = %self.connection.id, subject = %self.job.subject_id, attempts = self.job.attempts,
            error = self.error.message(), "a tracker did not do what it was asked"
        );
        let is_uncertain = matches!(self.error, ClientError::Uncertain { .. });
        if let (Some(id), false) = (self.ticket, is_uncertain) {
            // The tracker has said that it made nothing.
            let not_created = |ticket: &mut Ticket| {
                if ticket.phase == Phase::Uncertain {
                    ticket.phase = Phase::Intended;
                }
            };
            change_ticket(conn, self.job.organization_id, id, not_created, self.now)?;
        }
        match &self.error {
            ClientError::Transient { retry_at, .. } => {
                self.fails(conn)?;
                let after = self.now.plus(backoff::delay(self.job.attempts, rand::random()));
                self.retry(conn, retry_at.map_or(after, |said| said.from(self.now).max(after)), self.job.attempts)
            }
            ClientError::Uncertain { .. } => {
                self.fails(conn)?;
                let wait =
                    if self.job.attempts <= 1 { LOOK_AFTER } else { backoff::delay(self.job.attempts, rand::random()) };
                self.retry(conn, self.now.plus(wait), self.job.attempts)
            }
            ClientError::RateLimited { until, .. } => {
                let until = until.from(self.now);
                outbox::repo::close_until(conn, self.job.organization_id, self.connection.id, until)?;
                self.retry(conn, until, self.job.attempts - 1)
            }
            ClientError::PermanentForConnection { .. } => self.pause(conn),
            ClientError::Gone { certain: true, .. } => self.again(conn, lose),
            ClientError::Gone { certain: false, .. } if self.job.attempts < NOT_FOUND_ATTEMPTS => {
                self.verify(conn)?;
                self.retry(conn, self.now.plus(backoff::delay(self.job.attempts, rand::random())), self.job.attempts)
            }
            ClientError::Moved { to: Some(to) } => {
                let to: TicketRef = to.clone();
                self.again(conn, move |ticket| moved_to(ticket, to))
            }
            ClientError::Gone { certain: false, .. }
            | ClientError::Moved { to: None }
            | ClientError::PermanentForTicket { .. } => self.park(conn),
        }
    }

    fn retry(&self, conn: &mut Conn, at: UtcTime, attempts: i32) -> Result<Flow, ApiError> {
        outbox::repo::retry_at(conn, &self.lease, at, attempts, self.error.message())?;
        Ok(Flow::Settled)
    }

    fn again(&self, conn: &mut Conn, change: impl FnOnce(&mut Ticket)) -> Result<Flow, ApiError> {
        let Some(id) = self.ticket else { return self.park(conn) };
        change_ticket(conn, self.job.organization_id, id, change, self.now)?;
        Ok(Flow::Again)
    }

    /// The tracker fails: one job at a time until it works again, and people hear of it when that lasts.
    fn fails(&self, conn: &mut Conn) -> Result<(), ApiError> {
        let (organization, id) = (self.job.organization_id, self.connection.id);
        outbox::repo::note_failure(conn, organization, id, self.error.message(), self.now)?;
        if self.job.attempts < TELL_AFTER {
            return Ok(());
        }
        let budget = outbox::repo::budget(conn, organization, id)?;
        // Where others went through since, it is this ticket that fails and not the tracker.
        let others_work = budget.is_some_and(|budget| budget.last_success_at > Some(self.job.created_at));
        let notice = if others_work { self.ticket_notice(conn, STILL_TRIED)? } else { self.failing() };
        Ok(notifications::repo::raise(conn, &notice, self.now)?)
    }

    fn failing(&self) -> Notice {
        let id = self.connection.id;
        Notice {
            organization: self.job.organization_id,
            cause_key: Connection::failing_cause(id),
            kind: NotificationKind::TrackerFailing,
            product: None,
            subject: Some(("tracker_connection", id.0)),
            title: format!("The tracker of connection {:?} fails", self.connection.label),
            body: format!(
                "It says: {}. Nothing is lost: what is to be pushed is tried again until it works. \
                 `tracker-connections/{id}/test` says more.",
                self.error.message()
            ),
        }
    }

    fn pause(&self, conn: &mut Conn) -> Result<Flow, ApiError> {
        let (organization, id) = (self.job.organization_id, self.connection.id);
        outbox::repo::note_failure(conn, organization, id, self.error.message(), self.now)?;
        if outbox::repo::pause(conn, organization, id, self.error.message(), self.now)? {
            let notice = Notice {
                organization,
                cause_key: Connection::paused_cause(id),
                kind: NotificationKind::ConnectionPaused,
                product: None,
                subject: Some(("tracker_connection", id.0)),
                title: format!("Connection {:?} is paused: the tracker refuses its account", self.connection.label),
                body: format!(
                    "It says: {}. Nothing is sent until the credential or the address is changed, or \
                     `tracker-connections/{id}/test` succeeds; then it goes on by itself.",
                    self.error.message()
                ),
            };
            notifications::repo::raise(conn, &notice, self.now)?;
        }
        outbox::repo::hand_back(conn, &self.lease, self.now)?;
        Ok(Flow::Settled)
    }

    /// Asks for a comparison with a complete list: only that tells deleted tickets from hidden ones.
    fn verify(&self, conn: &mut Conn) -> Result<(), ApiError> {
        let (organization, product) = (self.job.organization_id, self.job.product_id);
        let config = tracker_configs::repo::of_product(conn, organization, product)?;
        if let Some(config) = config.filter(|config| config.connection_id == self.connection.id) {
            let all =
                Change { connection: self.connection.id, kind: SubjectKind::TrackerConfig, subject: config.id.into() };
            outbox::repo::record(conn, organization, product, &[all], JobReason::Verify, self.now)?;
        }
        Ok(())
    }

    fn park(&self, conn: &mut Conn) -> Result<Flow, ApiError> {
        let message = self.error.message();
        if let Some(id) = self.ticket {
            let failed = |ticket: &mut Ticket| ticket.last_error = Some(message.to_owned());
            change_ticket(conn, self.job.organization_id, id, failed, self.now)?;
        }
        outbox::repo::park(conn, &self.lease, message, self.now)?;
        let notice = self.ticket_notice(conn, PARKED)?;
        notifications::repo::raise(conn, &notice, self.now)?;
        Ok(Flow::Settled)
    }

    /// What people are told of one ticket, and what to do about it.
    fn ticket_notice(&self, conn: &mut Conn, what_to_do: &str) -> Result<Notice, ApiError> {
        let (organization, label) = (self.job.organization_id, &self.connection.label);
        let ticket = match self.ticket {
            Some(id) => tickets::repo::lock(conn, organization, id)?.map(|ticket| ticket.title),
            None => None,
        };
        let kind = self.job.subject_kind;
        let title = match kind {
            SubjectKind::TrackerConfig => format!("The tickets in {label:?} cannot be compared"),
            SubjectKind::Observation | SubjectKind::Issue => {
                format!("The ticket {:?} in {label:?} cannot be pushed", ticket.unwrap_or_default())
            }
        };
        Ok(Notice {
            organization,
            cause_key: ticket_cause(self.connection.id, self.job.subject_id),
            kind: NotificationKind::TicketFailed,
            product: Some(self.job.product_id),
            subject: Some((kind.as_str(), self.job.subject_id.0)),
            title,
            body: format!("The tracker says: {}. {what_to_do} `sync-jobs/{}`.", self.error.message(), self.job.id),
        })
    }
}
