//! SQL text with its values, for the hot lists: their shape depends on the filter, so each is written for its request.

use diesel::backend::Backend;
use diesel::deserialize::FromSqlRow;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
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
    text: String,
    values: Vec<Value>,
    is_sqlite: bool,
}

impl Sql {
    /// An empty statement for the database of this connection.
    #[must_use]
    pub fn for_database(conn: &Conn) -> Self {
        Self { text: String::new(), values: Vec::new(), is_sqlite: conn.is_sqlite() }
    }

    /// Is it for SQLite?
    #[must_use]
    pub const fn is_sqlite(&self) -> bool {
        self.is_sqlite
    }

    /// Adds text.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
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
        match conn {
            Conn::Pg(conn) => self.boxed::<Pg>().load(conn),
            Conn::Sqlite(conn) => self.boxed::<Sqlite>().load(conn),
        }
    }

    /// Runs a statement that changes rows; answers how many.
    pub fn execute(self, conn: &mut Conn) -> QueryResult<usize> {
        match conn {
            Conn::Pg(conn) => self.boxed::<Pg>().execute(conn),
            Conn::Sqlite(conn) => self.boxed::<Sqlite>().execute(conn),
        }
    }

    fn boxed<DB>(self) -> BoxedSqlQuery<'static, DB, SqlQuery>
    where
        DB: Backend + HasSqlType<Binary> + HasSqlType<BigInt> + HasSqlType<Text> + 'static,
        Vec<u8>: ToSql<Binary, DB>,
        i64: ToSql<BigInt, DB>,
        String: ToSql<Text, DB>,
    {
        self.values.into_iter().fold(diesel::sql_query(self.text).into_boxed::<DB>(), |query, value| match value {
            Value::Id(id) => query.bind::<Binary, _>(id.map_or_else(Vec::new, |id| id.as_bytes().to_vec())),
            Value::Int(number) => query.bind::<BigInt, _>(number),
            Value::Text(text) => query.bind::<Text, _>(text),
        })
    }
}
