//! Taking news in: what they do to the ticket that they are about, and to its issue.

use super::echo::{self, Doer};
use super::mapping::StateMapping;
use super::model::{Outcome, Status, StatusSeen};
use super::payload::{Happening, HappeningKind, News};
use super::repo;
use crate::base::error::ApiError;
use crate::base::ids::IssueId;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues;
use crate::issues::service::tracker::{TrackerCause, move_by_tracker, note_tracker_event, revise_tracker_comment};
use crate::issues::timeline::TrackerEvent;
use crate::outbox::model::SubjectKind;
use crate::tickets::model::{RemoteState, Ticket};
use crate::tracker_configs::wishes;
use crate::trackers::service::note_seen;

/// Statuses that are kept of a connection: whoever has its secret cannot make more.
const MAX_STATUSES: usize = 200;

/// News that are being taken in.
#[derive(Debug)]
pub struct Taking {
    doer: Doer,
    mapping: Option<StateMapping>,
    at: UtcTime,
    now: UtcTime,
    /// What it did, line by line.
    pub effects: Vec<String>,
    /// How much of it was our own doing.
    own: usize,
}

impl Taking {
    /// News by `doer` of what happened at `at`; the mapping is none while statuses change no issues.
    #[must_use]
    pub const fn new(doer: Doer, mapping: Option<StateMapping>, at: UtcTime, now: UtcTime) -> Self {
        Self { doer, mapping, at, now, effects: Vec::new(), own: 0 }
    }

    /// What came of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (self.effects.is_empty(), self.own) {
            (false, _) => Outcome::Applied,
            (true, 0) => Outcome::NothingNew,
            (true, _) => Outcome::OwnChange,
        }
    }

    /// Takes news of a ticket in.
    ///
    /// # Errors
    /// `Internal`.
    pub fn take(&mut self, conn: &mut Conn, ticket: &Ticket, news: &News) -> Result<(), ApiError> {
        let issue = (ticket.subject_kind == SubjectKind::Issue).then_some(IssueId(ticket.subject_id.0));
        for happening in &news.happenings {
            if echo::is_own(self.doer, happening, news.status.as_ref(), ticket, self.at) {
                self.own += 1;
            } else if let Some(issue) = issue {
                self.enter(conn, ticket, issue, news, happening)?;
            }
        }
        if news.is_deleted {
            return self.see(conn, ticket, RemoteState::Missing);
        }
        match &news.status {
            Some(status) => self.take_status(conn, ticket, news, status),
            None => Ok(()),
        }
    }

    /// Enters one thing in the timeline of an issue.
    fn enter(
        &mut self,
        conn: &mut Conn,
        ticket: &Ticket,
        issue: IssueId,
        news: &News,
        happening: &Happening,
    ) -> Result<(), ApiError> {
        let organization = ticket.organization_id;
        // An issue may have tickets in several trackers.
        let key = format!("{}/{}", ticket.id, happening.key);
        let gone_key = format!("{key}/deleted");
        let event = TrackerEvent {
            remote_key: key.clone(),
            at: Some(self.at),
            actor_name: news.actor.as_ref().map(|person| person.name.clone()),
            is_comment: matches!(happening.kind, HappeningKind::Comment | HappeningKind::CommentEdit),
            field: happening.field.clone(),
            old_value: happening.old.clone(),
            new_value: happening.new.clone(),
            body: happening.body.clone(),
        };
        let effect = match happening.kind {
            HappeningKind::Change => {
                let effect = change_in_words(happening);
                note_tracker_event(conn, organization, issue, event, self.now)?.then_some(effect)
            }
            // What is deleted stays so, also when it is told late that it was said.
            _ if issues::repo::timeline::find_remote(conn, organization, issue, &gone_key)?.is_some() => None,
            HappeningKind::Comment => {
                note_tracker_event(conn, organization, issue, event, self.now)?.then(|| "a comment".to_owned())
            }
            HappeningKind::CommentEdit => {
                self.edit(conn, ticket, issue, event)?.then(|| "an edited comment".to_owned())
            }
            HappeningKind::CommentDeletion => {
                revise_tracker_comment(conn, organization, issue, &key, None, self.now)?;
                let (field, new_value) = (Some("comment".to_owned()), Some("deleted".to_owned()));
                let gone = TrackerEvent { remote_key: gone_key, field, new_value, body: None, ..event };
                note_tracker_event(conn, organization, issue, gone, self.now)?.then(|| "a deleted comment".to_owned())
            }
        };
        self.effects.extend(effect.map(|what| format!("entered in the issue's timeline: {what}")));
        Ok(())
    }

    /// Of two edits the later one counts, in whatever order they come; so it does without the comment itself.
    fn edit(&self, conn: &mut Conn, ticket: &Ticket, issue: IssueId, event: TrackerEvent) -> Result<bool, ApiError> {
        let organization = ticket.organization_id;
        let known = issues::repo::timeline::find_remote(conn, organization, issue, &event.remote_key)?;
        match known {
            None => note_tracker_event(conn, organization, issue, event, self.now),
            Some(known) if self.at < known.edited_at.unwrap_or(known.at) => Ok(false),
            Some(_) => {
                let body = Some(event.body.unwrap_or_default());
                revise_tracker_comment(conn, organization, issue, &event.remote_key, body, self.at)
            }
        }
    }

    /// What is older than what was heard already changes nothing.
    fn take_status(&mut self, conn: &mut Conn, ticket: &Ticket, news: &News, status: &Status) -> Result<(), ApiError> {
        let organization = ticket.organization_id;
        let last = repo::last_heard(conn, organization, ticket.id)?;
        if last.as_ref().is_some_and(|(_, said_at)| self.at < *said_at) {
            return Ok(());
        }
        repo::hear(conn, organization, ticket.id, status, self.at)?;
        let move_of = news.happenings.iter().find(|it| is_move(it));
        let has_moved = match &last {
            Some((name, _)) => *name != status.name,
            // All that was never heard of may have been so for long.
            None => move_of.is_some(),
        };
        if last.is_none_or(|(name, _)| name != status.name) {
            note_status(conn, ticket, status, self.now)?;
        }
        let is_own = move_of.is_some_and(|it| echo::is_own(self.doer, it, Some(status), ticket, self.at));
        if ticket.subject_kind == SubjectKind::Issue && has_moved && !is_own {
            self.follow(conn, ticket, news, status)?;
        }
        self.see(conn, ticket, echo::remote(status))
    }

    /// Moves the issue to where the status leads.
    fn follow(&mut self, conn: &mut Conn, ticket: &Ticket, news: &News, status: &Status) -> Result<(), ApiError> {
        let Some(mapping) = &self.mapping else { return Ok(()) };
        let Some(state) = mapping.state_of(status) else {
            self.effects.push(format!("the status {:?} leads to no state of issues", status.name));
            return Ok(());
        };
        let key = ticket.remote_key.as_deref().unwrap_or("the ticket");
        let cause = TrackerCause {
            remote_key: Some(format!("{}/moved/{}/{}", ticket.id, status.name, self.at.as_micros())),
            actor_name: news.actor.as_ref().map(|person| person.name.clone()),
            reason: format!("{key} went to {}", status.name),
        };
        let issue = IssueId(ticket.subject_id.0);
        if move_by_tracker(conn, ticket.organization_id, issue, state, cause, self.now)? {
            wishes::record_issues(conn, ticket.organization_id, &[issue], self.now)?;
            self.effects.push(format!("the issue moved to {state}"));
        }
        Ok(())
    }

    /// The sync decides what to do about what was seen.
    fn see(&mut self, conn: &mut Conn, ticket: &Ticket, seen: RemoteState) -> Result<(), ApiError> {
        let differing = Some(seen).filter(|seen| ticket.state_pushed != Some(*seen));
        if ticket.state_seen != differing {
            note_seen(conn, ticket, seen, self.now)?;
            self.effects.push(format!("the ticket was seen {seen}"));
        }
        Ok(())
    }
}

fn is_move(happening: &Happening) -> bool {
    happening.field.as_deref().is_some_and(|field| ["status", "state"].contains(&field.to_ascii_lowercase().as_str()))
}

fn change_in_words(happening: &Happening) -> String {
    let field = happening.field.as_deref().unwrap_or("something");
    match happening.new.as_deref().filter(|new| new.chars().count() <= 100) {
        Some(new) => format!("{field} is {new}"),
        None => format!("{field} changed"),
    }
}

fn note_status(conn: &mut Conn, ticket: &Ticket, status: &Status, now: UtcTime) -> Result<(), ApiError> {
    let known = repo::statuses(conn, ticket.organization_id, ticket.connection_id)?;
    let is_new = !known.iter().any(|seen| seen.status == status.name);
    if is_new && known.len() >= MAX_STATUSES {
        return Ok(());
    }
    let seen = StatusSeen {
        organization_id: ticket.organization_id,
        connection_id: ticket.connection_id,
        status: status.name.clone(),
        is_done: status.is_done,
        last_at: now,
    };
    Ok(repo::note_status(conn, &seen)?)
}
