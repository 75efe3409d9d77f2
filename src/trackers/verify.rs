//! Compares the tickets of a product with its tracker, by pages of the whole project: not one call per ticket (SO-8).
//!
//! What differs is noted at the ticket, and its job decides what to do. Many missing at once are a lost permission more
//! often than a clean-up: then nothing is made again, and people are told.

use std::collections::{BTreeMap, HashMap};

use super::failure;
use super::sync::{LEASE, Work};
use super::ticket::{ClientError, TicketState};
use crate::base::error::ApiError;
use crate::base::ids::{SubjectId, TicketId, TrackerConfigId};
use crate::base::time::UtcTime;
use crate::connections::model::Connection;
use crate::db::conn::Conn;
use crate::notifications;
use crate::notifications::model::{Notice, NotificationKind};
use crate::outbox;
use crate::outbox::model::{Change, JobReason, SubjectKind};
use crate::tickets;
use crate::tickets::model::{Phase, RemoteState, Ticket};
use crate::tracker_configs;
use crate::tracker_configs::model::TrackerConfig;

/// So many missing tickets are suspicious if they are also more than a fifth.
const MANY: usize = 5;

/// Carries out the job of a config.
///
/// # Errors
/// A fault of the database.
pub async fn run(work: &mut Work) -> Result<(), ApiError> {
    let (organization, id) = (work.job.organization_id, TrackerConfigId(work.job.subject_id.0));
    let config = work.tools.db.read(move |conn| tracker_configs::repo::find(conn, organization, id)).await?;
    let Some(config) = config.filter(|config| config.connection_id == work.connection.id) else {
        return finish(work, None).await;
    };
    if config.holds(work.job.reason).is_some() {
        return work.hold().await.map(drop);
    }
    let started_at = (work.tools.now)();
    let product = config.product_id;
    let connection = work.connection.id;
    let tickets =
        work.tools.db.read(move |conn| tickets::repo::of_product(conn, organization, connection, product)).await?;
    let known: Vec<Ticket> = tickets.into_iter().filter(|ticket| is_comparable(ticket, started_at)).collect();
    let mut remote = Listed::default();
    for project in projects(&known) {
        if let Err(error) = list(work, &project, &mut remote).await? {
            return failure::record(work, None, &error).await.map(drop);
        }
    }
    let differences = compare(&known, &remote);
    finish(work, Some((config, differences))).await
}

/// What was linked before the listing began must be in it.
fn is_comparable(ticket: &Ticket, started_at: UtcTime) -> bool {
    ticket.phase == Phase::Linked && ticket.last_synced_at.is_some_and(|at| at <= started_at)
}

fn projects(tickets: &[Ticket]) -> Vec<String> {
    let mut projects: Vec<String> = tickets.iter().map(|ticket| ticket.project_key.clone()).collect();
    projects.sort_unstable();
    projects.dedup();
    projects
}

/// What the tracker has: by key, and by the id that survives a move.
#[derive(Debug, Default)]
struct Listed {
    by_key: HashMap<String, bool>,
    by_id: HashMap<String, bool>,
}

impl Listed {
    fn add(&mut self, state: TicketState) {
        self.by_key.insert(state.ticket.key, state.open);
        if let Some(id) = state.ticket.id {
            self.by_id.insert(id, state.open);
        }
    }

    fn is_open(&self, ticket: &Ticket) -> Option<bool> {
        let by_key = ticket.remote_key.as_ref().and_then(|key| self.by_key.get(key));
        let by_id = || ticket.remote_id.as_ref().and_then(|id| self.by_id.get(id));
        by_key.or_else(by_id).copied()
    }
}

async fn list(work: &Work, project: &str, into: &mut Listed) -> Result<Result<(), ClientError>, ApiError> {
    let mut cursor: Option<String> = None;
    loop {
        let page = match work.client.list(project, cursor.as_deref()).await {
            Ok(answer) => answer.value,
            Err(error) => return Ok(Err(error)),
        };
        page.tickets.into_iter().for_each(|state| into.add(state));
        let Some(next) = page.next else { return Ok(Ok(())) };
        cursor = Some(next);
        let (lease, until) = (work.lease, (work.tools.now)().plus(LEASE));
        let is_ours = work.tools.db.write(move |conn| Ok(outbox::repo::extend(conn, &lease, until)?)).await?;
        if !is_ours {
            return Err(ApiError::Conflict("the lease of the job has run out".to_owned()));
        }
    }
}

/// What to note at which tickets.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differences {
    seen: BTreeMap<TicketId, Option<RemoteState>>,
    look: Vec<(SubjectKind, SubjectId)>,
    missing: usize,
    are_missing_in_mass: bool,
}

fn compare(known: &[Ticket], remote: &Listed) -> Differences {
    let missing = known.iter().filter(|ticket| remote.is_open(ticket).is_none()).count();
    let in_mass = missing >= MANY && missing * 5 > known.len();
    let mut differences = Differences { missing, are_missing_in_mass: in_mass, ..Differences::default() };
    for ticket in known {
        let state = match remote.is_open(ticket) {
            Some(true) => RemoteState::Open,
            Some(false) => RemoteState::Closed,
            None if in_mass => continue,
            None => RemoteState::Missing,
        };
        let seen = Some(state).filter(|state| ticket.state_pushed != Some(*state));
        if seen != ticket.state_seen {
            differences.seen.insert(ticket.id, seen);
        }
        if seen.is_some() {
            differences.look.push((ticket.subject_kind, ticket.subject_id));
        }
    }
    differences
}

async fn finish(work: &Work, found: Option<(TrackerConfig, Differences)>) -> Result<(), ApiError> {
    let (lease, now) = (work.lease, (work.tools.now)());
    let connection = work.connection.clone();
    work.tools
        .db
        .write(move |conn| {
            if let Some((config, differences)) = found {
                note(conn, &config, &differences, now)?;
                tell(conn, &config, &connection.label, &differences, now)?;
                outbox::repo::note_success(conn, config.organization_id, connection.id, now)?;
                let failing = Connection::failing_cause(connection.id);
                notifications::repo::resolve(conn, config.organization_id, &failing, now)?;
                let own = failure::ticket_cause(connection.id, config.id.into());
                notifications::repo::resolve(conn, config.organization_id, &own, now)?;
            }
            outbox::repo::finish(conn, &lease, now)?;
            Ok(())
        })
        .await
}

fn note(conn: &mut Conn, config: &TrackerConfig, found: &Differences, now: UtcTime) -> Result<(), ApiError> {
    let states = [Some(RemoteState::Open), Some(RemoteState::Closed), Some(RemoteState::Missing), None];
    for state in states {
        let ids: Vec<TicketId> = found.seen.iter().filter(|(_, seen)| **seen == state).map(|(id, _)| *id).collect();
        tickets::repo::note_seen(conn, config.organization_id, &ids, state, now)?;
    }
    let of = |(kind, subject)| Change { connection: config.connection_id, kind, subject };
    let changes: Vec<Change> = found.look.iter().copied().map(of).collect();
    outbox::repo::record(conn, config.organization_id, config.product_id, &changes, JobReason::Verify, now)?;
    Ok(())
}

fn tell(
    conn: &mut Conn,
    config: &TrackerConfig,
    label: &str,
    found: &Differences,
    now: UtcTime,
) -> Result<(), ApiError> {
    let cause_key = config.missing_cause();
    if !found.are_missing_in_mass {
        notifications::repo::resolve(conn, config.organization_id, &cause_key, now)?;
        return Ok(());
    }
    let notice = Notice {
        organization: config.organization_id,
        cause_key,
        kind: NotificationKind::TicketsMissing,
        product: Some(config.product_id),
        subject: Some(("tracker_config", config.id.0)),
        title: format!("{} tickets in {label:?} seem to be deleted", found.missing),
        body: format!(
            "A list of {} does not have them. That is a lost permission more often than a clean-up, so none of them is \
             made again. If the account may see them again, the next import goes on; if they are deleted on purpose, \
             unlink them, or refresh each one that shall be made again.",
            config.project_key
        ),
    };
    notifications::repo::raise(conn, &notice, now)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{ConnectionId, OrganizationId, ProductId};

    fn ticket(number: u32, pushed: RemoteState, seen: Option<RemoteState>) -> Ticket {
        let at = UtcTime::from_micros(0);
        Ticket {
            organization_id: OrganizationId::generate(),
            id: TicketId::generate(),
            connection_id: ConnectionId::generate(),
            subject_kind: SubjectKind::Observation,
            subject_id: SubjectId::generate(),
            product_id: ProductId::generate(),
            project_key: "acme/app".to_owned(),
            phase: Phase::Linked,
            marker: String::new(),
            remote_key: Some(format!("acme/app#{number}")),
            remote_id: Some(format!("id-{number}")),
            url: None,
            base_url: String::new(),
            state_seen: seen,
            state_pushed: Some(pushed),
            pushed_json: None,
            title: String::new(),
            is_suppressed: false,
            pushed_by_hand: false,
            sent_at: None,
            unlinked_at: None,
            last_error: None,
            last_synced_at: Some(at),
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    fn listed(states: &[(u32, bool)]) -> Listed {
        let mut listed = Listed::default();
        for (number, open) in states {
            listed.by_key.insert(format!("acme/app#{number}"), *open);
        }
        listed
    }

    /// SO-8
    #[test]
    fn notes_only_what_differs_and_forgets_what_does_not_any_more() {
        use RemoteState::{Closed, Missing, Open};
        for (pushed, seen, remote, noted, looks) in [
            (Open, None, Some(true), None, false),
            (Open, None, Some(false), Some(Some(Closed)), true),
            (Open, None, None, Some(Some(Missing)), true),
            (Closed, None, Some(true), Some(Some(Open)), true),
            (Closed, None, Some(false), None, false),
            (Open, Some(Closed), Some(true), Some(None), false),
            (Open, Some(Closed), Some(false), None, true),
        ] {
            let known = [ticket(1, pushed, seen)];
            let remote: Vec<_> = remote.into_iter().map(|open| (1, open)).collect();
            let found = compare(&known, &listed(&remote));
            assert_eq!(found.seen.get(&known[0].id).copied(), noted, "{pushed} {seen:?} {remote:?}");
            assert_eq!(!found.look.is_empty(), looks, "{pushed} {seen:?} {remote:?}");
        }
    }

    /// SO-8
    #[test]
    fn many_missing_at_once_are_not_believed() {
        for (all, there, in_mass) in [(20, 16, false), (20, 15, true), (4, 0, false), (5, 0, true), (100, 80, false)] {
            let known: Vec<_> = (0..all).map(|number| ticket(number, RemoteState::Open, None)).collect();
            let remote: Vec<_> = (0..there).map(|number| (number, true)).collect();
            let found = compare(&known, &listed(&remote));
            assert_eq!(found.are_missing_in_mass, in_mass, "{there} of {all}");
            let noted = if in_mass { 0 } else { (all - there) as usize };
            assert_eq!(found.seen.len(), noted, "{there} of {all}");
        }
    }

    #[test]
    fn a_moved_ticket_is_known_by_its_id() {
        let mut remote = Listed::default();
        remote.by_id.insert("id-1".to_owned(), true);
        assert!(compare(&[ticket(1, RemoteState::Open, None)], &remote).seen.is_empty());
    }
}
