//! Reads all that decides about one ticket.

use diesel::QueryResult;

use super::plan::{About, Situation};
use super::repo;
use super::subject::{IssueSubject, ObservationSubject, Subject};
use crate::base::ids::{ConnectionId, IssueId, ObservationId, SubjectId};
use crate::base::tracker_kind::TrackerKind;
use crate::connections;
use crate::db::conn::Conn;
use crate::outbox::model::SubjectKind;
use crate::tickets;
use crate::tickets::model::Ticket;
use crate::tracker_configs;
use crate::tracker_configs::model::CsvScope;

/// The page of a ticket's subject in Patchbay.
#[must_use]
pub fn link_back(public_url: &str, about: &About) -> String {
    let what = if about.kind == SubjectKind::Issue { "issues" } else { "observations" };
    format!("{public_url}/api/v1/organizations/{}/{what}/{}", about.organization, about.subject)
}

/// The situation of a ticket.
pub fn read(conn: &mut Conn, about: &About, public_url: &str) -> QueryResult<Situation> {
    match about.kind {
        SubjectKind::Issue => of_issue(conn, about, public_url),
        SubjectKind::Observation | SubjectKind::TrackerConfig => of_observation(conn, about, public_url),
    }
}

fn of_issue(conn: &mut Conn, about: &About, public_url: &str) -> QueryResult<Situation> {
    let (organization, kind) = (about.organization, about.kind);
    let subject = repo::issue(conn, organization, IssueId(about.subject.0))?
        .filter(|subject| subject.tracker.connection_id == about.connection);
    let of_product = tracker_configs::repo::of_product(conn, organization, about.product)?
        .filter(|config| config.connection_id == about.connection);
    Ok(Situation {
        about: *about,
        config: subject.as_ref().map(|subject| subject.tracker.as_config(about.product, of_product.as_ref())),
        ticket: tickets::repo::current(conn, organization, about.connection, kind, about.subject)?,
        is_suppressed: tickets::repo::is_suppressed(conn, organization, kind, about.subject)?,
        twin: None,
        heir: None,
        link_back: link_back(public_url, about),
        file_print: subject.as_ref().map_or(Ok(None), |subject| file_print(conn, about, subject))?,
        subject: subject.map(|subject| Subject::Issue(Box::new(subject))),
    })
}

/// The print of the table that the ticket of an issue should carry. GitHub keeps no files with issues.
fn file_print(conn: &mut Conn, about: &About, subject: &IssueSubject) -> QueryResult<Option<String>> {
    let connection = connections::repo::find(conn, about.organization, about.connection)?;
    match (connection.map(|connection| connection.kind), subject.tracker.csv) {
        (None | Some(TrackerKind::GitHub), _) | (_, CsvScope::None) => Ok(None),
        (Some(_), CsvScope::Actionable | CsvScope::All) => repo::table_print(conn, subject).map(Some),
    }
}

fn of_observation(conn: &mut Conn, about: &About, public_url: &str) -> QueryResult<Situation> {
    let organization = about.organization;
    let config = tracker_configs::repo::of_product(conn, organization, about.product)?
        .filter(|config| config.connection_id == about.connection);
    let subject = repo::observation(conn, organization, ObservationId(about.subject.0))?;
    let kind = SubjectKind::Observation;
    let ticket = tickets::repo::current(conn, organization, about.connection, kind, about.subject)?;
    let mut situation = Situation {
        about: *about,
        config,
        ticket,
        is_suppressed: tickets::repo::is_suppressed(conn, organization, kind, about.subject)?,
        twin: None,
        heir: None,
        link_back: link_back(public_url, about),
        file_print: None,
        subject: None,
    };
    if let (Some(subject), Some(_)) = (&subject, &situation.config) {
        match &situation.ticket {
            None if subject.on_pushed_branch => situation.twin = twin(conn, about.connection, subject)?,
            Some(_) if !subject.on_pushed_branch => situation.heir = heir(conn, about.connection, subject)?,
            _ => {}
        }
    }
    situation.subject = subject.map(|subject| Subject::Observation(Box::new(subject)));
    Ok(situation)
}

/// The ticket of the same thing on a branch that is not pushed (any more).
fn twin(conn: &mut Conn, connection: ConnectionId, subject: &ObservationSubject) -> QueryResult<Option<Ticket>> {
    let twins = repo::twins(conn, subject)?;
    let kind = SubjectKind::Observation;
    let linked = tickets::repo::linked_of(conn, subject.organization, connection, kind, &twins)?;
    if linked.is_empty() {
        return Ok(None);
    }
    let pushed = pushed_of(conn, subject, &twins)?;
    Ok(linked.into_iter().find(|ticket| !pushed.contains(&ticket.subject_id)))
}

/// The same thing on a branch that is pushed, without a ticket.
fn heir(conn: &mut Conn, connection: ConnectionId, subject: &ObservationSubject) -> QueryResult<Option<SubjectId>> {
    let twins = repo::twins(conn, subject)?;
    let pushed = pushed_of(conn, subject, &twins)?;
    let kind = SubjectKind::Observation;
    let with_ticket = tickets::repo::with_ticket(conn, subject.organization, connection, kind, &pushed)?;
    Ok(pushed.into_iter().find(|twin| !with_ticket.contains(twin)))
}

/// Those of the twins that are on a branch that is pushed.
fn pushed_of(conn: &mut Conn, subject: &ObservationSubject, twins: &[SubjectId]) -> QueryResult<Vec<SubjectId>> {
    let ids: Vec<_> = twins.iter().map(|twin| ObservationId(twin.0)).collect();
    let branches = tracker_configs::repo::pushed_branches(conn, subject.organization, subject.product)?;
    let rows = tracker_configs::repo::deciding(conn, subject.organization, &ids)?;
    Ok(rows.iter().filter(|row| branches.contains(row.branch_id)).map(|row| row.id.into()).collect())
}
