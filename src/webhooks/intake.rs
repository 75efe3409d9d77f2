//! Taking a delivery in: is it from the tracker, and is it stored? What it means is found out later.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::model::Webhook;
use super::repo::{self, Receiving};
use super::signature::{Signatures, Verdict};
use crate::access::secret_text;
use crate::base::error::ApiError;
use crate::base::ids::{ConnectionId, DeliveryId};
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::base::tracker_kind::TrackerKind;
use crate::db::conn::Conn;
use crate::db::pool::Db;
use crate::inbox;
use crate::inbox::model::Delivery;
use crate::inbox::store::Inbox;
use crate::keys::Keys;
use crate::text_enum;

/// The largest delivery: the texts of the largest issue of any tracker, before and after a change, and its comments.
pub const MAX_BYTES: usize = 8 << 20;
const SHA256_BYTES: usize = 32;
/// When a tracker may try again what did not fit behind a switch, in seconds.
const HELD_AGAIN_S: u64 = 300;

text_enum! {
    /// The trackers that send webhooks, as their addresses name them.
    Sender {
        /// Jira in both editions.
        Jira = "jira",
        /// GitHub.
        GitHub = "github",
        /// GitLab.
        GitLab = "gitlab",
    }
}

impl From<TrackerKind> for Sender {
    fn from(kind: TrackerKind) -> Self {
        match kind {
            TrackerKind::GitHub => Self::GitHub,
            TrackerKind::GitLab => Self::GitLab,
            TrackerKind::JiraCloud | TrackerKind::JiraDataCenter => Self::Jira,
        }
    }
}

/// A webhook whose secret somebody knows.
#[derive(Debug, Clone)]
pub struct Known(Receiving);

/// What a delivery brings along.
#[derive(Debug, Clone, Copy)]
pub struct Brought<'a> {
    /// What its header says of its kind; empty where the body says it.
    pub event: &'a str,
    /// By which the tracker knows it again; empty where it does not say.
    pub id: &'a str,
    /// Its signatures.
    pub signatures: Signatures<'a>,
    /// Its bytes as they came, which are signed.
    pub raw: &'a [u8],
    /// The JSON in them.
    pub body: &'a [u8],
}

/// The webhook at an address. One that is not there and one whose secret is not this are the same to whoever asks.
///
/// # Errors
/// `NotFound`.
pub fn find(
    conn: &mut Conn,
    sender: &str,
    connection: &str,
    secret: &Secret<String>,
    now: UtcTime,
) -> Result<Known, ApiError> {
    let missing = || ApiError::not_found("webhook", "here");
    let connection: ConnectionId = connection.parse().map_err(|_| missing())?;
    let found = repo::of_connection(conn, connection)?.ok_or_else(missing)?;
    let (webhook, kind) = (&found.webhook, found.kind);
    let hash = secret_text::hash(secret.expose());
    let is = |known: &Option<Vec<u8>>| known.as_ref().is_some_and(|known| known.ct_eq(&hash).into());
    let is_previous = webhook.previous_until.is_some_and(|until| now < until) && is(&webhook.previous_hash);
    if Sender::from(kind).as_str() != sender || !(is(&webhook.secret_hash) || is_previous) {
        return Err(missing());
    }
    Ok(Known(found))
}

impl Known {
    /// Refuses a delivery while a switch holds what comes and `most` of its organization wait already.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn require_room(&self, db: &Db, inbox: &Inbox, most: u32) -> Result<(), ApiError> {
        if !self.0.is_held() {
            return Ok(());
        }
        let organization = self.0.webhook.organization_id;
        let connections = db.read(move |conn| repo::connections_of(conn, organization)).await?;
        if !inbox.read(move |conn| inbox::repo::is_full(conn, &connections, most.into())).await? {
            return Ok(());
        }
        let detail = format!("{most} deliveries wait for trackers that are switched off, and no more are kept");
        Err(ApiError::Unavailable { detail, retry_after_s: HELD_AGAIN_S })
    }

    /// A delivery that may be taken in.
    ///
    /// # Errors
    /// `Unauthenticated` for a wrong signature, or a missing one where one is required.
    pub fn accept(&self, keys: &Keys, brought: &Brought<'_>, now: UtcTime) -> Result<Delivery, ApiError> {
        let webhook = &self.0.webhook;
        let verdict = brought.signatures.verify(self.0.kind, brought.raw, &self.secrets(keys, now), now);
        match verdict {
            Verdict::Wrong => return Err(ApiError::Unauthenticated("the signature of the delivery is wrong")),
            Verdict::Unsigned if webhook.requires_signature => {
                return Err(ApiError::Unauthenticated("deliveries of this webhook must be signed"));
            }
            Verdict::Unsigned | Verdict::Right => {}
        }
        Ok(Delivery {
            id: DeliveryId::generate(),
            organization_id: webhook.organization_id,
            connection_id: webhook.connection_id,
            delivery_key: key_of(brought),
            event: brought.event.chars().take(100).collect(),
            is_signed: verdict == Verdict::Right,
            body: brought.body.to_vec(),
            received_at: now,
            due_at: now,
        })
    }

    /// What deliveries may be signed with: the present secret, and while it is taken the one before.
    fn secrets(&self, keys: &Keys, now: UtcTime) -> Vec<Secret<String>> {
        let webhook = &self.0.webhook;
        let is_grace = webhook.previous_until.is_some_and(|until| now < until);
        let previous = webhook.previous_signing_sealed.as_ref().filter(|_| is_grace);
        let place = Webhook::seal_place(webhook.connection_id);
        let open = |sealed: &Vec<u8>| match keys.open_text(&String::from_utf8_lossy(sealed), &place) {
            Ok(secret) => Some(secret),
            Err(cause) => {
                tracing::error!(connection = %webhook.connection_id, %cause, "cannot check signatures");
                None
            }
        };
        webhook.signing_sealed.iter().chain(previous).filter_map(open).collect()
    }
}

/// The same for a delivery that comes again: what it says and what the tracker calls it.
fn key_of(brought: &Brought<'_>) -> String {
    let mut hasher = Sha256::new();
    for part in [brought.id.as_bytes(), brought.event.as_bytes(), brought.body] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let hash: [u8; SHA256_BYTES] = hasher.finalize().into();
    hex::encode(&hash[..SHA256_BYTES / 2])
}
