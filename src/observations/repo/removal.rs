//! Removing all that was observed on a product or branch, with a few statements for any number of observations.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Binary;

use crate::base::ids::{BranchId, ObservationId, OrganizationId, ProductId};
use crate::db::conn::Conn;
use crate::db::schema::scan_sources;

/// What goes as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// A product with its branches.
    Product(ProductId),
    /// A branch.
    Branch(BranchId),
}

impl Whole {
    /// The column that names it, in observations and in their sources.
    const fn column(self) -> &'static str {
        match self {
            Self::Product(_) => "product_id",
            Self::Branch(_) => "branch_id",
        }
    }

    fn id(self) -> Vec<u8> {
        match self {
            Self::Product(id) => id.0.as_bytes().to_vec(),
            Self::Branch(id) => id.0.as_bytes().to_vec(),
        }
    }
}

/// Holds the scan sources until the transaction ends: imports into them wait.
pub fn lock_sources(conn: &mut Conn, organization: OrganizationId, whole: Whole) -> QueryResult<()> {
    // A writer on SQLite is alone.
    let Conn::Pg(conn) = conn else { return Ok(()) };
    let all = scan_sources::table.filter(scan_sources::organization_id.eq(organization)).order(scan_sources::id);
    let locked = match whole {
        Whole::Product(product) => {
            all.filter(scan_sources::product_id.eq(product)).select(scan_sources::version).for_update().execute(conn)
        }
        Whole::Branch(branch) => {
            all.filter(scan_sources::branch_id.eq(branch)).select(scan_sources::version).for_update().execute(conn)
        }
    };
    locked.map(drop)
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Binary)]
    id: ObservationId,
}

/// Duplicates, outside, of what is inside.
pub fn duplicates_elsewhere(
    conn: &mut Conn,
    organization: OrganizationId,
    whole: Whole,
) -> QueryResult<Vec<ObservationId>> {
    let column = whole.column();
    let found: Vec<Found> = sql_query(format!(
        "SELECT c.id FROM observations o JOIN observations c \
         ON c.organization_id = o.organization_id AND c.duplicate_of = o.id AND c.{column} <> $2 \
         WHERE o.organization_id = $1 AND o.{column} = $2 ORDER BY c.id"
    ))
    .bind::<Binary, _>(organization)
    .bind::<Binary, _>(whole.id())
    .load(conn)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

/// Removes them: observations, their details, history and notes, counts and tombstones.
pub fn remove(conn: &mut Conn, organization: OrganizationId, whole: Whole) -> QueryResult<()> {
    let column = whole.column();
    let inside = |table: &str| format!("(SELECT id FROM {table} WHERE organization_id = $1 AND {column} = $2)");
    let (observations, sources) = (inside("observations"), inside("scan_sources"));
    for which in [
        format!("observation_details WHERE organization_id = $1 AND observation_id IN {observations}"),
        format!("observation_history WHERE organization_id = $1 AND observation_id IN {observations}"),
        format!("observation_notes WHERE organization_id = $1 AND observation_id IN {observations}"),
        format!("observation_counts WHERE organization_id = $1 AND source_id IN {sources}"),
        format!("observation_tombstones WHERE organization_id = $1 AND source_id IN {sources}"),
        format!("observations WHERE organization_id = $1 AND {column} = $2"),
    ] {
        sql_query(format!("DELETE FROM {which}"))
            .bind::<Binary, _>(organization)
            .bind::<Binary, _>(whole.id())
            .execute(conn)?;
    }
    Ok(())
}
