//! PostgreSQL for the tests: the server that `PATCHBAY_TEST_POSTGRES_URL` names, or a throw-away one where its programs are
//! installed. Each test gets a database of its own, copied from one that is migrated once.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use patchbay::base::secret::Secret;
use patchbay::db::migrate;
use patchbay::db::pool::Target;
use uuid::Uuid;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);

/// Ends with its standard input, so the server ends with the tests, however they end.
const KEEPER: &str = r#"
"$1/postgres" -D "$2/cluster" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c max_connections=400 -c shared_buffers=64MB -c logging_collector=off >"$2/log" 2>&1 </dev/null &
cat >/dev/null
kill -INT $!
wait
rm -rf "$2"
"#;

/// A running server.
struct Server {
    /// The URL without the name of the database.
    base: String,
    /// What follows the name.
    options: String,
    template: String,
    /// Its standard input closes when the tests end.
    _keeper: Option<Child>,
}

/// A database of one test, dropped with it.
pub struct Database {
    server: &'static Server,
    name: String,
}

impl Database {
    /// A new database with the newest schema. `None`, loudly, where there is no PostgreSQL.
    pub fn create() -> Option<Self> {
        let server = server()?;
        let database = Self { server, name: format!("test_{}", Uuid::now_v7().simple()) };
        server.execute(&format!("CREATE DATABASE {} TEMPLATE {}", database.name, server.template));
        Some(database)
    }

    /// A new database without tables.
    pub fn create_empty() -> Option<Self> {
        let server = server()?;
        let database = Self { server, name: format!("test_{}", Uuid::now_v7().simple()) };
        server.execute(&format!("CREATE DATABASE {} TEMPLATE template0", database.name));
        Some(database)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.server.execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(Server::find).as_ref()
}

impl Server {
    fn find() -> Option<Self> {
        let found = match std::env::var("PATCHBAY_TEST_POSTGRES_URL") {
            Ok(url) => Some(Self::at(&url)),
            Err(_) => programs().map(|programs| Self::start(&programs)),
        };
        if found.is_none() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "CI=true, but PostgreSQL is not installed");
            eprintln!("!!!! NOT TESTED ON POSTGRESQL: it is not installed, and PATCHBAY_TEST_POSTGRES_URL is not set");
        }
        found
    }

    fn at(url: &str) -> Self {
        let (base, rest) =
            url.rsplit_once('/').expect("PATCHBAY_TEST_POSTGRES_URL is like postgres://user@host/database");
        let options = rest.split_once('?').map_or(String::new(), |(_, options)| format!("?{options}"));
        Self { base: base.to_owned(), options, template: String::new(), _keeper: None }.with_template()
    }

    fn start(programs: &Path) -> Self {
        let folder = folder();
        let initdb = programs.join("initdb");
        let cluster = folder.join("cluster");
        let made = as_somebody(&initdb)
            .args(["-U", "patchbay", "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync", "-D"])
            .arg(&cluster)
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let keeper = as_somebody(Path::new("sh"))
            .args(["-c", KEEPER, "keeper"])
            .args([programs, &folder])
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let options = format!("?host={}", folder.display());
        let base = "postgres://patchbay@localhost".to_owned();
        let server = Self { base, options, template: String::new(), _keeper: Some(keeper) };
        server.wait(&folder);
        server.with_template()
    }

    fn wait(&self, folder: &Path) {
        let began = Instant::now();
        while let Err(error) = PgConnection::establish(&self.url("postgres")) {
            let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(began.elapsed() < START, "PostgreSQL does not start: {error}\n{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn with_template(mut self) -> Self {
        let name = format!("template_{}", Uuid::now_v7().simple());
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE template0"));
        let url = Secret::new(self.url(&name));
        migrate::run(&Target::Postgres { url }).expect("the migrations run on PostgreSQL");
        self.template = name;
        self
    }

    fn url(&self, database: &str) -> String {
        format!("{}/{database}{}", self.base, self.options)
    }

    /// One at a time: a template cannot be copied twice at once.
    fn execute(&self, statement: &str) {
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut conn = PgConnection::establish(&self.url("postgres")).expect("PostgreSQL can be reached");
        conn.batch_execute(statement).expect(statement);
    }
}

/// Where `initdb` and `postgres` are: Debian keeps them out of the path.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path);
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    debian.sort();
    let mut folders = debian.into_iter().rev().chain(in_path);
    folders.find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// A folder for the server, owned by whom it runs as. Its path is short: sockets have short names.
fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("patchbay-pg-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    if is_root() {
        let status = Command::new("chown").arg("nobody").arg(&folder).status().expect("chown runs");
        assert!(status.success(), "chown fails");
    }
    folder
}

/// PostgreSQL refuses to run as root.
fn as_somebody(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]).arg(program);
    } else {
        command = Command::new(program);
    }
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    let mut id = Command::new("id").arg("-u").stdout(Stdio::piped()).spawn().expect("id runs");
    let mut text = String::new();
    id.stdout.take().expect("it is piped").read_to_string(&mut text).expect("a number is text");
    drop(id.wait());
    text.trim() == "0"
}
