//! What to do about one ticket: from what should be and what was last pushed to one step. Pure.
//!
//! The worker takes the step, records it, reads again and plans again until there is nothing left to do. So whatever
//! is lost on the way, the next plan starts from what is known.

use super::subject::{ObservationSubject, Subject};
use super::text::{self, WhyClosed};
use super::ticket::{CloseReason, Destination, Marker, Move, PushedPrint, TicketChange, TicketDraft, TicketRef};
use crate::base::ids::{ConnectionId, OrganizationId, ProductId, SubjectId, TicketId};
use crate::base::time::UtcTime;
use crate::outbox::model::{JobReason, SubjectKind};
use crate::tickets::model::{Phase, RemoteState, Ticket};
use crate::tracker_configs::model::{Switch, TrackerConfig};
use crate::tracker_configs::policy;

/// Whose ticket in which connection, and why it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The organization.
    pub organization: OrganizationId,
    /// The product.
    pub product: ProductId,
    /// The connection.
    pub connection: ConnectionId,
    /// What the ticket is about.
    pub kind: SubjectKind,
    /// The observation or issue.
    pub subject: SubjectId,
    /// Why.
    pub reason: JobReason,
}

/// All that decides about one ticket, read at one moment.
#[derive(Debug, Clone)]
pub struct Situation {
    /// Whose ticket.
    pub about: About,
    /// How the product uses this connection; none when it does not (any more).
    pub config: Option<TrackerConfig>,
    /// The observation or issue; none when it was deleted.
    pub subject: Option<Subject>,
    /// The ticket that stands for it now.
    pub ticket: Option<Ticket>,
    /// A ticket of it was unlinked by hand, and nobody pushed it since.
    pub is_suppressed: bool,
    /// The ticket of the same thing on a branch that is not pushed (any more), which can move here.
    pub twin: Option<Ticket>,
    /// The same thing on the branch that is pushed now, without a ticket, to which the ticket can move.
    pub heir: Option<SubjectId>,
    /// Where the subject lives in Patchbay.
    pub link_back: String,
    /// The print of the file that the ticket should carry; none where it should not, or its tracker keeps no files.
    pub file_print: Option<String>,
}

/// The next step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// All is as it should be.
    Nothing,
    /// A switch stops what should be done.
    Hold(Switch),
    /// The twin's ticket becomes this subject's.
    TakeOver(Box<Ticket>),
    /// The ticket becomes the heir's.
    HandOver(SubjectId),
    /// Make a ticket.
    Create,
    /// Nobody wants the ticket any more that was never made.
    Forget,
    /// Find out whether a create whose answer was lost has made the ticket.
    Look,
    /// Find out whether the ticket is deleted, as a list of the project says.
    Check,
    /// What people did in the tracker is what should be.
    Acknowledge,
    /// Open the ticket again.
    Reopen(Box<Move>),
    /// Close the ticket.
    Close(Box<Move>),
    /// Change what differs from what was last pushed.
    Update(Box<TicketChange>),
    /// Give it the file with this print in place of the one it has.
    Attach(String),
}

impl Step {
    /// Whether it sends anything that changes the tracker, and so needs every switch on.
    #[must_use]
    pub const fn writes(&self) -> bool {
        match self {
            Self::Create | Self::Reopen(_) | Self::Close(_) | Self::Update(_) | Self::Attach(_) => true,
            Self::Nothing
            | Self::Hold(_)
            | Self::TakeOver(_)
            | Self::HandOver(_)
            | Self::Forget
            | Self::Look
            | Self::Check
            | Self::Acknowledge => false,
        }
    }
}

impl Situation {
    /// Whether somebody asked for this ticket.
    #[must_use]
    pub fn by_hand(&self) -> bool {
        self.about.reason == JobReason::Push || self.ticket.as_ref().is_some_and(|ticket| ticket.pushed_by_hand)
    }

    /// The next step, with the switches.
    #[must_use]
    pub fn next_step(&self) -> Step {
        let step = self.wanted_step();
        let switch = self.config.as_ref().and_then(|config| config.holds(self.about.reason));
        match switch {
            Some(switch) if step.writes() => Step::Hold(switch),
            _ => step,
        }
    }

    /// The next step if every switch were on.
    #[must_use]
    pub fn wanted_step(&self) -> Step {
        let Some(ticket) = &self.ticket else { return self.without_ticket() };
        match ticket.phase {
            Phase::Intended if self.deserves_new() => Step::Create,
            Phase::Intended => Step::Forget,
            Phase::Uncertain => Step::Look,
            Phase::Linked => self.with_linked(ticket),
            // It has stopped being the ticket of anything.
            Phase::Gone => self.without_ticket(),
        }
    }

    fn without_ticket(&self) -> Step {
        match &self.twin {
            _ if !self.deserves_new() => Step::Nothing,
            Some(twin) => Step::TakeOver(Box::new(twin.clone())),
            None => Step::Create,
        }
    }

    fn with_linked(&self, ticket: &Ticket) -> Step {
        let is_open = match ticket.state_seen.or(ticket.state_pushed) {
            Some(RemoteState::Missing) => return Step::Check,
            Some(RemoteState::Closed) => false,
            Some(RemoteState::Open) | None => true,
        };
        match self.why_closed() {
            None if !is_open => Step::Reopen(Box::new(self.reopen(ticket))),
            None => self.update(ticket),
            Some(_) if self.close_is_held() => Step::Nothing,
            Some(WhyClosed::OtherBranch) if self.heir.is_some() => self.heir.map_or(Step::Nothing, Step::HandOver),
            Some(why) if is_open => Step::Close(Box::new(self.close(ticket, why))),
            Some(_) if ticket.state_seen.is_some() => Step::Acknowledge,
            Some(_) => Step::Nothing,
        }
    }

    fn update(&self, ticket: &Ticket) -> Step {
        let Some(draft) = self.draft(ticket) else { return Step::Nothing };
        let change = match pushed(ticket) {
            Some(pushed) => draft.changes_since(&pushed),
            None => draft.changes_since(&nothing_pushed()),
        };
        match &self.file_print {
            _ if !change.is_empty() => Step::Update(Box::new(change)),
            Some(print) if draft.file.as_ref().is_none_or(|file| file.print != *print) => Step::Attach(print.clone()),
            _ if ticket.state_seen.is_some() => Step::Acknowledge,
            _ => Step::Nothing,
        }
    }

    fn deserves_new(&self) -> bool {
        match (&self.config, &self.subject) {
            (Some(config), Some(Subject::Observation(it))) => {
                policy::deserves_new(config, &it.facts(self.is_suppressed, self.by_hand()))
            }
            (Some(_), Some(Subject::Issue(issue))) => {
                issue.why_closed().is_none() && (self.by_hand() || !self.is_suppressed)
            }
            _ => false,
        }
    }

    /// Why the ticket should not be open; `None` when it should.
    #[must_use]
    pub fn why_closed(&self) -> Option<WhyClosed> {
        let Some(subject) = &self.subject else { return Some(WhyClosed::Deleted) };
        let Some(config) = &self.config else { return Some(WhyClosed::NotConfigured) };
        let subject = match subject {
            Subject::Issue(issue) => return issue.why_closed().map(WhyClosed::IssueState),
            Subject::Observation(observation) => observation,
        };
        let facts = subject.facts(self.is_suppressed, self.by_hand());
        if policy::deserves_open(config, &facts) {
            return None;
        }
        Some(if !subject.status.is_active() {
            WhyClosed::Status(subject.status)
        } else if !subject.on_pushed_branch {
            WhyClosed::OtherBranch
        } else if facts.is_superseded {
            WhyClosed::Superseded
        } else {
            WhyClosed::BelowMinimum
        })
    }

    fn observation(&self) -> Option<&ObservationSubject> {
        self.subject.as_ref()?.observation()
    }

    fn close_is_held(&self) -> bool {
        self.observation().is_some_and(|subject| subject.close_is_held)
    }

    /// What the ticket should be; none when the subject or the config is gone.
    #[must_use]
    pub fn draft(&self, ticket: &Ticket) -> Option<TicketDraft> {
        let (config, subject) = (self.config.as_ref()?, self.subject.as_ref()?);
        let settings = config.settings();
        Some(TicketDraft {
            project: ticket.project_key.clone(),
            title: text::title(subject),
            body: text::body(subject, &self.link_back, file_url(ticket).as_deref()),
            labels: settings.labels,
            priority: None,
            issue_type: settings.issue_type,
            components: Vec::new(),
            custom_fields: serde_json::Map::new(),
            assignee: None,
            confidential: settings.confidential,
            marker: Marker::of(ticket.id),
            file: pushed(ticket).and_then(|pushed| pushed.file),
        })
    }

    fn close(&self, ticket: &Ticket, why: WhyClosed) -> Move {
        let said = match (why, self.observation()) {
            (WhyClosed::Superseded, Some(subject)) => subject.superseded_by.as_ref().map(text::pointer),
            (_, Some(subject)) => subject.assessment_comment.clone(),
            (_, None) => None,
        };
        let status = self.config.as_ref().and_then(|config| config.settings().closed_status);
        let destination = status.map_or(Destination::Discover, Destination::Status);
        Move { destination, ..Move::new(why.reason()).saying(text::closing(why, said.as_deref(), move_marker(ticket))) }
    }

    fn reopen(&self, ticket: &Ticket) -> Move {
        let how = Move::new(CloseReason::Completed);
        match &self.subject {
            Some(subject) => how.saying(text::reopening(subject, move_marker(ticket))),
            None => how,
        }
    }
}

/// The same for every attempt at one move, and another for the next move: the ticket's last success tells them apart.
fn move_marker(ticket: &Ticket) -> String {
    let last = ticket.last_synced_at.map_or(0, UtcTime::as_micros);
    format!("{}-{last:x}", ticket.marker)
}

/// What was last pushed.
#[must_use]
pub fn pushed(ticket: &Ticket) -> Option<PushedPrint> {
    serde_json::from_str(ticket.pushed_json.as_deref()?).ok()
}

/// Where the file of a ticket is, where its text must link it.
fn file_url(ticket: &Ticket) -> Option<String> {
    pushed(ticket)?.file?.url
}

/// The print of a ticket of which nothing is known: everything differs from it.
fn nothing_pushed() -> PushedPrint {
    PushedPrint {
        title: String::new(),
        body: String::new(),
        labels: Vec::new(),
        priority: None,
        assignee: None,
        components: Vec::new(),
        file: None,
    }
}

/// The ticket to be of a subject, before anything is sent.
#[must_use]
pub fn intended(about: &About, base_url: &str, now: UtcTime) -> Ticket {
    let id = TicketId::generate();
    Ticket {
        organization_id: about.organization,
        id,
        connection_id: about.connection,
        subject_kind: about.kind,
        subject_id: about.subject,
        product_id: about.product,
        project_key: String::new(),
        phase: Phase::Intended,
        marker: Marker::of(id).as_str().to_owned(),
        remote_key: None,
        remote_id: None,
        url: None,
        base_url: base_url.to_owned(),
        state_seen: None,
        state_pushed: None,
        pushed_json: None,
        title: String::new(),
        is_suppressed: false,
        pushed_by_hand: false,
        sent_at: None,
        unlinked_at: None,
        last_error: None,
        last_synced_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// The item of a linked ticket.
#[must_use]
pub fn remote(ticket: &Ticket) -> Option<TicketRef> {
    Some(TicketRef { key: ticket.remote_key.clone()?, url: ticket.url.clone()?, id: ticket.remote_id.clone() })
}
