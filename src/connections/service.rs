//! What people do with connections. The address was checked by the egress before (that needs the network).

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use url::Url;

use super::model::Connection;
use super::repo;
use super::settings::Settings;
use crate::access::audit;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::ConnectionId;
use crate::base::page::Window;
use crate::base::patch::Patch;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::base::tracker_kind::TrackerKind;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::egress::client::Egress;
use crate::keys::Keys;
use crate::notifications;
use crate::outbox;
use crate::outbox::model::ConnectionBudget;
use crate::tickets;

/// A connection to be.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// Its name for people.
    pub label: String,
    /// Which tracker.
    pub kind: TrackerKind,
    /// Where it is, as the egress has accepted it.
    pub base_url: Url,
    /// Jira Cloud: the e-mail. Jira Data Center: the user of a password; a token needs none.
    pub username: Option<String>,
    /// The token or password.
    pub credential: Secret<String>,
    /// Whether it is used.
    pub is_enabled: bool,
    /// The rest.
    pub settings: Settings,
}

/// A change of a connection.
#[derive(Debug, Clone, Default)]
pub struct ConnectionChange {
    /// Another name.
    pub label: Patch<String>,
    /// Another address, as the egress has accepted it.
    pub base_url: Patch<Url>,
    /// Another account.
    pub username: Patch<Option<String>>,
    /// Another token or password.
    pub credential: Patch<Secret<String>>,
    /// On or off.
    pub is_enabled: Patch<bool>,
    /// Another label on the tickets.
    pub ticket_label: Patch<String>,
    /// Another rate.
    pub calls_per_minute: Patch<Option<u32>>,
}

/// Makes a connection.
///
/// # Errors
/// `Forbidden`, `Invalid`, `Conflict` when the label is taken.
pub fn create(
    conn: &mut Conn,
    caller: &Caller,
    keys: &Keys,
    new: NewConnection,
    now: UtcTime,
) -> Result<Connection, ApiError> {
    caller.require(Permission::Administer)?;
    let mut connection = Connection {
        organization_id: caller.organization,
        id: ConnectionId::generate(),
        label: new.label.trim().to_owned(),
        kind: new.kind,
        base_url: written(&new.base_url),
        username: new.username,
        secret_sealed: Vec::new(),
        settings_json: store(&new.settings),
        is_enabled: new.is_enabled,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut faults = Faults::default();
    check(&connection, &new.settings, &mut faults);
    check_credential(&new.credential, &mut faults);
    faults.finish()?;
    seal(&mut connection, keys, &new.credential);
    repo::insert(conn, &connection).map_err(|error| taken(error, &connection.label))?;
    let rate = new.settings.rate(new.kind);
    outbox::repo::add_budget(conn, &ConnectionBudget::new(caller.organization, connection.id, rate, now))?;
    audit::Entry::new("tracker_connection.created", "tracker_connection", connection.id.0)
        .set("label", connection.label.as_str())
        .set("base_url", connection.base_url.as_str())
        .record(conn, caller, now)?;
    Ok(connection)
}

/// A connection.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, id: ConnectionId) -> Result<Connection, ApiError> {
    caller.require(Permission::Read)?;
    repo::find(conn, caller.organization, id)?.ok_or_else(|| ApiError::not_found("tracker connection", id))
}

/// Connections by their label.
///
/// # Errors
/// `Forbidden`.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    kinds: &[TrackerKind],
    window: &Window<String>,
) -> Result<Vec<Connection>, ApiError> {
    caller.require(Permission::Read)?;
    Ok(repo::list(conn, caller.organization, kinds, window)?)
}

/// The address of a connection to be, or the usual one of its tracker: checked, also by what its name resolves to.
///
/// # Errors
/// `Forbidden`; `Invalid` at `/base_url`.
pub async fn checked_url(
    egress: &Egress,
    caller: &Caller,
    kind: TrackerKind,
    given: Option<String>,
) -> Result<Url, ApiError> {
    caller.require(Permission::Administer)?;
    let usual = match kind {
        TrackerKind::GitHub => Some("https://github.com"),
        TrackerKind::GitLab => Some("https://gitlab.com"),
        TrackerKind::JiraCloud | TrackerKind::JiraDataCenter => None,
    };
    let text = given.or_else(|| usual.map(str::to_owned));
    let text =
        text.ok_or_else(|| ApiError::invalid("/base_url", "Jira needs one, for example https://acme.atlassian.net"))?;
    egress.check_url(&text).await
}

/// Another address for a connection, checked like [`checked_url`].
///
/// # Errors
/// `Forbidden`; `Invalid` at `/base_url`.
pub async fn checked_change(egress: &Egress, caller: &Caller, given: Patch<String>) -> Result<Patch<Url>, ApiError> {
    caller.require(Permission::Administer)?;
    match given {
        Patch::Keep => Ok(Patch::Keep),
        Patch::Set(text) => egress.check_url(&text).await.map(Patch::Set),
    }
}

/// Changes a connection. What may have mended it (another address, account, credential, switching it on) ends its pause
/// and lets run what waited for it.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`, `Invalid`, `Conflict` when the label is taken.
pub fn change(
    conn: &mut Conn,
    caller: &Caller,
    keys: &Keys,
    id: ConnectionId,
    change: ConnectionChange,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<Connection, ApiError> {
    caller.require(Permission::Administer)?;
    let before = get(conn, caller, id)?;
    if_match.check(before.version)?;
    let mut after = before.clone();
    let settings = apply(&mut after, &change);
    let mut faults = Faults::default();
    check(&after, &settings, &mut faults);
    if let Patch::Set(credential) = &change.credential {
        check_credential(credential, &mut faults);
        seal(&mut after, keys, credential);
    } else {
        check_same_place(&before, &after, &mut faults);
    }
    faults.finish()?;
    (after.version, after.updated_at) = (before.version + 1, now);
    if !repo::save(conn, &after, before.version).map_err(|error| taken(error, &after.label))? {
        return Err(ApiError::PreconditionFailed);
    }
    outbox::repo::set_rate(conn, caller.organization, id, settings.rate(after.kind))?;
    log_change(conn, caller, &before, &after, now)?;
    if may_be_mended(&before, &after) {
        mend(conn, caller, id, now)?;
    }
    Ok(after)
}

/// Removes a connection that nothing uses.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`, `Conflict` when it is in use.
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    id: ConnectionId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    caller.require(Permission::Administer)?;
    let connection = get(conn, caller, id)?;
    if_match.check(connection.version)?;
    if tickets::repo::connection_has_tickets(conn, caller.organization, id)? {
        return Err(ApiError::Conflict("this connection has tickets; switch it off instead".to_owned()));
    }
    repo::delete(conn, caller.organization, id).map_err(|error| match error {
        DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
            ApiError::Conflict("tracker configs use this connection; delete them first or switch it off".to_owned())
        }
        other => ApiError::from(other),
    })?;
    audit::Entry::new("tracker_connection.deleted", "tracker_connection", id.0)
        .change("label", connection.label.as_str(), serde_json::Value::Null)
        .record(conn, caller, now)
}

fn log_change(
    conn: &mut Conn,
    caller: &Caller,
    before: &Connection,
    after: &Connection,
    now: UtcTime,
) -> Result<(), ApiError> {
    let entry = audit::Entry::new("tracker_connection.changed", "tracker_connection", after.id.0)
        .change("label", before.label.as_str(), after.label.as_str())
        .change("base_url", before.base_url.as_str(), after.base_url.as_str())
        .change("username", before.username.as_deref(), after.username.as_deref())
        .change("enabled", before.is_enabled, after.is_enabled);
    let entry = if before.secret_sealed == after.secret_sealed { entry } else { entry.secret("credential") };
    entry.record(conn, caller, now)
}

/// Ends the pause of a connection that works again, and lets run what waited for it.
///
/// # Errors
/// A fault of the database.
pub fn mend(conn: &mut Conn, caller: &Caller, id: ConnectionId, now: UtcTime) -> Result<(), ApiError> {
    let organization = caller.organization;
    outbox::repo::resume(conn, organization, id)?;
    outbox::repo::release(conn, organization, id, None, now)?;
    for cause in [Connection::paused_cause(id), Connection::failing_cause(id)] {
        notifications::repo::resolve(conn, organization, &cause, now)?;
    }
    Ok(())
}

/// The credential of a connection, unsealed.
///
/// # Errors
/// `Internal` when the keys cannot open it: they were lost or changed.
pub fn credential(connection: &Connection, keys: &Keys) -> Result<Secret<String>, ApiError> {
    let sealed = String::from_utf8_lossy(&connection.secret_sealed);
    keys.open_text(&sealed, &connection.seal_place()).map_err(ApiError::internal)
}

fn apply(connection: &mut Connection, change: &ConnectionChange) -> Settings {
    let mut settings = connection.settings();
    if let Patch::Set(label) = &change.label {
        label.trim().clone_into(&mut connection.label);
    }
    if let Patch::Set(url) = &change.base_url {
        connection.base_url = written(url);
    }
    if let Patch::Set(username) = &change.username {
        connection.username.clone_from(username);
    }
    if let Patch::Set(is_enabled) = change.is_enabled {
        connection.is_enabled = is_enabled;
    }
    if let Patch::Set(label) = &change.ticket_label {
        settings.ticket_label.clone_from(label);
    }
    if let Patch::Set(calls) = change.calls_per_minute {
        settings.calls_per_minute = calls;
    }
    connection.settings_json = store(&settings);
    settings
}

fn check(connection: &Connection, settings: &Settings, faults: &mut Faults) {
    let label = &connection.label;
    let is_short = !label.is_empty() && label.chars().count() <= 100 && !label.chars().any(char::is_control);
    faults.require(is_short, "/label", "must be 1 to 100 characters without line breaks");
    let username = connection.username.as_deref();
    let is_name = |name: &str| {
        !name.trim().is_empty() && name.len() <= 255 && !name.contains(|c: char| c.is_control() || c == ':')
    };
    faults.require(username.is_none_or(is_name), "/username", "must be a name of at most 255 bytes without `:`");
    match connection.kind {
        TrackerKind::JiraCloud => {
            faults.require(username.is_some(), "/username", "Jira Cloud needs the e-mail of the API token's account");
        }
        TrackerKind::GitHub | TrackerKind::GitLab => {
            faults.require(username.is_none(), "/username", "GitHub and GitLab need no name beside the token");
        }
        TrackerKind::JiraDataCenter => {}
    }
    settings.check(faults);
}

fn check_credential(credential: &Secret<String>, faults: &mut Faults) {
    let secret = credential.expose();
    let is_sendable = !secret.is_empty() && secret.len() <= 4_096 && secret.chars().all(|c| c.is_ascii_graphic());
    faults.require(is_sendable, "/credential", "must be 1 to 4096 visible ASCII characters");
}

/// Whoever may point a connection elsewhere must not thereby learn its credential.
fn check_same_place(before: &Connection, after: &Connection, faults: &mut Faults) {
    let origin = |connection: &Connection| Url::parse(&connection.base_url).map(|url| url.origin()).ok();
    faults.require(
        origin(before) == origin(after),
        "/credential",
        "must be given again when the address changes to another host",
    );
}

fn may_be_mended(before: &Connection, after: &Connection) -> bool {
    before.base_url != after.base_url
        || before.username != after.username
        || before.secret_sealed != after.secret_sealed
        || (after.is_enabled && !before.is_enabled)
}

fn seal(connection: &mut Connection, keys: &Keys, credential: &Secret<String>) {
    connection.secret_sealed = keys.seal_text(credential, &connection.seal_place()).into_bytes();
}

fn store(settings: &Settings) -> String {
    serde_json::to_string(settings).expect("settings are plain values")
}

fn written(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn taken(error: DieselError, label: &str) -> ApiError {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            ApiError::Conflict(format!("there is a tracker connection {label:?} already"))
        }
        other => other.into(),
    }
}
