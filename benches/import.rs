//! What an import costs, beside its floor: `cargo bench --bench import -- [sqlite|postgresql] [RESULTS…]`.
//!
//! In one run: the first import of a report, the same bytes again, the same results in other bytes, and a report of
//! which one result in twenty is gone and as many are new. The floor is the same bytes parsed into typed structs, and
//! the same rows written into the same tables and indexes by the fastest raw path (prepared statements, COPY).
//! PostgreSQL: a throw-away server where its programs are installed, or the one that PATCHBAY_TEST_POSTGRES_URL names.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first fault")]

use std::time::{Duration, Instant};

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

/// Results that all rounds of a size import together, as far as ten rounds go.
const MEASURED: usize = 150_000;
/// How long the background has for what an import left.
const SETTLES: Duration = Duration::from_millis(1500);
/// Lines of which the ratios are made.
const FIRST: &str = "first import";
const FLOOR_PARSES: &str = "floor: parse";
const FLOOR_WRITES: &str = "floor: write";

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

/// How often each size is measured, always on an empty database: CPU time comes in steps of 10 ms.
fn rounds(size: usize) -> usize {
    (MEASURED / size).clamp(1, 10)
}

fn sqlite(runtime: &tokio::runtime::Runtime, size: usize) {
    let mut table = Table::default();
    for _ in 0..rounds(size) {
        let folder = tempfile::tempdir().unwrap();
        let app = open(folder.path(), None);
        imports(runtime, &app, size, None, &mut table);
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
        table.add(FLOOR_PARSES, parsing, None);
        table.add(FLOOR_WRITES, writing, None);
    }
    table.print("SQLite", size);
}

fn postgresql(runtime: &tokio::runtime::Runtime, size: usize) {
    let mut table = Table::default();
    for _ in 0..rounds(size) {
        let Some(database) = postgres::Database::create() else { return };
        let folder = tempfile::tempdir().unwrap();
        let app = open(folder.path(), Some(database.url()));
        let server = cost::postmaster(&database.url());
        imports(runtime, &app, size, server, &mut table);
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
        table.add(FLOOR_PARSES, parsing, None);
        table.add(FLOOR_WRITES, writing, None);
    }
    table.print("PostgreSQL", size);
}

/// Imports the first report alone: the rows that the floor writes.
fn only_first(runtime: &tokio::runtime::Runtime, app: &App, size: usize) -> Vec<u8> {
    let report = generate::sarif(&generate::numbers(size).0, "a");
    let caller = organization(runtime, app);
    runtime.block_on(import(app, &caller, "bench", report.clone()));
    report
}

/// Runs the four imports of one size.
fn imports(runtime: &tokio::runtime::Runtime, app: &App, size: usize, server: Option<u32>, table: &mut Table) {
    let (first, second) = generate::numbers(size);
    let (report, other_bytes, changed) =
        (generate::sarif(&first, "a"), generate::sarif(&first, "b"), generate::sarif(&second, "c"));
    let caller = organization(runtime, app);
    let own = Watched::own(server);
    let cases = [(FIRST, &report), ("identical bytes", &report), ("identical results", &other_bytes)];
    for (name, bytes) in cases {
        let file = bytes.clone();
        let (counts, cost) = runtime.block_on(measured(&own, import(app, &caller, "bench", file)));
        table.add(name, cost, Some(counts));
    }
    let file = changed.clone();
    drop(other_bytes);
    let (counts, cost) = runtime.block_on(measured(&own, import(app, &caller, "bench", file)));
    table.add("5 % changed", cost, Some(counts));
}

/// Measures an import with what it leaves to do in the background: the checkpoint of SQLite's log. That is no time that
/// anybody waits.
async fn measured<T>(watched: &Watched, import: impl Future<Output = T>) -> (T, Cost) {
    let began = Instant::now();
    let work = async {
        let result = import.await;
        let wall = began.elapsed();
        tokio::time::sleep(SETTLES).await;
        (result, wall)
    };
    let ((result, wall), cost) = measure(watched, work).await;
    (result, Cost { wall, ..cost })
}

/// The figures of all rounds.
#[derive(Default)]
struct Table(Vec<Line>);

/// What one kind of work cost in all rounds together.
struct Line {
    name: &'static str,
    counts: Option<ScanCounts>,
    rounds: u32,
    cpu: Duration,
    wall: Duration,
    peak_mib: u64,
}

impl Table {
    fn add(&mut self, name: &'static str, cost: Cost, counts: Option<ScanCounts>) {
        let known = self.0.iter().position(|line| line.name == name).unwrap_or_else(|| {
            let (cpu, wall) = (Duration::ZERO, Duration::ZERO);
            self.0.push(Line { name, counts, rounds: 0, cpu, wall, peak_mib: cost.peak_mib });
            self.0.len() - 1
        });
        let line = &mut self.0[known];
        line.rounds += 1;
        line.cpu += cost.cpu;
        line.wall += cost.wall;
    }

    /// Means of the rounds, and the memory of the first one: the process keeps what the rounds before have left.
    fn print(&self, engine: &str, size: usize) {
        println!("\n{engine}, {size} results, mean of {} rounds", rounds(size));
        println!("{:24} {:>9} {:>9} {:>9}  ratio of CPU", "", "CPU s", "wall s", "peak MiB");
        let cpu = |name: &str| -> f64 {
            self.0.iter().find(|line| line.name == name).map_or(f64::NAN, |line| line.cpu.as_secs_f64())
        };
        for line in &self.0 {
            let mean = |sum: Duration| sum.as_secs_f64() / f64::from(line.rounds);
            let figures =
                format!("{:24} {:9.3} {:9.3} {:9}", line.name, mean(line.cpu), mean(line.wall), line.peak_mib);
            let Some(counts) = line.counts else {
                println!("{figures}");
                continue;
            };
            println!("{figures}  {:.2} × first  {}", cpu(line.name) / cpu(FIRST), in_words(counts));
        }
        println!("first import / floor: {:.2} in CPU", cpu(FIRST) / (cpu(FLOOR_PARSES) + cpu(FLOOR_WRITES)));
    }
}

fn in_words(counts: ScanCounts) -> String {
    format!(
        "new {} updated {} unchanged {} reopened {} resolved {}",
        counts.observations_new,
        counts.observations_updated,
        counts.observations_unchanged,
        counts.observations_reopened,
        counts.observations_resolved
    )
}
