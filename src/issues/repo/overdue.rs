//! Due dates that pass, of any organization.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::base::ids::{IssueId, OrganizationId, ProductId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::observations::repo::sql::Sql;

/// An issue whose due date has passed.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Overdue {
    /// The organization.
    #[diesel(sql_type = Binary)]
    pub organization_id: OrganizationId,
    /// The issue.
    #[diesel(sql_type = Binary)]
    pub id: IssueId,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The one product of its instances.
    #[diesel(sql_type = Nullable<Binary>)]
    pub product_id: Option<ProductId>,
    /// When it was due.
    #[diesel(sql_type = BigInt)]
    pub due_at: UtcTime,
}

const COLUMNS: &str =
    "SELECT i.organization_id, i.id, i.name, i.product_id, COALESCE(i.due_at, 0) AS due_at FROM issues i";

/// Issues that are not settled though their due date has passed, and that nobody was told of: at most `limit`.
pub fn untold(conn: &mut Conn, now: UtcTime, limit: i64) -> QueryResult<Vec<Overdue>> {
    let mut sql = Sql::for_database(conn);
    sql.push(COLUMNS).indexed_by("ix_issues_overdue");
    sql.push(" WHERE i.due_at IS NOT NULL AND i.state IN ('open', 'in_progress') AND i.due_at < ").bind(now);
    sql.push(" AND (i.overdue_told_for IS NULL OR i.overdue_told_for <> i.due_at)");
    sql.push(" ORDER BY i.due_at LIMIT ").push(&limit.to_string());
    sql.load(conn)
}

/// Issues that people were told of and that are overdue no more: at most `limit`.
pub fn over(conn: &mut Conn, now: UtcTime, limit: i64) -> QueryResult<Vec<Overdue>> {
    let mut sql = Sql::for_database(conn);
    sql.push(COLUMNS).indexed_by("ix_issues_told");
    sql.push(" WHERE i.overdue_told_for IS NOT NULL AND (i.state NOT IN ('open', 'in_progress')");
    sql.push(" OR i.due_at IS NULL OR i.due_at >= ").bind(now).push(")");
    sql.push(" ORDER BY i.organization_id, i.id LIMIT ").push(&limit.to_string());
    sql.load(conn)
}

/// Remembers what people were told of an issue. It is not a change of the issue: its version stays.
pub fn set_told(conn: &mut Conn, overdue: &Overdue, told_for: Option<UtcTime>) -> QueryResult<()> {
    use crate::db::schema::issues;
    let own = issues::table.find((overdue.organization_id, overdue.id));
    diesel::update(own).set(issues::overdue_told_for.eq(told_for)).execute(conn).map(drop)
}
