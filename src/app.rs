//! What both doors are handed.

use std::fs::DirBuilder;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::base::error::ApiError;
use crate::base::lanes::Lanes;
use crate::base::progress::Progress;
use crate::base::rate::{RateLimiter, Whose};
use crate::base::stop::Stop;
use crate::base::time::Clock;
use crate::config::Config;
use crate::db::pool::{Db, DbError, Target};
use crate::egress::client::{Egress, Limits, SystemLookup};
use crate::egress::policy::Policy;
use crate::events::feed::Feed;
use crate::inbox::store::Inbox;
use crate::keys::{Keys, KeysError};
use crate::oidc::keys::Issuers;

/// Imports that run at a time: each holds a whole report in memory.
const IMPORTS: usize = 4;
const MINUTE: Duration = Duration::from_secs(60);

/// The application: the database and the clock, what the operator set, and the server's keys.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// Deliveries of webhooks that nobody has worked off yet.
    pub inbox: Inbox,
    /// What changes, for those who watch.
    pub events: Feed,
    /// Where the doors read the time; rooms below are told it.
    pub clock: Clock,
    /// What the operator set.
    pub config: Arc<Config>,
    /// The server's own keys.
    pub keys: Arc<Keys>,
    /// The way out to trackers.
    pub egress: Egress,
    /// Wakes the worker: there is something to carry to the trackers.
    pub work: Arc<Notify>,
    /// Imports: one at a time per product and branch.
    pub imports: Lanes,
    /// How far they are.
    pub progress: Progress,
    /// Counts requests, where they are limited: each instance its own.
    pub limiter: Option<Arc<RateLimiter<Whose>>>,
    /// The issuers of a CI that are trusted, and their keys.
    pub issuers: Arc<Issuers>,
    /// Says when the server stops, and is told what it should wait for.
    pub stop: Stop,
}

/// Why the application cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The database cannot be used.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The data folder cannot be made.
    #[error("cannot make the data folder: {0}")]
    Folder(#[from] io::Error),
    /// Outgoing connections cannot be made.
    #[error("outgoing connections cannot be made: {0}")]
    Egress(ApiError),
}

impl App {
    /// Opens the database (made or migrated if need be) and the keys (made if there are none).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(config: Config, clock: Clock) -> Result<Self, OpenError> {
        make_data_folder(&config)?;
        let keys = match &config.keys {
            Some(text) => Keys::parse(text.expose())?,
            None => Keys::read_or_create(&config.keys_file)?,
        };
        let limits = Limits { total_timeout: config.tracker_timeout, ..Limits::default() };
        let policy = Policy::new(config.private_hosts.clone());
        let egress = Egress::with(policy, limits, Arc::new(SystemLookup)).map_err(OpenError::Egress)?;
        let db = Db::open(target(&config), config.database_connections)?;
        let inbox = Inbox::open(&db)?;
        let events = Feed::new(db.clone(), clock.reader());
        let limiter = config.requests_per_minute.map(|limit| Arc::new(RateLimiter::new(limit, MINUTE)));
        let issuers = Arc::new(Issuers::new(config.oidc_issuers.clone()));
        Ok(Self {
            db,
            inbox,
            events,
            issuers,
            clock,
            config: Arc::new(config),
            keys: Arc::new(keys),
            egress,
            work: Arc::default(),
            imports: Lanes::new(IMPORTS),
            progress: Progress::default(),
            limiter,
            stop: Stop::default(),
        })
    }
}

/// Makes the data folder, closed to others, if it is not there.
///
/// # Errors
/// When it may not be made.
pub fn make_data_folder(config: &Config) -> io::Result<()> {
    let mut folder = DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(&config.data_folder)
}

/// The database that the configuration names.
#[must_use]
pub fn target(config: &Config) -> Target {
    match &config.database_url {
        Some(url) => Target::Postgres { url: url.clone() },
        None => Target::Sqlite { path: config.data_folder.join("patchbay.db") },
    }
}
