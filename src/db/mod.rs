//! The database: one connection type for SQLite and PostgreSQL, pools, transactions, migrations.

pub mod backup;
#[expect(missing_docs, reason = "the derive of the combined connection writes undocumented types")]
pub mod conn;
pub mod like;
pub mod migrate;
pub mod pool;
#[expect(missing_docs, reason = "tables are documented in the migrations")]
pub mod schema;
