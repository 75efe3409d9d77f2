//! What people decide about observations, through the API.

use std::time::Duration;

use patchbay::assessments::expiry;
use serde_json::{Value, json};

use crate::app::{Client, TestApp};
use crate::both_databases;

both_databases!(
    an_assessment_holds_until_it_is_taken_back,
    a_change_of_an_older_version_is_refused,
    many_are_assessed_alike_and_each_is_answered_for,
    all_that_match_a_filter_are_assessed,
    an_accepted_risk_is_open_again_when_its_time_is_up,
    a_duplicate_follows_its_original,
    a_deleted_observation_is_gone_and_leaves_its_identity,
    viewers_read_and_others_see_nothing,
    a_decision_that_makes_no_sense_is_refused_with_all_faults,
    notes_are_edited_by_their_authors_only,
);

/// An observation by hand; its id.
pub async fn enter(client: &Client, product: &str, title: &str) -> String {
    let body = json!({ "product_id": product, "title": title, "severity": "high", "location": "src/a.rs" });
    client.post("/observations", body).await.expect(201).id()
}

async fn status(client: &Client, id: &str) -> String {
    client.get(&format!("/observations/{id}")).await.expect(200).text("status")
}

async fn history(client: &Client, id: &str) -> Vec<(String, Value, Value)> {
    let items = client.get_all(&format!("/observations/{id}/history")).await;
    items
        .iter()
        .map(|entry| {
            (entry["field"].as_str().unwrap().to_owned(), entry["old_value"].clone(), entry["new_value"].clone())
        })
        .collect()
}

/// The counts by status and severity, as the rows have them and as the table says.
async fn check_counts(app: &TestApp) {
    crate::observation_counts::check(&app.app.db).await;
}

/// SO-4, SO-6
async fn an_assessment_holds_until_it_is_taken_back(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let id = enter(&tenant.editor, &product, "Passwords are logged").await;
    let path = format!("/observations/{id}");
    let body = json!({ "assessed_status": "false_positive", "assessed_severity": "low", "comment": "a test" });
    let changed = tenant.editor.patch(&path, body).await.expect(200);
    assert_eq!((&changed["status"], &changed["is_active"]), (&json!("false_positive"), &json!(false)));
    assert_eq!((&changed["severity"], &changed["scan_severity"]), (&json!("low"), &json!("high")));
    let entries = tenant.viewer.get(&format!("{path}/history")).await.expect(200);
    assert_eq!(entries.items("comment")[..2], [json!("a test"), json!("a test")]);
    assert_eq!(entries["items"][0]["actor_id"], json!(tenant.editor.id.to_string()));
    let back = json!({ "assessed_status": null, "is_verified": true });
    let back = tenant.editor.patch(&path, back).await.expect(200);
    assert_eq!((&back["status"], &back["severity"]), (&json!("open"), &json!("low")));
    let mut fields: Vec<String> = history(&tenant.viewer, &id).await.into_iter().map(|(field, ..)| field).collect();
    fields.sort();
    assert_eq!(fields, ["is_verified", "severity", "status", "status", "status"]);
    check_counts(&app).await;
}

async fn a_change_of_an_older_version_is_refused(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let id = enter(&tenant.editor, &product, "One").await;
    let path = format!("/observations/{id}");
    let read = tenant.editor.get(&path).await.expect(200);
    let patch = |tag: &str, body: Value| {
        tenant.editor.request(reqwest::Method::PATCH, &path).header("if-match", tag).json(&body).send()
    };
    let first = patch(read.header("etag"), json!({ "assessed_status": "affected" })).await.expect(200);
    assert_ne!(first.header("etag"), read.header("etag"));
    patch(read.header("etag"), json!({ "assessed_status": "in_review" })).await.expect(412);
    assert_eq!(status(&tenant.editor, &id).await, "affected");
    let same = patch(first.header("etag"), json!({ "assessed_status": "affected" })).await.expect(200);
    assert_eq!(same.header("etag"), first.header("etag"), "nothing changed, so neither did the version");
    let delete = tenant.editor.request(reqwest::Method::DELETE, &path).header("if-match", read.header("etag"));
    delete.send().await.expect(412);
}

async fn many_are_assessed_alike_and_each_is_answered_for(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let (shop, blog) = (tenant.admin.product("shop").await, tenant.admin.product("blog").await);
    let one = enter(&tenant.editor, &shop, "One").await;
    let two = enter(&tenant.editor, &shop, "Two").await;
    let other = enter(&tenant.editor, &blog, "Other").await;
    let unknown = uuid::Uuid::now_v7().to_string();
    let duplicate = json!({ "assessed_status": "duplicate", "duplicate_of": one, "comment": "the same" });
    let body = json!({ "ids": [two, one, other, unknown, two], "assessment": duplicate });
    let answer = tenant.editor.post("/observations/assess", body.clone()).await.expect(200);
    let outcomes: Vec<_> = answer["results"].as_array().unwrap().iter().map(|item| item["outcome"].clone()).collect();
    assert_eq!(outcomes, ["changed", "refused", "refused", "not_found"]);
    assert_eq!(answer["results"][1]["detail"], "it would be a duplicate of itself");
    assert_eq!(answer["results"][2]["detail"], "the original is in another product");
    let counts = ["changed", "unchanged", "refused", "not_found"].map(|name| answer[name].clone());
    assert_eq!(counts, [json!(1), json!(0), json!(2), json!(1)]);
    let again = tenant.editor.post("/observations/assess", body).await.expect(200);
    assert_eq!(again["results"][0]["outcome"], "unchanged");
    check_counts(&app).await;
}

async fn all_that_match_a_filter_are_assessed(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let (shop, blog) = (tenant.admin.product("shop").await, tenant.admin.product("blog").await);
    for n in 0..3 {
        enter(&tenant.editor, &shop, &format!("Shop {n}")).await;
    }
    let other = enter(&tenant.editor, &blog, "Blog").await;
    let body = json!({
        "filter": { "product": [shop], "active": true, "severity": ["high"] },
        "assessment": { "assessed_status": "not_security", "is_verified": true },
    });
    let answer = tenant.editor.post("/observations/assess", body.clone()).await.expect(200);
    assert_eq!((&answer["changed"], &answer["results"]), (&json!(3), &json!([])));
    let disposed = tenant.viewer.get("/observations?status=not_security&verified=true&include=total").await.expect(200);
    assert_eq!(disposed["total"], 3);
    assert_eq!(status(&tenant.viewer, &other).await, "open");
    assert_eq!(tenant.editor.post("/observations/assess", body).await.expect(200)["changed"], 0);
    check_counts(&app).await;
}

/// DD-21
async fn an_accepted_risk_is_open_again_when_its_time_is_up(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let accepted = enter(&tenant.editor, &product, "For an hour").await;
    let forever = enter(&tenant.editor, &product, "For good").await;
    let accept = json!({ "assessed_status": "risk_accepted", "assessment_expires_at": "2026-06-01T13:00:00Z" });
    tenant.editor.patch(&format!("/observations/{accepted}"), accept).await.expect(200);
    tenant
        .editor
        .patch(&format!("/observations/{forever}"), json!({ "assessed_status": "risk_accepted" }))
        .await
        .expect(200);
    let expire = || {
        let now = app.app.clock.now();
        app.app.db.write(move |conn| expiry::expire(conn, now))
    };
    assert_eq!(expire().await.unwrap(), 0);
    app.app.clock.advance(Duration::from_secs(3_600));
    assert_eq!(expire().await.unwrap(), 1);
    assert_eq!(expire().await.unwrap(), 0);
    let open = tenant.viewer.get(&format!("/observations/{accepted}")).await.expect(200);
    assert_eq!((&open["status"], &open["assessment_expires_at"]), (&json!("open"), &Value::Null));
    let entries = tenant.viewer.get(&format!("/observations/{accepted}/history")).await.expect(200);
    let by_system = entries["items"].as_array().unwrap().iter().find(|entry| entry["actor_kind"] == "system").unwrap();
    assert_eq!(by_system["comment"], "the acceptance of the risk has expired");
    assert_eq!(status(&tenant.viewer, &forever).await, "risk_accepted");
    check_counts(&app).await;
}

async fn a_duplicate_follows_its_original(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let [first, second, third] = ["First", "Second", "Third"].map(|title| enter(&tenant.editor, &product, title));
    let (first, second, third) = (first.await, second.await, third.await);
    let mark = |id: &str, original: &str| {
        let body = json!({ "assessed_status": "duplicate", "duplicate_of": original });
        let (client, path) = (tenant.editor.client.clone(), format!("/observations/{id}"));
        async move { client.patch(&path, body).await }
    };
    mark(&third, &second).await.expect(200);
    mark(&second, &first).await.expect(200);
    let third_now = tenant.viewer.get(&format!("/observations/{third}")).await.expect(200);
    assert_eq!(third_now["duplicate_of"], json!(first), "what had the second as its original has the first now");
    mark(&first, &third).await.expect(400);
    tenant.editor.delete(&format!("/observations/{first}")).await.expect(204);
    for id in [&second, &third] {
        let freed = tenant.viewer.get(&format!("/observations/{id}")).await.expect(200);
        assert_eq!((&freed["status"], &freed["duplicate_of"]), (&json!("open"), &Value::Null));
    }
    check_counts(&app).await;
}

/// SO-7
async fn a_deleted_observation_is_gone_and_leaves_its_identity(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let id = enter(&tenant.editor, &product, "One").await;
    let path = format!("/observations/{id}");
    tenant.editor.post(&format!("{path}/notes"), json!({ "body": "soon gone" })).await.expect(201);
    tenant.viewer.delete(&path).await.expect(403);
    tenant.editor.delete(&path).await.expect(204);
    tenant.editor.get(&path).await.expect(404);
    tenant.editor.delete(&path).await.expect(404);
    assert!(tenant.viewer.get_all("/observations").await.is_empty());
    assert!(tenant.viewer.get_all("/vulnerabilities").await.is_empty());
    let tombstones: i64 = app
        .app
        .db
        .read(|conn| {
            use diesel::prelude::*;
            patchbay::db::schema::observation_tombstones::table.count().get_result(conn)
        })
        .await
        .unwrap();
    assert_eq!(tombstones, 1);
    check_counts(&app).await;
}

/// S-01, S-02, S-04, PB-10
async fn viewers_read_and_others_see_nothing(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let hidden = acme.admin.product_with("hidden", json!({ "is_restricted": true })).await;
    let open = acme.admin.product("open").await;
    let secret = enter(&acme.admin, &hidden, "Secret").await;
    let known = enter(&acme.admin, &open, "Known").await;
    let note = acme.admin.post(&format!("/observations/{secret}/notes"), json!({ "body": "x" })).await.expect(201).id();
    for client in [&acme.viewer.client, &acme.editor.client, &other.admin.client] {
        for path in ["", "/history", "/notes", &format!("/notes/{note}")] {
            client.get(&format!("/observations/{secret}{path}")).await.expect(404);
        }
    }
    for client in [&acme.editor.client, &other.admin.client] {
        client.patch(&format!("/observations/{secret}"), json!({ "is_verified": true })).await.expect(404);
        client.delete(&format!("/observations/{secret}")).await.expect(404);
        client.delete(&format!("/observations/{secret}/notes/{note}")).await.expect(404);
        let body = json!({ "ids": [secret], "assessment": { "is_verified": true } });
        assert_eq!(client.post("/observations/assess", body).await.expect(200)["not_found"], 1);
    }
    let titles = |items: Vec<Value>| items.iter().map(|item| item["title"].clone()).collect::<Vec<_>>();
    assert_eq!(titles(acme.viewer.get_all("/observations").await), ["Known"]);
    assert_eq!(titles(acme.viewer.get_all("/vulnerabilities").await), ["Known"]);
    assert_eq!(acme.viewer.get("/observations?include=total").await.expect(200)["total"], 1);
    assert!(!format!("{:?}", acme.viewer.get("/observations/facets").await.expect(200)).contains("hidden"));
    assert_eq!(titles(acme.admin.get_all("/observations").await).len(), 2);
    assert!(other.admin.get_all("/observations").await.is_empty());
    acme.viewer.patch(&format!("/observations/{known}"), json!({ "is_verified": true })).await.expect(403);
    acme.viewer.post(&format!("/observations/{known}/notes"), json!({ "body": "x" })).await.expect(403);
    acme.viewer
        .post("/observations/assess", json!({ "filter": {}, "assessment": { "is_verified": true } }))
        .await
        .expect(403);
    let manual = json!({ "product_id": hidden, "title": "t", "severity": "low" });
    acme.editor.post("/observations", manual).await.expect(404);
}

async fn a_decision_that_makes_no_sense_is_refused_with_all_faults(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let id = enter(&tenant.editor, &product, "One").await;
    let path = format!("/observations/{id}");
    for (body, pointers) in [
        (json!({ "assessment_expires_at": "2020-01-01T00:00:00Z" }), vec!["/assessment_expires_at"]),
        (json!({ "assessment_expires_at": "2030-01-01T00:00:00Z" }), vec![""]),
        (json!({ "assessed_status": "duplicate" }), vec![""]),
        (json!({ "assessed_status": "duplicate", "duplicate_of": uuid::Uuid::now_v7() }), vec!["/duplicate_of"]),
        (json!({ "assessed_status": "open", "duplicate_of": id }), vec!["/duplicate_of"]),
        (json!({ "assessed_status": "fixed" }), vec!["/assessed_status"]),
        (json!({ "status": "open" }), vec!["/status"]),
        (
            json!({ "comment": "x".repeat(10_001), "assessment_expires_at": "2020-01-01T00:00:00Z" }),
            vec!["/comment", "/assessment_expires_at"],
        ),
    ] {
        let answer = tenant.editor.patch(&path, body.clone()).await.expect(400);
        assert_eq!(answer.pointers(), pointers, "{body}");
    }
    for body in [
        json!({ "assessment": { "is_verified": true } }),
        json!({ "ids": [id], "filter": {}, "assessment": { "is_verified": true } }),
        json!({ "ids": [], "assessment": { "is_verified": true } }),
        json!({ "ids": [id], "assessment": { "comment": "nothing else" } }),
        json!({ "filter": { "q": "ab" }, "assessment": { "is_verified": true } }),
    ] {
        tenant.editor.post("/observations/assess", body).await.expect(400);
    }
    assert_eq!(history(&tenant.viewer, &id).await.len(), 1);
}

async fn notes_are_edited_by_their_authors_only(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let id = enter(&tenant.editor, &product, "One").await;
    let path = format!("/observations/{id}/notes");
    let made = tenant.editor.post(&path, json!({ "body": "Asked the vendor." })).await.expect(201);
    assert_eq!((&made["author_id"], &made["edited_at"]), (&json!(tenant.editor.id.to_string()), &Value::Null));
    let note = format!("{path}/{}", made.id());
    assert!(made.header("location").ends_with(&note), "{}", made.header("location"));
    tenant.admin.patch(&note, json!({ "body": "Not mine." })).await.expect(403);
    app.app.clock.advance(Duration::from_secs(60));
    let edited = tenant.editor.patch(&note, json!({ "body": "They have a patch." })).await.expect(200);
    assert_eq!(
        (&edited["body"], &edited["edited_at"]),
        (&json!("They have a patch."), &json!("2026-06-01T12:01:00.000000Z"))
    );
    let stale = tenant.editor.request(reqwest::Method::PATCH, &note).header("if-match", made.header("etag"));
    stale.json(&json!({ "body": "Late." })).send().await.expect(412);
    tenant.editor.patch(&note, json!({ "body": "  " })).await.expect(400);
    let second = tenant.admin.post(&path, json!({ "body": "Second." })).await.expect(201).id();
    assert_eq!(tenant.viewer.get_all(&format!("{path}?limit=1")).await.len(), 2);
    tenant.editor.delete(&format!("{path}/{second}")).await.expect(403);
    tenant.admin.delete(&note).await.expect(204);
    tenant.editor.get(&note).await.expect(404);
}
