//! What trackers tell us: taken in only from them, once, and never lost. On both databases.

use std::time::Duration;

use patchbay::worker::drain::run_until_idle;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::desk::{Desk, JIRA_CLOUD, JIRA_DATA_CENTER, Shop, TWO};
use crate::fakes::server::Tracker;
use crate::fakes::store::Item;
use crate::hooks::{Hook, Sent, github, github_state, gitlab_state, jira, jira_issue, jira_status, send_to};
use crate::{both_databases, both_databases_with_trackers};

/// After the beginning of every test, and before anything is pushed in it.
const LATER: &str = "2026-06-01T12:30:00Z";

async fn connection(app: &TestApp, kind: &str) -> (crate::builders::Tenant, String) {
    let tenant = app.tenant("acme").await;
    let (url, username) = match kind {
        "github" => ("https://github.com", None),
        "gitlab" => ("https://gitlab.com", None),
        _ => ("https://acme.atlassian.net", Some("bot@example.com")),
    };
    let wanted = json!({ "label": "t", "kind": kind, "base_url": url, "credential": "secret", "username": username });
    let id = tenant.admin.post("/tracker-connections", wanted).await.expect(201).id();
    (tenant, id)
}

async fn deliveries(shop: &Shop) -> Vec<Value> {
    shop.tenant.viewer.get_all(&format!("/tracker-connections/{}/webhook/deliveries", shop.connection)).await
}

async fn outcomes(shop: &Shop) -> Vec<String> {
    deliveries(shop).await.iter().rev().map(|row| row["outcome"].as_str().unwrap().to_owned()).collect()
}

fn anything() -> Sent {
    github("ping", &json!({ "zen": "Keep it logically awesome." }))
}

mod guarded {
    use super::*;

    both_databases!(
        only_admins_make_secrets_and_they_are_shown_once,
        a_wrong_secret_and_an_unknown_webhook_are_the_same,
        a_wrong_signature_is_refused_and_a_missing_one_where_it_is_required,
        gitlab_is_known_by_its_token_or_its_signature,
        a_signature_of_gitlab_is_good_for_five_minutes,
        a_stop_holds_only_so_many_deliveries,
        the_secret_before_is_taken_for_a_while,
        too_large_deliveries_are_refused_and_odd_ones_are_counted,
        guesses_are_limited_and_deliveries_are_not,
    );

    /// DD-22, DD-26, S-04
    async fn only_admins_make_secrets_and_they_are_shown_once(app: TestApp) {
        let (tenant, id) = connection(&app, "jira_cloud").await;
        let other = app.tenant("other").await;
        let path = format!("/tracker-connections/{id}/webhook");
        tenant.editor.post(&format!("{path}/rotate"), json!({})).await.expect(403);
        tenant.editor.patch(&path, json!({ "require_signature": true })).await.expect(403);
        other.admin.post(&format!("{path}/rotate"), json!({})).await.expect(404);
        other.admin.get(&path).await.expect(404);
        let before = tenant.viewer.get(&path).await.expect(200);
        assert_eq!((&before["secret_made_at"], &before["kinds"]), (&json!(null), &json!([])));
        let made = tenant.admin.post(&format!("{path}/rotate"), json!({})).await.expect(200);
        let after = tenant.viewer.get(&path).await.expect(200);
        assert!(after.text("url").ends_with(&format!("/api/v1/webhooks/jira/{id}/{{secret}}")), "{after:?}");
        let needed = after["needed_events"].as_array().unwrap();
        assert!(needed.contains(&json!("jira:issue_updated")) && needed.contains(&json!("comment_created")));
        for shown in [after, tenant.admin.get(&path).await, tenant.admin.get("/audit-log").await] {
            let text = String::from_utf8(shown.bytes).unwrap();
            assert!(!text.contains(&made.text("secret")) && !text.contains(&made.text("signing_secret")), "{text}");
        }
        let refused = tenant.admin.post(&format!("{path}/rotate"), json!({ "grace_seconds": 604_801 })).await;
        assert_eq!(refused.expect(400).pointers(), ["/grace_seconds"]);
    }

    /// DD-22
    async fn a_wrong_secret_and_an_unknown_webhook_are_the_same(app: TestApp) {
        let (tenant, id) = connection(&app, "github").await;
        let never_made = send_to(&app, &format!("/api/v1/webhooks/github/{id}/pbw_x"), &anything()).await.expect(404);
        let hook = Hook::new(&tenant.admin, &id).await;
        let (_, secret) = hook.path.rsplit_once('/').unwrap();
        let unknown = "0198c8f2-5a5c-7d3e-9b1a-2f6d1c0e4b7a";
        for path in [
            format!("/api/v1/webhooks/github/{id}/{secret}x"),
            format!("/api/v1/webhooks/github/{id}/pbw_"),
            format!("/api/v1/webhooks/gitlab/{id}/{secret}"),
            format!("/api/v1/webhooks/nobody/{id}/{secret}"),
            format!("/api/v1/webhooks/github/{unknown}/{secret}"),
            format!("/api/v1/webhooks/github/x/{secret}"),
        ] {
            let refused = send_to(&app, &path, &anything()).await.expect(404);
            assert_eq!(refused["detail"], never_made["detail"], "{path}");
            assert!(!String::from_utf8(refused.bytes).unwrap().contains(secret));
        }
        hook.send(&app, &anything()).await.expect(202);
        assert_eq!(run_until_idle(&app.app).await.unwrap(), 1);
        tenant.admin.delete(&format!("/tracker-connections/{id}")).await.expect(204);
        hook.send(&app, &anything()).await.expect(404);
    }

    /// DD-22
    async fn a_wrong_signature_is_refused_and_a_missing_one_where_it_is_required(app: TestApp) {
        let (tenant, id) = connection(&app, "github").await;
        let hook = Hook::new(&tenant.admin, &id).await;
        let path = format!("/tracker-connections/{id}/webhook");
        let mut changed = hook.signed(anything());
        changed.body.push(b' ');
        hook.send(&app, &changed).await.expect(401);
        hook.send(&app, &hook.signed(anything())).await.expect(202);
        hook.send(&app, &anything()).await.expect(202);
        let shown = tenant.admin.patch(&path, json!({ "require_signature": true })).await.expect(200);
        assert_eq!(shown["require_signature"], true);
        hook.send(&app, &anything()).await.expect(401);
        hook.send(&app, &hook.signed(anything())).await.expect(202);
        let stale = tenant.admin.request(Method::PATCH, &path).header("If-Match", "\"1\"");
        stale.json(&json!({ "require_signature": false })).send().await.expect(412);
        // GitHub can also be told to send forms.
        let json = serde_json::to_string(&json!({ "zen": "in a form" })).unwrap();
        let form: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &json).finish();
        let sent = hook.signed(Sent { body: form.clone().into_bytes(), ..github("ping", &json!({})) });
        let mut request = app.anybody().request(Method::POST, &hook.path);
        for (name, value) in &sent.headers {
            request = request.header(name, value);
        }
        request.body("application/x-www-form-urlencoded", form).send().await.expect(202);
        assert_eq!(run_until_idle(&app.app).await.unwrap(), 4);
        let listed = tenant.viewer.get_all(&format!("{path}/deliveries")).await;
        let signed: Vec<bool> = listed.iter().rev().map(|row| row["signed"].as_bool().unwrap()).collect();
        assert_eq!(signed, [true, false, true, true]);
    }

    fn push() -> Sent {
        Sent {
            headers: vec![("X-Gitlab-Event", "Push Hook".to_owned())],
            body: json!({ "object_kind": "push", "id": uuid::Uuid::now_v7() }).to_string().into_bytes(),
        }
    }

    /// DD-22
    async fn a_signature_of_gitlab_is_good_for_five_minutes(app: TestApp) {
        let (tenant, id) = connection(&app, "gitlab").await;
        let hook = Hook::new(&tenant.admin, &id).await;
        let sent = hook.signed_standard(push(), app.app.clock.now());
        let ahead = app.app.clock.now().plus(Duration::from_secs(301));
        hook.send(&app, &hook.signed_standard(push(), ahead)).await.expect(401);
        hook.send(&app, &sent).await.expect(202);
        app.app.clock.advance(Duration::from_secs(300));
        hook.send(&app, &sent).await.expect(202);
        app.app.clock.advance(Duration::from_secs(1));
        hook.send(&app, &sent).await.expect(401);
        assert_eq!(run_until_idle(&app.app).await.unwrap(), 2);
        let listed = tenant.viewer.get_all(&format!("/tracker-connections/{id}/webhook/deliveries")).await;
        assert_eq!(listed.len(), 1, "the same again does nothing");
    }

    /// DD-27
    async fn a_stop_holds_only_so_many_deliveries(app: TestApp) {
        let app = app.restart_with(&[("held_deliveries", "2")]).await;
        let (tenant, id) = connection(&app, "github").await;
        let second = json!({ "label": "2", "kind": "github", "base_url": "https://github.com", "credential": "x" });
        let second = tenant.admin.post("/tracker-connections", second).await.expect(201).id();
        let hooks = [Hook::new(&tenant.admin, &id).await, Hook::new(&tenant.admin, &second).await];
        let other = app.tenant("other").await;
        let theirs = json!({ "label": "t", "kind": "github", "base_url": "https://github.com", "credential": "x" });
        let theirs = other.admin.post("/tracker-connections", theirs).await.expect(201).id();
        let theirs = Hook::new(&other.admin, &theirs).await;
        tenant.admin.patch("", json!({ "tracker_traffic_stopped": true })).await.expect(200);
        for hook in &hooks {
            hook.send(&app, &anything()).await.expect(202);
        }
        for hook in &hooks {
            let refused = hook.send(&app, &anything()).await.expect(503);
            assert_eq!(refused.header("retry-after"), "300");
            let mut forged = hook.signed(anything());
            forged.body.push(b' ');
            hook.send(&app, &forged).await.expect(401);
        }
        theirs.send(&app, &anything()).await.expect(202);
        tenant.admin.patch("", json!({ "tracker_traffic_stopped": false })).await.expect(200);
        for _ in 0..3 {
            hooks[0].send(&app, &anything()).await.expect(202);
        }
        assert_eq!(run_until_idle(&app.app).await.unwrap(), 2 + 3 + 1);
    }

    /// DD-22
    async fn gitlab_is_known_by_its_token_or_its_signature(app: TestApp) {
        let (tenant, id) = connection(&app, "gitlab").await;
        let hook = Hook::new(&tenant.admin, &id).await;
        let now = app.app.clock.now();
        hook.send(&app, &hook.signed(push())).await.expect(202);
        hook.send(&app, &hook.signed_standard(push(), now)).await.expect(202);
        let mut forged = hook.signed_standard(push(), now);
        forged.body = push().body;
        hook.send(&app, &forged).await.expect(401);
        let mut guessed = push();
        guessed.headers.push(("X-Gitlab-Token", "guess".to_owned()));
        hook.send(&app, &guessed).await.expect(401);
    }

    /// DD-22
    async fn the_secret_before_is_taken_for_a_while(app: TestApp) {
        let (tenant, id) = connection(&app, "github").await;
        let first = Hook::new(&tenant.admin, &id).await;
        let second = Hook::new(&tenant.admin, &id).await;
        for hook in [&first, &second] {
            hook.send(&app, &hook.signed(anything())).await.expect(202);
        }
        app.app.clock.advance(Duration::from_secs(24 * 3600));
        first.send(&app, &first.signed(anything())).await.expect(404);
        second.send(&app, &second.signed(anything())).await.expect(202);
        second.send(&app, &first.signed(anything())).await.expect(401);
        let path = format!("/tracker-connections/{id}/webhook/rotate");
        tenant.admin.post(&path, json!({ "grace_seconds": 0 })).await.expect(200);
        second.send(&app, &second.signed(anything())).await.expect(404);
    }

    /// DD-22
    async fn too_large_deliveries_are_refused_and_odd_ones_are_counted(app: TestApp) {
        let (tenant, id) = connection(&app, "jira_cloud").await;
        let hook = Hook::new(&tenant.admin, &id).await;
        let of = |body: Vec<u8>| Sent { headers: Vec::new(), body };
        hook.send(&app, &of(vec![b' '; (8 << 20) + 1])).await.expect(413);
        let odd = [
            b"".to_vec(),
            b"not json".to_vec(),
            b"[]".to_vec(),
            br#"{"webhookEvent":"jira:issue_updated","issue":{"id":"1"},"changelog":{"items":[null,{"field":7}]}}"#
                .to_vec(),
            json!({ "webhookEvent": "worklog_created", "text": "a\u{0}b" }).to_string().into_bytes(),
            format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
        ];
        for body in &odd {
            hook.send(&app, &of(body.clone())).await.expect(202);
        }
        // Jira adds who it was to the address.
        let path = format!("{}?user_id=ann&user_key=ann", hook.path);
        send_to(&app, &path, &jira(&json!({ "webhookEvent": "worklog_created" }))).await.expect(202);
        assert_eq!(run_until_idle(&app.app).await.unwrap(), odd.len() + 1);
        let shown = tenant.admin.get(&format!("/tracker-connections/{id}/webhook")).await;
        let kinds: Vec<_> = shown["kinds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|kind| (&kind["event"], &kind["deliveries"], &kind["known"]))
            .collect();
        let expected = [
            ("jira:issue_updated", 1, true),
            ("unnamed", 1, false),
            ("unreadable", 3, false),
            ("worklog_created", 2, false),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(event, count, known)| (json!(event), json!(count), json!(known))).collect();
        assert_eq!(kinds, expected.iter().map(|(event, count, known)| (event, count, known)).collect::<Vec<_>>());
    }

    async fn guesses_are_limited_and_deliveries_are_not(app: TestApp) {
        let (tenant, id) = connection(&app, "github").await;
        let hook = Hook::new(&tenant.admin, &id).await;
        let app = app.restart_with(&[("requests_per_minute", "5")]).await;
        for _ in 0..20 {
            hook.send(&app, &anything()).await.expect(202);
        }
        let mut refused = Vec::new();
        for _ in 0..7 {
            refused.push(send_to(&app, &format!("{}x", hook.path), &anything()).await.status);
        }
        assert_eq!((refused[0], refused[6]), (404, 429), "{refused:?}");
        hook.send(&app, &anything()).await.expect(202);
    }
}

mod heard {
    use super::*;

    both_databases_with_trackers!(
        what_people_do_in_github_is_seen_at_once,
        what_people_do_in_gitlab_is_seen_at_once,
        what_people_do_in_jira_cloud_is_seen_at_once,
        what_people_do_in_jira_data_center_is_seen_at_once,
        a_deleted_ticket_is_made_again,
        the_same_again_and_the_older_after_the_newer_change_nothing,
        our_own_changes_that_come_back_change_nothing,
        a_stop_holds_deliveries_until_it_ends,
        a_ticket_of_another_organization_is_not_found,
        deliveries_about_restricted_products_are_not_shown,
    );

    /// SO-8, PB-5: an observation that is active has an open ticket, whatever people do.
    async fn seen_at_once<T: Tracker>(desk: Desk<T>, state: fn(&Item, &str, bool, &str) -> Sent) {
        desk.scan_and_work(TWO).await;
        desk.pass(Duration::from_secs(3600));
        let hook = Hook::new(&desk.tenant.admin, &desk.connection).await;
        let item = desk.item("SQL injection");
        desk.tracker.close_by_hand(&item.key());
        hook.deliver(&desk.app, state(&item, "ann", false, LATER)).await;
        let observation = desk.observation("SQL injection").await;
        assert_eq!(desk.explain(&observation).await["ticket"]["state_seen"], "closed");
        assert_eq!(desk.jobs().await.len(), 1, "the sync decides");
        desk.work().await;
        desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
        let rows = deliveries(&desk).await;
        assert_eq!((rows.len(), &rows[0]["outcome"]), (1, &json!("applied")));
        assert_eq!(rows[0]["effects"], json!(["the ticket was seen closed"]));
    }

    async fn what_people_do_in_github_is_seen_at_once(app: TestApp) {
        seen_at_once(Desk::github(app).await, github_state).await;
    }

    async fn what_people_do_in_gitlab_is_seen_at_once(app: TestApp) {
        seen_at_once(Desk::gitlab(app).await, gitlab_state).await;
    }

    fn jira_state(item: &Item, by: &str, open: bool, at: &str) -> Sent {
        jira_status(item, by, if open { "To Do" } else { "Done" }, !open, at)
    }

    async fn what_people_do_in_jira_cloud_is_seen_at_once(app: TestApp) {
        seen_at_once(Desk::jira(app, &JIRA_CLOUD).await, jira_state).await;
    }

    async fn what_people_do_in_jira_data_center_is_seen_at_once(app: TestApp) {
        seen_at_once(Desk::jira(app, &JIRA_DATA_CENTER).await, jira_state).await;
    }

    /// RZ-11, SO-8
    async fn a_deleted_ticket_is_made_again(app: TestApp) {
        let desk = Desk::jira(app, &JIRA_CLOUD).await;
        desk.scan_and_work(&TWO[..1]).await;
        let (hook, item) = (Hook::new(&desk.tenant.admin, &desk.connection).await, desk.item("SQL injection"));
        // Who knows the secret may say so; the tracker is asked before it is believed.
        let deleted =
            || jira(&json!({ "webhookEvent": "jira:issue_deleted", "issue": jira_issue(&item, "To Do", false) }));
        hook.deliver(&desk.app, deleted()).await;
        desk.work().await;
        desk.expect(&[("SQL injection", true)]).await;
        assert_eq!(desk.item("SQL injection").key(), item.key());
        desk.tracker.delete_by_hand(&item.key());
        hook.deliver(&desk.app, deleted()).await;
        desk.work().await;
        desk.expect(&[("SQL injection", true)]).await;
        assert_ne!(desk.item("SQL injection").key(), item.key());
    }

    /// RZ-11, DD-22
    async fn the_same_again_and_the_older_after_the_newer_change_nothing(app: TestApp) {
        let desk = Desk::github(app).await;
        desk.scan_and_work(&TWO[..1]).await;
        desk.pass(Duration::from_secs(3600));
        let (hook, item) = (Hook::new(&desk.tenant.admin, &desk.connection).await, desk.item("SQL injection"));
        let closed = hook.signed(github_state(&item, "ann", false, "2026-06-01T12:30:00Z"));
        for _ in 0..3 {
            hook.send(&desk.app, &closed).await.expect(202);
        }
        assert_eq!(run_until_idle(&desk.app.app).await.unwrap(), 3);
        assert_eq!(outcomes(&desk).await, ["applied"]);
        hook.deliver(&desk.app, github_state(&item, "ann", true, "2026-06-01T12:20:00Z")).await;
        assert_eq!(outcomes(&desk).await, ["applied", "nothing_new"]);
        let observation = desk.observation("SQL injection").await;
        assert_eq!(desk.explain(&observation).await["ticket"]["state_seen"], "closed");
        hook.deliver(&desk.app, github_state(&item, "ann", true, "2026-06-01T12:40:00Z")).await;
        assert_eq!(desk.explain(&observation).await["ticket"]["state_seen"], json!(null));
        // From the future: no more than now.
        hook.deliver(&desk.app, github_state(&item, "ann", false, "2999-01-01T00:00:00Z")).await;
        desk.pass(Duration::from_secs(1));
        hook.deliver(&desk.app, github_state(&item, "ann", true, "2999-01-01T00:00:00Z")).await;
        assert_eq!(desk.explain(&observation).await["ticket"]["state_seen"], json!(null));
    }

    /// RZ-11
    async fn our_own_changes_that_come_back_change_nothing(app: TestApp) {
        let desk = Desk::github(app).await;
        desk.scan_and_work(TWO).await;
        let (hook, item) = (Hook::new(&desk.tenant.admin, &desk.connection).await, desk.item("Weak hash"));
        desk.scan_and_work(&TWO[..1]).await;
        desk.tracker.forget_requests();
        hook.deliver(&desk.app, github_state(&item, "Patchbay-Bot", false, "2026-06-01T12:04:00Z")).await;
        assert_eq!(outcomes(&desk).await, ["own_change"]);
        assert_eq!(desk.tracker.calls(), ["GET /api/v3/user"], "who we are is asked once");
        hook.deliver(&desk.app, github_state(&item, "patchbay-bot", false, "2026-06-01T12:04:01Z")).await;
        assert_eq!(desk.tracker.calls().len(), 1);
        assert_eq!(desk.work().await, 0);
        // A person who uses our account is a person.
        hook.deliver(&desk.app, github_state(&item, "patchbay-bot", true, "2026-06-01T12:05:00Z")).await;
        assert_eq!(outcomes(&desk).await, ["own_change", "own_change", "applied"]);
    }

    /// DD-27
    async fn a_stop_holds_deliveries_until_it_ends(app: TestApp) {
        let desk = Desk::github(app).await;
        desk.scan_and_work(&TWO[..1]).await;
        let (hook, item) = (Hook::new(&desk.tenant.admin, &desk.connection).await, desk.item("SQL injection"));
        let webhook = format!("/tracker-connections/{}/webhook", desk.connection);
        let switches = [
            ("", json!({ "tracker_traffic_stopped": true }), json!({ "tracker_traffic_stopped": false })),
            ("connection", json!({ "enabled": false }), json!({ "enabled": true })),
        ];
        for (count, (what, off, on)) in (1..).zip(switches) {
            let path =
                if what.is_empty() { String::new() } else { format!("/tracker-connections/{}", desk.connection) };
            desk.tenant.admin.patch(&path, off).await.expect(200);
            hook.send(&desk.app, &github_state(&item, "ann", false, LATER)).await.expect(202);
            assert_eq!(run_until_idle(&desk.app.app).await.unwrap(), 0);
            assert_eq!(desk.tenant.admin.get(&webhook).await["waiting"], 1);
            desk.tenant.admin.patch(&path, on).await.expect(200);
            assert_eq!(run_until_idle(&desk.app.app).await.unwrap(), 1);
            assert_eq!(desk.tenant.admin.get(&webhook).await["waiting"], 0);
            assert_eq!(deliveries(&desk).await.len(), count);
        }
    }

    /// S-02
    async fn a_ticket_of_another_organization_is_not_found(app: TestApp) {
        let desk = Desk::github(app).await;
        desk.scan_and_work(&TWO[..1]).await;
        let evil = desk.app.tenant("evil").await;
        let wanted = json!({ "label": "t", "kind": "github", "base_url": desk.tracker.url(), "credential": "secret" });
        let theirs = evil.admin.post("/tracker-connections", wanted).await.expect(201).id();
        let hook = Hook::new(&evil.admin, &theirs).await;
        hook.deliver(&desk.app, github_state(&desk.item("SQL injection"), "ann", false, LATER)).await;
        let listed = evil.viewer.get_all(&format!("/tracker-connections/{theirs}/webhook/deliveries")).await;
        assert_eq!((listed.len(), &listed[0]["outcome"]), (1, &json!("no_ticket")));
        let observation = desk.observation("SQL injection").await;
        assert_eq!(desk.explain(&observation).await["ticket"]["state_seen"], json!(null));
    }

    /// PB-10
    async fn deliveries_about_restricted_products_are_not_shown(app: TestApp) {
        let desk = Desk::github(app).await;
        desk.scan_and_work(&TWO[..1]).await;
        let hook = Hook::new(&desk.tenant.admin, &desk.connection).await;
        hook.deliver(&desk.app, github_state(&desk.item("SQL injection"), "ann", false, LATER)).await;
        hook.deliver(&desk.app, anything()).await;
        assert_eq!(outcomes(&desk).await, ["applied", "unknown"]);
        let product = format!("/products/{}", desk.product);
        desk.tenant.admin.patch(&product, json!({ "is_restricted": true })).await.expect(200);
        assert_eq!(outcomes(&desk).await, ["unknown"]);
        let path = format!("/tracker-connections/{}/webhook/deliveries", desk.connection);
        assert_eq!(desk.tenant.admin.get_all(&path).await.len(), 2);
    }
}
