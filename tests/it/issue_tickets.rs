//! Issues as tickets: one for all their instances, with a table of them, in every kind of tracker.

use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::both_databases_with_trackers;
use crate::desk::{Desk, Finding, JIRA_CLOUD, JIRA_DATA_CENTER, TWO};
use crate::fakes::fault::Fault;
use crate::fakes::server::Tracker;

both_databases_with_trackers!(
    a_github_issue_is_one_ticket_that_follows_it,
    a_gitlab_issue_is_one_ticket_that_follows_it,
    a_jira_cloud_issue_is_one_ticket_that_follows_it,
    a_jira_data_center_issue_is_one_ticket_that_follows_it,
    jira_carries_one_table_that_is_refreshed,
    gitlab_carries_a_table_that_the_text_links,
    a_refused_table_leaves_the_ticket_as_it_is_and_is_told,
    without_auto_close_a_ticket_outlives_its_instances,
    what_is_accepted_for_a_time_keeps_a_ticket_open_if_it_shall,
    an_unlinked_issue_gives_its_observations_their_own_tickets,
    a_deleted_issue_closes_its_ticket,
    a_deleted_issue_leaves_its_ticket_alone_if_that_is_asked,
    an_issue_that_stays_for_others_keeps_its_ticket,
    a_config_can_push_issues_by_itself,
    a_push_says_what_it_needs,
    only_who_may_write_and_see_an_issue_pushes_it,
);

const ISSUE: &str = "Login is broken";

impl<T: Tracker> Desk<T> {
    /// An issue of all observations.
    async fn issue(&self) -> String {
        let input = json!({ "name": ISSUE, "selection": { "product_id": self.product } });
        self.tenant.editor.post("/issues", input).await.expect(201).id()
    }

    async fn push(&self, issue: &str, how: Value) -> Answer {
        self.tenant.editor.post(&format!("/issues/{issue}/push"), how).await
    }

    /// An issue of all observations, pushed, and carried to the tracker.
    async fn pushed_issue(&self, how: Value) -> String {
        let issue = self.issue().await;
        self.push(&issue, how).await.expect(202);
        self.work().await;
        issue
    }

    async fn state(&self, issue: &str) -> Value {
        self.tenant.viewer.get(&format!("/issues/{issue}")).await.expect(200)["state"].clone()
    }
}

/// RZ-10, DD-16, DD-24, NU-4, NU-7
async fn follows_its_issue<T: Tracker>(desk: Desk<T>) {
    desk.scan_and_work(TWO).await;
    let issue = desk.pushed_issue(json!({})).await;
    desk.expect(&[(ISSUE, true), ("SQL injection", false), ("Weak hash", false)]).await;
    let body = desk.item(ISSUE).body_text();
    assert!(body.contains("Instances") && body.contains("Severity"), "{body}");
    let explained = desk.tenant.viewer.get(&format!("/issues/{issue}/ticket")).await.expect(200);
    assert_eq!(explained["explanation"]["ticket"]["key"], desk.item(ISSUE).key());
    assert_eq!(explained["explanation"]["next_step"], "nothing");
    let url = explained["explanation"]["ticket"]["url"].as_str().unwrap();
    let comments = desk.item("SQL injection").comment_texts().join("\n");
    assert!(comments.contains(url), "it says where to look: {comments}");
    desk.tenant.editor.patch(&format!("/issues/{issue}"), json!({ "name": "Login is open" })).await.expect(200);
    desk.work().await;
    desk.expect(&[("Login is open", true), ("SQL injection", false), ("Weak hash", false)]).await;
    desk.scan_and_work(&[]).await;
    assert_eq!(desk.state(&issue).await, "resolved");
    desk.expect(&[("Login is open", false), ("SQL injection", false), ("Weak hash", false)]).await;
    desk.scan_and_work(&TWO[..1]).await;
    assert_eq!(desk.state(&issue).await, "in_progress");
    desk.expect(&[("Login is open", true), ("SQL injection", false), ("Weak hash", false)]).await;
}

/// RZ-10
async fn a_github_issue_is_one_ticket_that_follows_it(app: TestApp) {
    follows_its_issue(Desk::github(app).await).await;
}

/// RZ-10
async fn a_gitlab_issue_is_one_ticket_that_follows_it(app: TestApp) {
    follows_its_issue(Desk::gitlab(app).await).await;
}

/// RZ-10
async fn a_jira_cloud_issue_is_one_ticket_that_follows_it(app: TestApp) {
    follows_its_issue(Desk::jira(app, &JIRA_CLOUD).await).await;
}

/// RZ-10
async fn a_jira_data_center_issue_is_one_ticket_that_follows_it(app: TestApp) {
    follows_its_issue(Desk::jira(app, &JIRA_DATA_CENTER).await).await;
}

/// RZ-10, NU-6, S-24
async fn jira_carries_one_table_that_is_refreshed(app: TestApp) {
    let desk = Desk::jira(app, &JIRA_CLOUD).await;
    let findings: &[Finding] = &[("=HYPERLINK(\"http://evil\")", "High"), ("Weak hash", "Medium")];
    desk.scan_and_work(findings).await;
    desk.pushed_issue(json!({ "csv": "actionable" })).await;
    let files = desk.item(ISSUE).files;
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].2.lines().count(), 3, "{}", files[0].2);
    assert!(!files[0].2.contains(",=HYPERLINK") && !files[0].2.contains(",\"=HYPERLINK"), "{}", files[0].2);
    desk.tracker.forget_requests();
    desk.scan_and_work(findings).await;
    assert_eq!(desk.item(ISSUE).files, files, "nothing changed");
    desk.scan_and_work(&findings[..1]).await;
    let fresh = desk.item(ISSUE).files;
    assert_eq!(fresh.len(), 1, "in place of the old one: {fresh:?}");
    assert_eq!(fresh[0].2.lines().count(), 2, "only what is left: {}", fresh[0].2);
}

/// RZ-10, NU-6
async fn gitlab_carries_a_table_that_the_text_links(app: TestApp) {
    let desk = Desk::gitlab(app).await;
    desk.scan_and_work(TWO).await;
    desk.pushed_issue(json!({})).await;
    assert!(desk.item(ISSUE).body_text().contains("/-/project/1/uploads/1/patchbay-instances-"));
    desk.scan_and_work(&TWO[..1]).await;
    let body = desk.item(ISSUE).body_text();
    assert!(body.contains("/uploads/2/") && !body.contains("/uploads/1/"), "{body}");
}

/// S-35
async fn a_refused_table_leaves_the_ticket_as_it_is_and_is_told(app: TestApp) {
    let desk = Desk::jira(app, &JIRA_CLOUD).await;
    desk.scan_and_work(TWO).await;
    desk.tracker.inject(Fault::status(413).on("POST", "attachments").for_ever());
    let issue = desk.pushed_issue(json!({})).await;
    assert!(desk.is_open(ISSUE) && desk.item(ISSUE).files.is_empty());
    let explained = desk.tenant.viewer.get(&format!("/issues/{issue}/ticket")).await.expect(200);
    assert_eq!(explained["explanation"]["job"]["state"], "parked", "{explained:?}");
    desk.scan_and_work(&[]).await;
    assert!(!desk.is_open(ISSUE), "what can be done is done");
    assert_eq!(desk.items(ISSUE).len(), 1);
}

/// NU-4
async fn without_auto_close_a_ticket_outlives_its_instances(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    let issue = desk.pushed_issue(json!({ "auto_close": false })).await;
    desk.scan_and_work(&[]).await;
    assert_eq!(desk.state(&issue).await, "resolved");
    assert!(desk.is_open(ISSUE));
    desk.tenant.editor.patch(&format!("/issues/{issue}"), json!({ "state": "closed" })).await.expect(200);
    desk.work().await;
    assert!(!desk.is_open(ISSUE), "somebody settled it");
}

/// NU-5
async fn what_is_accepted_for_a_time_keeps_a_ticket_open_if_it_shall(app: TestApp) {
    use patchbay::observations::status::ObservationStatus::RiskAccepted;
    let desk = Desk::github(app).await;
    desk.scan_and_work(&TWO[..1]).await;
    let issue = desk.pushed_issue(json!({})).await;
    desk.assess(&desk.observation("SQL injection").await, RiskAccepted).await;
    assert!(desk.is_open(ISSUE), "by default it does");
    desk.push(&issue, json!({ "temporary_keeps_open": false })).await.expect(202);
    desk.work().await;
    assert!(!desk.is_open(ISSUE));
    assert_eq!(desk.state(&issue).await, "open", "the issue itself is not remediated");
}

/// DD-17
async fn an_unlinked_issue_gives_its_observations_their_own_tickets(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    let issue = desk.pushed_issue(json!({})).await;
    let explained = desk.tenant.viewer.get(&format!("/issues/{issue}/ticket")).await.expect(200);
    let ticket = explained["explanation"]["ticket"]["id"].as_str().unwrap().to_owned();
    desk.tenant.editor.delete(&format!("/tickets/{ticket}")).await.expect(204);
    desk.work().await;
    desk.expect(&[(ISSUE, true), ("SQL injection", true), ("Weak hash", true)]).await;
    desk.push(&issue, json!({})).await.expect(202);
    desk.work().await;
    assert_eq!(desk.items(ISSUE).len(), 2, "a push makes another");
    assert!(!desk.is_open("SQL injection"));
}

/// SO-7 for issues
async fn a_deleted_issue_closes_its_ticket(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    let issue = desk.pushed_issue(json!({})).await;
    desk.tenant.editor.delete(&format!("/issues/{issue}")).await.expect(204);
    desk.work().await;
    desk.expect(&[(ISSUE, false), ("SQL injection", true), ("Weak hash", true)]).await;
}

/// RZ-1
async fn a_deleted_issue_leaves_its_ticket_alone_if_that_is_asked(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    let issue = format!("/issues/{}", desk.pushed_issue(json!({})).await);
    let number = desk.item(ISSUE).number;
    desk.tenant.editor.delete(&format!("{issue}?ticket=keep")).await.expect(400);
    // What is not carried yet is not carried any more.
    desk.tenant.editor.patch(&issue, json!({ "name": "Login is open" })).await.expect(200);
    desk.tracker.forget_requests();
    desk.tenant.editor.delete(&format!("{issue}?ticket=unlink")).await.expect(204);
    desk.work().await;
    desk.expect(&[(ISSUE, true), ("SQL injection", true), ("Weak hash", true)]).await;
    let calls = desk.tracker.calls();
    assert!(!calls.iter().any(|call| call.contains(&format!("/issues/{number}"))), "{calls:?}");
    let tickets = desk.tenant.viewer.get_all("/tickets").await;
    let left = tickets.iter().find(|ticket| ticket["key"] == desk.item(ISSUE).key()).unwrap();
    assert!(left["unlinked_at"].is_string(), "{left}");
}

/// RZ-1, PB-10
async fn an_issue_that_stays_for_others_keeps_its_ticket(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(&TWO[..1]).await;
    let (admin, secret) = (&desk.tenant.admin, json!({ "is_restricted": true }));
    let hidden = admin.product_with("hidden", secret).await;
    let hidden = admin.observed(&hidden, "Hidden", "high", json!({})).await;
    let issue = format!("/issues/{}", admin.issue_of(&[&desk.observation("SQL injection").await, &hidden]).await);
    let how = json!({ "connection_id": desk.connection, "project_key": "acme/app" });
    admin.post(&format!("{issue}/push"), how).await.expect(202);
    desk.work().await;
    desk.tenant.editor.delete(&format!("{issue}?ticket=unlink")).await.expect(204);
    desk.tenant.editor.get(&issue).await.expect(404);
    desk.work().await;
    let explained = admin.get(&format!("{issue}/ticket")).await.expect(200);
    let ticket = &explained["explanation"]["ticket"];
    assert!(ticket["key"].is_string() && ticket["unlinked_at"].is_null(), "{explained:?}");
}

/// RZ-10
async fn a_config_can_push_issues_by_itself(app: TestApp) {
    let desk = Desk::github_with(app, json!({ "push_issues": true, "minimum_severity": "medium" })).await;
    desk.scan(TWO).await;
    let low = json!({ "name": "Of little risk", "risk": "low", "selection": { "product_id": desk.product } });
    desk.tenant.editor.post("/issues", low).await.expect(201);
    desk.issue().await;
    desk.work().await;
    assert!(desk.is_open(ISSUE));
    assert!(desk.items("Of little risk").is_empty());
    assert!(desk.items("SQL injection").iter().all(|item| item.status != "open"), "the issue stands for it");
}

async fn a_push_says_what_it_needs(app: TestApp) {
    let desk = Desk::github(app).await;
    let other = desk.app.tenant("other").await;
    let input = json!({ "name": "Of no product" });
    let issue = desk.tenant.editor.post("/issues", input).await.expect(201).id();
    assert_eq!(desk.push(&issue, json!({})).await.expect(400).pointers(), ["/connection_id"]);
    let connection = json!({ "connection_id": desk.connection });
    assert_eq!(desk.push(&issue, connection).await.expect(400).pointers(), ["/project_key"]);
    let wrong = json!({ "connection_id": desk.connection, "project_key": "SEC" });
    assert_eq!(desk.push(&issue, wrong).await.expect(400).pointers(), ["/project_key"]);
    let foreign = json!({ "label": "x", "kind": "github", "base_url": desk.tracker.url(), "credential": "t" });
    let foreign = other.admin.post("/tracker-connections", foreign).await.expect(201).id();
    let wrong = json!({ "connection_id": foreign, "project_key": "acme/app" });
    assert_eq!(desk.push(&issue, wrong).await.expect(400).pointers(), ["/connection_id"]);
    let good = json!({ "connection_id": desk.connection, "project_key": "acme/app" });
    desk.push(&issue, good).await.expect(202);
    desk.work().await;
    assert!(desk.is_open("Of no product"));
    let moved = json!({ "project_key": "acme/other" });
    assert_eq!(desk.push(&issue, moved).await.expect(400).pointers(), ["/project_key"]);
    let closed = json!({ "name": "Over", "state": "closed", "product_id": desk.product });
    let closed = desk.tenant.editor.post("/issues", closed).await.expect(201).id();
    assert_eq!(desk.push(&closed, json!({})).await.expect(200)["outcome"], "refused");
}

/// RZ-12, PB-10
async fn only_who_may_write_and_see_an_issue_pushes_it(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan(TWO).await;
    let issue = desk.issue().await;
    let path = format!("/issues/{issue}/push");
    desk.tenant.viewer.post(&path, json!({})).await.expect(403);
    let other = desk.app.tenant("other").await;
    other.editor.post(&path, json!({})).await.expect(404);
    let restrict = json!({ "is_restricted": true });
    desk.tenant.admin.patch(&format!("/products/{}", desk.product), restrict).await.expect(200);
    desk.tenant.editor.post(&path, json!({})).await.expect(404);
    desk.tenant.editor.get(&format!("/issues/{issue}/ticket")).await.expect(404);
    desk.tenant.admin.post(&path, json!({})).await.expect(202);
    desk.work().await;
    assert_eq!(desk.tenant.editor.get_all("/tickets").await.len(), 0);
}
