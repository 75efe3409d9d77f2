//! The audit log: who changed what, written in the transaction of the change. Never a secret, nor its hash.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::model::{AuditLine, Caller};
use super::permission::Permission;
use super::repo;
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::{AuditId, OrganizationId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;

/// What is to be remembered of a change.
///
/// ```text
/// audit::Entry::new("team.renamed", "team", team.id.0).change("name", &old, &new).record(conn, caller, now)?;
/// ```
#[derive(Debug, Clone)]
pub struct Entry {
    action: &'static str,
    subject_kind: &'static str,
    subject_id: Uuid,
    changes: Map<String, Value>,
}

impl Entry {
    /// `action` is the kind of thing and what happened to it: `team.created`.
    #[must_use]
    pub fn new(action: &'static str, subject_kind: &'static str, subject_id: Uuid) -> Self {
        Self { action, subject_kind, subject_id, changes: Map::new() }
    }

    /// A field of something that was created.
    #[must_use]
    pub fn set(self, field: &str, new: impl Into<Value>) -> Self {
        self.change(field, Value::Null, new)
    }

    /// A field that may have changed; left out if it did not.
    #[must_use]
    pub fn change(mut self, field: &str, old: impl Into<Value>, new: impl Into<Value>) -> Self {
        let (old, new) = (old.into(), new.into());
        if old != new {
            self.changes.insert(field.to_owned(), json!({ "old": old, "new": new }));
        }
        self
    }

    /// A secret that changed: that it did, not what it is.
    #[must_use]
    pub fn secret(mut self, field: &str) -> Self {
        self.changes.insert(field.to_owned(), json!({ "changed": true }));
        self
    }

    /// Writes the line for a caller, in the caller's organization.
    ///
    /// # Errors
    /// `Internal`.
    pub fn record(self, conn: &mut Conn, caller: &Caller, now: UtcTime) -> Result<(), ApiError> {
        self.record_in(conn, caller.organization, caller.actor, now)
    }

    /// Writes the line for an actor, in an organization.
    ///
    /// # Errors
    /// `Internal`.
    pub fn record_in(
        self,
        conn: &mut Conn,
        organization_id: OrganizationId,
        actor: Actor,
        now: UtcTime,
    ) -> Result<(), ApiError> {
        let line = AuditLine {
            organization_id,
            id: AuditId::generate(),
            at: now,
            actor_kind: actor.kind(),
            actor_id: actor.id(),
            action: self.action.to_owned(),
            subject_kind: self.subject_kind.to_owned(),
            subject_id: Some(self.subject_id.as_bytes().to_vec()),
            changes_json: Value::Object(self.changes).to_string(),
        };
        repo::audit::insert(conn, &line)?;
        Ok(())
    }
}

/// Which lines of the log to show.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this user or token.
    pub actor_id: Option<Uuid>,
    /// About this thing.
    pub subject_id: Option<Uuid>,
    /// About this kind of thing.
    pub subject_kind: Option<String>,
    /// With this action.
    pub action: Option<String>,
}

/// A page of the log, newest first.
///
/// # Errors
/// `Forbidden` for all but admins.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    filter: &AuditFilter,
    window: &Window<AuditId>,
    with_total: bool,
) -> Result<(Vec<AuditLine>, Option<i64>), ApiError> {
    caller.require_everywhere(Permission::Administer)?;
    let total = if with_total { Some(repo::audit::count(conn, caller.organization, filter)?) } else { None };
    Ok((repo::audit::list(conn, caller.organization, filter, window)?, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_holds_what_changed_and_never_a_secret() {
        let entry = Entry::new("user.changed", "user", Uuid::nil())
            .change("name", "Ann", "Anna")
            .change("role", "admin", "admin")
            .set("team", "red")
            .secret("password");
        let expected = json!({
            "name": { "old": "Ann", "new": "Anna" },
            "team": { "old": null, "new": "red" },
            "password": { "changed": true },
        });
        assert_eq!(Value::Object(entry.changes), expected);
    }
}
