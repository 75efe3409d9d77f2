//! What people do with connections' trackers and with tickets.

use super::clients::client::Client;
use super::clients::settings::{ConnectionSettings, Credential};
use super::plan::{About, Situation, Step};
use super::subject::Subject;
use super::sync::{self, Tools};
use super::ticket::{ClientError, ProbeReport};
use super::{plan, repo, situation};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::ApiError;
use crate::base::ids::{ConnectionId, ObservationId, OrganizationId, ProductId, SubjectId, SyncJobId, TicketId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::connections;
use crate::connections::model::Connection;
use crate::db::conn::Conn;
use crate::outbox;
use crate::outbox::model::{Backlog, Change, ConnectionBudget, JobReason, SubjectKind, SyncJob};
use crate::outbox::repo::JobFilter;
use crate::text_enum;
use crate::tickets;
use crate::tickets::model::{RemoteState, Ticket};
use crate::tickets::repo::TicketFilter;
use crate::tracker_configs;
use crate::tracker_configs::model::Switch;
use crate::tracker_configs::policy::{self, Condition};

/// A client for a connection.
///
/// # Errors
/// `Internal` when the stored credential or address cannot be used.
pub fn client(tools: &Tools, connection: &Connection) -> Result<Client, ApiError> {
    let secret = connections::service::credential(connection, &tools.keys)?;
    let credential = match &connection.username {
        Some(user) => Credential::Basic { user: user.clone(), secret },
        None => Credential::Token(secret),
    };
    let base_url = url::Url::parse(&connection.base_url).map_err(ApiError::internal)?;
    let label = connection.settings().ticket_label;
    let settings = ConnectionSettings { kind: connection.kind, base_url, credential, label };
    Client::new(&settings, tools.egress.clone())
}

/// Asks the tracker who the connection is and what it may do, in these projects or in those of its configs. When it
/// works, a pause ends.
///
/// # Errors
/// `Forbidden`, `NotFound`; what the tracker refuses is part of the answer.
pub async fn test(
    tools: &Tools,
    caller: &Caller,
    id: ConnectionId,
    projects: Vec<String>,
) -> Result<Result<ProbeReport, ClientError>, ApiError> {
    caller.require(Permission::Administer)?;
    let asking = caller.clone();
    let (connection, of_configs) = tools
        .db
        .read(move |conn| {
            let connection = connections::service::get(conn, &asking, id)?;
            let projects = tracker_configs::repo::projects_of(conn, asking.organization, id, &asking.products)?;
            Ok::<_, ApiError>((connection, projects))
        })
        .await?;
    let projects = if projects.is_empty() { of_configs } else { projects };
    let names: Vec<&str> = projects.iter().map(String::as_str).collect();
    let outcome = client(tools, &connection)?.probe(&names).await.map(|answer| answer.value);
    let (caller, now, said) = (caller.clone(), (tools.now)(), outcome.clone());
    tools
        .db
        .write(move |conn| match said {
            Ok(_) => {
                outbox::repo::note_success(conn, caller.organization, id, now)?;
                connections::service::mend(conn, &caller, id, now)
            }
            Err(error) => Ok(outbox::repo::note_failure(conn, caller.organization, id, error.message(), now)?),
        })
        .await?;
    Ok(outcome)
}

/// How a connection does.
#[derive(Debug, Clone)]
pub struct Health {
    /// The connection.
    pub connection: Connection,
    /// Its budget, pause and last calls.
    pub budget: ConnectionBudget,
    /// Its jobs, of the products that the caller sees.
    pub backlog: Backlog,
    /// What stops it.
    pub switches: Vec<Switch>,
}

/// How a connection does.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn health(conn: &mut Conn, caller: &Caller, id: ConnectionId) -> Result<Health, ApiError> {
    let connection = connections::service::get(conn, caller, id)?;
    let organization = caller.organization;
    let budget =
        outbox::repo::budget(conn, organization, id)?.ok_or_else(|| ApiError::not_found("tracker connection", id))?;
    let backlog = outbox::repo::backlog_of(conn, organization, id, &caller.products)?;
    let switches = switches(conn, organization, &connection)?;
    Ok(Health { connection, budget, backlog, switches })
}

/// What stops all jobs of a connection.
fn switches(conn: &mut Conn, organization: OrganizationId, connection: &Connection) -> Result<Vec<Switch>, ApiError> {
    let mut off = Vec::new();
    if repo::is_stopped(conn, organization)? {
        off.push(Switch::OrganizationStopped);
    }
    if !connection.is_enabled {
        off.push(Switch::ConnectionDisabled);
    }
    let budget = outbox::repo::budget(conn, organization, connection.id)?;
    if budget.is_some_and(|budget| budget.paused_at.is_some()) {
        off.push(Switch::ConnectionPaused);
    }
    Ok(off)
}

text_enum! {
    /// What will be done about a ticket next.
    NextStep {
        /// Nothing: all is as it should be.
        Nothing = "nothing",
        /// A ticket will be made.
        Create = "create",
        /// What changed will be sent.
        Update = "update",
        /// It will be closed.
        Close = "close",
        /// It will be opened again.
        Reopen = "reopen",
        /// It moves to the same finding on the branch that is pushed now, or comes from there.
        Move = "move",
        /// The tracker will be asked what became of it.
        Ask = "ask",
        /// It was never made and will be forgotten.
        Forget = "forget",
    }
}

impl From<&Step> for NextStep {
    fn from(step: &Step) -> Self {
        match step {
            Step::Nothing | Step::Hold(_) | Step::Acknowledge => Self::Nothing,
            Step::Create => Self::Create,
            Step::Update(_) | Step::Attach(_) => Self::Update,
            Step::Close(_) => Self::Close,
            Step::Reopen(_) => Self::Reopen,
            Step::TakeOver(_) | Step::HandOver(_) => Self::Move,
            Step::Look | Step::Check => Self::Ask,
            Step::Forget => Self::Forget,
        }
    }
}

/// The ticket of an observation, and every reason for what it is and will be (PB-1).
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Its ticket, if it has one.
    pub ticket: Option<Ticket>,
    /// What will be done next, were every switch on.
    pub next_step: NextStep,
    /// The conditions of having an open ticket; empty when the product has no config.
    pub conditions: Vec<Condition>,
    /// The switches that are off.
    pub switches: Vec<Switch>,
    /// The open job.
    pub job: Option<SyncJob>,
}

/// Explains the ticket of an observation.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn explain(
    conn: &mut Conn,
    caller: &Caller,
    observation: ObservationId,
    public_url: &str,
) -> Result<Explanation, ApiError> {
    caller.require(Permission::Read)?;
    let product = visible_product(conn, caller, observation)?;
    explain_for(conn, caller, product, observation, JobReason::Change, public_url)
}

fn visible_product(conn: &mut Conn, caller: &Caller, observation: ObservationId) -> Result<ProductId, ApiError> {
    let missing = || ApiError::not_found("observation", observation);
    let product = repo::product_of(conn, caller.organization, observation)?.ok_or_else(missing)?;
    if caller.products.allows(product) { Ok(product) } else { Err(missing()) }
}

fn explain_for(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
    observation: ObservationId,
    reason: JobReason,
    public_url: &str,
) -> Result<Explanation, ApiError> {
    let (organization, subject) = (caller.organization, SubjectId::from(observation));
    let kind = SubjectKind::Observation;
    let Some(config) = tracker_configs::repo::of_product(conn, organization, product)? else {
        let ticket = tickets::repo::of_subject(conn, organization, kind, subject)?;
        let ticket = ticket.into_iter().find(|ticket| ticket.unlinked_at.is_none());
        let (conditions, switches) = (Vec::new(), Vec::new());
        return Ok(Explanation { ticket, next_step: NextStep::Nothing, conditions, switches, job: None });
    };
    let about = About { organization, product, connection: config.connection_id, kind, subject, reason };
    let situation = situation::read(conn, &about, public_url)?;
    explained(conn, situation)
}

/// What a situation leads to, and why.
pub(super) fn explained(conn: &mut Conn, situation: Situation) -> Result<Explanation, ApiError> {
    let About { organization, connection, kind, subject, reason, .. } = situation.about;
    let found = connections::repo::find(conn, organization, connection)?
        .ok_or_else(|| ApiError::not_found("tracker connection", connection))?;
    let mut switches = switches(conn, organization, &found)?;
    switches.extend(situation.config.as_ref().and_then(|config| config.holds(reason)));
    let (is_suppressed, by_hand) = (situation.is_suppressed, situation.by_hand());
    let facts = situation.subject.as_ref().and_then(Subject::observation).map(|it| it.facts(is_suppressed, by_hand));
    let conditions = situation.config.as_ref().zip(facts).map(|(config, facts)| policy::explain(config, &facts));
    Ok(Explanation {
        next_step: NextStep::from(&situation.wanted_step()),
        conditions: conditions.unwrap_or_default(),
        switches,
        job: outbox::repo::of_subject(conn, organization, connection, kind, subject)?,
        ticket: situation.ticket,
    })
}

/// What a push by hand leads to.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Whether it is queued; if not, `explanation` says why not.
    pub is_queued: bool,
    /// Why it was refused, in words.
    pub refused: Option<String>,
    /// What will be done, and why.
    pub explanation: Explanation,
}

/// Pushes an observation by hand: it passes `auto_sync`, `push_all`, `require_verified`, the minimum severity, and an
/// earlier unlinking.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn push(
    conn: &mut Conn,
    caller: &Caller,
    observation: ObservationId,
    public_url: &str,
    now: UtcTime,
) -> Result<Pushed, ApiError> {
    caller.require(Permission::Write)?;
    let product = visible_product(conn, caller, observation)?;
    let explanation = explain_for(conn, caller, product, observation, JobReason::Push, public_url)?;
    let config = tracker_configs::repo::of_product(conn, caller.organization, product)?;
    let Some(config) = config else {
        let refused = Some("the product has no tracker config".to_owned());
        return Ok(Pushed { is_queued: false, refused, explanation });
    };
    if let Some(refused) = refusal(&explanation) {
        return Ok(Pushed { is_queued: false, refused: Some(refused), explanation });
    }
    if let Some(ticket) = &explanation.ticket {
        sync::change_ticket(conn, caller.organization, ticket.id, |ticket| ticket.pushed_by_hand = true, now)?;
    }
    let kind = SubjectKind::Observation;
    let wish = Change { connection: config.connection_id, kind, subject: observation.into() };
    outbox::repo::record(conn, caller.organization, product, &[wish], JobReason::Push, now)?;
    let job = outbox::repo::of_subject(conn, caller.organization, config.connection_id, kind, observation.into())?;
    Ok(Pushed { is_queued: true, refused: None, explanation: Explanation { job, ..explanation } })
}

/// A push is refused when it can lead to nothing: no ticket would be made, or the config sends nothing at all.
pub(super) fn refusal(explanation: &Explanation) -> Option<String> {
    let off = |switch: &&Switch| matches!(switch, Switch::ConfigInactive | Switch::DryRun);
    if let Some(switch) = explanation.switches.iter().find(off) {
        return Some(format!("the tracker config sends nothing: {switch}"));
    }
    if explanation.ticket.is_some() {
        return None;
    }
    let failed = explanation.conditions.iter().find(|condition| !condition.holds)?;
    Some(failed.detail.clone())
}

/// Unlinks a ticket: it stays as it is in the tracker, and its subject is not pushed by itself any more.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`, `Conflict` when it is not linked any more.
pub fn unlink(
    conn: &mut Conn,
    caller: &Caller,
    id: TicketId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    caller.require(Permission::Write)?;
    let ticket = get_ticket(conn, caller, id)?;
    if_match.check(ticket.version)?;
    if ticket.unlinked_at.is_some() {
        return Err(ApiError::Conflict("this ticket is not linked any more".to_owned()));
    }
    sync::change_ticket(conn, caller.organization, id, |ticket| ticket.unlink(now), now)?;
    Ok(())
}

/// A ticket.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn get_ticket(conn: &mut Conn, caller: &Caller, id: TicketId) -> Result<Ticket, ApiError> {
    caller.require(Permission::Read)?;
    tickets::repo::find(conn, caller.organization, &caller.products, id)?
        .ok_or_else(|| ApiError::not_found("ticket", id))
}

/// Tickets, the newest first.
///
/// # Errors
/// `Forbidden`.
pub fn list_tickets(
    conn: &mut Conn,
    caller: &Caller,
    filter: &TicketFilter,
    window: &Window<TicketId>,
) -> Result<Vec<Ticket>, ApiError> {
    caller.require(Permission::Read)?;
    Ok(tickets::repo::list(conn, caller.organization, &caller.products, filter, window)?)
}

/// Asks the tracker what a ticket is now. Where that differs from what it should be, it is queued.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Conflict` when it is not linked, `Unavailable` when the tracker does not answer as it
/// should.
pub async fn refresh(tools: &Tools, caller: &Caller, id: TicketId) -> Result<Ticket, ApiError> {
    caller.require(Permission::Write)?;
    let asking = caller.clone();
    let (ticket, connection) = tools
        .db
        .read(move |conn| {
            let ticket = get_ticket(conn, &asking, id)?;
            let connection = connections::service::get(conn, &asking, ticket.connection_id)?;
            Ok::<_, ApiError>((ticket, connection))
        })
        .await?;
    let remote = plan::remote(&ticket).filter(|_| ticket.unlinked_at.is_none());
    let Some(remote) = remote else {
        return Err(ApiError::Conflict("this ticket is not linked to anything in the tracker".to_owned()));
    };
    let seen = match client(tools, &connection)?.fetch(&remote).await {
        Ok(answer) if answer.value.open => RemoteState::Open,
        Ok(_) => RemoteState::Closed,
        Err(ClientError::Gone { .. }) => RemoteState::Missing,
        Err(error) => {
            let detail = format!("the tracker says: {}", error.message());
            return Err(ApiError::Unavailable { detail, retry_after_s: 30 });
        }
    };
    let now = (tools.now)();
    tools.db.write(move |conn| note_seen(conn, &ticket, seen, now)).await
}

/// Notes what a ticket was seen to be. Where that differs from what it should be, it is queued.
///
/// # Errors
/// `NotFound`.
pub fn note_seen(conn: &mut Conn, ticket: &Ticket, seen: RemoteState, now: UtcTime) -> Result<Ticket, ApiError> {
    let organization = ticket.organization_id;
    let note = |ticket: &mut Ticket| ticket.state_seen = Some(seen).filter(|seen| ticket.state_pushed != Some(*seen));
    let ticket = sync::change_ticket(conn, organization, ticket.id, note, now)?
        .ok_or_else(|| ApiError::not_found("ticket", ticket.id))?;
    if ticket.state_seen.is_some() {
        let wish = Change { connection: ticket.connection_id, kind: ticket.subject_kind, subject: ticket.subject_id };
        outbox::repo::record(conn, organization, ticket.product_id, &[wish], JobReason::Verify, now)?;
    }
    Ok(ticket)
}

/// A job.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn get_job(conn: &mut Conn, caller: &Caller, id: SyncJobId) -> Result<SyncJob, ApiError> {
    caller.require(Permission::Read)?;
    outbox::repo::find(conn, caller.organization, &caller.products, id)?
        .ok_or_else(|| ApiError::not_found("sync job", id))
}

/// Jobs, the newest first.
///
/// # Errors
/// `Forbidden`.
pub fn list_jobs(
    conn: &mut Conn,
    caller: &Caller,
    filter: &JobFilter,
    window: &Window<SyncJobId>,
) -> Result<Vec<SyncJob>, ApiError> {
    caller.require(Permission::Read)?;
    Ok(outbox::repo::list(conn, caller.organization, &caller.products, filter, window)?)
}

/// Lets a job run now.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Conflict` while it runs.
pub fn retry_job(conn: &mut Conn, caller: &Caller, id: SyncJobId, now: UtcTime) -> Result<SyncJob, ApiError> {
    caller.require(Permission::Write)?;
    get_job(conn, caller, id)?;
    if !outbox::repo::retry_now(conn, caller.organization, id, now)? {
        return Err(ApiError::Conflict("a worker has this job right now".to_owned()));
    }
    get_job(conn, caller, id)
}

/// Forgets a job: what it would have done is not done, until its subject changes again.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn discard_job(conn: &mut Conn, caller: &Caller, id: SyncJobId, now: UtcTime) -> Result<(), ApiError> {
    caller.require(Permission::Write)?;
    let job = get_job(conn, caller, id)?;
    outbox::repo::discard(conn, caller.organization, id)?;
    let cause = super::failure::ticket_cause(job.connection_id, job.subject_id);
    Ok(crate::notifications::repo::resolve(conn, caller.organization, &cause, now)?)
}
