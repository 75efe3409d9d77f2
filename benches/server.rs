//! What a server costs that holds much: `cargo bench --bench server -- [sqlite|postgresql] [ROWS]`.
//!
//! The binary is started as users start it, filled by HTTP with ROWS observations (1,000,000), and asked over HTTP:
//!
//! - the peak of memory and the CPU time of imports of 50,000 results, one after another;
//! - a page of 100 of the list, the first one and the 5,000th, and a page for each filter with each order;
//! - an interactive write, and a read, beside imports of 50,000 results;
//! - the look-up of an API token among 10 and among 10,000;
//! - a wrong password for a known and for an unknown account.
//!
//! CPU time is the server's and its database's; compare ratios of one run.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first fault")]

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

#[path = "support/cost.rs"]
#[expect(dead_code, reason = "shared with the other benches, which use all of it")]
mod cost;
#[path = "support/generate.rs"]
mod generate;
#[path = "../tests/it/postgres.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod postgres;
#[path = "../tests/it/process.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod process;
#[path = "support/served.rs"]
mod served;

use cost::measure;
use served::{Served, Times};

/// Results of one report.
const REPORT: usize = 50_000;
/// Items of one page.
const PAGE: usize = 100;
/// The page that must cost what the first one costs.
const DEEP: usize = 5000;
/// Requests for one figure.
const TIMES: usize = 300;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let rows = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let wants = |engine: &str| !words.iter().any(|w| w.parse::<usize>().is_err()) || words.iter().any(|w| w == engine);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if wants("sqlite") {
        let folder = tempfile::tempdir().unwrap();
        println!("\nSQLite");
        runtime.block_on(all(folder.path(), None, rows));
    }
    if wants("postgresql") {
        let Some(database) = postgres::Database::create_empty() else { return };
        let folder = tempfile::tempdir().unwrap();
        println!("\nPostgreSQL");
        runtime.block_on(all(folder.path(), Some(&database.url()), rows));
    }
}

async fn all(folder: &Path, url: Option<&str>, rows: usize) {
    let server = Served::start(folder, url, url.and_then(cost::postmaster)).await;
    imports(&server).await;
    for number in 1..rows / REPORT {
        let results: Vec<usize> = (number * REPORT..(number + 1) * REPORT).collect();
        server.scan(&format!("product-{number}"), generate::sarif(&results, "a")).await;
    }
    pages(&server).await;
    filters(&server).await;
    beside_imports(&server, rows).await;
    tokens(&server).await;
    logins(&server).await;
}

/// Imports into one source, one after another.
async fn imports(server: &Served) {
    let (first, second) = generate::numbers(REPORT);
    println!("{:32} {:>7} {:>9}", "imports of 50,000 results", "CPU s", "peak MiB");
    let reports = [(&first, "a"), (&first, "b"), (&first, "c"), (&second, "d"), (&first, "e"), (&second, "f")];
    for (numbers, salt) in reports {
        let report = generate::sarif(numbers, salt);
        let (scan, cost) = measure(&server.watched(), server.scan("product-0", report)).await;
        let counts = |name: &str| scan[format!("observations_{name}")].to_string();
        let name = format!("new {} resolved {}", counts("new"), counts("resolved"));
        println!("{name:32} {:7.2} {:9}", cost.cpu.as_secs_f64(), cost.peak_mib);
    }
}

/// The first page and a deep one: the same statement, from another place of the same index.
async fn pages(server: &Served) {
    println!("{:32} {:>9} {:>9} {:>9}", "page of 100", "CPU ms", "median ms", "p99 ms");
    for order in ["-severity", "created"] {
        let path = format!("/observations?limit={PAGE}&sort={order}");
        let mut page = server.get(&path).await;
        for _ in 2..DEEP {
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            page = server.get(&format!("{path}&cursor={cursor}")).await;
        }
        let deep = page["next_cursor"].as_str().map(|cursor| format!("{path}&cursor={cursor}"));
        for (name, path) in [("first", Some(path)), ("5,000th", deep)] {
            let Some(path) = path else { continue };
            let (times, cost) = server.repeat(&path, TIMES).await;
            let cpu = cost.cpu.as_secs_f64() * 1000.0 / TIMES as f64;
            let name = format!("{order}, {name}");
            println!("{name:32} {cpu:9.2} {:9.2} {:9.2}", times.within(0.5), times.within(0.99));
        }
    }
}

/// A page for each filter with each order.
async fn filters(server: &Served) {
    let orders = ["-severity", "severity", "-created", "created", "-last_seen_at", "last_seen_at"];
    println!("{:44} {}", "page of 100, median ms", orders.join("  "));
    for filter in conditions(server).await {
        let mut line = format!("{filter:44}");
        for order in orders {
            let (times, _) = server.repeat(&format!("/observations?limit={PAGE}&sort={order}&{filter}"), 5).await;
            line.push_str(&format!(" {:10.1}", times.within(0.5)));
        }
        println!("{line}");
    }
}

/// Conditions with values that the data has.
async fn conditions(server: &Served) -> Vec<String> {
    let some = &server.get("/observations?limit=1&sort=created").await["items"][0];
    let text = |pointer: &str| some.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let product = text("/product/id");
    let year = "2020-01-01T00:00:00Z";
    vec![
        "active=true".to_owned(),
        "active=false".to_owned(),
        "status=open&status=resolved".to_owned(),
        "status=false_positive".to_owned(),
        "severity=high&severity=low".to_owned(),
        format!("product={product}"),
        format!("product={product}&severity=critical"),
        "tool=BenchSAST".to_owned(),
        format!("source={}", text("/source/id")),
        format!("vulnerability={}", text("/vulnerability/id")),
        "cwe=79".to_owned(),
        "q=weakness%20017".to_owned(),
        format!("product={product}&location=services"),
        format!("first_seen_from={year}"),
        format!("first_seen_before={year}"),
        format!("last_seen_from={year}"),
        "ticket_state=none".to_owned(),
        "verified=true".to_owned(),
        format!("verified=false&product={product}"),
    ]
}

/// What people wait for while a large report is written.
async fn beside_imports(server: &Served, rows: usize) {
    let import = async {
        let mut walls = Vec::new();
        for number in 0..4 {
            let results: Vec<usize> = (rows + number * REPORT..rows + (number + 1) * REPORT).collect();
            let report = generate::sarif(&results, "w");
            let began = Instant::now();
            server.scan("beside", report).await;
            walls.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        walls
    };
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    let person = async {
        for number in 0.. {
            let began = Instant::now();
            let (status, answer) = server
                .send(Method::POST, "/organizations/default/products", json!({ "name": format!("p{number}") }))
                .await;
            assert_eq!(status, 201, "{answer}");
            writes.push(began.elapsed().as_secs_f64() * 1000.0);
            reads.push(server.repeat("/observations?limit=100&sort=-severity", 1).await.0.within(1.0));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let walls = tokio::select! { walls = import => walls, () = person => unreachable!("a person never ends") };
    let (writes, reads) = (Times::new(writes), Times::new(reads));
    println!("beside imports that took {:.0} ms each (median): ms", Times::new(walls).within(0.5));
    for (name, times) in [("write", writes), ("read", reads)] {
        println!(
            "{name:32} median {:.1}  p99 {:.1}  max {:.1}",
            times.within(0.5),
            times.within(0.99),
            times.within(1.0)
        );
    }
}

/// The look-up of a token: by its hash, so it costs the same among many.
async fn tokens(server: &Served) {
    let mut made = 0;
    for count in [10, 10_000] {
        let mut bearer = String::new();
        while made < count {
            let body = json!({ "name": format!("t{made}"), "scopes": ["read"] });
            let (status, token) = server.send(Method::POST, "/organizations/default/api-tokens", body).await;
            assert_eq!(status, 201, "{token}");
            bearer = format!("Bearer {}", token["token"].as_str().unwrap());
            made += 1;
        }
        let mut millis = Vec::new();
        for _ in 0..2000 {
            millis.push(server.get_as(&bearer, "/products?limit=1").await.0);
        }
        let times = Times::new(millis);
        println!("{made:6} tokens: median {:.3} ms  p95 {:.3} ms", times.within(0.5), times.within(0.95));
    }
}

/// A stranger must not learn who has an account from how long a refusal takes.
async fn logins(server: &Served) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        for (email, millis) in [(process::EMAIL, &mut known), ("nobody@example.com", &mut unknown)] {
            let began = Instant::now();
            let (status, _) = server.login(email, "not the password").await;
            assert_eq!(status, 401);
            millis.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let (known, unknown) = (Times::new(known).within(0.5), Times::new(unknown).within(0.5));
    println!("wrong password, median ms: known {known:.1}  unknown {unknown:.1}  ratio {:.3}", known / unknown);
}
