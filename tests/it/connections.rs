//! Connections and configs: who may, what is refused, what is never shown. On both databases.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::builders::Tenant;
use crate::desk::{Desk, TWO};
use crate::fakes::TOKEN;
use crate::{both_databases, both_databases_with_trackers};

fn github(label: &str, url: &str) -> Value {
    json!({ "label": label, "kind": "github", "base_url": url, "credential": "ghp_very_secret" })
}

mod guarded {
    use super::*;

    both_databases!(
        inner_addresses_are_refused_when_saved,
        only_admins_change_connections_and_nobody_sees_credentials,
        a_credential_does_not_follow_its_connection_to_another_host,
        faults_of_a_connection_are_named_all_at_once,
        faults_of_a_config_are_named_all_at_once,
        what_belongs_to_others_is_not_found,
    );

    /// S-15
    async fn inner_addresses_are_refused_when_saved(app: TestApp) {
        let tenant = app.tenant("acme").await;
        for url in [
            "http://127.0.0.1",
            "http://localhost",
            "http://0.0.0.0",
            "http://[::1]",
            "http://[::ffff:127.0.0.1]",
            "http://169.254.169.254",
            "http://10.0.0.1",
            "http://2130706433",
            "http://0x7f.1",
            "http://017700000001",
            "http://[fd00::1]",
            "file:///etc/passwd",
            "gopher://a.example",
            "https://user@a.example",
            "https://a.example/#@b.example",
            "https://a.example/%0d%0aHost:b",
            "https://a.example\\@b.example",
        ] {
            let refused = tenant.admin.post("/tracker-connections", github("x", url)).await.expect(400);
            assert_eq!(refused.pointers(), ["/base_url"], "{url}");
        }
        let made = tenant.admin.post("/tracker-connections", github("x", "https://github.com")).await.expect(201);
        let path = format!("/tracker-connections/{}", made.id());
        let change = json!({ "base_url": "http://10.0.0.1", "credential": "again" });
        tenant.admin.patch(&path, change).await.expect(400);
        let inline = json!({ "connection": github("y", "http://10.0.0.1"), "project_key": "acme/app" });
        let product = tenant.admin.product("shop").await;
        tenant.admin.put(&format!("/products/{product}/tracker-config"), inline).await.expect(400);
    }

    /// SO-9, S-04
    async fn only_admins_change_connections_and_nobody_sees_credentials(app: TestApp) {
        let tenant = app.tenant("acme").await;
        let wanted = github("main", "https://github.com");
        tenant.viewer.post("/tracker-connections", wanted.clone()).await.expect(403);
        tenant.editor.post("/tracker-connections", wanted.clone()).await.expect(403);
        let made = tenant.admin.post("/tracker-connections", wanted.clone()).await.expect(201);
        tenant.admin.post("/tracker-connections", wanted).await.expect(409);
        let path = format!("/tracker-connections/{}", made.id());
        tenant.editor.patch(&path, json!({ "enabled": false })).await.expect(403);
        tenant.editor.delete(&path).await.expect(403);
        tenant.editor.post(&format!("{path}/test"), json!({})).await.expect(403);
        for seen in [made, tenant.viewer.get(&path).await.expect(200), tenant.viewer.get("/tracker-connections").await]
        {
            assert!(!String::from_utf8_lossy(&seen.bytes).contains("very_secret"), "{seen:?}");
        }
        let product = tenant.admin.product("shop").await;
        let config = format!("/products/{product}/tracker-config");
        let inline = json!({ "connection": github("other", "https://github.com"), "project_key": "acme/app" });
        tenant.editor.put(&config, inline.clone()).await.expect(403);
        tenant.admin.put(&config, inline).await.expect(201);
        tenant.editor.patch(&config, json!({ "active": false })).await.expect(200);
        tenant.viewer.patch(&config, json!({ "active": true })).await.expect(403);
        assert_eq!(tenant.viewer.get_all("/tracker-connections").await.len(), 2);
        tenant.editor.delete(&config).await.expect(204);
        tenant.viewer.get(&config).await.expect(404);
    }

    /// S-15
    async fn a_credential_does_not_follow_its_connection_to_another_host(app: TestApp) {
        let tenant = app.tenant("acme").await;
        let made = tenant.admin.post("/tracker-connections", github("x", "https://github.com")).await.expect(201);
        let path = format!("/tracker-connections/{}", made.id());
        let refused = tenant.admin.patch(&path, json!({ "base_url": "https://ghe.example.org" })).await.expect(400);
        assert_eq!(refused.pointers(), ["/credential"]);
        let change = json!({ "base_url": "https://ghe.example.org", "credential": "another" });
        let changed = tenant.admin.patch(&path, change).await.expect(200);
        assert_eq!(changed["base_url"], "https://ghe.example.org");
        let stale = tenant.admin.request(reqwest::Method::PATCH, &path).header("if-match", "\"1\"");
        stale.json(&json!({ "label": "y" })).send().await.expect(412);
    }

    async fn faults_of_a_connection_are_named_all_at_once(app: TestApp) {
        let tenant = app.tenant("acme").await;
        let wrong = json!({
            "label": " ", "kind": "jira_cloud", "base_url": "https://acme.example.org", "credential": "a b",
            "ticket_label": "with space", "calls_per_minute": 0,
        });
        let refused = tenant.admin.post("/tracker-connections", wrong).await.expect(400);
        let mut pointers = refused.pointers();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/calls_per_minute", "/credential", "/label", "/ticket_label", "/username"]);
    }

    async fn faults_of_a_config_are_named_all_at_once(app: TestApp) {
        let tenant = app.tenant("acme").await;
        let connection = tenant.admin.post("/tracker-connections", github("x", "https://github.com")).await.id();
        let product = tenant.admin.product("shop").await;
        let wrong = json!({
            "connection_id": connection, "project_key": "acme/../app", "labels": ["ok", "a,b", "ok"],
            "issue_type": "Bug", "closed_status": "Done", "confidential": true,
        });
        let refused = tenant.editor.put(&format!("/products/{product}/tracker-config"), wrong).await.expect(400);
        let mut pointers = refused.pointers();
        pointers.sort_unstable();
        let expected = ["/closed_status", "/confidential", "/issue_type", "/labels/1", "/labels/2", "/project_key"];
        assert_eq!(pointers, expected);
        let both = json!({ "connection_id": connection, "connection": github("z", "https://github.com"), "project_key": "a/b" });
        tenant.admin.put(&format!("/products/{product}/tracker-config"), both).await.expect(400);
    }

    /// S-02, PB-10
    async fn what_belongs_to_others_is_not_found(app: TestApp) {
        let (ours, theirs): (Tenant, Tenant) = (app.tenant("acme").await, app.tenant("evil").await);
        let connection = ours.admin.post("/tracker-connections", github("x", "https://github.com")).await.id();
        let product = ours.admin.product_with("shop", json!({ "is_restricted": true })).await;
        let config = format!("/products/{product}/tracker-config");
        let wanted = json!({ "connection_id": connection, "project_key": "acme/app" });
        ours.admin.put(&config, wanted.clone()).await.expect(201);
        for client in [&theirs.admin, &ours.editor] {
            client.get(&config).await.expect(404);
            client.put(&config, wanted.clone()).await.expect(404);
            client.get(&format!("{config}/preview")).await.expect(404);
        }
        let path = format!("/tracker-connections/{connection}");
        theirs.admin.get(&path).await.expect(404);
        theirs.admin.patch(&path, json!({ "enabled": false })).await.expect(404);
        theirs.admin.post(&format!("{path}/test"), json!({})).await.expect(404);
        theirs.admin.get(&format!("{path}/health")).await.expect(404);
        theirs.admin.delete(&path).await.expect(404);
        let own = theirs.admin.product("shop").await;
        let stolen = theirs.admin.put(&format!("/products/{own}/tracker-config"), wanted).await.expect(400);
        assert_eq!(stolen.pointers(), ["/connection_id"]);
    }
}

mod used {
    use super::*;

    both_databases_with_trackers!(
        what_has_tickets_cannot_be_removed_and_scanner_text_stays_text,
        notifications_are_read_by_each_reader_and_seen_by_those_who_see_the_product,
    );

    /// DD-23, S-24
    async fn what_has_tickets_cannot_be_removed_and_scanner_text_stays_text(app: TestApp) {
        let desk = Desk::github(app).await;
        desk.scan_and_work(&[("<script>alert(1)</script> @team Fixes #1 [x](javascript:y)", "High")]).await;
        let body = desk.tracker.items().remove(0).body_text();
        // What stands in backticks is inert.
        let (_, text) = body.split_once("### Description").unwrap();
        for alive in ["<script>", " @team", "Fixes #1", "](javascript"] {
            assert!(!text.contains(alive), "{alive}: {body}");
        }
        let path = format!("/tracker-connections/{}", desk.connection);
        desk.tenant.admin.delete(&path).await.expect(409);
        desk.tenant.admin.delete(&format!("/products/{}/tracker-config", desk.product)).await.expect(409);
        let other = json!({ "label": "other", "kind": "github", "base_url": desk.tracker.url(), "credential": TOKEN });
        let other = desk.tenant.admin.post("/tracker-connections", other).await.expect(201).id();
        let moved = json!({ "connection_id": other });
        desk.tenant.editor.patch(&format!("/products/{}/tracker-config", desk.product), moved).await.expect(409);
    }

    /// SO-13, PB-10
    async fn notifications_are_read_by_each_reader_and_seen_by_those_who_see_the_product(app: TestApp) {
        let desk = Desk::github(app).await;
        let refused = crate::fakes::fault::Fault::status(422).on("POST", "/issues").for_ever();
        desk.tracker.inject(refused);
        desk.scan_and_work(&TWO[..1]).await;
        let (admin, viewer) = (&desk.tenant.admin, &desk.tenant.viewer);
        assert_eq!(viewer.get("/notifications/unread-count").await["unread"], 1);
        let id = viewer.get_all("/notifications?unread=true").await[0]["id"].as_str().unwrap().to_owned();
        viewer.post(&format!("/notifications/{id}/read"), json!({})).await.expect(204);
        assert_eq!(viewer.get("/notifications/unread-count").await["unread"], 0);
        assert_eq!(viewer.get(&format!("/notifications/{id}")).await["read"], true);
        assert_eq!(admin.get("/notifications/unread-count").await["unread"], 1);
        // It happens again: the same notification, counted, and unread.
        desk.pass(std::time::Duration::from_secs(60));
        let job = desk.jobs().await[0]["id"].as_str().unwrap().to_owned();
        desk.tenant.editor.post(&format!("/sync-jobs/{job}/retry"), json!({})).await.expect(202);
        desk.work().await;
        let again = viewer.get_all("/notifications?unread=true").await;
        assert_eq!(
            (again.len(), again[0]["id"].as_str(), again[0]["occurrences"].as_i64()),
            (1, Some(id.as_str()), Some(2))
        );
        viewer.post("/notifications/read", json!({})).await.expect(204);
        assert_eq!(viewer.get("/notifications/unread-count").await["unread"], 0);
        admin.patch(&format!("/products/{}", desk.product), json!({ "is_restricted": true })).await.expect(200);
        assert!(viewer.get_all("/notifications").await.is_empty());
        viewer.get(&format!("/notifications/{id}")).await.expect(404);
        viewer.get(&format!("/sync-jobs/{job}")).await.expect(404);
        assert!(viewer.get_all("/sync-jobs").await.is_empty() && viewer.get_all("/tickets").await.is_empty());
        assert_eq!(admin.get_all("/notifications").await.len(), 1);
    }
}
