//! The tables `uploads`, `scans` and `scan_sources`; and what of a source's observations an import compares.

use std::collections::HashSet;

use diesel::prelude::*;

use super::diff::Known;
use super::model::{Scan, ScanSource, SourceKey, Upload, UploadState};
use crate::base::ids::{
    BranchId, EngagementId, ObservationId, OrganizationId, ProductId, ScanId, ScanSourceId, UploadId,
};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{observation_tombstones, observations, scan_sources, scans, uploads};
use crate::observations::apply;
use crate::scans::fingerprint::Print;
use crate::{in_scope, on_backend};

/// Stores an upload that begins.
pub fn insert_upload(conn: &mut Conn, upload: &Upload) -> QueryResult<()> {
    diesel::insert_into(uploads::table).values(upload).execute(conn).map(drop)
}

/// An upload.
pub fn find_upload(conn: &mut Conn, organization: OrganizationId, id: UploadId) -> QueryResult<Option<Upload>> {
    use uploads as u;
    u::table
        .filter(u::organization_id.eq(organization).and(u::id.eq(id)))
        .select(Upload::as_select())
        .first(conn)
        .optional()
}

/// Ends a running upload. Answers false when it does not run (any more): then somebody else has ended it.
pub fn end_upload(
    conn: &mut Conn,
    organization: OrganizationId,
    id: UploadId,
    state: UploadState,
    format: Option<&str>,
    faults_json: Option<String>,
    now: UtcTime,
) -> QueryResult<bool> {
    use uploads as u;
    let running = u::organization_id.eq(organization).and(u::id.eq(id)).and(u::state.eq(UploadState::Running));
    let rows = diesel::update(u::table.filter(running))
        .set((
            u::state.eq(state),
            u::format.eq(format),
            u::faults_json.eq(faults_json),
            u::finished_at.eq(now),
            u::lease_until.eq(None::<UtcTime>),
        ))
        .execute(conn)?;
    Ok(rows == 1)
}

/// Says that the process of a running upload lives.
pub fn renew_upload(conn: &mut Conn, organization: OrganizationId, id: UploadId, until: UtcTime) -> QueryResult<()> {
    use uploads as u;
    let running = u::organization_id.eq(organization).and(u::id.eq(id)).and(u::state.eq(UploadState::Running));
    diesel::update(u::table.filter(running)).set(u::lease_until.eq(until)).execute(conn).map(drop)
}

/// Fails the running uploads whose lease ends before `until`. Answers how many.
pub fn fail_leased_until(conn: &mut Conn, until: UtcTime, faults_json: &str, now: UtcTime) -> QueryResult<usize> {
    use uploads as u;
    diesel::update(u::table.filter(u::lease_until.lt(until)))
        .set((
            u::state.eq(UploadState::Failed),
            u::faults_json.eq(faults_json),
            u::finished_at.eq(now),
            u::lease_until.eq(None::<UtcTime>),
        ))
        .execute(conn)
}

/// The scans of an upload, in their order.
pub fn scans_of_upload(conn: &mut Conn, organization: OrganizationId, upload: UploadId) -> QueryResult<Vec<Scan>> {
    use scans as s;
    s::table
        .filter(s::organization_id.eq(organization).and(s::upload_id.eq(upload)))
        .order(s::id)
        .select(Scan::as_select())
        .load(conn)
}

/// The newest finished upload of the same file with the same settings.
pub fn upload_with_hash(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    hash: &[u8],
) -> QueryResult<Option<Upload>> {
    use uploads as u;
    u::table
        .filter(u::organization_id.eq(organization).and(u::product_id.eq(product)))
        .filter(u::report_hash.eq(hash).and(u::state.eq(UploadState::Finished)))
        .order(u::id.desc())
        .select(Upload::as_select())
        .first(conn)
        .optional()
}

/// The source with this key.
pub fn find_source(conn: &mut Conn, organization: OrganizationId, key: &SourceKey) -> QueryResult<Option<ScanSource>> {
    use scan_sources as s;
    s::table
        .filter(s::organization_id.eq(organization).and(s::product_id.eq(key.product)))
        .filter(s::branch_id.eq(key.branch).and(s::engagement_key.eq(key.engagement_text())))
        .filter(s::tool.eq(&key.tool).and(s::name.eq(&key.name)))
        .select(ScanSource::as_select())
        .first(conn)
        .optional()
}

/// The source with this key, locked until the transaction ends; made when there is none.
pub fn lock_source(
    conn: &mut Conn,
    organization: OrganizationId,
    key: &SourceKey,
    now: UtcTime,
) -> QueryResult<ScanSource> {
    use scan_sources as s;
    if find_source(conn, organization, key)?.is_none() {
        let row = (
            (s::organization_id.eq(organization), s::id.eq(ScanSourceId::generate())),
            (s::product_id.eq(key.product), s::branch_id.eq(key.branch), s::engagement_id.eq(key.engagement)),
            (s::engagement_key.eq(key.engagement_text()), s::tool.eq(&key.tool), s::name.eq(&key.name)),
            s::created_at.eq(now),
        );
        on_backend!(conn, |conn| diesel::insert_into(s::table).values(row).on_conflict_do_nothing().execute(conn))?;
    }
    let is_locked = match conn {
        Conn::Pg(conn) => s::table
            .filter(s::organization_id.eq(organization).and(s::product_id.eq(key.product)))
            .filter(s::branch_id.eq(key.branch).and(s::engagement_key.eq(key.engagement_text())))
            .filter(s::tool.eq(&key.tool).and(s::name.eq(&key.name)))
            .select(s::id)
            .for_update()
            .first::<ScanSourceId>(conn)
            .optional()?
            .is_some(),
        // Its write lock is ours already.
        Conn::Sqlite(_) => true,
    };
    if !is_locked {
        // It was moved to another branch while the lock was waited for.
        return lock_source(conn, organization, key, now);
    }
    find_source(conn, organization, key)?.ok_or(diesel::result::Error::NotFound)
}

/// The sources with these ids, locked until the transaction ends.
pub fn lock_sources(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[ScanSourceId],
) -> QueryResult<Vec<ScanSource>> {
    use scan_sources as s;
    let these = s::organization_id.eq(organization).and(s::id.eq_any(ids));
    if let Conn::Pg(conn) = conn {
        s::table.filter(these.clone()).order(s::id).select(s::id).for_update().load::<ScanSourceId>(conn)?;
    }
    s::table.filter(these).order(s::id).select(ScanSource::as_select()).load(conn)
}

/// What the newest scan of a source is.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = scan_sources, treat_none_as_null = true)]
pub struct NewestScan {
    /// The scan.
    pub latest_scan_id: Option<ScanId>,
    /// When it ran.
    pub latest_scan_at: Option<UtcTime>,
    /// Its own word about when it ran.
    pub latest_reported_at: Option<UtcTime>,
    /// Its report.
    pub latest_report_hash: Option<Vec<u8>>,
    /// Grown by one when it changed something.
    pub latest_sequence: i64,
    /// Since when closes wait.
    pub closes_held_at: Option<UtcTime>,
    /// A new scan brings a retired source back.
    pub retired_at: Option<UtcTime>,
}

/// Makes a scan the newest of its source.
pub fn set_newest(
    conn: &mut Conn,
    organization: OrganizationId,
    source: ScanSourceId,
    newest: &NewestScan,
) -> QueryResult<()> {
    use scan_sources as s;
    diesel::update(s::table.filter(s::organization_id.eq(organization).and(s::id.eq(source))))
        .set(newest)
        .execute(conn)
        .map(drop)
}

/// Stores a scan.
pub fn insert_scan(conn: &mut Conn, scan: &Scan) -> QueryResult<()> {
    diesel::insert_into(scans::table).values(scan).execute(conn).map(drop)
}

/// What is known of a source's observations, and their ids in the same order.
pub fn known(
    conn: &mut Conn,
    organization: OrganizationId,
    source: ScanSourceId,
) -> QueryResult<(Vec<ObservationId>, Vec<Known>)> {
    use observations as o;
    type Row = (ObservationId, Print, Option<Print>, i64, Option<UtcTime>, Severity);
    // A concrete connection reads rows without the detour of the combined one: this is the hottest read of all.
    let rows: Vec<Row> = on_backend!(conn, |conn| o::table
        .filter(o::organization_id.eq(organization).and(o::source_id.eq(source)))
        .select((o::id, o::fingerprint, o::tool_fingerprint, o::content_hash, o::last_seen_at, o::scan_severity))
        .load(conn))?;
    Ok(rows
        .into_iter()
        .map(|(id, computed, tool, content, last_seen_at, scan_severity)| {
            let is_present = last_seen_at.is_none();
            (id, Known { computed, tool, content, is_present, scan_severity: scan_severity.rank() })
        })
        .unzip())
}

/// The observations of a source that were deleted, by their computed print.
pub fn tombstones(
    conn: &mut Conn,
    organization: OrganizationId,
    source: ScanSourceId,
) -> QueryResult<Vec<(Print, ObservationId)>> {
    use observation_tombstones as t;
    t::table
        .filter(t::organization_id.eq(organization).and(t::source_id.eq(source)))
        .select((t::fingerprint, t::observation_id))
        .load(conn)
}

/// Was an observation of these sources deleted, and not reported since?
pub fn has_tombstones(conn: &mut Conn, organization: OrganizationId, sources: &[ScanSourceId]) -> QueryResult<bool> {
    use observation_tombstones as t;
    let of_these = t::organization_id.eq(organization).and(t::source_id.eq_any(sources));
    diesel::select(diesel::dsl::exists(t::table.filter(of_these))).get_result(conn)
}

/// The observations that the newest scan of a source does not report, and that have a ticket.
pub fn gone_with_ticket(
    conn: &mut Conn,
    organization: OrganizationId,
    source: ScanSourceId,
) -> QueryResult<Vec<ObservationId>> {
    use observations as o;
    o::table
        .filter(o::organization_id.eq(organization).and(o::source_id.eq(source)))
        .filter(o::last_seen_at.is_not_null().and(o::ticket_state.is_not_null()))
        .order(o::id)
        .select(o::id)
        .load(conn)
}

/// Which scans.
#[derive(Debug, Clone, Default)]
pub struct ScanFilter {
    /// Of this product.
    pub product: Option<ProductId>,
    /// Of this source.
    pub source: Option<ScanSourceId>,
    /// Of this upload.
    pub upload: Option<UploadId>,
}

/// A scan.
pub fn find_scan(conn: &mut Conn, organization: OrganizationId, id: ScanId) -> QueryResult<Option<Scan>> {
    use scans as s;
    s::table
        .filter(s::organization_id.eq(organization).and(s::id.eq(id)))
        .select(Scan::as_select())
        .first(conn)
        .optional()
}

type BoxedScans<'a> = scans::BoxedQuery<'a, MultiBackend>;

fn filtered<'a>(organization: OrganizationId, scope: &'a ProductScope, filter: &ScanFilter) -> BoxedScans<'a> {
    use scans as s;
    let mut query = s::table.filter(s::organization_id.eq(organization)).into_boxed::<MultiBackend>();
    query = in_scope!(query, scope, s::product_id);
    if let Some(product) = filter.product {
        query = query.filter(s::product_id.eq(product));
    }
    if let Some(source) = filter.source {
        query = query.filter(s::source_id.eq(source));
    }
    if let Some(upload) = filter.upload {
        query = query.filter(s::upload_id.eq(upload));
    }
    query
}

/// Scans, newest first.
pub fn list_scans(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &ScanFilter,
    window: &Window<ScanId>,
) -> QueryResult<Vec<Scan>> {
    use scans as s;
    let mut query = filtered(organization, scope, filter);
    if let Some(after) = window.after {
        query = query.filter(s::id.lt(after));
    }
    query.order(s::id.desc()).limit(window.fetch()).select(Scan::as_select()).load(conn)
}

/// How many scans there are.
pub fn count_scans(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &ScanFilter,
) -> QueryResult<i64> {
    filtered(organization, scope, filter).count().get_result(conn)
}

/// Which sources.
#[derive(Debug, Clone, Default)]
pub struct SourceFilter {
    /// Of this product.
    pub product: Option<ProductId>,
    /// Of this branch.
    pub branch: Option<BranchId>,
    /// Of this tool.
    pub tool: Option<String>,
}

/// Sources, newest first.
pub fn list_sources(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    filter: &SourceFilter,
    window: &Window<ScanSourceId>,
) -> QueryResult<Vec<ScanSource>> {
    use scan_sources as s;
    let mut query = s::table.filter(s::organization_id.eq(organization)).into_boxed::<MultiBackend>();
    query = in_scope!(query, scope, s::product_id);
    if let Some(product) = filter.product {
        query = query.filter(s::product_id.eq(product));
    }
    if let Some(branch) = filter.branch {
        query = query.filter(s::branch_id.eq(branch));
    }
    if let Some(tool) = &filter.tool {
        query = query.filter(s::tool.eq(tool.clone()));
    }
    if let Some(after) = window.after {
        query = query.filter(s::id.lt(after));
    }
    query.order(s::id.desc()).limit(window.fetch()).select(ScanSource::as_select()).load(conn)
}

/// Marks a source as retired. Its next scan is compared anew, also when it is the same report.
pub fn retire(conn: &mut Conn, organization: OrganizationId, id: ScanSourceId, now: UtcTime) -> QueryResult<()> {
    use scan_sources as s;
    diesel::update(s::table.filter(s::organization_id.eq(organization).and(s::id.eq(id))))
        .set((
            s::retired_at.eq(now),
            s::latest_report_hash.eq(None::<Vec<u8>>),
            s::latest_sequence.eq(s::latest_sequence + 1),
            s::version.eq(s::version + 1),
        ))
        .execute(conn)
        .map(drop)
}

/// Moves the sources of an engagement with all that they brought from one branch to another, but for those that it has.
/// An import that is being prepared for one of them starts over. Answers how many.
pub fn move_sources(
    conn: &mut Conn,
    organization: OrganizationId,
    engagement: EngagementId,
    from: BranchId,
    to: BranchId,
) -> QueryResult<usize> {
    use {scan_sources as s, scans as c};
    let on = |branch: BranchId| {
        s::organization_id.eq(organization).and(s::branch_id.eq(branch)).and(s::engagement_id.eq(engagement))
    };
    let there: HashSet<(String, String)> =
        s::table.filter(on(to)).select((s::tool, s::name)).load(conn)?.into_iter().collect();
    let here: Vec<(ScanSourceId, (String, String))> =
        s::table.filter(on(from)).order(s::id).select((s::id, (s::tool, s::name))).load(conn)?;
    let ids: Vec<ScanSourceId> = here.into_iter().filter(|(_, key)| !there.contains(key)).map(|(id, _)| id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let these = s::organization_id.eq(organization).and(s::id.eq_any(&ids));
    diesel::update(s::table.filter(these))
        .set((s::branch_id.eq(to), s::latest_sequence.eq(s::latest_sequence + 1), s::version.eq(s::version + 1)))
        .execute(conn)?;
    apply::move_to_branch(conn, organization, &ids, to)?;
    let theirs = c::organization_id.eq(organization).and(c::source_id.eq_any(&ids));
    diesel::update(c::table.filter(theirs)).set(c::branch_id.eq(to)).execute(conn)?;
    Ok(ids.len())
}

/// Marks the closes of a source as released.
pub fn release_closes(conn: &mut Conn, organization: OrganizationId, id: ScanSourceId) -> QueryResult<()> {
    use scan_sources as s;
    diesel::update(s::table.filter(s::organization_id.eq(organization).and(s::id.eq(id))))
        .set((s::closes_held_at.eq(None::<UtcTime>), s::version.eq(s::version + 1)))
        .execute(conn)
        .map(drop)
}
