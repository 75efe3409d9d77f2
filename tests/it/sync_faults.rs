//! PB-3: whatever is lost on the way ends with exactly one ticket per subject, in the right state.

use std::time::Duration;

use patchbay::base::severity::Severity;
use patchbay::observations::status::ObservationStatus;
use patchbay::outbox;
use patchbay::trackers::sync::{LEASE, SEARCH_LAG};
use serde_json::json;

use crate::app::TestApp;
use crate::both_databases_with_trackers;
use crate::desk::{Desk, JIRA_CLOUD, TWO};
use crate::fakes::fault::Fault;
use crate::fakes::server::Tracker;

both_databases_with_trackers!(
    a_lost_answer_to_a_create_never_makes_a_second_github_ticket,
    a_lost_answer_to_a_create_never_makes_a_second_gitlab_ticket,
    a_lost_answer_to_a_create_never_makes_a_second_jira_ticket,
    a_create_that_was_never_executed_is_sent_again_after_the_search_lag,
    a_process_that_dies_before_the_create_leaves_it_to_another,
    a_process_that_dies_after_the_create_leaves_one_ticket,
    a_storm_of_server_errors_ends_with_one_ticket_each,
    a_tracker_that_limits_for_minutes_is_left_alone_for_minutes,
    a_tracker_that_is_down_for_hours_gets_everything_when_it_is_back,
    a_refused_account_pauses_the_connection_with_one_notification,
    a_test_that_succeeds_ends_the_pause,
    a_step_that_fails_for_ever_is_reported_alone,
    two_workers_at_once_make_one_ticket_each,
    a_slow_tracker_delays_nobody_else,
    a_change_during_a_run_is_not_lost,
    what_a_hostile_tracker_answers_is_bounded,
);

async fn loses_answers<T: Tracker>(desk: Desk<T>, fault: Fault) {
    desk.tracker.inject(fault);
    desk.scan_and_work(TWO).await;
    desk.work_for(5).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
}

/// PB-3
async fn a_lost_answer_to_a_create_never_makes_a_second_github_ticket(app: TestApp) {
    loses_answers(Desk::github(app).await, Fault::lost_answer().on("POST", "/issues").times(2)).await;
}

/// PB-3
async fn a_lost_answer_to_a_create_never_makes_a_second_gitlab_ticket(app: TestApp) {
    loses_answers(Desk::gitlab(app).await, Fault::masked_answer(504).on("POST", "/issues").times(2)).await;
}

/// PB-3: the index of the tracker lags, too.
async fn a_lost_answer_to_a_create_never_makes_a_second_jira_ticket(app: TestApp) {
    let desk = Desk::jira(app, &JIRA_CLOUD).await;
    desk.tracker.let_index_lag();
    desk.tracker.inject(Fault::truncated_answer().on("POST", "/issue").times(2));
    desk.scan_and_work(TWO).await;
    desk.pass(Duration::from_secs(10));
    desk.work().await;
    desk.tracker.let_index_catch_up();
    desk.work_for(5).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
}

/// PB-3: not finding proves something only after the search lag.
async fn a_create_that_was_never_executed_is_sent_again_after_the_search_lag(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.tracker.inject(Fault::hang(Duration::from_secs(5)).on("POST", "/issues"));
    desk.scan_and_work(&TWO[..1]).await;
    desk.pass(Duration::from_secs(10));
    desk.work().await;
    let creates = |desk: &Desk<_>| desk.tracker.calls().iter().filter(|call| call.starts_with("POST")).count();
    assert_eq!(creates(&desk), 1);
    assert_eq!(desk.explain(&desk.observation("SQL injection").await).await["ticket"]["phase"], "uncertain");
    desk.pass(SEARCH_LAG);
    desk.work().await;
    assert_eq!(creates(&desk), 2);
    desk.expect(&[("SQL injection", true)]).await;
}

/// Takes the due jobs of the desk as a process would that then dies.
async fn die_with_the_jobs<T: Tracker>(desk: &Desk<T>) {
    let now = desk.app.app.clock.now();
    let claimed = desk.app.app.db.write(move |conn| {
        let mut claimed = 0;
        for connection in outbox::repo::ready(conn, now)? {
            claimed += outbox::repo::claim(conn, connection, i64::MAX, LEASE, now)?.len();
        }
        Ok(claimed)
    });
    assert!(claimed.await.unwrap() > 0);
}

/// PB-3: killed before the create.
async fn a_process_that_dies_before_the_create_leaves_it_to_another(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan(TWO).await;
    die_with_the_jobs(&desk).await;
    assert_eq!(desk.work().await, 0, "its lease holds");
    desk.pass(LEASE);
    desk.work().await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
}

/// PB-3: killed during and after the create: the worker is dropped while the tracker works.
async fn a_process_that_dies_after_the_create_leaves_one_ticket(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.tracker.inject(Fault::late_answer(Duration::from_secs(2)).on("POST", "/issues").times(2));
    desk.scan(TWO).await;
    let killed = tokio::time::timeout(Duration::from_millis(1500), desk.work()).await;
    assert!(killed.is_err(), "the worker was still waiting for the answer");
    assert_eq!(desk.tracker.items().len(), 2);
    desk.pass(LEASE);
    desk.work_for(5).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
}

/// PB-3
async fn a_storm_of_server_errors_ends_with_one_ticket_each(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.tracker.inject(Fault::bad_gateway().times(12));
    desk.scan_and_work(TWO).await;
    desk.work_for(60).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
}

/// PB-3: `Retry-After` holds the whole connection.
async fn a_tracker_that_limits_for_minutes_is_left_alone_for_minutes(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.tracker.inject(Fault::rate_limited(300).on("POST", "/issues").times(2));
    desk.scan_and_work(TWO).await;
    let calls = desk.tracker.calls().len();
    for _ in 0..4 {
        desk.pass(Duration::from_secs(60));
        assert_eq!(desk.work().await, 0);
    }
    assert_eq!(desk.tracker.calls().len(), calls);
    desk.work_for(10).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
    assert!(desk.notifications().await.is_empty(), "a limit is nobody's fault");
}

/// PB-3, IN-14
async fn a_tracker_that_is_down_for_hours_gets_everything_when_it_is_back(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    desk.tracker.inject(Fault::reset().for_ever());
    desk.assess(&desk.observation("Weak hash").await, ObservationStatus::FalsePositive).await;
    desk.rate(&desk.observation("SQL injection").await, Severity::Critical).await;
    desk.scan(&[("SQL injection", "High"), ("Weak hash", "Medium"), ("Open redirect", "Low")]).await;
    desk.work_for(150).await;
    let told = desk.notifications().await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["kind"], "tracker_failing");
    let health = desk.tenant.viewer.get(&format!("/tracker-connections/{}/health", desk.connection)).await.expect(200);
    assert!(health["jobs_queued"].as_i64().unwrap() >= 3);
    assert!(health["last_error"].is_string());
    desk.tracker.clear_faults();
    desk.work_for(30).await;
    desk.expect(&[("SQL injection", true), ("Weak hash", false), ("Open redirect", true)]).await;
    assert!(desk.item("SQL injection").body_text().contains("critical"));
    assert!(desk.notifications().await.is_empty());
}

/// PB-3, IN-14: no hammering.
async fn a_refused_account_pauses_the_connection_with_one_notification(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.tracker.inject(Fault::status(401).for_ever());
    desk.scan_and_work(TWO).await;
    desk.work_for(60).await;
    assert!(desk.tracker.calls().len() <= 2, "{:?}", desk.tracker.calls());
    let told = desk.notifications().await;
    assert_eq!((told.len(), told[0]["kind"].as_str()), (1, Some("connection_paused")), "{told:#?}");
    let explained = desk.explain(&desk.observation("SQL injection").await).await;
    assert_eq!(explained["switches_off"], json!(["connection_paused"]));
    desk.tracker.clear_faults();
    let connection = format!("/tracker-connections/{}", desk.connection);
    desk.tenant.admin.patch(&connection, json!({ "credential": crate::fakes::TOKEN })).await.expect(200);
    desk.work().await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
    assert!(desk.notifications().await.is_empty());
}

/// DD-1, IN-14
async fn a_test_that_succeeds_ends_the_pause(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.tracker.inject(Fault::status(401).for_ever());
    desk.scan_and_work(TWO).await;
    let test = format!("/tracker-connections/{}/test", desk.connection);
    let failed = desk.tenant.admin.post(&test, json!({})).await.expect(200);
    assert_eq!(failed["works"], false);
    assert!(failed.text("error").contains("injected 401"));
    desk.tracker.clear_faults();
    let tested = desk.tenant.admin.post(&test, json!({})).await.expect(200);
    assert_eq!(
        (tested["works"].as_bool(), tested["report"]["projects"][0]["found"].as_bool()),
        (Some(true), Some(true))
    );
    desk.work().await;
    desk.expect(&[("SQL injection", true), ("Weak hash", true)]).await;
}

/// S-35: the ticket is there, and what follows fails for ever.
async fn a_step_that_fails_for_ever_is_reported_alone(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.scan_and_work(TWO).await;
    for status in [400, 500] {
        let end = format!("/issues/{}", desk.item("SQL injection").number);
        desk.tracker.inject(Fault::status(status).on("PATCH", &end).for_ever());
        let severity = if status == 400 { Severity::Critical } else { Severity::Low };
        desk.rate(&desk.observation("SQL injection").await, severity).await;
        desk.work_for(60).await;
        for _ in 0..3 {
            desk.scan_and_work(TWO).await;
        }
        desk.work_for(45).await;
        assert_eq!(desk.tracker.items().len(), 2);
        assert_eq!(desk.jobs().await.len(), 1);
        assert_eq!(desk.notifications().await.len(), 1);
        desk.tracker.clear_faults();
        let job = desk.jobs().await[0]["id"].as_str().unwrap().to_owned();
        desk.tenant.editor.post(&format!("/sync-jobs/{job}/retry"), json!({})).await.expect(202);
        desk.work().await;
        assert!(desk.item("SQL injection").body_text().contains(severity.as_str()));
        assert!(desk.notifications().await.is_empty());
    }
}

/// PB-3, PB-7
async fn two_workers_at_once_make_one_ticket_each(app: TestApp) {
    let desk = Desk::gitlab(app).await;
    let titles = ["Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta"];
    let findings: Vec<_> = titles.iter().map(|title| (*title, "High")).collect();
    desk.scan(&findings).await;
    tokio::join!(desk.work(), desk.work(), desk.work());
    let open: Vec<_> = titles.iter().map(|title| (*title, true)).collect();
    desk.expect(&open).await;
}

/// PB-3: each connection has its own lane.
async fn a_slow_tracker_delays_nobody_else(app: TestApp) {
    let desk = Desk::github(app).await;
    let second = desk.second_product().await;
    desk.tracker.inject(Fault::hang(Duration::from_secs(60)).for_ever());
    let worker = tokio::spawn(patchbay::worker::run::run(desk.app.app.clone()));
    desk.scan(TWO).await;
    second.scan(&desk).await;
    let started = std::time::Instant::now();
    while second.tracker.items().len() < 2 {
        assert!(started.elapsed() < Duration::from_secs(30), "the other tracker was delayed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(desk.tracker.items().len(), 0);
    desk.app.app.stop.begin();
    worker.await.unwrap();
}

/// PB-3: a job ends only at the revision that it was claimed at.
async fn a_change_during_a_run_is_not_lost(app: TestApp) {
    let desk = Desk::github(app).await;
    desk.tracker.inject(Fault::late_answer(Duration::from_secs(1)).on("POST", "/issues"));
    desk.scan(&TWO[..1]).await;
    let observation = desk.observation("SQL injection").await;
    tokio::join!(desk.work(), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        desk.assess(&observation, ObservationStatus::FalsePositive).await;
    });
    desk.work_for(5).await;
    desk.expect(&[("SQL injection", false)]).await;
}

/// S-18
async fn what_a_hostile_tracker_answers_is_bounded(app: TestApp) {
    let desk = Desk::github(app).await;
    let huge = crate::fakes::http::Response { status: 201, headers: Vec::new(), body: vec![b' '; 11 * 1024 * 1024] };
    let garbage = crate::fakes::http::Response { status: 201, headers: Vec::new(), body: b"{\"number\":".to_vec() };
    desk.tracker.inject(Fault::refused(huge).on("POST", "/issues"));
    desk.tracker.inject(Fault::refused(garbage).on("POST", "/issues"));
    desk.tracker.inject(Fault::hang(Duration::from_secs(60)).on("GET", "/issues"));
    let started = std::time::Instant::now();
    desk.scan_and_work(&TWO[..1]).await;
    desk.work_for(8).await;
    assert!(started.elapsed() < Duration::from_secs(40));
    desk.expect(&[("SQL injection", true)]).await;
}
