//! A server as users run it, and what it costs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::cost::{Cost, Watched, measure};
use crate::process;

/// A running server with somebody logged in.
pub struct Served {
    child: Child,
    url: String,
    bearer: String,
    http: Client,
    database: Option<u32>,
}

/// How long each of many requests took, in milliseconds, sorted.
pub struct Times(Vec<f64>);

impl Times {
    pub fn new(mut millis: Vec<f64>) -> Self {
        millis.sort_by(f64::total_cmp);
        Self(millis)
    }

    /// The time that this share of the requests kept within: 0.5 is the median.
    pub fn within(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

impl Served {
    /// Starts the server on this data; `database` is the process of a PostgreSQL server on this machine.
    pub async fn start(folder: &Path, url: Option<&str>, database: Option<u32>) -> Self {
        let mut command = process::command(folder, url);
        command.env("PATCHBAY_REQUESTS_PER_MINUTE", "0").env("PATCHBAY_LOGIN_ATTEMPTS", "100000");
        let mut child = command.arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = lines.find(|line| line.trim_start().starts_with("API")).expect("the server says where it is");
        let url = line.split_whitespace().nth(1).unwrap().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut served = Self { child, url, bearer: String::new(), http: client(), database };
        let (status, answer) = served.login(process::EMAIL, process::PASSWORD).await;
        assert_eq!(status, 200, "{answer}");
        served.bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
        served
    }

    /// What is measured: the server, and the database server if it has one.
    pub fn watched(&self) -> Watched {
        Watched { process: self.child.id().to_string(), database: self.database }
    }

    pub async fn login(&self, email: &str, password: &str) -> (StatusCode, Value) {
        self.send(Method::POST, "/auth/login", json!({ "email": email, "password": password })).await
    }

    /// Sends JSON below `/api/v1`.
    pub async fn send(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.http.request(method, format!("{}{path}", self.url)).header(AUTHORIZATION, &self.bearer);
        let answer = request.json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }

    /// Reads below the first organization.
    pub async fn get(&self, path: &str) -> Value {
        let (_, body) = self.get_as(&self.bearer, path).await;
        body
    }

    /// Reads below the first organization with another token, and says how many milliseconds it took.
    pub async fn get_as(&self, bearer: &str, path: &str) -> (f64, Value) {
        let began = Instant::now();
        let request = self.http.get(format!("{}/organizations/default{path}", self.url)).header(AUTHORIZATION, bearer);
        let answer = request.send().await.unwrap();
        let (status, bytes) = (answer.status(), answer.bytes().await.unwrap());
        let millis = began.elapsed().as_secs_f64() * 1000.0;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&bytes));
        (millis, serde_json::from_slice(&bytes).unwrap())
    }

    /// Posts a report for a product and waits for its counts.
    pub async fn scan(&self, product: &str, report: Vec<u8>) -> Value {
        let path = format!("/organizations/default/scans?product={product}&wait=300");
        let request = self.http.post(format!("{}{path}", self.url)).header(AUTHORIZATION, &self.bearer);
        let answer = request.header(CONTENT_TYPE, "application/json").body(report).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        answer.json().await.unwrap()
    }

    /// Reads the same address again and again: how long each took, and what all cost the server.
    pub async fn repeat(&self, path: &str, times: usize) -> (Times, Cost) {
        let mut millis = Vec::with_capacity(times);
        let ((), cost) = measure(&self.watched(), async {
            for _ in 0..times {
                millis.push(self.get_as(&self.bearer, path).await.0);
            }
        })
        .await;
        (Times::new(millis), cost)
    }
}

/// One that takes answers as they are: packing them is another cost.
fn client() -> Client {
    Client::builder().no_gzip().build().unwrap()
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
