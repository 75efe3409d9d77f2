//! The list of issues: keys along an index first, then the rows.
//!
//! Conditions that the index does not take over are tested row by row: few rows meet them at worst, and then the
//! organization's issues are read once. Issues are made by people and rules, so there are thousands, not millions.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use uuid::Uuid;

use crate::base::ids::{IssueId, OrganizationId, ProductId};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::like::containing;
use crate::issues::filter::{FacetField, Filter, Key, Reader, Sort, SortField};
use crate::observations::repo::sql::{Sql, Value};

/// Where a total stops.
pub const MAX_COUNTED: i64 = 10_000;

/// Who asks for which issues, and when.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The organization.
    pub organization: OrganizationId,
    /// Who asks.
    pub reader: &'a Reader,
    /// For which issues.
    pub filter: &'a Filter,
    /// When: it decides what is overdue.
    pub now: UtcTime,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = BigInt)]
    sort_key: i64,
    #[diesel(sql_type = Binary)]
    id: IssueId,
}

/// The keys of a page, one more than the page has, in order.
pub fn page(conn: &mut Conn, question: Question<'_>, sort: Sort, window: &Window<Key>) -> QueryResult<Vec<Key>> {
    let column = match sort.field() {
        SortField::Risk => "i.risk",
        SortField::Created => "0",
        SortField::Due => "COALESCE(i.due_at, 9223372036854775807)",
    };
    let ((comparison, order), mut sql) = (sort.words(), Sql::for_database(conn));
    sql.push("SELECT CAST(").push(column).push(" AS BIGINT) AS sort_key, i.id FROM issues i");
    sql.indexed_by(index(sort, question.filter));
    question.push_conditions(&mut sql, None);
    if let Some((passed, id)) = window.after {
        match sort.field() {
            SortField::Created => sql.push(" AND i.id ").push(comparison).push(" ").bind(id),
            SortField::Risk | SortField::Due => {
                sql.push(" AND (").push(column).push(", i.id) ").push(comparison).push(" (");
                sql.push(&passed.to_string()).push(", ").bind(id).push(")")
            }
        };
    }
    sql.push(" ORDER BY ");
    if sort.field() != SortField::Created {
        sql.push(column).push(" ").push(order).push(", ");
    }
    sql.push("i.id ").push(order).push(" LIMIT ").push(&window.fetch().to_string());
    Ok(sql.load::<KeyRow>(conn)?.into_iter().map(|row| (row.sort_key, row.id)).collect())
}

/// The index along which rows come in order.
fn index(sort: Sort, filter: &Filter) -> &'static str {
    match sort.field() {
        SortField::Risk if filter.assignee.len() == 1 => "ix_issues_assignee",
        SortField::Risk if filter.state.len() == 1 => "ix_issues_state",
        SortField::Risk => "ix_issues_risk",
        // SQLite's name of the primary key's index.
        SortField::Created => "sqlite_autoindex_issues_1",
        SortField::Due => "ix_issues_due",
    }
}

/// The ids of all that match, the newest first: at most `limit`.
pub fn ids(conn: &mut Conn, question: Question<'_>, limit: usize) -> QueryResult<Vec<IssueId>> {
    let window = Window { limit: i64::try_from(limit).unwrap_or(i64::MAX) - 1, after: None };
    let keys = page(conn, question, Sort::CreatedDown, &window)?;
    Ok(keys.into_iter().map(|(_, id)| id).collect())
}

/// How many match, counted no further than [`MAX_COUNTED`].
pub fn total(conn: &mut Conn, question: Question<'_>) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT count(*) AS total FROM (SELECT 1 AS one FROM issues i");
    question.push_conditions(&mut sql, None);
    sql.push(" LIMIT ").push(&MAX_COUNTED.to_string()).push(") found");
    Ok(sql.load::<Total>(conn)?.first().map_or(0, |row| row.total))
}

/// A value of a field, and how many issues have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetValue {
    /// The value as filters take it; none for "nobody".
    pub value: Option<String>,
    /// What it is called.
    pub name: Option<String>,
    /// How many issues.
    pub issues: i64,
}

/// The values of a field with how many issues have them, under all filters but its own; the most frequent first.
pub fn facet(conn: &mut Conn, question: Question<'_>, field: FacetField) -> QueryResult<Vec<FacetValue>> {
    match field {
        FacetField::State => by_word(conn, question, field, "i.state"),
        FacetField::Risk => {
            let word = "CASE i.risk WHEN 1 THEN 'none' WHEN 2 THEN 'low' WHEN 3 THEN 'medium' WHEN 4 THEN 'high' \
                        ELSE 'critical' END";
            by_word(conn, question, field, word)
        }
        FacetField::Product => by_product(conn, question),
        FacetField::Assignee => by_assignee(conn, question),
    }
}

fn by_word(conn: &mut Conn, question: Question<'_>, field: FacetField, word: &str) -> QueryResult<Vec<FacetValue>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        word: String,
        #[diesel(sql_type = BigInt)]
        issues: i64,
    }
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT ").push(word).push(" AS word, count(*) AS issues FROM issues i");
    question.push_conditions(&mut sql, Some(field));
    sql.push(" GROUP BY ").push(word).push(" ORDER BY issues DESC, word");
    let rows = sql.load::<Row>(conn)?;
    Ok(rows.into_iter().map(|row| FacetValue { value: Some(row.word), name: None, issues: row.issues }).collect())
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = Nullable<Binary>)]
    id: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = BigInt)]
    issues: i64,
}

impl From<IdRow> for FacetValue {
    fn from(row: IdRow) -> Self {
        let id = row.id.and_then(|id| Uuid::from_slice(&id).ok());
        Self { value: id.map(|id| id.to_string()), name: row.name, issues: row.issues }
    }
}

/// The most values of a facet.
const MAX_FACET_VALUES: &str = "100";

fn by_product(conn: &mut Conn, question: Question<'_>) -> QueryResult<Vec<FacetValue>> {
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT p.product_id AS id, max(d.name) AS name, count(*) AS issues FROM issues i");
    sql.push(" JOIN issue_products p ON p.organization_id = i.organization_id AND p.issue_id = i.id");
    sql.push(" LEFT JOIN products d ON d.organization_id = p.organization_id AND d.id = p.product_id");
    question.push_conditions(&mut sql, Some(FacetField::Product));
    question.push_allowed(&mut sql);
    sql.push(" GROUP BY p.product_id ORDER BY issues DESC, p.product_id LIMIT ").push(MAX_FACET_VALUES);
    Ok(sql.load::<IdRow>(conn)?.into_iter().map(FacetValue::from).collect())
}

fn by_assignee(conn: &mut Conn, question: Question<'_>) -> QueryResult<Vec<FacetValue>> {
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT i.assignee_id AS id, max(COALESCE(u.name, t.name)) AS name, count(*) AS issues FROM issues i");
    sql.push(" LEFT JOIN users u ON u.id = i.assignee_id");
    sql.push(" LEFT JOIN teams t ON t.organization_id = i.organization_id AND t.id = i.assignee_id");
    question.push_conditions(&mut sql, Some(FacetField::Assignee));
    sql.push(" GROUP BY i.assignee_id ORDER BY issues DESC, i.assignee_id LIMIT ").push(MAX_FACET_VALUES);
    Ok(sql.load::<IdRow>(conn)?.into_iter().map(FacetValue::from).collect())
}

impl Question<'_> {
    /// Writes all conditions but those on one field: `WHERE …`.
    fn push_conditions(&self, sql: &mut Sql, but: Option<FacetField>) {
        let (filter, asked) = (self.filter, |field| but != Some(field));
        sql.push(" WHERE i.organization_id = ").bind(self.organization);
        if !filter.state.is_empty() && asked(FacetField::State) {
            match filter.state[..] {
                [only] => sql.push(" AND i.state = ").bind(only.as_str()),
                _ => sql.push(" AND i.state IN ").bind_list(filter.state.iter().map(|state| state.as_str())),
            };
        }
        if !filter.risk.is_empty() && asked(FacetField::Risk) {
            let ranks: Vec<String> = filter.risk.iter().map(|risk| risk.rank().to_string()).collect();
            sql.push(" AND i.risk IN (").push(&ranks.join(", ")).push(")");
        }
        if !filter.assignee.is_empty() && asked(FacetField::Assignee) {
            match filter.assignee[..] {
                [only] => sql.push(" AND i.assignee_id = ").bind(Value::Id(Some(only))),
                _ => {
                    sql.push(" AND i.assignee_id IN ").bind_list(filter.assignee.iter().map(|id| Value::Id(Some(*id))))
                }
            };
        }
        if let Some(assigned) = filter.assigned.filter(|_| asked(FacetField::Assignee)) {
            sql.push(if assigned { " AND i.assignee_id IS NOT NULL" } else { " AND i.assignee_id IS NULL" });
        }
        if !filter.product.is_empty() && asked(FacetField::Product) {
            self.push_products(sql, &filter.product);
        }
        self.push_times(sql);
        self.push_tickets(sql);
        self.push_words(sql);
        self.push_visible(sql);
    }

    fn push_products(&self, sql: &mut Sql, products: &[ProductId]) {
        sql.push(" AND i.id IN (SELECT p.issue_id FROM issue_products p WHERE p.product_id IN ");
        sql.bind_list(products.iter().copied()).push(" AND p.organization_id = ").bind(self.organization);
        self.push_allowed(sql);
        sql.push(")");
    }

    fn push_times(&self, sql: &mut Sql) {
        if let Some(overdue) = self.filter.overdue {
            sql.push(if overdue { " AND " } else { " AND NOT " });
            sql.push("(COALESCE(i.due_at, 9223372036854775807) < ").bind(self.now);
            sql.push(" AND i.state IN ('open', 'in_progress'))");
        }
        if let Some(has) = self.filter.has_regressions {
            sql.push(if has { " AND " } else { " AND NOT " });
            sql.push("EXISTS (SELECT 1 FROM issue_products p WHERE p.organization_id = i.organization_id");
            sql.push(" AND p.issue_id = i.id AND p.regressed_count > 0");
            self.push_allowed(sql);
            sql.push(")");
        }
    }

    fn push_tickets(&self, sql: &mut Sql) {
        let states = &self.filter.ticket_state;
        if states.is_empty() {
            return;
        }
        let numbers = states.iter().filter_map(|ticket| ticket.state());
        let numbers: Vec<String> = numbers.map(|state| state.number().to_string()).collect();
        let without = states.iter().any(|ticket| ticket.state().is_none());
        sql.push(" AND (").push(if without { "i.ticket_state IS NULL" } else { "FALSE" });
        if !numbers.is_empty() {
            sql.push(" OR i.ticket_state IN (").push(&numbers.join(", ")).push(")");
        }
        sql.push(")");
    }

    fn push_words(&self, sql: &mut Sql) {
        let text = self.filter.q.as_deref().unwrap_or("").to_lowercase();
        for word in text.split_whitespace() {
            sql.push(" AND i.search LIKE ").bind(&*containing(word)).push(" ESCAPE '\\'");
        }
    }

    /// Writes that the reader may see something of the issue.
    fn push_visible(&self, sql: &mut Sql) {
        if self.reader.sees_all() {
            return;
        }
        sql.push(" AND (EXISTS (SELECT 1 FROM issue_products p WHERE p.organization_id = i.organization_id");
        sql.push(" AND p.issue_id = i.id");
        self.push_allowed(sql);
        sql.push(") OR (i.instance_count = 0 AND ");
        match &self.reader.scope {
            ProductScope::Except(hidden) if hidden.is_empty() => sql.push("TRUE"),
            ProductScope::Except(hidden) => {
                sql.push("(i.product_id IS NULL OR i.product_id NOT IN ").bind_list(hidden.iter().copied()).push(")")
            }
            ProductScope::Only(only) => sql.push("i.product_id = ").bind(*only),
        };
        sql.push("))");
    }

    /// Writes that the reader may see the product `p` of an issue.
    fn push_allowed(&self, sql: &mut Sql) {
        match &self.reader.scope {
            ProductScope::Except(hidden) if hidden.is_empty() => {}
            ProductScope::Except(hidden) => {
                sql.push(" AND p.product_id NOT IN ").bind_list(hidden.iter().copied());
            }
            ProductScope::Only(only) => {
                sql.push(" AND p.product_id = ").bind(*only);
            }
        }
        if !self.reader.sees_sealed {
            sql.push(" AND p.is_sealed = FALSE");
        }
    }
}
