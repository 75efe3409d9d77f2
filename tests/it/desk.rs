//! A product with a tracker behind it: for tests of everything between a posted report and a ticket.

use std::time::Duration;

use diesel::prelude::*;
use patchbay::access::model::Caller;
use patchbay::access::permission::{Permissions, Role};
use patchbay::assessments;
use patchbay::assessments::model::Decision;
use patchbay::base::actor::Actor;
use patchbay::base::ids::ObservationId;
use patchbay::base::patch::Patch;
use patchbay::base::scope::ProductScope;
use patchbay::base::severity::Severity;
use patchbay::base::version::IfMatch;
use patchbay::db::schema::{observations, vulnerabilities};
use patchbay::observations::status::ObservationStatus;
use patchbay::worker::run::run_until_idle;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::builders::Tenant;
use crate::fakes::TOKEN;
use crate::fakes::github::GitHub;
use crate::fakes::gitlab::GitLab;
use crate::fakes::jira::{Jira, SIMPLE};
use crate::fakes::server::{Fake, Tracker};
use crate::fakes::store::Item;

/// Trackers on this machine may be called, and hanging ones are given up soon.
pub const SETTINGS: &[(&str, &str)] = &[("private_hosts", "127.0.0.1"), ("tracker_timeout_seconds", "3")];

/// Runs each test, given a [`TestApp`] that may call fakes, on both databases.
#[macro_export]
macro_rules! both_databases_with_trackers {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::app::TestApp::sqlite_with($crate::desk::SETTINGS).await).await;
                }
            )+
        }

        mod postgresql {
            $(
                #[tokio::test]
                async fn $test() {
                    if let Some(app) = $crate::app::TestApp::postgresql_with($crate::desk::SETTINGS).await {
                        super::$test(app).await;
                    }
                }
            )+
        }
    };
}

/// A finding of a report: its title and the word of its severity.
pub type Finding = (&'static str, &'static str);

/// Two findings that most tests start from.
pub const TWO: &[Finding] = &[("SQL injection", "High"), ("Weak hash", "Medium")];

/// A product with a config.
pub struct Shop {
    pub app: TestApp,
    pub tenant: Tenant,
    pub product: String,
    pub connection: String,
}

/// A shop and the fake behind it.
pub struct Desk<T: Tracker> {
    pub shop: Shop,
    pub tracker: Fake<T>,
}

impl<T: Tracker> std::ops::Deref for Desk<T> {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
}

/// How a fake is configured.
pub struct Terms {
    kind: &'static str,
    project: &'static str,
    username: Option<&'static str>,
    issue_type: Option<&'static str>,
}

/// What to give a connection to each fake.
pub const GITHUB: Terms = Terms { kind: "github", project: "acme/app", username: None, issue_type: None };
pub const GITLAB: Terms = Terms { kind: "gitlab", project: "acme/app", username: None, issue_type: None };
pub const JIRA_CLOUD: Terms =
    Terms { kind: "jira_cloud", project: "SEC", username: Some("bot@example.com"), issue_type: Some("Bug") };
pub const JIRA_DATA_CENTER: Terms =
    Terms { kind: "jira_data_center", project: "SEC", username: None, issue_type: Some("Bug") };

impl Desk<GitHub> {
    /// With GitHub.
    pub async fn github(app: TestApp) -> Self {
        Self::with(app, GitHub::new(&["acme/app"]), &GITHUB, json!({})).await
    }

    /// With GitHub and other settings of the config.
    pub async fn github_with(app: TestApp, settings: Value) -> Self {
        Self::with(app, GitHub::new(&["acme/app"]), &GITHUB, settings).await
    }
}

impl Desk<GitLab> {
    /// With GitLab.
    pub async fn gitlab(app: TestApp) -> Self {
        Self::with(app, GitLab::new(&["acme/app"]), &GITLAB, json!({})).await
    }
}

impl Desk<Jira> {
    /// With Jira in one of its editions.
    pub async fn jira(app: TestApp, terms: &Terms) -> Self {
        Self::with(app, Jira::new(&[("SEC", SIMPLE)]), terms, json!({})).await
    }
}

impl<T: Tracker> Desk<T> {
    async fn with(app: TestApp, tracker: T, terms: &Terms, settings: Value) -> Self {
        let tracker = Fake::start(tracker);
        let shop = Shop::open(app, &tracker.url(), TOKEN, terms, settings).await;
        Self { shop, tracker }
    }
}

impl Shop {
    /// A product with a config for the tracker at `url`.
    pub async fn open(app: TestApp, url: &str, credential: &str, terms: &Terms, settings: Value) -> Self {
        let tenant = app.tenant("acme").await;
        let product = tenant.admin.product("shop").await;
        let connection = json!({
            "label": "tracker", "kind": terms.kind, "base_url": url, "credential": credential,
            "username": terms.username,
        });
        let mut config =
            json!({ "connection": connection, "project_key": terms.project, "issue_type": terms.issue_type });
        config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let put = tenant.admin.put(&format!("/products/{product}/tracker-config"), config).await.expect(201);
        let connection = put.text("connection_id");
        Self { app, tenant, product, connection }
    }

    /// Posts a report without a branch.
    pub async fn scan(&self, findings: &[Finding]) -> Answer {
        self.scan_on("", findings).await
    }

    /// Posts a report of a branch.
    pub async fn scan_on(&self, branch: &str, findings: &[Finding]) -> Answer {
        // Each report is newer than the one before.
        self.pass(Duration::from_secs(60));
        let finding = |(at, (title, severity)): (usize, &Finding)| {
            json!({ "title": title, "severity": severity, "description": format!("About {title}."),
                "file_path": format!("src/{}.rs", title.replace(' ', "_")), "line": at + 1 })
        };
        let findings: Vec<Value> = findings.iter().enumerate().map(finding).collect();
        let report = json!({ "name": "scanner", "type": "scanner", "findings": findings }).to_string();
        let branch = if branch.is_empty() { String::new() } else { format!("&branch={branch}") };
        let path = format!("/scans?product={}{branch}&tool=scanner&format=generic_json", self.product);
        let request = self.tenant.editor.request(reqwest::Method::POST, &path).body("application/json", report);
        let answer = request.send().await.expect(201);
        // An import takes its time, and its jobs are due when it is done.
        self.pass(Duration::from_secs(60));
        answer
    }

    /// Lets a worker do all that is due.
    pub async fn work(&self) -> usize {
        run_until_idle(&self.app.app).await.unwrap()
    }

    /// Posts a report and lets a worker do all that follows.
    pub async fn scan_and_work(&self, findings: &[Finding]) {
        self.scan(findings).await;
        self.work().await;
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.app.app.clock.advance(time);
    }

    /// Lets a worker do all that is due, again and again while time passes, as a running server would.
    pub async fn work_for(&self, minutes: u32) {
        for _ in 0..minutes {
            self.work().await;
            self.pass(Duration::from_secs(60));
        }
        self.work().await;
    }

    /// Changes the config.
    pub async fn configure(&self, change: Value) -> Answer {
        self.tenant.editor.patch(&format!("/products/{}/tracker-config", self.product), change).await.expect(200)
    }

    /// The observation with this title on the branch that was scanned first.
    pub async fn observation(&self, title: &str) -> String {
        self.observations(title).await.remove(0)
    }

    /// All observations with this title, the oldest first.
    pub async fn observations(&self, title: &str) -> Vec<String> {
        let title = title.to_owned();
        let ids: Vec<ObservationId> = self
            .app
            .app
            .db
            .read(move |conn| {
                observations::table
                    .inner_join(vulnerabilities::table.on(vulnerabilities::id.eq(observations::vulnerability_id)))
                    .filter(vulnerabilities::title.eq(title))
                    .order(observations::id)
                    .select(observations::id)
                    .load(conn)
            })
            .await
            .unwrap();
        ids.into_iter().map(|id| id.to_string()).collect()
    }

    /// A person assesses an observation, and a worker does what follows.
    pub async fn assess(&self, observation: &str, status: ObservationStatus) {
        self.decide(observation, Decision { assessed_status: Patch::Set(Some(status)), ..Decision::default() }).await;
    }

    /// A person gives an observation another severity, and a worker does what follows.
    pub async fn rate(&self, observation: &str, severity: Severity) {
        self.decide(observation, Decision { assessed_severity: Patch::Set(Some(severity)), ..Decision::default() })
            .await;
    }

    async fn decide(&self, observation: &str, decision: Decision) {
        let (caller, id, now) = (self.editor(), observation.parse().unwrap(), self.app.app.clock.now());
        let decided = self
            .app
            .app
            .db
            .write(move |conn| assessments::service::assess_one(conn, &caller, id, &decision, &IfMatch::Any, now));
        decided.await.unwrap();
        self.work().await;
    }

    /// A person deletes an observation, and a worker does what follows.
    pub async fn delete_observation(&self, observation: &str) {
        let (caller, id, now) = (self.editor(), observation.parse().unwrap(), self.app.app.clock.now());
        let deleted =
            self.app.app.db.write(move |conn| assessments::deletion::delete(conn, &caller, id, &IfMatch::Any, now));
        deleted.await.unwrap();
        self.work().await;
    }

    fn editor(&self) -> Caller {
        Caller {
            organization: self.tenant.id,
            actor: Actor::User(self.tenant.editor.id),
            permissions: Permissions::of_role(Role::Editor),
            products: ProductScope::all(),
            branch: None,
        }
    }

    /// The ticket of an observation and its reasons.
    pub async fn explain(&self, observation: &str) -> Answer {
        self.tenant.viewer.get(&format!("/observations/{observation}/ticket")).await.expect(200)
    }

    /// The jobs that are left.
    pub async fn jobs(&self) -> Vec<Value> {
        self.tenant.viewer.get_all("/sync-jobs").await
    }

    /// The open notifications.
    pub async fn notifications(&self) -> Vec<Value> {
        self.tenant.viewer.get_all("/notifications?open=true").await
    }
}

impl<T: Tracker> Desk<T> {
    /// The items of the tracker with this in their title.
    pub fn items(&self, title: &str) -> Vec<Item> {
        self.tracker.items().into_iter().filter(|item| item.title.contains(title)).collect()
    }

    /// The one item of the tracker with this in its title.
    pub fn item(&self, title: &str) -> Item {
        let mut items = self.items(title);
        assert_eq!(items.len(), 1, "{title}: {items:#?}");
        items.remove(0)
    }

    /// Whether the one item with this in its title is open.
    pub fn is_open(&self, title: &str) -> bool {
        self.item(title).status == T::WORDS.0
    }

    /// Everything is as it should be: one item per title, open or closed as said, and nothing left to do.
    pub async fn expect(&self, items: &[(&str, bool)]) {
        assert_eq!(self.tracker.duplicates(), Vec::<String>::new());
        let there: Vec<(String, bool)> =
            self.tracker.items().into_iter().map(|item| (item.title, item.status == T::WORDS.0)).collect();
        assert_eq!(there.len(), items.len(), "{there:?}, expected {items:?}; {:#?}", self.jobs().await);
        for (title, open) in items {
            assert_eq!(self.is_open(title), *open, "{title} in {there:?}");
        }
        assert_eq!(self.jobs().await, Vec::<Value>::new());
    }
}

/// Another product of the same organization, with a tracker of its own.
pub struct Second {
    pub tracker: Fake<GitLab>,
    product: String,
}

impl Second {
    /// Posts a report of two findings.
    pub async fn scan<T: Tracker>(&self, desk: &Desk<T>) {
        let report = json!({ "name": "scanner", "findings": [
            { "title": "First", "severity": "High", "description": "d" },
            { "title": "Second", "severity": "High", "description": "d" },
        ] });
        let path = format!("/scans?product={}&tool=scanner&format=generic_json", self.product);
        let request = desk.tenant.editor.request(reqwest::Method::POST, &path);
        request.body("application/json", report.to_string()).send().await.expect(201);
        desk.pass(Duration::from_secs(60));
    }
}

impl<T: Tracker> Desk<T> {
    /// Another product with another tracker.
    pub async fn second_product(&self) -> Second {
        let tracker = Fake::start(GitLab::new(&["acme/app"]));
        let product = self.tenant.admin.product("second").await;
        let connection = json!({ "label": "second", "kind": "gitlab", "base_url": tracker.url(), "credential": TOKEN });
        let config = json!({ "connection": connection, "project_key": "acme/app" });
        self.tenant.admin.put(&format!("/products/{product}/tracker-config"), config).await.expect(201);
        Second { tracker, product }
    }
}
