//! What an import costs, beside its floor: `cargo bench --bench import -- [sqlite|postgresql] [RESULTS…]`.
//!
//! In one run: the first import of a report, the same bytes again, the same results in other bytes, and a report of
//! which one result in twenty is gone and as many are new. The floor is the same bytes parsed into typed structs, and
//! the same rows written into the same tables and indexes by the fastest raw path (prepared statements, COPY).
//! PostgreSQL: a throw-away server where its programs are installed, or the one that PATCHBAY_TEST_POSTGRES_URL names.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first fault")]

use patchbay::app::App;
use patchbay::db::pool::{Db, Target};
use patchbay::scans::model::ScanCounts;

#[path = "support/cost.rs"]
mod cost;
#[path = "support/floor.rs"]
mod floor;
#[path = "support/generate.rs"]
mod generate;
#[path = "support/library.rs"]
mod library;
#[path = "../tests/it/postgres.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod postgres;

use cost::{Cost, Watched, measure};
use library::{import, open, organization};

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
    runtime.block_on(import(app, &caller, "bench", report.clone()));
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
        let (counts, cost) = runtime.block_on(measure(&own, import(app, &caller, "bench", file)));
        table.row(name, cost, counts);
    }
    let file = changed.clone();
    drop(other_bytes);
    let (counts, cost) = runtime.block_on(measure(&own, import(app, &caller, "bench", file)));
    table.row("5 % changed", cost, counts);
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
