//! Issues one by one, and the lock that all their writers hold.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use super::model::{AssigneeKind, Issue, IssueProduct, Risk};
use super::status::IssueState;
use crate::base::ids::{IssueId, ObservationId, OrganizationId, ProductId};
use crate::base::scope::SEVERAL;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::{issue_products, issues};
use crate::events;
use crate::events::model::{Change, EventAction, EventKind};
use crate::observations::repo::sql::Sql;
use crate::observations::ticket_state::TicketState;

pub mod instances;
pub mod list;
pub mod overdue;
pub mod pairs;
pub mod recompute;
pub mod timeline;

/// Ids in one `IN (…)`.
pub(super) const IDS: usize = 10_000;

/// Holds the issues of an organization until the transaction ends. Whoever changes an issue, or has changed what an
/// issue depends on, calls this before it reads: of two transactions that each change one of a pair's observations, the
/// second would not see what the first did, and neither would find the pair remediated.
pub fn lock(conn: &mut Conn, organization: OrganizationId) -> QueryResult<()> {
    // A writer on SQLite is alone.
    let Conn::Pg(conn) = conn else { return Ok(()) };
    let (high, low) = organization.0.as_u64_pair();
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
        .bind::<BigInt, _>((high ^ low).cast_signed())
        .execute(conn)
        .map(drop)
}

/// An issue.
pub fn find(conn: &mut Conn, organization: OrganizationId, id: IssueId) -> QueryResult<Option<Issue>> {
    issues::table.find((organization, id)).select(Issue::as_select()).first(conn).optional()
}

/// These issues, in the order of their ids.
pub fn with_ids(conn: &mut Conn, organization: OrganizationId, ids: &[IssueId]) -> QueryResult<Vec<Issue>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(IDS) {
        let these = issues::table.filter(issues::organization_id.eq(organization)).filter(issues::id.eq_any(ids));
        found.extend(these.order(issues::id).select(Issue::as_select()).load::<Issue>(conn)?);
    }
    Ok(found)
}

/// The products of these issues, in the order of both.
pub fn products_of(conn: &mut Conn, organization: OrganizationId, ids: &[IssueId]) -> QueryResult<Vec<IssueProduct>> {
    use issue_products as p;
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(IDS) {
        let these = p::table.filter(p::organization_id.eq(organization)).filter(p::issue_id.eq_any(ids));
        let rows = these.order((p::issue_id, p::product_id)).select(IssueProduct::as_select());
        found.extend(rows.load::<IssueProduct>(conn)?);
    }
    Ok(found)
}

/// Adds an issue.
pub fn insert(conn: &mut Conn, issue: &Issue) -> QueryResult<()> {
    diesel::insert_into(issues::table).values(issue).execute(conn).map(drop)
}

/// Writes what people say of an issue that still has the version that was read. Its counts and product are not theirs
/// to say.
pub fn update(conn: &mut Conn, issue: &Issue, read_version: i64) -> QueryResult<bool> {
    let own = issues::table.find((issue.organization_id, issue.id)).filter(issues::version.eq(read_version));
    let set = (
        (issues::name.eq(&issue.name), issues::search.eq(&issue.search)),
        (issues::description.eq(&issue.description), issues::remediation.eq(&issue.remediation)),
        (issues::risk.eq(issue.risk), issues::state.eq(issue.state)),
        (issues::state_changed_at.eq(issue.state_changed_at), issues::merged_into.eq(issue.merged_into)),
        issues::due_at.eq(issue.due_at),
        (issues::assignee_kind.eq(issue.assignee_kind), issues::assignee_id.eq(&issue.assignee_id)),
        (issues::version.eq(issue.version), issues::updated_at.eq(issue.updated_at)),
    );
    Ok(diesel::update(own).set(set).execute(conn)? == 1)
}

/// Moves issues to a state.
pub fn set_state(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[IssueId],
    state: IssueState,
    now: UtcTime,
) -> QueryResult<()> {
    for ids in ids.chunks(IDS) {
        diesel::update(issues::table.filter(issues::organization_id.eq(organization)).filter(issues::id.eq_any(ids)))
            .set((
                (issues::state.eq(state), issues::state_changed_at.eq(now)),
                (issues::version.eq(issues::version + 1), issues::updated_at.eq(now)),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// What many issues are to be alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = issues)]
pub struct Alike {
    /// How bad they are.
    pub risk: Option<Risk>,
    /// How far the work is.
    pub state: Option<IssueState>,
    /// Since when, where that is another than before.
    pub state_changed_at: Option<UtcTime>,
    /// By when they are to be done.
    pub due_at: Option<Option<UtcTime>>,
    /// What is to work on them.
    pub assignee_kind: Option<Option<AssigneeKind>>,
    /// Who is to work on them.
    pub assignee_id: Option<Option<Vec<u8>>>,
}

/// Changes many issues alike.
pub fn change(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[IssueId],
    alike: &Alike,
    now: UtcTime,
) -> QueryResult<()> {
    for ids in ids.chunks(IDS) {
        diesel::update(issues::table.filter(issues::organization_id.eq(organization)).filter(issues::id.eq_any(ids)))
            .set((alike, issues::version.eq(issues::version + 1), issues::updated_at.eq(now)))
            .execute(conn)?;
    }
    Ok(())
}

/// Says what the ticket of an issue is. It is not a change of the issue: its version stays.
pub fn set_ticket_state(
    conn: &mut Conn,
    organization: OrganizationId,
    id: IssueId,
    state: Option<TicketState>,
) -> QueryResult<()> {
    let own = issues::table.find((organization, id));
    diesel::update(own).set(issues::ticket_state.eq(state)).execute(conn).map(drop)
}

/// Removes an issue with all that belongs to it. Who sees a product of it hears so: once for each.
pub fn delete(conn: &mut Conn, issue: &Issue, parts: &[IssueProduct], now: UtcTime) -> QueryResult<()> {
    let (organization, id) = (issue.organization_id, issue.id);
    diesel::delete(issues::table.find((organization, id))).execute(conn)?;
    // What is sealed is for those who see everything.
    let product = |part: &IssueProduct| Some(if part.is_sealed { SEVERAL } else { part.product_id });
    let products = if parts.is_empty() { vec![issue.product_id] } else { parts.iter().map(product).collect() };
    tell(conn, organization, id, EventAction::Deleted, &products, now)
}

/// Tells who may see these products that something happened to an issue.
pub fn tell(
    conn: &mut Conn,
    organization: OrganizationId,
    id: IssueId,
    action: EventAction,
    products: &[Option<ProductId>],
    now: UtcTime,
) -> QueryResult<()> {
    let change = |product: &Option<ProductId>| {
        let (kind, subject, product) = (EventKind::Issue, id.0, *product);
        Change { kind, action, subject, product }
    };
    events::repo::record(conn, organization, &products.iter().map(change).collect::<Vec<_>>(), now)
}

/// An observation whose pair is in an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Membership {
    /// The observation.
    #[diesel(sql_type = Binary)]
    pub observation_id: ObservationId,
    /// The issue.
    #[diesel(sql_type = Binary)]
    pub issue_id: IssueId,
}

/// The issues that the pairs of these observations are in, in the order of both.
pub fn of_observations(
    conn: &mut Conn,
    organization: OrganizationId,
    observations: &[ObservationId],
) -> QueryResult<Vec<Membership>> {
    let mut found = Vec::new();
    for ids in observations.chunks(IDS) {
        let mut sql = Sql::for_database(conn);
        sql.push("SELECT o.id AS observation_id, n.issue_id FROM observations o CROSS JOIN issue_instances n");
        sql.push(" WHERE n.organization_id = o.organization_id AND n.branch_id = o.branch_id");
        sql.push(" AND n.vulnerability_id = o.vulnerability_id AND n.asset_id = o.asset_id");
        sql.push(" AND o.organization_id = ").bind(organization);
        sql.push(" AND o.id IN ").bind_list(ids.iter().copied());
        sql.push(" ORDER BY o.id, n.issue_id");
        found.extend(sql.load::<Membership>(conn)?);
    }
    Ok(found)
}

/// Says of which product an issue is.
pub fn set_product(
    conn: &mut Conn,
    organization: OrganizationId,
    id: IssueId,
    product: Option<ProductId>,
) -> QueryResult<()> {
    let own = issues::table.find((organization, id));
    diesel::update(own).set(issues::product_id.eq(product)).execute(conn).map(drop)
}

/// Leaves to admins what issues have of a product.
pub fn seal(conn: &mut Conn, organization: OrganizationId, product: ProductId) -> QueryResult<()> {
    use issue_products as p;
    let own = p::table.filter(p::organization_id.eq(organization)).filter(p::product_id.eq(product));
    diesel::update(own).set(p::is_sealed.eq(true)).execute(conn).map(drop)
}
