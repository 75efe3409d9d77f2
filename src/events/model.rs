//! The rows.

use diesel::prelude::*;
use uuid::Uuid;

use crate::base::ids::{EventId, OrganizationId, ProductId};
use crate::base::time::UtcTime;
use crate::db::schema::events;
use crate::text_enum;

text_enum! {
    /// What an event is about.
    EventKind {
        /// A scan.
        Scan = "scan",
        /// An issue.
        Issue = "issue",
        /// A ticket.
        Ticket = "ticket",
        /// A notification.
        Notification = "notification",
    }
}

text_enum! {
    /// What happened to it.
    EventAction {
        /// It is new.
        Created = "created",
        /// It changed.
        Changed = "changed",
        /// It is gone.
        Deleted = "deleted",
    }
}

/// Something that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What it is.
    pub kind: EventKind,
    /// What happened to it.
    pub action: EventAction,
    /// Its id.
    pub subject: Uuid,
    /// Who may see this product sees the event; whoever may see the subject, if none.
    pub product: Option<ProductId>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct Event {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: EventId,
    /// Where it stands among all events; none until somebody watches.
    pub position: Option<i64>,
    /// What it is about.
    pub kind: EventKind,
    /// What happened to that.
    pub action: EventAction,
    /// The id of that.
    pub subject_id: Vec<u8>,
    /// See [`Change::product`].
    pub product_id: Option<ProductId>,
    /// When it happened.
    pub at: UtcTime,
}

impl Event {
    /// The id of what it is about.
    #[must_use]
    pub fn subject(&self) -> Uuid {
        Uuid::from_slice(&self.subject_id).unwrap_or_default()
    }
}
