//! The rows.

use diesel::prelude::*;

use super::settings::Settings;
use crate::base::ids::{ConnectionId, OrganizationId};
use crate::base::time::UtcTime;
use crate::base::tracker_kind::TrackerKind;
use crate::db::schema::tracker_connections;

/// One tracker account.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = tracker_connections, primary_key(organization_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Connection {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: ConnectionId,
    /// Its name for people; unique.
    pub label: String,
    /// Which tracker.
    pub kind: TrackerKind,
    /// Where it is.
    pub base_url: String,
    /// The account's name, where the tracker wants one beside the secret.
    pub username: Option<String>,
    /// The credential, sealed.
    pub secret_sealed: Vec<u8>,
    /// [`Settings`].
    pub settings_json: String,
    /// Off: nothing is sent, and nothing is lost.
    pub is_enabled: bool,
    /// Grows with every change; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
    /// When it was last changed.
    pub updated_at: UtcTime,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({} {} {})", self.id, self.kind, self.label)
    }
}

impl Connection {
    /// The less used settings.
    #[must_use]
    pub fn settings(&self) -> Settings {
        serde_json::from_str(&self.settings_json).unwrap_or_default()
    }

    /// The place to which its credential is bound.
    #[must_use]
    pub fn seal_place(&self) -> String {
        format!("tracker_connections/{}", self.id)
    }

    /// The cause of the notification that it is paused.
    #[must_use]
    pub fn paused_cause(id: ConnectionId) -> String {
        format!("connection/{id}/paused")
    }

    /// The cause of the notification that its tracker fails.
    #[must_use]
    pub fn failing_cause(id: ConnectionId) -> String {
        format!("connection/{id}/failing")
    }
}
