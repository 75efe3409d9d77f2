//! Accepted risks that expire.

use std::collections::BTreeMap;

use super::service::take_back;
use super::tail::{self, Cause};
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::{ObservationId, OrganizationId};
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::observations::repo;

/// What one call works off: bounds how long others wait for the database.
pub const BATCH: i64 = 1_000;

/// Ends accepted risks whose time is up, in all organizations: their observations have the status again that the scans
/// give them. Answers how many; [`BATCH`] means that there may be more.
///
/// # Errors
/// `Internal`.
pub fn expire(conn: &mut Conn, now: UtcTime) -> Result<usize, ApiError> {
    let expired = repo::expired(conn, now, BATCH)?;
    let mut organizations: BTreeMap<OrganizationId, Vec<ObservationId>> = BTreeMap::new();
    for (organization, id) in &expired {
        organizations.entry(*organization).or_default().push(*id);
    }
    let cause = Cause { actor: Actor::System, at: now, comment: Some("the acceptance of the risk has expired") };
    for (organization, ids) in organizations {
        let mut rows = repo::lock(conn, organization, &ProductScope::all(), &ids)?;
        // Between reading and locking somebody may have accepted it for longer.
        rows.retain(|row| row.assessment_expires_at.is_some_and(|at| at <= now));
        tail::write(conn, organization, &take_back(rows, now), cause)?;
    }
    Ok(expired.len())
}
