//! Issues: drafting, creating, reading.

use std::time::Duration;

use patchbay::base::ids::IssueId;
use patchbay::issues::service::tracker::{TrackerCause, move_by_tracker, note_tracker_event};
use patchbay::issues::status::IssueState;
use patchbay::issues::timeline::TrackerEvent;
use serde_json::{Value, json};

use crate::app::{Client, TestApp};
use crate::both_databases;
use crate::builders::Tenant;
use crate::sarif::{found, sarif};

both_databases!(
    every_state_meets_every_event_as_the_rules_say,
    a_snapshot_outlives_whatever_becomes_of_its_origin,
    instances_are_added_and_removed_and_the_issue_settles,
    two_issues_become_one,
    every_selection_makes_an_issue,
    a_timeline_tells_who_changed_what_and_what_was_said,
    the_table_of_instances_is_safe_to_open,
    an_issue_is_deleted_with_all_that_it_has,
    an_issue_is_drafted_and_created_from_observations,
    an_issue_that_nobody_may_see_is_not_made,
    a_trackers_event_is_entered_once,
);

impl Client {
    /// A new observation; its id.
    pub async fn observed(&self, product: &str, title: &str, severity: &str, more: Value) -> String {
        let mut body = json!({ "product_id": product, "title": title, "severity": severity });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post("/observations", body).await.expect(201).id()
    }

    /// A new issue of these observations; its id.
    pub async fn issue_of(&self, observations: &[&str]) -> String {
        let body = json!({ "selection": { "observation_ids": observations } });
        self.post("/issues", body).await.expect(201).id()
    }
}

impl TestApp {
    /// A minute passes.
    fn tick(&self) {
        self.app.clock.advance(Duration::from_secs(60));
    }
}

/// What somebody or a scan does to both observations of an issue.
#[derive(Debug, Clone, Copy)]
enum Act {
    Scan(&'static [&'static str]),
    Assess(Option<&'static str>),
    Delete,
    Retire,
    DeleteProduct,
}

impl Act {
    async fn perform(self, app: &TestApp, tenant: &Tenant, product: &str) {
        app.tick();
        let observations = tenant.viewer.get_all(&format!("/observations?product={product}")).await;
        let ids: Vec<&str> = observations.iter().map(|one| one["id"].as_str().unwrap()).collect();
        match self {
            Self::Scan(rules) => {
                let findings: Vec<_> = rules.iter().map(|rule| found(rule, "x.rs", 1)).collect();
                tenant.editor.scan(product, &sarif(&findings)).await.expect(201);
            }
            Self::Assess(status) => {
                let body = json!({ "ids": ids, "assessment": { "assessed_status": status } });
                tenant.editor.post("/observations/assess", body).await.expect(200);
            }
            Self::Delete => {
                for id in ids {
                    tenant.editor.delete(&format!("/observations/{id}")).await.expect(204);
                }
            }
            Self::Retire => {
                let source = tenant.viewer.get_all(&format!("/scan-sources?product={product}")).await;
                let path = format!("/scan-sources/{}/retire", source[0]["id"].as_str().unwrap());
                tenant.editor.post(&path, json!({})).await.expect(200);
            }
            Self::DeleteProduct => {
                tenant.admin.delete(&format!("/products/{product}")).await.expect(204);
            }
        }
        app.tick();
    }
}

/// RZ-6, RZ-7, RZ-8, RZ-9, NU-5: what was before, what happens, and the states that follow on open, in progress, resolved
/// and closed.
async fn every_state_meets_every_event_as_the_rules_say(app: TestApp) {
    const BOTH: Act = Act::Scan(&["a", "b"]);
    let done = ["resolved", "resolved", "resolved", "closed"];
    let left = ["open", "in_progress", "resolved", "closed"];
    let back = ["open", "in_progress", "in_progress", "closed"];
    let tenant = app.tenant("acme").await;
    for (number, (before, act, expected)) in [
        (vec![], Act::Scan(&[]), done),
        (vec![], Act::Scan(&["a"]), back),
        (vec![], BOTH, back),
        (vec![Act::Scan(&[])], BOTH, back),
        (vec![Act::Scan(&[])], Act::Scan(&["a"]), back),
        (vec![Act::Scan(&[])], Act::Scan(&[]), left),
        (vec![], Act::Assess(Some("false_positive")), done),
        (vec![], Act::Assess(Some("not_affected")), done),
        (vec![], Act::Assess(Some("not_security")), done),
        (vec![], Act::Assess(Some("resolved")), done),
        (vec![], Act::Assess(Some("affected")), left),
        (vec![], Act::Assess(Some("in_review")), left),
        (vec![], Act::Assess(Some("risk_accepted")), left),
        (vec![Act::Assess(Some("risk_accepted"))], Act::Assess(None), left),
        (vec![Act::Assess(Some("in_review"))], Act::Assess(None), left),
        (vec![Act::Assess(Some("false_positive"))], Act::Assess(None), back),
        (vec![Act::Assess(Some("false_positive"))], Act::Assess(Some("risk_accepted")), left),
        (vec![Act::Assess(Some("risk_accepted")), Act::Scan(&[])], BOTH, left),
        (vec![], Act::Delete, done),
        (vec![Act::Delete], BOTH, back),
        (vec![], Act::Retire, done),
        (vec![Act::Retire], BOTH, back),
        (vec![], Act::DeleteProduct, done),
    ]
    .into_iter()
    .enumerate()
    {
        for (state, expected) in ["open", "in_progress", "resolved", "closed"].into_iter().zip(expected) {
            let product = tenant.admin.product(&format!("{state}-{number}")).await;
            BOTH.perform(&app, &tenant, &product).await;
            let body = json!({ "selection": { "product_id": product } });
            let issue = format!("/issues/{}", tenant.editor.post("/issues", body).await.expect(201).id());
            for act in &before {
                act.perform(&app, &tenant, &product).await;
            }
            tenant.editor.patch(&issue, json!({ "state": state })).await.expect(200);
            act.perform(&app, &tenant, &product).await;
            let after = tenant.viewer.get(&issue).await.expect(200);
            assert_eq!(after["state"], expected, "{state} after {before:?} and {act:?}: {after:?}");
        }
    }
}

/// RZ-3, RZ-4
async fn a_snapshot_outlives_whatever_becomes_of_its_origin(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let main = tenant.admin.branch(&product, "main").await;
    let more = json!({
        "branch_id": main, "vulnerability_ids": ["CVE-2021-44228"], "description": "JNDI look-ups.",
        "location": "pom.xml", "fixed_version": "2.17.1", "component": { "name": "log4j-core", "version": "2.14.1" },
    });
    let observation = tenant.editor.observed(&product, "Log4Shell", "critical", more).await;
    let issue = format!("/issues/{}", tenant.editor.issue_of(&[&observation]).await);
    let instances = format!("{issue}/instances");
    let first = tenant.viewer.get(&instances).await.expect(200)["items"][0].clone();
    assert_eq!(first["vulnerability"]["key"], "CVE-2021-44228");
    assert_eq!((&first["then"]["status"], &first["today"]["status"]), (&json!("open"), &json!("open")));
    let kept = &first["then"]["observations"][0];
    assert_eq!((&kept["location"], &kept["fixed_version"]), (&json!("pom.xml"), &json!("2.17.1")));
    assert_eq!(kept["component"]["name"], "log4j-core");
    let then = |item: &Value| (item["then"].clone(), item["vulnerability"].clone(), item["added_at"].clone());
    for (what, status) in
        [("assess", "risk_accepted"), ("observation", "deleted"), ("branch", "deleted"), ("product", "deleted")]
    {
        app.tick();
        match what {
            "assess" => {
                let body = json!({ "assessed_status": "risk_accepted", "assessed_severity": "low" });
                drop(tenant.editor.patch(&format!("/observations/{observation}"), body).await.expect(200));
            }
            "observation" => drop(tenant.editor.delete(&format!("/observations/{observation}")).await.expect(204)),
            "branch" => {
                let path = format!("/products/{product}/branches/{main}");
                drop(tenant.admin.delete(&path).await.expect(204));
            }
            _ => drop(tenant.admin.delete(&format!("/products/{product}")).await.expect(204)),
        }
        let item = tenant.viewer.get(&instances).await.expect(200)["items"][0].clone();
        assert_eq!(then(&item), then(&first), "after {what}");
        assert_eq!(item["today"]["status"], status, "after {what}");
        assert_eq!(item["is_remediated"], json!(status == "deleted"));
        let remediated_at = if status == "deleted" { json!("2026-06-01T12:02:00.000000Z") } else { Value::Null };
        assert_eq!(item["remediated_at"], remediated_at, "after {what}");
    }
    assert_eq!(tenant.viewer.get(&issue).await.expect(200)["state"], "resolved");
}

/// RZ-1, RZ-3, RZ-8
async fn instances_are_added_and_removed_and_the_issue_settles(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let first = tenant.editor.observed(&product, "First", "high", json!({})).await;
    let second = tenant.editor.observed(&product, "Second", "low", json!({})).await;
    let issue = format!("/issues/{}", tenant.editor.issue_of(&[&first]).await);
    let fix = |id: &str| (format!("/observations/{id}"), json!({ "assessed_status": "resolved" }));
    let (path, body) = fix(&first);
    app.tick();
    let selection = json!({ "selection": { "observation_ids": [first, second] } });
    let added = tenant.editor.post(&format!("{issue}/instances"), selection.clone()).await.expect(200);
    assert_eq!(added["instances"]["total"], 2);
    let again = tenant.editor.post(&format!("{issue}/instances"), selection).await.expect(200);
    assert_eq!(again.header("etag"), added.header("etag"), "what is there already changes nothing");
    let items = tenant.viewer.get_all(&format!("{issue}/instances?limit=1")).await;
    let times: Vec<_> = items.iter().map(|item| item["added_at"].as_str().unwrap()).collect();
    assert_eq!(times, ["2026-06-01T12:00:00.000000Z", "2026-06-01T12:01:00.000000Z"]);
    tenant.editor.patch(&path, body).await.expect(200);
    assert_eq!(tenant.viewer.get(&issue).await.expect(200)["state"], "open");
    let open = tenant.viewer.get_all(&format!("{issue}/instances?remediated=false")).await;
    assert_eq!(open.len(), 1);
    let body = json!({ "instance_ids": [open[0]["id"]] });
    let stale = tenant.editor.request(reqwest::Method::POST, &format!("{issue}/instances/remove"));
    stale.header("if-match", "\"1\"").json(&body).send().await.expect(412);
    let left = tenant.editor.post(&format!("{issue}/instances/remove"), body).await.expect(200);
    assert_eq!((&left["state"], &left["instances"]["total"]), (&json!("resolved"), &json!(1)));
    tenant
        .viewer
        .post(&format!("{issue}/instances"), json!({ "selection": { "product_id": product } }))
        .await
        .expect(403);
}

/// RZ-1: nobody loses an instance, a snapshot or a word.
async fn two_issues_become_one(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let shared = tenant.editor.observed(&product, "Shared", "high", json!({})).await;
    let other = tenant.editor.observed(&product, "Other", "low", json!({})).await;
    let into = tenant.editor.issue_of(&[&shared]).await;
    let from = tenant.editor.issue_of(&[&shared, &other]).await;
    tenant.editor.post(&format!("/issues/{from}/comments"), json!({ "body": "mine" })).await.expect(201);
    let merge = format!("/issues/{into}/merge");
    assert_eq!(tenant.editor.post(&merge, json!({ "from": into })).await.expect(400).pointers(), ["/from"]);
    tenant.viewer.post(&merge, json!({ "from": from })).await.expect(403);
    let merged = tenant.editor.post(&merge, json!({ "from": from })).await.expect(200);
    assert_eq!(merged["instances"]["total"], 2);
    assert_eq!(tenant.viewer.get_all(&format!("/issues/{into}/instances")).await.len(), 2);
    let rest = tenant.viewer.get(&format!("/issues/{from}")).await.expect(200);
    assert_eq!((&rest["state"], &rest["merged_into"]), (&json!("closed"), &json!(into)));
    assert_eq!(rest["instances"]["total"], 0);
    assert_eq!(tenant.viewer.get_all(&format!("/issues/{from}/timeline?kind=comment")).await.len(), 1);
    tenant.editor.post(&merge, json!({ "from": from })).await.expect(409);
    tenant.editor.patch(&format!("/issues/{from}"), json!({ "state": "open" })).await.expect(409);
    tenant.editor.patch(&format!("/issues/{from}"), json!({ "name": "was merged" })).await.expect(200);
}

/// RZ-2
async fn every_selection_makes_an_issue(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let report = sarif(&[found("a", "x.rs", 1), found("a", "y.rs", 2), found("b", "y.rs", 3)]);
    let scan = tenant.editor.scan("shop", &report).await.expect(201)["scans"][0]["id"].clone();
    let observations = tenant.viewer.get_all("/observations?sort=created").await;
    let first = &observations[0];
    let product = first["product"]["id"].clone();
    tenant.editor.observed(product.as_str().unwrap(), "By hand", "low", json!({})).await;
    let asset = first["asset"]["id"].clone();
    let vulnerability = first["vulnerability"]["id"].clone();
    for (selection, instances) in [
        (json!({ "observation_ids": [observations[0]["id"], observations[1]["id"]] }), 1),
        (json!({ "vulnerability_ids": [vulnerability] }), 1),
        (json!({ "filter": { "location": "y.rs", "product": [product] } }), 2),
        (json!({ "filter": {} }), 3),
        (json!({ "filter": { "status": ["false_positive"] } }), 0),
        (json!({ "asset_id": asset }), 3),
        (json!({ "product_id": product }), 3),
        (json!({ "scan_id": scan }), 2),
    ] {
        let draft = tenant.editor.post("/issues/draft", json!({ "selection": selection })).await.expect(200);
        assert_eq!(draft["instance_count"], instances, "{selection}");
        let made = tenant.editor.post("/issues", json!({ "selection": selection })).await.expect(201);
        assert_eq!((&made["instances"]["total"], &made["name"]), (&json!(instances), &draft["name"]), "{selection}");
        assert_eq!(tenant.viewer.get_all(&format!("/issues/{}/instances", made.id())).await.len(), instances);
    }
    let stranger = app.tenant("globex").await;
    for selection in
        [json!({ "asset_id": asset }), json!({ "scan_id": scan }), json!({ "vulnerability_ids": [vulnerability] })]
    {
        let draft = stranger.editor.post("/issues/draft", json!({ "selection": selection })).await.expect(200);
        assert_eq!(draft["instance_count"], 0, "{selection}");
    }
    stranger.editor.post("/issues/draft", json!({ "selection": { "product_id": product } })).await.expect(400);
}

/// RZ-5, NU-16
async fn a_timeline_tells_who_changed_what_and_what_was_said(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let team = tenant.admin.team("Blue").await;
    let issue = tenant.editor.post("/issues", json!({ "name": "Harden", "risk": "low" })).await.expect(201);
    let path = format!("/issues/{}", issue.id());
    let patch = json!({ "risk": "high", "assignee": { "kind": "team", "id": team }, "due_at": "2026-07-01T00:00:00Z" });
    let changed = tenant.editor.patch(&path, patch.clone()).await.expect(200);
    assert_eq!(changed["assignee"], json!({ "kind": "team", "id": team }));
    let same = tenant.editor.patch(&path, patch).await.expect(200);
    assert_eq!(same.header("etag"), changed.header("etag"));
    let wrong = json!({ "name": "", "assignee": { "kind": "user", "id": team } });
    assert_eq!(tenant.editor.patch(&path, wrong).await.expect(400).pointers(), ["/name", "/assignee"]);
    let comment = tenant.editor.post(&format!("{path}/comments"), json!({ "body": "Soon." })).await.expect(201);
    let own = format!("{path}/comments/{}", comment.id());
    tenant.admin.patch(&own, json!({ "body": "Never." })).await.expect(403);
    app.tick();
    let edited = tenant.editor.patch(&own, json!({ "body": "Tomorrow." })).await.expect(200);
    assert_eq!((&edited["body"], &edited["edited_at"]), (&json!("Tomorrow."), &json!("2026-06-01T12:01:00.000000Z")));
    let said = tenant.viewer.get_all(&format!("{path}/timeline?kind=comment")).await;
    assert_eq!(said.len(), 1);
    assert_eq!(tenant.viewer.get(&own).await.expect(200).body, edited.body);
    let all = tenant.viewer.get_all(&format!("{path}/timeline?limit=2")).await;
    let fields: Vec<_> = all.iter().map(|entry| (entry["kind"].clone(), entry["field"].clone())).collect();
    let user = |field: &str| (json!("user"), json!(field));
    let expected = [(json!("comment"), Value::Null), user("assignee"), user("due_at"), user("risk"), user("issue")];
    assert_eq!(fields, expected);
    assert_eq!((&all[3]["old_value"], &all[3]["new_value"]), (&json!("low"), &json!("high")));
    assert_eq!(all[3]["actor_id"], json!(tenant.editor.id));
    tenant.admin.delete(&own).await.expect(204);
    tenant.viewer.get(&own).await.expect(404);
    let last = &tenant.viewer.get_all(&format!("{path}/timeline?kind=user")).await[0];
    assert_eq!(last["field"], "comment");
    tenant.viewer.post(&format!("{path}/comments"), json!({ "body": "no" })).await.expect(403);
}

/// RZ-10, NU-6, S-24
async fn the_table_of_instances_is_safe_to_open(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("=shop").await;
    let evil = "=HYPERLINK(\"https://evil.example\")";
    let first = tenant.editor.observed(&product, evil, "high", json!({ "location": "a,\"b" })).await;
    let second = tenant.editor.observed(&product, "Fixed", "low", json!({})).await;
    let issue = format!("/issues/{}", tenant.editor.issue_of(&[&first, &second]).await);
    tenant.editor.patch(&format!("/observations/{second}"), json!({ "assessed_status": "resolved" })).await.expect(200);
    let answer = tenant.viewer.get(&format!("{issue}/instances.csv")).await.expect(200);
    assert!(answer.header("content-type").starts_with("text/csv"));
    let mut reader = csv::Reader::from_reader(&answer.bytes[..]);
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| rows[row][column(name)].to_owned();
    assert_eq!((rows.len(), cell(0, "title"), cell(0, "product")), (2, format!("'{evil}"), "'=shop".to_owned()));
    assert_eq!((cell(0, "location"), cell(1, "is_remediated")), ("a,\"b".to_owned(), "true".to_owned()));
    let open = tenant.viewer.get(&format!("{issue}/instances.csv?remediated=exclude")).await.expect(200);
    assert_eq!(csv::Reader::from_reader(&open.bytes[..]).records().count(), 1);
    tenant.viewer.get(&format!("{issue}/instances.csv?remediated=maybe")).await.expect(400);
}

/// RZ-1, RZ-12
async fn an_issue_is_deleted_with_all_that_it_has(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let observation = tenant.editor.observed(&product, "Open port", "low", json!({})).await;
    let issue = format!("/issues/{}", tenant.editor.issue_of(&[&observation]).await);
    tenant.viewer.delete(&issue).await.expect(403);
    tenant.editor.delete(&issue).await.expect(204);
    for path in
        [issue.clone(), format!("{issue}/instances"), format!("{issue}/timeline"), format!("{issue}/instances.csv")]
    {
        tenant.editor.get(&path).await.expect(404);
    }
    tenant.editor.get(&format!("/observations/{observation}")).await.expect(200);
}

/// RZ-1, RZ-2
async fn an_issue_is_drafted_and_created_from_observations(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let log4j = json!({ "vulnerability_ids": ["CVE-2021-44228"], "remediation": "Update to 2.17.1." });
    let first = tenant.editor.observed(&product, "Log4Shell", "critical", log4j).await;
    let second = tenant.editor.observed(&product, "Open port", "low", json!({})).await;
    let selection = json!({ "observation_ids": [first, second, first] });
    let draft = tenant.editor.post("/issues/draft", json!({ "selection": selection })).await.expect(200);
    assert_eq!(draft["name"], "CVE-2021-44228 and 1 more vulnerability on 1 asset");
    assert_eq!((&draft["risk"], &draft["instance_count"]), (&json!("critical"), &json!(2)));
    assert!(draft.text("remediation").contains("Update to 2.17.1."), "{draft:?}");
    let body = json!({ "selection": selection, "name": " Log4Shell ", "due_at": "2026-07-01T00:00:00Z" });
    let made = tenant.editor.post("/issues", body).await.expect(201);
    assert!(made.header("location").ends_with(&made.id()));
    let shown = tenant.viewer.get(&format!("/issues/{}", made.id())).await.expect(200);
    assert_eq!((shown.body.clone(), shown.header("etag")), (made.body.clone(), made.header("etag")));
    for (field, value) in [
        ("name", json!("Log4Shell")),
        ("description", draft["description"].clone()),
        ("remediation", draft["remediation"].clone()),
        ("risk", json!("critical")),
        ("state", json!("open")),
        ("due_at", json!("2026-07-01T00:00:00.000000Z")),
        ("product_ids", json!([product])),
        ("instances", json!({ "total": 2, "actionable": 2, "remediated": 0, "excluded": 0, "regressed": 0 })),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
}

/// RZ-12, S-02
async fn an_issue_that_nobody_may_see_is_not_made(app: TestApp) {
    let (tenant, stranger) = (app.tenant("acme").await, app.tenant("globex").await);
    let product = tenant.admin.product("shop").await;
    let observation = tenant.editor.observed(&product, "Open port", "low", json!({})).await;
    let body = json!({ "selection": { "observation_ids": [observation] } });
    let refused = stranger.editor.post("/issues", body.clone()).await.expect(400);
    assert_eq!(refused.pointers(), ["/selection/observation_ids/0"]);
    tenant.viewer.post("/issues", body.clone()).await.expect(403);
    tenant.viewer.post("/issues/draft", body).await.expect(403);
    let both = json!({ "selection": { "observation_ids": [observation], "product_id": product } });
    assert_eq!(tenant.editor.post("/issues", both).await.expect(400).pointers(), ["/selection"]);
    let issue = tenant.editor.issue_of(&[&observation]).await;
    stranger.admin.get(&format!("/issues/{issue}")).await.expect(404);
    let bound = tenant.admin.token(&["write"], Some(&product)).await;
    bound.get(&format!("/issues/{issue}")).await.expect(200);
    let refused = bound.post("/issues", json!({ "name": "empty" })).await.expect(400);
    assert_eq!(refused.pointers(), ["/product_id"]);
}

/// RZ-11
async fn a_trackers_event_is_entered_once(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let made = tenant.editor.post("/issues", json!({ "name": "Harden the login" })).await.expect(201);
    let (organization, id): (_, IssueId) = (tenant.id, made.id().parse().unwrap());
    let now = app.app.clock.now();
    let event =
        TrackerEvent { remote_key: "changelog/1/0".into(), field: Some("priority".into()), ..Default::default() };
    let cause =
        TrackerCause { actor_name: Some("Ann".into()), reason: "SHOP-7 went to Done".into(), ..Default::default() };
    let work = app.app.db.write(move |conn| {
        Ok([
            note_tracker_event(conn, organization, id, event.clone(), now)?,
            note_tracker_event(conn, organization, id, event, now)?,
            move_by_tracker(conn, organization, id, IssueState::Resolved, cause.clone(), now)?,
            move_by_tracker(conn, organization, id, IssueState::Resolved, cause, now)?,
            note_tracker_event(conn, organization, IssueId::generate(), TrackerEvent::default(), now)?,
        ])
    });
    assert_eq!(work.await.unwrap(), [true, false, true, false, false]);
    assert_eq!(tenant.viewer.get(&format!("/issues/{id}")).await.expect(200)["state"], "resolved");
}
