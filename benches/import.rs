//! What an import costs, beside its floor: `cargo bench --bench import -- [sqlite|postgresql] [RESULTS…]`.
//!
//! In one run: the first import of a report, the same bytes again, the same results in other bytes, and a report of
//! which one result in twenty is gone and as many are new. The floor is the same bytes parsed into typed structs, and
//! the same rows written into the same tables and indexes by the fastest raw path (prepared statements, COPY).
//! PostgreSQL: a throw-away server where its programs are installed, or the one that PATCHBAY_TEST_POSTGRES_URL names.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first fault")]

use std::path::Path;

use patchbay::access::model::Caller;
use patchbay::access::permission::{Permissions, Role};
use patchbay::app::App;
use patchbay::base::actor::Actor;
use patchbay::base::ids::OrganizationId;
use patchbay::base::scope::ProductScope;
use patchbay::base::time::Clock;
use patchbay::config::Config;
use patchbay::config::sources::Sources;
use patchbay::db::pool::{Db, Target};
use patchbay::products::model::IdOrName;
use patchbay::products::target::Wanted;
use patchbay::reports::decode::Source;
use patchbay::scans::model::{ScanCounts, UploadSettings};
use patchbay::scans::service::{self, Submission};
use sha2::{Digest, Sha256};

#[path = "support/cost.rs"]
mod cost;
#[path = "support/floor.rs"]
mod floor;
#[path = "support/generate.rs"]
mod generate;
#[path = "../tests/it/postgres.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod postgres;

use cost::{Cost, Watched, measure};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let mut sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![10_000, 50_000];
    }
    let wants = |engine: &str| !words.iter().any(|w| w.parse::<usize>().is_err()) || words.iter().any(|w| w == engine);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for size in sizes {
        if wants("sqlite") {
            sqlite(&runtime, size);
        }
        if wants("postgresql") {
            postgresql(&runtime, size);
        }
    }
}

fn sqlite(runtime: &tokio::runtime::Runtime, size: usize) {
    let folder = tempfile::tempdir().unwrap();
    let app = open(folder.path(), None);
    let table = Table::begin("SQLite", size);
    imports(runtime, &app, size, None, &table);
    drop(app);
    let folder = tempfile::tempdir().unwrap();
    let app = open(folder.path(), None);
    let report = only_first(runtime, &app, size);
    drop(app);
    let rows = floor::read_sqlite(&folder.path().join("patchbay.db"));
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().join("floor.db");
    drop(Db::open(Target::Sqlite { path: path.clone() }, 1).unwrap());
    let own = Watched::own(None);
    let ((), parsing) = runtime.block_on(measure(&own, async { assert!(floor::parse(&report) > 0) }));
    let ((), writing) = runtime.block_on(measure(&own, async { floor::write_sqlite(&path, &rows) }));
    table.floor(parsing, writing);
}

fn postgresql(runtime: &tokio::runtime::Runtime, size: usize) {
    let Some(database) = postgres::Database::create() else { return };
    let folder = tempfile::tempdir().unwrap();
    let app = open(folder.path(), Some(database.url()));
    let server = cost::postmaster(&database.url());
    let table = Table::begin("PostgreSQL", size);
    imports(runtime, &app, size, server, &table);
    drop(app);
    let Some(database) = postgres::Database::create() else { return };
    let app = open(folder.path(), Some(database.url()));
    let report = only_first(runtime, &app, size);
    let rows = tempfile::tempdir().unwrap();
    floor::read_postgresql(&database.url(), rows.path());
    let empty = postgres::Database::create().unwrap();
    let own = Watched::own(server);
    let ((), parsing) = runtime.block_on(measure(&own, async { assert!(floor::parse(&report) > 0) }));
    let writing = async { floor::write_postgresql(&empty.url(), rows.path()) };
    let ((), writing) = runtime.block_on(measure(&own, writing));
    table.floor(parsing, writing);
}

/// Imports the first report alone: the rows that the floor writes.
fn only_first(runtime: &tokio::runtime::Runtime, app: &App, size: usize) -> Vec<u8> {
    let report = generate::sarif(&generate::numbers(size).0, "a");
    let caller = organization(runtime, app);
    runtime.block_on(import(app, &caller, report.clone()));
    report
}

/// Runs the four imports of one size.
fn imports(runtime: &tokio::runtime::Runtime, app: &App, size: usize, server: Option<u32>, table: &Table) {
    let (first, second) = generate::numbers(size);
    let (report, other_bytes, changed) =
        (generate::sarif(&first, "a"), generate::sarif(&first, "b"), generate::sarif(&second, "c"));
    let caller = organization(runtime, app);
    let own = Watched::own(server);
    let cases = [("first import", &report), ("identical bytes", &report), ("identical results", &other_bytes)];
    for (name, bytes) in cases {
        let file = bytes.clone();
        let (counts, cost) = runtime.block_on(measure(&own, import(app, &caller, file)));
        table.row(name, cost, counts);
    }
    let file = changed.clone();
    drop(other_bytes);
    let (counts, cost) = runtime.block_on(measure(&own, import(app, &caller, file)));
    table.row("5 % changed", cost, counts);
}

fn open(folder: &Path, url: Option<String>) -> App {
    let mut environment = vec![("PATCHBAY_DATA_FOLDER".to_owned(), folder.display().to_string())];
    environment.extend(url.map(|url| ("PATCHBAY_DATABASE_URL".to_owned(), url)));
    let config = Config::read(&Sources { file: None, environment, flags: Vec::new() }).unwrap();
    App::open(config, Clock::system()).unwrap()
}

fn organization(runtime: &tokio::runtime::Runtime, app: &App) -> Caller {
    use diesel::prelude::*;
    use patchbay::db::schema::organizations as o;
    let (id, now) = (OrganizationId::generate(), app.clock.now());
    let made = app.db.write(move |conn| {
        let row = (o::id.eq(id), o::slug.eq("bench"), o::name.eq("Bench"), o::created_at.eq(now));
        diesel::insert_into(o::table).values(row).execute(conn)?;
        Ok(())
    });
    runtime.block_on(made).unwrap();
    Caller {
        organization: id,
        actor: Actor::System,
        permissions: Permissions::of_role(Role::Admin),
        products: ProductScope::all(),
    }
}

async fn import(app: &App, caller: &Caller, file: Vec<u8>) -> ScanCounts {
    let submission = Submission {
        wanted: Wanted {
            product: IdOrName::Name("bench".to_owned()),
            branch: None,
            engagement: None,
            create_missing: true,
        },
        settings: UploadSettings::default(),
        size_bytes: file.len() as u64,
        file_hash: Sha256::digest(&file).into(),
        file: Source::Bytes(file),
    };
    let running = service::submit(app, caller.clone(), submission, app.clock.now()).await.unwrap();
    let upload = running.upload;
    running.task.await.unwrap().unwrap();
    let organization = caller.organization;
    let (_, scans) = app.db.read(move |conn| service::find_upload(conn, organization, upload)).await.unwrap();
    scans[0].counts
}

/// Prints the figures.
struct Table {
    first: std::cell::Cell<Option<Cost>>,
}

impl Table {
    fn begin(engine: &str, size: usize) -> Self {
        println!("\n{engine}, {size} results");
        println!("{:24} {:>9} {:>9} {:>9}  ratio of CPU", "", "CPU s", "wall s", "peak MiB");
        Self { first: std::cell::Cell::new(None) }
    }

    fn row(&self, name: &str, cost: Cost, counts: ScanCounts) {
        let ratio = self.first.get().map_or(String::new(), |first| format!("{:.2} × first", ratio(cost, first)));
        self.first.set(self.first.get().or(Some(cost)));
        let counts = format!(
            "new {} updated {} unchanged {} reopened {} resolved {}",
            counts.observations_new,
            counts.observations_updated,
            counts.observations_unchanged,
            counts.observations_reopened,
            counts.observations_resolved
        );
        println!("{} {ratio:16} {counts}", figures(name, cost));
    }

    fn floor(&self, parsing: Cost, writing: Cost) {
        println!("{}", figures("floor: parse", parsing));
        println!("{}", figures("floor: write", writing));
        if let Some(first) = self.first.get() {
            let both = parsing.cpu.as_secs_f64() + writing.cpu.as_secs_f64();
            println!("first import / floor: {:.2} in CPU", first.cpu.as_secs_f64() / both);
        }
    }
}

fn figures(name: &str, cost: Cost) -> String {
    let (cpu, wall) = (cost.cpu.as_secs_f64(), cost.wall.as_secs_f64());
    format!("{name:24} {cpu:9.2} {wall:9.2} {:9}", cost.peak_mib)
}

fn ratio(of: Cost, to: Cost) -> f64 {
    of.cpu.as_secs_f64() / to.cpu.as_secs_f64()
}
