//! The row.

use diesel::prelude::*;

use crate::base::ids::{ConnectionId, DeliveryId, OrganizationId};
use crate::base::time::UtcTime;
use crate::db::schema::webhook_inbox;

/// A delivery as it came.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = webhook_inbox)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The connection whose secret it knew.
    pub connection_id: ConnectionId,
    /// The same for a delivery that comes again.
    pub delivery_key: String,
    /// What the tracker's header says of its kind; empty where the body says it.
    pub event: String,
    /// Whether it carried a signature; a wrong one is refused.
    pub is_signed: bool,
    /// JSON, if its sender is right.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: UtcTime,
    /// When it may be worked off; while somebody does, when that lease ends.
    pub due_at: UtcTime,
}
