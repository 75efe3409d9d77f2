//! What is acknowledged stays; what is killed halfway leaves nothing; what is stopped ends in order.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use reqwest::Method;
use serde_json::{Value, json};

use crate::postgres::Database;
use crate::process::{self, Process};
use crate::sarif::sarif_of;

/// Enough to be killed in the middle of, few enough to be quick without optimisation.
const RESULTS: usize = 4000;
const KILLS: u32 = 8;
const SCANS: &str = "/organizations/default/scans?product=shop";

async fn on_both(test: impl AsyncFn(&Path, Option<&str>)) {
    let folder = tempfile::tempdir().unwrap();
    test(folder.path(), None).await;
    let database = tokio::task::spawn_blocking(Database::create_empty).await.unwrap();
    if let Some(database) = database {
        let folder = tempfile::tempdir().unwrap();
        test(folder.path(), Some(&database.url())).await;
    }
}

fn assert_intact(folder: &Path) {
    for path in ["patchbay.db", "inbox.db"].map(|name| folder.join(name)) {
        if !path.exists() {
            continue;
        }
        let conn = rusqlite::Connection::open(path).unwrap();
        let word: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(word, "ok");
        let orphans: i64 =
            conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
        assert_eq!(orphans, 0);
    }
}

async fn observations(server: &Process) -> i64 {
    server.get("/observations?limit=1&include=total").await["total"].as_i64().unwrap()
}

/// S-32
#[tokio::test]
async fn an_import_that_is_killed_leaves_nothing_and_can_be_sent_again() {
    on_both(async |folder, url| {
        let report = sarif_of(RESULTS).bytes();
        let server = Process::start(folder, url).await;
        let began = Instant::now();
        let first = "/organizations/default/scans?product=undisturbed";
        server.send_bytes(Method::POST, first, report.clone()).await.unwrap();
        let undisturbed = began.elapsed();
        server.kill();
        let mut last = i64::try_from(RESULTS).unwrap();
        for kill in 0..KILLS {
            let server = Process::start(folder, url).await;
            assert_eq!(observations(&server).await, last, "all or nothing, before kill {kill}");
            let path = format!("/organizations/default/scans?product=killed-{kill}");
            let request = server.send_bytes(Method::POST, &path, report.clone());
            let moment = undisturbed * (2 * kill + 1) / (2 * KILLS);
            let answered = tokio::time::timeout(moment, request).await.is_ok();
            server.kill();
            assert_intact(folder);
            let server = Process::start(folder, url).await;
            let now = observations(&server).await;
            let whole = last + i64::try_from(RESULTS).unwrap();
            assert!(now == whole || (now == last && !answered), "{now} of {whole} after kill {kill}");
            last = now;
            server.kill();
        }
        let server = Process::start(folder, url).await;
        let (status, answer) = server.send_bytes(Method::POST, SCANS, report.clone()).await.unwrap();
        assert_eq!((status, answer["observations_new"].as_u64()), (201, Some(RESULTS as u64)));
        assert_intact(folder);
    })
    .await;
}

/// S-38, S-32: the key of a request that died with its server is free again; of one that was answered, the answer stays.
#[tokio::test]
async fn a_killed_upload_is_sent_again_with_its_key() {
    on_both(async |folder, url| {
        let report = sarif_of(RESULTS).bytes();
        for (round, moment) in [30, 200, 400].into_iter().enumerate() {
            let path = format!("/organizations/default/scans?product=keyed-{round}");
            let server = Process::start(folder, url).await;
            let request = server.send_with_key(&path, &path, report.clone());
            drop(tokio::time::timeout(Duration::from_millis(moment), request).await);
            server.kill();
            if let Some(url) = url {
                // Where several servers share a database, the lease of a dead one runs out. Nobody wants to wait for that.
                let mut conn = diesel::PgConnection::establish(url).unwrap();
                conn.batch_execute("UPDATE idempotency_keys SET lease_until = 0 WHERE status IS NULL").unwrap();
            }
            let server = Process::start(folder, url).await;
            let (status, answer) = server.send_with_key(&path, &path, report.clone()).await.unwrap();
            assert_eq!((status, answer["state"].as_str()), (201, Some("finished")), "{answer}");
            assert_eq!(observations(&server).await, i64::try_from((round + 1) * RESULTS).unwrap());
            server.kill();
        }
        assert_intact(folder);
    })
    .await;
}

/// Two servers on one embedded database would not know of each other.
#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Process::start(folder.path(), None).await;
    let (status, said) = process::output(process::command(folder.path(), None).arg("serve"));
    assert!(!status.success());
    assert!(said.contains("another server uses"), "{said}");
}

/// S-33
#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    on_both(async |folder, url| {
        for n in 0..6 {
            let server = Process::start(folder, url).await;
            let made = json!({ "name": format!("product {n}") });
            let (status, _) = server.send(Method::POST, "/organizations/default/products", &made).await.unwrap();
            server.kill();
            assert_eq!(status, 201);
        }
        let server = Process::start(folder, url).await;
        assert_eq!(server.get("/products").await["items"].as_array().unwrap().len(), 6);
        assert_intact(folder);
    })
    .await;
}

/// RZ-11, S-33
#[tokio::test]
async fn what_webhooks_brought_is_worked_off_once_after_a_kill() {
    on_both(async |folder, url| {
        let server = Process::start(folder, url).await;
        let organization = "/organizations/default";
        let wanted = json!({
            "label": "t", "kind": "gitlab", "base_url": "https://gitlab.example.com", "credential": "secret"
        });
        let path = format!("{organization}/tracker-connections");
        let (_, connection) = server.send(Method::POST, &path, &wanted).await.unwrap();
        let webhook = format!("/tracker-connections/{}/webhook", connection["id"].as_str().unwrap());
        let rotate = format!("{organization}{webhook}/rotate");
        let (_, made) = server.send(Method::POST, &rotate, &json!({})).await.unwrap();
        let (_, address) = made["url"].as_str().unwrap().split_once("/api/v1").unwrap();
        server.kill();
        let mut acknowledged = Vec::new();
        for kill in 0..4 {
            let server = Process::start(folder, url).await;
            acknowledged.extend(deliver_until_killed(server, address, kill).await);
            assert_intact(folder);
        }
        assert!(acknowledged.len() > 4, "{acknowledged:?}");
        let server = Process::start(folder, url).await;
        let began = Instant::now();
        while server.get(&webhook).await["waiting"] != 0 {
            assert!(began.elapsed() < Duration::from_secs(60), "deliveries still wait");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let listed = server.get(&format!("{webhook}/deliveries?limit=500")).await;
        let mut events: Vec<_> = listed["items"].as_array().unwrap().iter().map(|row| row["event"].clone()).collect();
        let count = events.len();
        events.sort_by_key(ToString::to_string);
        events.dedup();
        assert_eq!(events.len(), count, "each once");
        assert!(acknowledged.iter().all(|event| events.contains(&json!(event))));
    })
    .await;
}

/// Sends deliveries, many at a time, and kills the server when the first few are acknowledged. Answers which were.
async fn deliver_until_killed(server: Process, address: &str, kill: usize) -> Vec<String> {
    let http = reqwest::Client::new();
    let (done, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..100 {
        let (event, done) = (format!("{kill}-{number}"), done.clone());
        let request = http.post(format!("{}/api/v1{address}", server.url)).header("X-Gitlab-Event", &event);
        let request = request.header("Content-Type", "application/json").body(json!({ "number": number }).to_string());
        tokio::spawn(async move {
            if request.send().await.is_ok_and(|answer| answer.status() == 202) {
                // The test may have ended.
                let _ended = done.send(event);
            }
        });
    }
    drop(done);
    let mut events = Vec::new();
    for _ in 0..=kill {
        events.extend(acknowledged.recv().await);
    }
    server.kill();
    while let Some(event) = acknowledged.recv().await {
        events.push(event);
    }
    events
}

/// S-43
#[tokio::test]
async fn a_stop_during_an_import_ends_it_in_order() {
    on_both(async |folder, url| {
        let server = Process::start(folder, url).await;
        let report = sarif_of(RESULTS).bytes();
        let path = format!("{SCANS}&wait=0");
        let (status, upload) = server.send_bytes(Method::POST, &path, report).await.unwrap();
        assert!(status == 202 || status == 201, "{upload}");
        server.terminate();
        assert!(server.ended_within(Duration::from_secs(60)).success());
        assert_intact(folder);
        let server = Process::start(folder, url).await;
        let upload = server.get(&format!("/uploads/{}", upload["id"].as_str().unwrap())).await;
        assert_eq!(upload["state"], "finished");
        assert_eq!(observations(&server).await, i64::try_from(RESULTS).unwrap());
    })
    .await;
}

/// S-40
#[tokio::test]
async fn a_backup_during_an_import_is_a_consistent_cut() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Process::start(folder.path(), None).await;
    let path = format!("{SCANS}&wait=0");
    server.send_bytes(Method::POST, &path, sarif_of(RESULTS).bytes()).await.unwrap();
    let file = copy.path().join("patchbay.db");
    let mut backup = process::command(folder.path(), None);
    let (status, said) = process::output(backup.arg("backup").arg(&file));
    assert!(status.success(), "{said}");
    assert_intact(copy.path());
    let conn = rusqlite::Connection::open(&file).unwrap();
    let count = |table: &str| -> i64 {
        conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert!([0, i64::try_from(RESULTS).unwrap()].contains(&count("observations")));
    assert_eq!(count("observations") > 0, count("scans") > 0);
}

/// S-40, RZ-11: what was acknowledged and not worked off yet is in the backup, too.
#[tokio::test]
async fn a_backup_has_the_deliveries_that_wait() {
    let (folder, restored) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Process::start(folder.path(), None).await;
    let home = "/organizations/default";
    let send = async |method, path: &str, body: Value| {
        let (status, answer) = server.send(method, path, &body).await.unwrap();
        assert!((200..300).contains(&status), "{path}: {answer}");
        answer
    };
    send(Method::PATCH, home, json!({ "tracker_traffic_stopped": true })).await;
    let wanted = json!({ "label": "t", "kind": "github", "base_url": "https://github.com", "credential": "x" });
    let connection = send(Method::POST, &format!("{home}/tracker-connections"), wanted).await["id"].clone();
    let webhook = format!("/tracker-connections/{}/webhook", connection.as_str().unwrap());
    let secret = send(Method::POST, &format!("{home}{webhook}/rotate"), json!({})).await;
    let address = format!("/webhooks/github/{}/{}", connection.as_str().unwrap(), secret["secret"].as_str().unwrap());
    for zen in ["Keep it logically awesome.", "Avoid administrative distraction."] {
        send(Method::POST, &address, json!({ "zen": zen })).await;
    }
    let file = restored.path().join("copy.db");
    let mut backup = process::command(folder.path(), None);
    let (status, said) = process::output(backup.arg("backup").arg(&file));
    assert!(status.success() && said.contains("copy.inbox.db"), "{said}");
    let mut again = process::command(folder.path(), None);
    fs::remove_file(&file).unwrap();
    let (status, said) = process::output(again.arg("backup").arg(&file));
    assert!(!status.success() && said.contains("copy.inbox.db is already there"), "{said}");
    assert!(!file.exists());
    fs::remove_file(restored.path().join("copy.inbox.db")).unwrap();
    let (status, said) = process::output(process::command(folder.path(), None).arg("backup").arg(&file));
    assert!(status.success(), "{said}");
    server.kill();
    fs::rename(file, restored.path().join("patchbay.db")).unwrap();
    fs::rename(restored.path().join("copy.inbox.db"), restored.path().join("inbox.db")).unwrap();
    fs::copy(folder.path().join("keys.json"), restored.path().join("keys.json")).unwrap();
    let server = Process::start(restored.path(), None).await;
    assert_eq!(server.get(&webhook).await["waiting"], 2);
    server.send(Method::PATCH, home, &json!({ "tracker_traffic_stopped": false })).await.unwrap();
    let began = Instant::now();
    while server.get(&format!("{webhook}/deliveries")).await["items"].as_array().unwrap().len() < 2 {
        assert!(began.elapsed() < Duration::from_secs(60), "they are worked off");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_intact(restored.path());
}
