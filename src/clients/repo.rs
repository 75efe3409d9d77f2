//! SQL of what clients need.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use crate::base::ids::OrganizationId;
use crate::db::conn::Conn;

pub mod engagements;
pub mod products;
pub mod statistics;
pub mod tests;
pub mod types;

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = BigInt)]
    last_number: i64,
}

/// Takes as many numbers as are asked for; the first of them. A number that was taken is never given again.
pub(super) fn take_numbers(conn: &mut Conn, organization: OrganizationId, count: usize) -> QueryResult<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let last: Last = diesel::sql_query(
        "INSERT INTO client_counters (organization_id, last_number) VALUES ($1, $2) \
         ON CONFLICT (organization_id) DO UPDATE SET last_number = client_counters.last_number + $2 \
         RETURNING last_number",
    )
    .bind::<Binary, _>(organization)
    .bind::<BigInt, _>(count)
    .get_result(conn)?;
    Ok(last.last_number - count + 1)
}
