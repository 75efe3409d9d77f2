//! The migrations of both databases are the same, go back and forth, and give what the code reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use patchbay::db::schema::vulnerability_cwes;

use crate::postgres::Database;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRESQL: EmbeddedMigrations = embed_migrations!("migrations/postgresql");
/// On SQLite the inbox is a file of its own.
const INBOX: EmbeddedMigrations = embed_migrations!("migrations/inbox");

/// The migration that lists all CWEs.
const LISTS_CWES: &str = "0008";

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
}

type Tables = BTreeMap<String, BTreeSet<String>>;

fn tables(columns: Vec<Column>) -> Tables {
    let mut tables = Tables::new();
    for column in columns.into_iter().filter(|column| !column.table_name.starts_with("__diesel")) {
        tables.entry(column.table_name).or_default().insert(column.column_name);
    }
    tables
}

fn sqlite_tables(conn: &mut SqliteConnection) -> Tables {
    let query = "SELECT m.name AS table_name, c.name AS column_name FROM sqlite_master m, pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.sql NOT LIKE 'CREATE VIRTUAL%'";
    tables(diesel::sql_query(query).load(conn).unwrap())
}

fn postgresql_tables(conn: &mut PgConnection) -> Tables {
    let query = "SELECT table_name::text, column_name::text FROM information_schema.columns \
                 WHERE table_schema = 'public'";
    tables(diesel::sql_query(query).load(conn).unwrap())
}

/// The tables of `schema.rs`, read from its text.
fn declared_tables() -> Tables {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db/schema.rs")).unwrap();
    let mut tables = Tables::new();
    let mut current = None;
    for line in text.lines().map(str::trim) {
        if let Some((column, _)) = line.split_once(" -> ") {
            let table: &String = current.as_ref().unwrap();
            tables.get_mut(table).unwrap().insert(column.to_owned());
        } else if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with(") {")) {
            tables.insert(name.to_owned(), BTreeSet::new());
            current = Some(name.to_owned());
        }
    }
    tables
}

/// The search index of SQLite is not read through `schema.rs`, nor the number by which it knows its rows.
fn without_search(tables: Tables) -> Tables {
    let mut tables: Tables = tables.into_iter().filter(|(table, _)| !table.contains("_search")).collect();
    assert!(tables.get_mut("vulnerabilities").unwrap().remove("row_number"));
    tables
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgresql"));
}

#[test]
fn sqlite_migrates_up_and_down_and_up_to_the_declared_tables() {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.run_pending_migrations(SQLITE).unwrap();
    conn.revert_all_migrations(SQLITE).unwrap();
    assert_eq!(sqlite_tables(&mut conn), Tables::new());
    conn.run_pending_migrations(SQLITE).unwrap();
    let mut inbox = SqliteConnection::establish(":memory:").unwrap();
    inbox.run_pending_migrations(INBOX).unwrap();
    inbox.revert_all_migrations(INBOX).unwrap();
    inbox.run_pending_migrations(INBOX).unwrap();
    let mut tables = without_search(sqlite_tables(&mut conn));
    tables.extend(sqlite_tables(&mut inbox));
    assert_eq!(tables, declared_tables());
}

#[test]
fn postgresql_migrates_up_and_down_and_up_to_the_declared_tables() {
    let Some(database) = Database::create_empty() else { return };
    let mut conn = PgConnection::establish(&database.url()).unwrap();
    conn.run_pending_migrations(POSTGRESQL).unwrap();
    conn.revert_all_migrations(POSTGRESQL).unwrap();
    assert_eq!(postgresql_tables(&mut conn), Tables::new());
    conn.run_pending_migrations(POSTGRESQL).unwrap();
    assert_eq!(postgresql_tables(&mut conn), declared_tables());
}

/// A vulnerability of an older release: with CWEs that no column but the JSON holds, one of them too large for the column.
fn older_vulnerability(id: &str) -> String {
    format!(
        "INSERT INTO organizations (id, slug, name, created_at) VALUES ({id}, 'acme', 'Acme', 1); \
         INSERT INTO vulnerabilities (organization_id, id, vulnerability_key, title, severity, description, search, \
         cwe, cwes_json, created_at) VALUES ({id}, {id}, 'CVE-2026-1', 'A', 3, '', 'a', 79, '[79, 20, 79, 4000000000]', 1)"
    )
}

#[test]
fn the_cwes_of_known_vulnerabilities_are_listed() {
    let listed = vulnerability_cwes::table.select(vulnerability_cwes::cwe).order(vulnerability_cwes::cwe);
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.run_pending_migrations(SQLITE).unwrap();
    while conn.revert_last_migration(SQLITE).unwrap().to_string() != LISTS_CWES {}
    conn.batch_execute(&older_vulnerability("x'01'")).unwrap();
    conn.run_pending_migrations(SQLITE).unwrap();
    assert_eq!(listed.load::<i32>(&mut conn).unwrap(), [20, 79]);
    let Some(database) = Database::create_empty() else { return };
    let mut conn = PgConnection::establish(&database.url()).unwrap();
    conn.run_pending_migrations(POSTGRESQL).unwrap();
    while conn.revert_last_migration(POSTGRESQL).unwrap().to_string() != LISTS_CWES {}
    conn.batch_execute(&older_vulnerability("'\\x01'")).unwrap();
    conn.run_pending_migrations(POSTGRESQL).unwrap();
    assert_eq!(listed.load::<i32>(&mut conn).unwrap(), [20, 79]);
}
