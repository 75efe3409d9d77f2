//! Pages: keyset, never offset, so that a page costs the same at any depth.
//!
//! A cursor is the sort key of the last row, sealed with a MAC over the list it belongs to (organization, path, sort,
//! filters). A cursor that was tampered with, or that belongs to another list, opens nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use utoipa::ToSchema;

use super::error::ApiError;

/// The most items a page may have.
pub const MAX_LIMIT: u32 = 500;
/// The items of a page when nobody says.
pub const DEFAULT_LIMIT: u32 = 50;

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order asked for.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last one.
    #[schema(example = "eyJrIjoiMDE4ZiJ9")]
    pub next_cursor: Option<String>,
    /// How many there are in all, with `include=total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1234)]
    pub total: Option<i64>,
}

impl<T> Page<T> {
    /// The same page with other items.
    pub fn map<U>(self, shape: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(shape).collect(), next_cursor: self.next_cursor, total: self.total }
    }
}

/// What part of a list is asked for: at most `limit` rows after the row with the sort key `after`.
#[derive(Debug, Clone)]
pub struct Window<K> {
    /// 1 to [`MAX_LIMIT`].
    pub limit: i64,
    /// The sort key of the last row of the page before.
    pub after: Option<K>,
}

impl<K: Serialize> Window<K> {
    /// How many rows to read: one more than the page has, to know whether there is a next page.
    #[must_use]
    pub const fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// Makes a page of the rows read with [`Window::fetch`].
    pub fn page<T>(&self, mut rows: Vec<T>, seal: &CursorSeal, key: impl Fn(&T) -> K) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(|row| seal.seal(&key(row))) } else { None };
        Page { items: rows, next_cursor, total: None }
    }
}

/// Seals and opens the cursors of one list.
#[derive(Clone)]
pub struct CursorSeal {
    mac: Hmac<Sha256>,
}

impl CursorSeal {
    /// The seal of the list that `context` names: organization, path, sort and filters.
    #[must_use]
    pub fn new(secret: &[u8; 32], context: &str) -> Self {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).expect("HMAC takes keys of any length");
        mac.update(context.as_bytes());
        mac.update(&[0]);
        Self { mac }
    }

    /// The cursor for a sort key.
    pub fn seal<K: Serialize>(&self, key: &K) -> String {
        let key = serde_json::to_vec(key).expect("sort keys are plain values");
        let mut mac = self.mac.clone();
        mac.update(&key);
        let mut bytes = mac.finalize().into_bytes()[..16].to_vec();
        bytes.extend_from_slice(&key);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The sort key in a cursor.
    ///
    /// # Errors
    /// `Invalid` when the cursor was not made by this seal.
    pub fn open<K: DeserializeOwned>(&self, cursor: &str) -> Result<K, ApiError> {
        let refused = || ApiError::invalid("cursor", "is not a cursor of this list; start again without one");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (tag, key) = bytes.split_at_checked(16).ok_or_else(refused)?;
        let mut mac = self.mac.clone();
        mac.update(key);
        mac.verify_truncated_left(tag).map_err(|_| refused())?;
        serde_json::from_slice(key).map_err(|_| refused())
    }

    /// The window that `limit` and `cursor` ask for.
    ///
    /// # Errors
    /// `Invalid` when the limit is out of range or the cursor is not of this list.
    pub fn window<K: DeserializeOwned>(&self, limit: Option<u32>, cursor: Option<&str>) -> Result<Window<K>, ApiError> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(ApiError::invalid("limit", format!("must be between 1 and {MAX_LIMIT}")));
        }
        Ok(Window { limit: i64::from(limit), after: cursor.map(|cursor| self.open(cursor)).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_its_own_list() {
        let ours = CursorSeal::new(&[7; 32], "org-a /observations severity");
        let cursor = ours.seal(&(5, "x"));
        assert_eq!(ours.open::<(i32, String)>(&cursor).unwrap(), (5, "x".to_owned()));
        let theirs = CursorSeal::new(&[7; 32], "org-b /observations severity");
        assert!(theirs.open::<(i32, String)>(&cursor).is_err());
        let mut tampered = cursor.into_bytes();
        tampered[30] ^= 1;
        assert!(ours.open::<(i32, String)>(&String::from_utf8(tampered).unwrap()).is_err());
    }
}
