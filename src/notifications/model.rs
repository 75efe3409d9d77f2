//! The rows.

use diesel::prelude::*;
use uuid::Uuid;

use crate::base::ids::{NotificationId, OrganizationId, ProductId};
use crate::base::time::UtcTime;
use crate::db::schema::notifications;
use crate::text_enum;

text_enum! {
    /// What a notification is about.
    NotificationKind {
        /// A tracker refuses the account of a connection; it is paused.
        ConnectionPaused = "connection_paused",
        /// A tracker cannot be reached or fails since a while.
        TrackerFailing = "tracker_failing",
        /// A ticket cannot be pushed.
        TicketFailed = "ticket_failed",
        /// Many tickets seem to be deleted at once.
        TicketsMissing = "tickets_missing",
        /// Most of what a source reported vanished at once.
        ClosesHeld = "closes_held",
        /// An import failed.
        ImportFailed = "import_failed",
        /// The due date of an issue has passed.
        IssueOverdue = "issue_overdue",
    }
}

/// What to tell people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The organization.
    pub organization: OrganizationId,
    /// The same for everything that one act would mend, e.g. `connection/<id>/paused`.
    pub cause_key: String,
    /// What it is about.
    pub kind: NotificationKind,
    /// Who may see this product sees the notification; everybody of the organization if none.
    pub product: Option<ProductId>,
    /// What it concerns: the kind of a resource of the API and its id.
    pub subject: Option<(&'static str, Uuid)>,
    /// One line.
    pub title: String,
    /// What happened, in the tracker's own words, and what to do.
    pub body: String,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = notifications, treat_none_as_default_value = false)]
pub struct Notification {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: NotificationId,
    /// See [`Notice::cause_key`].
    pub cause_key: String,
    /// What it is about.
    pub kind: NotificationKind,
    /// See [`Notice::product`].
    pub product_id: Option<ProductId>,
    /// The kind of what it concerns.
    pub subject_kind: Option<String>,
    /// The id of what it concerns.
    pub subject_id: Option<Vec<u8>>,
    /// One line.
    pub title: String,
    /// What happened the last time, and what to do.
    pub body: String,
    /// How often it happened.
    pub occurrences: i64,
    /// When it happened first.
    pub first_at: UtcTime,
    /// When it happened last.
    pub last_at: UtcTime,
    /// When it was over.
    pub resolved_at: Option<UtcTime>,
}

impl Notification {
    /// The notification of a cause that happens for the first time.
    #[must_use]
    pub fn first(notice: &Notice, now: UtcTime) -> Self {
        Self {
            organization_id: notice.organization,
            id: NotificationId::generate(),
            cause_key: notice.cause_key.clone(),
            kind: notice.kind,
            product_id: notice.product,
            subject_kind: notice.subject.map(|(kind, _)| kind.to_owned()),
            subject_id: notice.subject.map(|(_, id)| id.as_bytes().to_vec()),
            title: notice.title.clone(),
            body: notice.body.clone(),
            occurrences: 1,
            first_at: now,
            last_at: now,
            resolved_at: None,
        }
    }
}
