//! What people do with webhooks: set them up, see what comes, choose what it changes.

use std::time::Duration;

use super::intake::Sender;
use super::mapping::StateMapping;
use super::model::{KindSeen, Status, StatusSeen, Webhook, WorkedOff};
use super::repo::{self, DeliveryFilter};
use super::{payload, signature};
use crate::access::audit;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::access::secret_text;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{ConnectionId, DeliveryId};
use crate::base::page::Window;
use crate::base::patch::Patch;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::base::tracker_kind::TrackerKind;
use crate::base::version::IfMatch;
use crate::connections;
use crate::db::conn::Conn;
use crate::keys::Keys;

/// The longest that the secret before is taken, in seconds: a week.
pub const MAX_GRACE_S: u32 = 7 * 24 * 3600;
/// What came of deliveries is kept so long,
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// or so long when they were about nothing of ours,
const KEPT_IDLE: Duration = Duration::from_secs(3 * 24 * 3600);
/// and at most so many of a connection.
const KEPT_MOST: i64 = 10_000;

/// The webhook of a connection, and what came through it.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The webhook.
    pub webhook: Webhook,
    /// Its tracker.
    pub kind: TrackerKind,
    /// The kinds of deliveries that came; none for who is no admin.
    pub kinds: Vec<KindSeen>,
    /// The statuses that tickets were seen in; none for who is no admin.
    pub statuses: Vec<StatusSeen>,
    /// Whether the caller may know what came: it is of all products, and of what nobody has a ticket for.
    pub is_for_admin: bool,
}

/// The webhook of a connection, and what came through it. Nothing is sent.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn overview(conn: &mut Conn, caller: &Caller, id: ConnectionId) -> Result<Overview, ApiError> {
    let connection = connections::service::get(conn, caller, id)?;
    let (organization, is_for_admin) = (caller.organization, caller.permissions.allow(Permission::Administer));
    Ok(Overview {
        webhook: repo::find(conn, organization, id)?.unwrap_or_else(|| Webhook::new(organization, id)),
        kind: connection.kind,
        kinds: if is_for_admin { repo::kinds(conn, organization, id)? } else { Vec::new() },
        statuses: if is_for_admin { repo::statuses(conn, organization, id)? } else { Vec::new() },
        is_for_admin,
    })
}

impl Overview {
    /// The address of the webhook, with what stands for its secret.
    #[must_use]
    pub fn url(&self, public_url: &str, secret: &str) -> String {
        let (sender, connection) = (Sender::from(self.kind), self.webhook.connection_id);
        format!("{public_url}/api/v1/webhooks/{sender}/{connection}/{secret}")
    }

    /// The statuses that tickets were seen in and that lead to no state of issues.
    #[must_use]
    pub fn unmapped_statuses(&self) -> Vec<StatusSeen> {
        let mapping = self.webhook.state_mapping();
        let leads = |seen: &StatusSeen| {
            let status = Status { name: seen.status.clone(), is_done: seen.is_done };
            mapping.as_ref().is_some_and(|mapping| mapping.state_of(&status).is_some())
        };
        self.statuses.iter().filter(|seen| !leads(seen)).cloned().collect()
    }

    /// The kinds of deliveries that the tracker should send.
    #[must_use]
    pub const fn needed_events(&self) -> &'static [&'static str] {
        payload::needed_events(self.kind)
    }
}

/// What a change of a webhook's settings sets.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// Whether deliveries without a signature are refused.
    pub requires_signature: Patch<bool>,
    /// Which statuses of the tracker change the state of issues; none for no changes.
    pub state_mapping: Patch<Option<StateMapping>>,
}

/// Changes the settings of a webhook.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`, `Invalid`.
pub fn change(
    conn: &mut Conn,
    caller: &Caller,
    id: ConnectionId,
    change: &WebhookChange,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Overview, ApiError> {
    caller.require(Permission::Administer)?;
    let before = overview(conn, caller, id)?;
    if_match.check(before.webhook.version)?;
    let state_mapping_json = match &change.state_mapping {
        Patch::Keep => before.webhook.state_mapping_json.clone(),
        Patch::Set(mapping) => mapping.as_ref().map(checked).transpose()?,
    };
    let webhook = Webhook {
        state_mapping_json,
        requires_signature: change.requires_signature.or(before.webhook.requires_signature),
        version: before.webhook.version + 1,
        ..before.webhook.clone()
    };
    save(conn, &webhook, before.webhook.version)?;
    audit::Entry::new("tracker_webhook.changed", "tracker_connection", id.0)
        .change("requires_signature", before.webhook.requires_signature, webhook.requires_signature)
        .change("state_mapping", before.webhook.state_mapping_json.as_deref(), webhook.state_mapping_json.as_deref())
        .record(conn, caller, now)?;
    Ok(Overview { webhook, ..before })
}

fn checked(mapping: &StateMapping) -> Result<String, ApiError> {
    let mut faults = Faults::default();
    mapping.check(&mut faults);
    faults.finish()?;
    Ok(serde_json::to_string(mapping).expect("a mapping is words"))
}

/// Secrets that are shown once.
#[derive(Debug)]
pub struct NewSecrets {
    /// The webhook with them.
    pub overview: Overview,
    /// The one in the address.
    pub secret: Secret<String>,
    /// The one to sign with.
    pub signing: Secret<String>,
}

/// Makes new secrets for a webhook. Those before it are taken for `grace` more.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid` for too long a grace.
pub fn rotate(
    conn: &mut Conn,
    caller: &Caller,
    keys: &Keys,
    id: ConnectionId,
    grace_s: u32,
    now: UtcTime,
) -> Result<NewSecrets, ApiError> {
    caller.require(Permission::Administer)?;
    if grace_s > MAX_GRACE_S {
        return Err(ApiError::invalid("/grace_seconds", format!("must be at most {MAX_GRACE_S}")));
    }
    let overview = overview(conn, caller, id)?;
    let before = overview.webhook.clone();
    let (secret, signing) = (secret_text::new_webhook_secret(), signature::new_secret());
    let webhook = Webhook {
        secret_hash: Some(secret_text::hash(secret.expose())),
        previous_until: before.secret_hash.is_some().then(|| now.plus(Duration::from_secs(grace_s.into()))),
        previous_hash: before.secret_hash,
        signing_sealed: Some(keys.seal_text(&signing, &Webhook::seal_place(id)).into_bytes()),
        previous_signing_sealed: before.signing_sealed,
        secret_made_at: Some(now),
        version: before.version + 1,
        ..overview.webhook.clone()
    };
    save(conn, &webhook, before.version)?;
    audit::Entry::new("tracker_webhook.rotated", "tracker_connection", id.0)
        .secret("secret")
        .record(conn, caller, now)?;
    Ok(NewSecrets { overview: Overview { webhook, ..overview }, secret, signing })
}

fn save(conn: &mut Conn, webhook: &Webhook, read: i64) -> Result<(), ApiError> {
    if repo::save(conn, webhook, read)? { Ok(()) } else { Err(ApiError::PreconditionFailed) }
}

/// What came of the deliveries of a connection, the newest first.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn deliveries(
    conn: &mut Conn,
    caller: &Caller,
    id: ConnectionId,
    filter: &DeliveryFilter,
    window: &Window<DeliveryId>,
) -> Result<Vec<WorkedOff>, ApiError> {
    connections::service::get(conn, caller, id)?;
    Ok(repo::deliveries(conn, caller.organization, id, &caller.products, filter, window)?)
}

/// Forgets what came of old deliveries.
///
/// # Errors
/// A fault of the database.
pub fn sweep(conn: &mut Conn, now: UtcTime) -> Result<(), ApiError> {
    repo::forget(conn, now.minus(KEPT), now.minus(KEPT_IDLE))?;
    for of in repo::all(conn)? {
        repo::keep_newest(conn, of, KEPT_MOST)?;
    }
    Ok(())
}
