//! Products, branches, engagements and assets.

use std::time::Duration;

use patchbay::access::model::Caller;
use patchbay::access::permission::{Permissions, Role};
use patchbay::base::actor::Actor;
use patchbay::base::error::ApiError;
use patchbay::base::scope::ProductScope;
use patchbay::db::conn::Conn;
use patchbay::products::target::{self, Target, Wanted};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::both_databases;
use crate::builders::Tenant;
use crate::sarif::sarif;

both_databases!(
    a_name_of_a_hidden_product_is_taken_and_no_more_is_said,
    a_product_is_made_read_changed_and_deleted,
    the_name_of_a_product_is_unique_whatever_its_case,
    products_are_found_sorted_and_counted,
    a_restricted_product_is_hidden_from_all_but_its_teams_and_admins,
    who_sees_a_product_is_for_admins_to_say,
    a_bound_token_sees_one_product,
    nobody_reaches_into_another_organization,
    branches_are_made_renamed_and_deleted,
    the_default_branch_cannot_be_deleted_or_borrowed,
    engagements_are_made_changed_and_deleted,
    assets_are_made_found_and_deleted,
    what_an_upload_names_is_found_in_its_product_or_made,
    uploads_that_name_the_same_new_things_at_once_agree_on_them,
    with_a_product_or_branch_goes_what_was_observed_there,
    changes_are_in_the_audit_log,
);

async fn a_product_is_made_read_changed_and_deleted(app: TestApp) {
    let acme = app.tenant("acme").await;
    let made = acme.editor.post("/products", json!({ "name": " Shop ", "description": "d" })).await.expect(201);
    assert_eq!(made["name"], "Shop");
    let path = format!("/products/{}", made.id());
    assert_eq!(made.header("location"), format!("/api/v1/organizations/acme{path}"));
    let read = acme.viewer.get(&path).await.expect(200);
    assert_eq!((read.body.clone(), read.header("etag")), (made.body.clone(), made.header("etag")));
    app.app.clock.advance(Duration::from_secs(1));
    let changed = acme.editor.patch(&path, json!({ "description": "other" })).await.expect(200);
    assert_eq!((changed.text("name"), changed.text("description")), ("Shop".into(), "other".into()));
    assert_eq!(changed["updated_at"], "2026-06-01T12:00:01.000000Z");
    acme.viewer.patch(&path, json!({})).await.expect(403);
    acme.editor.delete(&path).await.expect(403);
    acme.admin.delete(&path).await.expect(204);
    acme.admin.get(&path).await.expect(404);
    acme.admin.delete(&path).await.expect(404);
}

async fn the_name_of_a_product_is_unique_whatever_its_case(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    acme.editor.product("Straße").await;
    let second = acme.editor.product("second").await;
    for name in ["Straße", " STRAßE ", "straße"] {
        acme.editor.post("/products", json!({ "name": name })).await.expect(409);
        acme.editor.patch(&format!("/products/{second}"), json!({ "name": name })).await.expect(409);
    }
    acme.editor.patch(&format!("/products/{second}"), json!({ "name": "SECOND" })).await.expect(200);
    other.editor.product("Straße").await;
}

async fn products_are_found_sorted_and_counted(app: TestApp) {
    let acme = app.tenant("acme").await;
    let team = acme.admin.team("red").await;
    acme.admin.product_with("100%_shop", json!({ "team_ids": [team] })).await;
    for name in ["Ärger", "back\\slash", "shop"] {
        acme.admin.product(name).await;
    }
    for (query, expected) in [
        ("", vec!["100%_shop", "back\\slash", "shop", "Ärger"]),
        ("sort=-name", vec!["Ärger", "shop", "back\\slash", "100%_shop"]),
        ("sort=-created_at", vec!["shop", "back\\slash", "Ärger", "100%_shop"]),
        ("q=SHOP", vec!["100%_shop", "shop"]),
        ("q=%25", vec!["100%_shop"]),
        ("q=_", vec!["100%_shop"]),
        ("q=%5C", vec!["back\\slash"]),
        ("q=%C3%84RGER", vec!["Ärger"]),
        ("is_restricted=true", vec![]),
        (&format!("team={team}"), vec!["100%_shop"]),
    ] {
        let page = acme.viewer.get(&format!("/products?include=total&{query}")).await.expect(200);
        assert_eq!(page.items("name"), expected, "{query}");
        assert_eq!((&page["total"], &page["next_cursor"]), (&json!(expected.len()), &Value::Null), "{query}");
    }
}

/// PB-10
async fn a_restricted_product_is_hidden_from_all_but_its_teams_and_admins(app: TestApp) {
    let acme = app.tenant("acme").await;
    let team = acme.admin.team("red").await;
    let secret = acme.admin.product_with("secret", json!({ "is_restricted": true, "team_ids": [team] })).await;
    let open = acme.admin.product("open").await;
    let branch = acme.admin.branch(&secret, "main").await;
    let path = format!("/products/{secret}");
    for path in
        [path.clone(), format!("{path}/branches"), format!("{path}/branches/{branch}"), format!("{path}/engagements")]
    {
        acme.editor.get(&path).await.expect(404);
        acme.admin.get(&path).await.expect(200);
    }
    acme.editor.patch(&path, json!({ "description": "x" })).await.expect(404);
    acme.editor.post(&format!("{path}/branches"), json!({ "name": "x" })).await.expect(404);
    acme.editor.delete(&path).await.expect(404);
    let seen = acme.editor.get("/products?include=total").await.expect(200);
    assert_eq!((seen.items("id"), &seen["total"]), (vec![json!(open)], &json!(1)));
    assert_eq!(acme.editor.get("/products?q=secret&include=total").await["total"], 0);
    // A member of the owning team sees it with the next request.
    acme.admin.put(&format!("/teams/{team}/members/{}", acme.editor.id), json!({})).await;
    acme.editor.get(&path).await.expect(200);
    acme.viewer.get(&path).await.expect(404);
    assert_eq!(acme.editor.get_all("/products").await.len(), 2);
}

/// PB-10
async fn who_sees_a_product_is_for_admins_to_say(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let (team, foreign) = (acme.admin.team("red").await, other.admin.team("red").await);
    let path = format!("/products/{}", acme.editor.product("shop").await);
    for change in [json!({ "team_ids": [team] }), json!({ "is_restricted": true })] {
        acme.editor.patch(&path, change.clone()).await.expect(403);
        let mut made = change.clone();
        made["name"] = json!("new");
        acme.editor.post("/products", made).await.expect(403);
        acme.admin.patch(&path, change).await.expect(200);
    }
    let refused = acme.admin.patch(&path, json!({ "team_ids": [team, foreign] })).await.expect(400);
    assert_eq!(refused.pointers(), ["/team_ids/1"]);
    let kept = acme.admin.get(&path).await.expect(200);
    assert_eq!((&kept["team_ids"], &kept["is_restricted"]), (&json!([team]), &json!(true)));
}

async fn a_bound_token_sees_one_product(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (mine, other) = (acme.admin.product("mine").await, acme.admin.product("other").await);
    let bound = acme.admin.token(&["write"], Some(&mine)).await;
    assert_eq!(bound.get("/products").await.expect(200).items("id"), [json!(mine)]);
    bound.get(&format!("/products/{other}")).await.expect(404);
    bound.branch(&mine, "main").await;
    bound.post(&format!("/products/{other}/branches"), json!({ "name": "main" })).await.expect(404);
    bound.post("/products", json!({ "name": "new" })).await.expect(403);
    bound.post("/assets", json!({ "kind": "host", "name": "new" })).await.expect(403);
    let uploader = acme.admin.token(&["scan:upload"], None).await;
    uploader.get("/products").await.expect(403);
    uploader.post("/products", json!({ "name": "new" })).await.expect(403);
}

/// S-02
async fn nobody_reaches_into_another_organization(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let product = other.admin.product("theirs").await;
    let (branch, engagement) = (other.admin.branch(&product, "b").await, other.admin.engagement(&product, "e").await);
    let asset = other.admin.post("/assets", json!({ "kind": "host", "name": "h" })).await.expect(201).id();
    let mine = acme.admin.product("mine").await;
    for path in [
        format!("/products/{product}"),
        format!("/products/{product}/branches/{branch}"),
        format!("/products/{product}/engagements/{engagement}"),
        format!("/products/{mine}/branches/{branch}"),
        format!("/products/{mine}/engagements/{engagement}"),
        format!("/assets/{asset}"),
    ] {
        let read = acme.admin.get(&path).await.expect(404);
        assert!(!read["detail"].to_string().contains("theirs"), "{read:?}");
        acme.admin.delete(&path).await.expect(404);
        if !path.starts_with("/assets") {
            acme.admin.patch(&path, json!({ "name": "taken over" })).await.expect(404);
        }
        let through_theirs = acme.admin.in_organization("other");
        through_theirs.get(&path).await.expect(404);
        through_theirs.delete(&path).await.expect(404);
    }
    let refused = acme.admin.patch(&format!("/products/{mine}"), json!({ "default_branch_id": branch })).await;
    assert_eq!(refused.expect(400).pointers(), ["/default_branch_id"]);
    assert_eq!(other.admin.get_all("/products").await.len(), 1);
}

async fn branches_are_made_renamed_and_deleted(app: TestApp) {
    let acme = app.tenant("acme").await;
    let product = acme.editor.product("shop").await;
    let path = format!("/products/{product}/branches");
    assert!(acme.viewer.get_all(&path).await.is_empty(), "the implicit branch is nobody's to see");
    let main = acme.editor.branch(&product, "main").await;
    acme.editor.branch(&product, "Main").await;
    acme.editor.post(&path, json!({ "name": "main" })).await.expect(409);
    acme.viewer.post(&path, json!({ "name": "x" })).await.expect(403);
    assert_eq!(acme.viewer.get(&format!("{path}?q=MAIN&sort=created_at")).await.items("name"), ["main", "Main"]);
    let renamed = acme.editor.patch(&format!("{path}/{main}"), json!({ "name": "trunk" })).await.expect(200);
    assert_eq!((renamed.text("name").as_str(), renamed.header("etag")), ("trunk", "\"2\""));
    acme.editor.patch(&format!("{path}/{main}"), json!({ "name": "Main" })).await.expect(409);
    acme.editor.patch(&format!("{path}/{main}"), json!({ "name": " " })).await.expect(400);
    acme.editor.delete(&format!("{path}/{main}")).await.expect(204);
    acme.editor.get(&format!("{path}/{main}")).await.expect(404);
}

async fn the_default_branch_cannot_be_deleted_or_borrowed(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (shop, other) = (acme.editor.product("shop").await, acme.editor.product("other").await);
    let (main, foreign) = (acme.editor.branch(&shop, "main").await, acme.editor.branch(&other, "main").await);
    let path = format!("/products/{shop}");
    let refused = acme.editor.patch(&path, json!({ "default_branch_id": foreign })).await.expect(400);
    assert_eq!(refused.pointers(), ["/default_branch_id"]);
    acme.editor.patch(&path, json!({ "default_branch_id": main })).await.expect(200);
    acme.editor.delete(&format!("{path}/branches/{main}")).await.expect(409);
    acme.editor.patch(&path, json!({ "default_branch_id": null })).await.expect(200);
    acme.editor.delete(&format!("{path}/branches/{main}")).await.expect(204);
    // With its product, a default branch goes.
    acme.editor.patch(&format!("/products/{other}"), json!({ "default_branch_id": foreign })).await.expect(200);
    acme.admin.delete(&format!("/products/{other}")).await.expect(204);
}

async fn engagements_are_made_changed_and_deleted(app: TestApp) {
    let acme = app.tenant("acme").await;
    let product = acme.editor.product("shop").await;
    let path = format!("/products/{product}/engagements");
    let times = json!({ "name": "Pentest", "starts_at": "2026-06-02T00:00:00Z", "ends_at": "2026-06-01T00:00:00Z" });
    assert_eq!(acme.editor.post(&path, times).await.expect(400).pointers(), ["/ends_at"]);
    let made =
        acme.editor.post(&path, json!({ "name": "Pentest", "starts_at": "2026-06-02T00:00:00Z" })).await.expect(201);
    assert_eq!((&made["state"], &made["ends_at"]), (&json!("active"), &Value::Null));
    acme.editor.post(&path, json!({ "name": "Pentest" })).await.expect(409);
    let of_it = format!("{path}/{}", made.id());
    let changed = acme.editor.patch(&of_it, json!({ "state": "closed", "starts_at": null })).await.expect(200);
    assert_eq!((&changed["state"], &changed["starts_at"]), (&json!("closed"), &Value::Null));
    assert_eq!(acme.editor.patch(&of_it, json!({ "state": "done" })).await.expect(400).pointers(), ["/state"]);
    acme.editor.engagement(&product, "Release").await;
    let closed = acme.viewer.get(&format!("{path}?state=closed&state=planned&include=total")).await.expect(200);
    assert_eq!((closed.items("name"), &closed["total"]), (vec![json!("Pentest")], &json!(1)));
    acme.viewer.delete(&of_it).await.expect(403);
    acme.editor.delete(&of_it).await.expect(204);
    acme.editor.get(&of_it).await.expect(404);
}

async fn assets_are_made_found_and_deleted(app: TestApp) {
    let acme = app.tenant("acme").await;
    let make = async |kind: &str, name: &str| {
        acme.editor.post("/assets", json!({ "kind": kind, "name": name })).await.expect(201).id()
    };
    let host = make("host", "Web.example").await;
    make("image", "registry.example/shop").await;
    make("host", "db.example").await;
    acme.editor.post("/assets", json!({ "kind": "host", "name": "db.example" })).await.expect(409);
    acme.viewer.post("/assets", json!({ "kind": "host", "name": "x" })).await.expect(403);
    for (query, expected) in [
        ("", vec!["Web.example", "registry.example/shop", "db.example"]),
        ("sort=name&limit=1", vec!["Web.example", "db.example", "registry.example/shop"]),
        ("sort=-name&limit=1", vec!["registry.example/shop", "db.example", "Web.example"]),
        ("q=WEB", vec!["Web.example"]),
        ("kind=image&kind=certificate", vec!["registry.example/shop"]),
        ("product=0198c8f2-5a5c-7d3e-9b1a-2f6d1c0e4b7a", vec![]),
    ] {
        let items = acme.viewer.get_all(&format!("/assets?{query}")).await;
        let names: Vec<&str> = items.iter().map(|item| item["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{query}");
    }
    acme.editor.delete(&format!("/assets/{host}")).await.expect(204);
    acme.viewer.get(&format!("/assets/{host}")).await.expect(404);
}

/// The caller that a member of an organization is.
fn caller(tenant: &Tenant, role: Role) -> Caller {
    Caller {
        organization: tenant.id,
        actor: Actor::User(tenant.editor.id),
        permissions: Permissions::of_role(role),
        products: ProductScope::all(),
        branch: None,
    }
}

fn wanted(product: &str, branch: Option<&str>, engagement: Option<&str>) -> Wanted {
    Wanted {
        product: product.parse().unwrap(),
        branch: branch.map(|branch| branch.parse().unwrap()),
        engagement: engagement.map(|engagement| engagement.parse().unwrap()),
        create_missing: true,
    }
}

async fn resolve(app: &TestApp, caller: Caller, wanted: Wanted) -> Result<Target, ApiError> {
    let now = app.app.clock.now();
    app.app.db.write(move |conn| target::resolve(conn, &caller, &wanted, now)).await
}

/// S-01
async fn what_an_upload_names_is_found_in_its_product_or_made(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let editor = || caller(&acme, Role::Editor);
    let made = resolve(&app, editor(), wanted(" Shop ", Some("main"), Some("Pentest"))).await.unwrap();
    assert_eq!((made.product.name.as_str(), made.branch.name.as_str()), ("Shop", "main"));
    let found = resolve(&app, editor(), wanted("SHOP", Some("main"), Some("Pentest"))).await.unwrap();
    assert_eq!(found, made);
    let implicit = resolve(&app, editor(), wanted(&made.product.id.to_string(), None, None)).await.unwrap();
    assert!(implicit.branch.is_implicit() && implicit.engagement.is_none());
    // Another product's branch or engagement is none of this one's, also in the own organization.
    let second = resolve(&app, editor(), wanted("second", Some("main"), Some("Pentest"))).await.unwrap();
    let (branch, engagement) = (second.branch.id.to_string(), second.engagement.unwrap().id.to_string());
    let theirs = resolve(&app, caller(&other, Role::Editor), wanted("theirs", None, None)).await.unwrap();
    for refused in [
        wanted("shop", Some(&branch), None),
        wanted("shop", None, Some(&engagement)),
        wanted(&theirs.product.id.to_string(), None, None),
        Wanted { create_missing: false, ..wanted("theirs", None, None) },
        Wanted { create_missing: false, ..wanted("shop", Some("release"), None) },
        Wanted { create_missing: false, ..wanted("shop", None, Some("release")) },
    ] {
        let error = resolve(&app, editor(), refused.clone()).await.unwrap_err();
        assert!(matches!(error, ApiError::NotFound { .. }), "{refused:?}: {error}");
    }
    let faults = resolve(&app, editor(), wanted(" ", Some(""), Some("\t"))).await.unwrap_err();
    assert!(matches!(&faults, ApiError::Invalid(faults) if faults.len() >= 3), "{faults}");
    let refused = resolve(&app, caller(&acme, Role::Viewer), wanted("shop", None, None)).await.unwrap_err();
    assert!(matches!(refused, ApiError::Forbidden(_)));
    let bound = Caller { products: ProductScope::Only(made.product.id), ..editor() };
    assert!(resolve(&app, bound.clone(), wanted("shop", Some("new"), None)).await.is_ok());
    for refused in ["second", "unheard of"] {
        let error = resolve(&app, bound.clone(), wanted(refused, None, None)).await.unwrap_err();
        assert!(matches!(error, ApiError::NotFound { .. }), "{refused}: {error}");
    }
    assert_eq!(acme.viewer.get_all("/products").await.len(), 2);
}

async fn uploads_that_name_the_same_new_things_at_once_agree_on_them(app: TestApp) {
    let acme = app.tenant("acme").await;
    let upload = |_| resolve(&app, caller(&acme, Role::Editor), wanted("Shop", Some("main"), Some("Pentest")));
    let targets = futures_util::future::join_all((0..12).map(upload)).await;
    let first = targets[0].as_ref().unwrap();
    for target in &targets {
        assert_eq!(target.as_ref().unwrap(), first);
    }
}

/// A report of two rules in one file.
const REPORT: &str = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "demo", "rules": []}}, "results": [
    {"ruleId": "a", "message": {"text": "a"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "x.rs"}}}]},
    {"ruleId": "b", "message": {"text": "b"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "x.rs"}}}]}
]}]}"#;

#[derive(diesel::QueryableByName)]
struct Rows {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

/// How many rows are left of what scans write, whomever they belong to.
async fn rows(app: &TestApp) -> Vec<(&'static str, i64)> {
    const TABLES: [&str; 5] = ["observations", "observation_history", "observation_counts", "scan_sources", "scans"];
    let count = |conn: &mut Conn| {
        let number = |table: &'static str| {
            let query = diesel::sql_query(format!("SELECT COUNT(*) AS number FROM {table}"));
            diesel::RunQueryDsl::get_result::<Rows>(query, conn).map(|rows| (table, rows.number))
        };
        TABLES.into_iter().map(number).collect::<Result<Vec<_>, _>>()
    };
    app.app.db.read(count).await.unwrap()
}

/// SO-7
async fn with_a_product_or_branch_goes_what_was_observed_there(app: TestApp) {
    let acme = app.tenant("acme").await;
    let post = async |product: &str, branch: &str| {
        let path = format!("/scans?product={product}&branch={branch}");
        let request = acme.editor.request(Method::POST, &path).body("application/json", REPORT);
        let answer = request.send().await.expect(201);
        assert_eq!(answer["observations_new"], 2, "{answer:?}");
        answer.text("product_id")
    };
    let other = post("other", "main").await;
    let one = rows(&app).await;
    let shop = post("shop", "main").await;
    post("shop", "release").await;
    let branches = acme.viewer.get_all(&format!("/products/{shop}/branches")).await;
    let release = branches.iter().find(|branch| branch["name"] == "release").unwrap();
    let path = format!("/products/{shop}/branches/{}", release["id"].as_str().unwrap());
    acme.editor.delete(&path).await.expect(204);
    let two = rows(&app).await;
    assert!(one.iter().zip(&two).all(|(one, two)| two.1 == 2 * one.1), "{one:?} {two:?}");
    acme.admin.delete(&format!("/products/{shop}")).await.expect(204);
    assert_eq!(rows(&app).await, one);
    acme.admin.delete(&format!("/products/{other}")).await.expect(204);
    assert!(rows(&app).await.iter().all(|(_, number)| *number == 0));
}

async fn changes_are_in_the_audit_log(app: TestApp) {
    let acme = app.tenant("acme").await;
    let product = acme.editor.product("shop").await;
    let branch = acme.editor.branch(&product, "main").await;
    let path = format!("/products/{product}");
    acme.editor.patch(&path, json!({ "name": "Shop", "default_branch_id": branch })).await.expect(200);
    acme.admin.delete(&path).await.expect(204);
    let mut lines = acme.admin.get_all("/audit-log").await;
    lines.reverse();
    let actions: Vec<&Value> = lines.iter().map(|line| &line["action"]).collect();
    assert_eq!(actions, ["product.created", "branch.created", "product.changed", "product.deleted"]);
    let expected = json!({
        "name": { "old": "shop", "new": "Shop" },
        "default_branch_id": { "old": null, "new": branch },
    });
    assert_eq!(lines[2]["changes"], expected);
}

/// PB-10: names are unique in an organization, so that one is taken has to be said; by what is not.
async fn a_name_of_a_hidden_product_is_taken_and_no_more_is_said(app: TestApp) {
    let acme = app.tenant("acme").await;
    let more = json!({ "is_restricted": true, "description": "nobody may know" });
    let hidden = acme.admin.product_with("Secret", more).await;
    acme.admin.product("Common").await;
    let own = format!("/products/{}", acme.editor.product("own").await);
    let upload = acme.admin.token(&["scan:upload"], None).await;
    let mut answers = Vec::new();
    for name in ["Secret", "Common"] {
        let body = json!({ "name": name });
        let made = acme.editor.post("/products", body.clone()).await.expect(409);
        let renamed = acme.editor.patch(&own, body).await.expect(409);
        let detail = format!("the name {name:?} is taken");
        assert_eq!((&made["detail"], &renamed["detail"]), (&json!(detail), &json!(detail)));
        answers.extend([made, renamed]);
    }
    let path = "/scans?product=SECRET&create_missing=true";
    let posted =
        upload.request(Method::POST, path).body("application/json", sarif(&[]).bytes()).send().await.expect(409);
    assert_eq!(posted["detail"], "the name \"SECRET\" is taken");
    let client = acme.editor.request(Method::POST, "/api/v2/products").json(&json!({ "name": "secret" }));
    answers.extend([posted, client.send().await.expect(409)]);
    for answer in answers {
        let said = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(!said.contains(&hidden) && !said.contains("nobody may know"), "{said}");
    }
    assert_eq!(acme.admin.get_all("/products").await.len(), 3);
}
