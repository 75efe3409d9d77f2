//! The lists of observations: every filter with every order, page by page, against a plain reading of the rows.

use diesel::QueryResult;
use patchbay::base::ids::{ObservationId, ProductId};
use patchbay::base::page::Window;
use patchbay::base::scope::ProductScope;
use patchbay::base::severity::Severity;
use patchbay::db::conn::Conn;
use patchbay::db::pool::{Db, Target};
use patchbay::observations::filter::{Filter, Key, Sort, SortField, TicketFilter};
use patchbay::observations::model::Observation;
use patchbay::observations::repo::facets::{self, FacetField};
use patchbay::observations::repo::list;
use patchbay::observations::status::ObservationStatus;

use crate::observation_rows::{World, minute, world};
use crate::postgres::Database;

/// Runs `test` on an empty database of each kind.
pub async fn on_both(test: impl Fn(&mut Conn) + Send + Sync + Clone + 'static) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Target::Sqlite { path: folder.path().join("patchbay.db") };
    run(sqlite, test.clone()).await;
    let Some(database) = tokio::task::spawn_blocking(Database::create).await.unwrap() else { return };
    let url = patchbay::base::secret::Secret::new(database.url());
    run(Target::Postgres { url }, test).await;
}

async fn run(target: Target, test: impl Fn(&mut Conn) + Send + 'static) {
    let db = tokio::task::spawn_blocking(move || Db::open(target, 2)).await.unwrap().unwrap();
    db.write(move |conn| {
        test(conn);
        Ok(())
    })
    .await
    .unwrap();
}

/// Filters of every kind, and combinations that lead to different indexes.
pub fn filters(world: &World) -> Vec<(&'static str, Filter)> {
    use ObservationStatus::{Affected, FalsePositive, Open, Resolved, RiskAccepted};
    let all = Filter::default();
    let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (product, source) = (world.products[1], world.sources[3].clone());
    vec![
        ("everything", all.clone()),
        ("active", Filter { active: Some(true), ..all.clone() }),
        ("inactive", Filter { active: Some(false), ..all.clone() }),
        ("status", Filter { status: vec![Open], ..all.clone() }),
        ("statuses of both kinds", Filter { status: vec![Open, Resolved], ..all.clone() }),
        ("rare status", Filter { status: vec![FalsePositive], ..all.clone() }),
        ("rare statuses", Filter { status: vec![RiskAccepted, Affected], ..all.clone() }),
        (
            "status and active that exclude each other",
            Filter { status: vec![Open], active: Some(false), ..all.clone() },
        ),
        ("severity", Filter { severity: vec![Severity::High], ..all.clone() }),
        (
            "severities",
            Filter {
                severity: vec![Severity::Critical, Severity::Low, Severity::Low],
                active: Some(true),
                ..all.clone()
            },
        ),
        ("product", Filter { product: vec![product], ..all.clone() }),
        ("products", Filter { product: vec![world.products[0], product], active: Some(true), ..all.clone() }),
        ("branch", Filter { branch: vec![source.branch], ..all.clone() }),
        ("engagement", Filter { engagement: vec![world.sources[2].engagement.unwrap()], ..all.clone() }),
        ("source", Filter { source: vec![source.id], ..all.clone() }),
        (
            "source of another product",
            Filter { source: vec![source.id], product: vec![world.products[2]], ..all.clone() },
        ),
        ("tool", Filter { tool: texts(&["Trivy"]), ..all.clone() }),
        ("tool and severity", Filter { tool: texts(&["ZAP"]), severity: vec![Severity::Medium], ..all.clone() }),
        ("asset", Filter { asset: vec![world.assets[0]], ..all.clone() }),
        ("assets", Filter { asset: world.assets[1..3].to_vec(), active: Some(true), ..all.clone() }),
        ("vulnerability", Filter { vulnerability: texts(&["CVE-2026-0003"]), ..all.clone() }),
        ("vulnerability in lower case", Filter { vulnerability: texts(&["cve-2026-0003"]), ..all.clone() }),
        ("vulnerability by alias", Filter { vulnerability: texts(&["GHSA-0004", "GHSA-0005"]), ..all.clone() }),
        ("vulnerability by id", Filter { vulnerability: vec![world.vulnerabilities[2].id.to_string()], ..all.clone() }),
        ("unknown vulnerability", Filter { vulnerability: texts(&["CVE-1999-0001"]), ..all.clone() }),
        (
            "vulnerability in a product",
            Filter { vulnerability: texts(&["CVE-2026-0003"]), product: vec![product], ..all.clone() },
        ),
        ("cwe", Filter { cwe: vec![3], ..all.clone() }),
        ("component", Filter { component: texts(&["log4j-core"]), ..all.clone() }),
        ("component by id", Filter { component: vec![world.components[0].0.to_string()], ..all.clone() }),
        ("unknown component", Filter { component: texts(&["left-pad"]), ..all.clone() }),
        ("location", Filter { location: Some("src/b%".into()), product: vec![product], ..all.clone() }),
        ("text", Filter { q: Some("code REMOTE".into()), ..all.clone() }),
        ("text with a sign of patterns", Filter { q: Some("50% off".into()), ..all.clone() }),
        ("text with quotes", Filter { q: Some("\"sql\" OR".into()), ..all.clone() }),
        ("text beyond ASCII", Filter { q: Some("ÜBER".into()), active: Some(true), ..all.clone() }),
        ("text and cwe", Filter { q: Some("part".into()), cwe: vec![1, 2], ..all.clone() }),
        (
            "first seen",
            Filter { first_seen_from: Some(minute(100)), first_seen_before: Some(minute(300)), ..all.clone() },
        ),
        (
            "last seen",
            Filter { last_seen_from: Some(minute(1001)), last_seen_before: Some(minute(1006)), ..all.clone() },
        ),
        ("gone for long", Filter { last_seen_before: Some(minute(1000)), ..all.clone() }),
        ("without a ticket", Filter { ticket_state: vec![TicketFilter::None], active: Some(true), ..all.clone() }),
        ("with a ticket", Filter { ticket_state: vec![TicketFilter::Open, TicketFilter::Closed], ..all.clone() }),
        ("failed tickets", Filter { ticket_state: vec![TicketFilter::Failed], ..all.clone() }),
        (
            "ticket open or none",
            Filter {
                ticket_state: vec![TicketFilter::None, TicketFilter::Open],
                product: vec![product],
                ..all.clone()
            },
        ),
        ("verified", Filter { verified: Some(true), ..all.clone() }),
        ("not verified", Filter { verified: Some(false), active: Some(true), ..all.clone() }),
        ("duplicates", Filter { duplicate_of: vec![world.rows[0].id], ..all.clone() }),
        (
            "much at once",
            Filter {
                product: world.products[..2].to_vec(),
                tool: texts(&["Trivy", "ZAP"]),
                severity: vec![Severity::High, Severity::Medium],
                component: texts(&["openssl"]),
                verified: Some(false),
                ..all
            },
        ),
    ]
}

/// Does a row meet a filter? Read field by field, with no thought of indexes.
fn matches(world: &World, filter: &Filter, row: &Observation) -> bool {
    fn any<T: PartialEq>(wanted: &[T], value: &T) -> bool {
        wanted.is_empty() || wanted.contains(value)
    }
    let (source, vulnerability) = (world.source(row.source_id), world.vulnerability(row.vulnerability_id));
    let number = vulnerability.vulnerability_key.rsplit('-').next().unwrap();
    let names = [vulnerability.vulnerability_key.clone(), format!("GHSA-{number}"), vulnerability.id.to_string()];
    let named = filter.vulnerability.iter().any(|name| names.iter().any(|known| known.eq_ignore_ascii_case(name)));
    let component = world.components.iter().find(|(id, _)| Some(*id) == row.component_id);
    let in_component = component
        .is_some_and(|(id, name)| filter.component.iter().any(|wanted| wanted == name || *wanted == id.to_string()));
    let seen = world.last_seen(row);
    any(&filter.status, &row.status)
        && filter.active.is_none_or(|active| active == row.is_active)
        && any(&filter.severity, &row.severity)
        && any(&filter.product, &row.product_id)
        && any(&filter.branch, &row.branch_id)
        && (filter.engagement.is_empty() || source.engagement.is_some_and(|id| filter.engagement.contains(&id)))
        && any(&filter.source, &row.source_id)
        && any(&filter.tool, &source.tool.to_owned())
        && any(&filter.asset, &row.asset_id)
        && (filter.vulnerability.is_empty() || named)
        && any(&filter.cwe, &vulnerability.cwe.unwrap())
        && (filter.component.is_empty() || in_component)
        && filter.location.as_ref().is_none_or(|start| row.location.starts_with(start.as_str()))
        && filter.words().iter().all(|word| vulnerability.search.contains(word.as_str()))
        && filter.first_seen_from.is_none_or(|from| row.first_seen_at >= from)
        && filter.first_seen_before.is_none_or(|before| row.first_seen_at < before)
        && filter.last_seen_from.is_none_or(|from| seen >= from)
        && filter.last_seen_before.is_none_or(|before| seen < before)
        && (filter.ticket_state.is_empty() || filter.ticket_state.iter().any(|t| t.state() == row.ticket_state))
        && filter.verified.is_none_or(|verified| verified == row.is_verified)
        && (filter.duplicate_of.is_empty() || row.duplicate_of.is_some_and(|id| filter.duplicate_of.contains(&id)))
}

fn key(world: &World, row: &Observation, sort: Sort) -> Key {
    match sort.field() {
        SortField::Severity => Key::Severity(row.severity, row.id),
        SortField::Created => Key::Created(row.id),
        SortField::LastSeen => {
            let place = row.is_present().then_some((row.source_id, row.severity));
            Key::LastSeen(world.last_seen(row), place, row.id)
        }
    }
}

fn expected(world: &World, scope: &ProductScope, filter: &Filter, sort: Sort) -> Vec<ObservationId> {
    let visible = |row: &&Observation| scope.allows(row.product_id) && matches(world, filter, row);
    let mut keys: Vec<Key> = world.rows.iter().filter(visible).map(|row| key(world, row, sort)).collect();
    keys.sort_unstable();
    if sort.is_down() {
        keys.reverse();
    }
    keys.iter().map(Key::id).collect()
}

/// Reads a list to its end, page by page.
pub fn walk(
    conn: &mut Conn,
    world: &World,
    scope: &ProductScope,
    filter: &Filter,
    sort: Sort,
    limit: i64,
) -> QueryResult<Vec<ObservationId>> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let window = Window { limit, after };
        let rows = list::page(conn, world.organization, scope, filter, sort, &window)?;
        let is_last = rows.len() <= usize::try_from(limit).unwrap();
        let mut page = rows.iter().take(usize::try_from(limit).unwrap());
        ids.extend(page.clone().map(|(key, _)| key.id()));
        after = page.next_back().map(|(key, _)| *key);
        if is_last {
            return Ok(ids);
        }
    }
}

fn scopes(world: &World) -> [ProductScope; 4] {
    let hide = |products: &[ProductId]| ProductScope::Except(products.to_vec());
    [ProductScope::all(), hide(&world.products[..1]), hide(&world.products[1..]), ProductScope::Only(world.products[1])]
}

/// PB-10
#[tokio::test]
async fn every_filter_with_every_order_lists_what_it_says_page_by_page() {
    on_both(|conn| {
        let world = world(conn, "acme", 240);
        // Of another organization: never listed.
        self::world(conn, "other", 50);
        for scope in scopes(&world) {
            for (name, filter) in filters(&world) {
                for sort in Sort::ALL {
                    let listed = walk(conn, &world, &scope, &filter, sort, 61).unwrap();
                    let expected = expected(&world, &scope, &filter, sort);
                    assert_eq!(listed, expected, "{name}, {sort:?}, {scope:?}, SQLite: {}", conn.is_sqlite());
                }
            }
        }
    })
    .await;
}

/// PB-10
#[tokio::test]
async fn totals_and_ids_agree_with_the_list() {
    on_both(|conn| {
        let world = world(conn, "acme", 400);
        for scope in scopes(&world) {
            for (name, filter) in filters(&world) {
                let mut expected = expected(&world, &scope, &filter, Sort::Created);
                let total = list::total(conn, world.organization, &scope, &filter).unwrap();
                assert_eq!(total, i64::try_from(expected.len()).unwrap(), "{name}, {scope:?}");
                let mut ids = list::ids(conn, world.organization, &scope, &filter, 1_000).unwrap();
                ids.sort_unstable();
                expected.sort_unstable();
                assert_eq!(ids, expected, "{name}, {scope:?}");
            }
        }
    })
    .await;
}

/// PB-10
#[tokio::test]
async fn facets_count_under_all_filters_but_their_own() {
    on_both(|conn| {
        let world = world(conn, "acme", 400);
        for scope in scopes(&world) {
            for (name, filter) in filters(&world) {
                let facet = facets::facet(conn, world.organization, &scope, &filter, FacetField::Severity).unwrap();
                assert!(!facet.is_capped);
                let wide = Filter { severity: vec![], ..filter.clone() };
                for severity in Severity::ALL {
                    let one = Filter { severity: vec![severity], ..wide.clone() };
                    let expected = expected(&world, &scope, &one, Sort::Created).len();
                    let found = facet.values.iter().find(|value| value.value == severity.as_str());
                    let found = found.map_or(0, |value| value.observations);
                    assert_eq!(found, i64::try_from(expected).unwrap(), "{name}, {severity}, {scope:?}");
                }
            }
        }
        let all = Filter::default();
        let product = facets::facet(conn, world.organization, &ProductScope::all(), &all, FacetField::Product).unwrap();
        assert_eq!(product.values.len(), 3);
        assert!(product.values.iter().all(|value| value.value.parse::<ProductId>().is_ok()));
        assert!(product.values.iter().all(|value| value.name.as_ref().unwrap().starts_with("product ")));
        for (field, values) in [(FacetField::Branch, 6), (FacetField::Engagement, 3), (FacetField::Tool, 3)] {
            let facet = facets::facet(conn, world.organization, &ProductScope::all(), &all, field).unwrap();
            assert_eq!(facet.values.len(), values, "{field:?}");
        }
    })
    .await;
}
