//! Who may do what: every operation of the document by every kind of caller, in an organization with a restricted
//! product that holds one of everything.
//!
//! `table` says of each operation what it needs and what it is about; from that follows what each caller is answered.
//! An operation without a line makes the first test fail.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Client, TestApp};
use crate::both_databases_with_trackers;
use crate::fakes::fault::Fault;
use crate::openapi::{Operation, operations};

mod callers;
mod requests;
mod table;
mod world;

use callers::{Caller, Expected};
use requests::Asked;
use table::{Of, Row, TABLE};
use world::{Naming, SECRET, Start, World};

both_databases_with_trackers!(
    everybody_may_do_what_the_table_says_and_nothing_else,
    a_filter_by_what_is_hidden_is_one_by_nothing,
    what_is_hidden_changes_no_list_and_no_count,
    the_ticket_of_what_is_partly_hidden_is_hidden,
);

/// A version that nothing has.
const STALE: Option<&str> = Some("\"0\"");

fn by_id() -> BTreeMap<String, Operation> {
    let id = |operation: &Operation| operation.described["operationId"].as_str().unwrap().to_owned();
    operations().into_iter().map(|operation| (id(&operation), operation)).collect()
}

fn is_of_no_organization_in_its_path(operation: &Operation) -> bool {
    !operation.path.starts_with("/api/v1")
}

#[test]
fn every_operation_has_a_line_in_the_table_and_every_line_an_operation() {
    let operations = by_id();
    let known: BTreeSet<&str> = operations.keys().map(String::as_str).collect();
    let lines: BTreeSet<&str> = TABLE.iter().map(|row| row.operation).collect();
    let missing: Vec<_> = known.difference(&lines).collect();
    assert!(missing.is_empty(), "tests/it/permissions/table.rs does not say who may do {missing:?}");
    let gone: Vec<_> = lines.difference(&known).collect();
    assert!(gone.is_empty(), "there is no operation {gone:?}");
    assert_eq!(TABLE.len(), lines.len(), "a line is there twice");
}

/// Who asks for what, and all that was not as it should be.
struct Matrix {
    world: World,
    callers: Vec<Caller>,
    operations: BTreeMap<String, Operation>,
    number: usize,
    faults: Vec<String>,
}

/// RZ-12, RZ-13, S-02, S-04, S-07, PB-10
async fn everybody_may_do_what_the_table_says_and_nothing_else(app: TestApp) {
    let world = Start::new(app).await.fill().await;
    let callers = callers::all(&world.start, &world.hidden["product"]).await;
    let mut matrix = Matrix { world, callers, operations: by_id(), number: 0, faults: Vec::new() };
    let before = matrix.everything().await;
    for row in TABLE {
        matrix.refuse(row).await;
    }
    assert!(matrix.everything().await == before, "a refused request changed something");
    for row in TABLE {
        matrix.allow(row).await;
    }
    assert!(matrix.faults.is_empty(), "{}", matrix.faults.join("\n\n"));
}

impl Matrix {
    /// All that an admin reads.
    async fn everything(&self) -> Vec<String> {
        let mut all = Vec::new();
        // Requests themselves are counted, and the last use of a token is noted.
        for row in TABLE.iter().filter(|row| !["get_metrics", "list_api_tokens"].contains(&row.operation)) {
            let operation = &self.operations[row.operation];
            if operation.method == Method::GET {
                let asked = Asked::new(&self.world, operation, Naming::Real, 0);
                all.push(text(&asked.by(&self.world.start.desk.tenant.admin, None).await));
            }
        }
        all
    }

    /// Whoever may not do it.
    async fn refuse(&mut self, row: &Row) {
        let operation = &self.operations[row.operation];
        self.number += 1;
        let ask = |naming| Asked::new(&self.world, operation, naming, self.number);
        let (real, unknown, nothing) = (ask(Naming::Real), ask(Naming::Unknown), ask(Naming::Nothing));
        for caller in &self.callers {
            let expected = caller.expects(row, is_of_no_organization_in_its_path(operation));
            if expected == Expected::Allowed {
                continue;
            }
            let answer = real.by(&caller.client, None).await;
            let is_expected = match expected {
                Expected::Unknown => answer.status == 401,
                Expected::Forbidden => answer.status == 403,
                Expected::Hidden => answer.status == 404,
                Expected::Refused => [403, 404].contains(&answer.status),
                Expected::AsForNothing | Expected::Allowed => true,
            };
            let mut wrong = if is_expected { None } else { Some(format!("{expected:?} was expected")) };
            if ![Expected::Unknown, Expected::Forbidden].contains(&expected) {
                let other = if caller.is_stranger() { &nothing } else { &unknown };
                let other = other.by(&caller.client, None).await;
                if shape(&self.world, &answer) != shape(&self.world, &other) {
                    wrong = Some(format!("what never existed is answered {:?}", shape(&self.world, &other)));
                }
            }
            let leaked = self.leaked(row, &answer, &real, caller);
            let wrong = wrong.or_else(|| leaked.map(|word| format!("{word} is told")));
            self.faults.extend(wrong.map(|wrong| fault(row, caller, &wrong, &answer)));
        }
    }

    /// Whoever may do it. The last of them, who has the least rights, does it in truth.
    async fn allow(&mut self, row: &Row) {
        let operation = &self.operations[row.operation];
        let at_home = is_of_no_organization_in_its_path(operation);
        let allowed = self.callers.iter().filter(|caller| caller.expects(row, at_home) == Expected::Allowed);
        let mut allowed: Vec<&Caller> = allowed.collect();
        allowed.reverse();
        if row.is_once {
            allowed.drain(..allowed.len() - 1);
        }
        let least = allowed.len() - 1;
        for (place, caller) in allowed.into_iter().enumerate() {
            self.number += 1;
            let asked = Asked::new(&self.world, operation, Naming::Real, self.number);
            let if_match = STALE.filter(|_| operation.method == Method::DELETE && place < least);
            let answer = asked.by(&caller.client, if_match).await;
            let is_allowed = ![401, 403, 404].contains(&answer.status) && answer.status < 500;
            let is_end = row.ends.map_or(answer.status < 300, |status| answer.status == status);
            let leaked = self.leaked(row, &answer, &asked, caller);
            let wrong = match leaked {
                Some(word) => Some(format!("{word} is told")),
                None if !is_allowed => Some("it is allowed".to_owned()),
                None if place == least && !is_end => Some("it was to succeed at last".to_owned()),
                None => None,
            };
            self.faults.extend(wrong.map(|wrong| fault(row, caller, &wrong, &answer)));
        }
    }

    /// What is told to who must not know it. What is of the server is not of an organization.
    fn leaked(&self, row: &Row, answer: &Answer, asked: &Asked, caller: &Caller) -> Option<&str> {
        if caller.sees {
            return None;
        }
        let said = format!("{} {:?}", String::from_utf8_lossy(&answer.bytes), answer.headers);
        self.world.leaked(&said, &asked.text(), caller.is_stranger() && row.of != Of::Server)
    }
}

fn fault(row: &Row, caller: &Caller, wrong: &str, answer: &Answer) -> String {
    let said = String::from_utf8_lossy(&answer.bytes);
    format!("{} by {}: {wrong}, but it is answered {} {said}", row.operation, caller.name, answer.status)
}

/// What a body says, without what differs from request to request.
fn text(answer: &Answer) -> String {
    let Value::Object(mut body) = answer.body.clone() else {
        return String::from_utf8_lossy(&answer.bytes).into_owned();
    };
    body.remove("request_id");
    Value::Object(body).to_string()
}

/// What of an answer must not depend on whether something exists.
fn shape(world: &World, answer: &Answer) -> (u16, String, Vec<String>) {
    // Whether the connection stays open depends on how fast the body came.
    let names = answer.headers.keys().filter(|name| *name != "connection");
    let mut headers: Vec<String> = names.map(ToString::to_string).collect();
    headers.sort();
    (answer.status, world.anonymous(&text(answer)), headers)
}

/// Those who may look around, and not into the restricted product.
async fn outsiders(start: &Start) -> Vec<(&'static str, Client)> {
    let (admin, open) = (&start.desk.tenant.admin, start.desk.product.as_str());
    vec![
        ("an editor outside of the team", start.outside_editor.client.clone()),
        ("a token that writes", admin.token(&["write"], None).await),
        ("a token of another product", admin.token(&["write"], Some(open)).await),
    ]
}

/// The operations that read what everybody may ask for.
fn looks(operations: &BTreeMap<String, Operation>) -> Vec<&Operation> {
    let is_look = |row: &&Row| matches!(row.of, Of::Shared | Of::Whole) && row.operation != "watch_events";
    let operations = TABLE.iter().filter(is_look).map(|row| &operations[row.operation]);
    operations.filter(|operation| operation.method == Method::GET).collect()
}

fn parameters(operation: &Operation) -> Vec<(String, String)> {
    let parameters = operation.described["parameters"].as_array().cloned().unwrap_or_default();
    let of_query = parameters.iter().filter(|one| one["in"] == "query");
    let kind = |one: &Value| {
        let word = |schema: &Value| match schema["format"].as_str() {
            Some(format) => format.to_owned(),
            None => schema["$ref"].as_str().or(schema["type"].as_str()).unwrap_or_default().to_owned(),
        };
        let kind = word(if one["schema"]["items"].is_null() { &one["schema"] } else { &one["schema"]["items"] });
        kind.rsplit('/').next().unwrap().to_owned()
    };
    of_query.map(|one| (one["name"].as_str().unwrap().to_owned(), kind(one))).collect()
}

/// PB-10, S-26
async fn a_filter_by_what_is_hidden_is_one_by_nothing(app: TestApp) {
    let world = Start::new(app).await.fill().await;
    let (operations, outsiders) = (by_id(), outsiders(&world.start).await);
    let mut asked = 0;
    for operation in looks(&operations) {
        for (name, kind) in parameters(operation) {
            let of = |naming| match kind.as_str() {
                "ProductId" => world.id("product", naming).to_owned(),
                "BranchId" => world.id("branch", naming).to_owned(),
                "EngagementId" => world.id("engagement", naming).to_owned(),
                "AssetId" => world.id("asset", naming).to_owned(),
                "ScanSourceId" => world.id("source", naming).to_owned(),
                "UploadId" => world.id("upload", naming).to_owned(),
                "ObservationId" => world.id("observation", naming).to_owned(),
                "CompatibleNumber" if name.ends_with("product") => world.id("product_number", naming).to_owned(),
                "CompatibleNumber" if name.ends_with("engagement") => world.id("engagement_number", naming).to_owned(),
                "string" if naming == Naming::Real => SECRET.to_owned(),
                "string" => "quaggas1".to_owned(),
                _ => String::new(),
            };
            let (hidden, nothing) = (of(Naming::Real), of(Naming::Unknown));
            if hidden.is_empty() {
                continue;
            }
            for (who, client) in &outsiders {
                let ask =
                    |value: &str| Asked::new(&world, operation, Naming::Real, 0).with_query(&format!("{name}={value}"));
                let answer = ask(&hidden).by(client, None).await;
                let other = ask(&nothing).by(client, None).await;
                let same = text(&answer).replace(&hidden, &nothing) == text(&other) && answer.status == other.status;
                assert!(same, "{} {name}={hidden} by {who}: {answer:?}\n{other:?}", operation.path);
                asked += 1;
            }
        }
    }
    assert!(asked > 100, "{asked}");
}

/// PB-10
async fn what_is_hidden_changes_no_list_and_no_count(app: TestApp) {
    let start = Start::new(app).await;
    let (operations, outsiders) = (by_id(), outsiders(&start).await);
    let empty = |start| World { start, hidden: BTreeMap::new(), unknown: BTreeMap::new(), test_type: 0 };
    let world = empty(start);
    let look = async |world: &World| {
        let mut seen = Vec::new();
        for operation in looks(&operations) {
            let can_count = parameters(operation).iter().any(|(name, _)| name == "include");
            let asked = Asked::new(world, operation, Naming::Real, 0);
            let asked = if can_count { asked.with_query("include=total") } else { asked };
            for (who, client) in &outsiders {
                let answer = asked.by(client, None).await;
                assert!(world.leaked(&text(&answer), "", false).is_none(), "{} by {who}: {answer:?}", operation.path);
                // When the tracker last answered is of the connection, whatever it was asked.
                let mut body = answer.body.clone();
                body.as_object_mut().and_then(|body| body.remove("last_success_at"));
                seen.push((format!("{} by {who}", operation.path), answer.status, text(&Answer { body, ..answer })));
            }
        }
        seen
    };
    let before = look(&world).await;
    let world = world.start.fill().await;
    for (before, after) in before.iter().zip(look(&world).await) {
        assert_eq!(*before, after);
    }
}

/// PB-10: an issue may be of several products, and who sees one of them sees that part of it; its ticket tells of all.
async fn the_ticket_of_what_is_partly_hidden_is_hidden(app: TestApp) {
    let world = Start::new(app).await.fill().await;
    let (desk, admin) = (&world.start.desk, &world.start.desk.tenant.admin);
    let observations = [desk.observation("SQL injection").await, world.hidden["observation"].clone()];
    let body = json!({ "name": "Both are broken", "selection": { "observation_ids": observations } });
    let id = admin.post("/issues", body).await.expect(201).id();
    let issue = format!("/issues/{id}");
    let deliveries = format!("/tracker-connections/{}/webhook/deliveries", desk.connection);
    let lists = ["/tickets", "/sync-jobs", "/notifications", deliveries.as_str()];
    let outsiders = outsiders(&world.start).await;
    let how = json!({ "connection_id": desk.connection, "project_key": "acme/app" });
    admin.post(&format!("{issue}/push"), how).await.expect(202);
    desk.work().await;
    world.start.hear_of("Both are broken").await;
    desk.tracker.inject(Fault::status(422).on("PATCH", "").for_ever());
    admin.patch(&issue, json!({ "name": "Both are still broken" })).await.expect(200);
    desk.work().await;
    let explained = admin.get(&format!("{issue}/ticket")).await.expect(200);
    let ticket = explained["explanation"]["ticket"]["id"].as_str().unwrap();
    let is_told = |answer: &Answer| [ticket, &id, "broken"].iter().any(|word| text(answer).contains(word));
    for path in lists {
        let told = admin.get(path).await.expect(200);
        assert!(is_told(&told), "{path}: {told:?}");
        for (who, client) in &outsiders {
            let answer = client.get(path).await.expect(200);
            assert!(!is_told(&answer), "{path} by {who}: {answer:?}");
        }
    }
    world.start.outside_editor.get(&issue).await.expect(200);
}
