//! Claim a key, run, keep the answer or give the key back.

use super::model::{KEPT, Kept, Key, RequestHash, Row, Turn};
use super::repo;
use crate::base::error::ApiError;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;

/// A key that this process holds while its request runs.
#[derive(Debug, Clone)]
pub struct Claim {
    key: Key,
    hash: RequestHash,
    expires_at: UtcTime,
}

impl Claim {
    /// The claim of a request that got [`Turn::First`] at this moment.
    #[must_use]
    pub fn new(key: Key, hash: RequestHash, claimed_at: UtcTime) -> Self {
        Self { key, hash, expires_at: claimed_at.plus(KEPT) }
    }

    /// Says that the request still runs.
    ///
    /// # Errors
    /// `Internal`.
    pub fn renew(&self, conn: &mut Conn, now: UtcTime) -> Result<(), ApiError> {
        repo::renew(conn, &self.key, &self.hash, self.expires_at, now)?;
        Ok(())
    }

    /// Keeps what the request answered.
    ///
    /// # Errors
    /// `Internal`.
    pub fn keep(&self, conn: &mut Conn, kept: Kept) -> Result<(), ApiError> {
        repo::keep(conn, &self.key, &self.hash, self.expires_at, kept)?;
        Ok(())
    }

    /// Gives the key back: the request had no effect.
    ///
    /// # Errors
    /// `Internal`.
    pub fn release(&self, conn: &mut Conn) -> Result<(), ApiError> {
        repo::release(conn, &self.key, &self.hash, self.expires_at)?;
        Ok(())
    }
}

/// What becomes of a request that comes with a key. Of several that come at once, one is the first.
///
/// # Errors
/// `Internal`.
pub fn begin(conn: &mut Conn, key: &Key, hash: &RequestHash, now: UtcTime) -> Result<Turn, ApiError> {
    let row = Row::claimed(key, hash, now);
    if repo::claim(conn, &row)? {
        return Ok(Turn::First);
    }
    let Some(found) = repo::find(conn, key)? else {
        // It was given back just now: whoever asks again is served.
        return Ok(Turn::Running);
    };
    if !found.is_free(now) {
        return Ok(found.turn(hash));
    }
    repo::remove_free(conn, &found)?;
    Ok(if repo::claim(conn, &row)? { Turn::First } else { Turn::Running })
}

/// Gives back the keys of requests that died with their server, for one that just started and is the only one.
///
/// # Errors
/// `Internal`.
pub fn release_all(conn: &mut Conn) -> Result<usize, ApiError> {
    Ok(repo::release_all(conn)?)
}

/// Removes keys whose day is over.
///
/// # Errors
/// `Internal`.
pub fn sweep(conn: &mut Conn, now: UtcTime) -> Result<usize, ApiError> {
    Ok(repo::delete_expired(conn, now)?)
}
