//! The outbox under concurrency: nothing is lost, nothing runs twice, budgets hold. On both databases.

use std::time::Duration;

use patchbay::base::ids::{ConnectionId, LeaseToken, OrganizationId, ProductId, SubjectId};
use patchbay::base::time::UtcTime;
use patchbay::outbox::model::{Change, JobReason, JobState, Settled, SubjectKind, SyncJob};
use patchbay::outbox::repo::{self, ReadyConnection};
use serde_json::json;

use crate::app::TestApp;
use crate::both_databases;

both_databases!(
    changes_coalesce_and_never_shorten_a_wait,
    a_job_ends_only_at_the_revision_it_was_claimed_at,
    a_lease_that_ran_out_settles_nothing,
    two_claims_at_once_never_take_the_same_job,
    the_budget_of_calls_and_of_jobs_at_a_time_holds,
    a_parked_job_gets_another_chance_with_the_next_change,
    a_release_reaches_jobs_that_run,
    many_changes_are_written_at_once,
);

const LEASE: Duration = Duration::from_secs(300);

struct Box<'a> {
    app: &'a TestApp,
    organization: OrganizationId,
    connection: ConnectionId,
    product: ProductId,
}

impl<'a> Box<'a> {
    /// With a connection that takes `calls` calls a minute.
    async fn open(app: &'a TestApp, calls: u32) -> Self {
        let tenant = app.tenant("acme").await;
        let connection = json!({
            "label": "tracker", "kind": "gitlab", "base_url": "https://gitlab.example.com", "credential": "secret",
            "calls_per_minute": calls,
        });
        let connection = tenant.admin.post("/tracker-connections", connection).await.expect(201).id();
        let product = tenant.admin.product("shop").await;
        Self {
            app,
            organization: tenant.id,
            connection: connection.parse().unwrap(),
            product: product.parse().unwrap(),
        }
    }

    fn now(&self) -> UtcTime {
        self.app.app.clock.now()
    }

    async fn record(&self, subjects: &[SubjectId], reason: JobReason) {
        let (organization, product, connection, now) = (self.organization, self.product, self.connection, self.now());
        let kind = SubjectKind::Observation;
        let changes: Vec<_> = subjects.iter().map(|subject| Change { connection, kind, subject: *subject }).collect();
        let recorded =
            self.app.app.db.write(move |conn| Ok(repo::record(conn, organization, product, &changes, reason, now)?));
        recorded.await.unwrap();
    }

    async fn claim(&self, most: i64) -> Vec<SyncJob> {
        let of = ReadyConnection { organization_id: self.organization, connection_id: self.connection };
        let now = self.now();
        self.app.app.db.write(move |conn| Ok(repo::claim(conn, of, most, LEASE, now)?)).await.unwrap()
    }

    async fn job(&self, subject: SubjectId) -> Option<SyncJob> {
        let (organization, connection) = (self.organization, self.connection);
        let kind = SubjectKind::Observation;
        let found = self.app.app.db.read(move |conn| repo::of_subject(conn, organization, connection, kind, subject));
        found.await.unwrap()
    }

    async fn finish(&self, job: &SyncJob) -> Settled {
        let (lease, now) = (job.lease().unwrap(), self.now());
        self.app.app.db.write(move |conn| Ok(repo::finish(conn, &lease, now)?)).await.unwrap()
    }
}

/// PB-3
async fn changes_coalesce_and_never_shorten_a_wait(app: TestApp) {
    let outbox = Box::open(&app, 600).await;
    let subject = SubjectId::generate();
    outbox.record(&[subject, subject], JobReason::Verify).await;
    outbox.record(&[subject], JobReason::Change).await;
    let job = outbox.job(subject).await.unwrap();
    assert_eq!((job.revision, job.reason, job.state), (2, JobReason::Change, JobState::Queued));
    let claimed = outbox.claim(9).await.remove(0);
    let (lease, later) = (claimed.lease().unwrap(), outbox.now().plus(Duration::from_secs(900)));
    let retried = app.app.db.write(move |conn| Ok(repo::retry_at(conn, &lease, later, 1, "502")?));
    assert_eq!(retried.await.unwrap(), Settled::Requeued);
    outbox.record(&[subject], JobReason::Push).await;
    let job = outbox.job(subject).await.unwrap();
    assert_eq!((job.due_at, job.revision, job.reason, job.attempts), (later, 3, JobReason::Push, 1));
    assert!(outbox.claim(9).await.is_empty());
}

/// PB-3
async fn a_job_ends_only_at_the_revision_it_was_claimed_at(app: TestApp) {
    let outbox = Box::open(&app, 600).await;
    let subject = SubjectId::generate();
    outbox.record(&[subject], JobReason::Change).await;
    let first = outbox.claim(1).await.remove(0);
    outbox.record(&[subject], JobReason::Change).await;
    assert_eq!(outbox.job(subject).await.unwrap().state, JobState::Leased, "a change does not take the lease");
    assert_eq!(outbox.finish(&first).await, Settled::Requeued);
    let second = outbox.claim(1).await.remove(0);
    assert_eq!((second.revision, second.attempts), (2, 1));
    assert_eq!(outbox.finish(&second).await, Settled::Done);
    assert_eq!(outbox.job(subject).await, None);
}

/// PB-3: a worker that was taken for dead and comes back changes nothing.
async fn a_lease_that_ran_out_settles_nothing(app: TestApp) {
    let outbox = Box::open(&app, 600).await;
    let subject = SubjectId::generate();
    outbox.record(&[subject], JobReason::Change).await;
    let dead = outbox.claim(1).await.remove(0);
    assert!(outbox.claim(1).await.is_empty());
    app.app.clock.advance(LEASE);
    let alive = outbox.claim(1).await.remove(0);
    assert_eq!(alive.attempts, 2);
    assert_eq!(outbox.finish(&dead).await, Settled::Lost);
    let lease = patchbay::outbox::model::Lease { token: LeaseToken::generate(), ..alive.lease().unwrap() };
    let now = outbox.now();
    let parked = app.app.db.write(move |conn| Ok(repo::park(conn, &lease, "no", now)?));
    assert_eq!(parked.await.unwrap(), Settled::Lost);
    assert_eq!(outbox.finish(&alive).await, Settled::Done);
}

/// PB-3, PB-7
async fn two_claims_at_once_never_take_the_same_job(app: TestApp) {
    let outbox = Box::open(&app, 6_000).await;
    let subjects: Vec<_> = (0..40).map(|_| SubjectId::generate()).collect();
    outbox.record(&subjects, JobReason::Change).await;
    let mut taken = Vec::new();
    for _ in 0..20 {
        let (a, b, c) = tokio::join!(outbox.claim(2), outbox.claim(2), outbox.claim(2));
        for job in a.into_iter().chain(b).chain(c) {
            assert_eq!(outbox.finish(&job).await, Settled::Done);
            taken.push(job.subject_id);
        }
        app.app.clock.advance(Duration::from_secs(10));
    }
    taken.sort_unstable();
    let mut expected = subjects;
    expected.sort_unstable();
    assert_eq!(taken, expected);
}

/// PB-3: the numbers are one row, whoever claims.
async fn the_budget_of_calls_and_of_jobs_at_a_time_holds(app: TestApp) {
    let outbox = Box::open(&app, 3).await;
    let subjects: Vec<_> = (0..20).map(|_| SubjectId::generate()).collect();
    outbox.record(&subjects, JobReason::Change).await;
    assert_eq!(outbox.claim(99).await.len(), 3, "three calls at once");
    assert_eq!(outbox.claim(99).await.len(), 0);
    app.app.clock.advance(Duration::from_secs(20));
    assert_eq!(outbox.claim(99).await.len(), 1, "and one every twenty seconds");
    app.app.clock.advance(Duration::from_secs(60));
    assert_eq!(outbox.claim(99).await.len(), 0, "four jobs at a time");
    app.app.clock.advance(LEASE);
    let (organization, connection, until) =
        (outbox.organization, outbox.connection, outbox.now().plus(Duration::from_secs(600)));
    let closed = app.app.db.write(move |conn| Ok(repo::close_until(conn, organization, connection, until)?));
    closed.await.unwrap();
    assert_eq!(outbox.claim(99).await.len(), 0);
    app.app.clock.advance(Duration::from_secs(600));
    assert_eq!(outbox.claim(99).await.len(), 1, "it opens slowly");
}

/// SO-13
async fn a_parked_job_gets_another_chance_with_the_next_change(app: TestApp) {
    let outbox = Box::open(&app, 600).await;
    let subject = SubjectId::generate();
    outbox.record(&[subject], JobReason::Change).await;
    let (lease, now) = (outbox.claim(1).await[0].lease().unwrap(), outbox.now());
    app.app.db.write(move |conn| Ok(repo::park(conn, &lease, "422", now)?)).await.unwrap();
    let parked = outbox.job(subject).await.unwrap();
    assert_eq!((parked.state, parked.last_error.as_deref()), (JobState::Parked, Some("422")));
    assert!(outbox.claim(9).await.is_empty());
    outbox.record(&[subject], JobReason::Change).await;
    let again = outbox.claim(9).await;
    assert_eq!((again.len(), again[0].attempts), (1, 1));
}

/// SO-9: a switch that is turned on during a run does not leave its job held.
async fn a_release_reaches_jobs_that_run(app: TestApp) {
    let outbox = Box::open(&app, 600).await;
    let subject = SubjectId::generate();
    outbox.record(&[subject], JobReason::Change).await;
    let (lease, now) = (outbox.claim(1).await[0].lease().unwrap(), outbox.now());
    let (organization, connection, product) = (outbox.organization, outbox.connection, outbox.product);
    let held = app.app.db.write(move |conn| {
        repo::release(conn, organization, connection, Some(product), now)?;
        Ok(repo::hold(conn, &lease, now)?)
    });
    assert_eq!(held.await.unwrap(), Settled::Requeued);
    let (lease, now) = (outbox.claim(1).await[0].lease().unwrap(), outbox.now());
    app.app.db.write(move |conn| Ok(repo::hold(conn, &lease, now)?)).await.unwrap();
    assert_eq!(outbox.job(subject).await.unwrap().state, JobState::Held);
    outbox.record(&[subject], JobReason::Change).await;
    assert!(outbox.claim(9).await.is_empty(), "a change does not free what a switch holds");
    outbox.record(&[subject], JobReason::Push).await;
    assert_eq!(outbox.claim(9).await.len(), 1, "a push by hand does");
}

/// SO-12: fifty thousand changes are a small part of their import.
async fn many_changes_are_written_at_once(app: TestApp) {
    let outbox = Box::open(&app, 600).await;
    let subjects: Vec<_> = (0..50_000).map(|_| SubjectId::generate()).collect();
    let started = std::time::Instant::now();
    outbox.record(&subjects, JobReason::Change).await;
    let first = started.elapsed();
    outbox.record(&subjects, JobReason::Change).await;
    let both = started.elapsed();
    // Generous: a debug build on a busy machine.
    assert!(both < Duration::from_secs(180), "{first:?}, both {both:?}");
    let backlog = app.app.db.read(repo::backlog).await.unwrap();
    assert_eq!((backlog.len(), backlog[0].queued), (1, 50_000));
}
