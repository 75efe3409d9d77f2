//! How both databases read the lists: every filter with every order leads to an index. What is tested row by row behind
//! it is bounded by what the index covers, and said here.

use std::sync::{Arc, Mutex};

use diesel::connection::{Connection, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::Text;
use patchbay::base::ids::IssueId;
use patchbay::base::page::Window;
use patchbay::base::scope::ProductScope;
use patchbay::base::time::UtcTime;
use patchbay::db::conn::Conn;
use patchbay::issues::filter as issues;
use patchbay::issues::model::Risk;
use patchbay::issues::repo::list::{self as issue_list, Question};
use patchbay::issues::status::IssueState;
use patchbay::observations::filter::{Filter, Key, Sort};
use patchbay::observations::repo::list;

use crate::lists::{filters, on_both};
use crate::observation_rows::{World, world};

/// The index that leads each filter, in the order of severity. Other conditions are tested on the rows behind it: the
/// page stops when it is full, so that costs more only where few rows meet them, and never more than the index covers.
const LEADING: &[(&str, &str)] = &[
    ("everything", "ix_observations_organization"),
    ("active", "ix_observations_organization"),
    ("inactive", "ix_observations_organization"),
    // Of the organization's active (inactive) observations, those with the status: most have it.
    ("status", "ix_observations_organization"),
    ("statuses of both kinds", "ix_observations_organization"),
    ("rare status", "ix_observations_disposed"),
    ("rare statuses", "ix_observations_disposed"),
    ("severity", "ix_observations_organization"),
    ("severities", "ix_observations_organization"),
    ("product", "ix_observations_product"),
    ("products", "ix_observations_product"),
    ("branch", "ix_observations_source"),
    ("engagement", "ix_observations_source"),
    ("source", "ix_observations_source"),
    ("tool", "ix_observations_source"),
    ("tool and severity", "ix_observations_source"),
    ("asset", "ix_observations_asset"),
    ("assets", "ix_observations_asset"),
    // Collected and sorted: the observations of the vulnerabilities.
    ("vulnerability", "ix_observations_pair"),
    ("vulnerability in lower case", "ix_observations_pair"),
    ("vulnerability by alias", "ix_observations_pair"),
    ("vulnerability by id", "ix_observations_pair"),
    ("vulnerability in a product", "ix_observations_pair"),
    ("cwe", "ix_observations_pair"),
    ("text", "ix_observations_pair"),
    ("text with a sign of patterns", "ix_observations_pair"),
    ("text beyond ASCII", "ix_observations_pair"),
    ("text and cwe", "ix_observations_pair"),
    ("component", "ix_observations_component"),
    ("component by id", "ix_observations_component"),
    // A bounded scan: of the product, those in the place.
    ("location", "ix_observations_product"),
    // Bounded scans: of the organization, those seen then.
    ("first seen", "ix_observations_organization"),
    ("last seen", "ix_observations_organization"),
    ("gone for long", "ix_observations_organization"),
    // Most have none.
    ("without a ticket", "ix_observations_organization"),
    ("with a ticket", "ix_observations_ticket"),
    ("failed tickets", "ix_observations_ticket"),
    ("ticket open or none", "ix_observations_product"),
    ("verified", "ix_observations_verified"),
    ("not verified", "ix_observations_organization"),
    // Collected and sorted: the duplicates of one observation.
    ("duplicates", "ix_observations_duplicate"),
    // A bounded scan: of the component, what the other conditions leave.
    ("much at once", "ix_observations_component"),
];

/// Filters that are answered without reading observations, since nothing can match.
const NOTHING: &[&str] = &[
    "status and active that exclude each other",
    "source of another product",
    "unknown vulnerability",
    "unknown component",
    "text with quotes",
];

/// The statements that some work runs, without their values.
fn seen_during(conn: &mut Conn, work: impl FnOnce(&mut Conn)) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&seen);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            to.lock().unwrap().push(query.to_string());
        }
    });
    work(conn);
    conn.set_instrumentation(None::<Box<dyn diesel::connection::Instrumentation>>);
    let seen = seen.lock().unwrap().clone();
    seen.into_iter().map(|query| query.split(" -- binds:").next().unwrap().to_owned()).collect()
}

/// The statements about observations that a page runs, but for the one that reads its rows by their ids.
fn statements(conn: &mut Conn, world: &World, filter: &Filter, sort: Sort, after: Option<Key>) -> Vec<String> {
    let window = Window { limit: 50, after };
    let seen = seen_during(conn, |conn| {
        list::page(conn, world.organization, &ProductScope::all(), filter, sort, &window).unwrap();
    });
    let lists = |query: &String| query.contains("observations o") && !query.contains("JOIN vulnerabilities");
    seen.into_iter().filter(lists).collect()
}

#[derive(QueryableByName)]
struct SqlitePlan {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PgPlan {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// The plan of a statement, its values left open.
fn plan(conn: &mut Conn, statement: &str) -> Vec<String> {
    match conn {
        Conn::Sqlite(conn) => {
            let rows: Vec<SqlitePlan> =
                diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(conn).unwrap();
            rows.into_iter().map(|row| row.detail).collect()
        }
        Conn::Pg(conn) => {
            let values = (1..).take_while(|n| statement.contains(&format!("${n}"))).count();
            let nulls = vec!["NULL"; values].join(", ");
            conn.batch_execute(&format!("PREPARE planned AS {statement}")).unwrap();
            let explain = if values == 0 {
                "EXPLAIN EXECUTE planned".into()
            } else {
                format!("EXPLAIN EXECUTE planned({nulls})")
            };
            let rows: Vec<PgPlan> = diesel::sql_query(explain).load(conn).unwrap();
            conn.batch_execute("DEALLOCATE planned").unwrap();
            rows.into_iter().map(|row| row.line).collect()
        }
    }
}

/// Does a plan read all observations?
fn scans_all(lines: &[String]) -> Option<&'static str> {
    let scans = |line: &String| {
        line.contains("Seq Scan on observations") || line.starts_with("SCAN o") && !line.contains("INDEX ")
    };
    lines.iter().any(scans).then_some("reads all observations")
}

fn any_value(world: &World, sort: Sort) -> Option<Key> {
    let row = &world.rows[world.rows.len() / 2];
    Some(match sort {
        Sort::SeverityDown | Sort::Severity => Key::Severity(row.severity, row.id),
        Sort::CreatedDown | Sort::Created => Key::Created(row.id),
        Sort::LastSeenDown | Sort::LastSeen => Key::LastSeen(world.last_seen(row), None, row.id),
    })
}

#[tokio::test]
async fn every_filter_and_order_is_led_by_an_index_on_the_first_and_on_later_pages() {
    on_both(|conn| {
        let world = world(conn, "acme", 2_000);
        if let Conn::Pg(conn) = conn {
            // The tables are small: reading all of them would be cheaper than what is to be seen here.
            conn.batch_execute("ANALYZE; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off").unwrap();
        }
        let mut faults = Vec::new();
        for (name, filter) in filters(&world) {
            for sort in Sort::ALL {
                for after in [None, any_value(&world, sort)] {
                    let statements = statements(conn, &world, &filter, sort, after);
                    if after.is_none() && statements.is_empty() != NOTHING.contains(&name) {
                        faults.push(format!("{name} {sort:?}: {} statements", statements.len()));
                    }
                    for statement in statements {
                        let lines = plan(conn, &statement);
                        let fault = scans_all(&lines).or_else(|| check_order(conn, name, sort, &statement, &lines));
                        faults.extend(fault.map(|fault| format!("{name} {sort:?}: {fault}\n{}", lines.join("\n"))));
                    }
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    })
    .await;
}

/// On SQLite, where the statement names the index: the leading one is the one expected, and along it rows come in order,
/// so that nothing is sorted but the ends of runs and what is collected.
fn check_order(conn: &Conn, name: &str, sort: Sort, statement: &str, lines: &[String]) -> Option<&'static str> {
    if !conn.is_sqlite() || !matches!(sort, Sort::SeverityDown | Sort::Severity) || statement.contains("AS rows") {
        return None;
    }
    let Some((_, index)) = LEADING.iter().find(|(known, _)| *known == name) else { return Some("is not listed") };
    if !lines.iter().filter(|line| line.contains("SEARCH o ")).all(|line| line.contains(index)) {
        return Some("is led by another index");
    }
    let collected = ["ix_observations_pair", "ix_observations_duplicate"].contains(index);
    (!collected && sorts_rows(lines)).then_some("sorts rows")
}

/// Are rows of the table sorted as they come from the index? What runs end in is sorted, too, but that is no more than a
/// page per run.
fn sorts_rows(lines: &[String]) -> bool {
    let mut from_table = false;
    for line in lines {
        if line.contains("SEARCH o ") || line.starts_with("SCAN ") {
            from_table = line.contains("SEARCH o ");
        } else if from_table && line.contains("TEMP B-TREE FOR ORDER BY") {
            return true;
        }
    }
    false
}

/// Of the organization's issues, those that meet the other conditions: a bounded scan along an index in the list's order.
#[tokio::test]
async fn every_list_of_issues_is_led_by_an_index_in_its_order() {
    on_both(|conn| {
        let world = world(conn, "acme", 50);
        if let Conn::Pg(conn) = conn {
            conn.batch_execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off").unwrap();
        }
        let restricted = ProductScope::Except(vec![world.products[0]]);
        let readers =
            [(ProductScope::all(), true), (restricted, false), (ProductScope::Only(world.products[1]), false)];
        let some =
            |filter: issues::Filter| issues::Filter { overdue: Some(true), has_regressions: Some(true), ..filter };
        let filters = [
            issues::Filter::default(),
            issues::Filter { state: vec![IssueState::Open], ..Default::default() },
            issues::Filter { state: vec![IssueState::Open, IssueState::Closed], ..Default::default() },
            issues::Filter { assignee: vec![world.products[0].0], ..Default::default() },
            issues::Filter { product: vec![world.products[1]], ..Default::default() },
            some(issues::Filter { risk: vec![Risk::High], q: Some("log4j".into()), ..Default::default() }),
        ];
        for (scope, sees_sealed) in readers {
            let reader = issues::Reader { scope, sees_sealed };
            for (filter, sort) in filters.iter().flat_map(|filter| issues::Sort::ALL.map(|sort| (filter, sort))) {
                for after in [None, Some((3, IssueId::generate()))] {
                    let now = UtcTime::from_micros(1);
                    let question = Question { organization: world.organization, reader: &reader, filter, now };
                    let window = Window { limit: 50, after };
                    let seen = seen_during(conn, |conn| {
                        issue_list::page(conn, question, sort, &window).unwrap();
                    });
                    for statement in seen {
                        let lines = plan(conn, &statement);
                        let is_scan = |line: &String| line.contains("Seq Scan on issue") || line.starts_with("SCAN i");
                        let is_sorted = |line: &String| conn.is_sqlite() && line.contains("TEMP B-TREE FOR ORDER BY");
                        let bad = lines.iter().any(|line| is_scan(line) || is_sorted(line));
                        assert!(!bad, "{filter:?} {sort:?}:\n{statement}\n{}", lines.join("\n"));
                    }
                }
            }
        }
    })
    .await;
}
