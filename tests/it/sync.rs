//! From posted reports to tickets: what SO-1 to SO-14 promise, with every kind of tracker, on both databases.

use std::time::Duration;

use patchbay::base::severity::Severity;
use patchbay::observations::status::ObservationStatus;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::both_databases_with_trackers;
use crate::desk::{Desk, Finding, JIRA_CLOUD, JIRA_DATA_CENTER, TWO};
use crate::fakes::fault::Fault;
use crate::fakes::server::Tracker;

both_databases_with_trackers!(
    github_tickets_live_and_die_with_their_observations,
    gitlab_tickets_live_and_die_with_their_observations,
    jira_cloud_tickets_live_and_die_with_their_observations,
    jira_data_center_tickets_live_and_die_with_their_observations,
    only_the_default_branch_has_tickets,
    tickets_move_to_the_same_findings_of_another_default_branch,
    a_change_of_severity_is_sent_and_nothing_else,
    an_assessment_closes_and_reopens_the_same_ticket,
    deleting_an_observation_closes_its_ticket_and_its_return_reopens_it,
    deleting_a_product_closes_its_tickets,
    what_people_undo_in_the_tracker_is_put_right_with_the_next_import,
    many_deleted_tickets_at_once_are_not_believed,
    tickets_of_a_mass_disappearance_stay_open_until_somebody_confirms_it,
    labels_of_people_survive,
    severity_below_the_minimum_closes_and_above_it_reopens,
    an_upload_does_not_wait_for_a_tracker_that_hangs,
    a_switch_that_is_off_holds_and_loses_nothing,
    a_dry_run_shows_how_many_and_which_tickets_and_sends_nothing,
    a_refused_ticket_is_told_and_can_be_retried_or_discarded,
    a_push_by_hand_passes_what_holds_automatic_pushes,
    an_unlinked_ticket_stays_alone_until_it_is_pushed,
    an_import_of_the_same_again_sends_nothing,
);

/// SO-1, SO-5, SO-6
async fn lives_and_dies<T: Tracker>(desk: Desk<T>) {
    desk.scan_and_work(TWO).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
    desk.scan_and_work(&TWO[..1]).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", false)]).await;
    let comments = desk.item("Weak hash").comment_texts().join("\n");
    assert!(comments.contains("the scan results do not have it any more"), "{comments}");
    desk.scan_and_work(TWO).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
    let ticket = desk.explain(&desk.observation("Weak hash").await).await;
    assert_eq!(ticket["ticket"]["state"], "open");
    assert_eq!(ticket["next_step"], "nothing");
}

/// SO-1, SO-5, SO-6
async fn github_tickets_live_and_die_with_their_observations(app: TestApp) {
    lives_and_dies(Desk::github(app).await).await;
}

/// SO-1, SO-5, SO-6
async fn gitlab_tickets_live_and_die_with_their_observations(app: TestApp) {
    lives_and_dies(Desk::gitlab(app).await).await;
}

/// SO-1, SO-5, SO-6
async fn jira_cloud_tickets_live_and_die_with_their_observations(app: TestApp) {
    lives_and_dies(Desk::jira(app, &JIRA_CLOUD).await).await;
}

/// SO-1, SO-5, SO-6
async fn jira_data_center_tickets_live_and_die_with_their_observations(app: TestApp) {
    lives_and_dies(Desk::jira(app, &JIRA_DATA_CENTER).await).await;
}

/// SO-2
async fn only_the_default_branch_has_tickets(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_on("feature", TWO).await;
    desk.work().await;
    desk.expect(&[]).await;
    let main = desk.tenant.editor.branch(&desk.product, "main").await;
    let change = json!({ "default_branch_id": main });
    desk.tenant.admin.patch(&format!("/products/{}", desk.product), change).await.expect(200);
    desk.scan_on("main", &TWO[..1]).await;
    desk.work().await;
    desk.expect(&[("SQL injection", true)]).await;
    let feature = desk.observation("Weak hash").await;
    let explained = desk.explain(&feature).await;
    let branch =
        explained["conditions"].as_array().unwrap().iter().find(|it| it["condition"] == "branch").unwrap().clone();
    assert_eq!(branch["holds"], false);
}

/// SO-5: a broken scan closes no tickets.
async fn tickets_of_a_mass_disappearance_stay_open_until_somebody_confirms_it(app: TestApp) {
    let desk = Desk::github_with(app, json!({ "minimum_severity": "high" })).await;
    let mut many: Vec<Finding> = (0..59).map(|number| (&*format!("Finding {number}").leak(), "Low")).collect();
    many.push(TWO[0]);
    desk.scan_and_work(&many).await;
    desk.scan_and_work(&[]).await;
    desk.expect(&[("SQL injection", true)]).await;
    let source = desk.tenant.viewer.get_all("/scan-sources").await.remove(0);
    let confirm = format!("/scan-sources/{}/confirm", source["id"].as_str().unwrap());
    desk.tenant.viewer.post(&confirm, json!({})).await.expect(403);
    assert!(desk.tenant.editor.post(&confirm, json!({})).await.expect(200)["closes_held_at"].is_null());
    desk.work().await;
    desk.expect(&[("SQL injection", false)]).await;
    desk.tenant.editor.post(&confirm, json!({})).await.expect(409);
    assert_eq!(desk.tenant.viewer.get("/notifications?open=true").await.expect(200).items("kind"), Vec::<Value>::new());
}

/// SO-2: only real differences open or close.
async fn tickets_move_to_the_same_findings_of_another_default_branch(app: TestApp) {
    let desk = Desk::github(app).await;
    let (old, new) = ("old", "new");
    let product = format!("/products/{}", desk.product);
    let old_id = desk.tenant.editor.branch(&desk.product, old).await;
    let new_id = desk.tenant.editor.branch(&desk.product, new).await;
    desk.tenant.admin.patch(&product, json!({ "default_branch_id": old_id })).await.expect(200);
    desk.scan_on(old, TWO).await;
    desk.work().await;
    desk.scan_on(new, &[("SQL injection", "High"), ("Open redirect", "Low")]).await;
    desk.work().await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
    desk.tracker.forget_requests();
    desk.tenant.admin.patch(&product, json!({ "default_branch_id": new_id })).await.expect(200);
    desk.work().await;
    desk.expect(&[("SQL injection", true), ("Weak hash", false), ("Open redirect", true)]).await;
    assert!(desk.item("SQL injection").comments.is_empty(), "it was neither closed nor reopened");
    let moved = desk.observations("SQL injection").await;
    assert_eq!(desk.explain(&moved[0]).await["ticket"], json!(null));
    assert_eq!(desk.explain(&moved[1]).await["ticket"]["key"], desk.item("SQL injection").key());
}

/// SO-3
async fn a_change_of_severity_is_sent_and_nothing_else(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    let key = desk.item("SQL injection").key();
    desk.tracker.by_hand(&key, |item| item.assignees.push("alice".to_owned()));
    let before = desk.item("SQL injection");
    desk.tracker.forget_requests();
    desk.rate(&desk.observation("SQL injection").await, Severity::Critical).await;
    let after = desk.item("SQL injection");
    let number = after.number;
    assert_ne!(after.body_text(), before.body_text());
    assert!(after.body_text().contains("critical"));
    assert_eq!((after.title, after.labels, after.assignees), (before.title, before.labels, vec!["alice".to_owned()]));
    assert_eq!(desk.tracker.calls(), [format!("PATCH /api/v3/repos/acme/app/issues/{number}")]);
}

/// SO-4, SO-6
async fn an_assessment_closes_and_reopens_the_same_ticket(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    let observation = desk.observation("SQL injection").await;
    for _ in 0..2 {
        desk.assess(&observation, ObservationStatus::FalsePositive).await;
        desk.expect(&[("SQL injection", false), ("Weak hash", true)]).await;
        desk.assess(&observation, ObservationStatus::Affected).await;
        desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
    }
    let comments = desk.item("SQL injection").comment_texts();
    let said = |words: &str| comments.iter().filter(|comment| comment.contains(words)).count();
    assert_eq!((said("assessed as false positive"), said("Reopened")), (2, 2), "{comments:#?}");
}

/// SO-7, SO-6
async fn deleting_an_observation_closes_its_ticket_and_its_return_reopens_it(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    let observation = desk.observation("SQL injection").await;
    desk.delete_observation(&observation).await;
    desk.expect(&[("SQL injection", false), ("Weak hash", true)]).await;
    assert!(desk.item("SQL injection").comment_texts().join("").contains("deleted in Patchbay"));
    desk.scan_and_work(TWO).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
}

/// SO-7
async fn deleting_a_product_closes_its_tickets(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    desk.tenant.admin.delete(&format!("/products/{}", desk.product)).await.expect(204);
    desk.work().await;
    assert!(!desk.is_open("SQL injection") && !desk.is_open("Weak hash"));
}

/// SO-8
async fn what_people_undo_in_the_tracker_is_put_right_with_the_next_import(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    desk.tracker.close_by_hand(&desk.item("SQL injection").key());
    desk.tracker.delete_by_hand(&desk.item("Weak hash").key());
    desk.work().await;
    assert!(!desk.is_open("SQL injection"), "not before the next import");
    desk.scan_and_work(TWO).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
    assert_eq!(desk.item("Weak hash").key(), "acme/app#3");
    // What is resolved need not be made again.
    desk.tracker.delete_by_hand("acme/app#3");
    desk.scan_and_work(&TWO[..1]).await;
    desk.scan_and_work(&TWO[..1]).await;
    desk.expect(&[("SQL injection", true)]).await;
}

/// SO-8: a lost permission is more likely than a clean-up.
async fn many_deleted_tickets_at_once_are_not_believed(app: TestApp) {
    let desk = Desk::gitlab(app).await;
    let titles = ["Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta"];
    let findings: Vec<_> = titles.iter().map(|title| (*title, "High")).collect();
    desk.scan_and_work(&findings).await;
    for number in 1..=5 {
        desk.tracker.delete_by_hand(&format!("acme/app#{number}"));
    }
    desk.scan_and_work(&findings).await;
    assert_eq!(desk.tracker.items().len(), 3);
    let told = desk.notifications().await;
    assert_eq!((told.len(), told[0]["kind"].as_str()), (1, Some("tickets_missing")), "{told:#?}");
    // They are back: all is well again.
    for number in 1..=5 {
        desk.tracker.by_hand(&format!("acme/app#{number}"), |item| item.is_deleted = false);
    }
    desk.scan_and_work(&findings).await;
    assert_eq!(desk.tracker.items().len(), 8);
    assert!(desk.notifications().await.is_empty());
}

/// SO-10
async fn labels_of_people_survive(app: TestApp) {
    let desk = Desk::github_with(app, json!({ "labels": ["security", "triage"] })).await;
    desk.scan_and_work(&TWO[..1]).await;
    desk.tracker.label_by_hand("acme/app#1", "team-a");
    desk.configure(json!({ "labels": ["security", "urgent"] })).await;
    desk.work().await;
    desk.rate(&desk.observation("SQL injection").await, Severity::Low).await;
    let mut labels = desk.item("SQL injection").labels;
    labels.sort();
    assert_eq!(labels, ["patchbay", "security", "team-a", "urgent"]);
}

/// SO-11
async fn severity_below_the_minimum_closes_and_above_it_reopens(app: TestApp) {
    let desk = Desk::github_with(app, json!({ "minimum_severity": "high" })).await;
    desk.scan_and_work(TWO).await;
    desk.expect(&[("SQL injection", true)]).await;
    let (high, medium) = (desk.observation("SQL injection").await, desk.observation("Weak hash").await);
    desk.rate(&high, Severity::Medium).await;
    desk.expect(&[("SQL injection", false)]).await;
    desk.rate(&high, Severity::Critical).await;
    desk.rate(&medium, Severity::High).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
    desk.configure(json!({ "minimum_severity": "critical" })).await;
    desk.work().await;
    desk.expect(&[("SQL injection", true), ("Weak hash", false)]).await;
}

/// SO-12
async fn an_upload_does_not_wait_for_a_tracker_that_hangs(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.tracker.inject(Fault::hang(Duration::from_secs(60)).for_ever());
    let started = std::time::Instant::now();
    desk.scan(TWO).await;
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(desk.tracker.calls().is_empty(), "nothing is sent before the upload is answered");
    assert_eq!(desk.jobs().await.len(), 2);
}

/// SO-9, DD-9: organization, connection, config and auto_sync.
async fn a_switch_that_is_off_holds_and_loses_nothing(app: TestApp) {
    let desk = Desk::github(app).await;
    for change in [json!({ "active": false }), json!({ "auto_sync": false }), json!({ "dry_run": true })] {
        desk.configure(change).await;
        desk.scan_and_work(TWO).await;
        assert!(desk.tracker.calls().is_empty());
        assert_eq!(desk.jobs().await.len(), 2);
        desk.configure(json!({ "active": true, "auto_sync": true, "dry_run": true })).await;
    }
    let connection = format!("/tracker-connections/{}", desk.connection);
    desk.tenant.admin.patch(&connection, json!({ "enabled": false })).await.expect(200);
    desk.configure(json!({ "dry_run": false })).await;
    desk.work().await;
    assert!(desk.tracker.calls().is_empty());
    let explained = desk.explain(&desk.observation("SQL injection").await).await;
    assert_eq!(explained["switches_off"], json!(["connection_disabled"]));
    assert_eq!(explained["next_step"], "create");
    let organization = "/api/v1/organizations/acme";
    desk.tenant.admin.patch(organization, json!({ "tracker_traffic_stopped": true })).await.expect(200);
    desk.tenant.admin.patch(&connection, json!({ "enabled": true })).await.expect(200);
    desk.work().await;
    assert!(desk.tracker.calls().is_empty());
    desk.tenant.admin.patch(organization, json!({ "tracker_traffic_stopped": false })).await.expect(200);
    desk.work().await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
}

/// SO-14, PB-2
async fn a_dry_run_shows_how_many_and_which_tickets_and_sends_nothing(app: TestApp) {
    let desk = Desk::github_with(app, json!({ "dry_run": true, "labels": ["security"] })).await;
    desk.scan_and_work(&[("SQL injection", "High"), ("Weak hash", "Medium"), ("Open redirect", "Low")]).await;
    desk.configure(json!({ "minimum_severity": "medium" })).await;
    let path = format!("/products/{}/tracker-config/preview?limit=1", desk.product);
    let first = desk.tenant.viewer.get(&path).await.expect(200);
    assert_eq!((first["tickets_to_create"].as_u64(), first["held_by"].as_str()), (Some(2), Some("dry_run")));
    let items = desk.tenant.viewer.get_all(&path).await;
    assert_eq!(items.len(), 2);
    let request = &items[0]["requests"][0];
    assert_eq!(request["method"], "POST");
    assert_eq!(request["url"], format!("{}/api/v3/repos/acme/app/issues", desk.tracker.url()));
    assert!(request["body"]["title"].as_str().unwrap().contains("SQL injection"));
    assert!(!first.body.to_string().contains(crate::fakes::TOKEN));
    assert!(desk.tracker.calls().is_empty());
    desk.configure(json!({ "dry_run": false })).await;
    desk.work().await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
}

/// SO-13
async fn a_refused_ticket_is_told_and_can_be_retried_or_discarded(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.tracker.inject(Fault::status(422).on("POST", "/issues").times(2));
    desk.scan_and_work(TWO).await;
    let jobs = desk.jobs().await;
    assert_eq!(jobs.len(), 2);
    for job in &jobs {
        assert_eq!((job["state"].as_str(), job["attempts"].as_i64()), (Some("parked"), Some(1)));
        assert!(job["last_error"].as_str().unwrap().contains("injected 422"), "{job}");
    }
    let told = desk.notifications().await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["kind"], "ticket_failed");
    assert!(told[0]["body"].as_str().unwrap().contains("injected 422"));
    let config = desk.tenant.viewer.get(&format!("/products/{}/tracker-config", desk.product)).await;
    assert_eq!(config["jobs_parked"], 2);
    assert!(config.text("last_error").contains("injected 422"));
    let ticket = desk.explain(&desk.observation("SQL injection").await).await;
    assert!(ticket["ticket"]["last_error"].as_str().unwrap().contains("injected 422"));
    let path = |job: &serde_json::Value| format!("/sync-jobs/{}", job["id"].as_str().unwrap());
    desk.tenant.viewer.post(&format!("{}/retry", path(&jobs[0])), json!({})).await.expect(403);
    desk.tenant.editor.post(&format!("{}/retry", path(&jobs[0])), json!({})).await.expect(202);
    desk.work().await;
    desk.tenant.editor.delete(&path(&jobs[1])).await.expect(204);
    desk.work().await;
    assert_eq!(desk.tracker.items().len(), 1);
    assert!(desk.jobs().await.is_empty());
    assert!(desk.notifications().await.is_empty());
}

/// DD-16, PB-1
async fn a_push_by_hand_passes_what_holds_automatic_pushes(app: TestApp) {
    let settings = json!({ "minimum_severity": "critical", "push_all": false, "auto_sync": false });
    let desk = Desk::github_with(app, settings).await;
    desk.scan_and_work(TWO).await;
    assert!(desk.tracker.calls().is_empty());
    let observation = desk.observation("SQL injection").await;
    let push = format!("/observations/{observation}/push");
    desk.tenant.viewer.post(&push, json!({})).await.expect(403);
    let pushed = desk.tenant.editor.post(&push, json!({})).await.expect(202);
    assert_eq!(
        (pushed["outcome"].as_str(), pushed["explanation"]["next_step"].as_str()),
        (Some("queued"), Some("create"))
    );
    desk.work().await;
    assert!(desk.is_open("SQL injection"));
    assert_eq!(desk.tracker.items().len(), 1);
    desk.assess(&observation, ObservationStatus::FalsePositive).await;
    assert!(desk.is_open("SQL injection"), "auto_sync is off");
    desk.tenant.editor.post(&push, json!({})).await.expect(202);
    desk.work().await;
    assert!(!desk.is_open("SQL injection"));
    desk.assess(&desk.observation("Weak hash").await, ObservationStatus::FalsePositive).await;
    let refused = format!("/observations/{}/push", desk.observation("Weak hash").await);
    let refused = desk.tenant.editor.post(&refused, json!({})).await.expect(200);
    assert_eq!(refused["outcome"], "refused");
    assert!(refused.text("reason").contains("false_positive"));
}

/// DD-17
async fn an_unlinked_ticket_stays_alone_until_it_is_pushed(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(&TWO[..1]).await;
    let observation = desk.observation("SQL injection").await;
    let ticket = desk.explain(&observation).await["ticket"]["id"].as_str().unwrap().to_owned();
    let config = format!("/products/{}/tracker-config", desk.product);
    desk.tenant.editor.delete(&config).await.expect(409);
    desk.tenant.editor.delete(&format!("/tickets/{ticket}")).await.expect(204);
    desk.assess(&observation, ObservationStatus::FalsePositive).await;
    desk.assess(&observation, ObservationStatus::Open).await;
    desk.scan_and_work(&TWO[..1]).await;
    desk.expect(&[("SQL injection", true)]).await;
    assert_eq!(desk.explain(&observation).await["next_step"], "nothing");
    desk.tenant.editor.post(&format!("/observations/{observation}/push"), json!({})).await.expect(202);
    desk.work().await;
    assert_eq!(desk.items("SQL injection").len(), 2);
}

/// SO-12, PB-3: jobs are only written for what may differ, and sent is only what differs.
async fn an_import_of_the_same_again_sends_nothing(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    desk.tracker.forget_requests();
    desk.scan_and_work(TWO).await;
    let calls = desk.tracker.calls();
    assert_eq!(calls, ["GET /api/v3/repos/acme/app/issues"], "one list for all tickets");
}
