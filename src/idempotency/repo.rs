//! SQL of idempotency keys.

use diesel::prelude::*;

use super::model::{Kept, Key, LEASE, RequestHash, Row};
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::idempotency_keys::{self as keys, table};
use crate::on_backend;

fn named<'a>(key: &Key) -> keys::BoxedQuery<'a, MultiBackend> {
    table
        .filter(keys::organization_id.eq(key.organization))
        .filter(keys::caller_id.eq(key.caller.as_bytes().to_vec()))
        .filter(keys::idempotency_key.eq(key.word.clone()))
        .into_boxed()
}

/// Claims a key that nobody used. False when somebody did.
pub(super) fn claim(conn: &mut Conn, row: &Row) -> QueryResult<bool> {
    let claimed = on_backend!(conn, |c| diesel::insert_into(table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(claimed == 1)
}

/// The row of a key.
pub(super) fn find(conn: &mut Conn, key: &Key) -> QueryResult<Option<Row>> {
    named(key).select(Row::as_select()).first(conn).optional()
}

/// Removes a row that was found free, if it is still the same.
pub(super) fn remove_free(conn: &mut Conn, row: &Row) -> QueryResult<usize> {
    let same = table
        .filter(keys::organization_id.eq(row.organization_id))
        .filter(keys::caller_id.eq(&row.caller_id))
        .filter(keys::idempotency_key.eq(&row.idempotency_key))
        .filter(keys::lease_until.eq(row.lease_until))
        .filter(keys::expires_at.eq(row.expires_at));
    diesel::delete(same).execute(conn)
}

/// The claim that `hash` and `expires_at` identify: one that was taken over is not touched.
macro_rules! own {
    ($key:expr, $hash:expr, $expires_at:expr) => {
        table
            .filter(keys::organization_id.eq($key.organization))
            .filter(keys::caller_id.eq($key.caller.as_bytes().to_vec()))
            .filter(keys::idempotency_key.eq(&$key.word))
            .filter(keys::request_hash.eq($hash.to_vec()))
            .filter(keys::expires_at.eq($expires_at))
            .filter(keys::status.is_null())
    };
}

/// Holds a claim for longer.
pub(super) fn renew(
    conn: &mut Conn,
    key: &Key,
    hash: &RequestHash,
    expires_at: UtcTime,
    now: UtcTime,
) -> QueryResult<usize> {
    diesel::update(own!(key, hash, expires_at)).set(keys::lease_until.eq(now.plus(LEASE))).execute(conn)
}

/// Keeps the answer of a claim.
pub(super) fn keep(
    conn: &mut Conn,
    key: &Key,
    hash: &RequestHash,
    expires_at: UtcTime,
    kept: Kept,
) -> QueryResult<usize> {
    let headers = serde_json::to_string(&kept.headers).expect("headers are text");
    let answer =
        (keys::status.eq(Some(i32::from(kept.status))), keys::headers_json.eq(Some(headers)), keys::body.eq(kept.body));
    diesel::update(own!(key, hash, expires_at)).set(answer).execute(conn)
}

/// Gives a claim back.
pub(super) fn release(conn: &mut Conn, key: &Key, hash: &RequestHash, expires_at: UtcTime) -> QueryResult<usize> {
    diesel::delete(own!(key, hash, expires_at)).execute(conn)
}

/// Gives all claims back whose request has not answered.
pub(super) fn release_all(conn: &mut Conn) -> QueryResult<usize> {
    diesel::delete(table.filter(keys::status.is_null())).execute(conn)
}

/// Removes what nobody can ask for any more.
pub(super) fn delete_expired(conn: &mut Conn, now: UtcTime) -> QueryResult<usize> {
    diesel::delete(table.filter(keys::expires_at.le(now))).execute(conn)
}
