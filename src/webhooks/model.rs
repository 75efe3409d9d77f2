//! The rows.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::mapping::StateMapping;
use crate::base::ids::{ConnectionId, DeliveryId, OrganizationId, ProductId, TicketId};
use crate::base::time::UtcTime;
use crate::db::schema::{tracker_webhooks, webhook_deliveries, webhook_kinds, webhook_statuses};
use crate::text_enum;

text_enum! {
    /// What came of a delivery.
    Outcome {
        /// It changed something here.
        Applied = "applied",
        /// All that it says was known.
        NothingNew = "nothing_new",
        /// It is our own change coming back.
        OwnChange = "own_change",
        /// It is about nothing that Patchbay has a ticket for.
        NoTicket = "no_ticket",
        /// It is of a kind that means nothing here.
        Unknown = "unknown",
        /// It could not be worked off.
        Failed = "failed",
    }
}

/// The webhook of a connection.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = tracker_webhooks, primary_key(organization_id, connection_id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Webhook {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// The hash of the secret in the URL; none until one is made.
    pub secret_hash: Option<Vec<u8>>,
    /// The hash of the secret before it.
    pub previous_hash: Option<Vec<u8>>,
    /// Until when that one is taken.
    pub previous_until: Option<UtcTime>,
    /// What the tracker signs with, sealed.
    pub signing_sealed: Option<Vec<u8>>,
    /// What it signed with before.
    pub previous_signing_sealed: Option<Vec<u8>>,
    /// Whether deliveries without a signature are refused.
    pub requires_signature: bool,
    /// A [`StateMapping`]; none while statuses of the tracker change nothing.
    pub state_mapping_json: Option<String>,
    /// The names by which the tracker calls our own account.
    pub account_json: Option<String>,
    /// When the tracker was last asked for them.
    pub account_asked_at: Option<UtcTime>,
    /// When the secret was made.
    pub secret_made_at: Option<UtcTime>,
    /// Grows with every change by people; the `ETag`.
    pub version: i64,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhook({})", self.connection_id)
    }
}

impl Webhook {
    /// The webhook of a connection before anybody has set it up.
    #[must_use]
    pub const fn new(organization_id: OrganizationId, connection_id: ConnectionId) -> Self {
        Self {
            organization_id,
            connection_id,
            secret_hash: None,
            previous_hash: None,
            previous_until: None,
            signing_sealed: None,
            previous_signing_sealed: None,
            requires_signature: false,
            state_mapping_json: None,
            account_json: None,
            account_asked_at: None,
            secret_made_at: None,
            version: 0,
        }
    }

    /// Which statuses of the tracker change the state of issues; none while none does.
    #[must_use]
    pub fn state_mapping(&self) -> Option<StateMapping> {
        serde_json::from_str(self.state_mapping_json.as_deref()?).ok()
    }

    /// The names by which the tracker calls our own account; empty while they are not known.
    #[must_use]
    pub fn account(&self) -> Vec<String> {
        self.account_json.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// The place to which a secret to sign with is bound.
    #[must_use]
    pub fn seal_place(connection: ConnectionId) -> String {
        format!("tracker_webhooks/{connection}")
    }
}

/// What came of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_deliveries, treat_none_as_default_value = false)]
pub struct WorkedOff {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: DeliveryId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// The same for a delivery that comes again.
    pub delivery_key: String,
    /// The tracker's word for its kind.
    pub event: String,
    /// Whether it was signed.
    pub is_signed: bool,
    /// What came of it.
    pub outcome: Outcome,
    /// What it did, line by line, as JSON.
    pub effects_json: String,
    /// The ticket that it is about.
    pub ticket_id: Option<TicketId>,
    /// The product of that ticket.
    pub product_id: Option<ProductId>,
    /// When it came.
    pub received_at: UtcTime,
    /// When it was worked off.
    pub worked_off_at: UtcTime,
}

impl WorkedOff {
    /// What it did, line by line.
    #[must_use]
    pub fn effects(&self) -> Vec<String> {
        serde_json::from_str(&self.effects_json).unwrap_or_default()
    }
}

/// How many deliveries of a kind came.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_kinds)]
pub struct KindSeen {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// The tracker's word for the kind.
    pub event: String,
    /// Whether it means anything here.
    pub is_known: bool,
    /// How many came.
    pub deliveries: i64,
    /// When the last came.
    pub last_at: UtcTime,
}

/// A status that a ticket was seen in.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_statuses)]
pub struct StatusSeen {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// The tracker's word for it.
    pub status: String,
    /// Whether the tracker counts it as done.
    pub is_done: bool,
    /// When a ticket was last seen in it.
    pub last_at: UtcTime,
}

/// A status as a tracker tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The tracker's own word.
    pub name: String,
    /// Whether the tracker counts it as done.
    pub is_done: bool,
}
