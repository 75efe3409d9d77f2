//! The binary as a process of its own: started, killed, started again on the same data.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

/// The first administrator.
pub const EMAIL: &str = "admin@example.com";
/// Their password.
pub const PASSWORD: &str = "correct horse battery staple";

/// A running server.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub url: String,
    bearer: String,
    http: reqwest::Client,
}

impl Process {
    /// Starts the server on this data and logs in.
    pub async fn start(folder: &Path, database_url: Option<&str>) -> Self {
        Self::start_as(command(folder, database_url)).await
    }

    /// Starts the server with a configuration and logs in.
    pub async fn start_as(mut command: Command) -> Self {
        let mut child = command.arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().expect("the server says where it is").unwrap();
            if let Some((url, _)) = line.trim().strip_prefix("API").and_then(|rest| rest.trim().split_once("/api/v1")) {
                break url.to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(Duration::from_secs(120)).build().unwrap();
        let mut process = Self { child, url, bearer: String::new(), http };
        let login = process.send(Method::POST, "/auth/login", &json!({ "email": EMAIL, "password": PASSWORD })).await;
        let (status, login) = login.unwrap();
        assert_eq!(status, 200, "{login}");
        process.bearer = format!("Bearer {}", login["access_token"].as_str().unwrap());
        process
    }

    /// Sends JSON below `/api/v1`; fails when the answer is lost.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> reqwest::Result<(u16, Value)> {
        self.send_bytes(method, path, serde_json::to_vec(body).unwrap()).await
    }

    /// Sends bytes below `/api/v1`; fails when the answer is lost.
    pub async fn send_bytes(&self, method: Method, path: &str, body: Vec<u8>) -> reqwest::Result<(u16, Value)> {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.url));
        let request = request.header(AUTHORIZATION, &self.bearer).header("content-type", "application/json");
        let answer = request.body(body).send().await?;
        Ok((answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null)))
    }

    /// Sends bytes below `/api/v1` with an `Idempotency-Key`; fails when the answer is lost.
    pub async fn send_with_key(&self, path: &str, key: &str, body: Vec<u8>) -> reqwest::Result<(u16, Value)> {
        let request = self.http.post(format!("{}/api/v1{path}", self.url)).header(AUTHORIZATION, &self.bearer);
        let request = request.header("content-type", "application/json").header("idempotency-key", key);
        let answer = request.body(body).send().await?;
        Ok((answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null)))
    }

    /// What stands in the header `Authorization`.
    pub fn bearer(&self) -> &str {
        &self.bearer
    }

    /// The memory that it holds, in MiB.
    pub fn resident_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    /// Reads below the first organization.
    pub async fn get(&self, path: &str) -> Value {
        let path = format!("/organizations/default{path}");
        let (status, body) = self.send_bytes(Method::GET, &path, Vec::new()).await.unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Watches what changes in the first organization.
    pub async fn watch(&self) -> reqwest::Response {
        let request = self.http.get(format!("{}/api/v1/organizations/default/events", self.url));
        request.header(AUTHORIZATION, &self.bearer).send().await.unwrap()
    }

    /// Kills it: nothing is flushed, nothing is said.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Waits for its end.
    pub fn ended_within(mut self, limit: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < limit, "the server still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The binary with its configuration.
pub fn command(folder: &Path, database_url: Option<&str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    // Not what the developer has set: a variable of theirs would change what is tested.
    command.env_clear().env("PATCHBAY_LISTEN", "127.0.0.1:0").env("PATCHBAY_DATA_FOLDER", folder);
    command.env("PATCHBAY_ADMIN_EMAIL", EMAIL).env("PATCHBAY_ADMIN_PASSWORD", PASSWORD);
    command.env("PATCHBAY_LOG_LEVEL", "error");
    if let Some(url) = database_url {
        command.env("PATCHBAY_DATABASE_URL", url);
    }
    command
}

/// What a command printed, and how it ended.
pub fn output(command: &mut Command) -> (ExitStatus, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    (child.wait().unwrap(), text)
}
