//! SQL of instances and their snapshots.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text};

use super::IDS;
use crate::base::ids::{
    AssetId, BranchId, InstanceId, IssueId, ObservationId, OrganizationId, ProductId, VulnerabilityId,
};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{instance_snapshots, issue_instances, issue_products, vulnerability_snapshots};
use crate::issues::model::{Instance, InstanceSnapshot, Pair, VulnerabilitySnapshot};
use crate::issues::snapshot::{AssetThen, BranchThen, ComponentThen, ObservationThen, Place, ProductThen};
use crate::issues::standing::Standing;
use crate::observations::repo::sql::Sql;
use crate::observations::status::ObservationStatus;
use crate::on_backend;

/// Rows of one insert on SQLite: 12 columns each, and a statement may bind 32,766 values.
const ROWS: usize = 2_000;
/// The number from which on a standing is remediated.
const REMEDIATED: i16 = Standing::FIRST_REMEDIATED;

/// Adds instances with their snapshots.
pub fn insert(conn: &mut Conn, instances: &[Instance], snapshots: &[InstanceSnapshot]) -> QueryResult<()> {
    match conn {
        Conn::Pg(conn) => {
            if !instances.is_empty() {
                diesel::copy_from(issue_instances::table).from_insertable(instances).execute(conn)?;
                diesel::copy_from(instance_snapshots::table).from_insertable(snapshots).execute(conn)?;
            }
        }
        Conn::Sqlite(conn) => {
            for rows in instances.chunks(ROWS) {
                diesel::insert_into(issue_instances::table).values(rows).execute(conn)?;
            }
            for rows in snapshots.chunks(ROWS) {
                diesel::insert_into(instance_snapshots::table).values(rows).execute(conn)?;
            }
        }
    }
    Ok(())
}

/// Those of the vulnerabilities, in their present versions, of which nothing is kept yet.
pub fn without_snapshot(
    conn: &mut Conn,
    organization: OrganizationId,
    ids: &[VulnerabilityId],
) -> QueryResult<Vec<VulnerabilityId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        id: VulnerabilityId,
    }
    let mut found = Vec::new();
    for ids in ids.chunks(IDS) {
        let mut sql = Sql::for_database(conn);
        sql.push("SELECT v.id FROM vulnerabilities v WHERE v.organization_id = ").bind(organization);
        sql.push(" AND v.id IN ").bind_list(ids.iter().copied());
        sql.push(" AND NOT EXISTS (SELECT 1 FROM vulnerability_snapshots s");
        sql.push(
            " WHERE s.organization_id = v.organization_id AND s.vulnerability_id = v.id AND s.version = v.version)",
        );
        found.extend(sql.load::<Row>(conn)?.into_iter().map(|row| row.id));
    }
    Ok(found)
}

/// Keeps what vulnerabilities say now.
pub fn insert_vulnerabilities(conn: &mut Conn, rows: &[VulnerabilitySnapshot]) -> QueryResult<()> {
    for rows in rows.chunks(ROWS) {
        on_backend!(conn, |conn| diesel::insert_into(vulnerability_snapshots::table).values(rows).execute(conn))?;
    }
    Ok(())
}

/// The pairs that an issue has, of those in the table of pairs.
pub fn known_pairs(conn: &mut Conn, organization: OrganizationId, issue: IssueId) -> QueryResult<Vec<Pair>> {
    use issue_instances as n;
    n::table
        .filter(n::organization_id.eq(organization).and(n::issue_id.eq(issue)))
        .select((n::branch_id, n::vulnerability_id, n::asset_id))
        .load(conn)
}

/// A pair of the table of pairs, with the names of where it is.
#[derive(Debug, QueryableByName)]
struct PlacedRow {
    #[diesel(sql_type = Integer)]
    n: i32,
    #[diesel(sql_type = Binary)]
    product_id: ProductId,
    #[diesel(sql_type = Text)]
    product_name: String,
    #[diesel(sql_type = Binary)]
    branch_id: BranchId,
    #[diesel(sql_type = Text)]
    branch_name: String,
    #[diesel(sql_type = Binary)]
    asset_id: AssetId,
    #[diesel(sql_type = Text)]
    asset_kind: String,
    #[diesel(sql_type = Text)]
    asset_name: String,
    #[diesel(sql_type = Binary)]
    vulnerability_id: VulnerabilityId,
    #[diesel(sql_type = BigInt)]
    vulnerability_version: i64,
}

/// What a snapshot is made of.
#[derive(Debug)]
pub struct Material {
    /// The pair.
    pub pair: Pair,
    /// Where it is.
    pub place: Place,
    /// The version of its vulnerability.
    pub vulnerability_version: i64,
    /// All observations of it.
    pub observations: Vec<ObservationThen>,
}

/// What snapshots of the pairs with the numbers `from` to `to` of the table of pairs are made of.
pub fn material(conn: &mut Conn, organization: OrganizationId, from: usize, to: usize) -> QueryResult<Vec<Material>> {
    let range = format!(" AND t.n BETWEEN {from} AND {to}");
    let mut sql = Sql::for_database(conn);
    sql.push(
        "SELECT t.n, p.id AS product_id, p.name AS product_name, b.id AS branch_id, b.name AS branch_name, \
         a.id AS asset_id, a.kind AS asset_kind, a.name AS asset_name, v.id AS vulnerability_id, \
         v.version AS vulnerability_version FROM touched_pairs t CROSS JOIN branches b \
         JOIN products p ON p.organization_id = b.organization_id AND p.id = b.product_id \
         JOIN assets a ON a.organization_id = b.organization_id AND a.id = t.asset_id \
         JOIN vulnerabilities v ON v.organization_id = b.organization_id AND v.id = t.vulnerability_id \
         WHERE b.id = t.branch_id AND b.organization_id = ",
    );
    sql.bind(organization).push(&range).push(" ORDER BY t.n");
    let placed = sql.load::<PlacedRow>(conn)?;
    let mut observations = observations(conn, organization, &range)?;
    let material = |row: PlacedRow| Material {
        pair: Pair { branch: row.branch_id, vulnerability: row.vulnerability_id, asset: row.asset_id },
        place: Place {
            product: ProductThen { id: row.product_id, name: row.product_name },
            branch: BranchThen { id: row.branch_id, name: row.branch_name },
            asset: AssetThen { id: row.asset_id, kind: row.asset_kind, name: row.asset_name },
        },
        vulnerability_version: row.vulnerability_version,
        observations: observations.remove(&row.n).unwrap_or_default(),
    };
    Ok(placed.into_iter().map(material).collect())
}

/// An observation of a pair of the table of pairs.
#[derive(Debug, QueryableByName)]
struct SeenRow {
    #[diesel(sql_type = Integer)]
    n: i32,
    #[diesel(sql_type = Binary)]
    id: ObservationId,
    #[diesel(sql_type = Text)]
    tool: String,
    #[diesel(sql_type = Text)]
    status: ObservationStatus,
    #[diesel(sql_type = SmallInt)]
    severity: Severity,
    #[diesel(sql_type = Nullable<Text>)]
    title: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    description: Option<String>,
    #[diesel(sql_type = Text)]
    location: String,
    #[diesel(sql_type = Nullable<Integer>)]
    line: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    component_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    component_version: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    purl: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    fixed_version: Option<String>,
    #[diesel(sql_type = Bool)]
    is_verified: bool,
    #[diesel(sql_type = BigInt)]
    first_seen_at: UtcTime,
    #[diesel(sql_type = BigInt)]
    last_seen_at: UtcTime,
}

impl From<SeenRow> for ObservationThen {
    fn from(row: SeenRow) -> Self {
        let component = row.component_name.map(|name| ComponentThen {
            name,
            version: row.component_version.unwrap_or_default(),
            purl: row.purl.unwrap_or_default(),
        });
        Self {
            id: row.id,
            tool: row.tool,
            status: row.status,
            severity: row.severity,
            title: row.title,
            description: row.description,
            location: row.location,
            line: row.line,
            component,
            fixed_version: row.fixed_version,
            is_verified: row.is_verified,
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
        }
    }
}

fn observations(
    conn: &mut Conn,
    organization: OrganizationId,
    range: &str,
) -> QueryResult<HashMap<i32, Vec<ObservationThen>>> {
    let mut sql = Sql::for_database(conn);
    sql.push(
        "SELECT t.n, o.id, s.tool, o.status, o.severity, d.title, d.description, o.location, o.line, \
         c.name AS component_name, c.component_version, c.purl, d.fixed_version, o.is_verified, o.first_seen_at, \
         COALESCE(o.last_seen_at, s.latest_scan_at, o.first_seen_at) AS last_seen_at \
         FROM touched_pairs t CROSS JOIN observations o",
    );
    sql.indexed_by("ix_observations_pair");
    sql.push(
        " JOIN scan_sources s ON s.organization_id = o.organization_id AND s.id = o.source_id \
         LEFT JOIN components c ON c.organization_id = o.organization_id AND c.id = o.component_id \
         LEFT JOIN observation_details d ON d.organization_id = o.organization_id AND d.observation_id = o.id \
         WHERE o.vulnerability_id = t.vulnerability_id AND o.asset_id = t.asset_id AND o.branch_id = t.branch_id \
         AND o.organization_id = ",
    );
    sql.bind(organization).push(range);
    let mut found: HashMap<i32, Vec<ObservationThen>> = HashMap::new();
    for row in sql.load::<SeenRow>(conn)? {
        found.entry(row.n).or_default().push(row.into());
    }
    Ok(found)
}

/// An instance with what it was when it was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The instance.
    pub instance: Instance,
    /// What it was.
    pub snapshot: InstanceSnapshot,
    /// What its vulnerability said.
    pub vulnerability: VulnerabilitySnapshot,
}

/// Which instances of an issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Of these products.
    pub products: Vec<ProductId>,
    /// Only those remediated, or only the others.
    pub remediated: Option<bool>,
}

/// Instances of an issue with their snapshots, the most severe first: at most `limit`, after a key.
pub fn kept(
    conn: &mut Conn,
    organization: OrganizationId,
    issue: IssueId,
    shown: &Shown,
    after: Option<(Severity, InstanceId)>,
    limit: i64,
) -> QueryResult<Vec<Kept>> {
    use {instance_snapshots as s, issue_instances as n, vulnerability_snapshots as v};
    let mut query = n::table
        .inner_join(s::table.on(
            s::organization_id.eq(n::organization_id).and(s::issue_id.eq(n::issue_id)).and(s::instance_id.eq(n::id)),
        ))
        .inner_join(
            v::table.on(v::organization_id
                .eq(s::organization_id)
                .and(v::vulnerability_id.eq(s::vulnerability_id))
                .and(v::version.eq(s::vulnerability_version))),
        )
        .filter(n::organization_id.eq(organization).and(n::issue_id.eq(issue)))
        .filter(n::product_id.eq_any(shown.products.clone()))
        .select((Instance::as_select(), InstanceSnapshot::as_select(), VulnerabilitySnapshot::as_select()))
        .into_boxed::<MultiBackend>();
    match shown.remediated {
        None => {}
        Some(true) => query = query.filter(n::standing.ge(Standing::FalsePositive)),
        Some(false) => query = query.filter(n::standing.lt(Standing::FalsePositive)),
    }
    if let Some((severity, id)) = after {
        query = query.filter(n::severity.lt(severity).or(n::severity.eq(severity).and(n::id.gt(id))));
    }
    let rows: Vec<(Instance, InstanceSnapshot, VulnerabilitySnapshot)> =
        query.order((n::severity.desc(), n::id)).limit(limit).load(conn)?;
    Ok(rows.into_iter().map(|(instance, snapshot, vulnerability)| Kept { instance, snapshot, vulnerability }).collect())
}

/// An instance, today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Today {
    /// The instance.
    #[diesel(sql_type = Binary)]
    pub id: InstanceId,
    /// What holds for it.
    #[diesel(sql_type = SmallInt)]
    pub standing: Standing,
    /// The highest severity of its observations.
    #[diesel(sql_type = SmallInt)]
    pub severity: Severity,
    /// How many observations there are of it.
    #[diesel(sql_type = BigInt)]
    pub observation_count: i64,
    /// When it was last reported.
    #[diesel(sql_type = BigInt)]
    pub last_seen_at: UtcTime,
}

/// What holds for these instances today; those without observations are left out.
pub fn today(
    conn: &mut Conn,
    organization: OrganizationId,
    issue: IssueId,
    ids: &[InstanceId],
) -> QueryResult<Vec<Today>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT n.id, CAST(min(").push(&Standing::sql_of("o.status")).push(") AS SMALLINT) AS standing");
    sql.push(", max(o.severity) AS severity, count(*) AS observation_count");
    sql.push(", max(COALESCE(o.last_seen_at, s.latest_scan_at, o.first_seen_at)) AS last_seen_at");
    sql.push(" FROM issue_instances n CROSS JOIN observations o").indexed_by("ix_observations_pair");
    sql.push(" JOIN scan_sources s ON s.organization_id = o.organization_id AND s.id = o.source_id");
    sql.push(
        " WHERE o.vulnerability_id = n.vulnerability_id AND o.asset_id = n.asset_id AND o.branch_id = n.branch_id",
    );
    sql.push(" AND o.organization_id = n.organization_id AND n.organization_id = ").bind(organization);
    sql.push(" AND n.issue_id = ").bind(issue).push(" AND n.id IN ").bind_list(ids.iter().copied());
    sql.push(" GROUP BY n.id");
    sql.load(conn)
}

/// The products of these instances of an issue.
pub fn products_of(
    conn: &mut Conn,
    organization: OrganizationId,
    issue: IssueId,
    ids: &[InstanceId],
) -> QueryResult<Vec<(InstanceId, ProductId)>> {
    use issue_instances as n;
    n::table
        .filter(n::organization_id.eq(organization).and(n::issue_id.eq(issue)))
        .filter(n::id.eq_any(ids.iter().copied()))
        .select((n::id, n::product_id))
        .load(conn)
}

/// Moves the instances of an issue to another with their snapshots, but for those that it has; these are removed.
/// Answers the products of those moved.
pub fn move_between(
    conn: &mut Conn,
    organization: OrganizationId,
    from: IssueId,
    into: IssueId,
) -> QueryResult<Vec<ProductId>> {
    use {instance_snapshots as s, issue_instances as n};
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        id: InstanceId,
        #[diesel(sql_type = Binary)]
        product_id: ProductId,
    }
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT n.id, n.product_id FROM issue_instances n WHERE n.organization_id = ").bind(organization);
    sql.push(" AND n.issue_id = ").bind(from).push(" AND NOT EXISTS (SELECT 1 FROM issue_instances t");
    sql.push(" WHERE t.organization_id = n.organization_id AND t.branch_id = n.branch_id");
    sql.push(" AND t.vulnerability_id = n.vulnerability_id AND t.asset_id = n.asset_id AND t.issue_id = ").bind(into);
    sql.push(")");
    let rows = sql.load::<Row>(conn)?;
    let ids: Vec<InstanceId> = rows.iter().map(|row| row.id).collect();
    for ids in ids.chunks(IDS) {
        let own = s::organization_id.eq(organization).and(s::issue_id.eq(from)).and(s::instance_id.eq_any(ids));
        diesel::update(s::table.filter(own)).set(s::issue_id.eq(into)).execute(conn)?;
        let own = n::organization_id.eq(organization).and(n::issue_id.eq(from)).and(n::id.eq_any(ids));
        diesel::update(n::table.filter(own)).set(n::issue_id.eq(into)).execute(conn)?;
    }
    let rest = s::organization_id.eq(organization).and(s::issue_id.eq(from));
    diesel::delete(s::table.filter(rest)).execute(conn)?;
    let rest = n::organization_id.eq(organization).and(n::issue_id.eq(from));
    diesel::delete(n::table.filter(rest)).execute(conn)?;
    Ok(rows.into_iter().map(|row| row.product_id).collect())
}

/// Moves the instances of a branch to another where all observations of their pair were moved; where an issue has the
/// pair there already, its instance stays.
pub fn follow_observations(
    conn: &mut Conn,
    organization: OrganizationId,
    from: BranchId,
    to: BranchId,
) -> QueryResult<usize> {
    let mut sql = Sql::for_database(conn);
    sql.push("UPDATE issue_instances SET branch_id = ").bind(to);
    sql.push(" WHERE organization_id = ").bind(organization).push(" AND branch_id = ").bind(from);
    for (word, branch) in [("EXISTS", to), ("NOT EXISTS", from)] {
        sql.push(" AND ").push(word).push(" (SELECT 1 FROM observations o");
        sql.push(" WHERE o.vulnerability_id = issue_instances.vulnerability_id");
        sql.push(" AND o.asset_id = issue_instances.asset_id AND o.branch_id = ").bind(branch);
        sql.push(" AND o.organization_id = ").bind(organization).push(")");
    }
    sql.push(" AND NOT EXISTS (SELECT 1 FROM issue_instances t WHERE t.organization_id = ").bind(organization);
    sql.push(" AND t.branch_id = ").bind(to).push(" AND t.vulnerability_id = issue_instances.vulnerability_id");
    sql.push(" AND t.asset_id = issue_instances.asset_id AND t.issue_id = issue_instances.issue_id)");
    sql.execute(conn)
}

/// Removes the instances of these products from an issue.
pub fn remove_of_products(
    conn: &mut Conn,
    organization: OrganizationId,
    issue: IssueId,
    products: &[ProductId],
) -> QueryResult<()> {
    use issue_instances as n;
    let ids: Vec<InstanceId> = n::table
        .filter(n::organization_id.eq(organization).and(n::issue_id.eq(issue)))
        .filter(n::product_id.eq_any(products.iter().copied()))
        .select(n::id)
        .load(conn)?;
    remove(conn, organization, issue, &ids).map(drop)
}

/// Counts the instances of an issue anew.
pub fn recount(conn: &mut Conn, organization: OrganizationId, issue: IssueId, now: UtcTime) -> QueryResult<()> {
    use issue_products as p;
    let sealed = p::table.filter(p::organization_id.eq(organization).and(p::is_sealed.eq(true)));
    let sealed: Vec<ProductId> = sealed.select(p::product_id).distinct().load(conn)?;
    let own = p::organization_id.eq(organization).and(p::issue_id.eq(issue));
    diesel::delete(p::table.filter(own)).execute(conn)?;
    let mut sql = Sql::for_database(conn);
    sql.push(&format!(
        "INSERT INTO issue_products (organization_id, issue_id, product_id, instance_count, remediated_count, \
         excluded_count, regressed_count) SELECT n.organization_id, n.issue_id, n.product_id, count(*), \
         sum(CASE WHEN n.standing >= {REMEDIATED} THEN 1 ELSE 0 END), \
         sum(CASE WHEN n.standing IN (1, 2) THEN 1 ELSE 0 END), \
         sum(CASE WHEN n.standing < {REMEDIATED} AND n.regressions > 0 THEN 1 ELSE 0 END) \
         FROM issue_instances n WHERE n.organization_id = "
    ));
    sql.bind(organization).push(" AND n.issue_id = ").bind(issue);
    sql.push(" GROUP BY n.organization_id, n.issue_id, n.product_id");
    sql.execute(conn)?;
    let own = p::organization_id.eq(organization).and(p::issue_id.eq(issue)).and(p::product_id.eq_any(sealed));
    diesel::update(p::table.filter(own)).set(p::is_sealed.eq(true)).execute(conn)?;
    let sum = |column: &str| {
        format!(
            "{column} = (SELECT CAST(COALESCE(sum(p.{column}), 0) AS BIGINT) FROM issue_products p \
             WHERE p.organization_id = issues.organization_id AND p.issue_id = issues.id)"
        )
    };
    let sums = ["instance_count", "remediated_count", "excluded_count", "regressed_count"].map(sum).join(", ");
    let mut sql = Sql::for_database(conn);
    sql.push(&format!("UPDATE issues SET {sums}, version = version + 1, updated_at = ")).bind(now);
    sql.push(" WHERE organization_id = ").bind(organization).push(" AND id = ").bind(issue);
    sql.execute(conn).map(drop)
}

/// Removes instances of an issue; answers how many there were.
pub fn remove(conn: &mut Conn, organization: OrganizationId, issue: IssueId, ids: &[InstanceId]) -> QueryResult<usize> {
    use {instance_snapshots as s, issue_instances as n};
    let mut removed = 0;
    for ids in ids.chunks(IDS) {
        let own = s::organization_id.eq(organization).and(s::issue_id.eq(issue)).and(s::instance_id.eq_any(ids));
        diesel::delete(s::table.filter(own)).execute(conn)?;
        let own = n::organization_id.eq(organization).and(n::issue_id.eq(issue)).and(n::id.eq_any(ids));
        removed += diesel::delete(n::table.filter(own)).execute(conn)?;
    }
    Ok(removed)
}
