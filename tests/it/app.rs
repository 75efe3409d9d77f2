//! `TestApp`: the real server on a real socket, with a database of its own.
//!
//! A test that proves something of the API is an `async fn(TestApp)`, listed once in [`both_databases!`], which runs it
//! on SQLite and on PostgreSQL.

use std::fmt;
use std::fs;
use std::ops::Index;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use patchbay::app::App;
use patchbay::base::time::{Clock, UtcTime};
use patchbay::config::Config;
use patchbay::config::sources::Sources;
use patchbay::db::migrate;
use patchbay::db::pool::Target;
use patchbay::server;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::postgres::Database;

/// Runs each test on both databases: `both_databases!(refuses_unknown_fields, replays_the_stored_answer);`
///
/// Without PostgreSQL its half says so and passes; with `CI=true` it fails.
#[macro_export]
macro_rules! both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::app::TestApp::sqlite().await).await;
                }
            )+
        }

        mod postgresql {
            $(
                #[tokio::test]
                async fn $test() {
                    if let Some(app) = $crate::app::TestApp::postgresql().await {
                        super::$test(app).await;
                    }
                }
            )+
        }
    };
}

/// The time at which every test begins.
pub const START: &str = "2026-06-01T12:00:00Z";

/// The server of one test.
pub struct TestApp {
    /// What the server's handlers are given: for what the API does not show.
    pub app: App,
    /// The server's address: `http://127.0.0.1:40123`.
    pub url: String,
    http: reqwest::Client,
    folder: TempDir,
    // Dropped last, when nobody uses it.
    database: Option<Database>,
}

impl TestApp {
    /// On SQLite.
    pub async fn sqlite() -> Self {
        Self::sqlite_with(&[]).await
    }

    /// On SQLite, configured: `[("requests_per_minute", "5")]`.
    pub async fn sqlite_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(sqlite_template(), folder.path().join("patchbay.db")).unwrap();
        Self::start(folder, None, settings).await
    }

    /// On PostgreSQL, where there is one.
    pub async fn postgresql() -> Option<Self> {
        Self::postgresql_with(&[]).await
    }

    /// On PostgreSQL, configured.
    pub async fn postgresql_with(settings: &[(&str, &str)]) -> Option<Self> {
        let database = tokio::task::spawn_blocking(Database::create).await.unwrap()?;
        Some(Self::start(tempfile::tempdir().unwrap(), Some(database), settings).await)
    }

    /// With other settings: another server on the same database.
    pub async fn restart_with(mut self, settings: &[(&str, &str)]) -> Self {
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let database = self.database.take();
        drop(self);
        Self::start(folder, database, settings).await
    }

    async fn start(folder: TempDir, database: Option<Database>, settings: &[(&str, &str)]) -> Self {
        let config = config(&folder, database.as_ref(), settings);
        let clock = Clock::fixed(UtcTime::parse(START).unwrap());
        let app = tokio::task::spawn_blocking(move || App::open(config, clock)).await.unwrap().unwrap();
        let (given, to_serve) = (app.clone(), app.clone());
        let address = servers()
            .spawn(async move {
                let listening = server::listen(to_serve).unwrap();
                let address = listening.address;
                tokio::spawn(listening.serve());
                address
            })
            .await
            .unwrap();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { app: given, url: format!("http://{address}"), http, folder, database }
    }

    /// Whoever sends no credential.
    pub fn anybody(&self) -> Client {
        Client { http: self.http.clone(), url: self.url.clone(), bearer: None, organization: None }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.stop.begin();
    }
}

fn config(folder: &TempDir, database: Option<&Database>, settings: &[(&str, &str)]) -> Config {
    let folder = folder.path().display().to_string();
    let url = database.map(Database::url).unwrap_or_default();
    let ours = [
        ("listen", "127.0.0.1:0"),
        ("data_folder", folder.as_str()),
        ("database_url", url.as_str()),
        ("database_connections", "4"),
        ("requests_per_minute", "0"),
        ("shutdown_seconds", "0"),
        ("worker", "false"),
    ];
    let flags = ours.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Config::read(&Sources { flags, ..Sources::default() }).unwrap()
}

/// Servers outlive the run time of the test that started them.
fn servers() -> &'static Runtime {
    static SERVERS: OnceLock<Runtime> = OnceLock::new();
    SERVERS.get_or_init(|| {
        drop(rustls::crypto::ring::default_provider().install_default());
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    })
}

/// A migrated database to copy: quicker than to migrate each.
fn sqlite_template() -> &'static PathBuf {
    static TEMPLATE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = TEMPLATE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("template.db");
        migrate::run(&Target::Sqlite { path: path.clone() }).unwrap();
        (folder, path)
    });
    path
}

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    bearer: Option<String>,
    organization: Option<String>,
}

impl Client {
    /// The same client with another credential.
    pub fn with_bearer(&self, bearer: impl Into<String>) -> Self {
        Self { bearer: Some(bearer.into()), ..self.clone() }
    }

    /// The same client in another organization, by slug or id.
    pub fn in_organization(&self, organization: impl Into<String>) -> Self {
        Self { organization: Some(organization.into()), ..self.clone() }
    }

    /// A request. A path is one of the organization (`/products`), unless it is of the server (`/api/v1/me`).
    pub fn request(&self, method: Method, path: &str) -> Request {
        let is_whole = ["/api/", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"];
        let is_whole = is_whole.iter().any(|start| path.starts_with(start));
        let prefix = match &self.organization {
            Some(organization) if !is_whole => format!("/api/v1/organizations/{organization}"),
            _ => String::new(),
        };
        let request = self.http.request(method, format!("{}{prefix}{path}", self.url));
        Request(match &self.bearer {
            Some(bearer) => request.header(AUTHORIZATION, format!("Bearer {bearer}")),
            None => request,
        })
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    /// Makes.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path).json(&body).send().await
    }

    /// Changes.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PATCH, path).json(&body).send().await
    }

    /// Replaces.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PUT, path).json(&body).send().await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).send().await
    }

    /// All items of a list, page by page.
    pub async fn get_all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        let mark = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = match &cursor {
                Some(cursor) => self.get(&format!("{path}{mark}cursor={cursor}")).await,
                None => self.get(path).await,
            }
            .expect(200);
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return items;
            }
        }
    }
}

/// A request that is being made.
pub struct Request(pub reqwest::RequestBuilder);

impl Request {
    /// With a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// With a body of any kind.
    pub fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("content-type", content_type).body(body))
    }

    /// Sends it and reads the whole answer.
    pub async fn send(self) -> Answer {
        let response = self.0.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, bytes, body }
    }
}

/// An answer, read to its end. `answer["name"]` is a field of its JSON.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    /// Fails with the whole answer unless it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The `id` of what was made or read.
    #[track_caller]
    pub fn id(&self) -> String {
        self.text("id")
    }

    /// A field that is text.
    #[track_caller]
    pub fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_else(|| panic!("no text {field} in {self:?}")).to_owned()
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A field of every item of a list.
    pub fn items(&self, field: &str) -> Vec<Value> {
        self.body["items"].as_array().unwrap().iter().map(|item| item[field].clone()).collect()
    }

    /// The pointers of a problem's faults.
    pub fn pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, field: &str) -> &Value {
        &self.body[field]
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#?}\n{}", self.status, self.headers, String::from_utf8_lossy(&self.bytes))
    }
}
