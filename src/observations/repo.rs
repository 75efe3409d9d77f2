//! Observations one by one, their history and notes.

use diesel::prelude::*;

use super::model::{HistoryEntry, Note, Observation, ObservationDetails, Tombstone};
use super::status::ObservationStatus;
use super::ticket_state::TicketState;
use crate::base::ids::{
    AssetId, BranchId, HistoryId, NoteId, ObservationId, OrganizationId, ProductId, ScanSourceId, VulnerabilityId,
};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{
    observation_details, observation_history, observation_notes, observation_tombstones, observations,
};
use crate::{in_scope, on_backend};

pub mod counts;
pub mod facets;
mod last_seen;
pub mod list;
pub mod pairs;
mod plan;
pub mod removal;
pub mod rows;
pub mod sql;
mod target;
pub mod vulnerabilities;

/// Ids in one `IN (…)`.
const IDS: usize = 10_000;

/// An observation that may be seen.
pub fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    id: ObservationId,
) -> QueryResult<Option<Observation>> {
    use observations as o;
    let query = o::table.filter(o::organization_id.eq(organization).and(o::id.eq(id))).into_boxed::<MultiBackend>();
    in_scope!(query, scope, o::product_id).select(Observation::as_select()).first(conn).optional()
}

/// The wide text of an observation, where it has any of its own.
pub fn details(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ObservationId,
) -> QueryResult<Option<ObservationDetails>> {
    use observation_details as d;
    d::table
        .filter(d::organization_id.eq(organization).and(d::observation_id.eq(id)))
        .select(ObservationDetails::as_select())
        .first(conn)
        .optional()
}

/// What of an observation an assessment decides on.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = observations)]
pub struct Assessable {
    /// Its id.
    pub id: ObservationId,
    /// Its product.
    pub product_id: ProductId,
    /// Its source.
    pub source_id: ScanSourceId,
    /// Its branch.
    pub branch_id: BranchId,
    /// What was found.
    pub vulnerability_id: VulnerabilityId,
    /// On what.
    pub asset_id: AssetId,
    /// What holds now.
    pub status: ObservationStatus,
    /// The severity that holds now.
    pub severity: Severity,
    /// The tool's severity.
    pub scan_severity: Severity,
    /// What the report itself says.
    pub scan_status: Option<ObservationStatus>,
    /// What people say about the state.
    pub assessed_status: Option<ObservationStatus>,
    /// What people say about the severity.
    pub assessed_severity: Option<Severity>,
    /// When the assessed status ends.
    pub assessment_expires_at: Option<UtcTime>,
    /// The original, of a duplicate.
    pub duplicate_of: Option<ObservationId>,
    /// Somebody has confirmed it.
    pub is_verified: bool,
    /// None while it is present.
    pub last_seen_at: Option<UtcTime>,
    /// Grows with every change.
    pub version: i64,
}

/// These observations, of those that may be seen. On PostgreSQL their rows stay locked until the transaction ends, in
/// the order of their ids, so that two transactions cannot wait for each other.
pub fn lock(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    ids: &[ObservationId],
) -> QueryResult<Vec<Assessable>> {
    use observations as o;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(IDS) {
        let these = o::table.filter(o::organization_id.eq(organization)).filter(o::id.eq_any(ids));
        let rows: Vec<Assessable> = match conn {
            Conn::Pg(conn) => these.order(o::id).for_update().select(Assessable::as_select()).load(conn)?,
            Conn::Sqlite(conn) => these.order(o::id).select(Assessable::as_select()).load(conn)?,
        };
        found.extend(rows.into_iter().filter(|row| scope.allows(row.product_id)));
    }
    Ok(found)
}

/// What an assessment writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Assessed {
    /// What holds now.
    pub status: ObservationStatus,
    /// The severity that holds now.
    pub severity: Severity,
    /// What people say about the state.
    pub assessed_status: Option<ObservationStatus>,
    /// What people say about the severity.
    pub assessed_severity: Option<Severity>,
    /// When the assessed status ends.
    pub assessment_expires_at: Option<UtcTime>,
    /// The original, of a duplicate.
    pub duplicate_of: Option<ObservationId>,
    /// Somebody has confirmed it.
    pub is_verified: bool,
    /// When the status changed, if it did.
    pub status_changed_at: Option<UtcTime>,
}

/// Writes the same assessment to many observations.
pub fn assess(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[ObservationId],
    assessed: &Assessed,
) -> QueryResult<()> {
    use observations as o;
    for ids in ids.chunks(IDS) {
        diesel::update(o::table.filter(o::organization_id.eq(organization)).filter(o::id.eq_any(ids)))
            .set((
                (o::status.eq(assessed.status), o::is_active.eq(assessed.status.is_active())),
                (o::severity.eq(assessed.severity), o::is_verified.eq(assessed.is_verified)),
                (o::assessed_status.eq(assessed.assessed_status), o::assessed_severity.eq(assessed.assessed_severity)),
                o::assessment_expires_at.eq(assessed.assessment_expires_at),
                o::duplicate_of.eq(assessed.duplicate_of),
                assessed.status_changed_at.map(|at| o::status_changed_at.eq(at)),
                o::version.eq(o::version + 1),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// The duplicates of an observation.
pub fn duplicates_of(
    conn: &mut Conn,
    organization: OrganizationId,
    original: ObservationId,
) -> QueryResult<Vec<ObservationId>> {
    use observations as o;
    o::table
        .filter(o::organization_id.eq(organization).and(o::duplicate_of.eq(original)))
        .order(o::id)
        .select(o::id)
        .load(conn)
}

/// Makes the duplicates of these observations duplicates of another.
pub fn repoint_duplicates(
    conn: &mut Conn,
    organization: OrganizationId,
    from: &[ObservationId],
    to: ObservationId,
) -> QueryResult<()> {
    use observations as o;
    for from in from.chunks(IDS) {
        diesel::update(o::table.filter(o::organization_id.eq(organization)).filter(o::duplicate_of.eq_any(from)))
            .set((o::duplicate_of.eq(to), o::version.eq(o::version + 1)))
            .execute(conn)?;
    }
    Ok(())
}

/// Assessments that have ended, of any organization: at most `limit`.
pub fn expired(conn: &mut Conn, now: UtcTime, limit: i64) -> QueryResult<Vec<(OrganizationId, ObservationId)>> {
    use observations as o;
    o::table
        .filter(o::assessment_expires_at.le(now))
        .order((o::assessment_expires_at, o::id))
        .limit(limit)
        .select((o::organization_id, o::id))
        .load(conn)
}

/// Removes an observation with all that belongs to it, and remembers its identity.
pub fn delete(conn: &mut Conn, observation: &Observation, now: UtcTime) -> QueryResult<()> {
    let (organization, id) = (observation.organization_id, observation.id);
    let tombstone = Tombstone {
        organization_id: organization,
        source_id: observation.source_id,
        fingerprint: observation.fingerprint.clone(),
        tool_fingerprint: observation.tool_fingerprint.clone(),
        observation_id: id,
        deleted_at: now,
    };
    on_backend!(conn, |conn| diesel::insert_into(observation_tombstones::table)
        .values(&tombstone)
        .on_conflict_do_nothing()
        .execute(conn))?;
    {
        use observation_details as d;
        let own = d::organization_id.eq(organization).and(d::observation_id.eq(id));
        diesel::delete(d::table.filter(own)).execute(conn)?;
    }
    {
        use observation_history as h;
        let own = h::organization_id.eq(organization).and(h::observation_id.eq(id));
        diesel::delete(h::table.filter(own)).execute(conn)?;
    }
    {
        use observation_notes as n;
        let own = n::organization_id.eq(organization).and(n::observation_id.eq(id));
        diesel::delete(n::table.filter(own)).execute(conn)?;
    }
    use observations as o;
    diesel::delete(o::table.filter(o::organization_id.eq(organization).and(o::id.eq(id)))).execute(conn).map(drop)
}

/// Forgets that these observations of a source were deleted: they are back.
pub fn remove_tombstones(
    conn: &mut Conn,
    organization: OrganizationId,
    source: ScanSourceId,
    ids: &[ObservationId],
) -> QueryResult<()> {
    use observation_tombstones as t;
    for ids in ids.chunks(IDS) {
        diesel::delete(
            t::table
                .filter(t::organization_id.eq(organization))
                .filter(t::source_id.eq(source))
                .filter(t::observation_id.eq_any(ids)),
        )
        .execute(conn)?;
    }
    Ok(())
}

/// Says what the ticket of an observation is. It is not a change of the observation: its version stays.
pub fn set_ticket_state(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ObservationId,
    state: Option<TicketState>,
) -> QueryResult<()> {
    use observations as o;
    diesel::update(o::table.filter(o::organization_id.eq(organization).and(o::id.eq(id))))
        .set(o::ticket_state.eq(state))
        .execute(conn)
        .map(drop)
}

/// The history of an observation, newest first.
pub fn history(
    conn: &mut Conn,
    organization: OrganizationId,
    observation: ObservationId,
    window: &Window<HistoryId>,
) -> QueryResult<Vec<HistoryEntry>> {
    use observation_history as h;
    let mut query = h::table
        .filter(h::organization_id.eq(organization).and(h::observation_id.eq(observation)))
        .into_boxed::<MultiBackend>();
    if let Some(after) = window.after {
        query = query.filter(h::id.lt(after));
    }
    query.order(h::id.desc()).limit(window.fetch()).select(HistoryEntry::as_select()).load(conn)
}

/// The notes on an observation, newest first.
pub fn notes(
    conn: &mut Conn,
    organization: OrganizationId,
    observation: ObservationId,
    window: &Window<NoteId>,
) -> QueryResult<Vec<Note>> {
    use observation_notes as n;
    let mut query = n::table
        .filter(n::organization_id.eq(organization).and(n::observation_id.eq(observation)))
        .into_boxed::<MultiBackend>();
    if let Some(after) = window.after {
        query = query.filter(n::id.lt(after));
    }
    query.order(n::id.desc()).limit(window.fetch()).select(Note::as_select()).load(conn)
}

/// A note on an observation.
pub fn find_note(
    conn: &mut Conn,
    organization: OrganizationId,
    observation: ObservationId,
    id: NoteId,
) -> QueryResult<Option<Note>> {
    use observation_notes as n;
    n::table
        .filter(n::organization_id.eq(organization).and(n::observation_id.eq(observation)).and(n::id.eq(id)))
        .select(Note::as_select())
        .first(conn)
        .optional()
}

/// Adds a note.
pub fn insert_note(conn: &mut Conn, note: &Note) -> QueryResult<()> {
    diesel::insert_into(observation_notes::table).values(note).execute(conn).map(drop)
}

/// Rewrites a note that still has the version that was read.
pub fn update_note(conn: &mut Conn, note: &Note, read_version: i64) -> QueryResult<bool> {
    use observation_notes as n;
    let own = n::organization_id.eq(note.organization_id).and(n::id.eq(note.id)).and(n::version.eq(read_version));
    let set = (n::body.eq(&note.body), n::version.eq(note.version), n::edited_at.eq(note.edited_at));
    Ok(diesel::update(n::table.filter(own)).set(set).execute(conn)? == 1)
}

/// Removes a note.
pub fn delete_note(conn: &mut Conn, organization: OrganizationId, id: NoteId) -> QueryResult<()> {
    use observation_notes as n;
    diesel::delete(n::table.filter(n::organization_id.eq(organization).and(n::id.eq(id)))).execute(conn).map(drop)
}
