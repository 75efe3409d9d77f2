//! What recomputing reads and writes: a few statements over sets, however many pairs, instances and issues.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Text};

use super::IDS;
use crate::base::ids::{BranchId, IssueId, OrganizationId, ProductId, ScanSourceId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::model::Counts;
use crate::issues::standing::Standing;
use crate::observations::repo::sql::Sql;

/// The number from which on a standing is remediated.
const REMEDIATED: i16 = Standing::FIRST_REMEDIATED;

/// Has any issue an instance on one of these branches?
pub fn concerns(conn: &mut Conn, organization: OrganizationId, branches: &[BranchId]) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        #[expect(dead_code, reason = "that there is a row is the answer")]
        one: i32,
    }
    for branches in branches.chunks(IDS) {
        let mut sql = Sql::for_database(conn);
        sql.push("SELECT 1 AS one FROM issue_instances n WHERE n.organization_id = ").bind(organization);
        sql.push(" AND n.branch_id IN ").bind_list(branches.iter().copied()).push(" LIMIT 1");
        if !sql.load::<Row>(conn)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

const NUMBERED: &str = "INSERT INTO touched_pairs (n, branch_id, vulnerability_id, asset_id) \
    SELECT row_number() OVER (), d.branch_id, d.vulnerability_id, d.asset_id \
    FROM (SELECT DISTINCT n.branch_id, n.vulnerability_id, n.asset_id FROM ";

/// Fills the table of pairs with those of these issues.
pub fn fill_of_issues(conn: &mut Conn, organization: OrganizationId, issues: &[IssueId]) -> QueryResult<()> {
    let mut sql = Sql::for_database(conn);
    sql.push(NUMBERED).push("issue_instances n WHERE n.organization_id = ").bind(organization);
    sql.push(" AND n.issue_id IN ").bind_list(issues.iter().copied()).push(") d");
    sql.execute(conn).map(drop)
}

/// Fills the table of pairs with those of a branch.
pub fn fill_of_branch(conn: &mut Conn, organization: OrganizationId, branch: BranchId) -> QueryResult<()> {
    let mut sql = Sql::for_database(conn);
    sql.push(NUMBERED).push("issue_instances n WHERE n.organization_id = ").bind(organization);
    sql.push(" AND n.branch_id = ").bind(branch).push(") d");
    sql.execute(conn).map(drop)
}

/// Fills the table of pairs with those of a product.
pub fn fill_of_product(conn: &mut Conn, organization: OrganizationId, product: ProductId) -> QueryResult<()> {
    let mut sql = Sql::for_database(conn);
    sql.push(NUMBERED).push("issue_products p CROSS JOIN issue_instances n");
    sql.push(
        " WHERE n.organization_id = p.organization_id AND n.issue_id = p.issue_id AND n.product_id = p.product_id",
    );
    sql.push(" AND p.organization_id = ").bind(organization).push(" AND p.product_id = ").bind(product).push(") d");
    sql.execute(conn).map(drop)
}

/// Finds the instances of touched pairs whose standing is another than that of today's observations, but for those of
/// closed issues, and writes it. What changed stands in the table of changed instances.
pub fn change_instances(conn: &mut Conn, organization: OrganizationId, now: UtcTime) -> QueryResult<bool> {
    let mut sql = Sql::for_database(conn);
    // Materialized: a pair may be in many issues, and its observations are read once.
    sql.push(
        "INSERT INTO changed_instances (issue_id, id, product_id, before, after, regressions, is_still_reported) ",
    );
    sql.push("WITH today AS MATERIALIZED (SELECT t.branch_id, t.vulnerability_id, t.asset_id, COALESCE((SELECT min(");
    sql.push(&Standing::sql_of("o.status")).push(") FROM observations o").indexed_by("ix_observations_pair");
    sql.push(" WHERE o.vulnerability_id = t.vulnerability_id AND o.asset_id = t.asset_id");
    sql.push(" AND o.branch_id = t.branch_id AND o.organization_id = ").bind(organization).push("), ");
    sql.push(&Standing::Deleted.number().to_string()).push(") AS standing FROM touched_pairs t");
    sql.push(" WHERE EXISTS (SELECT 1 FROM issue_instances e WHERE e.organization_id = ").bind(organization);
    sql.push(
        " AND e.branch_id = t.branch_id AND e.vulnerability_id = t.vulnerability_id AND e.asset_id = t.asset_id))",
    );
    sql.push(" SELECT n.issue_id, n.id, n.product_id, n.standing, d.standing, n.regressions, FALSE");
    sql.push(" FROM today d CROSS JOIN issue_instances n CROSS JOIN issues i WHERE n.organization_id = ");
    sql.bind(organization);
    sql.push(" AND n.branch_id = d.branch_id AND n.vulnerability_id = d.vulnerability_id AND n.asset_id = d.asset_id");
    sql.push(" AND n.standing <> d.standing AND i.organization_id = n.organization_id AND i.id = n.issue_id");
    sql.push(" AND i.state <> 'closed'");
    if sql.execute(conn)? == 0 {
        return Ok(false);
    }
    let mut sql = Sql::for_database(conn);
    sql.push("UPDATE issue_instances AS n SET standing = c.after, remediated_at = ");
    sql.push(&format!("CASE WHEN c.after < {REMEDIATED} THEN NULL WHEN c.before < {REMEDIATED} THEN ")).bind(now);
    sql.push(&format!(" ELSE n.remediated_at END, regressions = n.regressions + {FOUND_AGAIN}"));
    sql.push(" FROM changed_instances c WHERE n.organization_id = ").bind(organization);
    sql.push(" AND n.issue_id = c.issue_id AND n.id = c.id");
    sql.execute(conn).map(|changed| changed > 0)
}

/// 1 for an instance that is found again: [`Standing::is_found_again`].
const FOUND_AGAIN: &str = "CASE WHEN c.before >= 3 AND c.after <= 1 THEN 1 ELSE 0 END";

/// A scan that was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// Its source.
    pub source: ScanSourceId,
    /// The branch of the source.
    pub branch: BranchId,
    /// When it was made.
    pub at: UtcTime,
}

/// Finds instances to be worked on that a scan still reports though their issue was called resolved before it was made.
/// They stand in the table of changed instances, too.
pub fn find_still_reported(conn: &mut Conn, organization: OrganizationId, scan: Scanned) -> QueryResult<bool> {
    let mut sql = Sql::for_database(conn);
    sql.push(
        "INSERT INTO changed_instances (issue_id, id, product_id, before, after, regressions, is_still_reported) ",
    );
    sql.push("SELECT n.issue_id, n.id, n.product_id, n.standing, n.standing, n.regressions, TRUE FROM issues i");
    sql.indexed_by("ix_issues_refutable").push(" CROSS JOIN issue_instances n WHERE i.organization_id = ");
    sql.bind(organization);
    sql.push(" AND i.state = 'resolved' AND i.instance_count > i.remediated_count + i.excluded_count");
    sql.push(" AND i.state_changed_at < ").bind(scan.at);
    sql.push(" AND n.organization_id = i.organization_id AND n.issue_id = i.id AND n.branch_id = ").bind(scan.branch);
    sql.push(" AND n.standing = 0 AND EXISTS (SELECT 1 FROM observations o").indexed_by("ix_observations_pair");
    sql.push(" WHERE o.vulnerability_id = n.vulnerability_id AND o.asset_id = n.asset_id");
    sql.push(" AND o.branch_id = n.branch_id AND o.organization_id = n.organization_id AND o.is_active = TRUE");
    sql.push(" AND o.last_seen_at IS NULL AND o.source_id = ").bind(scan.source).push(")");
    Ok(sql.execute(conn)? > 0)
}

/// What changed of the instances of one product in one issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Change {
    /// The issue.
    #[diesel(sql_type = Binary)]
    pub issue_id: IssueId,
    /// The product.
    #[diesel(sql_type = Binary)]
    pub product_id: ProductId,
    /// How many more are remediated.
    #[diesel(sql_type = BigInt)]
    pub remediated_count: i64,
    /// How many more are excluded.
    #[diesel(sql_type = BigInt)]
    pub excluded_count: i64,
    /// How many more came back and are not remediated.
    #[diesel(sql_type = BigInt)]
    pub regressed_count: i64,
    /// How many are remediated that were not before.
    #[diesel(sql_type = BigInt)]
    pub newly_remediated: i64,
    /// How many were found again.
    #[diesel(sql_type = BigInt)]
    pub found_again: i64,
    /// How many are reported though their issue was called resolved.
    #[diesel(sql_type = BigInt)]
    pub still_reported: i64,
}

impl Change {
    /// What it adds to the counts.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        Counts {
            instance_count: 0,
            remediated_count: self.remediated_count,
            excluded_count: self.excluded_count,
            regressed_count: self.regressed_count,
        }
    }
}

/// Sums up what changed, in the order of issues and products.
pub fn sum_up(conn: &mut Conn) -> QueryResult<Vec<Change>> {
    let sum = |one: &str| format!("CAST(sum({one}) AS BIGINT)");
    let delta = |holds: &dyn Fn(&str, &str) -> String| {
        let (after, before) = (holds("c.after", FOUND_AGAIN), holds("c.before", "0"));
        sum(&format!("CASE WHEN {after} THEN 1 ELSE 0 END - CASE WHEN {before} THEN 1 ELSE 0 END"))
    };
    let remediated = delta(&|standing, _| format!("{standing} >= {REMEDIATED}"));
    let excluded = delta(&|standing, _| format!("{standing} IN (1, 2)"));
    let regressed = delta(&|standing, more| format!("{standing} < {REMEDIATED} AND c.regressions + {more} > 0"));
    let newly = sum(&format!("CASE WHEN c.before < {REMEDIATED} AND c.after >= {REMEDIATED} THEN 1 ELSE 0 END"));
    let (found, still) = (sum(FOUND_AGAIN), sum("CASE WHEN c.is_still_reported THEN 1 ELSE 0 END"));
    let mut sql = Sql::for_database(conn);
    sql.push(&format!(
        "INSERT INTO changed_products (issue_id, product_id, remediated_count, excluded_count, regressed_count, \
         newly_remediated, found_again, still_reported) SELECT c.issue_id, c.product_id, {remediated}, {excluded}, \
         {regressed}, {newly}, {found}, {still} FROM changed_instances c GROUP BY c.issue_id, c.product_id"
    ));
    sql.execute(conn)?;
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT * FROM changed_products ORDER BY issue_id, product_id");
    sql.load(conn)
}

/// Adds what changed to the counts.
pub fn add_changes(conn: &mut Conn, organization: OrganizationId, now: UtcTime) -> QueryResult<()> {
    let mut sql = Sql::for_database(conn);
    sql.push("UPDATE issue_products AS p SET remediated_count = p.remediated_count + c.remediated_count");
    sql.push(", excluded_count = p.excluded_count + c.excluded_count");
    sql.push(", regressed_count = p.regressed_count + c.regressed_count FROM changed_products c");
    sql.push(" WHERE p.organization_id = ").bind(organization);
    sql.push(" AND p.issue_id = c.issue_id AND p.product_id = c.product_id");
    sql.execute(conn)?;
    let mut sql = Sql::for_database(conn);
    sql.push("UPDATE issues AS i SET remediated_count = i.remediated_count + c.remediated");
    sql.push(", excluded_count = i.excluded_count + c.excluded, regressed_count = i.regressed_count + c.regressed");
    sql.push(", version = i.version + 1, updated_at = ").bind(now);
    sql.push(" FROM (SELECT issue_id, CAST(sum(remediated_count) AS BIGINT) AS remediated");
    sql.push(", CAST(sum(excluded_count) AS BIGINT) AS excluded, CAST(sum(regressed_count) AS BIGINT) AS regressed");
    sql.push(" FROM changed_products GROUP BY issue_id) c WHERE i.organization_id = ").bind(organization);
    sql.push(" AND i.id = c.issue_id");
    sql.execute(conn).map(drop)
}

/// An instance that came back, by name.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Returned {
    /// The issue.
    #[diesel(sql_type = Binary)]
    pub issue_id: IssueId,
    /// The product.
    #[diesel(sql_type = Binary)]
    pub product_id: ProductId,
    /// The vulnerability's identity.
    #[diesel(sql_type = Text)]
    pub vulnerability: String,
    /// The asset's name.
    #[diesel(sql_type = Text)]
    pub asset: String,
}

/// The first instances that came back (or never went) of each product in each issue: at most `each`.
pub fn returned(conn: &mut Conn, organization: OrganizationId, each: usize) -> QueryResult<Vec<Returned>> {
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT c.issue_id, c.product_id, v.vulnerability_key AS vulnerability, a.name AS asset FROM (");
    sql.push("SELECT c.issue_id, c.product_id, c.id, row_number() OVER (");
    sql.push("PARTITION BY c.issue_id, c.product_id ORDER BY c.id) AS place FROM changed_instances c");
    sql.push(" WHERE c.is_still_reported OR (c.before >= 3 AND c.after <= 1)) c CROSS JOIN issue_instances n");
    sql.push(" CROSS JOIN vulnerabilities v CROSS JOIN assets a WHERE n.organization_id = ").bind(organization);
    sql.push(" AND n.issue_id = c.issue_id AND n.id = c.id AND c.place <= ").push(&each.to_string());
    sql.push(" AND v.organization_id = n.organization_id AND v.id = n.vulnerability_id");
    sql.push(" AND a.organization_id = n.organization_id AND a.id = n.asset_id");
    sql.push(" ORDER BY c.issue_id, c.product_id, c.place");
    sql.load(conn)
}
