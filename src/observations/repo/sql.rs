//! SQL text with its values, for the hot lists: their shape depends on the filter, so each is written for its request.

use diesel::backend::Backend;
use diesel::deserialize::FromSqlRow;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Binary, HasSqlType, Text, Untyped};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use crate::base::ids::{
    AssetId, BranchId, ComponentId, EngagementId, InstanceId, IssueId, ObservationId, OrganizationId, ProductId,
    ScanId, ScanSourceId, VulnerabilityId,
};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::on_backend;

/// A value beside the text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An id, or the empty id that sorts before all others.
    Id(Option<Uuid>),
    /// A number or time.
    Int(i64),
    /// Text.
    Text(String),
}

macro_rules! ids_are_values {
    ($($id:ident),+) => {$(
        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Id(Some(id.0))
            }
        }
    )+};
}
ids_are_values!(
    OrganizationId,
    ProductId,
    BranchId,
    EngagementId,
    AssetId,
    ComponentId,
    VulnerabilityId,
    ObservationId,
    ScanSourceId,
    ScanId,
    IssueId,
    InstanceId
);

impl From<UtcTime> for Value {
    fn from(time: UtcTime) -> Self {
        Self::Int(time.as_micros())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A statement in the making. Text comes from this program only; whatever comes from outside is a value.
#[derive(Debug, Clone)]
pub struct Sql {
    /// Without the places of the values.
    text: String,
    /// Each with the length of the text before it.
    values: Vec<(usize, Value)>,
    is_sqlite: bool,
    is_kept: bool,
}

impl Sql {
    /// An empty statement for the database of this connection.
    #[must_use]
    pub fn for_database(conn: &Conn) -> Self {
        Self { text: String::new(), values: Vec::new(), is_sqlite: conn.is_sqlite(), is_kept: false }
    }

    /// Is it for SQLite?
    #[must_use]
    pub const fn is_sqlite(&self) -> bool {
        self.is_sqlite
    }

    /// Keeps it prepared with the connection, which never forgets one: only for statements of which there are few.
    pub const fn keep(&mut self) -> &mut Self {
        self.is_kept = true;
        self
    }

    /// Adds text.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push((self.text.len(), value.into()));
        self
    }

    /// Adds `(value, value, …)`.
    pub fn bind_list<T: Into<Value>>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        self.push("(");
        for (n, value) in values.into_iter().enumerate() {
            self.push(if n == 0 { "" } else { ", " }).bind(value);
        }
        self.push(")")
    }

    /// Adds the name of the index to take: without statistics SQLite's planner guesses. PostgreSQL knows better.
    pub fn indexed_by(&mut self, index: &str) -> &mut Self {
        if self.is_sqlite {
            self.push(" INDEXED BY ").push(index);
        }
        self
    }

    /// Runs it. On the concrete connection, since rows take a detour through the combined one.
    pub fn load<R>(self, conn: &mut Conn) -> QueryResult<Vec<R>>
    where
        R: FromSqlRow<Untyped, Pg> + FromSqlRow<Untyped, Sqlite> + 'static,
    {
        on_backend!(conn, |conn| RunQueryDsl::load(self, conn))
    }

    /// Runs a statement that changes rows; answers how many.
    pub fn execute(self, conn: &mut Conn) -> QueryResult<usize> {
        on_backend!(conn, |conn| RunQueryDsl::execute(self, conn))
    }
}

impl<DB> QueryFragment<DB> for Sql
where
    DB: Backend + HasSqlType<Binary> + HasSqlType<BigInt> + HasSqlType<Text>,
    [u8]: ToSql<Binary, DB>,
    i64: ToSql<BigInt, DB>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if !self.is_kept {
            out.unsafe_to_cache_prepared();
        }
        let mut written = 0;
        for (place, value) in &self.values {
            out.push_sql(&self.text[written..*place]);
            written = *place;
            match value {
                Value::Id(id) => out.push_bind_param::<Binary, [u8]>(id.as_ref().map_or(&[], |id| id.as_bytes()))?,
                Value::Int(number) => out.push_bind_param::<BigInt, _>(number)?,
                Value::Text(text) => out.push_bind_param::<Text, str>(text)?,
            }
        }
        out.push_sql(&self.text[written..]);
        Ok(())
    }
}

/// Known by its text.
impl QueryId for Sql {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Its columns are known by name.
impl Query for Sql {
    type SqlType = Untyped;
}

impl<C> RunQueryDsl<C> for Sql {}
