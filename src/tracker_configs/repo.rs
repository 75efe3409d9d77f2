//! The questions to the configs, and to what decides about tickets.

use diesel::dsl::{exists, select};
use diesel::prelude::*;

use super::model::{PushedBranches, TrackerConfig};
use super::policy::Facts;
use crate::base::ids::{BranchId, ConnectionId, ObservationId, OrganizationId, ProductId, SubjectId, TrackerConfigId};
use crate::base::scope::ProductScope;
use crate::base::severity::Severity;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{branches, observations, products, tickets, tracker_configs};
use crate::in_scope;
use crate::observations::status::ObservationStatus;
use crate::outbox::model::SubjectKind;

pub mod issues;

/// Values in one statement: SQLite takes 32,766.
const CHUNK: usize = 10_000;

/// The config of a product.
pub fn of_product(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
) -> QueryResult<Option<TrackerConfig>> {
    tracker_configs::table
        .filter(tracker_configs::organization_id.eq(organization).and(tracker_configs::product_id.eq(product)))
        .select(TrackerConfig::as_select())
        .first(conn)
        .optional()
}

/// A config.
pub fn find(conn: &mut Conn, organization: OrganizationId, id: TrackerConfigId) -> QueryResult<Option<TrackerConfig>> {
    tracker_configs::table.find((organization, id)).select(TrackerConfig::as_select()).first(conn).optional()
}

/// Whether the organization has this product.
pub fn product_exists(conn: &mut Conn, organization: OrganizationId, product: ProductId) -> QueryResult<bool> {
    select(exists(products::table.find((organization, product)))).get_result(conn)
}

/// Adds a config.
pub fn insert(conn: &mut Conn, config: &TrackerConfig) -> QueryResult<()> {
    diesel::insert_into(tracker_configs::table).values(config).execute(conn)?;
    Ok(())
}

/// Stores a changed config whose version was `read`. False when somebody else changed it since.
pub fn save(conn: &mut Conn, config: &TrackerConfig, read: i64) -> QueryResult<bool> {
    let row = tracker_configs::table.find((config.organization_id, config.id));
    Ok(diesel::update(row.filter(tracker_configs::version.eq(read))).set(config).execute(conn)? > 0)
}

/// Removes a config.
pub fn delete(conn: &mut Conn, organization: OrganizationId, id: TrackerConfigId) -> QueryResult<()> {
    diesel::delete(tracker_configs::table.find((organization, id))).execute(conn)?;
    Ok(())
}

/// The branches of a product whose observations may have tickets (SO-2).
pub fn pushed_branches(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
) -> QueryResult<PushedBranches> {
    let default: Option<Option<BranchId>> =
        products::table.find((organization, product)).select(products::default_branch_id).first(conn).optional()?;
    let none = branches::table
        .filter(branches::organization_id.eq(organization).and(branches::product_id.eq(product)))
        .filter(branches::name.eq(""))
        .select(branches::id)
        .first(conn)
        .optional()?;
    Ok(PushedBranches { default: default.flatten(), none })
}

/// What decides about the ticket of an observation that nobody pushes by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Deciding {
    /// Which observation.
    pub id: ObservationId,
    /// Its branch.
    pub branch_id: BranchId,
    /// Its status.
    pub status: ObservationStatus,
    /// Its severity.
    pub severity: Severity,
    /// Whether it is verified.
    pub is_verified: bool,
}

impl Deciding {
    /// As the policy wants it.
    #[must_use]
    pub fn facts(&self, branches: &PushedBranches, is_suppressed: bool) -> Facts {
        Facts {
            status: self.status,
            severity: self.severity,
            on_pushed_branch: branches.contains(self.branch_id),
            is_verified: self.is_verified,
            close_is_held: false,
            is_suppressed,
            is_superseded: false,
            by_hand: false,
        }
    }
}

/// What decides about these observations; those that are gone are left out.
pub fn deciding(conn: &mut Conn, organization: OrganizationId, ids: &[ObservationId]) -> QueryResult<Vec<Deciding>> {
    let mut rows = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        rows.extend(
            observations::table
                .filter(observations::organization_id.eq(organization))
                .filter(observations::id.eq_any(chunk.to_vec()))
                .select((
                    observations::id,
                    observations::branch_id,
                    observations::status,
                    observations::severity,
                    observations::is_verified,
                ))
                .load::<Deciding>(conn)?,
        );
    }
    Ok(rows)
}

/// The active observations of a product that its config may want tickets for, in the order of their ids.
pub fn candidates(
    conn: &mut Conn,
    config: &TrackerConfig,
    branches: &PushedBranches,
) -> QueryResult<Vec<ObservationId>> {
    observations::table
        .filter(observations::organization_id.eq(config.organization_id))
        .filter(observations::product_id.eq(config.product_id).and(observations::is_active.eq(true)))
        .filter(observations::severity.ge(config.minimum_severity))
        .filter(observations::branch_id.eq_any(branches.ids()))
        .order(observations::id)
        .select(observations::id)
        .load(conn)
}

/// Every ticket of a product that stands for its subject now: whose, and of what.
pub fn subjects_with_tickets(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
) -> QueryResult<Vec<(ConnectionId, SubjectKind, SubjectId)>> {
    tickets::table
        .filter(tickets::organization_id.eq(organization).and(tickets::product_id.eq(product)))
        .filter(tickets::unlinked_at.is_null())
        .order(tickets::subject_id)
        .select((tickets::connection_id, tickets::subject_kind, tickets::subject_id))
        .load(conn)
}

/// The projects of a connection's configs that the scope shows.
pub fn projects_of(
    conn: &mut Conn,
    organization: OrganizationId,
    connection: ConnectionId,
    scope: &ProductScope,
) -> QueryResult<Vec<String>> {
    let query = tracker_configs::table
        .filter(tracker_configs::organization_id.eq(organization).and(tracker_configs::connection_id.eq(connection)))
        .select(tracker_configs::project_key)
        .distinct()
        .into_boxed::<MultiBackend>();
    let mut projects: Vec<String> = in_scope!(query, scope, tracker_configs::product_id).load(conn)?;
    projects.sort_unstable();
    Ok(projects)
}
