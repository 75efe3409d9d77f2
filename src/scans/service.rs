//! The use cases of scans: post a file, look at what it made.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use super::import::{self, LEASE};
use super::model::{Scan, ScanCounts, Upload, UploadSettings, UploadState};
use super::prepare::{Prepared, Target};
use super::repo::{self, ScanFilter};
use super::write::Order;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::app::App;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{OrganizationId, ScanId, UploadId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::products::target::{self, Wanted};
use crate::reports::decode::Source;
use crate::reports::parsers;

/// A received file, and what is asked for with it.
#[derive(Debug)]
pub struct Submission {
    /// What it is for.
    pub wanted: Wanted,
    /// What is asked for.
    pub settings: UploadSettings,
    /// The file.
    pub file: Source,
    /// Its size as received.
    pub size_bytes: u64,
    /// SHA-256 of it as received.
    pub file_hash: [u8; 32],
}

/// An import that runs.
pub struct Running {
    /// The upload to look at.
    pub upload: UploadId,
    /// Ends with the import. Dropping it leaves the import alone.
    pub task: JoinHandle<Result<(), ApiError>>,
    organization: OrganizationId,
}

impl Running {
    /// Waits for the end of the import, and looks what has become of it.
    ///
    /// # Errors
    /// Why the import failed.
    pub async fn ends_within(self, app: &App, wait: Duration) -> Result<Waited, ApiError> {
        let (organization, upload) = (self.organization, self.upload);
        let is_done = match tokio::time::timeout(wait, self.task).await {
            Ok(ended) => ended.map_err(ApiError::internal)?.map(|()| true)?,
            Err(_still_running) => false,
        };
        let (upload, scans) = app.db.read(move |conn| find_upload(conn, organization, upload)).await?;
        Ok(Waited { upload, scans, is_done })
    }
}

/// An import as it stands after the wait for it.
pub struct Waited {
    /// The upload.
    pub upload: Upload,
    /// Its scans, once they are done.
    pub scans: Vec<Scan>,
    /// Whether it is over.
    pub is_done: bool,
}

impl Waited {
    /// What all scans did to the observations.
    #[must_use]
    pub fn counts(&self) -> ScanCounts {
        self.scans.iter().map(|scan| scan.counts).sum()
    }
}

/// Takes a file: its upload is stored, its import runs on.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid` for what is wrong with the request; what is wrong with the file, the task says.
pub async fn submit(app: &App, caller: Caller, submission: Submission, now: UtcTime) -> Result<Running, ApiError> {
    caller.require(Permission::Upload)?;
    check(&submission.settings)?;
    let organization = caller.organization;
    let Submission { wanted, settings, file, size_bytes, file_hash } = submission;
    let order = app
        .db
        .write_again(move |conn| {
            let target = target_of(target::resolve(conn, &caller, &wanted, now)?);
            import::hold(conn, &target)?;
            let report_hash = hash(&file_hash, &settings, &target);
            let order = Order {
                upload: UploadId::generate(),
                settings: settings.clone(),
                report_hash,
                format: "",
                received_at: now,
                received: Instant::now(),
                target,
            };
            repo::insert_upload(conn, &begun(&order, &caller, size_bytes, now)?)?;
            Ok(order)
        })
        .await?;
    let (upload, app) = (order.upload, app.clone());
    let task = tokio::spawn(async move { import::run(&app, order, file).await });
    Ok(Running { upload, task, organization })
}

/// What a file would count, without keeping anything.
///
/// # Errors
/// As for [`submit`], and what is wrong with the file.
pub async fn preview(
    app: &App,
    caller: Caller,
    submission: Submission,
    now: UtcTime,
) -> Result<Vec<(Prepared, ScanCounts)>, ApiError> {
    caller.require(Permission::Upload)?;
    check(&submission.settings)?;
    let Submission { wanted, settings, file, .. } = submission;
    let target = app.db.read(move |conn| target::plan(conn, &caller, &wanted, now).map(target_of)).await?;
    let order = Order {
        upload: UploadId::generate(),
        settings,
        report_hash: Vec::new(),
        format: "",
        received_at: now,
        received: Instant::now(),
        target,
    };
    import::dry_run(app, order, file).await
}

fn target_of(found: target::Target) -> Target {
    Target {
        organization: found.product.organization_id,
        product: found.product.id,
        product_name: found.product.name,
        branch: found.branch.id,
        engagement: found.engagement.map(|engagement| engagement.id),
    }
}

/// Whether what is asked for can be done.
///
/// # Errors
/// `Invalid` with all faults.
pub fn check(settings: &UploadSettings) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    let texts = [
        ("tool", &settings.tool, 200),
        ("name", &settings.name, 500),
        ("asset", &settings.asset, 500),
        ("commit", &settings.commit, 200),
        ("environment", &settings.environment, 200),
    ];
    for (field, text, most) in texts {
        if let Some(text) = text {
            let fits = !text.trim().is_empty() && text.chars().count() <= most && !text.contains(char::is_control);
            faults.require(fits, field, &format!("must be 1 to {most} characters in one line"));
        }
    }
    if let Some(Err(unknown)) = settings.format.as_deref().map(parsers::by_name) {
        faults.add("format", unknown.to_string());
    }
    faults.finish()
}

/// The same file for the same place with the same wishes, read by the same release, makes the same scans.
fn hash(file_hash: &[u8; 32], settings: &UploadSettings, target: &Target) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(env!("CARGO_PKG_VERSION"));
    hasher.update(file_hash);
    hasher.update(target.branch.0);
    hasher.update(target.engagement.map(|id| id.0).unwrap_or_default());
    // Commit and environment do not change what a scan means.
    let meaning = UploadSettings { commit: None, environment: None, ..settings.clone() };
    hasher.update(serde_json::to_vec(&meaning).unwrap_or_default());
    hasher.finalize().to_vec()
}

fn begun(order: &Order, caller: &Caller, size_bytes: u64, now: UtcTime) -> Result<Upload, ApiError> {
    Ok(Upload {
        organization_id: order.target.organization,
        id: order.upload,
        product_id: order.target.product,
        state: UploadState::Running,
        format: None,
        settings_json: serde_json::to_string(&order.settings).map_err(ApiError::internal)?,
        report_hash: Some(order.report_hash.clone()),
        size_bytes: i64::try_from(size_bytes).unwrap_or(i64::MAX),
        faults_json: None,
        created_by_kind: caller.actor.kind(),
        created_by: caller.actor.id(),
        created_at: now,
        finished_at: None,
        lease_until: Some(now.plus(LEASE)),
    })
}

/// An upload that the caller has just made, and its scans.
///
/// # Errors
/// `NotFound` when there is none with this id.
pub fn find_upload(
    conn: &mut Conn,
    organization: OrganizationId,
    id: UploadId,
) -> Result<(Upload, Vec<Scan>), ApiError> {
    let found = repo::find_upload(conn, organization, id)?.ok_or_else(|| ApiError::not_found("upload", id))?;
    Ok((found, repo::scans_of_upload(conn, organization, id)?))
}

/// An upload and its scans.
///
/// # Errors
/// `Forbidden`; `NotFound` when there is none with this id, or its product is hidden.
pub fn get_upload(conn: &mut Conn, caller: &Caller, id: UploadId) -> Result<(Upload, Vec<Scan>), ApiError> {
    require_reading(caller)?;
    let (upload, scans) = find_upload(conn, caller.organization, id)?;
    if !caller.products.allows(upload.product_id) {
        return Err(ApiError::not_found("upload", id));
    }
    Ok((upload, scans))
}

/// A scan.
///
/// # Errors
/// `Forbidden`; `NotFound` when there is none with this id, or its product is hidden.
pub fn get(conn: &mut Conn, caller: &Caller, id: ScanId) -> Result<Scan, ApiError> {
    require_reading(caller)?;
    let found = repo::find_scan(conn, caller.organization, id)?;
    found.filter(|scan| caller.products.allows(scan.product_id)).ok_or_else(|| ApiError::not_found("scan", id))
}

/// Scans, newest first, and how many there are in all where that is asked for.
///
/// # Errors
/// `Forbidden`.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    filter: &ScanFilter,
    window: &Window<ScanId>,
    with_total: bool,
) -> Result<(Vec<Scan>, Option<i64>), ApiError> {
    require_reading(caller)?;
    let scans = repo::list_scans(conn, caller.organization, &caller.products, filter, window)?;
    let total =
        if with_total { Some(repo::count_scans(conn, caller.organization, &caller.products, filter)?) } else { None };
    Ok((scans, total))
}

/// Who may upload may read what became of it.
fn require_reading(caller: &Caller) -> Result<(), ApiError> {
    caller.require(Permission::Upload).or_else(|_| caller.require(Permission::Read))
}
