//! Carries out jobs: plan (reads), take one step (network), record it (writes), and again until nothing is left to do.
//!
//! No connection to the database and no transaction is held while a tracker is called. What a tracker has done is
//! always recorded, also when the lease has run out or the ticket has changed meanwhile: it is true.

use std::sync::Arc;
use std::time::Duration;

use super::clients::client::Client;
use super::plan::{self, About, Situation, Step};
use super::situation;
use super::subject::Subject;
use super::ticket::{
    Attachment, CarriedFile, ClientError, Marker, Move, PushedPrint, TicketChange, TicketDraft, TicketRef,
};
use super::{failure, repo, service, verify};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{IssueId, ObservationId, OrganizationId, SubjectId, TicketId};
use crate::base::time::UtcTime;
use crate::connections::model::Connection;
use crate::db::conn::Conn;
use crate::db::pool::Db;
use crate::egress::client::Egress;
use crate::issues;
use crate::keys::Keys;
use crate::notifications;
use crate::observations;
use crate::outbox;
use crate::outbox::model::{Change, JobReason, Lease, Settled, SubjectKind, SyncJob};
use crate::tickets;
use crate::tickets::model::{Phase, RemoteState, Ticket};
use crate::tracker_configs::wishes;

/// How long a worker may have a job before others take it for dead.
pub const LEASE: Duration = Duration::from_secs(5 * 60);
/// After so long a search of any tracker finds what was created. Before that, not finding proves nothing.
pub const SEARCH_LAG: Duration = Duration::from_secs(90);
/// What the names of our files begin with.
const FILE_PREFIX: &str = "patchbay-instances-";
/// More steps than any ticket needs.
const MAX_STEPS: usize = 12;

/// What the sync works with.
#[derive(Clone)]
pub struct Tools {
    /// The database.
    pub db: Db,
    /// The way out.
    pub egress: Egress,
    /// They open the credentials.
    pub keys: Arc<Keys>,
    /// Where links back lead.
    pub public_url: Arc<str>,
    /// The time: calls of trackers take their while, so one moment per job would be wrong.
    pub now: Arc<dyn Fn() -> UtcTime + Send + Sync>,
}

impl Tools {
    /// What the sync needs of the application.
    #[must_use]
    pub fn of(app: &App) -> Self {
        Self {
            db: app.db.clone(),
            egress: app.egress.clone(),
            keys: Arc::clone(&app.keys),
            public_url: app.config.public_url.as_str().into(),
            now: app.clock.reader(),
        }
    }
}

/// What follows a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Plan again.
    Again,
    /// The job is out of our hands.
    Settled,
}

/// One job in hand.
pub struct Work {
    /// With what.
    pub tools: Tools,
    /// The job.
    pub job: SyncJob,
    /// The proof that it is ours.
    pub lease: Lease,
    /// Its tracker.
    pub connection: Connection,
    /// Ready to call it.
    pub client: Client,
    /// Calls that wrote, for the budget.
    pub calls: i64,
}

/// Carries out a claimed job and settles it. A fault of ours leaves it to its back-off, like one of the tracker's.
pub async fn carry_out(tools: &Tools, job: SyncJob) {
    let Some(lease) = job.lease() else { return };
    let (job_id, attempts) = (job.id, job.attempts);
    if let Err(cause) = settle(tools, job, lease).await {
        tracing::warn!(job = %job_id, %cause, "could not carry out a sync job");
        let at = (tools.now)().plus(outbox::backoff::delay(attempts, rand::random()));
        let handed_back = tools.db.write(move |conn| {
            Ok(outbox::repo::retry_at(conn, &lease, at, attempts, "an internal error; see the log of the server")?)
        });
        if let Err(cause) = handed_back.await {
            tracing::warn!(job = %job_id, %cause, "could not hand back a sync job; its lease runs out");
        }
    }
}

async fn settle(tools: &Tools, job: SyncJob, lease: Lease) -> Result<(), ApiError> {
    let (organization, id) = (job.organization_id, job.connection_id);
    let connection = tools.db.read(move |conn| crate::connections::repo::find(conn, organization, id)).await?;
    let Some(connection) = connection else {
        // A connection with tickets cannot be removed, so nobody waits for this job.
        let now = (tools.now)();
        tools.db.write(move |conn| Ok(outbox::repo::finish(conn, &lease, now)?)).await?;
        return Ok(());
    };
    let client = match service::client(tools, &connection) {
        Ok(client) => client,
        Err(cause) => {
            tracing::error!(connection = %connection.id, %cause, "the credential cannot be used");
            let message = "the stored credential cannot be used: give it again".to_owned();
            let error = ClientError::PermanentForConnection { status: 0, message };
            return failure::without_client(tools, &job, lease, &connection, &error).await;
        }
    };
    let mut work = Work { tools: tools.clone(), job, lease, connection, client, calls: 0 };
    let result = work.run().await;
    work.charge().await?;
    result
}

impl Work {
    async fn run(&mut self) -> Result<(), ApiError> {
        if self.job.subject_kind == SubjectKind::TrackerConfig {
            return verify::run(self).await;
        }
        for _ in 0..MAX_STEPS {
            let situation = self.read().await?;
            let step = situation.next_step();
            tracing::debug!(job = %self.job.id, subject = %self.job.subject_id, ?step, "step");
            if self.take(situation, step).await? == Flow::Settled {
                return Ok(());
            }
        }
        let error = ClientError::Transient { message: "the ticket does not come to rest".to_owned(), retry_at: None };
        failure::record(self, None, &error).await.map(drop)
    }

    async fn read(&self) -> Result<Situation, ApiError> {
        let about = self.about();
        let public_url = Arc::clone(&self.tools.public_url);
        self.tools.db.read(move |conn| situation::read(conn, &about, &public_url)).await
    }

    fn about(&self) -> About {
        About {
            organization: self.job.organization_id,
            product: self.job.product_id,
            connection: self.job.connection_id,
            kind: self.job.subject_kind,
            subject: self.job.subject_id,
            reason: self.job.reason,
        }
    }

    async fn take(&mut self, situation: Situation, step: Step) -> Result<Flow, ApiError> {
        match (step, situation.ticket.clone()) {
            (Step::Nothing, _) => self.finish().await,
            (Step::Hold(_), _) => self.hold().await,
            (Step::Create, ticket) => self.create(&situation, ticket).await,
            (Step::TakeOver(twin), _) => self.hand_over(*twin, self.job.subject_id).await,
            (Step::HandOver(heir), Some(ticket)) => self.hand_over(ticket, heir).await,
            (Step::Forget, Some(ticket)) => self.record(ticket.id, forget).await,
            (Step::Acknowledge, Some(ticket)) => self.record(ticket.id, acknowledge).await,
            (Step::Look, Some(ticket)) => self.look(ticket).await,
            (Step::Check, Some(ticket)) => self.check(ticket).await,
            (Step::Reopen(how), Some(ticket)) => self.reopen(ticket, &how).await,
            (Step::Close(how), Some(ticket)) => self.close(ticket, &how).await,
            (Step::Update(change), Some(ticket)) => self.update(&situation, ticket, &change).await,
            (Step::Attach(print), Some(ticket)) => self.attach(situation, ticket, print).await,
            // These steps are about a ticket; without one there is nothing to do.
            (_, None) => self.finish().await,
        }
    }

    /// First the marker is stored, then the create is sent: whatever is lost after that, the ticket can be found.
    async fn create(&mut self, situation: &Situation, known: Option<Ticket>) -> Result<Flow, ApiError> {
        let Some(config) = &situation.config else { return self.finish().await };
        let now = (self.tools.now)();
        let is_new = known.is_none();
        let mut ticket = known.unwrap_or_else(|| plan::intended(&self.about(), &self.connection.base_url, now));
        ticket.project_key.clone_from(&config.project_key);
        let Some(draft) = situation.draft(&ticket) else { return self.finish().await };
        ticket.title.clone_from(&draft.title);
        ticket.phase = Phase::Uncertain;
        ticket.sent_at = Some(now);
        ticket.pushed_by_hand |= situation.by_hand();
        ticket.pushed_json = Some(print_of(&draft));
        if !self.intend(ticket.clone(), is_new, now).await? {
            return Ok(Flow::Again);
        }
        self.calls += 1;
        match self.client.create(&draft).await {
            Ok(answer) => {
                warn_of(&answer.warnings, &ticket);
                self.record(ticket.id, move |ticket| link(ticket, answer.value, RemoteState::Open)).await
            }
            Err(error) => failure::record(self, Some(ticket.id), &error).await,
        }
    }

    /// Stores that a create will be sent, if the job is still ours. False: plan again.
    async fn intend(&self, mut ticket: Ticket, is_new: bool, now: UtcTime) -> Result<bool, ApiError> {
        let lease = self.lease;
        self.tools
            .db
            .write(move |conn| {
                if !outbox::repo::extend(conn, &lease, now.plus(LEASE))? {
                    return Err(ApiError::Conflict("the lease of the job has run out".to_owned()));
                }
                let stored = match is_new {
                    true => tickets::repo::insert(conn, &ticket).map(|()| true)?,
                    false => tickets::repo::save(conn, &mut ticket, now)?,
                };
                if stored {
                    tickets::repo::lift_suppression(conn, lease.organization, ticket.subject_kind, ticket.subject_id)?;
                    show(conn, &ticket, now)?;
                }
                Ok(stored)
            })
            .await
    }

    async fn look(&mut self, ticket: Ticket) -> Result<Flow, ApiError> {
        let Some(marker) = Marker::parse(&ticket.marker) else { return self.record(ticket.id, forget).await };
        let asked_at = (self.tools.now)();
        match self.client.find_by_marker(&ticket.project_key, &marker).await {
            Ok(answer) => match answer.value {
                Some(found) => {
                    let state = if found.open { RemoteState::Open } else { RemoteState::Closed };
                    self.record(ticket.id, move |ticket| link(ticket, found.ticket, state)).await
                }
                None => self.not_found(ticket, asked_at).await,
            },
            Err(error) => failure::record(self, None, &error).await,
        }
    }

    /// Only a search that began after the search lag proves that there is no ticket.
    async fn not_found(&self, ticket: Ticket, asked_at: UtcTime) -> Result<Flow, ApiError> {
        let proven_at = ticket.sent_at.map_or(asked_at, |sent_at| sent_at.plus(SEARCH_LAG));
        if asked_at >= proven_at {
            return self.record(ticket.id, |ticket| ticket.phase = Phase::Intended).await;
        }
        let (lease, attempts) = (self.lease, self.job.attempts);
        let why = "the answer to the create was lost; waiting until a search can prove that there is no ticket";
        let work = move |conn: &mut Conn| Ok(outbox::repo::retry_at(conn, &lease, proven_at, attempts, why)?);
        self.tools.db.write(work).await?;
        Ok(Flow::Settled)
    }

    async fn check(&mut self, ticket: Ticket) -> Result<Flow, ApiError> {
        let Some(remote) = plan::remote(&ticket) else { return self.record(ticket.id, forget).await };
        match self.client.fetch(&remote).await {
            Ok(answer) => {
                let seen = if answer.value.open { RemoteState::Open } else { RemoteState::Closed };
                let found = answer.value.ticket;
                self.record(ticket.id, move |ticket| {
                    adopt(ticket, found);
                    ticket.state_seen = Some(seen).filter(|seen| Some(*seen) != ticket.state_pushed);
                })
                .await
            }
            // A complete list did not have it, and now it is not there either.
            Err(ClientError::Gone { .. }) => self.record(ticket.id, lose).await,
            Err(error) => failure::record(self, Some(ticket.id), &error).await,
        }
    }

    async fn reopen(&mut self, ticket: Ticket, how: &Move) -> Result<Flow, ApiError> {
        let Some(remote) = plan::remote(&ticket) else { return self.record(ticket.id, forget).await };
        self.calls += 2;
        match self.client.reopen(&remote, how).await {
            Ok(answer) => {
                warn_of(&answer.warnings, &ticket);
                self.record(ticket.id, |ticket| moved(ticket, RemoteState::Open)).await
            }
            Err(error) => failure::record(self, Some(ticket.id), &error).await,
        }
    }

    async fn close(&mut self, ticket: Ticket, how: &Move) -> Result<Flow, ApiError> {
        let Some(remote) = plan::remote(&ticket) else { return self.record(ticket.id, forget).await };
        self.calls += 2;
        match self.client.close(&remote, how).await {
            Ok(answer) => {
                warn_of(&answer.warnings, &ticket);
                self.record(ticket.id, |ticket| moved(ticket, RemoteState::Closed)).await
            }
            Err(error) => failure::record(self, Some(ticket.id), &error).await,
        }
    }

    async fn update(&mut self, situation: &Situation, ticket: Ticket, change: &TicketChange) -> Result<Flow, ApiError> {
        let Some(remote) = plan::remote(&ticket) else { return self.record(ticket.id, forget).await };
        let Some(draft) = situation.draft(&ticket) else { return self.finish().await };
        self.calls += 1;
        match self.client.update(&remote, change).await {
            Ok(answer) => {
                warn_of(&answer.warnings, &ticket);
                self.record(ticket.id, move |ticket| {
                    ticket.pushed_json = Some(print_of(&draft));
                    ticket.title = draft.title;
                })
                .await
            }
            Err(error) => failure::record(self, Some(ticket.id), &error).await,
        }
    }

    async fn attach(&mut self, situation: Situation, ticket: Ticket, print: String) -> Result<Flow, ApiError> {
        let (Some(remote), Some(Subject::Issue(issue))) = (plan::remote(&ticket), situation.subject) else {
            return self.finish().await;
        };
        let bytes = self.tools.db.read(move |conn| repo::table(conn, &issue)).await?;
        let name = format!("{FILE_PREFIX}{print}.csv");
        let attachment = Attachment { name, prefix: FILE_PREFIX, content_type: "text/csv", bytes };
        self.calls += 2;
        match self.client.attach(&remote, &ticket.project_key, &attachment).await {
            Ok(answer) => {
                let file = Some(CarriedFile { print, url: answer.value });
                self.record(ticket.id, move |ticket| {
                    let pushed = plan::pushed(ticket).map(|pushed| PushedPrint { file, ..pushed });
                    ticket.pushed_json = pushed.and_then(|pushed| serde_json::to_string(&pushed).ok());
                })
                .await
            }
            Err(error) => failure::record(self, Some(ticket.id), &error).await,
        }
    }

    /// Gives a ticket to the same thing on another branch, which then says what it should be.
    async fn hand_over(&self, mut ticket: Ticket, to: SubjectId) -> Result<Flow, ApiError> {
        let now = (self.tools.now)();
        let from = ticket.subject_id;
        self.tools
            .db
            .write(move |conn| {
                ticket.subject_id = to;
                // Somebody else was faster: the next plan sees what they did.
                if !tickets::repo::save(conn, &mut ticket, now)? {
                    return Ok(Flow::Again);
                }
                let organization = ticket.organization_id;
                observations::repo::set_ticket_state(conn, organization, ObservationId(from.0), None)?;
                show(conn, &ticket, now)?;
                let wish = |subject| Change { connection: ticket.connection_id, kind: ticket.subject_kind, subject };
                let wishes = [wish(from), wish(to)];
                outbox::repo::record(conn, organization, ticket.product_id, &wishes, JobReason::Change, now)?;
                Ok(Flow::Again)
            })
            .await
    }

    /// Records what is true of a ticket now, on the ticket as it is now.
    pub async fn record(
        &self,
        id: TicketId,
        change: impl FnOnce(&mut Ticket) + Send + 'static,
    ) -> Result<Flow, ApiError> {
        let (now, subject) = ((self.tools.now)(), self.job.subject_id);
        let organization = self.job.organization_id;
        let connection = self.connection.id;
        self.tools
            .db
            .write(move |conn| {
                let synced = |ticket: &mut Ticket| {
                    change(ticket);
                    ticket.last_error = None;
                    ticket.last_synced_at = Some(later(ticket.last_synced_at, now));
                };
                let Some(ticket) = change_ticket(conn, organization, id, synced, now)? else { return Ok(Flow::Again) };
                succeeded(conn, &ticket, now)?;
                if ticket.subject_id != subject {
                    // It was handed over during the call: whoever has it now must know what we did to it.
                    let wish = Change { connection, kind: ticket.subject_kind, subject: ticket.subject_id };
                    outbox::repo::record(conn, organization, ticket.product_id, &[wish], JobReason::Change, now)?;
                }
                Ok(Flow::Again)
            })
            .await
    }

    async fn finish(&self) -> Result<Flow, ApiError> {
        let (lease, now) = (self.lease, (self.tools.now)());
        let settled = self.tools.db.write(move |conn| Ok(outbox::repo::finish(conn, &lease, now)?)).await?;
        if settled == Settled::Lost {
            tracing::debug!(job = %lease.job, "the lease of a sync job had run out");
        }
        Ok(Flow::Settled)
    }

    /// Holds the job because a switch is off.
    pub async fn hold(&self) -> Result<Flow, ApiError> {
        let (lease, now) = (self.lease, (self.tools.now)());
        self.tools.db.write(move |conn| Ok(outbox::repo::hold(conn, &lease, now)?)).await?;
        Ok(Flow::Settled)
    }

    /// The claim has paid for one call: pays for the others, or takes it back.
    async fn charge(&self) -> Result<(), ApiError> {
        let (lease, connection, now) = (self.lease, self.connection.id, (self.tools.now)());
        let calls = self.calls - 1;
        if calls == 0 {
            return Ok(());
        }
        self.tools
            .db
            .write(move |conn| Ok(outbox::repo::charge(conn, lease.organization, connection, calls, now)?))
            .await
    }
}

/// Changes a ticket as it is now, and shows the change at its subject. None when there is no such ticket.
pub fn change_ticket(
    conn: &mut Conn,
    organization: OrganizationId,
    id: TicketId,
    change: impl FnOnce(&mut Ticket),
    now: UtcTime,
) -> Result<Option<Ticket>, ApiError> {
    let Some(mut ticket) = tickets::repo::lock(conn, organization, id)? else { return Ok(None) };
    change(&mut ticket);
    if ticket.unlinked_at.is_none() && ticket.phase == Phase::Gone {
        ticket.unlinked_at = Some(now);
    }
    if !tickets::repo::save(conn, &mut ticket, now)? {
        return Err(ApiError::internal("a locked ticket was changed by somebody else"));
    }
    show(conn, &ticket, now)?;
    Ok(Some(ticket))
}

/// Writes the state of a ticket at its subject, for lists. An issue whose ticket opens or closes tells its observations.
pub fn show(conn: &mut Conn, ticket: &Ticket, now: UtcTime) -> Result<(), ApiError> {
    let (organization, summary) = (ticket.organization_id, ticket.summary());
    match ticket.subject_kind {
        SubjectKind::Observation => {
            let observation = ObservationId(ticket.subject_id.0);
            observations::repo::set_ticket_state(conn, organization, observation, summary)?;
        }
        SubjectKind::Issue => {
            let issue = IssueId(ticket.subject_id.0);
            let before = issues::repo::find(conn, organization, issue)?.and_then(|issue| issue.ticket_state);
            if before != summary {
                issues::repo::set_ticket_state(conn, organization, issue, summary)?;
                wishes::record_members(conn, organization, issue, now)?;
            }
        }
        SubjectKind::TrackerConfig => {}
    }
    Ok(())
}

/// The tracker works, and what was wrong with this ticket is over.
fn succeeded(conn: &mut Conn, ticket: &Ticket, now: UtcTime) -> Result<(), ApiError> {
    let (organization, connection) = (ticket.organization_id, ticket.connection_id);
    outbox::repo::note_success(conn, organization, connection, now)?;
    notifications::repo::resolve(conn, organization, &Connection::failing_cause(connection), now)?;
    notifications::repo::resolve(conn, organization, &failure::ticket_cause(connection, ticket.subject_id), now)?;
    Ok(())
}

/// Now, but never twice the same moment: it tells one move of a ticket from the next.
fn later(last: Option<UtcTime>, now: UtcTime) -> UtcTime {
    last.map_or(now, |last| now.max(last.plus(Duration::from_micros(1))))
}

fn print_of(draft: &TicketDraft) -> String {
    serde_json::to_string(&draft.print()).expect("prints are strings")
}

fn adopt(ticket: &mut Ticket, remote: TicketRef) {
    ticket.remote_key = Some(remote.key);
    ticket.url = Some(remote.url);
    ticket.remote_id = remote.id.or(ticket.remote_id.take());
}

fn link(ticket: &mut Ticket, remote: TicketRef, state: RemoteState) {
    adopt(ticket, remote);
    ticket.phase = Phase::Linked;
    moved(ticket, state);
}

fn moved(ticket: &mut Ticket, state: RemoteState) {
    ticket.state_pushed = Some(state);
    ticket.state_seen = None;
}

fn acknowledge(ticket: &mut Ticket) {
    ticket.state_pushed = ticket.state_seen.or(ticket.state_pushed);
    ticket.state_seen = None;
}

/// The item is where it was moved to.
pub(super) fn moved_to(ticket: &mut Ticket, remote: TicketRef) {
    adopt(ticket, remote);
}

/// The item is deleted in the tracker; the next plan makes another if there should be one.
pub(super) fn lose(ticket: &mut Ticket) {
    ticket.phase = Phase::Gone;
}

/// There is no item, and none is wanted.
fn forget(ticket: &mut Ticket) {
    ticket.phase = Phase::Gone;
}

fn warn_of(warnings: &[String], ticket: &Ticket) {
    for warning in warnings {
        tracing::warn!(ticket = %ticket.id, key = ticket.remote_key, warning, "the tracker did not do all");
    }
}
