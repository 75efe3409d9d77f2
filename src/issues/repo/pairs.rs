//! The pairs that a transaction is about, in a table of its own: all that follows is done with them as a set.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Bool};

use crate::db::conn::Conn;
use crate::issues::model::Pair;
use crate::observations::repo::sql::Sql;

/// Rows of one insert on SQLite: a statement may bind 32,766 values.
const ROWS: usize = 5_000;
/// From so many rows on, PostgreSQL is told how many there are.
const MANY: usize = 1_000;

/// The tables of a transaction: the pairs (numbered from 1), what changed of instances, and its sums.
const TABLES: &[(&str, &str)] = &[
    (
        "touched_pairs",
        "n INTEGER PRIMARY KEY, branch_id ID NOT NULL, vulnerability_id ID NOT NULL, asset_id ID NOT NULL",
    ),
    (
        "changed_instances",
        "issue_id ID NOT NULL, id ID NOT NULL, product_id ID NOT NULL, before SMALLINT NOT NULL, \
         after SMALLINT NOT NULL, regressions INTEGER NOT NULL, is_still_reported BOOLEAN NOT NULL",
    ),
    (
        "changed_products",
        "issue_id ID NOT NULL, product_id ID NOT NULL, remediated_count BIGINT NOT NULL, \
         excluded_count BIGINT NOT NULL, regressed_count BIGINT NOT NULL, newly_remediated BIGINT NOT NULL, \
         found_again BIGINT NOT NULL, still_reported BIGINT NOT NULL",
    ),
];

/// Makes the tables, or empties them.
pub fn begin(conn: &mut Conn) -> QueryResult<()> {
    TABLES.iter().try_for_each(|(name, columns)| match conn {
        Conn::Sqlite(conn) => {
            let columns = columns.replace(" ID ", " BLOB ");
            conn.batch_execute(&format!("CREATE TEMP TABLE IF NOT EXISTS {name} ({columns}); DELETE FROM temp.{name}"))
        }
        Conn::Pg(conn) => begin_on_postgresql(conn, name, &columns.replace(" ID ", " BYTEA ")),
    })
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// Looked up first: `IF NOT EXISTS` would write a notice to standard error each time.
fn begin_on_postgresql(conn: &mut PgConnection, name: &str, columns: &str) -> QueryResult<()> {
    let query = format!("SELECT to_regclass('pg_temp.{name}') IS NOT NULL AS found");
    if diesel::sql_query(query).get_result::<Found>(conn)?.found {
        return conn.batch_execute(&format!("TRUNCATE pg_temp.{name}"));
    }
    conn.batch_execute(&format!("CREATE TEMP TABLE {name} ({columns}) ON COMMIT DELETE ROWS"))
}

/// Fills the table of pairs, in their order.
pub fn fill(conn: &mut Conn, pairs: &[Pair]) -> QueryResult<()> {
    match conn {
        Conn::Pg(conn) => fill_on_postgresql(conn, pairs),
        Conn::Sqlite(_) => {
            for pairs in pairs.chunks(ROWS) {
                let mut sql = Sql::for_database(conn);
                sql.push("INSERT INTO touched_pairs (branch_id, vulnerability_id, asset_id) VALUES ");
                for (n, pair) in pairs.iter().enumerate() {
                    sql.push(if n == 0 { "(" } else { ", (" }).bind(pair.branch);
                    sql.push(", ").bind(pair.vulnerability).push(", ").bind(pair.asset).push(")");
                }
                sql.execute(conn)?;
            }
            Ok(())
        }
    }
}

fn fill_on_postgresql(conn: &mut PgConnection, pairs: &[Pair]) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO touched_pairs (n, branch_id, vulnerability_id, asset_id) \
         SELECT t.n, t.b, t.v, t.a FROM unnest($1, $2, $3) WITH ORDINALITY AS t (b, v, a, n)",
    )
    .bind::<Array<Binary>, _>(pairs.iter().map(|pair| pair.branch).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(pairs.iter().map(|pair| pair.vulnerability).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(pairs.iter().map(|pair| pair.asset).collect::<Vec<_>>())
    .execute(conn)?;
    if pairs.len() >= MANY {
        conn.batch_execute("ANALYZE pg_temp.touched_pairs")?;
    }
    Ok(())
}
