//! The one table of what can be configured: name, unit, default, meaning.
//!
//! `--help`, `patchbay config`, the table in the README and the names in the environment and the file all come from
//! here. An empty default means "not set".

use std::fmt::Write as _;

/// The prefix of every variable in the environment.
pub const PREFIX: &str = "PATCHBAY_";

/// One thing that can be configured.
#[derive(Debug)]
pub struct Variable {
    /// Its key in the file. In the environment it is in capitals behind `PATCHBAY_`, as a flag it has dashes.
    pub key: &'static str,
    /// What a value looks like, with its unit.
    pub unit: &'static str,
    /// The value if nobody gives one; empty for none.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
    /// How much of its value may be shown.
    pub shown: Shown,
}

/// How much of a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// All of it.
    Whole,
    /// All but the password in the URL.
    WithoutPassword,
    /// That there is one.
    Masked,
}

impl Variable {
    /// Its name in the environment: `PATCHBAY_LISTEN`.
    #[must_use]
    pub fn environment_name(&self) -> String {
        format!("{PREFIX}{}", self.key.to_uppercase())
    }

    /// Its flag: `data-folder`, without the dashes in front.
    #[must_use]
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// `value` as `patchbay config` prints it.
    #[must_use]
    pub fn mask(&self, value: &str) -> String {
        match self.shown {
            _ if value.is_empty() => String::new(),
            Shown::Whole => value.to_owned(),
            Shown::Masked => "•••".to_owned(),
            Shown::WithoutPassword => without_password(value),
        }
    }
}

fn without_password(url: &str) -> String {
    let Ok(mut parsed) = url::Url::parse(url) else { return "•••".to_owned() };
    if parsed.password().is_some() && parsed.set_password(Some("***")).is_err() {
        return "•••".to_owned();
    }
    // libpq also takes the password as a parameter of the query.
    if parsed.query().is_some() {
        parsed.set_query(Some("***"));
    }
    parsed.to_string()
}

/// The variable with that key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.key == key)
}

/// The table of the README, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from("| environment | default | unit | what it does |\n|---|---|---|---|\n");
    for variable in VARIABLES {
        let default = if variable.default.is_empty() { String::new() } else { format!("`{}`", variable.default) };
        let name = variable.environment_name();
        writeln!(text, "| `{name}` | {default} | {} | {} |", variable.unit, variable.help)
            .expect("a String takes every write");
    }
    text
}

const fn plain(key: &'static str, unit: &'static str, default: &'static str, help: &'static str) -> Variable {
    Variable { key, unit, default, help, shown: Shown::Whole }
}

const fn secret(key: &'static str, unit: &'static str, help: &'static str) -> Variable {
    Variable { key, unit, default: "", help, shown: Shown::Masked }
}

/// Everything that can be configured, in the order of the documents.
pub const VARIABLES: &[Variable] = &[
    plain("listen", "address:port", "127.0.0.1:8080", "Where the API listens."),
    plain(
        "public_url",
        "URL",
        "",
        "How people and trackers reach this server; used in links. Without it: `http://` and the listen address.",
    ),
    plain("data_folder", "path", "./data", "Holds the SQLite database, the keys and spooled uploads."),
    Variable {
        key: "database_url",
        unit: "URL",
        default: "",
        help: "`postgres://user:password@host/database`. Without it: SQLite in the data folder.",
        shown: Shown::WithoutPassword,
    },
    plain("database_connections", "connections", "4", "Connections for reading, 1 to 64. More than four seldom helps."),
    plain(
        "keys_file",
        "path",
        "",
        "Where the keys are. Without it: `keys.json` in the data folder. Instances on one PostgreSQL share one file.",
    ),
    secret("keys", "JSON", "The content of the keys file, for machines without a shared disk. Replaces the file."),
    plain(
        "admin_email",
        "e-mail address",
        "admin@localhost",
        "Who the first administrator is. Used at the first start only.",
    ),
    secret("admin_password", "text", "The first administrator's password. Without it one is made up and printed once."),
    plain("access_token_seconds", "seconds", "900", "How long an access token of a session is valid."),
    plain("refresh_token_seconds", "seconds", "2592000", "How long a session can be refreshed without a new login."),
    plain(
        "login_attempts",
        "attempts",
        "10",
        "Wrong passwords for one account from one address before logins are refused for a while; five times as many for one account from unknown addresses, ten times for one address.",
    ),
    plain(
        "login_window_seconds",
        "seconds",
        "900",
        "How long wrong passwords are counted, and how long logins are then refused.",
    ),
    plain(
        "requests_per_minute",
        "requests",
        "3000",
        "Requests a caller may make per minute before 429; 0 for no limit.",
    ),
    plain(
        "cors_origins",
        "origins, by comma",
        "",
        "Web pages of these origins may call the API, e.g. `https://security.example.com`.",
    ),
    plain(
        "trusted_proxies",
        "networks, by comma",
        "",
        "Proxies whose `X-Forwarded-For` is believed, e.g. `10.0.0.0/8`.",
    ),
    plain(
        "max_upload_bytes",
        "bytes, or with KiB, MiB, GiB",
        "256MiB",
        "The largest report, before and after it is unpacked.",
    ),
    plain(
        "oidc_issuers",
        "URLs, by comma",
        "https://token.actions.githubusercontent.com, https://gitlab.com",
        "CIs whose tokens trust rules of products may admit; add your own GitLab or GitHub Enterprise Server here, and to `private_hosts` if it is in a private network.",
    ),
    plain(
        "spool_bytes",
        "bytes, or with KiB, MiB, GiB",
        "1MiB",
        "Uploads larger than this wait on disk, not in memory.",
    ),
    plain(
        "import_wait_seconds",
        "seconds",
        "30",
        "How long an upload waits for its counts before it is answered 202. A request may ask for another `wait`.",
    ),
    plain(
        "worker",
        "true or false",
        "true",
        "Whether this instance carries changes to the trackers. At least one instance must.",
    ),
    plain("worker_jobs", "jobs", "8", "Tracker jobs at a time in this instance, 1 to 256."),
    plain(
        "private_hosts",
        "hosts and networks, by comma",
        "",
        "Trackers and webhooks in private networks that may be called, e.g. `gitlab.example.lan, 10.1.0.0/16`.",
    ),
    plain("tracker_timeout_seconds", "seconds", "30", "The longest a call of a tracker or webhook may take."),
    plain(
        "held_deliveries",
        "deliveries",
        "10000",
        "Deliveries of webhooks that wait for an organization while its trackers are switched off, 1 to 1000000. More are answered 503.",
    ),
    plain(
        "metrics_listen",
        "address:port",
        "",
        "A separate address for `/metrics`, without a token. Without it `/metrics` is on the API's address.",
    ),
    secret(
        "metrics_token",
        "text",
        "The bearer token for `/metrics`. Without it `/metrics` answers callers on this machine only.",
    ),
    plain(
        "log_level",
        "level or filter",
        "info,actix_server=warn",
        "`error`, `warn`, `info`, `debug`, `trace`, or a filter like `info,patchbay::trackers=debug`.",
    ),
    plain("log_format", "auto, human or json", "auto", "`auto` is human on a terminal, JSON otherwise."),
    plain(
        "shutdown_seconds",
        "seconds",
        "25",
        "How long a stopping server finishes what is in flight before it hands it back.",
    ),
    plain(
        "node_id",
        "text",
        "",
        "The name of this instance in leases and logs. Without it: the host's name and a random part.",
    ),
];
