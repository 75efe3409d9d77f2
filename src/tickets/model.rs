//! The rows.

use diesel::prelude::*;

use crate::base::ids::{ConnectionId, OrganizationId, ProductId, SubjectId, TicketId};
use crate::base::time::UtcTime;
use crate::db::schema::tickets;
use crate::observations::ticket_state::TicketState;
use crate::outbox::model::SubjectKind;
use crate::text_enum;

text_enum! {
    /// How far a ticket has come.
    Phase {
        /// It shall be created; nothing was sent, or what was sent was refused.
        Intended = "intended",
        /// A create was sent and its answer is not known: the item may exist.
        Uncertain = "uncertain",
        /// The item is known.
        Linked = "linked",
        /// The item was deleted in the tracker.
        Gone = "gone",
    }
}

text_enum! {
    /// What an item in a tracker is.
    RemoteState {
        /// Work on it is open.
        Open = "open",
        /// It is done with.
        Closed = "closed",
        /// A complete list of the project did not have it.
        Missing = "missing",
    }
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = tickets, primary_key(organization_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Ticket {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: TicketId,
    /// The account that made it.
    pub connection_id: ConnectionId,
    /// What it is about.
    pub subject_kind: SubjectKind,
    /// What it is about.
    pub subject_id: SubjectId,
    /// The product of the subject.
    pub product_id: ProductId,
    /// The project in the tracker.
    pub project_key: String,
    /// How far it has come.
    pub phase: Phase,
    /// The sign in the tracker by which it is found again.
    pub marker: String,
    /// The tracker's key: unique within the connection.
    pub remote_key: Option<String>,
    /// The tracker's internal id.
    pub remote_id: Option<String>,
    /// Its page for people.
    pub url: Option<String>,
    /// The base URL of the connection when it was made.
    pub base_url: String,
    /// What was last seen in the tracker, where that differs from what was pushed.
    pub state_seen: Option<RemoteState>,
    /// What Patchbay last made it.
    pub state_pushed: Option<RemoteState>,
    /// Prints of what was last pushed.
    pub pushed_json: Option<String>,
    /// The title, to name the ticket when its subject is deleted.
    pub title: String,
    /// Unlinked by hand: its subject is not pushed automatically any more.
    pub is_suppressed: bool,
    /// Pushed by hand: the conditions of automatic pushes do not close it.
    pub pushed_by_hand: bool,
    /// When a create was last sent.
    pub sent_at: Option<UtcTime>,
    /// When it stopped being the ticket of its subject.
    pub unlinked_at: Option<UtcTime>,
    /// Why the last push failed.
    pub last_error: Option<String>,
    /// When it was last pushed.
    pub last_synced_at: Option<UtcTime>,
    /// Grows with every change; the `ETag`.
    pub version: i64,
    /// When it was intended.
    pub created_at: UtcTime,
    /// When it was last changed.
    pub updated_at: UtcTime,
}

impl Ticket {
    /// Is there an item in the tracker that is open, as far as is known?
    #[must_use]
    pub fn is_open(&self) -> bool {
        let state = self.state_seen.or(self.state_pushed);
        self.phase == Phase::Linked && self.unlinked_at.is_none() && matches!(state, Some(RemoteState::Open) | None)
    }

    /// Leaves it as it is in the tracker: it is not its subject's any more, which gets no other by itself.
    pub const fn unlink(&mut self, now: UtcTime) {
        self.unlinked_at = Some(now);
        self.is_suppressed = true;
    }

    /// What the observation's column says about it.
    #[must_use]
    pub fn summary(&self) -> Option<TicketState> {
        match (self.phase, self.state_seen.or(self.state_pushed)) {
            _ if self.unlinked_at.is_some() => None,
            _ if self.last_error.is_some() => Some(TicketState::Failed),
            (Phase::Gone, _) => None,
            (Phase::Linked, Some(RemoteState::Closed)) => Some(TicketState::Closed),
            (Phase::Linked, Some(RemoteState::Open) | None) => Some(TicketState::Open),
            (Phase::Linked, Some(RemoteState::Missing)) | (Phase::Intended | Phase::Uncertain, _) => {
                Some(TicketState::Pending)
            }
        }
    }
}
