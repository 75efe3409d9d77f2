//! What happened to an issue, when, and by whom.

use diesel::prelude::*;

use crate::base::actor::{Actor, ActorKind};
use crate::base::ids::{EntryId, IssueId, OrganizationId, ProductId};
use crate::base::time::UtcTime;
use crate::db::schema::timeline_entries;
use crate::text_enum;

text_enum! {
    /// What a line of a timeline is.
    EntryKind {
        /// Somebody changed something.
        User = "user",
        /// Patchbay did something by itself.
        System = "system",
        /// Something happened in a tracker.
        Tracker = "tracker",
        /// Somebody said something, here or in a tracker.
        Comment = "comment",
    }
}

/// A line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = timeline_entries, treat_none_as_default_value = false)]
pub struct Entry {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The issue.
    pub issue_id: IssueId,
    /// Its id, in the order of the timeline.
    pub id: EntryId,
    /// What it is.
    pub kind: EntryKind,
    /// When it happened.
    pub at: UtcTime,
    /// By what kind of actor.
    pub actor_kind: ActorKind,
    /// By which user or token.
    pub actor_id: Option<Vec<u8>>,
    /// By whom in a tracker, as it calls them.
    pub actor_name: Option<String>,
    /// What changed.
    pub field: Option<String>,
    /// Before.
    pub old_value: Option<String>,
    /// After.
    pub new_value: Option<String>,
    /// What was said, or what there is to say.
    pub body: Option<String>,
    /// It is about instances of this product: only who may see that is shown it.
    pub product_id: Option<ProductId>,
    /// By which a tracker's event is known again.
    pub remote_key: Option<String>,
    /// Grows with every edit; the `ETag`.
    pub version: i64,
    /// When it was last edited.
    pub edited_at: Option<UtcTime>,
}

impl Entry {
    /// An entry that says nothing yet, by an actor of Patchbay.
    #[must_use]
    pub fn by(actor: Actor, organization: OrganizationId, issue: IssueId, now: UtcTime) -> Self {
        let kind = match actor {
            Actor::User(_) | Actor::Token(_) | Actor::Workload(_) => EntryKind::User,
            Actor::System => EntryKind::System,
        };
        Self {
            organization_id: organization,
            issue_id: issue,
            id: EntryId::generate(),
            kind,
            at: now,
            actor_kind: actor.kind(),
            actor_id: actor.id(),
            actor_name: None,
            field: None,
            old_value: None,
            new_value: None,
            body: None,
            product_id: None,
            remote_key: None,
            version: 1,
            edited_at: None,
        }
    }

    /// The same, of a change of a field.
    #[must_use]
    pub fn change(self, field: &str, old: Option<String>, new: Option<String>) -> Self {
        Self { field: Some(field.to_owned()), old_value: old, new_value: new, ..self }
    }

    /// The same, with words.
    #[must_use]
    pub fn saying(self, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..self }
    }
}

/// Something that happened in a tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackerEvent {
    /// By which the event is known again: of two with the same, the second is not entered.
    pub remote_key: String,
    /// When it happened there.
    pub at: Option<UtcTime>,
    /// Who did it, as the tracker calls them.
    pub actor_name: Option<String>,
    /// It is a comment: `body` is what was said.
    pub is_comment: bool,
    /// What changed, in the tracker's own words.
    pub field: Option<String>,
    /// Before.
    pub old_value: Option<String>,
    /// After.
    pub new_value: Option<String>,
    /// What was said, or what there is to say.
    pub body: Option<String>,
}

impl TrackerEvent {
    /// Its entry.
    #[must_use]
    pub fn entry(self, organization: OrganizationId, issue: IssueId, now: UtcTime) -> Entry {
        Entry {
            kind: if self.is_comment { EntryKind::Comment } else { EntryKind::Tracker },
            at: self.at.unwrap_or(now),
            actor_kind: ActorKind::Tracker,
            actor_name: self.actor_name,
            field: self.field,
            old_value: self.old_value,
            new_value: self.new_value,
            body: self.body,
            remote_key: Some(self.remote_key),
            ..Entry::by(Actor::System, organization, issue, now)
        }
    }
}
