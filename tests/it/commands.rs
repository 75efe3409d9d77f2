//! The binary as people and machines start it: a process of its own, what it prints, its files, its signals.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn patchbay(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    // Not what the developer has set: a variable of theirs would change what is tested.
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    patchbay(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server in a process of its own, on a port that the system gave.
struct Server {
    child: Child,
    /// What it printed.
    said: Arc<Mutex<String>>,
    log: Arc<Mutex<String>>,
    address: String,
}

impl Server {
    fn start(folder: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_command(patchbay(folder).envs(environment.iter().copied()))
    }

    fn start_command(command: &mut Command) -> Self {
        command.env("PATCHBAY_LISTEN", "127.0.0.1:0");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (said, log) = (keep(child.stdout.take().unwrap()), keep(child.stderr.take().unwrap()));
        let mut server = Self { child, said, log, address: String::new() };
        server.wait_until(|server| {
            let said = server.said();
            let address = said.split("http://").nth(1).and_then(|rest| rest.split_once("/api/v1"));
            server.address = address.map(|(address, _)| address.to_owned()).unwrap_or_default();
            !server.address.is_empty() && server.get("/readyz").starts_with("HTTP/1.1 200")
        });
        server
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    fn wait_until(&mut self, mut reached: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !reached(self) {
            assert!(began.elapsed() < PATIENCE, "printed: {}\nlogged: {}", self.said(), self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The whole answer as text; empty when there is no connection.
    fn get(&self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"))
    }

    fn send(&self, request: &str) -> String {
        let mut answer = Vec::new();
        if let Ok(mut stream) = TcpStream::connect(&self.address) {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            drop(stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut answer)));
        }
        text(&answer)
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn ended(&mut self) -> ExitStatus {
        self.wait_until(|server| server.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Collects what a process writes, so that it never waits for a reader.
fn keep(mut from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let kept = Arc::new(Mutex::new(String::new()));
    let to = Arc::clone(&kept);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            to.lock().unwrap().push_str(&text(&buffer[..length]));
        }
    });
    kept
}

#[test]
fn the_first_start_makes_keys_and_an_administrator_and_the_next_one_neither() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(folder.path(), &[]);
    let said = first.said();
    for line in ["/api/v1\n", "/docs/\n", "./data/patchbay.db\n", "./data/keys.json\n", "admin@localhost, password "] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    let password = said.split("password ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(password.len() >= 20, "{password:?} can be guessed");
    assert!(!first.log().contains(password), "the log keeps the password");
    let keys = fs::read_to_string(folder.path().join("data/keys.json")).unwrap();
    drop(first);
    let second = Server::start(folder.path(), &[]);
    assert!(!second.said().contains("password"), "{}", second.said());
    assert_eq!(fs::read_to_string(folder.path().join("data/keys.json")).unwrap(), keys);
}

#[cfg(unix)]
#[test]
fn what_is_secret_in_the_data_folder_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path(), &[]));
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data/keys.json"), 0o600);
    assert_eq!(mode("data") & 0o077, 0, "others can list the data folder: {:o}", mode("data"));
}

#[test]
fn the_first_password_can_be_given_and_is_then_printed_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let environment = [("PATCHBAY_ADMIN_EMAIL", "root@corp.example"), ("PATCHBAY_ADMIN_PASSWORD", "as-given-by-us-7")];
    let server = Server::start(folder.path(), &environment);
    assert!(server.said().contains("root@corp.example, with the password that you gave"), "{}", server.said());
    assert!(!server.said().contains("as-given-by-us-7"));
    assert!(!server.log().contains("as-given-by-us-7"));
}

#[test]
fn a_database_in_use_is_not_opened_with_new_keys() {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path(), &[]));
    fs::remove_file(folder.path().join("data/keys.json")).unwrap();
    let refused = run(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("put the file back"), "{}", text(&refused.stderr));
    assert!(run(folder.path(), &["rotate-keys", "--drop-old"]).status.success());
    Server::start(folder.path(), &[]);
}

/// S-43
#[test]
fn a_stop_is_seen_by_balancers_first_and_ends_within_the_grace() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[("PATCHBAY_SHUTDOWN_SECONDS", "50")]);
    let began = Instant::now();
    server.signal("TERM");
    server.wait_until(|server| server.get("/readyz").starts_with("HTTP/1.1 503"));
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200"), "it is alive, only not ready");
    assert_eq!(server.ended().code(), Some(0), "{}", server.log());
    assert!(began.elapsed() < Duration::from_secs(50), "nothing was in flight, and yet it took {:?}", began.elapsed());
}

/// S-43
#[test]
fn a_stop_waits_for_the_request_that_is_being_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[("PATCHBAY_SHUTDOWN_SECONDS", "20")]);
    let body = r#"{"email": "nobody@corp.example", "password": "wrong"}"#;
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body[..10]).as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    std::thread::sleep(Duration::from_secs(3));
    assert!(server.child.try_wait().unwrap().is_none(), "it did not wait: {}", server.log());
    stream.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = text(&answer).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 401"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(server.ended().code(), Some(0), "{}", server.log());
}

#[test]
fn each_request_is_one_line_of_json_that_can_be_found_by_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    let answer = server.send(
        "GET /api/v1/me?token=hidden HTTP/1.1\r\nHost: here\r\nX-Request-Id: find-me-7\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.to_ascii_lowercase().contains("x-request-id: find-me-7"), "{answer}");
    server.wait_until(|server| server.log().contains("find-me-7"));
    let log = server.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let line = lines.iter().find(|line| line["span"]["request_id"] == "find-me-7").unwrap();
    assert_eq!((&line["method"], &line["path"]), (&Value::from("GET"), &Value::from("/api/v1/me")));
    assert!(line["status"].is_u64() && line["duration_ms"].is_u64() && line["client"] == "127.0.0.1", "{line}");
    assert!(!log.contains("hidden"), "queries may hold secrets: {log}");
}

#[test]
fn metrics_can_have_an_address_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(folder.path(), &[("PATCHBAY_METRICS_LISTEN", &port.to_string())]);
    assert!(server.get("/metrics").starts_with("HTTP/1.1 404"));
    let mut stream = TcpStream::connect(port).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(text(&answer).contains("patchbay_http_requests_total{"), "{}", text(&answer));
}

#[test]
fn the_health_check_of_containers_asks_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let check = run(folder.path(), &["healthcheck", "--listen", &server.address]);
    assert!(check.status.success(), "{}", text(&check.stderr));
    let address = server.address.clone();
    drop(server);
    assert!(!run(folder.path(), &["healthcheck", "--listen", &address]).status.success());
}

/// S-40
#[test]
fn a_backup_taken_while_the_server_writes_is_whole_and_can_be_started_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let writes = Arc::new(Mutex::new(true));
    let conn = rusqlite::Connection::open(folder.path().join("data/patchbay.db")).unwrap();
    conn.execute("CREATE TABLE pairs (text TEXT NOT NULL)", []).unwrap();
    let writer = std::thread::spawn({
        let writes = Arc::clone(&writes);
        move || write_pairs(conn, &writes)
    });
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(elsewhere.path().join("data")).unwrap();
    for round in 0..5 {
        let copy = elsewhere.path().join(format!("copy-{round}.db"));
        let backup = run(folder.path(), &["backup", copy.to_str().unwrap()]);
        assert!(backup.status.success(), "{}", text(&backup.stderr));
        let copy = rusqlite::Connection::open(&copy).unwrap();
        let sound: String = copy.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
        let halves: i64 = copy.query_row("SELECT count(*) FROM pairs", [], |row| row.get(0)).unwrap();
        assert_eq!(halves % 2, 0, "half of a transaction is in the copy");
    }
    *writes.lock().unwrap() = false;
    let written = writer.join().unwrap();
    assert!(written > 10, "only {written} writes ran beside the backups");
    drop(server);
    fs::rename(elsewhere.path().join("copy-4.db"), elsewhere.path().join("data/patchbay.db")).unwrap();
    fs::copy(folder.path().join("data/keys.json"), elsewhere.path().join("data/keys.json")).unwrap();
    let restored = Server::start(elsewhere.path(), &[]);
    assert!(!restored.said().contains("password"), "the restored server has its administrator");
}

/// Two rows per transaction, until told to stop; says how many transactions there were.
fn write_pairs(mut conn: rusqlite::Connection, writes: &Mutex<bool>) -> usize {
    conn.busy_timeout(PATIENCE).unwrap();
    let mut count = 0;
    while *writes.lock().unwrap() {
        let pair = conn.transaction().unwrap();
        for _ in 0..2 {
            pair.execute("INSERT INTO pairs VALUES (?)", ["x".repeat(2000)]).unwrap();
        }
        pair.commit().unwrap();
        count += 1;
    }
    count
}

#[test]
fn a_backup_replaces_nothing_and_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = run(folder.path(), &["backup", "copy.db"]);
    assert!(text(&nothing.stderr).contains("there is no database"), "{}", text(&nothing.stderr));
    assert!(run(folder.path(), &["migrate"]).status.success());
    fs::write(folder.path().join("copy.db"), "precious").unwrap();
    let refused = run(folder.path(), &["backup", "copy.db"]);
    assert!(text(&refused.stderr).contains("already there"), "{}", text(&refused.stderr));
    assert_eq!(fs::read_to_string(folder.path().join("copy.db")).unwrap(), "precious");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// S-40
#[test]
fn a_database_of_a_newer_release_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    assert!(text(&run(folder.path(), &["migrate"]).stdout).contains("applied"));
    assert!(text(&run(folder.path(), &["migrate"]).stdout).contains("up to date"));
    let database = rusqlite::Connection::open(folder.path().join("data/patchbay.db")).unwrap();
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')", []).unwrap();
    for command in ["migrate", "serve"] {
        let refused = run(folder.path(), &[command, "--listen", "127.0.0.1:0"]);
        assert!(!refused.status.success());
        let said = text(&refused.stderr);
        assert!(said.contains("9999") && said.contains("newer release"), "{said}");
    }
}

#[test]
fn faults_of_the_configuration_are_told_together_and_end_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = patchbay(folder.path());
    command.env("PATCHBAY_WORKERS", "9").env("PATCHBAY_LISTEN", "x").args(["serve", "--spool-bytes", "1GB"]);
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    for fault in
        ["PATCHBAY_WORKERS: is not known, did you mean PATCHBAY_WORKER", "PATCHBAY_LISTEN: ", "--spool-bytes: "]
    {
        assert!(said.contains(fault), "{fault:?} is not in {said}");
    }
    assert!(!folder.path().join("data").exists(), "it began to work all the same");
}

#[test]
fn the_configuration_is_printed_with_its_origins_and_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let output = patchbay(folder.path())
        .env("PATCHBAY_METRICS_TOKEN", "hunter2-hunter2")
        .args(["config", "--listen", "127.0.0.1:7777"])
        .output()
        .unwrap();
    let printed = text(&output.stdout);
    assert!(printed.lines().any(|line| line.contains("127.0.0.1:7777") && line.ends_with("# --listen")), "{printed}");
    assert!(printed.lines().any(|line| line.contains("\"•••\"") && line.ends_with("# PATCHBAY_METRICS_TOKEN")));
    assert!(!printed.contains("hunter2"));
    assert!(toml::from_str::<toml::Table>(&printed).is_ok(), "it can be the file of the next start: {printed}");
}

#[test]
fn secrets_are_no_flags() {
    let help = text(&run(&std::env::temp_dir(), &["--help"]).stdout);
    assert!(help.contains("--data-folder") && help.contains("PATCHBAY_DATA_FOLDER"));
    for flag in ["--admin-password", "--metrics-token", "--keys <", "--database-url"] {
        assert!(!help.contains(flag), "others on the machine could read {flag}");
    }
}

#[test]
fn prints_the_document_that_the_server_serves() {
    let folder = tempfile::tempdir().unwrap();
    let printed: Value = serde_json::from_slice(&run(folder.path(), &["openapi"]).stdout).unwrap();
    let server = Server::start(folder.path(), &[]);
    let answer = server.get("/openapi.json");
    let served: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(printed, served);
}

/// PB-7
#[test]
fn the_demo_imports_real_reports_shows_its_tickets_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let mut demo = Server::start_command(patchbay(folder.path()).arg("demo").env("TMPDIR", &temporary));
    demo.wait_until(|demo| demo.said().contains("Ctrl-C"));
    let said = demo.said();
    for line in
        ["web-shop-1.sarif", "5 new", "2 resolved", "1 reopened", "create CVE-2024-3094", "create Tokens without"]
    {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    let token = said.split("TOKEN=").nth(1).unwrap().split_whitespace().next().unwrap();
    let path = "/api/v1/organizations/acme/observations?status=open&limit=100";
    let answer = demo.send(&format!(
        "GET {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    ));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let page: Value = serde_json::from_str(body).unwrap();
    assert_eq!(page["items"].as_array().unwrap().len(), 11, "5 + 1 - 2 + 1 - 1 of the shop, 5 + 2 of the payments");
    demo.signal("INT");
    assert_eq!(demo.ended().code(), Some(0), "{}", demo.log());
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "something is left");
    assert!(!folder.path().join("data").exists(), "it touched the configured data folder");
}
