//! Issues: drafting, creating, reading.

use patchbay::base::ids::IssueId;
use patchbay::issues::service::tracker::{TrackerCause, move_by_tracker, note_tracker_event};
use patchbay::issues::status::IssueState;
use patchbay::issues::timeline::TrackerEvent;
use serde_json::{Value, json};

use crate::app::{Client, TestApp};
use crate::both_databases;

both_databases!(
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
