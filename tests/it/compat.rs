//! What clients of other servers find: the same services by other names.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Answer, Client, Request, TestApp};
use crate::both_databases;
use crate::builders::Tenant;
use crate::desk::{Desk, SETTINGS};
use crate::sarif::{Sarif, found, sarif};

both_databases!(
    imports_by_names_and_changes_nothing_the_second_time,
    imports_by_the_numbers_that_get_or_create_gives,
    what_came_before_its_branch_was_said_follows,
    where_imports_say_their_branch_that_of_the_engagement_is_for_show,
    takes_paths_with_and_without_a_slash_and_three_schemes,
    pushes_to_the_tracker_if_the_client_says_so,
    numbers_and_names_that_disagree_are_refused,
    an_import_closes_nothing_unless_asked_and_a_reimport_does,
    what_was_closed_stays_closed_if_the_client_says_so,
    filters_by_severity_and_marks_what_is_new,
    refuses_days_to_come_unknown_types_and_missing_files,
    a_product_that_may_not_be_seen_is_as_if_it_did_not_exist,
    a_token_of_one_product_reaches_no_other,
    finds_each_kind_by_its_exact_name,
    lists_findings_in_parts,
    logs_in_for_a_token_of_forty_characters,
    refuses_logins_after_too_many_wrong_passwords,
    a_person_of_several_organizations_needs_an_api_token,
    first_imports_at_once_make_one_test,
    uploads_as_secobserve_does_and_asks_whether_it_may_go_on,
    report_formats_are_listed_for_everybody,
);

const IMPORT: &str = "/api/v2/import-scan/";
const REIMPORT: &str = "/api/v2/reimport-scan/";

/// A client of another server: it knows a token, and no organization.
struct Foreign {
    client: Client,
    authorization: String,
}

impl Foreign {
    /// With a new token of the organization.
    async fn of(app: &TestApp, tenant: &Tenant, scopes: &[&str], product: Option<&str>) -> Self {
        let body = json!({ "name": "ci", "scopes": scopes, "product_id": product });
        let token = tenant.admin.post("/api-tokens", body).await.expect(201).text("token");
        Self { client: app.anybody(), authorization: format!("Token {token}") }
    }

    fn request(&self, method: Method, path: &str) -> Request {
        self.client.request(method, path).header("authorization", &self.authorization)
    }

    async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path).json(&body).send().await
    }

    /// Posts a report, with these parts beside it.
    async fn import(&self, path: &str, report: &Sarif, parts: &[(&str, &str)]) -> Answer {
        let file = Part::bytes(report.bytes()).file_name("/builds/acme/../etc/report.json");
        self.form(path, parts, |form| form.part("file", file)).await
    }

    async fn form(&self, path: &str, parts: &[(&str, &str)], rest: impl FnOnce(Form) -> Form) -> Answer {
        let texts =
            parts.iter().fold(Form::new(), |form, (name, text)| form.text((*name).to_owned(), (*text).to_owned()));
        Request(self.request(Method::POST, path).0.multipart(rest(texts))).send().await
    }
}

/// The parts of an import by names, with more.
fn named<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("scan_type", "SARIF"),
        ("product_type_name", "Web shops"),
        ("product_name", "shop"),
        ("engagement_name", "CI/CD"),
        ("auto_create_context", "True"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more.iter().copied()).collect()
}

fn report(rules: &[&str]) -> Sarif {
    sarif(&rules.iter().map(|rule| found(rule, "src/app.rs", 7)).collect::<Vec<_>>())
}

/// What an import counted: created, closed, reactivated, untouched.
#[track_caller]
fn delta(answer: &Answer) -> [i64; 4] {
    let count = |name: &str| answer["statistics"]["delta"][name]["total"]["total"].as_i64();
    ["created", "closed", "reactivated", "untouched"].map(|name| count(name).unwrap_or_else(|| panic!("{answer:?}")))
}

/// PB-8
async fn imports_by_names_and_changes_nothing_the_second_time(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["scan:upload"], None).await;
    let parts = named(&[
        ("test_title", "nightly"),
        ("branch_tag", "main"),
        ("commit_hash", "4f1c2d9"),
        ("scan_date", "2026-06-01"),
        ("skip_duplicates", "True"),
        ("lead", "1"),
        ("tags", "a"),
        ("tags", "b"),
        ("deduplication_on_engagement", "False"),
    ]);
    let first = ci.import(IMPORT, &report(&["a", "b"]), &parts).await.expect(201);
    assert_eq!(delta(&first), [2, 0, 0, 0]);
    assert_eq!(first["statistics"]["after"]["high"]["active"], json!(2), "{first:?}");
    assert_eq!((first.text("scan_type"), first.text("scan_date")), ("SARIF".to_owned(), "2026-06-01".to_owned()));
    let again = ci.import(REIMPORT, &report(&["a", "b"]), &parts).await.expect(201);
    assert_eq!((delta(&again), &again["test"]), ([0, 0, 0, 2], &first["test"]));
    assert_eq!(again["statistics"]["before"], again["statistics"]["after"]);
    for name in ["test", "test_id", "engagement_id", "product_id", "product_type_id"] {
        assert!(first[name].is_i64(), "{name} in {first:?}");
    }
    // Our own API has it at the right place.
    let product = acme.viewer.get_all("/products").await.remove(0);
    assert_eq!(product["name"], "shop");
    let branches = acme.viewer.get_all(&format!("/products/{}/branches", product["id"].as_str().unwrap())).await;
    assert_eq!((branches.len(), &branches[0]["name"]), (1, &json!("main")));
    let sources = acme.viewer.get_all("/scan-sources").await;
    assert_eq!(
        (sources.len(), &sources[0]["name"], &sources[0]["branch_id"]),
        (1, &json!("nightly"), &branches[0]["id"])
    );
    let upload = acme.viewer.get(first["links"]["upload"].as_str().unwrap()).await.expect(200);
    assert_eq!((upload.text("state"), &upload["scans"][0]["commit"]), ("finished".to_owned(), &json!("4f1c2d9")));
    assert_eq!(acme.viewer.get_all("/observations").await.len(), 2);
}

/// PB-8: the way of dd-import.
async fn imports_by_the_numbers_that_get_or_create_gives(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["read", "scan:upload"], None).await;
    for round in 0..2 {
        let product_type = ci.post("/api/v2/product_types/", json!({ "name": "Web shops" })).await.expect(201);
        let product = json!({ "name": "shop", "description": "shop", "prod_type": product_type["id"] });
        let product = ci.post("/api/v2/products/", product).await.expect(201);
        // An id may come as text.
        let of_product = product["id"].to_string();
        let engagement = json!({ "name": "CI/CD", "product": of_product, "target_start": "2026-06-01", "engagement_type": "CI/CD", "build_id": null });
        let engagement = ci.post("/api/v2/engagements/", engagement).await.expect(201);
        let path = format!("/api/v2/engagements/{}/", engagement["id"]);
        let noted = json!({ "build_id": "7", "commit_hash": "4f1c2d9", "branch_tag": "release/1" });
        let noted = ci.request(Method::PATCH, &path).json(&noted).send().await.expect(200);
        assert_eq!(noted["branch_tag"], "release/1");
        let test_type = ci.get("/api/v2/test_types/?name=SARIF").await.expect(200)["results"][0]["id"].clone();
        let test = json!({ "title": "nightly", "engagement": engagement["id"], "test_type": test_type });
        let test = ci.post("/api/v2/tests/", test).await.expect(201);
        let number = test["id"].to_string();
        let parts = [("test", number.as_str()), ("scan_type", "SARIF"), ("active", "True"), ("verified", "True")];
        let done = ci.import(REIMPORT, &report(&["a"]), &parts).await.expect(201);
        assert_eq!(delta(&done), if round == 0 { [1, 0, 0, 0] } else { [0, 0, 0, 1] });
        assert_eq!(done["branch_tag"], "release/1");
    }
    let observations = acme.viewer.get_all("/observations").await;
    assert_eq!((observations.len(), &observations[0]["is_verified"]), (1, &json!(true)));
    assert_eq!(acme.viewer.get_all("/products").await.len(), 1);
}

/// The place of every observation by its rule, and that of the only scan source.
async fn branches_of(acme: &Tenant) -> (Vec<(String, String)>, String) {
    let product = acme.viewer.get_all("/products").await[0]["id"].as_str().unwrap().to_owned();
    let branches = acme.viewer.get_all(&format!("/products/{product}/branches")).await;
    let text = |text: &Value| text.as_str().unwrap().to_owned();
    let observations = acme.viewer.get_all("/observations").await;
    let places = observations.iter().map(|one| (text(&one["title"]), text(&one["branch"]["name"]))).collect();
    let sources = acme.viewer.get_all("/scan-sources").await;
    assert_eq!(sources.len(), 1, "{sources:?}");
    let of_source = branches.iter().find(|branch| branch["id"] == sources[0]["branch_id"]);
    (places, of_source.map_or(String::new(), |branch| text(&branch["name"])))
}

/// PB-8: dd-import says the branch after it has imported. RZ-8: instances go along.
async fn what_came_before_its_branch_was_said_follows(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["read", "scan:upload"], None).await;
    let parts = named(&[("test_title", "nightly")]);
    let done = ci.import(REIMPORT, &report(&["a", "b"]), &parts).await.expect(201);
    let selection =
        json!({ "name": "Harden", "selection": { "product_id": acme.viewer.get_all("/products").await[0]["id"] } });
    let issue = format!("/issues/{}", acme.editor.post("/issues", selection).await.expect(201).id());
    let before = acme.viewer.get_all("/observations").await;
    let say = async |branch: &str| {
        let path = format!("/api/v2/engagements/{}/", done["engagement_id"]);
        ci.request(Method::PATCH, &path).json(&json!({ "branch_tag": branch })).send().await.expect(200);
        let ((places, source), observations) = (branches_of(&acme).await, acme.viewer.get_all("/observations").await);
        assert_eq!((places.len(), source.as_str()), (2, branch));
        assert!(places.iter().all(|(_, place)| place == branch), "{places:?}");
        let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&observations), ids(&before));
        let instances = acme.viewer.get_all(&format!("{issue}/instances")).await;
        assert_eq!(instances.len(), 2);
        assert!(instances.iter().all(|one| one["today"]["observation_count"] == 1), "{instances:?}");
    };
    say("main").await;
    say("main").await;
    let again = ci.import(REIMPORT, &report(&["a"]), &parts).await.expect(201);
    assert_eq!((delta(&again), &again["branch_tag"]), ([0, 1, 0, 1], &json!("main")));
    let seen = acme.viewer.get(&issue).await;
    assert_eq!((&seen["instances"]["total"], &seen["instances"]["remediated"]), (&json!(2), &json!(1)), "{seen:?}");
    // One line of history, which is of the branch said last, as in the other server.
    say("release/2").await;
    let last = ci.import(REIMPORT, &report(&["a", "b"]), &parts).await.expect(201);
    assert_eq!((delta(&last), &last["branch_tag"]), ([0, 0, 1, 1], &json!("release/2")));
}

async fn where_imports_say_their_branch_that_of_the_engagement_is_for_show(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["read", "scan:upload"], None).await;
    let done = ci.import(IMPORT, &report(&["a"]), &named(&[("branch_tag", "main")])).await.expect(201);
    let path = format!("/api/v2/engagements/{}/", done["engagement_id"]);
    ci.request(Method::PATCH, &path).json(&json!({ "branch_tag": "other" })).send().await.expect(200);
    assert_eq!(branches_of(&acme).await.1, "main");
    let unnamed = ci.import(IMPORT, &report(&["a"]), &named(&[])).await.expect(201);
    assert_eq!(unnamed["branch_tag"], Value::Null);
}

/// PB-8: `push_to_jira` is a push by hand, so it passes `auto_sync`; what is resolved gets no ticket.
async fn pushes_to_the_tracker_if_the_client_says_so(app: TestApp) {
    let desk = Desk::github_with(app.restart_with(SETTINGS).await, json!({ "auto_sync": false })).await;
    let ci = Foreign::of(&desk.app, &desk.tenant, &["scan:upload"], None).await;
    for (rules, push, expected) in [
        (&["alpha", "beta"][..], "False", &[][..]),
        (&["alpha", "beta", "gamma"], "True", &[("gamma", true)]),
        (&["alpha"], "true", &[("gamma", false)]),
        (&["alpha", "beta"], "true", &[("beta", true), ("gamma", false)]),
    ] {
        ci.import(REIMPORT, &report(rules), &named(&[("push_to_jira", push)])).await.expect(201);
        // An import takes its time, and its jobs are due when it is done.
        desk.pass(Duration::from_secs(60));
        desk.work().await;
        assert_eq!(desk.tracker.items().len(), expected.len(), "{rules:?}");
        assert!(expected.iter().all(|(title, open)| desk.is_open(title) == *open), "{rules:?}: {expected:?}");
    }
}

async fn takes_paths_with_and_without_a_slash_and_three_schemes(app: TestApp) {
    let acme = app.tenant("acme").await;
    let mut ci = Foreign::of(&app, &acme, &["read", "scan:upload"], None).await;
    let token = ci.authorization.trim_start_matches("Token ").to_owned();
    assert_eq!(token.len(), 40);
    for scheme in ["Token", "token", "APIToken", "Bearer"] {
        ci.authorization = format!("{scheme} {token}");
        for path in ["/api/v2/products", "/api/v2/products/", "/api/v2/products?limit=1", "/api/v2/user_profile"] {
            ci.get(path).await.expect(200);
        }
        ci.import(IMPORT.trim_end_matches('/'), &report(&["a"]), &named(&[])).await.expect(201);
    }
    let own = ci.client.request(Method::GET, "/api/v1/organizations/acme/products");
    own.header("authorization", &format!("Token {token}")).send().await.expect(401);
    for authorization in
        ["Token nonsense", "Token", "Basic YTpi", &format!("Token {}", token.replace(&token[30..], "0123456789"))]
    {
        ci.authorization = authorization.to_owned();
        let refused = ci.import(IMPORT, &report(&["a"]), &named(&[])).await.expect(401);
        assert!(refused["detail"].is_string(), "{refused:?}");
    }
    assert_eq!(ci.request(Method::DELETE, IMPORT).send().await.status, 401);
}

/// S-01
async fn numbers_and_names_that_disagree_are_refused(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let ours = Foreign::of(&app, &acme, &["read", "scan:upload"], None).await;
    let theirs = Foreign::of(&app, &other, &["read", "scan:upload"], None).await;
    let mine = ours.import(IMPORT, &report(&["a"]), &named(&[])).await.expect(201);
    let also_mine = ours.import(IMPORT, &report(&["a"]), &named(&[("product_name", "till")])).await.expect(201);
    for _ in 0..3 {
        theirs.post("/api/v2/product_types/", json!({ "name": "moves their numbers" })).await.expect(201);
        theirs.post("/api/v2/products/", json!({ "name": "takes numbers" })).await.expect(201);
    }
    let foreign = named(&[("product_name", "secret-product"), ("engagement_name", "secret-engagement")]);
    let foreign = theirs.import(IMPORT, &report(&["a"]), &foreign).await.expect(201);
    let before = other.viewer.get_all("/observations").await;
    let text = |answer: &Answer, field: &str| answer[field].to_string();
    let (test, engagement) = (text(&mine, "test"), text(&mine, "engagement_id"));
    let (other_test, other_engagement) = (text(&also_mine, "test"), text(&also_mine, "engagement_id"));
    let (their_test, their_engagement) = (text(&foreign, "test"), text(&foreign, "engagement_id"));
    let their_product = text(&foreign, "product_id");
    for (status, parts) in [
        (400, vec![("engagement", engagement.as_str()), ("product_name", "secret-product")]),
        (400, vec![("engagement", &engagement), ("product_name", "till")]),
        (400, vec![("engagement", &engagement), ("engagement_name", "secret-engagement")]),
        (400, vec![("test", &test), ("product_name", "secret-product"), ("engagement_name", "secret-engagement")]),
        (400, vec![("test", &test), ("engagement", &other_engagement)]),
        (400, vec![("test", &other_test), ("engagement", &engagement)]),
        (400, vec![("test", &test), ("test_title", "another")]),
        (400, vec![("test", &test), ("scan_type", "Trivy Scan")]),
        (400, named(&[("product_id", their_product.as_str())])),
        (400, named(&[("product_type_name", "another type")])),
        (404, vec![("engagement", &their_engagement), ("product_name", "shop")]),
        (404, vec![("engagement", &their_engagement)]),
        (404, vec![("test", &their_test)]),
        (404, named(&[("engagement", their_engagement.as_str())])),
        (404, named(&[("test", their_test.as_str())])),
        (404, vec![("product_name", "secret-product"), ("engagement_name", "CI/CD")]),
    ] {
        let parts: Vec<_> = if parts.iter().any(|(name, _)| *name == "scan_type") {
            parts
        } else {
            [parts, vec![("scan_type", "SARIF")]].concat()
        };
        for path in [IMPORT, REIMPORT] {
            let refused = ours.import(path, &report(&["evil"]), &parts).await.expect(status);
            let said = String::from_utf8_lossy(&refused.bytes).into_owned();
            let own_words: Vec<&str> = parts.iter().map(|(_, text)| *text).collect();
            for secret in ["secret-product", "secret-engagement"] {
                assert!(!said.contains(secret) || own_words.contains(&secret), "{said}");
            }
        }
    }
    assert_eq!(other.viewer.get_all("/observations").await, before);
    assert!(acme.viewer.get_all("/observations").await.iter().all(|o| !o["title"].to_string().contains("evil")));
    assert_eq!(acme.viewer.get_all("/products").await.len(), 2);
}

async fn an_import_closes_nothing_unless_asked_and_a_reimport_does(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["scan:upload"], None).await;
    ci.import(IMPORT, &report(&["a", "b", "c"]), &named(&[])).await.expect(201);
    for (path, rules, said, expected) in [
        (IMPORT, &["a", "b"][..], None, [0, 0, 0, 2]),
        (REIMPORT, &["a", "b"], Some("False"), [0, 0, 0, 2]),
        (REIMPORT, &["a", "b"], None, [0, 1, 0, 2]),
        (IMPORT, &["a"], Some("true"), [0, 1, 0, 1]),
        // A new test has nothing to close, whatever else the product has.
        (REIMPORT, &["d"], Some("True"), [1, 0, 0, 0]),
    ] {
        let said: Vec<_> = said.map(|said| ("close_old_findings", said)).into_iter().collect();
        let title = if rules == ["d"] { "another" } else { "" };
        let parts = [said, vec![("test_title", title)]].concat();
        let done = ci.import(path, &report(rules), &named(&parts)).await.expect(201);
        assert_eq!(delta(&done), expected, "{path} {rules:?} {parts:?}");
    }
}

async fn what_was_closed_stays_closed_if_the_client_says_so(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["scan:upload"], None).await;
    ci.import(REIMPORT, &report(&["a", "b"]), &named(&[])).await.expect(201);
    ci.import(REIMPORT, &report(&["a"]), &named(&[])).await.expect(201);
    let kept = ci.import(REIMPORT, &report(&["a", "b"]), &named(&[("do_not_reactivate", "True")])).await.expect(201);
    assert_eq!(delta(&kept), [0, 0, 0, 2]);
    let back = ci.import(REIMPORT, &report(&["a", "b"]), &named(&[])).await.expect(201);
    assert_eq!(delta(&back), [0, 0, 1, 1]);
}

async fn filters_by_severity_and_marks_what_is_new(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["scan:upload"], None).await;
    let mixed = sarif(&[found("bad", "a.rs", 1), found("mild", "a.rs", 2).level("note")]);
    let high = ci.import(IMPORT, &mixed, &named(&[("minimum_severity", "High")])).await.expect(201);
    assert_eq!(delta(&high), [1, 0, 0, 0]);
    let inactive = named(&[("test_title", "triage"), ("active", "False"), ("verified", "False")]);
    for expected in [[2, 0, 0, 0], [0, 0, 0, 2]] {
        assert_eq!(delta(&ci.import(IMPORT, &mixed, &inactive).await.expect(201)), expected);
    }
    let mut statuses: Vec<String> =
        acme.viewer.get_all("/observations").await.iter().map(|o| o["status"].as_str().unwrap().to_owned()).collect();
    statuses.sort();
    assert_eq!(statuses, ["in_review", "in_review", "open"]);
}

async fn refuses_days_to_come_unknown_types_and_missing_files(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["scan:upload"], None).await;
    for (parts, told) in [
        (named(&[("scan_date", "2026-06-03")]), "scan_date"),
        (named(&[("scan_date", "tomorrow")]), "scan_date"),
        (named(&[("scan_type", "SARIFF")]), "SARIF"),
        (named(&[("minimum_severity", "Worst")]), "minimum_severity"),
        (named(&[("active", "maybe")]), "active"),
        (named(&[("engagement", "seven")]), "engagement"),
        (vec![("scan_type", "SARIF")], "product_name"),
        (vec![("product_name", "shop")], "scan_type"),
    ] {
        let refused = ci.import(IMPORT, &report(&["a"]), &parts).await.expect(400);
        assert!(String::from_utf8_lossy(&refused.bytes).contains(told), "{told}: {refused:?}");
    }
    let without_file = ci.form(IMPORT, &named(&[]), |form| form).await.expect(400);
    assert!(without_file.text("detail").contains("file"), "{without_file:?}");
    let broken = Part::bytes(b"{ not a report".to_vec()).file_name("report.json");
    let broken = ci.form(IMPORT, &named(&[]), |form| form.part("file", broken)).await;
    assert!((400..500).contains(&broken.status), "{broken:?}");
    for missing in [named(&[("auto_create_context", "False"), ("product_name", "unknown")])] {
        ci.import(IMPORT, &report(&["a"]), &missing).await.expect(404);
    }
    assert_eq!(acme.viewer.get_all("/observations").await.len(), 0);
}

/// PB-10
async fn a_product_that_may_not_be_seen_is_as_if_it_did_not_exist(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["read", "write"], None).await;
    let mine = ci.import(IMPORT, &report(&["a"]), &named(&[])).await.expect(201);
    let product = acme.viewer.get_all("/products").await.remove(0);
    let path = format!("/products/{}", product["id"].as_str().unwrap());
    acme.admin.patch(&path, json!({ "is_restricted": true })).await.expect(200);
    for path in ["products/?name=shop", "engagements/", "tests/", "findings/", "findings/?product_name=shop"] {
        assert_eq!(ci.get(&format!("/api/v2/{path}")).await.expect(200)["count"], json!(0), "{path}");
    }
    let number = |field: &str| mine[field].to_string();
    let (test, engagement) = (number("test"), number("engagement_id"));
    for parts in [vec![("test", test.as_str())], vec![("engagement", &engagement), ("scan_type", "SARIF")]] {
        ci.import(IMPORT, &report(&["a"]), &parts).await.expect(404);
    }
    ci.import(IMPORT, &report(&["a"]), &named(&[])).await.expect(409);
    let path = format!("/api/v2/engagements/{engagement}/");
    ci.request(Method::PATCH, &path).json(&json!({ "branch_tag": "x" })).send().await.expect(404);
    let test = json!({ "engagement": engagement, "test_type": ci.get("/api/v2/test_types/?name=SARIF").await["results"][0]["id"] });
    ci.post("/api/v2/tests/", test).await.expect(404);
}

/// S-04
async fn a_token_of_one_product_reaches_no_other(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (shop, _till) = (acme.editor.product("shop").await, acme.editor.product("till").await);
    let ci = Foreign::of(&app, &acme, &["scan:upload"], Some(&shop)).await;
    ci.import(IMPORT, &report(&["a"]), &named(&[])).await.expect(201);
    ci.import(IMPORT, &report(&["a"]), &named(&[("product_name", "till")])).await.expect(404);
    ci.import(IMPORT, &report(&["a"]), &named(&[("product_name", "new")])).await.expect(404);
    let products = ci.get("/api/v2/products/").await.expect(200);
    assert_eq!((&products["count"], &products["results"][0]["name"]), (&json!(1), &json!("shop")));
    ci.get("/api/v2/findings/").await.expect(403);
    let everywhere = Foreign::of(&app, &acme, &["scan:upload"], None).await;
    everywhere.get("/api/v2/products/").await.expect(403);
    let reader = Foreign::of(&app, &acme, &["read"], None).await;
    reader.import(IMPORT, &report(&["a"]), &named(&[])).await.expect(403);
    for (path, body) in [
        ("product_types", json!({ "name": "x" })),
        ("products", json!({ "name": "x" })),
        ("engagements", json!({ "name": "x", "product": 1 })),
        ("tests", json!({ "engagement": 1, "test_type": 0x5176_82a6 })),
    ] {
        let refused = reader.post(&format!("/api/v2/{path}/"), body).await;
        assert!([400, 403].contains(&refused.status), "{path}: {refused:?}");
    }
}

async fn finds_each_kind_by_its_exact_name(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["read", "scan:upload"], None).await;
    for product in ["shop", "shop-api"] {
        for title in ["x", "xx"] {
            let parts = named(&[("product_name", product), ("test_title", title)]);
            ci.import(IMPORT, &report(&["a"]), &parts).await.expect(201);
        }
    }
    let only = async |path: &str| {
        let answer = ci.get(&format!("/api/v2/{path}")).await.expect(200);
        assert_eq!(
            (&answer["count"], answer["results"].as_array().unwrap().len()),
            (&json!(1), 1),
            "{path}: {answer:?}"
        );
        answer["results"][0].clone()
    };
    let none = async |path: &str| {
        assert_eq!(ci.get(&format!("/api/v2/{path}")).await.expect(200)["count"], json!(0), "{path}")
    };
    let product_type = only("product_types/?name=Web%20shops").await["id"].clone();
    let product = only("products/?name=shop").await["id"].clone();
    only("products/?name_exact=SHOP").await;
    only(&format!("products/?name=shop&prod_type={product_type}&unknown=1&tags=")).await;
    none(&format!("products/?name=shop&prod_type={product}")).await;
    none("products/?name=sho").await;
    let engagement = only(&format!("engagements/?name=CI/CD&product={product}&status=In%20Progress")).await;
    assert_eq!((&engagement["product"], &engagement["status"]), (&product, &json!("In Progress")));
    none(&format!("engagements/?product={product}&status=Completed")).await;
    let engagement = engagement["id"].clone();
    let test_type = only("test_types/?name=SARIF").await["id"].clone();
    let test = only(&format!("tests/?title=x&engagement={engagement}&test_type={test_type}&tags__and=a,b")).await;
    assert_eq!(
        (&test["engagement"], &test["test_type"], &test["test_type_name"]),
        (&engagement, &test_type, &json!("SARIF"))
    );
    none(&format!("tests/?title=x&engagement={engagement}&scan_type=Trivy%20Scan")).await;
    none("test_types/?name=Nothing").await;
    let first = ci.get("/api/v2/products/?limit=1&name=").await.expect(200);
    assert_eq!((&first["count"], &first["previous"]), (&json!(2), &Value::Null));
    let next = first.text("next");
    let address = app.app.config.public_url.as_str();
    assert!(next.starts_with(address), "{next}");
    let next = ci.get(next.strip_prefix(address).unwrap()).await.expect(200);
    assert_eq!((&next["results"][0]["name"], &next["next"]), (&json!("shop-api"), &Value::Null));
    for bad in ["offset=1000000000000", "offset=-1", "limit=many", "id=x"] {
        ci.get(&format!("/api/v2/products/?{bad}")).await.expect(400);
    }
    let path = format!("/api/v2/engagements/{engagement}/close/");
    ci.post(&path, json!({})).await.expect(403);
    let editor = Foreign::of(&app, &acme, &["write"], None).await;
    assert_eq!(editor.request(Method::POST, &path).send().await.expect(200)["status"], "Completed");
    let reopened = editor.request(Method::POST, &path.replace("close", "reopen")).send().await.expect(200);
    assert_eq!(reopened["status"], "In Progress");
}

async fn lists_findings_in_parts(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["read", "scan:upload"], None).await;
    let many: Vec<String> = (0..30).map(|n| format!("rule-{n}")).collect();
    let many = report(&many.iter().map(String::as_str).collect::<Vec<_>>());
    let done = ci.import(IMPORT, &many, &named(&[])).await.expect(201);
    ci.import(IMPORT, &report(&["b"]), &named(&[("product_name", "till")])).await.expect(201);
    let mut seen = Vec::new();
    let mut path = "/api/v2/findings/?product_name=shop&active=true&severity=High&limit=8".to_owned();
    loop {
        let answer = ci.get(&path).await.expect(200);
        assert_eq!(answer["count"], json!(30));
        for finding in answer["results"].as_array().unwrap() {
            assert_eq!((&finding["severity"], &finding["active"]), (&json!("High"), &json!(true)));
            seen.push(finding["id"].as_i64().unwrap());
        }
        let Some(next) = answer["next"].as_str() else { break };
        path = next.strip_prefix(app.app.config.public_url.as_str()).unwrap().to_owned();
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 30);
    let count = async |query: String| ci.get(&format!("/api/v2/findings/?{query}")).await.expect(200)["count"].clone();
    assert_eq!(count(format!("test={}", done["test"])).await, json!(30));
    assert_eq!(count(format!("test__engagement={}", done["engagement_id"])).await, json!(30));
    assert_eq!(count(format!("test__engagement__product={}", done["product_id"])).await, json!(30));
    assert_eq!(count("active=2".to_owned()).await, json!(31));
    assert_eq!(count("active=3".to_owned()).await, json!(0));
    assert_eq!(count("severity=Low".to_owned()).await, json!(0));
    assert_eq!(count("product_name=unknown".to_owned()).await, json!(0));
}

/// S-12
async fn logs_in_for_a_token_of_forty_characters(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (email, password) = crate::auth::user_with_password(&app, "ann@example.com").await;
    crate::access::join(&app, &acme, &email, "editor").await;
    let form = app.anybody().request(Method::POST, "/api/v2/api-token-auth/");
    let form = form.body(
        "application/x-www-form-urlencoded",
        format!("username=ann%40example.com&password={}", password.replace(' ', "+")),
    );
    let by_form = form.send().await.expect(200);
    let by_json = json!({ "username": email, "password": password });
    let by_json = app.anybody().post("/api/v2/api-token-auth", by_json).await.expect(200);
    for answer in [&by_form, &by_json] {
        let token = answer.text("token");
        assert_eq!((token.len(), answer.header("cache-control")), (40, "no-store"));
        let ci = Foreign { client: app.anybody(), authorization: format!("Token {token}") };
        let profile = ci.get("/api/v2/user_profile/").await.expect(200);
        assert_eq!(profile["user"]["username"], json!(email));
        ci.import(IMPORT, &report(&["a"]), &named(&[])).await.expect(201);
        // It opens nothing else.
        app.anybody().with_bearer(&token).get("/api/v1/me").await.expect(401);
        app.anybody().with_bearer(&token).get("/api/v1/organizations/acme/products").await.expect(401);
        app.anybody().post("/api/v1/auth/refresh", json!({ "refresh_token": token })).await.expect(401);
    }
    let token = by_form.text("token");
    let ci = Foreign { client: app.anybody(), authorization: format!("Token {token}") };
    app.app.clock.advance(Duration::from_secs(24 * 3600));
    ci.get("/api/v2/user_profile/").await.expect(401);
}

/// S-12
async fn refuses_logins_after_too_many_wrong_passwords(app: TestApp) {
    let app = app.restart_with(&[("login_attempts", "2")]).await;
    let (email, password) = crate::auth::user_with_password(&app, "ann@example.com").await;
    let login = async |password: &str| {
        app.anybody().post("/api/v2/api-token-auth/", json!({ "username": email, "password": password })).await
    };
    for _ in 0..2 {
        login("not the password").await.expect(401);
    }
    let refused = login(&password).await.expect(429);
    assert!(!refused.header("retry-after").is_empty());
    app.anybody().post("/api/v1/auth/login", json!({ "email": email, "password": password })).await.expect(429);
}

async fn a_person_of_several_organizations_needs_an_api_token(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    acme.admin.get("/api/v2/products/").await.expect(200);
    let (email, password) = crate::auth::user_with_password(&app, "ann@example.com").await;
    let token = app.anybody().post("/api/v2/api-token-auth/", json!({ "username": email, "password": password })).await;
    let ann = Foreign { client: app.anybody(), authorization: format!("Token {}", token.expect(200).text("token")) };
    ann.get("/api/v2/products/").await.expect(403);
    crate::access::join(&app, &acme, &email, "viewer").await;
    ann.get("/api/v2/products/").await.expect(200);
    crate::access::join(&app, &other, &email, "viewer").await;
    ann.get("/api/v2/products/").await.expect(403);
}

async fn first_imports_at_once_make_one_test(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["read", "scan:upload"], None).await;
    let (demo, parts) = (report(&["a", "b"]), named(&[("test_title", "x")]));
    let answers = join_all((0..8).map(|_| ci.import(IMPORT, &demo, &parts))).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer["test"]), (201, &answers[0]["test"]), "{answer:?}");
    }
    for kind in ["product_types", "products", "engagements", "tests"] {
        assert_eq!(ci.get(&format!("/api/v2/{kind}/")).await.expect(200)["count"], json!(1), "{kind}");
    }
    assert_eq!(acme.viewer.get_all("/observations").await.len(), 2);
}

/// PB-8
async fn uploads_as_secobserve_does_and_asks_whether_it_may_go_on(app: TestApp) {
    let acme = app.tenant("acme").await;
    let mut ci = Foreign::of(&app, &acme, &["read", "scan:upload"], None).await;
    ci.authorization = ci.authorization.replace("Token", "APIToken");
    let path = "/api/import/file_upload_observations_by_name/";
    let parts =
        [("product_name", "shop"), ("branch_name", "main"), ("parser_name", "anything"), ("suppress_licenses", "true")];
    let counts = |answer: &Answer| {
        ["new", "updated", "resolved"].map(|name| answer[format!("observations_{name}").as_str()].as_i64().unwrap())
    };
    let first = ci.import(path, &report(&["a", "b"]), &parts).await.expect(200);
    assert_eq!(counts(&first), [2, 0, 0]);
    let again = ci.import(path.trim_end_matches('/'), &report(&["a", "b"]), &parts).await.expect(200);
    assert_eq!(counts(&again), [0, 0, 0]);
    assert_eq!(counts(&ci.import(path, &report(&["a"]), &parts).await.expect(200)), [0, 0, 1]);
    // Another image is another source; a bill of materials resolves nothing.
    let image = [parts[0], parts[1], ("docker_image_name_tag", "shop:1.2")];
    assert_eq!(counts(&ci.import(path, &report(&["c"]), &image).await.expect(200)), [1, 0, 0]);
    let sbom = "/api/import/file_upload_sbom_by_name/";
    assert_eq!(counts(&ci.import(sbom, &sarif(&[]), &parts).await.expect(200)), [0, 0, 0]);
    ci.import(path, &report(&["a"]), &[("branch_name", "main")]).await.expect(400);

    let product = acme.viewer.get_all("/products").await.remove(0)["id"].as_str().unwrap().to_owned();
    let verdict = async || {
        let answer = ci.get("/api/products/?name=shop").await.expect(200);
        assert_eq!((&answer["count"], &answer["results"][0]["name"]), (&json!(1), &json!("shop")));
        answer["results"][0]["security_gate_passed"].clone()
    };
    assert_eq!(verdict().await, Value::Null);
    let gate = format!("/products/{product}/security-gate");
    acme.viewer.get(&gate).await.expect(404);
    acme.editor.put(&gate, json!({ "most_active": { "high": 0 } })).await.expect(200);
    // Nothing was scanned without a branch, and no branch is the default yet.
    assert_eq!(verdict().await, json!(true));
    let branches = acme.viewer.get_all(&format!("/products/{product}/branches")).await;
    let default = json!({ "default_branch_id": branches[0]["id"] });
    acme.editor.patch(&format!("/products/{product}"), default).await.expect(200);
    assert_eq!(verdict().await, json!(false));
    let judged = acme.viewer.get(&gate).await.expect(200);
    assert_eq!((&judged["active"]["high"], &judged["is_passed"]), (&json!(2), &json!(false)));
    let put = acme.editor.put(&gate, json!({ "most_active": { "critical": 0, "high": 2 } })).await.expect(200);
    assert_eq!((put.header("etag"), verdict().await), ("\"2\"", json!(true)));
    ci.import(path, &report(&["x"]), &[parts[0], ("branch_name", "feature")]).await.expect(200);
    assert_eq!(verdict().await, json!(true));
    for (body, pointer) in [
        (json!({ "most_active": {} }), "/most_active"),
        (json!({ "most_active": { "high": -1 } }), "/most_active/high"),
    ] {
        assert_eq!(acme.editor.put(&gate, body).await.expect(400).pointers(), [pointer]);
    }
    acme.viewer.put(&gate, json!({ "most_active": { "high": 9 } })).await.expect(403);
    let stale = acme.editor.request(Method::DELETE, &gate).header("if-match", "\"1\"").send().await;
    stale.expect(412);
    acme.editor.delete(&gate).await.expect(204);
    assert_eq!(verdict().await, Value::Null);
    assert_eq!(ci.get("/api/products?name=sho").await.expect(200)["count"], json!(0));
}

/// PB-6: what a format is called elsewhere is known here.
async fn report_formats_are_listed_for_everybody(app: TestApp) {
    let formats = app.anybody().get("/api/v1/report-formats").await.expect(200);
    let sarif = formats["items"].as_array().unwrap().iter().find(|format| format["name"] == "sarif").unwrap();
    assert_eq!(sarif["defectdojo_scan_types"], json!(["SARIF", "Snyk Code Scan"]));
    let acme = app.tenant("acme").await;
    let ci = Foreign::of(&app, &acme, &["read", "scan:upload"], None).await;
    let types = ci.get("/api/v2/test_types/?limit=1000").await.expect(200);
    for format in formats["items"].as_array().unwrap() {
        for field in ["title", "tool", "example"] {
            assert!(format[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {format}");
        }
        for name in format["defectdojo_scan_types"].as_array().unwrap() {
            assert!(types["results"].as_array().unwrap().iter().any(|known| known["name"] == *name), "{name}");
        }
    }
}
