//! The floor: the same bytes parsed into typed structs, and the same rows written by the fastest raw path.

use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::Deserialize;

/// The tables that an import writes, in the order of their foreign keys.
pub const TABLES: [&str; 11] = [
    "organizations",
    "products",
    "branches",
    "assets",
    "vulnerabilities",
    "vulnerability_aliases",
    "scan_sources",
    "uploads",
    "scans",
    "observations",
    "observation_details",
];

#[derive(Deserialize)]
struct Log<'a> {
    #[serde(borrow)]
    runs: Vec<Run<'a>>,
}

#[derive(Deserialize)]
struct Run<'a> {
    #[serde(borrow)]
    results: Vec<SarifResult<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsed to be paid for, not to be used")]
struct SarifResult<'a> {
    rule_id: &'a str,
    level: &'a str,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    locations: Vec<Location<'a>>,
    #[serde(borrow)]
    partial_fingerprints: std::collections::BTreeMap<&'a str, &'a str>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed to be paid for, not to be used")]
struct Text<'a> {
    #[serde(borrow)]
    text: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsed to be paid for, not to be used")]
struct Location<'a> {
    #[serde(borrow)]
    physical_location: Physical<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsed to be paid for, not to be used")]
struct Physical<'a> {
    #[serde(borrow)]
    artifact_location: Artifact<'a>,
    #[serde(borrow)]
    region: Region<'a>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed to be paid for, not to be used")]
struct Artifact<'a> {
    uri: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsed to be paid for, not to be used")]
struct Region<'a> {
    start_line: u32,
    #[serde(borrow)]
    snippet: Text<'a>,
}

/// Parses a report; answers how many results it has.
pub fn parse(bytes: &[u8]) -> usize {
    let log: Log<'_> = serde_json::from_slice(bytes).expect("our own report");
    log.runs.iter().map(|run| run.results.len()).sum()
}

/// All rows of the tables in an SQLite database.
pub fn read_sqlite(path: &Path) -> Vec<Vec<Vec<Value>>> {
    let conn = Connection::open(path).expect("the database of the bench");
    let read = |table: &&str| {
        let mut query = conn.prepare(&format!("SELECT * FROM {table}")).expect(table);
        let columns = query.column_count();
        let rows = query.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).expect(table);
        rows.collect::<Result<_, _>>().expect(table)
    };
    TABLES.iter().map(read).collect()
}

/// Writes the rows into a migrated SQLite database: prepared statements, one transaction.
pub fn write_sqlite(path: &Path, tables: &[Vec<Vec<Value>>]) {
    let mut conn = Connection::open(path).expect("the database of the bench");
    conn.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=268435456; PRAGMA foreign_keys=ON; PRAGMA defer_foreign_keys=ON")
        .expect("pragmas");
    let transaction = conn.transaction().expect("a transaction");
    for (table, rows) in TABLES.iter().zip(tables) {
        let Some(first) = rows.first() else { continue };
        let places = vec!["?"; first.len()].join(",");
        let mut insert = transaction.prepare(&format!("INSERT INTO {table} VALUES ({places})")).expect(table);
        for row in rows {
            insert.execute(params_from_iter(row)).expect(table);
        }
    }
    transaction.commit().expect("commit");
}

/// Copies the rows of the tables out of a PostgreSQL database, into files.
pub fn read_postgresql(url: &str, folder: &Path) {
    for table in TABLES {
        let file = folder.join(table);
        psql(url, &format!("\\copy {table} TO '{}' (FORMAT binary)", file.display()));
    }
}

/// Copies the rows into a migrated PostgreSQL database.
pub fn write_postgresql(url: &str, folder: &Path) {
    for table in TABLES {
        let file = folder.join(table);
        psql(url, &format!("\\copy {table} FROM '{}' (FORMAT binary)", file.display()));
    }
}

fn psql(url: &str, command: &str) {
    let ended = Command::new("psql")
        .args([url, "-v", "ON_ERROR_STOP=1", "-qc", command])
        .stdout(Stdio::null())
        .status()
        .expect("psql is installed");
    assert!(ended.success(), "{command}");
}
