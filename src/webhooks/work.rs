//! Working deliveries off: each in one transaction with the note that it was, so that it is done once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use super::account;
use super::echo::{self, Doer};
use super::model::{KindSeen, Outcome, Webhook, WorkedOff};
use super::payload::{self, Heard, News};
use super::repo::{self, Receiving};
use super::taking::Taking;
use crate::base::error::ApiError;
use crate::base::ids::DeliveryId;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::inbox;
use crate::inbox::model::Delivery;
use crate::inbox::repo::Waiting;
use crate::inbox::store::Inbox;
use crate::outbox;
use crate::outbox::model::JobState;
use crate::tickets::model::Ticket;
use crate::trackers::sync::Tools;

/// How long a worker may have deliveries before others take it for dead.
const LEASE: Duration = Duration::from_secs(30);
/// Deliveries of one transaction. Few, since each may be as large as it can be.
const BATCH: i64 = 16;
/// Batches of a connection before others have their turn.
const BATCHES: usize = 16;
/// When to look again at what a push that is under way may have caused.
const AFTER_PUSH: Duration = Duration::from_secs(2);
/// How long such a push is waited for.
const PUSH_ENDS: Duration = Duration::from_secs(10 * 60);
/// Kinds that are counted of a connection: whoever has its secret cannot make more.
const MAX_KINDS: usize = 200;

/// Works off what is due, and says how much that was. Connections do not wait for each other.
///
/// # Errors
/// A fault of the database.
pub async fn pass(tools: &Tools, inbox: &Inbox) -> Result<usize, ApiError> {
    let now = (tools.now)();
    let waiting = inbox.read(move |conn| inbox::repo::waiting(conn, now)).await?;
    let worked_off = join_all(waiting.into_iter().map(|waiting| of_connection(tools, inbox, waiting))).await;
    worked_off.into_iter().sum()
}

async fn of_connection(tools: &Tools, inbox: &Inbox, of: Waiting) -> Result<usize, ApiError> {
    let receiving = tools.db.read(move |conn| repo::of_connection(conn, of.connection)).await?;
    let account = match &receiving {
        Some(receiving) if receiving.is_held() => return Ok(0),
        Some(receiving) => account::names(tools, &receiving.webhook).await?,
        None => Vec::new(),
    };
    let mut worked_off = 0;
    for _ in 0..BATCHES {
        let (now, connection) = ((tools.now)(), of.connection);
        let claim = move |conn: &mut Conn| inbox::repo::claim(conn, connection, BATCH, now.plus(LEASE), now);
        let batch = inbox.write(claim).await?;
        if batch.is_empty() {
            break;
        }
        worked_off += settle(tools, inbox, receiving.as_ref(), &account, batch).await?;
    }
    Ok(worked_off)
}

/// Works a batch off, and takes it out of the inbox. What is left for later does not count.
async fn settle(
    tools: &Tools,
    inbox: &Inbox,
    receiving: Option<&Receiving>,
    account: &[String],
    batch: Vec<Delivery>,
) -> Result<usize, ApiError> {
    let mut done: Vec<DeliveryId> = batch.iter().map(|delivery| delivery.id).collect();
    let mut later = Vec::new();
    // Without its webhook, the connection is gone: nobody waits for this.
    if let Some(receiving) = receiving {
        let heard = |delivery: Delivery| {
            let heard = payload::read(receiving.kind, &delivery.event, &delivery.body);
            (Delivery { body: Vec::new(), ..delivery }, heard)
        };
        let batch = Batch {
            webhook: receiving.webhook.clone(),
            account: account.to_vec(),
            deliveries: batch.into_iter().map(heard).collect(),
        };
        later = batch.work_off(tools).await?;
        done.retain(|id| !later.contains(id));
    }
    let (count, again_at) = (done.len(), (tools.now)().plus(AFTER_PUSH));
    inbox
        .write(move |conn| {
            inbox::repo::postpone(conn, &later, again_at)?;
            inbox::repo::remove(conn, &done)
        })
        .await?;
    Ok(count)
}

/// Deliveries of one connection.
#[derive(Clone)]
struct Batch {
    webhook: Webhook,
    account: Vec<String>,
    deliveries: Vec<(Delivery, Heard)>,
}

impl Batch {
    /// Works it off as a whole, or one by one if that fails. Answers what must wait.
    async fn work_off(self, tools: &Tools) -> Result<Vec<DeliveryId>, ApiError> {
        match self.clone().write(tools).await {
            Ok(later) => return Ok(later),
            // Nothing is wrong with the deliveries: their lease ends, and they come again.
            Err(error @ ApiError::Unavailable { .. }) => return Err(error),
            Err(cause) => tracing::warn!(connection = %self.webhook.connection_id, %cause, "deliveries one by one"),
        }
        let mut later = Vec::new();
        for one in &self.deliveries {
            let alone = Self { deliveries: vec![one.clone()], ..self.clone() };
            match alone.clone().write(tools).await {
                Ok(ids) => later.extend(ids),
                Err(error @ ApiError::Unavailable { .. }) => return Err(error),
                Err(cause) => {
                    tracing::error!(delivery = %one.0.id, %cause, "a delivery could not be worked off");
                    alone.fail(tools).await?;
                }
            }
        }
        Ok(later)
    }

    async fn write(self, tools: &Tools) -> Result<Vec<DeliveryId>, ApiError> {
        let now = (tools.now)();
        tools
            .db
            .write_again(move |conn| {
                self.count(conn)?;
                let mut later = Vec::new();
                for (delivery, heard) in &self.deliveries {
                    if self.one(conn, delivery, heard, now)? == Fate::Later {
                        later.push(delivery.id);
                    }
                }
                Ok(later)
            })
            .await
    }

    async fn fail(self, tools: &Tools) -> Result<(), ApiError> {
        let now = (tools.now)();
        let failed = self.deliveries.iter().map(|(delivery, heard)| {
            let line = line_of(delivery, heard, Outcome::Failed, now);
            said(line, &["a fault of the server; its log has the cause under the delivery's id".to_owned()])
        });
        let failed: Vec<WorkedOff> = failed.collect();
        tools
            .db
            .write(move |conn| {
                for line in &failed {
                    repo::begin(conn, line)?;
                }
                Ok(())
            })
            .await
    }

    /// Counts the deliveries by their kind. What must wait counts when it came, and again when it comes again.
    fn count(&self, conn: &mut Conn) -> Result<(), ApiError> {
        let (organization_id, connection_id) = (self.webhook.organization_id, self.webhook.connection_id);
        let known = repo::kinds(conn, organization_id, connection_id)?;
        let mut counts: BTreeMap<&str, (i64, bool, UtcTime)> = BTreeMap::new();
        for (delivery, heard) in &self.deliveries {
            let is_new = !known.iter().any(|kind| kind.event == heard.event);
            let event = if is_new && known.len() >= MAX_KINDS { "other" } else { heard.event.as_str() };
            let count = counts.entry(event).or_insert((0, false, delivery.received_at));
            *count = (count.0 + 1, count.1 || heard.news.is_some(), count.2.max(delivery.received_at));
        }
        for (event, (deliveries, is_known, last_at)) in counts {
            let event = event.to_owned();
            repo::count_kind(conn, &KindSeen { organization_id, connection_id, event, is_known, deliveries, last_at })?;
        }
        Ok(())
    }

    fn one(&self, conn: &mut Conn, delivery: &Delivery, heard: &Heard, now: UtcTime) -> Result<Fate, ApiError> {
        let Some(news) = &heard.news else {
            repo::begin(conn, &line_of(delivery, heard, Outcome::Unknown, now))?;
            return Ok(Fate::Done);
        };
        let (organization, connection) = (delivery.organization_id, delivery.connection_id);
        let (id, key) = (news.remote_id.as_deref(), news.remote_key.as_deref());
        let Some(ticket) = repo::ticket(conn, organization, connection, id, key)? else {
            repo::begin(conn, &line_of(delivery, heard, Outcome::NoTicket, now))?;
            return Ok(Fate::Done);
        };
        let doer = echo::doer(news, &self.account);
        if doer == Doer::Us && is_being_pushed(conn, &ticket)? && now < delivery.received_at.plus(PUSH_ENDS) {
            return Ok(Fate::Later);
        }
        let line = WorkedOff {
            ticket_id: Some(ticket.id),
            product_id: Some(ticket.product_id),
            ..line_of(delivery, heard, Outcome::NothingNew, now)
        };
        if repo::begin(conn, &line)? {
            let mut taking = Taking::new(doer, self.webhook.state_mapping(), time_of(news, delivery), now);
            taking.take(conn, &ticket, news)?;
            repo::end(conn, &said(WorkedOff { outcome: taking.outcome(), ..line }, &taking.effects))?;
        }
        Ok(Fate::Done)
    }
}

/// Whether a delivery is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    Later,
}

/// No later than it came: a clock that is ahead would otherwise outdo all that comes after it.
fn time_of(news: &News, delivery: &Delivery) -> UtcTime {
    news.at.unwrap_or(delivery.received_at).min(delivery.received_at)
}

/// Until a push has ended, nobody knows whether what came is that push.
fn is_being_pushed(conn: &mut Conn, ticket: &Ticket) -> Result<bool, ApiError> {
    let (organization, connection) = (ticket.organization_id, ticket.connection_id);
    let job = outbox::repo::of_subject(conn, organization, connection, ticket.subject_kind, ticket.subject_id)?;
    Ok(job.is_some_and(|job| job.state == JobState::Leased))
}

fn line_of(delivery: &Delivery, heard: &Heard, outcome: Outcome, now: UtcTime) -> WorkedOff {
    WorkedOff {
        organization_id: delivery.organization_id,
        id: delivery.id,
        connection_id: delivery.connection_id,
        delivery_key: delivery.delivery_key.clone(),
        event: heard.event.clone(),
        is_signed: delivery.is_signed,
        outcome,
        effects_json: "[]".to_owned(),
        ticket_id: None,
        product_id: None,
        received_at: delivery.received_at,
        worked_off_at: now,
    }
}

fn said(line: WorkedOff, effects: &[String]) -> WorkedOff {
    WorkedOff { effects_json: serde_json::to_string(effects).expect("effects are strings"), ..line }
}
