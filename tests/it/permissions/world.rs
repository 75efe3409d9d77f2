//! An organization with a restricted product that holds one of everything, and what a request needs to name it.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbay::access::model::User;
use patchbay::access::permission::Role;
use patchbay::access::repo;
use serde_json::{Value, json};

use crate::app::{Client, TestApp};
use crate::builders::{Person, Tenant};
use crate::desk::{Desk, TWO};
use crate::fakes::fault::Fault;
use crate::fakes::github::GitHub;
use crate::hooks::{Hook, github_state};

/// A word in every text of the restricted product.
pub const SECRET: &str = "zanzibar";

/// What everybody of the organization sees, and who is there beside the team.
pub struct Start {
    pub desk: Desk<GitHub>,
    pub others: Tenant,
    pub superuser: Person,
    pub outside_viewer: Person,
    pub outside_editor: Person,
    hook: Hook,
    insiders: String,
    /// Ids by the word for what they name.
    shared: BTreeMap<&'static str, String>,
}

impl Start {
    /// The restricted product is not there yet.
    pub async fn new(app: TestApp) -> Self {
        let desk = Desk::github(app).await;
        let (tenant, app) = (&desk.tenant, &desk.app);
        let others = app.tenant("globex").await;
        let superuser = app.person(others.id, "globex", Role::Viewer).await;
        promote(app, &superuser).await;
        let outside_viewer = app.person(tenant.id, "acme", Role::Viewer).await;
        let outside_editor = app.person(tenant.id, "acme", Role::Editor).await;
        let leaver = app.person(tenant.id, "acme", Role::Viewer).await;
        let (insiders, spare) = (tenant.admin.team("insiders").await, tenant.admin.team("spare").await);
        for person in [&tenant.viewer, &tenant.editor] {
            tenant.admin.put(&format!("/teams/{insiders}/members/{}", person.id), json!({})).await.expect(204);
        }
        let token = json!({ "name": "spare", "scopes": ["read"] });
        let token = tenant.admin.post("/api-tokens", token).await.expect(201).id();
        let invitation = json!({ "email": "invited@example.com", "role": "viewer" });
        let invitation = tenant.admin.post("/invitations", invitation).await.expect(201).id();
        desk.scan_and_work(TWO).await;
        let open = desk.observation("SQL injection").await;
        tenant.admin.issue_of(&[&open]).await;
        let hook = Hook::new(&tenant.admin, &desk.connection).await;
        let secret = hook.path.rsplit('/').next().unwrap().to_owned();
        let shared = [
            ("organization", "acme".to_owned()),
            ("team", spare),
            ("user", leaver.id.to_string()),
            ("token", token),
            ("invitation", invitation),
            ("connection", desk.connection.clone()),
            ("sender", "github".to_owned()),
            ("secret", secret),
        ];
        let shared = BTreeMap::from(shared);
        Self { desk, others, superuser, outside_viewer, outside_editor, hook, insiders, shared }
    }

    /// A moment from now, and until it has passed.
    pub fn soon(&self) -> String {
        self.desk.app.app.clock.now().plus(Duration::from_secs(1)).to_string()
    }

    pub fn let_it_expire(&self) {
        self.desk.pass(Duration::from_secs(2));
    }

    /// Somebody of the organization who logged out.
    pub async fn person_who_left(&self) -> Client {
        let person = self.desk.app.person(self.desk.tenant.id, "acme", Role::Admin).await;
        person.post("/api/v1/auth/logout", json!({})).await.expect(204);
        person.client
    }

    /// Makes the restricted product with one of everything.
    pub async fn fill(self) -> World {
        let (admin, editor) = (&self.desk.tenant.admin, &self.desk.tenant.editor);
        let more = json!({ "is_restricted": true, "team_ids": [self.insiders], "description": SECRET });
        let product = admin.product_with("zanzibar shop", more).await;
        let config = json!({ "connection_id": self.desk.connection, "project_key": "acme/app" });
        admin.put(&format!("/products/{product}/tracker-config"), config).await.expect(201);
        let rule = json!({ "name": SECRET, "provider": "github", "repository_id": "7", "branches": [SECRET] });
        let rule = admin.post(&format!("/products/{product}/trust-rules"), rule).await.expect(201).id();
        let mut hidden = BTreeMap::from([
            ("branch", editor.branch(&product, "zanzibar-branch").await),
            ("engagement", editor.engagement(&product, "zanzibar engagement").await),
            ("rule", rule),
        ]);
        let upload = self.scan(&product, &["injection", "overflow"]).await;
        hidden.insert("upload", upload.0);
        hidden.insert("scan", upload.1);
        self.desk.work().await;
        self.hear_of("zanzibar injection").await;
        self.desk.tracker.inject(Fault::status(422).on("POST", "/issues").for_ever());
        self.scan(&product, &["injection", "overflow", "traversal"]).await;
        self.desk.work().await;
        self.desk.tracker.clear_faults();
        hidden.extend(self.found(&product).await);
        for (key, path) in [
            ("engagement_number", "/api/v2/engagements?name=zanzibar%20engagement"),
            ("product_number", "/api/v2/products?name=zanzibar%20shop"),
        ] {
            let found = editor.get(path).await.expect(200);
            hidden.insert(key, found["results"][0]["id"].to_string());
        }
        hidden.insert("product", product);
        let unknown = |(key, id): (&&'static str, &String)| (*key, unknown(key, id));
        let unknown = hidden.iter().chain(&self.shared).map(unknown).collect();
        let test_types = editor.get("/api/v2/test_types").await.expect(200);
        let test_type = test_types["results"][0]["id"].as_i64().unwrap();
        World { start: self, hidden, unknown, test_type }
    }

    /// What the scans found, what was made of it, and what was said about it.
    async fn found(&self, product: &str) -> Vec<(&'static str, String)> {
        let editor = &self.desk.tenant.editor;
        let of_product = async |what: &str| {
            let row = editor.get_all(&format!("/{what}?product={product}")).await.remove(0);
            row["id"].as_str().unwrap().to_owned()
        };
        let observations = editor.get_all(&format!("/observations?product={product}&sort=created")).await;
        let (first, second) = (&observations[0], &observations[1]);
        let id = |of: &Value| of.as_str().unwrap().to_owned();
        let (observation, other) = (id(&first["id"]), id(&second["id"]));
        let said = json!({ "body": "This is about zanzibar." });
        let note = editor.post(&format!("/observations/{observation}/notes"), said.clone()).await.expect(201).id();
        let selection = json!({ "observation_ids": [observation, other] });
        let issue = json!({ "name": "zanzibar is broken", "selection": selection });
        let issue = editor.post("/issues", issue).await.expect(201).id();
        let comment = editor.post(&format!("/issues/{issue}/comments"), said).await.expect(201).id();
        let instances = editor.get_all(&format!("/issues/{issue}/instances")).await;
        let ticket = editor.get(&format!("/observations/{observation}/ticket")).await.expect(200);
        vec![
            ("asset", id(&first["asset"]["id"])),
            ("vulnerability", id(&first["vulnerability"]["id"])),
            ("source", of_product("scan-sources").await),
            ("job", of_product("sync-jobs").await),
            ("notification", id(&editor.get_all("/notifications").await[0]["id"])),
            ("ticket", id(&ticket["ticket"]["id"])),
            ("instance", id(&instances[0]["id"])),
            ("issue_too", editor.issue_of(&[&other]).await),
            ("observation", observation),
            ("note", note),
            ("issue", issue),
            ("comment", comment),
        ]
    }

    /// Posts a report of the restricted product; the ids of upload and scan.
    async fn scan(&self, product: &str, findings: &[&str]) -> (String, String) {
        self.desk.pass(Duration::from_secs(60));
        let finding = |name: &&str| {
            json!({ "title": format!("zanzibar {name}"), "severity": "High", "description": SECRET,
                "file_path": format!("src/zanzibar_{name}.rs"), "line": 1 })
        };
        let findings: Vec<Value> = findings.iter().map(finding).collect();
        let report = json!({ "name": "scanner", "type": "scanner", "findings": findings }).to_string();
        let path = format!("/scans?product={product}&tool=scanner&format=generic_json&asset=zanzibar.example");
        let request = self.desk.tenant.editor.request(reqwest::Method::POST, &path);
        let made = request.body("application/json", report).send().await.expect(201);
        self.desk.pass(Duration::from_secs(60));
        (made.id(), made["scans"][0]["id"].as_str().unwrap().to_owned())
    }

    /// The tracker tells of a ticket.
    pub async fn hear_of(&self, title: &str) {
        let item = self.desk.item(title);
        self.hook.deliver(&self.desk.app, github_state(&item, "ann", false, "2026-06-01T12:30:00Z")).await;
        self.desk.work().await;
    }
}

async fn promote(app: &TestApp, person: &Person) {
    let id = person.id;
    let changed = app.app.db.write(move |conn| {
        let user = repo::users::find(conn, id)?.unwrap();
        Ok(repo::users::update(conn, &User { is_superuser: true, version: user.version + 1, ..user })?)
    });
    assert!(changed.await.unwrap());
}

/// What never existed, as likely as what did.
fn unknown(key: &str, id: &str) -> String {
    match key {
        "organization" => "nowhere".to_owned(),
        "sender" => id.to_owned(),
        "engagement_number" | "product_number" => "987654".to_owned(),
        "secret" => format!("{id}x"),
        _ => uuid::Uuid::now_v7().to_string(),
    }
}

/// Which ids a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Those that exist.
    Real,
    /// In place of those of the restricted product, some that never existed.
    Unknown,
    /// In place of all, some that never existed.
    Nothing,
}

/// All of it.
pub struct World {
    pub start: Start,
    pub hidden: BTreeMap<&'static str, String>,
    pub unknown: BTreeMap<&'static str, String>,
    /// The number of a scan type, as other servers' clients name it.
    pub test_type: i64,
}

impl World {
    /// The id of something.
    pub fn id(&self, key: &str, naming: Naming) -> &str {
        let (hidden, shared) = (self.hidden.get(key), self.start.shared.get(key));
        let id = match naming {
            Naming::Real => hidden.or(shared),
            Naming::Unknown => shared.or_else(|| self.unknown.get(key)),
            Naming::Nothing => self.unknown.get(key),
        };
        id.unwrap_or_else(|| panic!("nothing is called {key}"))
    }

    /// A text in which what exists is called as what does not, so that two answers can be compared.
    pub fn anonymous(&self, text: &str) -> String {
        let ids = self.hidden.iter().chain(&self.start.shared);
        ids.fold(text.to_owned(), |text, (key, id)| {
            // Short ones stand in any text, so only where they are named.
            let what = match *key {
                "organization" => "organization ",
                "engagement_number" => "engagement ",
                "product_number" => "product ",
                "sender" => return text,
                _ => "",
            };
            text.replace(&format!("{what}{id}"), &format!("{what}{}", self.unknown[key]))
        })
    }

    /// What an answer to who must not know says of the restricted product, beside what was asked. Who is of another
    /// organization must know nothing at all.
    pub fn leaked<'a>(&'a self, said: &str, asked: &str, is_stranger: bool) -> Option<&'a str> {
        let shared = self.start.shared.iter().filter(|_| is_stranger);
        let ids = self.hidden.iter().chain(shared).filter(|(key, _)| is_long(key));
        let mut words = ids.map(|(_, id)| id.as_str()).chain([SECRET]);
        words.find(|word| said.contains(word) && !asked.contains(word))
    }
}

/// A number or a word may stand in any text.
fn is_long(key: &str) -> bool {
    !["engagement_number", "product_number", "organization", "sender"].contains(&key)
}
