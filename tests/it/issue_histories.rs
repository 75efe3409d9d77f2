//! Issues after any history of scans, assessments, deletions and edits: what is kept step by step is what follows from
//! the whole history, told once from its beginning.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use diesel::prelude::*;
use patchbay::base::error::ApiError;
use patchbay::base::ids::IssueId;
use patchbay::base::time::UtcTime;
use patchbay::db::conn::Conn;
use patchbay::db::schema::{issue_instances, issue_products, issues, observations, scan_sources};
use patchbay::issues::model::Counts;
use patchbay::issues::service::tracker::{TrackerCause, move_by_tracker};
use patchbay::issues::standing::Standing;
use patchbay::issues::status::IssueState;
use patchbay::observations::status::ObservationStatus;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::builders::Tenant;
use crate::sarif::{found, sarif};

/// Known to both tools: a pair is reported by several sources.
const RULES: [&str; 4] = ["CVE-2024-0001", "CVE-2024-0002", "CVE-2024-0003", "CVE-2024-0004"];
const TOOLS: [&str; 2] = ["Lint", "Trivy"];
const PRODUCTS: [&str; 2] = ["shop", "blog"];

/// Something that somebody or a scan does. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Act {
    Scan {
        product: usize,
        tool: usize,
        rules: u8,
    },
    Assess {
        number: usize,
        status: Option<&'static str>,
    },
    Delete {
        number: usize,
    },
    Create {
        picked: u8,
        state: Option<&'static str>,
    },
    SetState {
        issue: usize,
        state: &'static str,
    },
    /// As [`Act::SetState`], by the webhook of a tracker.
    Follow {
        issue: usize,
        state: &'static str,
    },
    Add {
        issue: usize,
        number: usize,
    },
    Remove {
        issue: usize,
        number: usize,
    },
    Merge {
        into: usize,
        from: usize,
    },
    Retire {
        number: usize,
    },
}

fn acts() -> impl Strategy<Value = Act> {
    let states = || proptest::sample::select(vec!["open", "in_progress", "resolved", "closed"]);
    let statuses = proptest::sample::select(vec![
        "open",
        "affected",
        "in_review",
        "resolved",
        "false_positive",
        "not_affected",
        "not_security",
        "risk_accepted",
    ]);
    prop_oneof![
        6 => (0..2usize, 0..2usize, 0..16u8).prop_map(|(product, tool, rules)| Act::Scan { product, tool, rules }),
        4 => (0..16usize, proptest::option::of(statuses)).prop_map(|(number, status)| Act::Assess { number, status }),
        1 => (0..16usize).prop_map(|number| Act::Delete { number }),
        2 => (1..=255u8, proptest::option::of(states())).prop_map(|(picked, state)| Act::Create { picked, state }),
        3 => (0..8usize, states()).prop_map(|(issue, state)| Act::SetState { issue, state }),
        3 => (0..8usize, states()).prop_map(|(issue, state)| Act::Follow { issue, state }),
        2 => (0..8usize, 0..16usize).prop_map(|(issue, number)| Act::Add { issue, number }),
        1 => (0..8usize, 0..8usize).prop_map(|(issue, number)| Act::Remove { issue, number }),
        1 => (0..8usize, 0..8usize).prop_map(|(into, from)| Act::Merge { into, from }),
        1 => (0..4usize).prop_map(|number| Act::Retire { number }),
    ]
}

/// A pair on a branch, as the rows name it.
type Pair = (Vec<u8>, Vec<u8>, Vec<u8>);

/// What is known after an act: of each pair the statuses, and by which sources it is reported.
#[derive(Debug, Clone, Default)]
struct Facts {
    statuses: BTreeMap<Pair, BTreeSet<ObservationStatus>>,
    reported: BTreeSet<(Vec<u8>, Pair)>,
}

impl Facts {
    /// Told from the rule, not from the code: what is to be done, then what waits, then why nothing is to be done.
    fn standing(&self, pair: &Pair) -> Standing {
        let Some(statuses) = self.statuses.get(pair) else { return Standing::Deleted };
        let has = |status| statuses.contains(&status);
        if has(ObservationStatus::Open) || has(ObservationStatus::Affected) {
            return Standing::Open;
        }
        [
            (ObservationStatus::InReview, Standing::InReview),
            (ObservationStatus::RiskAccepted, Standing::RiskAccepted),
            (ObservationStatus::FalsePositive, Standing::FalsePositive),
            (ObservationStatus::NotAffected, Standing::NotAffected),
            (ObservationStatus::NotSecurity, Standing::NotSecurity),
            (ObservationStatus::Duplicate, Standing::Duplicate),
        ]
        .into_iter()
        .find(|(status, _)| has(*status))
        .map_or(Standing::Resolved, |(_, standing)| standing)
    }
}

/// What happened, as far as it matters for issues.
#[derive(Debug, Clone)]
enum Deed {
    /// Observations changed; a scan of this source was imported.
    Observed(Option<Vec<u8>>),
    Created(Vec<u8>, BTreeSet<Pair>, Option<IssueState>),
    Moved(Vec<u8>, IssueState),
    Added(Vec<u8>, Pair),
    Removed(Vec<u8>, Pair),
    Merged(Vec<u8>, Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ModelInstance {
    standing: Standing,
    regressions: i32,
    remediated_at: Option<UtcTime>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ModelIssue {
    state: IssueState,
    since: UtcTime,
    instances: BTreeMap<Pair, ModelInstance>,
}

impl ModelIssue {
    fn is_complete(&self) -> bool {
        !self.instances.is_empty() && self.instances.values().all(|one| one.standing >= Standing::FalsePositive)
    }

    fn go(&mut self, state: IssueState, now: UtcTime) {
        (self.state, self.since) = (state, now);
    }

    fn add(&mut self, pair: &Pair, facts: &Facts, now: UtcTime) {
        let standing = facts.standing(pair);
        let remediated_at = (standing >= Standing::FalsePositive).then_some(now);
        self.instances.entry(pair.clone()).or_insert(ModelInstance { standing, regressions: 0, remediated_at });
    }

    /// After instances came or went.
    fn settle(&mut self, was_complete: bool, now: UtcTime) {
        if !was_complete && self.is_complete() && matches!(self.state, IssueState::Open | IssueState::InProgress) {
            self.go(IssueState::Resolved, now);
        }
    }

    /// After observations changed.
    fn observe(&mut self, facts: &Facts, scan: Option<&Vec<u8>>, now: UtcTime) {
        if self.state == IssueState::Closed {
            return;
        }
        let (was_complete, mut is_found_again) = (self.is_complete(), false);
        for (pair, one) in &mut self.instances {
            let (before, after) = (one.standing, facts.standing(pair));
            let (was_done, is_done) = (before >= Standing::FalsePositive, after >= Standing::FalsePositive);
            one.remediated_at = if is_done && was_done { one.remediated_at } else { is_done.then_some(now) };
            if was_done && after <= Standing::InReview {
                one.regressions += 1;
                is_found_again = true;
            }
            one.standing = after;
        }
        let is_reported = |pair: &Pair| scan.is_some_and(|scan| facts.reported.contains(&(scan.clone(), pair.clone())));
        let mut open = self.instances.iter().filter(|(_, one)| one.standing == Standing::Open);
        let is_still_reported = self.since < now && open.any(|(pair, _)| is_reported(pair));
        if self.state == IssueState::Resolved && (is_found_again || is_still_reported) {
            self.go(IssueState::InProgress, now);
        } else {
            self.settle(was_complete, now);
        }
    }
}

type Model = BTreeMap<Vec<u8>, ModelIssue>;

/// Tells the whole history from its beginning.
fn replay(history: &[(Deed, Facts, UtcTime)]) -> Model {
    let mut model = Model::new();
    for (deed, facts, now) in history {
        let now = *now;
        match deed {
            Deed::Observed(scan) => model.values_mut().for_each(|issue| issue.observe(facts, scan.as_ref(), now)),
            Deed::Created(id, pairs, state) => {
                let state_given = state.unwrap_or(IssueState::Open);
                let mut issue = ModelIssue { state: state_given, since: now, instances: BTreeMap::new() };
                pairs.iter().for_each(|pair| issue.add(pair, facts, now));
                if state.is_none() {
                    issue.settle(false, now);
                }
                model.insert(id.clone(), issue);
            }
            Deed::Moved(id, state) => {
                let issue = model.get_mut(id).unwrap();
                let was_closed = issue.state == IssueState::Closed;
                if issue.state != *state {
                    issue.go(*state, now);
                }
                if was_closed {
                    issue.observe(facts, None, now);
                }
            }
            Deed::Added(id, pair) => {
                let issue = model.get_mut(id).unwrap();
                let was_complete = issue.is_complete();
                issue.add(pair, facts, now);
                issue.settle(was_complete, now);
            }
            Deed::Removed(id, pair) => {
                let issue = model.get_mut(id).unwrap();
                let was_complete = issue.is_complete();
                issue.instances.remove(pair);
                issue.settle(was_complete, now);
            }
            Deed::Merged(into, from) => {
                let source = model.get_mut(from).unwrap();
                let moved = std::mem::take(&mut source.instances);
                if source.state != IssueState::Closed {
                    source.go(IssueState::Closed, now);
                }
                let target = model.get_mut(into).unwrap();
                let was_complete = target.is_complete();
                for (pair, one) in moved {
                    target.instances.entry(pair).or_insert(one);
                }
                target.settle(was_complete, now);
                target.observe(facts, None, now);
            }
        }
    }
    model
}

fn facts(conn: &mut Conn) -> Facts {
    use {observations as o, scan_sources as s};
    type Row = (Vec<u8>, Vec<u8>, Vec<u8>, ObservationStatus, Vec<u8>, Option<i64>);
    let rows: Vec<Row> = o::table
        .inner_join(s::table.on(s::organization_id.eq(o::organization_id).and(s::id.eq(o::source_id))))
        .select((o::branch_id, o::vulnerability_id, o::asset_id, o::status, o::source_id, o::last_seen_at))
        .load(conn)
        .unwrap();
    let mut facts = Facts::default();
    for (branch, vulnerability, asset, status, source, last_seen_at) in rows {
        let pair = (branch, vulnerability, asset);
        if last_seen_at.is_none() && status.is_active() {
            facts.reported.insert((source, pair.clone()));
        }
        facts.statuses.entry(pair).or_default().insert(status);
    }
    facts
}

/// The clock of tests stands still, but imports measure how long they take.
fn to_the_minute(at: UtcTime) -> UtcTime {
    UtcTime::from_micros(at.as_micros() - at.as_micros() % 60_000_000)
}

/// What is stored; its counts, too, are those of its instances.
fn stored(conn: &mut Conn) -> Model {
    use {issue_instances as n, issue_products as p, issues as i};
    type Head = (Vec<u8>, IssueState, UtcTime, (i64, i64, i64, i64));
    let heads: Vec<Head> = i::table
        .select((
            i::id,
            i::state,
            i::state_changed_at,
            (i::instance_count, i::remediated_count, i::excluded_count, i::regressed_count),
        ))
        .load(conn)
        .unwrap();
    let mut model = Model::new();
    for (id, state, since, counted) in heads {
        type Row = (Vec<u8>, Vec<u8>, Vec<u8>, Standing, i32, Option<UtcTime>);
        let rows: Vec<Row> = n::table
            .filter(n::issue_id.eq(&id))
            .select((n::branch_id, n::vulnerability_id, n::asset_id, n::standing, n::regressions, n::remediated_at))
            .load(conn)
            .unwrap();
        let mut counts = Counts::default();
        let mut instances = BTreeMap::new();
        for (branch, vulnerability, asset, standing, regressions, remediated_at) in rows {
            let is_remediated = standing >= Standing::FalsePositive;
            counts += Counts {
                instance_count: 1,
                remediated_count: i64::from(is_remediated),
                excluded_count: i64::from(matches!(standing, Standing::InReview | Standing::RiskAccepted)),
                regressed_count: i64::from(!is_remediated && regressions > 0),
            };
            let remediated_at = remediated_at.map(to_the_minute);
            instances.insert((branch, vulnerability, asset), ModelInstance { standing, regressions, remediated_at });
        }
        let sums: Vec<(i64, i64, i64, i64)> = p::table
            .filter(p::issue_id.eq(&id))
            .select((p::instance_count, p::remediated_count, p::excluded_count, p::regressed_count))
            .load(conn)
            .unwrap();
        let sum = sums.iter().fold((0, 0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2, a.3 + b.3));
        let own = (counts.instance_count, counts.remediated_count, counts.excluded_count, counts.regressed_count);
        assert_eq!((counted, sum), (own, own), "the counts are those of the instances");
        model.insert(id, ModelIssue { state, since: to_the_minute(since), instances });
    }
    model
}

fn bytes(id: &Value) -> Vec<u8> {
    id.as_str().unwrap().parse::<uuid::Uuid>().unwrap().as_bytes().to_vec()
}

/// A world in which acts are performed through the API.
struct Stage {
    app: TestApp,
    tenant: Tenant,
    history: Vec<(Deed, Facts, UtcTime)>,
}

impl Stage {
    async fn facts(&self) -> Facts {
        self.app.app.db.read(|conn| Ok::<_, ApiError>(facts(conn))).await.unwrap()
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        self.tenant.admin.get_all(path).await
    }

    async fn nth(&self, path: &str, number: usize) -> Option<Value> {
        let all = self.list(path).await;
        (!all.is_empty()).then(|| all[number % all.len()].clone())
    }

    /// An issue that can still be changed.
    async fn issue(&self, number: usize) -> Option<Value> {
        self.nth("/issues?sort=created", number).await.filter(|issue| issue["merged_into"].is_null())
    }

    fn pair(observation: &Value) -> Pair {
        let id = |part: &str| bytes(&observation[part]["id"]);
        (id("branch"), id("vulnerability"), id("asset"))
    }

    async fn perform(&mut self, act: &Act) {
        self.app.app.clock.advance(Duration::from_secs(60));
        let Some(deed) = self.done(act).await else { return };
        let (facts, now) = (self.facts().await, self.app.app.clock.now());
        self.history.push((deed, facts, now));
        let stored = self.app.app.db.read(|conn| Ok::<_, ApiError>(stored(conn))).await.unwrap();
        assert_eq!(stored, replay(&self.history), "after {act:?}");
    }

    async fn done(&self, act: &Act) -> Option<Deed> {
        let editor = &self.tenant.editor;
        match act {
            Act::Scan { product, tool, rules } => {
                let reported = RULES.iter().enumerate().filter(|(n, _)| rules & (1 << n) != 0);
                let findings: Vec<_> = reported.map(|(_, rule)| found(rule, "x.rs", 1)).collect();
                let report = sarif(&findings).tool(TOOLS[*tool]);
                let scan = editor.scan(PRODUCTS[*product], &report).await.expect(201);
                Some(Deed::Observed(Some(bytes(&scan["scans"][0]["source_id"]))))
            }
            Act::Assess { number, status } => {
                let observation = self.nth("/observations?sort=created", *number).await?;
                let path = format!("/observations/{}", observation["id"].as_str().unwrap());
                editor.patch(&path, json!({ "assessed_status": status })).await.expect(200);
                Some(Deed::Observed(None))
            }
            Act::Delete { number } => {
                let observation = self.nth("/observations?sort=created", *number).await?;
                editor.delete(&format!("/observations/{}", observation["id"].as_str().unwrap())).await.expect(204);
                Some(Deed::Observed(None))
            }
            Act::Create { picked, state } => {
                let all = self.list("/observations?sort=created").await;
                let chosen: Vec<_> = all
                    .iter()
                    .take(8)
                    .enumerate()
                    .filter(|(n, _)| picked & (1 << n) != 0)
                    .map(|(_, one)| one)
                    .collect();
                if chosen.is_empty() {
                    return None;
                }
                let ids: Vec<_> = chosen.iter().map(|one| one["id"].clone()).collect();
                let body = json!({ "selection": { "observation_ids": ids }, "state": state });
                let made = editor.post("/issues", body).await.expect(201);
                let pairs = chosen.iter().map(|one| Self::pair(one)).collect();
                Some(Deed::Created(bytes(&made["id"]), pairs, state.map(|state| state.parse().unwrap())))
            }
            Act::SetState { issue, state } => {
                let issue = self.issue(*issue).await?;
                let path = format!("/issues/{}", issue["id"].as_str().unwrap());
                editor.patch(&path, json!({ "state": state })).await.expect(200);
                let is_change = issue["state"] != *state;
                is_change.then(|| Deed::Moved(bytes(&issue["id"]), state.parse().unwrap()))
            }
            Act::Follow { issue, state } => {
                let issue = self.issue(*issue).await?;
                let id: IssueId = issue["id"].as_str().unwrap().parse().unwrap();
                let state: IssueState = state.parse().unwrap();
                let (organization, now) = (self.tenant.id, self.app.app.clock.now());
                let follow =
                    move |conn: &mut Conn| move_by_tracker(conn, organization, id, state, TrackerCause::default(), now);
                let has_moved = self.app.app.db.write(follow).await.unwrap();
                has_moved.then(|| Deed::Moved(bytes(&issue["id"]), state))
            }
            Act::Add { issue, number } => {
                let issue = self.issue(*issue).await?;
                let observation = self.nth("/observations?sort=created", *number).await?;
                let path = format!("/issues/{}/instances", issue["id"].as_str().unwrap());
                let body = json!({ "selection": { "observation_ids": [observation["id"]] } });
                editor.post(&path, body).await.expect(200);
                Some(Deed::Added(bytes(&issue["id"]), Self::pair(&observation)))
            }
            Act::Remove { issue, number } => {
                let issue = self.issue(*issue).await?;
                let path = format!("/issues/{}/instances", issue["id"].as_str().unwrap());
                let instance = self.nth(&path, *number).await?;
                let body = json!({ "instance_ids": [instance["id"]] });
                editor.post(&format!("{path}/remove"), body).await.expect(200);
                let pair = (
                    bytes(&instance["then"]["branch"]["id"]),
                    bytes(&instance["vulnerability"]["id"]),
                    bytes(&instance["then"]["asset"]["id"]),
                );
                Some(Deed::Removed(bytes(&issue["id"]), pair))
            }
            Act::Merge { into, from } => {
                let (into, from) = (self.issue(*into).await?, self.issue(*from).await?);
                if into["id"] == from["id"] {
                    return None;
                }
                let path = format!("/issues/{}/merge", into["id"].as_str().unwrap());
                editor.post(&path, json!({ "from": from["id"] })).await.expect(200);
                Some(Deed::Merged(bytes(&into["id"]), bytes(&from["id"])))
            }
            Act::Retire { number } => {
                let source = self.nth("/scan-sources", *number).await?;
                let path = format!("/scan-sources/{}/retire", source["id"].as_str().unwrap());
                editor.post(&path, json!({})).await.expect(200);
                Some(Deed::Observed(None))
            }
        }
    }
}

async fn check(app: TestApp, acts: &[Act]) {
    let tenant = app.tenant("acme").await;
    let mut stage = Stage { app, tenant, history: Vec::new() };
    for act in acts {
        stage.perform(act).await;
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, max_shrink_iters: 60, ..ProptestConfig::default() })]

    /// RZ-6, RZ-7, RZ-8, RZ-9
    #[test]
    fn issues_are_what_their_history_says_on_sqlite(acts in proptest::collection::vec(acts(), 10..60)) {
        run(async { check(TestApp::sqlite().await, &acts).await });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, max_shrink_iters: 30, ..ProptestConfig::default() })]

    /// RZ-6, RZ-7, RZ-8, RZ-9
    #[test]
    fn issues_are_what_their_history_says_on_postgresql(acts in proptest::collection::vec(acts(), 10..60)) {
        run(async {
            if let Some(app) = TestApp::postgresql().await {
                check(app, &acts).await;
            }
        });
    }
}
