//! What issues cost: `cargo bench --bench issues -- [sqlite|postgresql] [ISSUES]`.
//!
//! In one run, over 1,000 vulnerabilities on 50 hosts each:
//!
//! - creating an issue of 50,000 instances, and one of the 100,000 of two products;
//! - recomputing ISSUES (1,000) issues of 1,000 instances after one observation in twenty was resolved, beside the pure
//!   set operation in SQL: the same rows of instances, counts and timelines, by one statement each. Both are rolled back
//!   and done again in turns.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first fault")]

use std::fmt::Write;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use patchbay::access::model::Caller;
use patchbay::app::App;
use patchbay::base::error::ApiError;
use patchbay::base::ids::{AssetId, BranchId, ObservationId, OrganizationId, ProductId, VulnerabilityId};
use patchbay::base::time::UtcTime;
use patchbay::db::conn::Conn;
use patchbay::db::schema::{observations, products, vulnerabilities};
use patchbay::issues::model::{NewIssue, Pair};
use patchbay::issues::recompute;
use patchbay::issues::selection::Selection;
use patchbay::issues::service::create;
use patchbay::observations::status::ObservationStatus;
use tokio::runtime::Runtime;

#[path = "support/cost.rs"]
mod cost;
#[path = "support/library.rs"]
mod library;
#[path = "../tests/it/postgres.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod postgres;

use cost::{Watched, measure};
use library::{import, open, organization};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Vulnerabilities of one product.
const VULNERABILITIES: usize = 1_000;
/// Hosts that each of them is on.
const HOSTS: usize = 50;
/// Vulnerabilities of one of the many issues.
const OF_ISSUE: usize = 20;
/// How often each way of recomputing is timed.
const TURNS: usize = 5;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let issues = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1_000);
    let wants = |engine: &str| !words.iter().any(|w| w.parse::<usize>().is_err()) || words.iter().any(|w| w == engine);
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    if wants("sqlite") {
        println!("\nSQLite");
        all(&runtime, &open(folder.path(), None), Watched::own(None), issues);
    }
    if wants("postgresql") {
        let Some(database) = postgres::Database::create() else { return };
        let folder = tempfile::tempdir().unwrap();
        let app = open(folder.path(), Some(database.url()));
        println!("\nPostgreSQL");
        all(&runtime, &app, Watched::own(cost::postmaster(&database.url())), issues);
    }
}

fn all(runtime: &Runtime, app: &App, own: Watched, issues: usize) {
    let caller = organization(runtime, app);
    for product in ["shop", "bank"] {
        runtime.block_on(import(app, &caller, product, report(product)));
    }
    println!("{:32} {:>9} {:>9} {:>9}", "issue of", "CPU s", "wall s", "peak MiB");
    let (shop, ids) = runtime.block_on(known(app, caller.organization));
    for wanted in [Selection::Product(shop), Selection::Filter(Box::default())] {
        let (count, cost) = runtime.block_on(measure(&own, make(app, &caller, wanted)));
        let name = format!("{count} instances");
        let (cpu, wall) = (cost.cpu.as_secs_f64(), cost.wall.as_secs_f64());
        println!("{name:32} {cpu:9.2} {wall:9.2} {:9}", cost.peak_mib);
    }
    for number in 0..issues {
        let first = number * OF_ISSUE % ids.len();
        let wanted = Selection::Vulnerabilities(ids[first..first + OF_ISSUE].to_vec());
        assert_eq!(runtime.block_on(make(app, &caller, wanted)), i64::try_from(OF_ISSUE * HOSTS).unwrap());
    }
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        times[0].push(runtime.block_on(undone(app, caller.organization, by_patchbay)));
        times[1].push(runtime.block_on(undone(app, caller.organization, in_pure_sql)));
    }
    let [ours, pure] = times.map(|mut times| {
        times.sort();
        times[TURNS / 2].as_secs_f64()
    });
    println!("recompute {issues} issues: {ours:.2} s; pure SQL: {pure:.2} s; {:.2} ×", ours / pure);
}

/// Each vulnerability on each host, as CSV.
fn report(product: &str) -> Vec<u8> {
    let mut text = "tool,title,severity,rule,description,remediation,asset,asset_kind,port\n".to_owned();
    for (vulnerability, host) in (0..VULNERABILITIES).flat_map(|one| (0..HOSTS).map(move |host| (one, host))) {
        let severity = ["low", "medium", "high", "critical"][vulnerability % 4];
        writeln!(
            text,
            "Net,{product} weakness {vulnerability},{severity},{product}-{vulnerability},It answers what it should \
             not.,Install the update.,{product}-{host}.example.com,host,443"
        )
        .unwrap();
    }
    text.into_bytes()
}

/// The first product and its vulnerabilities.
async fn known(app: &App, organization: OrganizationId) -> (ProductId, Vec<VulnerabilityId>) {
    let read = app.db.read(move |conn| -> QueryResult<_> {
        let of_organization = products::organization_id.eq(organization).and(products::name.eq("shop"));
        let shop = products::table.filter(of_organization).select(products::id).first(conn)?;
        let own = observations::table
            .filter(observations::organization_id.eq(organization).and(observations::product_id.eq(shop)))
            .select(observations::vulnerability_id);
        let ids = vulnerabilities::table
            .filter(vulnerabilities::organization_id.eq(organization).and(vulnerabilities::id.eq_any(own)))
            .select(vulnerabilities::id)
            .load(conn)?;
        Ok((shop, ids))
    });
    read.await.unwrap()
}

/// Makes an issue; answers how many instances it has.
async fn make(app: &App, caller: &Caller, wanted: Selection) -> i64 {
    let (caller, now) = (caller.clone(), app.clock.now());
    let input = NewIssue {
        name: None,
        description: None,
        remediation: None,
        risk: None,
        state: None,
        due_at: None,
        assignee: None,
        product_id: None,
    };
    let made = app.db.write(move |conn| create::create(conn, &caller, input, Some(&wanted), now));
    made.await.unwrap().issue.counts.instance_count
}

/// Resolves one observation in twenty, times what follows for issues, and takes everything back.
async fn undone(app: &App, organization: OrganizationId, work: fn(&mut Conn, OrganizationId, &[Pair])) -> Duration {
    let (done, time) = mpsc::channel();
    let attempt = app.db.write(move |conn| {
        let pairs = resolve(conn, organization)?;
        let began = Instant::now();
        work(conn, organization, &pairs);
        done.send(began.elapsed()).map_err(ApiError::internal)?;
        Err::<(), _>(ApiError::Conflict("taken back".to_owned()))
    });
    assert!(attempt.await.is_err());
    time.recv().unwrap()
}

fn resolve(conn: &mut Conn, organization: OrganizationId) -> Result<Vec<Pair>, ApiError> {
    use observations as o;
    let rows: Vec<(ObservationId, BranchId, VulnerabilityId, AssetId)> = o::table
        .filter(o::organization_id.eq(organization))
        .order(o::id)
        .select((o::id, o::branch_id, o::vulnerability_id, o::asset_id))
        .load(conn)?;
    let gone: Vec<_> = rows.into_iter().take(VULNERABILITIES * HOSTS).step_by(20).collect();
    for ids in gone.chunks(1_000) {
        let ids: Vec<_> = ids.iter().map(|(id, ..)| *id).collect();
        diesel::update(o::table.filter(o::organization_id.eq(organization).and(o::id.eq_any(ids))))
            .set((o::status.eq(ObservationStatus::Resolved), o::is_active.eq(false)))
            .execute(conn)?;
    }
    Ok(gone.into_iter().map(|(_, branch, vulnerability, asset)| Pair { branch, vulnerability, asset }).collect())
}

fn by_patchbay(conn: &mut Conn, organization: OrganizationId, pairs: &[Pair]) {
    let changed = recompute::of_pairs(conn, organization, pairs, UtcTime::from_micros(1));
    assert!(changed.unwrap().len() > 1);
}

/// The same end, by the fewest statements: no check, nothing read, nobody told but the timelines.
fn in_pure_sql(conn: &mut Conn, organization: OrganizationId, pairs: &[Pair]) {
    let hex = |id: uuid::Uuid| match conn_is_sqlite(conn) {
        true => format!("X'{}'", id.simple()),
        false => format!("'\\x{}'::bytea", id.simple()),
    };
    let id = if conn_is_sqlite(conn) { "BLOB" } else { "BYTEA" };
    let random = if conn_is_sqlite(conn) { "randomblob(16)" } else { "uuid_send(gen_random_uuid())" };
    let values: Vec<String> = pairs
        .iter()
        .map(|pair| format!("({}, {}, {})", hex(pair.branch.0), hex(pair.vulnerability.0), hex(pair.asset.0)))
        .collect();
    let organization = hex(organization.0);
    run(conn, &format!("CREATE TEMP TABLE pure_pairs (b {id}, v {id}, a {id})"));
    run(conn, &format!("INSERT INTO pure_pairs VALUES {}", values.join(",")));
    run(conn, &format!("CREATE TEMP TABLE pure_changed (issue_id {id}, id {id}, product_id {id})"));
    let order = if conn_is_sqlite(conn) { "CROSS JOIN" } else { "JOIN" };
    let on = if conn_is_sqlite(conn) { "WHERE" } else { "ON" };
    run(
        conn,
        &format!(
            "INSERT INTO pure_changed SELECT n.issue_id, n.id, n.product_id FROM pure_pairs p {order} issue_instances n \
             {on} n.organization_id = {organization} AND n.branch_id = p.b AND n.vulnerability_id = p.v \
             AND n.asset_id = p.a AND n.standing <> 7"
        ),
    );
    run(
        conn,
        &format!(
            "UPDATE issue_instances AS n SET standing = 7, remediated_at = 1 FROM pure_changed c \
             WHERE n.organization_id = {organization} AND n.issue_id = c.issue_id AND n.id = c.id"
        ),
    );
    for (table, more) in [("issue_products", " AND t.product_id = c.product_id"), ("issues", "")] {
        let (key, own) = if more.is_empty() { ("issue_id", "t.id") } else { ("issue_id, product_id", "t.issue_id") };
        run(
            conn,
            &format!(
                "UPDATE {table} AS t SET remediated_count = t.remediated_count + c.more FROM (SELECT {key}, \
                 count(*) AS more FROM pure_changed GROUP BY {key}) c WHERE t.organization_id = {organization} \
                 AND {own} = c.issue_id{more}"
            ),
        );
    }
    run(
        conn,
        &format!(
            "INSERT INTO timeline_entries (organization_id, issue_id, id, kind, at, actor_kind, body, product_id) \
             SELECT {organization}, issue_id, {random}, 'system', 1, 'system', count(*) || ' instances are remediated.', \
             product_id FROM pure_changed GROUP BY issue_id, product_id"
        ),
    );
}

const fn conn_is_sqlite(conn: &Conn) -> bool {
    matches!(conn, Conn::Sqlite(_))
}

fn run(conn: &mut Conn, statement: &str) {
    match conn {
        Conn::Sqlite(conn) => conn.batch_execute(statement).unwrap(),
        Conn::Pg(conn) => conn.batch_execute(statement).unwrap(),
    }
}
