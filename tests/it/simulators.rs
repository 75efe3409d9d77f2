//! The sync against tracker simulators that check every request against the trackers' official descriptions.
//!
//! They are not part of this repository: without `PATCHBAY_TRACKER_SIMULATORS`, the folder of their `trackers.py`, this
//! test says that it did nothing. `PATCHBAY_TRACKER_PYTHON` names a Python that has what they need.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use patchbay::base::severity::Severity;
use patchbay::observations::status::ObservationStatus;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::desk::{GITHUB, GITLAB, JIRA_CLOUD, JIRA_DATA_CENTER, SETTINGS, Shop, TWO, Terms};
use crate::hooks::Hook;

/// Running simulators; they end with the test.
struct Simulators {
    process: Child,
    http: reqwest::Client,
    ports: [u16; 3],
    _folder: tempfile::TempDir,
}

impl Drop for Simulators {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Simulators {
    fn start() -> Option<Self> {
        let sources = std::env::var_os("PATCHBAY_TRACKER_SIMULATORS")?;
        // A port that was free may be taken by another test before they bind it.
        let started = (0..5).find_map(|_| Self::on_free_ports(&sources));
        Some(started.expect("the simulators do not start"))
    }

    fn on_free_ports(sources: &OsStr) -> Option<Self> {
        let python = std::env::var_os("PATCHBAY_TRACKER_PYTHON").unwrap_or_else(|| "python3".into());
        let folder = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port(), free_port()];
        let mut process = Command::new(python)
            .arg("trackers.py")
            .current_dir(sources)
            .args(["--github-port", &ports[0].to_string(), "--gitlab-port", &ports[1].to_string()])
            .args(["--jira-port", &ports[2].to_string(), "--log"])
            .arg(folder.path().join("run.jsonl"))
            .env("PYTHONUNBUFFERED", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let is_ready = lines.any(|line| line.contains("ready"));
        // Whoever prints into a closed pipe ends.
        std::thread::spawn(move || lines.for_each(drop));
        // Another test may have installed it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let started = Self { process, http: reqwest::Client::new(), ports, _folder: folder };
        is_ready.then_some(started)
    }

    fn url(&self, tracker: usize) -> String {
        format!("http://127.0.0.1:{}", self.ports[tracker])
    }

    async fn ask(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/_ctl/{path}", self.url(0))).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn tell(&self, tracker: usize, path: &str, body: Value) {
        let sent = self.http.post(format!("{}/_ctl/{path}", self.url(tracker))).json(&body).send().await.unwrap();
        assert!(sent.status().is_success(), "{path}: {}", sent.text().await.unwrap());
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// PB-3, SO-1, SO-8: no request breaks a description, and no marker is there twice.
#[tokio::test]
async fn no_request_breaks_the_rules_of_the_real_trackers() {
    let Some(simulators) = Simulators::start() else {
        eprintln!("skipped: PATCHBAY_TRACKER_SIMULATORS is not set");
        return;
    };
    let trackers: [(usize, &str, &str, &Terms); 4] = [
        (0, "github", "gh-test-token", &GITHUB),
        (1, "gitlab", "gl-test-token", &GITLAB),
        (2, "jira", "jira-test-token", &JIRA_CLOUD),
        (2, "jira", "jira-test-token", &JIRA_DATA_CENTER),
    ];
    for (at, name, token, terms) in trackers {
        simulators.tell(at, "reset", json!({})).await;
        let app = TestApp::sqlite_with(SETTINGS).await;
        let shop = Shop::open(app, &simulators.url(at), token, terms, json!({ "labels": ["security"] })).await;
        live(&simulators, at, name, &shop).await;
        let marker = r"(patchbay-[0-9a-f]{32})";
        let query = url::form_urlencoded::byte_serialize(marker.as_bytes()).collect::<String>();
        let twice = simulators.ask(&format!("duplicates/{name}?regex={query}")).await;
        assert!(is_empty(&twice["duplicates"]), "{name}: {twice}");
        let violations = simulators.ask("violations").await;
        let broken = violations.as_array().or_else(|| violations["violations"].as_array()).unwrap().clone();
        let broken: Vec<_> = broken.iter().filter(|it| it["level"] == "violation").collect();
        assert!(broken.is_empty(), "{name}: {broken:#?}");
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(|it| it.is_empty())
}

/// A ticket is made, changed, closed and reopened; people undo things; answers are lost and limits hit.
async fn live(simulators: &Simulators, at: usize, name: &str, shop: &Shop) {
    shop.scan_and_work(TWO).await;
    let observation = shop.observation("SQL injection").await;
    assert_state(shop, &observation, "open").await;
    shop.rate(&observation, Severity::Critical).await;
    shop.assess(&observation, ObservationStatus::FalsePositive).await;
    shop.work_for(3).await;
    assert_state(shop, &observation, "closed").await;
    shop.assess(&observation, ObservationStatus::Affected).await;
    shop.work_for(3).await;
    assert_state(shop, &observation, "open").await;
    for action in ["close", "delete"] {
        let key = shop.explain(&observation).await["ticket"]["key"].as_str().unwrap().to_owned();
        let issue = key.rsplit('#').next().unwrap();
        let issue = issue.parse::<u64>().map_or_else(|_| json!(issue), |number| json!(number));
        let act = json!({ "action": action, "issue": issue, "actor": "alice" });
        simulators.tell(at, &format!("act/{name}"), act).await;
        shop.scan_and_work(TWO).await;
        shop.work_for(5).await;
        assert_state(shop, &observation, "open").await;
    }
    for fault in [
        json!({ "kind": "lost", "method": "POST", "times": 1 }),
        json!({ "kind": "lost_5xx", "status": 502, "method": "POST", "times": 1 }),
        json!({ "kind": "5xx", "status": 503, "times": 3 }),
        json!({ "kind": "429", "retry_after": 1, "times": 2 }),
    ] {
        simulators.tell(at, "faults", fault).await;
    }
    shop.scan(&[("SQL injection", "High"), ("Open redirect", "Low"), ("Path traversal", "High")]).await;
    for _ in 0..40 {
        shop.work().await;
        shop.pass(Duration::from_secs(60));
        // The simulators' own limits run on the real clock.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(shop.jobs().await.is_empty(), "{name}: {:#?}", shop.jobs().await);
    for (title, state) in [("Weak hash", "closed"), ("Open redirect", "open"), ("Path traversal", "open")] {
        assert_state(shop, &shop.observation(title).await, state).await;
    }
}

async fn assert_state(shop: &Shop, observation: &str, state: &str) {
    let explained = shop.explain(observation).await;
    assert_eq!(explained["ticket"]["state"], state, "{explained:?}\n{:#?}", shop.jobs().await);
}

/// RZ-2, RZ-8 to RZ-11, NU-6: an issue from its draft to its end.
#[tokio::test]
async fn an_issue_lives_its_whole_life_with_jira() {
    let Some(simulators) = Simulators::start() else {
        eprintln!("skipped: PATCHBAY_TRACKER_SIMULATORS is not set");
        return;
    };
    for terms in [&JIRA_CLOUD, &JIRA_DATA_CENTER] {
        simulators.tell(2, "reset", json!({})).await;
        let app = TestApp::sqlite_with(SETTINGS).await;
        let shop = Shop::open(app, &simulators.url(2), "jira-test-token", terms, json!({})).await;
        lead(&simulators, &shop).await;
        let violations = simulators.ask("violations").await;
        let broken = violations.as_array().or_else(|| violations["violations"].as_array()).unwrap().clone();
        let broken: Vec<_> = broken.iter().filter(|it| it["level"] == "violation").collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

async fn lead(simulators: &Simulators, shop: &Shop) {
    let editor = &shop.tenant.editor;
    shop.scan(TWO).await;
    let selection = json!({ "product_id": shop.product });
    let draft = editor.post("/issues/draft", json!({ "selection": selection })).await.expect(200);
    let input = json!({ "name": draft["name"], "risk": draft["risk"], "selection": selection });
    let issue = editor.post("/issues", input).await.expect(201).id();
    editor.post(&format!("/issues/{issue}/push"), json!({ "csv": "all" })).await.expect(202);
    let key = settle(simulators, shop, &issue, ("open", "open")).await;
    shop.scan(&[]).await;
    settle(simulators, shop, &issue, ("resolved", "closed")).await;
    shop.scan(&TWO[..1]).await;
    settle(simulators, shop, &issue, ("in_progress", "open")).await;
    let hook = Hook::new(&shop.tenant.admin, &shop.connection).await;
    // The simulator's workflow ends in one of the two.
    let lines = ["Done", "Won't Fix"].map(|status| json!({ "status": status, "state": "closed" }));
    let mapping = json!({ "state_mapping": lines });
    let path = format!("/tracker-connections/{}/webhook", shop.connection);
    shop.tenant.admin.patch(&path, mapping).await.expect(200);
    let url = format!("{}{}", shop.app.url, hook.path);
    simulators.tell(2, "webhook/jira", json!({ "url": url, "secret": hook.signing })).await;
    // What we did ourselves just now is long ago when somebody else does something.
    shop.pass(Duration::from_secs(3600));
    simulators.tell(2, "act/jira", json!({ "action": "close", "issue": key, "actor": "alice" })).await;
    for _ in 0..50 {
        patchbay::worker::drain::run_until_idle(&shop.app.app).await.unwrap();
        if state(shop, &issue).await == "closed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    settle(simulators, shop, &issue, ("closed", "closed")).await;
    let timeline = shop.tenant.viewer.get_all(&format!("/issues/{issue}/timeline")).await;
    assert!(timeline.iter().any(|entry| entry["kind"] == "tracker"), "{timeline:#?}");
}

async fn state(shop: &Shop, issue: &str) -> String {
    shop.tenant.viewer.get(&format!("/issues/{issue}")).await.expect(200).text("state")
}

/// Works until the issue and its one ticket are as they should be; answers the ticket's key.
async fn settle(simulators: &Simulators, shop: &Shop, issue: &str, (wanted, of_ticket): (&str, &str)) -> String {
    for _ in 0..5 {
        shop.work().await;
        shop.pass(Duration::from_secs(60));
        // The simulators' own limits run on the real clock.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(state(shop, issue).await, wanted);
    let explained = shop.tenant.viewer.get(&format!("/issues/{issue}/ticket")).await.expect(200);
    let ticket = &explained["explanation"]["ticket"];
    assert_eq!(ticket["state"], of_ticket, "{explained:?}\n{:#?}", shop.jobs().await);
    let key = ticket["key"].as_str().unwrap().to_owned();
    let all = simulators.ask("state/jira").await;
    let all = all["issues"].as_array().unwrap();
    let files = all.iter().find(|it| it["key"] == key).map(|it| it["attachments"].as_array().unwrap().len());
    assert_eq!(files, Some(1), "one table, in place of older ones");
    key
}
