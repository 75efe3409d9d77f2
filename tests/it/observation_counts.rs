//! `observation_counts` against a GROUP BY over the rows, after whatever people do.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;
use patchbay::access::model::Caller;
use patchbay::access::permission::{Permissions, Role};
use patchbay::assessments::model::{Decision, Selection};
use patchbay::assessments::{deletion, expiry, service};
use patchbay::base::actor::Actor;
use patchbay::base::ids::{OrganizationId, ProductId, ScanSourceId, UserId};
use patchbay::base::patch::Patch;
use patchbay::base::scope::ProductScope;
use patchbay::base::severity::Severity;
use patchbay::base::version::IfMatch;
use patchbay::db::conn::Conn;
use patchbay::db::pool::{Db, Target};
use patchbay::db::schema::{observation_counts, observations};
use patchbay::observations::filter::Filter;
use patchbay::observations::repo::list;
use patchbay::observations::status::ObservationStatus;
use proptest::prelude::*;

use crate::observation_rows::{minute, world};

type Counts = BTreeMap<(OrganizationId, ProductId, ScanSourceId, ObservationStatus, Severity), i64>;
type CountRow = (OrganizationId, ProductId, ScanSourceId, ObservationStatus, Severity, i64);

/// Fails unless the counts say what the rows have.
pub async fn check(db: &Db) {
    let (counted, stored) = db.read(|conn| Ok::<_, patchbay::base::error::ApiError>(both(conn))).await.unwrap();
    assert_eq!(stored, counted);
}

fn both(conn: &mut Conn) -> (Counts, Counts) {
    use {observation_counts as c, observations as o};
    let rows: Vec<(OrganizationId, ProductId, ScanSourceId, ObservationStatus, Severity)> =
        o::table.select((o::organization_id, o::product_id, o::source_id, o::status, o::severity)).load(conn).unwrap();
    let mut counted = Counts::new();
    for row in rows {
        *counted.entry(row).or_default() += 1;
    }
    let stored: Vec<CountRow> = c::table
        .filter(c::observations.ne(0))
        .select((c::organization_id, c::product_id, c::source_id, c::status, c::severity, c::observations))
        .load(conn)
        .unwrap();
    let stored = stored.into_iter().map(|(o, p, s, status, severity, count)| ((o, p, s, status, severity), count));
    (counted, stored.collect())
}

/// Something that somebody does.
#[derive(Debug, Clone)]
enum Act {
    Assess { filter: Box<Filter>, decision: Box<Decision> },
    Duplicate { first: usize, of: usize },
    Delete { number: usize },
    Expire { minutes: u64 },
}

fn statuses() -> impl Strategy<Value = ObservationStatus> {
    let settable: Vec<_> =
        ObservationStatus::ALL.iter().copied().filter(|s| *s != ObservationStatus::Duplicate).collect();
    proptest::sample::select(settable)
}

fn severities() -> impl Strategy<Value = Severity> {
    proptest::sample::select(Severity::ALL.to_vec())
}

fn acts() -> impl Strategy<Value = Act> {
    let filter = (proptest::option::of(statuses()), proptest::option::of(severities()), any::<Option<bool>>());
    let decision = (
        proptest::option::of(proptest::option::of(statuses())),
        proptest::option::of(proptest::option::of(severities())),
        1..100usize,
    );
    let assess = (filter, decision).prop_map(|((status, severity, active), (to, lower, expires))| Act::Assess {
        filter: Box::new(Filter {
            status: status.into_iter().collect(),
            severity: severity.into_iter().collect(),
            active,
            ..Filter::default()
        }),
        decision: Box::new(Decision {
            assessed_status: to.map_or(Patch::Keep, Patch::Set),
            assessed_severity: lower.map_or(Patch::Keep, Patch::Set),
            assessment_expires_at: match to {
                Some(Some(ObservationStatus::RiskAccepted)) => Patch::Set(Some(minute(2_000 + expires))),
                _ => Patch::Keep,
            },
            is_verified: Patch::Set(expires % 2 == 0),
            ..Decision::default()
        }),
    });
    prop_oneof![
        4 => assess,
        2 => (0..40usize, 0..40usize).prop_map(|(first, of)| Act::Duplicate { first, of }),
        1 => (0..40usize).prop_map(|number| Act::Delete { number }),
        1 => (0..100u64).prop_map(|minutes| Act::Expire { minutes }),
    ]
}

fn perform(conn: &mut Conn, caller: &Caller, act: Act) {
    let now = minute(2_000);
    let all = list::ids(conn, caller.organization, &caller.products, &Filter::default(), 1_000).unwrap();
    match act {
        Act::Assess { filter, decision } => {
            service::assess(conn, caller, &Selection::Filter(filter), &decision, now).unwrap();
        }
        Act::Duplicate { first, of } => {
            let decision = Decision {
                assessed_status: Patch::Set(Some(ObservationStatus::Duplicate)),
                duplicate_of: Patch::Set(all.get(of).copied()),
                ..Decision::default()
            };
            let ids: Vec<_> = all.iter().copied().skip(first).take(5).collect();
            if !ids.is_empty() && of < all.len() {
                service::assess(conn, caller, &Selection::Ids(ids), &decision, now).unwrap();
            }
        }
        Act::Delete { number } => {
            if let Some(id) = all.get(number) {
                deletion::delete(conn, caller, *id, &IfMatch::Any, now).unwrap();
            }
        }
        Act::Expire { minutes } => {
            expiry::expire(conn, now.plus(Duration::from_secs(minutes * 60))).unwrap();
        }
    }
}

fn check_history(acts: Vec<Act>) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(Target::Sqlite { path: folder.path().join("patchbay.db") }, 1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (counted, stored) = runtime
        .block_on(db.write(move |conn| {
            let world = world(conn, "acme", 40);
            let caller = Caller {
                organization: world.organization,
                actor: Actor::User(UserId::generate()),
                permissions: Permissions::of_role(Role::Admin),
                products: ProductScope::all(),
                branch: None,
            };
            for act in acts {
                perform(conn, &caller, act);
            }
            Ok(both(conn))
        }))
        .unwrap();
    assert_eq!(stored, counted);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_say_what_the_rows_have_after_any_history(acts in proptest::collection::vec(acts(), 1..25)) {
        check_history(acts);
    }
}
