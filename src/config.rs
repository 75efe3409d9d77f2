//! Configuration: defaults, a TOML file, the environment and flags become one [`Config`], or all faults at once.
//!
//! This is the only place that reads the environment. What can be set stands in [`variables::VARIABLES`].

use std::fs;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::base::network::{HostRule, Network};
use crate::base::secret::Secret;

pub mod sources;
pub mod value;
pub mod variables;

use sources::{ConfigFault, Merged, Sources};
use value::{Bytes, Issuer, LogFormat, Origin, Value};

/// Everything that an operator can decide, checked. What each one does stands in [`variables::VARIABLES`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// How people and trackers reach this server, without a slash at the end.
    pub public_url: String,
    /// Holds the SQLite database, the keys and spooled uploads.
    pub data_folder: PathBuf,
    /// PostgreSQL; SQLite in the data folder without it.
    pub database_url: Option<Secret<String>>,
    /// Connections for reading.
    pub database_connections: u32,
    /// Where the keys are.
    pub keys_file: PathBuf,
    /// The content of the keys file; replaces it.
    pub keys: Option<Secret<String>>,
    /// The first administrator.
    pub admin_email: String,
    /// The first administrator's password.
    pub admin_password: Option<Secret<String>>,
    /// How long an access token is valid.
    pub access_token_lifetime: Duration,
    /// How long a session can be refreshed.
    pub refresh_token_lifetime: Duration,
    /// Wrong passwords before logins are refused.
    pub login_attempts: u32,
    /// How long wrong passwords are counted and logins then refused.
    pub login_window: Duration,
    /// Requests of one caller per minute; `None` for no limit.
    pub requests_per_minute: Option<u32>,
    /// Origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Issuers of a CI whose tokens trust rules may name.
    pub oidc_issuers: Vec<String>,
    /// The largest report, before and after it is unpacked.
    pub max_upload_bytes: u64,
    /// Uploads larger than this wait on disk.
    pub spool_bytes: u64,
    /// How long an upload waits for its counts.
    pub import_wait: Duration,
    /// Whether this instance carries changes to the trackers.
    pub worker: bool,
    /// Tracker jobs at a time.
    pub worker_jobs: u32,
    /// Trackers and webhooks in private networks that may be called.
    pub private_hosts: Vec<HostRule>,
    /// The longest a call of a tracker or webhook may take.
    pub tracker_timeout: Duration,
    /// Deliveries of webhooks that may wait for an organization while a switch holds them.
    pub held_deliveries: u32,
    /// A separate address for `/metrics`.
    pub metrics_listen: Option<SocketAddr>,
    /// The bearer token for `/metrics`.
    pub metrics_token: Option<Secret<String>>,
    /// What is logged.
    pub log_level: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// How long a stopping server finishes what is in flight.
    pub shutdown: Duration,
    /// The name of this instance in leases and logs.
    pub node_id: String,
    /// Every variable as it was given, for `patchbay config`.
    pub effective: Vec<Effective>,
}

/// One variable as it was given, safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Its key.
    pub key: &'static str,
    /// Its value, masked if it is a secret.
    pub value: String,
    /// `default`, or the place that set it.
    pub origin: String,
}

impl Config {
    /// The configuration of this process: its environment, the file that is named, and flags by key.
    ///
    /// # Errors
    /// All faults.
    pub fn of_process(file: Option<String>, flags: Vec<(String, String)>) -> Result<Self, Vec<ConfigFault>> {
        // A variable that is not Unicode is not one of ours.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::read(&Sources { file, environment: environment.collect(), flags })
    }

    /// The configuration that the sources describe.
    ///
    /// # Errors
    /// All faults.
    pub fn read(sources: &Sources) -> Result<Self, Vec<ConfigFault>> {
        let mut read = Reader(sources.merge());
        let config = read.config();
        read.check(&config);
        if read.0.faults.is_empty() { Ok(config) } else { Err(read.0.faults) }
    }

    /// What `patchbay config` prints: every variable, secrets masked, with where it came from.
    #[must_use]
    pub fn print(&self) -> String {
        let width = self.effective.iter().map(|one| one.key.len()).max().unwrap_or(0);
        let lines = self.effective.iter().map(|one| {
            let assignment = format!("{:width$} = {:?}", one.key, one.value);
            format!("{assignment:60} # {}\n", one.origin)
        });
        lines.collect()
    }
}

/// Turns texts into values and remembers what went wrong.
struct Reader(Merged);

impl Reader {
    fn config(&mut self) -> Config {
        let listen: SocketAddr = self.value("listen");
        let data_folder: PathBuf = self.value("data_folder");
        let per_minute: u32 = self.value("requests_per_minute");
        Config {
            listen,
            public_url: self.public_url(listen),
            database_url: self.value("database_url"),
            database_connections: self.within("database_connections", 1..=64),
            keys_file: self.value::<Option<PathBuf>>("keys_file").unwrap_or_else(|| data_folder.join("keys.json")),
            keys: self.value("keys"),
            data_folder,
            admin_email: self.value("admin_email"),
            admin_password: self.value("admin_password"),
            access_token_lifetime: self.at_least_a_second("access_token_seconds"),
            refresh_token_lifetime: self.at_least_a_second("refresh_token_seconds"),
            login_attempts: self.within("login_attempts", 1..=100_000),
            login_window: self.at_least_a_second("login_window_seconds"),
            requests_per_minute: (per_minute > 0).then_some(per_minute),
            cors_origins: self.value::<Vec<Origin>>("cors_origins").into_iter().map(|origin| origin.0).collect(),
            trusted_proxies: self.value("trusted_proxies"),
            oidc_issuers: self.value::<Vec<Issuer>>("oidc_issuers").into_iter().map(|issuer| issuer.0).collect(),
            max_upload_bytes: self.value::<Bytes>("max_upload_bytes").0,
            spool_bytes: self.value::<Bytes>("spool_bytes").0,
            import_wait: self.value("import_wait_seconds"),
            worker: self.value("worker"),
            worker_jobs: self.within("worker_jobs", 1..=256),
            private_hosts: self.value("private_hosts"),
            tracker_timeout: self.at_least_a_second("tracker_timeout_seconds"),
            held_deliveries: self.within("held_deliveries", 1..=1_000_000),
            metrics_listen: self.value("metrics_listen"),
            metrics_token: self.value("metrics_token"),
            log_level: self.value("log_level"),
            log_format: self.value("log_format"),
            shutdown: self.value("shutdown_seconds"),
            node_id: self.value::<Option<String>>("node_id").unwrap_or_else(made_up_node_id),
            effective: self.effective(),
        }
    }

    /// What one value alone cannot show.
    fn check(&mut self, config: &Config) {
        let url = config.database_url.as_ref().map_or("postgres://", |url| url.expose());
        let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        self.require(
            is_postgres,
            "database_url",
            "must begin with postgres:// or postgresql://; for SQLite leave it out",
        );
        self.require(config.admin_email.contains('@'), "admin_email", "must be an e-mail address");
        let password = config.admin_password.as_ref().map(|password| password.expose().chars().count());
        self.require(password.is_none_or(|length| length >= 12), "admin_password", "must have at least 12 characters");
        let longer = config.refresh_token_lifetime >= config.access_token_lifetime;
        self.require(longer, "refresh_token_seconds", "must not be shorter than access_token_seconds");
        self.require(config.max_upload_bytes > 0, "max_upload_bytes", "must be more than nothing");
        let fits = config.spool_bytes <= config.max_upload_bytes;
        self.require(fits, "spool_bytes", "must not be more than max_upload_bytes");
        let filter = config.log_level.parse::<tracing_subscriber::EnvFilter>();
        self.require(filter.is_ok(), "log_level", "must be a level like info, or a filter like info,patchbay=debug");
    }

    fn require(&mut self, holds: bool, key: &'static str, detail: &str) {
        if !holds {
            let place = self.place(key);
            self.0.faults.push(ConfigFault::new(place, detail));
        }
    }

    fn place(&self, key: &str) -> String {
        let given = &self.0.values[key];
        if given.origin == "default" { key.to_owned() } else { given.origin.clone() }
    }

    fn value<T: Value>(&mut self, key: &'static str) -> T {
        match T::read(&self.0.values[key].text) {
            Ok(value) => value,
            Err(detail) => {
                self.0.faults.push(ConfigFault::new(self.place(key), detail));
                let default = variables::find(key).map_or("", |variable| variable.default);
                T::read(default).expect("a test reads every default")
            }
        }
    }

    fn within(&mut self, key: &'static str, range: RangeInclusive<u32>) -> u32 {
        let value: u32 = self.value(key);
        let detail = format!("must be {} to {}", range.start(), range.end());
        self.require(range.contains(&value), key, &detail);
        value
    }

    fn at_least_a_second(&mut self, key: &'static str) -> Duration {
        let value: Duration = self.value(key);
        self.require(!value.is_zero(), key, "must be at least 1");
        value
    }

    fn public_url(&mut self, listen: SocketAddr) -> String {
        let given = self.value::<Option<Url>>("public_url").map(String::from);
        given.unwrap_or_else(|| format!("http://{listen}")).trim_end_matches('/').to_owned()
    }

    fn effective(&self) -> Vec<Effective> {
        let each = variables::VARIABLES.iter().map(|variable| {
            let given = &self.0.values[variable.key];
            Effective { key: variable.key, value: variable.mask(&given.text), origin: given.origin.clone() }
        });
        each.collect()
    }
}

/// The host's name tells people where, the random part keeps two processes of one host apart.
fn made_up_node_id() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "node" } else { host.trim() };
    format!("{host}-{:08x}", rand::random::<u32>())
}
