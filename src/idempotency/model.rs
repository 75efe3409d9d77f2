//! Keys and kept answers.

use std::time::Duration;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::ids::OrganizationId;
use crate::base::time::UtcTime;
use crate::db::schema::idempotency_keys;

/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long a running request holds its key without renewing it: after that its process is taken for dead.
pub const LEASE: Duration = Duration::from_secs(60);

/// What names a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The organization; nil for requests that belong to none.
    pub organization: OrganizationId,
    /// The user or token.
    pub caller: Uuid,
    /// The client's word.
    pub word: String,
}

/// What a request holds: a repeated key must come with the same.
pub type RequestHash = [u8; 32];

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The HTTP status.
    pub status: u16,
    /// Names and values of the headers that matter.
    pub headers: Vec<(String, String)>,
    /// The body. `None`: it held a secret and was not kept.
    pub body: Option<Vec<u8>>,
}

/// What becomes of a request with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It is the first: it runs.
    First,
    /// The same request is running.
    Running,
    /// The key was used for another request.
    Other,
    /// It ran before, and answered this.
    Done(Kept),
}

/// A row.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys, treat_none_as_default_value = false)]
pub(super) struct Row {
    pub organization_id: OrganizationId,
    pub caller_id: Vec<u8>,
    pub idempotency_key: String,
    pub request_hash: Vec<u8>,
    pub status: Option<i32>,
    pub headers_json: Option<String>,
    pub body: Option<Vec<u8>>,
    pub lease_until: UtcTime,
    pub expires_at: UtcTime,
}

impl Row {
    /// A key that is claimed now.
    pub fn claimed(key: &Key, hash: &RequestHash, now: UtcTime) -> Self {
        Self {
            organization_id: key.organization,
            caller_id: key.caller.as_bytes().to_vec(),
            idempotency_key: key.word.clone(),
            request_hash: hash.to_vec(),
            status: None,
            headers_json: None,
            body: None,
            lease_until: now.plus(LEASE),
            expires_at: now.plus(KEPT),
        }
    }

    /// May somebody else claim it?
    pub fn is_free(&self, now: UtcTime) -> bool {
        self.expires_at <= now || (self.status.is_none() && self.lease_until <= now)
    }

    /// What a request that comes with it is told.
    pub fn turn(self, hash: &RequestHash) -> Turn {
        if self.request_hash != hash {
            return Turn::Other;
        }
        let Some(status) = self.status else { return Turn::Running };
        Turn::Done(Kept {
            status: u16::try_from(status).unwrap_or(200),
            headers: self.headers_json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default(),
            body: self.body,
        })
    }
}
