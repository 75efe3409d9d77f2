//! Watching what changes: in order, none twice, none lost, and only what the reader may see.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::prelude::*;
use patchbay::base::ids::TicketId;
use patchbay::db::schema::events;
use patchbay::tickets;
use patchbay::tickets::model::RemoteState;
use patchbay::worker::overdue;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Client, TestApp};
use crate::both_databases_with_trackers;
use crate::desk::{Desk, TWO};
use crate::fakes::fault::Fault;
use crate::postgres::Database;
use crate::process::Process;
use crate::sarif::sarif_of;

both_databases_with_trackers!(
    what_changes_is_told_as_it_changes,
    a_stream_goes_on_where_it_was_left,
    what_is_restricted_or_anothers_is_not_told,
    a_stream_ends_with_the_right_to_read,
    a_caller_has_so_many_streams,
    a_deleted_issue_is_told_to_who_has_seen_it,
    what_is_noted_of_many_at_once_is_told_of_each,
);

/// Longer than any event takes.
const SOON: Duration = Duration::from_secs(20);

/// A stream that is being read.
struct Watching {
    response: reqwest::Response,
    text: String,
}

/// An event as it was told.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    id: i64,
    name: String,
    data: Value,
}

impl Watching {
    async fn new(client: &Client) -> Self {
        Self::after(client, None).await
    }

    /// From the event with this id on.
    async fn after(client: &Client, id: Option<i64>) -> Self {
        let request = client.request(Method::GET, "/events");
        let request = match id {
            Some(id) => request.header("Last-Event-ID", &id.to_string()),
            None => request,
        };
        let response = request.0.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next words of the stream; none when it has ended.
    async fn words(&mut self) -> Option<String> {
        loop {
            if let Some((words, rest)) = self.text.split_once("\n\n") {
                let words = words.to_owned();
                self.text = rest.to_owned();
                return Some(words);
            }
            let chunk = tokio::time::timeout(SOON, self.response.chunk()).await.expect("something is said soon");
            let Ok(Some(chunk)) = chunk else { return None };
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; none when the stream has ended.
    async fn next(&mut self) -> Option<Told> {
        loop {
            let words = self.words().await?;
            let field = |name: &str| words.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            let Some(name) = field("event: ") else { continue };
            let data = serde_json::from_str(&field("data: ").unwrap()).unwrap();
            return Some(Told { id: field("id: ").unwrap().parse().unwrap(), name, data });
        }
    }

    /// The names of the events up to one with this name.
    async fn until(&mut self, last: &str) -> Vec<Told> {
        let mut told = Vec::new();
        loop {
            told.push(self.next().await.expect("the stream goes on"));
            if told.last().is_some_and(|event| event.name == last) {
                return told;
            }
        }
    }
}

fn names(told: &[Told]) -> Vec<&str> {
    told.iter().map(|event| event.name.as_str()).collect()
}

/// PB-7
async fn what_changes_is_told_as_it_changes(app: TestApp) {
    let desk = Desk::github(app).await;
    let mut watching = Watching::new(&desk.tenant.viewer).await;
    desk.scan(&TWO[..1]).await;
    let scan = watching.next().await.unwrap();
    assert_eq!((scan.name.as_str(), &scan.data["product_id"]), ("scan.created", &json!(desk.product)));
    let shown = desk.tenant.viewer.get(&format!("/scans/{}", scan.data["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(shown["observations_new"], 1);
    desk.work().await;
    assert_eq!(names(&watching.until("ticket.changed").await), ["ticket.created", "ticket.changed"]);
    let observation = desk.observation("SQL injection").await;
    let issue = desk.tenant.editor.issue_of(&[&observation]).await;
    let told = watching.until("issue.changed").await;
    assert_eq!(told.last().unwrap().data["id"], json!(issue));
    desk.tracker.inject(Fault::status(422).on("POST", "/issues").for_ever());
    desk.scan_and_work(TWO).await;
    let told = watching.until("notification.created").await;
    assert!(told.is_sorted_by_key(|event| event.id));
    let id = told.last().unwrap().data["id"].as_str().unwrap();
    desk.tenant.viewer.get(&format!("/notifications/{id}")).await.expect(200);
}

async fn numbered(app: &TestApp) -> (i64, i64) {
    let count = app.app.db.read(|conn| {
        let all = events::table.count().get_result(conn)?;
        let with_position = events::table.filter(events::position.is_not_null()).count().get_result(conn)?;
        Ok::<_, diesel::result::Error>((all, with_position))
    });
    count.await.unwrap()
}

async fn a_stream_goes_on_where_it_was_left(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan(&TWO[..1]).await;
    assert_eq!(numbered(&desk.app).await, (1, 0), "nobody watches");
    let viewer = &desk.tenant.viewer;
    let mut watching = Watching::new(viewer).await;
    desk.scan(TWO).await;
    let seen = watching.next().await.unwrap();
    drop(watching);
    for _ in 0..3 {
        desk.scan(TWO).await;
        desk.scan(&TWO[..1]).await;
    }
    let mut again = Watching::after(viewer, Some(seen.id)).await;
    let mut ids = vec![seen.id];
    for _ in 0..6 {
        ids.push(again.next().await.unwrap().id);
    }
    assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
    desk.scan(TWO).await;
    assert!(again.next().await.unwrap().id > ids[6], "and then what is new");
    let mut unknown = Watching::after(viewer, Some(i64::MAX)).await;
    assert!(unknown.words().await.unwrap().contains("event: reset"));
    desk.pass(Duration::from_secs(25 * 3600));
    let mut old = Watching::after(viewer, Some(seen.id)).await;
    assert!(old.words().await.unwrap().contains("event: reset"));
    viewer.request(Method::GET, "/events").header("Last-Event-ID", "x").send().await.expect(400);
}

/// PB-10, S-02
async fn what_is_restricted_or_anothers_is_not_told(app: TestApp) {
    let desk = Desk::github(app).await;
    let (other, tenant) = (desk.app.tenant("other").await, &desk.tenant);
    let secret = tenant.admin.product_with("secret", json!({ "is_restricted": true })).await;
    let bound = tenant.admin.token(&["read"], Some(&desk.product)).await;
    let mut watching = Vec::new();
    for client in [&*tenant.admin, &tenant.viewer, &bound, &other.admin] {
        watching.push(Watching::new(client).await);
    }
    let hidden = tenant.admin.observed(&secret, "Hidden", "high", json!({})).await;
    let hidden_issue = tenant.admin.issue_of(&[&hidden]).await;
    desk.scan(&TWO[..1]).await;
    let open = desk.observation("SQL injection").await;
    let open_issue = tenant.admin.issue_of(&[&open]).await;
    let theirs = other.admin.observed(&other.admin.product("theirs").await, "Theirs", "high", json!({})).await;
    let their_issue = other.admin.issue_of(&[&theirs]).await;
    for (reader, may_see_all) in [(0, true), (1, false), (2, false)] {
        let mut ids = Vec::new();
        while !ids.contains(&open_issue) {
            let event = watching[reader].next().await.unwrap();
            assert!(may_see_all || event.data["product_id"] != json!(secret), "{event:?}");
            ids.push(event.data["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.contains(&hidden_issue), may_see_all, "reader {reader}");
    }
    let told = watching[3].until("issue.changed").await;
    assert!(told.iter().all(|event| event.data["product_id"] != json!(desk.product)), "{told:?}");
    assert_eq!(told.last().unwrap().data["id"], json!(their_issue));
}

/// S-07: streams, too, end within a minute; and what is hidden meanwhile is not told any more.
async fn a_stream_ends_with_the_right_to_read(app: TestApp) {
    let desk = Desk::github(app).await;
    let (tenant, admin) = (&desk.tenant, &desk.tenant.admin);
    let made = admin.post("/api-tokens", json!({ "name": "t", "scopes": ["read"] })).await.expect(201);
    let token = admin.with_bearer(made.text("token"));
    let mut of_token = Watching::new(&token).await;
    let mut of_member = Watching::new(&tenant.viewer).await;
    let mut of_editor = Watching::new(&tenant.editor).await;
    admin.delete(&format!("/api-tokens/{}", made.id())).await.expect(204);
    admin.delete(&format!("/members/{}", tenant.viewer.id)).await.expect(204);
    admin.patch(&format!("/products/{}", desk.product), json!({ "is_restricted": true })).await.expect(200);
    let ends = async { tokio::join!(of_token.next(), of_member.next()) };
    assert_eq!(tokio::time::timeout(Duration::from_secs(60), ends).await.expect("they end"), (None, None));
    // The third stream was begun a moment later.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let observation = admin.observed(&desk.product, "Hidden", "high", json!({})).await;
    admin.issue_of(&[&observation]).await;
    let open = admin.product("open").await;
    let seen = admin.issue_of(&[&admin.observed(&open, "Seen", "high", json!({})).await]).await;
    loop {
        let event = of_editor.next().await.unwrap();
        assert_ne!(event.data["product_id"], json!(desk.product));
        if event.name.starts_with("issue") {
            assert_eq!(event.data["id"], json!(seen), "the first issue that is told");
            break;
        }
    }
}

async fn a_caller_has_so_many_streams(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let mut watching = Vec::new();
    for _ in 0..20 {
        watching.push(Watching::new(&tenant.viewer).await);
    }
    let refused = tenant.viewer.get("/events").await.expect(429);
    assert_ne!(refused.header("retry-after"), "");
    drop(Watching::new(&tenant.editor).await);
    watching.clear();
    // The server hears that streams were left when it next has something to say.
    for attempt in 0.. {
        let answer = tenant.viewer.request(Method::GET, "/events").0.send().await.unwrap();
        if answer.status() == 200 {
            break;
        }
        assert!(attempt < 100, "the streams stay");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// PB-7, PB-10
async fn a_deleted_issue_is_told_to_who_has_seen_it(app: TestApp) {
    let desk = Desk::github(app).await;
    let tenant = &desk.tenant;
    let secret = tenant.admin.product_with("secret", json!({ "is_restricted": true })).await;
    let open = tenant.admin.observed(&desk.product, "Open", "high", json!({})).await;
    let hidden = tenant.admin.observed(&secret, "Hidden", "high", json!({})).await;
    let bound = tenant.admin.token(&["read"], Some(&desk.product)).await;
    let issues = [
        tenant.admin.issue_of(&[&hidden]).await,
        tenant.admin.post("/issues", json!({ "name": "Of no product" })).await.expect(201).id(),
        tenant.admin.issue_of(&[&open]).await,
    ];
    let of_both = tenant.admin.issue_of(&[&open, &hidden]).await;
    let mut watching = Vec::new();
    for client in [&*tenant.admin, &tenant.viewer, &bound] {
        watching.push(Watching::new(client).await);
    }
    // For the editor it is gone, for the admin it is not.
    tenant.editor.delete(&format!("/issues/{of_both}")).await.expect(204);
    for issue in &issues {
        tenant.admin.delete(&format!("/issues/{issue}")).await.expect(204);
    }
    for (stream, expected) in watching.iter_mut().zip([&issues[..], &issues[1..], &issues[2..]]) {
        let mut deleted = Vec::new();
        while deleted.last() != issues.last() {
            let event = stream.next().await.unwrap();
            assert_eq!(event.name == "issue.changed", event.data["id"] == json!(of_both), "{event:?}");
            deleted.extend((event.name == "issue.deleted").then(|| event.data["id"].as_str().unwrap().to_owned()));
        }
        assert_eq!(deleted, expected);
    }
}

/// PB-7
async fn what_is_noted_of_many_at_once_is_told_of_each(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    let tenant = &desk.tenant;
    let due = json!({ "name": "Late", "selection": { "product_id": desk.product }, "due_at": "2026-05-01" });
    let issue = format!("/issues/{}", tenant.editor.post("/issues", due).await.expect(201).id());
    let look = async || {
        let now = desk.app.app.clock.now();
        desk.app.app.db.write(move |conn| overdue::tell(conn, now)).await.unwrap();
    };
    look().await;
    let notification = tenant.viewer.get_all("/notifications?open=true").await[0]["id"].clone();
    let tickets = tenant.viewer.get_all("/tickets").await;
    let ids: BTreeSet<String> = tickets.iter().map(|ticket| ticket["id"].as_str().unwrap().to_owned()).collect();
    let mut watching = Watching::new(&tenant.viewer).await;
    let (organization, now) = (tenant.id, desk.app.app.clock.now());
    let parsed: Vec<TicketId> = ids.iter().map(|id| id.parse().unwrap()).collect();
    let note =
        desk.app.app.db.write(move |conn| {
            Ok(tickets::repo::note_seen(conn, organization, &parsed, Some(RemoteState::Closed), now)?)
        });
    note.await.unwrap();
    let mut told = BTreeSet::new();
    for _ in &ids {
        let event = watching.next().await.unwrap();
        assert_eq!((event.name.as_str(), &event.data["product_id"]), ("ticket.changed", &json!(desk.product)));
        told.insert(event.data["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, ids);
    tenant.editor.patch(&issue, json!({ "due_at": null })).await.expect(200);
    look().await;
    let told = watching.until("notification.changed").await;
    assert_eq!(told.last().unwrap().data["id"], notification);
}

/// PB-7
#[tokio::test]
async fn what_one_instance_changes_is_told_by_another() {
    let database = tokio::task::spawn_blocking(Database::create_empty).await.unwrap();
    let Some(database) = database else { return };
    let folder = tempfile::tempdir().unwrap();
    let one = Process::start(folder.path(), Some(&database.url())).await;
    let other = Process::start(folder.path(), Some(&database.url())).await;
    let mut streams = [
        Watching { response: one.watch().await, text: String::new() },
        Watching { response: other.watch().await, text: String::new() },
    ];
    for number in 0..5 {
        let path = format!("/organizations/default/scans?product=p{number}");
        let posted = if number % 2 == 0 { &one } else { &other };
        let (status, _) = posted.send_bytes(Method::POST, &path, sarif_of(3).bytes()).await.unwrap();
        assert_eq!(status, 201);
    }
    let mut told = Vec::new();
    for stream in &mut streams {
        let mut events = Vec::new();
        while events.len() < 5 {
            events.extend(stream.next().await.filter(|event| event.name == "scan.created"));
        }
        told.push(events);
    }
    assert_eq!(told[0], told[1], "the same, in the same order");
}
