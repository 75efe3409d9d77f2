//! The clients against the fakes: every tracker does the same job, whatever goes wrong on the way.

use std::time::Duration;

use patchbay::base::ids::TicketId;
use patchbay::base::secret::Secret;
use patchbay::base::tracker_kind::TrackerKind;
use patchbay::egress::client::{Egress, Limits, SystemLookup};
use patchbay::egress::policy::Policy;
use patchbay::trackers::clients::client::Client;
use patchbay::trackers::clients::settings::{ConnectionSettings, Credential, DEFAULT_LABEL};
use patchbay::trackers::markup::document::Document;
use patchbay::trackers::ticket::{
    ClientError, CloseReason, Destination, Marker, Move, RetryAt, TicketChange, TicketComment, TicketDraft, TicketRef,
};
use serde_json::{Map, Value, json};

use crate::fakes::TOKEN;
use crate::fakes::fault::Fault;
use crate::fakes::github::GitHub;
use crate::fakes::gitlab::GitLab;
use crate::fakes::http::{Request, Response};
use crate::fakes::jira::{Jira, LOCKED, SIMPLE, STRICT};
use crate::fakes::server::{Fake, Tracker};
use crate::fakes::store::Item;

/// Long enough for a busy machine, short enough for a test of a tracker that hangs.
const PATIENCE: Duration = Duration::from_secs(2);

fn egress(patience: Duration) -> Egress {
    let policy = Policy::new(vec!["127.0.0.1".parse().unwrap()]);
    let limits = Limits { connect_timeout: patience, total_timeout: patience, body_bytes: 1 << 20 };
    Egress::with(policy, limits, std::sync::Arc::new(SystemLookup)).unwrap()
}

fn client_with(kind: TrackerKind, url: &str, credential: Credential) -> Client {
    let label = DEFAULT_LABEL.to_owned();
    let settings = ConnectionSettings { kind, base_url: url.parse().unwrap(), credential, label };
    Client::new(&settings, egress(PATIENCE)).unwrap()
}

fn client(kind: TrackerKind, url: &str) -> Client {
    client_with(kind, url, Credential::Token(Secret::new(TOKEN.to_owned())))
}

fn draft(project: &str) -> TicketDraft {
    TicketDraft {
        project: project.to_owned(),
        title: "SQL injection in login".to_owned(),
        body: Document::plain("Found by @team.").linked("Open in Patchbay", "https://patchbay.example/o/1"),
        labels: vec!["security".to_owned(), "severity: high".to_owned()],
        priority: None,
        issue_type: None,
        components: Vec::new(),
        custom_fields: Map::new(),
        assignee: None,
        confidential: false,
        marker: Marker::of(TicketId::generate()),
        file: None,
    }
}

fn comment(text: &str) -> TicketComment {
    TicketComment { body: Document::plain(text), marker: "patchbay-close-1".to_owned() }
}

/// A fake with its client, whatever the tracker.
struct Bench<T: Tracker> {
    fake: Fake<T>,
    client: Client,
    project: &'static str,
}

fn github() -> Bench<GitHub> {
    let fake = Fake::start(GitHub::new(&["acme/app", "acme/new"]));
    Bench { client: client(TrackerKind::GitHub, &fake.url()), fake, project: "acme/app" }
}

fn gitlab() -> Bench<GitLab> {
    let fake = Fake::start(GitLab::new(&["acme/platform/app"]));
    Bench { client: client(TrackerKind::GitLab, &fake.url()), fake, project: "acme/platform/app" }
}

fn jira(kind: TrackerKind) -> Bench<Jira> {
    let fake = Fake::start(Jira::new(&[("SEC", STRICT), ("SIMP", SIMPLE), ("LOCK", LOCKED)]));
    Bench { client: client(kind, &fake.url()), fake, project: "SEC" }
}

/// Runs a test body once per tracker.
macro_rules! for_each_tracker {
    ($bench:ident => $body:block) => {{
        async fn run<T: Tracker>($bench: Bench<T>) $body
        run(github()).await;
        run(gitlab()).await;
        run(jira(TrackerKind::JiraCloud)).await;
        run(jira(TrackerKind::JiraDataCenter)).await;
    }};
}

impl<T: Tracker> Bench<T> {
    async fn created(&self) -> (TicketDraft, TicketRef) {
        let draft = draft(self.project);
        let ticket = self.client.create(&draft).await.unwrap().value;
        (draft, ticket)
    }

    fn only_item(&self) -> Item {
        let items = self.fake.items();
        assert_eq!(items.len(), 1, "{:?}", items.iter().map(Item::key).collect::<Vec<_>>());
        items.into_iter().next().unwrap()
    }

    fn last_request(&self) -> Request {
        self.fake.requests().pop().unwrap()
    }
}

/// SO-1, SO-10
#[tokio::test]
async fn creates_a_ticket_in_one_call_with_its_marker_and_labels() {
    for_each_tracker!(bench => {
        let (draft, ticket) = bench.created().await;
        assert_eq!(bench.fake.requests().len(), 1, "{:?}", bench.fake.calls());
        let item = bench.only_item();
        assert_eq!(ticket.key, item.key());
        assert!(ticket.url.starts_with("http"), "{}", ticket.url);
        assert_eq!(item.title, "SQL injection in login");
        let carried = format!("{} {}", item.body_text(), item.labels.join(" "));
        assert!(carried.contains(draft.marker.as_str()), "{carried}");
        assert!(item.labels.contains(&"patchbay".to_owned()) && item.labels.contains(&"security".to_owned()));
        let state = bench.client.fetch(&ticket).await.unwrap().value;
        assert_eq!((state.ticket, state.marker, state.open), (ticket, Some(draft.marker), true));
    });
}

/// SO-3, SO-10: the rest of the ticket, people's labels above all, stays as it is.
#[tokio::test]
async fn changes_what_is_named_and_nothing_else() {
    for_each_tracker!(bench => {
        let (draft, ticket) = bench.created().await;
        bench.fake.label_by_hand(&ticket.key, "by-hand");
        let before = bench.only_item();
        let mut next = draft.clone();
        next.title = "SQL injection in search".to_owned();
        next.labels = vec!["security".to_owned(), "severity: low".to_owned()];
        let change = next.changes_since(&draft.print());
        assert_eq!(change.body, None);
        bench.client.update(&ticket, &change).await.unwrap();
        bench.client.update(&ticket, &change).await.unwrap();
        let after = bench.only_item();
        assert_eq!(after.title, "SQL injection in search");
        assert_eq!((&after.body, &after.status), (&before.body, &before.status));
        for (label, expected) in [("by-hand", true), ("patchbay", true), ("security", true)] {
            assert_eq!(after.labels.contains(&label.to_owned()), expected, "{label} in {:?}", after.labels);
        }
        let severities: Vec<&String> = after.labels.iter().filter(|label| label.starts_with("severity")).collect();
        assert_eq!(severities.len(), 1, "{:?}", after.labels);
        assert!(severities[0].ends_with("low"));
        bench.fake.forget_requests();
        bench.client.update(&ticket, &next.changes_since(&next.print())).await.unwrap();
        assert_eq!(bench.fake.calls(), Vec::<String>::new(), "no change, no call");
    });
}

/// SO-4, SO-6, DD-3: in Jira over the transitions of a workflow that needs two steps and a resolution.
#[tokio::test]
async fn closes_with_the_reason_in_a_comment_and_reopens() {
    for_each_tracker!(bench => {
        let (_, ticket) = bench.created().await;
        let how = Move::new(CloseReason::Completed).saying(comment("Not found any more."));
        bench.client.close(&ticket, &how).await.unwrap();
        bench.client.close(&ticket, &how).await.unwrap();
        let state = bench.client.fetch(&ticket).await.unwrap().value;
        assert!(!state.open, "{}", state.status);
        let comments = bench.only_item().comment_texts();
        assert_eq!(comments.len(), 1, "said once: {comments:?}");
        assert!(comments[0].contains("Not found any more."));
        bench.client.reopen(&ticket, &Move::new(CloseReason::Completed)).await.unwrap();
        assert!(bench.client.fetch(&ticket).await.unwrap().value.open);
    });
}

/// PB-3, S-35: the ticket is found by its marker, also while search does not know it yet.
#[tokio::test]
async fn finds_the_ticket_of_a_create_whose_answer_was_lost() {
    for_each_tracker!(bench => {
        for fault in [
            Fault::lost_answer(),
            Fault::masked_answer(502),
            Fault::truncated_answer(),
            Fault::late_answer(PATIENCE * 2),
        ] {
            let draft = draft(bench.project);
            let old = bench.fake.items().len();
            bench.fake.let_index_lag();
            bench.fake.inject(fault.clone());
            let error = bench.client.create(&draft).await.unwrap_err();
            assert!(matches!(error, ClientError::Uncertain { .. }), "{fault:?}: {error:?}");
            assert_eq!(bench.fake.items().len(), old + 1);
            let found = bench.client.find_by_marker(bench.project, &draft.marker).await.unwrap().value;
            assert_eq!(found.and_then(|state| state.marker), Some(draft.marker), "{fault:?}");
            bench.fake.let_index_catch_up();
        }
        let unknown = Marker::of(TicketId::generate());
        assert_eq!(bench.client.find_by_marker(bench.project, &unknown).await.unwrap().value, None);
        assert_eq!(bench.fake.duplicates(), Vec::<String>::new());
    });
}

/// PB-3: an answer that was lost before anything could happen is uncertain all the same, and the marker tells.
#[tokio::test]
async fn finds_nothing_where_a_create_was_not_executed() {
    for_each_tracker!(bench => {
        for fault in [Fault::reset(), Fault::bad_gateway(), Fault::status(503)] {
            let draft = draft(bench.project);
            bench.fake.inject(fault);
            let error = bench.client.create(&draft).await.unwrap_err();
            assert!(matches!(error, ClientError::Uncertain { .. }), "{error:?}");
            assert_eq!(bench.client.find_by_marker(bench.project, &draft.marker).await.unwrap().value, None);
        }
        assert!(bench.fake.items().is_empty());
    });
}

/// SO-13, PB-3
#[tokio::test]
async fn tells_apart_what_to_do_about_a_failure() {
    for_each_tracker!(bench => {
        let (draft, ticket) = bench.created().await;
        let fetch_with = async |fault: Fault| {
            bench.fake.clear_faults();
            bench.fake.inject(fault);
            bench.client.fetch(&ticket).await.unwrap_err()
        };
        let limited = fetch_with(Fault::rate_limited(7)).await;
        let until = RetryAt::After(Duration::from_secs(7));
        assert!(matches!(&limited, ClientError::RateLimited { until: told, .. } if *told == until), "{limited:?}");
        let garbled = Fault::refused(Response { status: 200, headers: Vec::new(), body: b"[{".to_vec() });
        for fault in [Fault::status(500), Fault::bad_gateway(), Fault::reset(), garbled, Fault::hang(PATIENCE * 2)] {
            let error = fetch_with(fault).await;
            assert!(matches!(error, ClientError::Transient { .. }), "{error:?}");
        }
        let error = fetch_with(Fault::status(401).for_ever()).await;
        assert!(matches!(error, ClientError::PermanentForConnection { status: 401, .. }), "{error:?}");
        let error = fetch_with(Fault::status(403)).await;
        assert!(matches!(error, ClientError::PermanentForTicket { status: 403, .. }), "the account is fine: {error:?}");
        let error = fetch_with(Fault::status(403).for_ever()).await;
        assert!(matches!(error, ClientError::PermanentForConnection { status: 403, .. }), "{error:?}");
        let error = fetch_with(Fault::status(404)).await;
        assert!(matches!(error, ClientError::Gone { certain: false, .. }), "{error:?}");
        let error = fetch_with(Fault::status(422)).await;
        let told = matches!(&error, ClientError::PermanentForTicket { status: 422, message } if message == "injected 422");
        assert!(told, "the tracker's own words: {error:?}");
        bench.fake.clear_faults();
        bench.fake.inject(Fault::status(404));
        let error = bench.client.create(&draft).await.unwrap_err();
        assert!(matches!(error, ClientError::PermanentForTicket { status: 404, .. }), "the project: {error:?}");
    });
}

/// SO-8
#[tokio::test]
async fn says_when_a_ticket_is_gone() {
    for_each_tracker!(bench => {
        let (_, ticket) = bench.created().await;
        bench.fake.delete_by_hand(&ticket.key);
        let error = bench.client.fetch(&ticket).await.unwrap_err();
        assert!(matches!(error, ClientError::Gone { .. }), "{error:?}");
        let listed = bench.client.list(bench.project, None).await.unwrap().value;
        assert!(listed.tickets.is_empty());
    });
}

/// What people do in the tracker is seen, and a fault strikes when and as often as it is told to.
#[tokio::test]
async fn sees_what_people_did() {
    for_each_tracker!(bench => {
        let (_, ticket) = bench.created().await;
        bench.fake.inject(Fault::status(500).after(1).times(2));
        let is_open = async || bench.client.fetch(&ticket).await.map(|state| state.value.open).ok();
        bench.fake.close_by_hand(&ticket.key);
        assert_eq!([is_open().await, is_open().await, is_open().await], [Some(false), None, None]);
        bench.fake.reopen_by_hand(&ticket.key);
        assert_eq!(is_open().await, Some(true));
    });
}

/// Only GitHub proves a deletion; a switched-off issue tracker is no deletion.
#[tokio::test]
async fn github_proves_deletions_and_names_transfers() {
    let bench = github();
    let (_, ticket) = bench.created().await;
    bench.fake.with(|github| {
        github.store().add("acme/new", "open", "moved".into(), json!("text"));
        github.store().by_key("acme/app#1").moved_to = Some(("acme/new".into(), 1));
    });
    let error = bench.client.update(&ticket, &TicketChange { title: Some("x".into()), ..none() }).await.unwrap_err();
    let ClientError::Moved { to: Some(to) } = error else { panic!("{error:?}") };
    assert_eq!(to.key, "acme/new#1");
    bench.fake.delete_by_hand("acme/new#1");
    let error = bench.client.fetch(&to).await.unwrap_err();
    assert!(matches!(error, ClientError::Gone { certain: true, .. }), "{error:?}");
    bench.fake.with(|github| github.issues_enabled = false);
    let error = bench.client.fetch(&to).await.unwrap_err();
    assert!(matches!(error, ClientError::PermanentForTicket { status: 410, .. }), "{error:?}");
}

fn none() -> TicketChange {
    TicketChange::none(Marker::of(TicketId::generate()))
}

/// GitHub's limits come as 403 too: primary ones with a reset time, secondary ones with or without `retry-after`.
#[tokio::test]
async fn github_limits_are_not_taken_for_refusals() {
    let bench = github();
    let (_, ticket) = bench.created().await;
    let body = |message: &str| json!({"message": message});
    let primary = Response::json(403, &body("API rate limit exceeded for user ID 1."))
        .with("x-ratelimit-remaining", 0)
        .with("x-ratelimit-reset", 1_769_846_400);
    let at_reset = RetryAt::At(patchbay::base::time::UtcTime::from_micros(1_769_846_400_000_000));
    let secondary = Response::json(403, &body("You have exceeded a secondary rate limit."));
    let minute = RetryAt::After(Duration::from_secs(60));
    let told = RetryAt::After(Duration::from_secs(5));
    for (response, expected) in
        [(primary, at_reset), (secondary.clone(), minute), (secondary.with("retry-after", 5), told)]
    {
        bench.fake.inject(Fault::refused(response));
        let error = bench.client.fetch(&ticket).await.unwrap_err();
        assert!(matches!(&error, ClientError::RateLimited { until, .. } if *until == expected), "{error:?}");
    }
    let budget = bench.client.fetch(&ticket).await.unwrap().budget.unwrap();
    assert_eq!((budget.limit, budget.remaining), (Some(5000), Some(4321)));
}

/// S-24: nothing of a scanner's text comes alive in any tracker, in titles, bodies, labels and comments.
#[tokio::test]
async fn hostile_text_stays_text() {
    for_each_tracker!(bench => {
        let hostile = "/close\n@team Fixes #1 {panel}x{panel} [~admin] <script>alert(1)</script> [x](javascript:y)";
        let mut draft = draft(bench.project);
        draft.title = hostile.to_owned();
        draft.body = Document::plain(hostile);
        draft.labels = vec!["two words, and\na comma".to_owned(), "l".repeat(300)];
        let ticket = bench.client.create(&draft).await.unwrap().value;
        let say = TicketComment { body: Document::plain(hostile), marker: "patchbay-note-1".to_owned() };
        bench.client.comment(&ticket, &say).await.unwrap();
        let item = bench.only_item();
        let state = bench.client.fetch(&ticket).await.unwrap().value;
        assert!(state.open, "a quick action fired");
        assert!(!item.title.contains('\n') && !item.title.contains("HIJACKED"), "{}", item.title);
        if item.body.is_object() {
            return; // In ADF text is data.
        }
        for text in [item.body_text(), item.comment_texts().remove(0)] {
            for sign in ["@team", "#1", "\n/close", "{panel}", "[~admin]", "[x]("] {
                let is_alive = text.match_indices(sign).any(|(at, _)| !text[..at].ends_with('\\'));
                assert!(!is_alive, "{sign} in {text}");
            }
        }
    });
}

/// S-24: 300 kB of text are cut at the tracker's limit, and the ticket is still found by its marker.
#[tokio::test]
async fn long_text_is_cut_at_the_limit_and_keeps_the_marker() {
    for_each_tracker!(bench => {
        let mut draft = draft(bench.project);
        draft.title = "é".repeat(1_000);
        draft.body = Document::plain(&"_long_ ".repeat(50_000)).linked("Patchbay", "https://patchbay.example/o/1");
        let ticket = bench.client.create(&draft).await.unwrap().value;
        let state = bench.client.fetch(&ticket).await.unwrap().value;
        assert_eq!(state.marker, Some(draft.marker));
        assert!(state.title.chars().count() >= 255 && state.title.ends_with('…'));
        assert!(state.body.contains("https://patchbay.example/o/1"), "the way back is missing");
    });
}

/// Drift is seen by pages of a list, not by a call per ticket.
#[tokio::test]
async fn lists_our_tickets_page_by_page() {
    for_each_tracker!(bench => {
        let (draft, _) = bench.created().await;
        bench.fake.with(|tracker| {
            let ours = tracker.store().items[0].clone();
            for n in 2..=250 {
                let item = tracker.store().add(bench.project, T::WORDS.0, format!("issue {n}"), ours.body.clone());
                item.labels = if n % 50 == 0 { Vec::new() } else { ours.labels.clone() };
            }
        });
        bench.fake.close_by_hand(&bench.fake.items()[10].key());
        let (mut tickets, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = bench.client.list(bench.project, cursor.as_deref()).await.unwrap().value;
            tickets.extend(page.tickets);
            pages += 1;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((tickets.len(), pages), (245, 3));
        assert_eq!(tickets.iter().filter(|state| !state.open).count(), 1);
        assert_eq!(tickets[0].marker.as_ref(), Some(&draft.marker));
    });
}

/// PB-2: the plan is what would be sent, byte for byte, and holds no secret; nothing is sent.
#[tokio::test]
async fn plans_are_the_exact_requests_without_secrets() {
    for_each_tracker!(bench => {
        let draft = draft(bench.project);
        let plan = bench.client.plan_create(&draft).unwrap();
        assert!(bench.fake.requests().is_empty(), "a plan was sent");
        assert!(!format!("{plan:?}").contains(TOKEN));
        let ticket = bench.client.create(&draft).await.unwrap().value;
        let sent = bench.last_request();
        let planned = plan.last().unwrap();
        assert_eq!((&planned.method, planned.body.as_ref()), (&sent.method, Some(&sent.body)));
        assert!(planned.url.ends_with(&sent.path), "{} against {}", planned.url, sent.path);
        for (name, value) in &planned.headers {
            assert_eq!(sent.headers.get(name), Some(value), "{name}");
        }
        let change = TicketChange { title: Some("New".into()), ..TicketChange::none(draft.marker.clone()) };
        let how = Move::new(CloseReason::NotPlanned).saying(comment("Why."));
        for plan in [
            bench.client.plan_update(&ticket, &change),
            bench.client.plan_close(&ticket, &how),
            bench.client.plan_reopen(&ticket, &how),
            bench.client.plan_comment(&ticket, &comment("Why.")),
        ] {
            assert!(!plan.unwrap().is_empty());
        }
        assert_eq!(bench.fake.requests().len(), 1);
    });
}

/// S-35: a comment that is refused for ever does not keep the ticket open.
#[tokio::test]
async fn a_refused_comment_does_not_stop_the_close() {
    for_each_tracker!(bench => {
        let (_, ticket) = bench.created().await;
        let path_end = if ticket.key.contains("platform") { "/notes" } else if ticket.key.contains('#') { "/comments" } else { "/comment" };
        bench.fake.inject(Fault::status(400).on("POST", path_end).for_ever());
        let how = Move::new(CloseReason::NotPlanned).saying(comment("False positive."));
        let closed = bench.client.close(&ticket, &how).await.unwrap();
        assert_eq!(closed.warnings, ["the comment was refused: injected 400"]);
        assert!(!bench.client.fetch(&ticket).await.unwrap().value.open);
    });
}

/// SO-13: what `/test` of a connection shows.
#[tokio::test]
async fn probes_the_account_and_its_projects() {
    for_each_tracker!(bench => {
        let report = bench.client.probe(&[bench.project, "acme/missing"]).await.unwrap().value;
        assert!(report.account.to_lowercase().contains("patchbay"), "{}", report.account);
        let (found, missing) = (&report.projects[0], &report.projects[1]);
        assert_eq!((found.found, found.can_create), (true, Some(true)), "{found:?}");
        // Data Center does not tell beforehand.
        assert_ne!(found.can_transition, Some(false), "{found:?}");
        assert!(!missing.found && !missing.problems.is_empty());
    });
    let bench = github();
    bench.fake.with(|github| github.push_access = false);
    let report = bench.client.probe(&["acme/app"]).await.unwrap().value;
    assert_eq!(report.projects[0].can_edit, Some(false));
    let wrong = client_with(TrackerKind::GitHub, &bench.fake.url(), Credential::Token(Secret::new("wrong".into())));
    let error = wrong.probe(&[]).await.unwrap_err();
    let expected = ClientError::PermanentForConnection { status: 401, message: "Bad credentials".into() };
    assert_eq!(error, expected);
}

/// DD-3: a target status is reached in several steps; a resolution is given where a screen asks for one.
#[tokio::test]
async fn jira_walks_its_workflows() {
    for kind in [TrackerKind::JiraCloud, TrackerKind::JiraDataCenter] {
        walk_workflows(&jira(kind)).await;
    }
}

async fn walk_workflows(bench: &Bench<Jira>) {
    let how = |reason, destination| Move { destination, ..Move::new(reason) };
    let rows = [
        ("SEC", how(CloseReason::Completed, Destination::Discover), "Done", Some("Done")),
        ("SEC", how(CloseReason::NotPlanned, Destination::Discover), "Won't Fix", Some("Won't Do")),
        ("SEC", how(CloseReason::NotPlanned, Destination::Status("done".into())), "Done", Some("Won't Do")),
        ("SEC", how(CloseReason::Completed, Destination::Transition("31".into())), "Won't Fix", Some("Done")),
        ("SIMP", how(CloseReason::Completed, Destination::Discover), "Done", None),
        ("SIMP", how(CloseReason::Completed, Destination::Status("In Progress".into())), "In Progress", None),
    ];
    for (project, how, status, resolution) in rows {
        let ticket = bench.client.create(&draft(project)).await.unwrap().value;
        bench.client.close(&ticket, &how).await.unwrap();
        let item = bench.fake.item(&ticket.key);
        assert_eq!((item.status.as_str(), item.resolution.as_deref()), (status, resolution), "{project} {how:?}");
    }
    let ticket = bench.client.create(&draft("LOCK")).await.unwrap().value;
    bench.client.close(&ticket, &Move::new(CloseReason::Completed)).await.unwrap();
    let error = bench.client.reopen(&ticket, &Move::new(CloseReason::Completed)).await.unwrap_err();
    assert_eq!(error.message(), "no way leads from Done to an open status; the transitions offered are: ");
    let named = Move { resolution: Some("Nonsense".into()), ..Move::new(CloseReason::NotPlanned) };
    let ticket = bench.client.create(&draft("SEC")).await.unwrap().value;
    let error = bench.client.close(&ticket, &named).await.unwrap_err();
    assert_eq!(error.message(), "resolution: Resolution is required.");
}

/// DD-4, DD-12
#[tokio::test]
async fn jira_fields_are_checked_before_they_are_saved_and_sent_with_the_create() {
    for kind in [TrackerKind::JiraCloud, TrackerKind::JiraDataCenter] {
        let bench = jira(kind);
        bench.fake.with(|jira| {
            jira.fields = vec![
                ("customfield_1", "Severity", "option", true),
                ("customfield_2", "CVSS", "number", false),
                ("customfield_3", "Found", "date", false),
            ];
        });
        let check = async |issue_type: &str, fields: Value| {
            let fields = fields.as_object().unwrap().clone();
            let faults = bench.client.check_fields("SEC", issue_type, &fields).await.unwrap().value;
            faults.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect::<Vec<_>>()
        };
        let good = json!({"customfield_1": {"value": "Major"}, "customfield_2": 7.5, "customfield_3": "{{now}}"});
        assert_eq!(check("bug", good.clone()).await, Vec::<String>::new());
        assert_eq!(
            check("Epic", good.clone()).await,
            ["/issue_type is no issue type of SEC: it has Task, Bug, Vulnerability"]
        );
        let bad = json!({"customfield_2": "high", "customfield_3": "today", "customfield_9": 1, "summary": "x"});
        assert_eq!(
            check("Bug", bad).await,
            [
                "/custom_fields/customfield_2 CVSS: expected a number",
                "/custom_fields/customfield_3 Found: expected a date like 2026-01-31",
                "/custom_fields/customfield_9 is no field of this project and issue type",
                "/custom_fields/summary is set by Patchbay itself",
                "/custom_fields/customfield_1 Severity is required in this project and issue type",
            ]
        );
        let wrong = json!({"customfield_1": {"value": "Huge"}});
        assert_eq!(check("Bug", wrong).await, ["/custom_fields/customfield_1 Severity: expected one of Major, Minor"]);
        let mut draft = draft("SEC");
        draft.issue_type = Some("Vulnerability".to_owned());
        draft.priority = Some("High".to_owned());
        draft.components = vec!["api".to_owned()];
        let error = bench.client.create(&draft).await.unwrap_err();
        assert_eq!(error.message(), "customfield_1: Severity is required.");
        draft.custom_fields = good.as_object().unwrap().clone();
        let ticket = bench.client.create(&draft).await.unwrap().value;
        let fields = bench.fake.item(&ticket.key).fields;
        assert_eq!(fields["customfield_2"], json!(7.5));
        assert_eq!((&fields["priority"], &fields["components"]), (&json!({"name": "High"}), &json!([{"name": "api"}])));
    }
}

/// Assignees go in the create call itself, in each tracker's own form.
#[tokio::test]
async fn assigns_in_the_create_call() {
    let bench = github();
    let assigned = TicketDraft { assignee: Some("alice".into()), ..draft("acme/app") };
    bench.client.create(&assigned).await.unwrap();
    assert_eq!(bench.only_item().assignees, ["alice"]);
    let unknown = TicketDraft { assignee: Some("nobody".into()), ..draft("acme/app") };
    let error = bench.client.create(&unknown).await.unwrap_err();
    assert!(matches!(error, ClientError::PermanentForTicket { status: 422, .. }), "{error:?}");
    let bench = gitlab();
    let assigned = TicketDraft { assignee: Some("alice".into()), confidential: true, ..draft(bench.project) };
    assert_eq!(bench.client.plan_create(&assigned).unwrap().len(), 2, "the look-up of the user is shown");
    bench.client.create(&assigned).await.unwrap();
    assert_eq!(
        (bench.only_item().assignees, &bench.only_item().fields["confidential"]),
        (vec!["alice".into()], &json!(true))
    );
    let bench = jira(TrackerKind::JiraCloud);
    let assigned = TicketDraft { assignee: Some("5b10a".into()), ..draft("SEC") };
    bench.client.create(&assigned).await.unwrap();
    assert_eq!(bench.only_item().fields["assignee"], json!({"accountId": "5b10a"}));
}

/// Deleting is possible where the tracker allows it, and said to be impossible elsewhere.
#[tokio::test]
async fn deletes_where_the_tracker_can() {
    for_each_tracker!(bench => {
        let (_, ticket) = bench.created().await;
        match bench.client.delete(&ticket).await {
            Ok(_) => assert!(bench.fake.items().is_empty()),
            Err(error) => assert!(error.message().starts_with("GitHub cannot delete"), "{error:?}"),
        }
    });
}

#[tokio::test]
async fn jira_cloud_takes_an_email_with_a_token() {
    let fake = Fake::start(Jira::new(&[("SEC", STRICT)]));
    let credential = Credential::Basic { user: "bot@example.com".into(), secret: Secret::new(TOKEN.into()) };
    let client = client_with(TrackerKind::JiraCloud, &fake.url(), credential);
    client.create(&draft("SEC")).await.unwrap();
    let body = &fake.requests()[0].body;
    assert_eq!(body.pointer("/fields/description/type"), Some(&json!("doc")));
    assert_eq!(fake.items()[0].body["content"][0]["content"][0]["text"], "Found by @team.");
}

#[tokio::test]
async fn keys_that_are_none_are_refused_without_a_call() {
    let bench = github();
    for key in ["acme/app", "acme#1", "acme/../app#1", "acme/app#x", "a/b/c#1", "#"] {
        let ticket = TicketRef { key: key.into(), url: String::new(), id: None };
        let error = bench.client.fetch(&ticket).await.unwrap_err();
        assert!(matches!(error, ClientError::PermanentForTicket { status: 0, .. }), "{key}: {error:?}");
    }
    assert!(bench.fake.requests().is_empty());
}
