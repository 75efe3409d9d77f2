//! What trackers tell of the tickets of issues: entered in their timelines, and followed where a mapping says so.

use std::time::Duration;

use diesel::prelude::*;
use patchbay::base::ids::{ConnectionId, IssueId, OrganizationId, ProductId, TicketId};
use patchbay::base::time::UtcTime;
use patchbay::db::schema::timeline_entries;
use patchbay::issues::timeline::{Entry, EntryKind};
use patchbay::outbox::model::SubjectKind;
use patchbay::tickets;
use patchbay::tickets::model::{Phase, RemoteState, Ticket};
use patchbay::trackers::ticket::Marker;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::both_databases_with_trackers;
use crate::desk::{Desk, JIRA_CLOUD, JIRA_DATA_CENTER};
use crate::fakes::server::Tracker;
use crate::fakes::store::Item;
use crate::hooks::{Hook, Sent, github, github_state, gitlab_state, jira, jira_issue, jira_status};

both_databases_with_trackers!(
    each_item_of_a_changelog_is_one_entry_by_who_did_it,
    statuses_move_issues_as_mapped_and_others_are_listed,
    a_mapping_names_each_status_once,
    comments_end_alike_in_whatever_order_they_are_told,
    what_we_did_ourselves_is_not_entered,
    an_older_status_is_entered_and_not_followed,
    a_deleted_ticket_is_told_and_looked_for,
    a_closed_issue_that_a_tracker_reopens_is_told_what_happened_since,
    github_moves_issues,
    gitlab_moves_issues,
);

const LATER: &str = "2026-06-01T12:30:00Z";

/// An issue with a ticket.
struct Told<T: Tracker> {
    desk: Desk<T>,
    hook: Hook,
    issue: String,
    item: Item,
    marker: String,
}

impl<T: Tracker> Told<T> {
    async fn new(desk: Desk<T>, project: &str) -> Self {
        let editor = &desk.tenant.editor;
        let observation = editor.observed(&desk.product, "Open port", "high", json!({})).await;
        let issue = editor.issue_of(&[&observation]).await;
        let body = json!("Body");
        let item = desk.tracker.with(|it| it.store().add(project, T::WORDS.0, "Open port".to_owned(), body).clone());
        let ticket = linked(desk.tenant.id, &desk.connection, &issue, &desk.product, &item, desk.app.app.clock.now());
        let marker = ticket.marker.clone();
        desk.app.app.db.write(move |conn| Ok(tickets::repo::insert(conn, &ticket)?)).await.unwrap();
        // The pushes of a test that are ours are long ago.
        desk.pass(Duration::from_secs(3600));
        let hook = Hook::new(&desk.tenant.admin, &desk.connection).await;
        Self { desk, hook, issue, item, marker }
    }

    async fn told(&self, sent: Sent) {
        self.hook.deliver(&self.desk.app, sent).await;
    }

    async fn map(&self, mapping: Value) -> crate::app::Answer {
        let path = format!("/tracker-connections/{}/webhook", self.desk.connection);
        self.desk.tenant.admin.patch(&path, json!({ "state_mapping": mapping })).await
    }

    async fn state(&self) -> String {
        self.desk.tenant.viewer.get(&format!("/issues/{}", self.issue)).await.text("state")
    }

    /// The newest delivery's outcome and effects.
    async fn last(&self) -> (String, Vec<String>) {
        let path = format!("/tracker-connections/{}/webhook/deliveries", self.desk.connection);
        let row = self.desk.tenant.viewer.get_all(&path).await.remove(0);
        (row["outcome"].as_str().unwrap().to_owned(), serde_json::from_value(row["effects"].clone()).unwrap())
    }

    /// What was entered from the tracker.
    async fn entries(&self) -> Vec<Entry> {
        let (organization, issue): (OrganizationId, IssueId) = (self.desk.tenant.id, self.issue.parse().unwrap());
        let entries = self.desk.app.app.db.read(move |conn| {
            timeline_entries::table
                .filter(timeline_entries::organization_id.eq(organization))
                .filter(timeline_entries::issue_id.eq(issue).and(timeline_entries::remote_key.is_not_null()))
                .order(timeline_entries::id)
                .select(Entry::as_select())
                .load(conn)
        });
        entries.await.unwrap()
    }

    /// What was said, as it is shown now.
    async fn comments(&self) -> Vec<String> {
        let entries = self.entries().await.into_iter();
        entries.filter(|entry| entry.kind == EntryKind::Comment).filter_map(|entry| entry.body).collect()
    }
}

fn linked(
    organization_id: OrganizationId,
    connection: &str,
    issue: &str,
    product: &str,
    item: &Item,
    now: UtcTime,
) -> Ticket {
    let (id, connection_id): (_, ConnectionId) = (TicketId::generate(), connection.parse().unwrap());
    let (subject, product_id): (IssueId, ProductId) = (issue.parse().unwrap(), product.parse().unwrap());
    Ticket {
        organization_id,
        id,
        connection_id,
        subject_kind: SubjectKind::Issue,
        subject_id: subject.into(),
        product_id,
        project_key: item.project.clone(),
        phase: Phase::Linked,
        marker: Marker::of(id).as_str().to_owned(),
        remote_key: Some(item.key()),
        remote_id: Some(item.id.to_string()),
        url: Some("https://tracker.example/1".to_owned()),
        base_url: "https://tracker.example".to_owned(),
        state_seen: None,
        state_pushed: Some(RemoteState::Open),
        pushed_json: None,
        title: item.title.clone(),
        is_suppressed: false,
        pushed_by_hand: true,
        sent_at: Some(now),
        unlinked_at: None,
        last_error: None,
        last_synced_at: Some(now),
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// RZ-11, RZ-5
async fn each_item_of_a_changelog_is_one_entry_by_who_did_it(app: TestApp) {
    let told = Told::new(Desk::jira(app, &JIRA_CLOUD).await, "SEC").await;
    let changed = || {
        jira(&json!({
            "timestamp": UtcTime::parse(LATER).unwrap().as_micros() / 1_000, "webhookEvent": "jira:issue_updated",
            "user": { "accountId": "5b9", "displayName": "Ann" },
            "issue": jira_issue(&told.item, "Waiting", false),
            "changelog": { "id": "501", "items": [
                { "field": "status", "fromString": "To Do", "toString": "Waiting" },
                { "field": "assignee", "from": null, "fromString": null, "to": "5b9", "toString": "Ann" },
            ] },
        }))
    };
    told.told(changed()).await;
    // Another delivery of the same: Jira repeats what it believes lost under another identifier, too.
    told.told(changed()).await;
    let entries = told.entries().await;
    let words: Vec<_> = entries
        .iter()
        .map(|it| (it.field.as_deref().unwrap(), it.old_value.as_deref(), it.new_value.as_deref().unwrap()))
        .collect();
    assert_eq!(words, [("status", Some("To Do"), "Waiting"), ("assignee", None, "Ann")]);
    assert!(entries.iter().all(|it| it.actor_name.as_deref() == Some("Ann") && it.kind == EntryKind::Tracker));
    assert!(entries.iter().all(|it| it.at == UtcTime::parse(LATER).unwrap()), "when it happened there");
    assert_eq!(told.last().await, ("nothing_new".to_owned(), Vec::new()));
    assert_eq!(told.state().await, "open", "without a mapping nothing is followed");
}

/// RZ-11
async fn statuses_move_issues_as_mapped_and_others_are_listed(app: TestApp) {
    let told = Told::new(Desk::jira(app, &JIRA_DATA_CENTER).await, "SEC").await;
    let mapping = json!([
        { "status": "In Review", "state": "in_progress" },
        { "status": "In Progress", "state": "in_progress" },
        { "status": "Won't Do", "state": "closed" },
    ]);
    told.map(mapping.clone()).await.expect(200);
    for (minute, status, is_done, state) in [
        (1, "In Progress", false, "in_progress"),
        (2, "In Review", false, "in_progress"),
        (3, "Waiting", false, "in_progress"),
        (4, "Released", true, "resolved"),
        (5, "in progress", false, "in_progress"),
        (6, "Won't Do", true, "closed"),
    ] {
        told.told(jira_status(&told.item, "ann", status, is_done, &format!("2026-06-01T12:0{minute}:00Z"))).await;
        assert_eq!(told.state().await, state, "{status}");
    }
    let webhook = format!("/tracker-connections/{}/webhook", told.desk.connection);
    let shown = told.desk.tenant.admin.get(&webhook).await;
    assert_eq!(shown["state_mapping"], mapping);
    let unmapped = shown["unmapped_statuses"].as_array().unwrap();
    assert_eq!((unmapped.len(), &unmapped[0]["status"]), (1, &json!("Waiting")));
    let moved: Vec<_> = told.entries().await.into_iter().filter(|it| it.field.as_deref() == Some("state")).collect();
    assert_eq!(moved[0].body.as_deref(), Some("SEC-1 went to In Progress"));
    assert_eq!(moved[0].actor_name.as_deref(), Some("ann"));
    told.map(json!(null)).await.expect(200);
    told.told(jira_status(&told.item, "ann", "In Progress", false, "2026-06-01T12:07:00Z")).await;
    assert_eq!(told.state().await, "closed");
}

/// RZ-11
async fn a_mapping_names_each_status_once(app: TestApp) {
    let told = Told::new(Desk::jira(app, &JIRA_CLOUD).await, "SEC").await;
    let line = |status: &str, state: &str| json!({ "status": status, "state": state });
    let refused = told.map(json!([line("Done", "closed"), line("done ", "resolved"), line("", "open")])).await;
    assert_eq!(refused.expect(400).pointers(), ["/state_mapping/1/status", "/state_mapping/2/status"]);
    let refused = told.map(json!([line("Done", "finished")])).await.expect(400);
    assert_eq!(refused.pointers(), ["/state_mapping/0/state"]);
}

/// A comment event of Jira.
fn comment(item: &Item, event: &str, id: &str, body: &str, at: &str) -> Sent {
    let at_ms = UtcTime::parse(at).unwrap().as_micros() / 1_000;
    jira(&json!({
        "timestamp": at_ms, "webhookEvent": event, "issue": jira_issue(item, "To Do", false),
        "comment": { "id": id, "body": body, "updated": at, "updateAuthor": { "accountId": "5b9", "displayName": "Ann" } },
    }))
}

/// RZ-11
async fn comments_end_alike_in_whatever_order_they_are_told(app: TestApp) {
    let told = Told::new(Desk::jira(app, &JIRA_CLOUD).await, "SEC").await;
    let step = |id: usize, step: usize| {
        let (event, body, at) = [
            ("comment_created", "first", "2026-06-01T12:01:00Z"),
            ("comment_updated", "second", "2026-06-01T12:02:00Z"),
            ("comment_updated", "third", "2026-06-01T12:03:00Z"),
            ("comment_deleted", "", "2026-06-01T12:04:00Z"),
        ][step];
        comment(&told.item, event, &id.to_string(), body, at)
    };
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (id, order) in orders.iter().enumerate() {
        for number in order {
            told.told(step(id, *number)).await;
        }
        assert_eq!(told.comments().await.pop().as_deref(), Some("third"), "{order:?}");
    }
    assert_eq!(told.comments().await.len(), orders.len());
    for (id, order) in orders.iter().enumerate() {
        told.told(step(id, 3)).await;
        told.told(step(id, order[0])).await;
    }
    assert_eq!(told.comments().await, Vec::<String>::new());
    let deletions = told.entries().await.into_iter().filter(|it| it.new_value.as_deref() == Some("deleted"));
    assert_eq!(deletions.count(), orders.len(), "that something was said stays");
    // Deleted before it was known.
    told.told(step(77, 3)).await;
    told.told(step(77, 0)).await;
    assert_eq!(told.comments().await, Vec::<String>::new());
}

/// RZ-11
async fn what_we_did_ourselves_is_not_entered(app: TestApp) {
    let told = Told::new(Desk::jira(app, &JIRA_CLOUD).await, "SEC").await;
    told.map(json!([])).await.expect(200);
    let by = |who: &str, changelog: &str, field: &str, at: &str| {
        jira(&json!({
            "timestamp": UtcTime::parse(at).unwrap().as_micros() / 1_000, "webhookEvent": "jira:issue_updated",
            "user": { "accountId": who, "displayName": who }, "issue": jira_issue(&told.item, "To Do", false),
            "changelog": { "id": changelog, "items": [{ "field": field, "fromString": "a", "toString": "b" }] },
        }))
    };
    let said = |body: &str, id: &str| {
        let mut sent = comment(&told.item, "comment_created", id, body, LATER);
        let text = String::from_utf8(sent.body).unwrap().replace("5b9", "bot-1");
        sent.body = text.into_bytes();
        sent
    };
    // The push was when the ticket was made, at noon.
    for (sent, outcome) in [
        (by("bot-1", "1", "description", "2026-06-01T12:00:02Z"), "own_change"),
        (by("bot-1", "2", "status", "2026-06-01T12:00:03Z"), "own_change"),
        (said(&format!("Closed. ref {}-5f", told.marker), "1"), "own_change"),
        (by("ann", "3", "description", "2026-06-01T12:00:02Z"), "applied"),
        (by("bot-1", "4", "description", LATER), "applied"),
        (by("bot-1", "5", "Sprint", "2026-06-01T12:00:02Z"), "applied"),
        (said("I use the bot's account.", "2"), "applied"),
    ] {
        told.told(sent).await;
        assert_eq!(told.last().await.0, outcome, "{:#?}", told.entries().await);
    }
    assert_eq!(told.entries().await.len(), 4);
    told.told(jira_status(&told.item, "bot-1", "Done", true, LATER)).await;
    assert_eq!(told.state().await, "resolved", "we have not closed it");
}

/// RZ-11
async fn an_older_status_is_entered_and_not_followed(app: TestApp) {
    let told = Told::new(Desk::jira(app, &JIRA_CLOUD).await, "SEC").await;
    told.map(json!([{ "status": "In Progress", "state": "in_progress" }])).await.expect(200);
    told.told(jira_status(&told.item, "ann", "Done", true, "2026-06-01T12:20:00Z")).await;
    told.told(jira_status(&told.item, "ann", "In Progress", false, "2026-06-01T12:10:00Z")).await;
    assert_eq!(told.state().await, "resolved");
    let statuses: Vec<_> =
        told.entries().await.into_iter().filter(|it| it.field.as_deref() == Some("status")).collect();
    assert_eq!(statuses.len(), 2);
    // A move whose own delivery was lost shows in the next.
    let commented = json!({
        "timestamp": UtcTime::parse("2026-06-01T12:40:00Z").unwrap().as_micros() / 1_000, "webhookEvent": "comment_created",
        "issue": jira_issue(&told.item, "In Progress", false), "comment": { "id": "9", "body": "Not yet." },
    });
    told.told(jira(&commented)).await;
    assert_eq!(told.state().await, "in_progress");
}

/// RZ-11
async fn a_deleted_ticket_is_told_and_looked_for(app: TestApp) {
    let told = Told::new(Desk::jira(app, &JIRA_CLOUD).await, "SEC").await;
    let user = json!({ "accountId": "5b9", "displayName": "Ann" });
    let issue = jira_issue(&told.item, "To Do", false);
    told.told(jira(&json!({ "webhookEvent": "jira:issue_deleted", "user": user, "issue": issue }))).await;
    let entries = told.entries().await;
    assert_eq!((entries.len(), entries[0].new_value.as_deref()), (1, Some("deleted")));
    let tickets = told.desk.tenant.viewer.get_all("/tickets").await;
    assert_eq!(tickets[0]["state_seen"], "missing");
    let jobs = told.desk.jobs().await;
    assert_eq!(jobs.iter().filter(|job| job["subject_id"] == told.issue).count(), 1);
}

/// RZ-6, RZ-7, RZ-11
async fn a_closed_issue_that_a_tracker_reopens_is_told_what_happened_since(app: TestApp) {
    let told = Told::new(Desk::github(app).await, "acme/app").await;
    told.map(json!([{ "status": "open", "state": "in_progress" }, { "status": "closed", "state": "closed" }])).await;
    told.told(github_state(&told.item, "ann", false, "2026-06-01T12:10:00Z")).await;
    assert_eq!(told.state().await, "closed");
    let (path, editor) = (format!("/issues/{}", told.issue), &told.desk.tenant.editor);
    let observation = told.desk.observation("Open port").await;
    let assess = async |status: Value| {
        let body = json!({ "assessed_status": status });
        editor.patch(&format!("/observations/{observation}"), body).await.expect(200);
        editor.get(&path).await.expect(200)["instances"].clone()
    };
    let counts = |remediated: i64| json!({ "total": 1, "actionable": 1 - remediated, "remediated": remediated, "excluded": 0, "regressed": 0 });
    assert_eq!(assess(json!("not_affected")).await, counts(0), "nobody recomputes a closed issue");
    told.told(github_state(&told.item, "ann", true, "2026-06-01T12:20:00Z")).await;
    let reopened = editor.get(&path).await.expect(200);
    assert_eq!((&reopened["state"], &reopened["instances"]), (&json!("resolved"), &counts(1)));
    // And the same the other way round.
    told.told(github_state(&told.item, "ann", false, "2026-06-01T12:30:00Z")).await;
    assert_eq!(told.state().await, "closed");
    assert_eq!(assess(Value::Null).await, counts(1));
    told.told(github_state(&told.item, "ann", true, "2026-06-01T12:40:00Z")).await;
    let reopened = editor.get(&path).await.expect(200);
    let regressed = json!({ "total": 1, "actionable": 1, "remediated": 0, "excluded": 0, "regressed": 1 });
    assert_eq!((&reopened["state"], &reopened["instances"]), (&json!("in_progress"), &regressed));
}

/// PB-5: what Jira has, with its own words.
async fn moves_issues<T: Tracker>(told: Told<T>, state: fn(&Item, &str, bool, &str) -> Sent, open: &str) {
    told.told(state(&told.item, "ann", false, "2026-06-01T12:01:00Z")).await;
    assert_eq!(told.state().await, "open");
    told.map(json!([{ "status": open, "state": "in_progress" }])).await.expect(200);
    told.told(state(&told.item, "ann", true, "2026-06-01T12:02:00Z")).await;
    assert_eq!(told.state().await, "in_progress");
    told.told(state(&told.item, "ann", false, "2026-06-01T12:03:00Z")).await;
    assert_eq!(told.state().await, "resolved");
    told.told(state(&told.item, "patchbay-bot", false, "2026-06-01T12:03:00Z")).await;
    let states: Vec<_> =
        told.entries().await.into_iter().filter(|it| it.actor_name.as_deref() == Some("ann")).collect();
    assert_eq!(states.len(), 5, "three changes and two moves: {states:#?}");
}

/// PB-5, RZ-11
async fn github_moves_issues(app: TestApp) {
    let told = Told::new(Desk::github(app).await, "acme/app").await;
    let said = json!({
        "action": "created", "sender": { "login": "ann" }, "repository": { "full_name": "acme/app" },
        "issue": { "id": told.item.id, "number": told.item.number, "state": "open", "updated_at": "2026-06-01T12:00:30Z" },
        "comment": { "id": 31, "body": "On it.", "updated_at": "2026-06-01T12:00:30Z" },
    });
    told.told(github("issue_comment", &said)).await;
    assert_eq!(told.comments().await, ["On it."]);
    let entry = told.entries().await.remove(0);
    assert_eq!(entry.actor_name.as_deref(), Some("ann"));
    let (organization, issue) = (entry.organization_id, entry.issue_id);
    let forget = told.desk.app.app.db.write(move |conn| {
        let of_issue = timeline_entries::issue_id.eq(issue).and(timeline_entries::organization_id.eq(organization));
        diesel::delete(timeline_entries::table.filter(of_issue)).execute(conn)?;
        Ok(())
    });
    forget.await.unwrap();
    moves_issues(told, github_state, "open").await;
}

/// PB-5, RZ-11
async fn gitlab_moves_issues(app: TestApp) {
    moves_issues(Told::new(Desk::gitlab(app).await, "acme/app").await, gitlab_state, "opened").await;
}
