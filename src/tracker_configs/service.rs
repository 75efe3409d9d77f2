//! What people do with the config of a product.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::model::{ConfigSettings, TrackerConfig};
use super::{repo, wishes};
use crate::access::audit;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{ConnectionId, ProductId, TrackerConfigId};
use crate::base::patch::Patch;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::base::tracker_kind::TrackerKind;
use crate::base::version::IfMatch;
use crate::connections;
use crate::connections::service::NewConnection;
use crate::db::conn::Conn;
use crate::keys::Keys;
use crate::outbox;
use crate::outbox::model::ProductJobs;
use crate::tickets;

/// The account that a config uses.
#[derive(Debug, Clone)]
pub enum Account {
    /// One that is there.
    Known(ConnectionId),
    /// One to make with the config.
    New(Box<NewConnection>),
}

/// A config as a person wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// See [`TrackerConfig::is_active`].
    pub is_active: bool,
    /// See [`TrackerConfig::is_dry_run`].
    pub is_dry_run: bool,
    /// See [`TrackerConfig::auto_sync`].
    pub auto_sync: bool,
    /// See [`TrackerConfig::push_all`].
    pub push_all: bool,
    /// See [`TrackerConfig::require_verified`].
    pub require_verified: bool,
    /// See [`TrackerConfig::project_key`].
    pub project_key: String,
    /// See [`TrackerConfig::minimum_severity`].
    pub minimum_severity: Severity,
    /// The rest.
    pub settings: ConfigSettings,
}

/// A change of a config.
#[derive(Debug, Clone, Default)]
pub struct WantedChange {
    /// Another account.
    pub connection: Patch<ConnectionId>,
    /// See [`TrackerConfig::is_active`].
    pub is_active: Patch<bool>,
    /// See [`TrackerConfig::is_dry_run`].
    pub is_dry_run: Patch<bool>,
    /// See [`TrackerConfig::auto_sync`].
    pub auto_sync: Patch<bool>,
    /// See [`TrackerConfig::push_all`].
    pub push_all: Patch<bool>,
    /// See [`TrackerConfig::require_verified`].
    pub require_verified: Patch<bool>,
    /// See [`TrackerConfig::project_key`].
    pub project_key: Patch<String>,
    /// See [`TrackerConfig::minimum_severity`].
    pub minimum_severity: Patch<Severity>,
    /// See [`ConfigSettings::labels`].
    pub labels: Patch<Vec<String>>,
    /// See [`ConfigSettings::issue_type`].
    pub issue_type: Patch<Option<String>>,
    /// See [`ConfigSettings::closed_status`].
    pub closed_status: Patch<Option<String>>,
    /// See [`ConfigSettings::confidential`].
    pub confidential: Patch<bool>,
    /// See [`ConfigSettings::push_issues`].
    pub push_issues: Patch<bool>,
}

impl WantedChange {
    fn apply(self, to: Wanted) -> Wanted {
        Wanted {
            is_active: self.is_active.or(to.is_active),
            is_dry_run: self.is_dry_run.or(to.is_dry_run),
            auto_sync: self.auto_sync.or(to.auto_sync),
            push_all: self.push_all.or(to.push_all),
            require_verified: self.require_verified.or(to.require_verified),
            project_key: self.project_key.or(to.project_key),
            minimum_severity: self.minimum_severity.or(to.minimum_severity),
            settings: ConfigSettings {
                labels: self.labels.or(to.settings.labels),
                issue_type: self.issue_type.or(to.settings.issue_type),
                closed_status: self.closed_status.or(to.settings.closed_status),
                confidential: self.confidential.or(to.settings.confidential),
                push_issues: self.push_issues.or(to.settings.push_issues),
            },
        }
    }
}

/// The config of a product.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, product: ProductId) -> Result<TrackerConfig, ApiError> {
    caller.require(Permission::Read)?;
    find(conn, caller, product)?.ok_or_else(|| ApiError::not_found("tracker config of product", product))
}

/// The config of a product with its jobs.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn get_with_jobs(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
) -> Result<(TrackerConfig, ProductJobs), ApiError> {
    let config = get(conn, caller, product)?;
    with_jobs(conn, config)
}

/// A config with its jobs.
///
/// # Errors
/// A fault of the database.
pub fn with_jobs(conn: &mut Conn, config: TrackerConfig) -> Result<(TrackerConfig, ProductJobs), ApiError> {
    let jobs = outbox::repo::jobs_of_product(conn, config.organization_id, config.connection_id, config.product_id)?;
    Ok((config, jobs))
}

/// Makes the config of a product, or replaces it; says whether it is new. What the old one held or had parked runs
/// again, and all tickets that the product has or should have are looked at.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`, `Invalid`, `Conflict` when tickets are in another connection.
pub fn put(
    conn: &mut Conn,
    caller: &Caller,
    keys: &Keys,
    product: ProductId,
    (account, wanted): (Account, Wanted),
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(TrackerConfig, bool), ApiError> {
    caller.require(Permission::Write)?;
    let before = find(conn, caller, product)?;
    match (&before, if_match) {
        (Some(before), if_match) => if_match.check(before.version)?,
        (None, IfMatch::Any) => {}
        (None, IfMatch::OneOf(_)) => return Err(ApiError::PreconditionFailed),
    }
    let connection = match account {
        Account::Known(id) => id,
        Account::New(new) => connections::service::create(conn, caller, keys, *new, now)?.id,
    };
    let is_new = before.is_none();
    let config = store(conn, caller, product, before, (connection, wanted), now)?;
    Ok((config, is_new))
}

/// Changes the config of a product, like [`put`].
///
/// # Errors
/// As for [`put`].
pub fn change(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
    change: WantedChange,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<TrackerConfig, ApiError> {
    caller.require(Permission::Write)?;
    let before = get(conn, caller, product)?;
    if_match.check(before.version)?;
    let connection = change.connection.or(before.connection_id);
    let wanted = change.apply(wanted_of(&before));
    store(conn, caller, product, Some(before), (connection, wanted), now)
}

/// Removes the config of a product that has no tickets.
///
/// # Errors
/// `Forbidden`, `NotFound`, `PreconditionFailed`, `Conflict` when it has tickets.
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    caller.require(Permission::Write)?;
    let config = get(conn, caller, product)?;
    if_match.check(config.version)?;
    if has_tickets(conn, &config)? {
        return Err(ApiError::Conflict("this config has tickets; switch it off with `is_active` instead".to_owned()));
    }
    repo::delete(conn, caller.organization, config.id)?;
    audit::Entry::new("tracker_config.deleted", "tracker_config", config.id.0).record(conn, caller, now)
}

fn find(conn: &mut Conn, caller: &Caller, product: ProductId) -> Result<Option<TrackerConfig>, ApiError> {
    caller.see(product)?;
    if !repo::product_exists(conn, caller.organization, product)? {
        return Err(ApiError::not_found("product", product));
    }
    Ok(repo::of_product(conn, caller.organization, product)?)
}

fn has_tickets(conn: &mut Conn, config: &TrackerConfig) -> Result<bool, ApiError> {
    Ok(tickets::repo::product_has_tickets(conn, config.organization_id, config.connection_id, config.product_id)?)
}

fn store(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
    before: Option<TrackerConfig>,
    (connection, wanted): (ConnectionId, Wanted),
    now: UtcTime,
) -> Result<TrackerConfig, ApiError> {
    let connection = connections::repo::find(conn, caller.organization, connection)?
        .ok_or_else(|| ApiError::invalid("/connection_id", "there is no such tracker connection"))?;
    check(&wanted.project_key, &wanted.settings, connection.kind)?;
    let after = row((product, connection.id), caller, before.as_ref(), &wanted, now);
    match &before {
        None => insert(conn, &after)?,
        Some(before) => replace(conn, before, &after)?,
    }
    log_change(conn, caller, before.as_ref(), &after, now)?;
    outbox::repo::release(conn, caller.organization, after.connection_id, Some(product), now)?;
    wishes::record_product(conn, caller.organization, product, now)?;
    Ok(after)
}

fn log_change(
    conn: &mut Conn,
    caller: &Caller,
    before: Option<&TrackerConfig>,
    after: &TrackerConfig,
    now: UtcTime,
) -> Result<(), ApiError> {
    let action = if before.is_some() { "tracker_config.changed" } else { "tracker_config.created" };
    audit::Entry::new(action, "tracker_config", after.id.0)
        .change("active", before.map(|it| it.is_active), after.is_active)
        .change("dry_run", before.map(|it| it.is_dry_run), after.is_dry_run)
        .change("auto_sync", before.map(|it| it.auto_sync), after.auto_sync)
        .change("push_all", before.map(|it| it.push_all), after.push_all)
        .change("require_verified", before.map(|it| it.require_verified), after.require_verified)
        .change("project_key", before.map(|it| it.project_key.as_str()), after.project_key.as_str())
        .change("minimum_severity", before.map(|it| it.minimum_severity.as_str()), after.minimum_severity.as_str())
        .change("connection_id", before.map(|it| it.connection_id.to_string()), after.connection_id.to_string())
        .record(conn, caller, now)
}

fn insert(conn: &mut Conn, config: &TrackerConfig) -> Result<(), ApiError> {
    repo::insert(conn, config).map_err(|error| match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => ApiError::PreconditionFailed,
        other => other.into(),
    })
}

fn replace(conn: &mut Conn, before: &TrackerConfig, after: &TrackerConfig) -> Result<(), ApiError> {
    if before.connection_id != after.connection_id && has_tickets(conn, before)? {
        let detail = "this config has tickets in its present connection; unlink them before you choose another";
        return Err(ApiError::Conflict(detail.to_owned()));
    }
    if repo::save(conn, after, before.version)? { Ok(()) } else { Err(ApiError::PreconditionFailed) }
}

fn row(
    (product, connection): (ProductId, ConnectionId),
    caller: &Caller,
    before: Option<&TrackerConfig>,
    wanted: &Wanted,
    now: UtcTime,
) -> TrackerConfig {
    TrackerConfig {
        organization_id: caller.organization,
        id: before.map_or_else(TrackerConfigId::generate, |before| before.id),
        product_id: product,
        connection_id: connection,
        is_active: wanted.is_active,
        is_dry_run: wanted.is_dry_run,
        auto_sync: wanted.auto_sync,
        push_all: wanted.push_all,
        require_verified: wanted.require_verified,
        project_key: wanted.project_key.clone(),
        minimum_severity: wanted.minimum_severity,
        settings_json: serde_json::to_string(&wanted.settings).expect("settings are plain values"),
        version: before.map_or(1, |before| before.version + 1),
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: now,
    }
}

fn wanted_of(config: &TrackerConfig) -> Wanted {
    Wanted {
        is_active: config.is_active,
        is_dry_run: config.is_dry_run,
        auto_sync: config.auto_sync,
        push_all: config.push_all,
        require_verified: config.require_verified,
        project_key: config.project_key.clone(),
        minimum_severity: config.minimum_severity,
        settings: config.settings(),
    }
}

/// Names what a tracker of this kind cannot take.
pub(super) fn check(project_key: &str, settings: &ConfigSettings, kind: TrackerKind) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    check_project(project_key, kind, &mut faults);
    check_labels(&settings.labels, kind, &mut faults);
    let is_jira = matches!(kind, TrackerKind::JiraCloud | TrackerKind::JiraDataCenter);
    let is_name = |name: &String| (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    for (value, pointer) in [(&settings.issue_type, "/issue_type"), (&settings.closed_status, "/closed_status")] {
        faults.require(value.as_ref().is_none_or(is_name), pointer, "must be 1 to 100 characters without line breaks");
    }
    let issue_type = settings.issue_type.as_deref();
    match kind {
        TrackerKind::GitHub => {
            faults.require(issue_type.is_none(), "/issue_type", "GitHub has none that can be set here");
        }
        TrackerKind::GitLab => faults.require(
            issue_type.is_none_or(|word| ["issue", "incident"].contains(&word)),
            "/issue_type",
            "must be issue or incident",
        ),
        TrackerKind::JiraCloud | TrackerKind::JiraDataCenter => {
            faults.require(issue_type.is_some(), "/issue_type", "Jira needs one, for example Bug");
        }
    }
    let closed_status = settings.closed_status.is_none() || is_jira;
    faults.require(closed_status, "/closed_status", "only Jira has statuses to choose from");
    let confidential = !settings.confidential || kind == TrackerKind::GitLab;
    faults.require(confidential, "/confidential", "only GitLab has confidential issues");
    faults.finish()
}

fn check_project(key: &str, kind: TrackerKind, faults: &mut Faults) {
    let is_part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let parts = key.split('/').count();
    let (is_valid, expected) = match kind {
        TrackerKind::GitHub => (parts == 2 && key.split('/').all(is_part), "must be owner/repository"),
        TrackerKind::GitLab => {
            let is_id = key.chars().all(|c| c.is_ascii_digit()) && !key.is_empty();
            (is_id || (parts >= 2 && key.split('/').all(is_part)), "must be the id or the full path of the project")
        }
        TrackerKind::JiraCloud | TrackerKind::JiraDataCenter => {
            let is_rest = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            let is_key = key.starts_with(|c: char| c.is_ascii_uppercase()) && key.chars().all(is_rest);
            (is_key, "must be the key of the project, in capitals, for example SEC")
        }
    };
    faults.require(is_valid && key.len() <= 255, "/project_key", expected);
}

fn check_labels(labels: &[String], kind: TrackerKind, faults: &mut Faults) {
    faults.require(labels.len() <= 20, "/labels", "must be at most 20");
    let (most, forbidden) = match kind {
        TrackerKind::GitHub => (50, ","),
        TrackerKind::GitLab => (255, ",?"),
        TrackerKind::JiraCloud | TrackerKind::JiraDataCenter => (255, " ,"),
    };
    for (at, label) in labels.iter().enumerate() {
        let is_valid = !label.trim().is_empty()
            && label.chars().count() <= most
            && !label.contains(|c: char| c.is_control() || forbidden.contains(c));
        faults.require(
            is_valid,
            &format!("/labels/{at}"),
            &format!("must be 1 to {most} characters without line breaks and none of {forbidden:?}"),
        );
        faults.require(!labels[..at].contains(label), &format!("/labels/{at}"), "is there twice");
    }
}
