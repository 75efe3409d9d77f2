//! How fast deliveries of webhooks are taken in: `cargo bench --bench webhooks -- [DELIVERIES] [RESULTS]`.
//!
//! Over real sockets, on SQLite: first as many as possible at once, then a steady stream while a report of RESULTS
//! results is imported. Every delivery is durable when it is answered. The bars: 2,000 a second, and 100 ms for 99 of
//! 100 deliveries while the import writes.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first fault")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use patchbay::access::model::Caller;
use patchbay::access::permission::{Permissions, Role};
use patchbay::app::App;
use patchbay::base::actor::Actor;
use patchbay::base::ids::{ConnectionId, OrganizationId};
use patchbay::base::scope::ProductScope;
use patchbay::base::time::Clock;
use patchbay::config::Config;
use patchbay::config::sources::Sources;
use patchbay::products::model::IdOrName;
use patchbay::products::target::Wanted;
use patchbay::reports::decode::Source;
use patchbay::scans::model::UploadSettings;
use patchbay::scans::service::{self, Submission};
use patchbay::{server, webhooks};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[path = "support/generate.rs"]
mod generate;

/// Connections that send as fast as they are answered.
const SENDERS: usize = 64;
/// A busy tracker: deliveries a second while the import runs.
const STEADY: u64 = 200;
/// Of a delivery: about what an issue of GitHub takes.
const BODY_BYTES: usize = 6_000;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let (deliveries, results) = (numbers.first().copied().unwrap_or(20_000), numbers.get(1).copied().unwrap_or(50_000));
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let environment =
        [("DATA_FOLDER", folder.path().to_str().unwrap()), ("LISTEN", "127.0.0.1:0"), ("LOG_LEVEL", "error")];
    let environment = environment.map(|(name, value)| (format!("PATCHBAY_{name}"), value.to_owned())).to_vec();
    let config = Config::read(&Sources { file: None, environment, flags: Vec::new() }).unwrap();
    let app = App::open(config, Clock::system()).unwrap();
    runtime.block_on(async {
        let (caller, path) = set_up(&app).await;
        let listening = server::listen(app.clone()).unwrap();
        let address = listening.address;
        tokio::spawn(listening.serve());
        tokio::spawn(patchbay::worker::run::run(app.clone()));
        at_once(address, &path, deliveries).await;
        during_import(&app, caller, address, &path, results).await;
        app.stop.begin();
    });
}

/// An organization with a webhook; answers its path.
async fn set_up(app: &App) -> (Caller, String) {
    use diesel::prelude::*;
    use patchbay::db::schema::{organizations as o, tracker_connections as c};
    let (organization, connection, now) = (OrganizationId::generate(), ConnectionId::generate(), app.clock.now());
    let caller = Caller {
        organization,
        actor: Actor::System,
        permissions: Permissions::of_role(Role::Admin),
        products: ProductScope::all(),
        branch: None,
    };
    let (rotating, keys) = (caller.clone(), app.keys.clone());
    let made = app.db.write(move |conn| {
        let row = (o::id.eq(organization), o::slug.eq("bench"), o::name.eq("Bench"), o::created_at.eq(now));
        diesel::insert_into(o::table).values(row).execute(conn)?;
        let row = (
            (c::organization_id.eq(organization), c::id.eq(connection), c::label.eq("bench"), c::kind.eq("github")),
            (c::base_url.eq("http://127.0.0.1:9"), c::secret_sealed.eq(Vec::<u8>::new()), c::settings_json.eq("{}")),
            (c::created_at.eq(now), c::updated_at.eq(now)),
        );
        diesel::insert_into(c::table).values(row).execute(conn)?;
        webhooks::service::rotate(conn, &rotating, &keys, connection, 0, now)
    });
    let made = made.await.unwrap();
    (caller, made.overview.url("", made.secret.expose()))
}

/// As many as possible.
async fn at_once(address: SocketAddr, path: &str, deliveries: usize) {
    let (next, began) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let senders = (0..SENDERS).map(|_| {
        let (next, path) = (Arc::clone(&next), path.to_owned());
        tokio::spawn(async move {
            let mut sender = Sender::connect(address, &path).await;
            let mut took = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= deliveries {
                    return took;
                }
                took.push(sender.send(number).await);
            }
        })
    });
    let mut took = Vec::new();
    for sender in senders.collect::<Vec<_>>() {
        took.extend(sender.await.unwrap());
    }
    let rate = deliveries as f64 / began.elapsed().as_secs_f64();
    println!("{deliveries} deliveries at once by {SENDERS} connections: {rate:.0} a second, {}", Spread::of(took));
}

/// A steady stream, while a report is imported.
async fn during_import(app: &App, caller: Caller, address: SocketAddr, path: &str, results: usize) {
    let report = generate::sarif(&generate::numbers(results).0, "a");
    let is_over = Arc::new(AtomicBool::new(false));
    let steady = tokio::spawn({
        let (is_over, path) = (Arc::clone(&is_over), path.to_owned());
        async move { stream(address, &path, &is_over).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    import(app, caller, report).await;
    let imported = began.elapsed();
    is_over.store(true, Ordering::Relaxed);
    let took = steady.await.unwrap();
    let count = took.len();
    println!(
        "{count} deliveries, {STEADY} a second, while {results} results are imported in {:.1} s: {}",
        imported.as_secs_f64(),
        Spread::of(took)
    );
}

async fn stream(address: SocketAddr, path: &str, is_over: &AtomicBool) -> Vec<Duration> {
    let (sent, mut took) = tokio::sync::mpsc::unbounded_channel();
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / STEADY));
    let mut number = 1_000_000;
    while !is_over.load(Ordering::Relaxed) {
        ticks.tick().await;
        number += 1;
        let (sent, path) = (sent.clone(), path.to_owned());
        // A connection of its own: none waits for the answer to another, as trackers do not.
        tokio::spawn(async move {
            let began = Instant::now();
            Sender::connect(address, &path).await.send(number).await;
            let _nobody_counts = sent.send(began.elapsed());
        });
    }
    drop(sent);
    let mut all = Vec::new();
    while let Some(one) = took.recv().await {
        all.push(one);
    }
    all
}

async fn import(app: &App, caller: Caller, file: Vec<u8>) {
    let wanted =
        Wanted { product: IdOrName::Name("bench".to_owned()), branch: None, engagement: None, create_missing: true };
    let submission = Submission {
        wanted,
        settings: UploadSettings::default(),
        size_bytes: file.len() as u64,
        file_hash: Sha256::digest(&file).into(),
        file: Source::Bytes(file),
    };
    let running = service::submit(app, caller, submission, app.clock.now()).await.unwrap();
    running.task.await.unwrap().unwrap();
}

/// One connection, without the cost of an HTTP client.
struct Sender {
    stream: TcpStream,
    head: String,
}

impl Sender {
    async fn connect(address: SocketAddr, path: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nX-GitHub-Event: issues\r\n"
        );
        Self { stream, head }
    }

    async fn send(&mut self, number: usize) -> Duration {
        let issue = format!(
            "{{\"action\":\"edited\",\"sender\":{{\"login\":\"ann\"}},\"issue\":{{\"id\":{number},\"number\":{number},\
             \"state\":\"open\",\"body\":\"{}\"}},\"repository\":{{\"full_name\":\"acme/app\"}}}}",
            "x".repeat(BODY_BYTES)
        );
        let request =
            format!("{}X-GitHub-Delivery: {number}\r\nContent-Length: {}\r\n\r\n{issue}", self.head, issue.len());
        let began = Instant::now();
        self.stream.write_all(request.as_bytes()).await.unwrap();
        let (mut answer, mut read) = ([0; 4096], 0);
        while !answer[..read].windows(4).any(|end| end == b"\r\n\r\n") {
            let more = self.stream.read(&mut answer[read..]).await.unwrap();
            assert!(more > 0, "the server has closed the connection");
            read += more;
        }
        assert!(answer.starts_with(b"HTTP/1.1 202"), "{}", String::from_utf8_lossy(&answer[..read]));
        began.elapsed()
    }
}

/// How long answers took.
struct Spread {
    half: Duration,
    most: Duration,
    longest: Duration,
}

impl Spread {
    fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
        Self { half: at(0.5), most: at(0.99), longest: at(1.0) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |one: Duration| one.as_secs_f64() * 1_000.0;
        write!(f, "p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms", ms(self.half), ms(self.most), ms(self.longest))
    }
}
