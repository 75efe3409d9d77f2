//! Nobody sees across organizations, into products of other teams, or with rights that they no longer have.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::connection::{Connection, InstrumentationEvent, SimpleConnection};
use diesel::{QueryableByName, RunQueryDsl};
use patchbay::access::model::{ApiToken, User};
use patchbay::access::permission::Role;
use patchbay::access::{repo, secret_text};
use patchbay::base::error::ApiError;
use patchbay::base::ids::{ApiTokenId, OrganizationId, UserId};
use patchbay::db::conn::Conn;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Client, TestApp};
use crate::both_databases;
use crate::builders::Tenant;

both_databases!(
    an_organization_of_others_does_not_exist,
    nothing_of_others_can_be_reached_by_its_id,
    viewers_change_nothing,
    a_token_of_a_pipeline_reaches_nothing_but_its_own,
    who_is_demoted_or_removed_is_so_at_the_next_request,
    a_token_can_do_no_more_than_its_creator_can_now,
    a_restricted_product_is_seen_by_its_teams_and_admins_only,
    leaving_a_team_hides_its_products_at_the_next_request,
    tokens_see_restricted_products_only_on_purpose,
    a_token_is_found_by_an_index_among_ten_thousand,
);

/// A problem without what differs from request to request.
fn shape(answer: &Answer, id: &str) -> String {
    let mut problem = answer.body.clone();
    problem.as_object_mut().unwrap().remove("request_id");
    problem.to_string().replace(id, "ID")
}

/// S-02
async fn an_organization_of_others_does_not_exist(app: TestApp) {
    let (acme, shop) = (app.tenant("acme").await, app.tenant("shop").await);
    let token = acme.admin.token(&["admin"], None).await;
    let random = OrganizationId::generate().to_string();
    for client in [&*acme.admin, &token] {
        let nothing = client.in_organization(&random).get("/members").await.expect(404);
        for name in ["shop".to_owned(), shop.id.to_string(), "nobody".to_owned()] {
            let answer = client.in_organization(&name).get("/members").await.expect(404);
            assert_eq!(shape(&answer, &name), shape(&nothing, &random), "{name}");
        }
        for name in ["acme", &acme.id.to_string()] {
            client.in_organization(name).get("/members").await.expect(200);
        }
    }
    assert_eq!(acme.admin.get("/api/v1/organizations").await.expect(200).items("slug"), ["acme"]);
}

/// S-02: every operation of this part of the API that takes an id, with ids of others and ids of nobody.
async fn nothing_of_others_can_be_reached_by_its_id(app: TestApp) {
    let (acme, shop) = (app.tenant("acme").await, app.tenant("shop").await);
    let (our_team, their_team) = (acme.admin.team("ours").await, shop.admin.team("theirs").await);
    let token = json!({ "name": "ci", "scopes": ["read"] });
    let their_token = shop.admin.post("/api-tokens", token).await.expect(201).id();
    let invitation = json!({ "email": "bob@example.com", "role": "viewer" });
    let their_invitation = shop.admin.post("/invitations", invitation).await.expect(201).id();
    let (their_user, our_user) = (shop.viewer.id.to_string(), acme.viewer.id);
    let nobody = UserId::generate().to_string();
    let before = everything(&shop).await;
    for (method, path, id) in [
        (Method::GET, "/teams/ID", &their_team),
        (Method::PATCH, "/teams/ID", &their_team),
        (Method::DELETE, "/teams/ID", &their_team),
        (Method::GET, "/teams/ID/members", &their_team),
        (Method::PUT, &format!("/teams/ID/members/{our_user}"), &their_team),
        (Method::DELETE, &format!("/teams/ID/members/{our_user}"), &their_team),
        (Method::PUT, &format!("/teams/{our_team}/members/ID"), &their_user),
        (Method::DELETE, &format!("/teams/{our_team}/members/ID"), &their_user),
        (Method::GET, "/members/ID", &their_user),
        (Method::PATCH, "/members/ID", &their_user),
        (Method::DELETE, "/members/ID", &their_user),
        (Method::GET, "/invitations/ID", &their_invitation),
        (Method::DELETE, "/invitations/ID", &their_invitation),
        (Method::GET, "/api-tokens/ID", &their_token),
        (Method::PATCH, "/api-tokens/ID", &their_token),
        (Method::DELETE, "/api-tokens/ID", &their_token),
    ] {
        let ask = async |id: &str| {
            let request = acme.admin.request(method.clone(), &path.replace("ID", id));
            let request = if method == Method::PATCH { request.json(&json!({})) } else { request };
            shape(&request.send().await.expect(404), id)
        };
        assert_eq!(ask(id).await, ask(&nobody).await, "{method} {path}");
    }
    let body = json!({ "name": "red", "responsible_user_id": their_user });
    let foreign = acme.admin.post("/teams", body).await.expect(400);
    let body = json!({ "name": "red", "responsible_user_id": nobody });
    assert_eq!(shape(&foreign, &their_user), shape(&acme.admin.post("/teams", body).await.expect(400), &nobody));
    assert_eq!(everything(&shop).await, before, "nothing changed");
}

async fn everything(tenant: &Tenant) -> Vec<Value> {
    let mut found = Vec::new();
    for path in ["", "/members", "/teams", "/invitations", "/api-tokens", "/audit-log"] {
        found.push(tenant.admin.get(path).await.expect(200).body);
    }
    found
}

/// S-04
async fn viewers_change_nothing(app: TestApp) {
    let acme = app.tenant("acme").await;
    let team = acme.admin.team("Payments").await;
    let token = acme.admin.post("/api-tokens", json!({ "name": "ci", "scopes": ["read"] })).await.id();
    let editor = acme.editor.id;
    let before = everything(&acme).await;
    for client in [&*acme.viewer, &*acme.editor, &acme.admin.token(&["read", "write"], None).await] {
        for (method, path, body) in [
            (Method::PATCH, String::new(), json!({ "name": "x" })),
            (Method::DELETE, String::new(), Value::Null),
            (Method::PATCH, format!("/members/{}", acme.admin.id), json!({ "role": "viewer" })),
            (Method::PATCH, format!("/members/{editor}"), json!({ "role": "admin" })),
            (Method::DELETE, format!("/members/{}", acme.admin.id), Value::Null),
            (Method::POST, "/invitations".to_owned(), json!({ "email": "bob@example.com", "role": "admin" })),
            (Method::GET, "/invitations".to_owned(), Value::Null),
            (Method::POST, "/teams".to_owned(), json!({ "name": "x" })),
            (Method::PATCH, format!("/teams/{team}"), json!({ "name": "x" })),
            (Method::DELETE, format!("/teams/{team}"), Value::Null),
            (Method::PUT, format!("/teams/{team}/members/{editor}"), Value::Null),
            (Method::DELETE, format!("/teams/{team}/members/{editor}"), Value::Null),
            (Method::GET, "/api-tokens".to_owned(), Value::Null),
            (Method::POST, "/api-tokens".to_owned(), json!({ "name": "x", "scopes": ["admin"] })),
            (Method::PATCH, format!("/api-tokens/{token}"), json!({ "name": "x" })),
            (Method::DELETE, format!("/api-tokens/{token}"), Value::Null),
            (Method::GET, "/audit-log".to_owned(), Value::Null),
        ] {
            let request = client.request(method, &path);
            let request = if body.is_null() { request } else { request.json(&body) };
            request.send().await.expect(403);
        }
    }
    let after = everything(&acme).await;
    assert_eq!((&before[..4], before[0].clone()), (&after[..4], after[0].clone()), "nothing changed");
}

/// S-04
async fn a_token_of_a_pipeline_reaches_nothing_but_its_own(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (own, other) = (acme.admin.product("own").await, acme.admin.product("other").await);
    let upload = acme.admin.token(&["scan:upload"], Some(&own)).await;
    let bound = acme.admin.token(&["read", "write"], Some(&own)).await;
    for client in [&upload, &bound] {
        for path in ["", "/members", "/teams", "/api-tokens", "/invitations", "/audit-log"] {
            let is_own = path.is_empty() && std::ptr::eq(client, &bound);
            client.get(path).await.expect(if is_own { 200 } else { 403 });
        }
        client.get("/api/v1/me").await.expect(403);
        client.get("/api/v1/organizations").await.expect(403);
    }
    upload.get(&format!("/products/{own}")).await.expect(403);
    bound.get(&format!("/products/{own}")).await.expect(200);
    bound.get(&format!("/products/{other}")).await.expect(404);
    bound.patch(&format!("/products/{other}"), json!({ "name": "x" })).await.expect(404);
    assert_eq!(bound.get("/products").await.expect(200).items("name"), ["own"]);
}

/// S-07
async fn who_is_demoted_or_removed_is_so_at_the_next_request(app: TestApp) {
    let acme = app.tenant("acme").await;
    let editor = format!("/members/{}", acme.editor.id);
    acme.editor.product("shop").await;
    acme.admin.patch(&editor, json!({ "role": "viewer" })).await.expect(200);
    acme.editor.post("/products", json!({ "name": "x" })).await.expect(403);
    acme.editor.get("/products").await.expect(200);
    acme.admin.delete(&editor).await.expect(204);
    acme.editor.get("/products").await.expect(404);
    acme.editor.get("/api/v1/me").await.expect(200);
    acme.viewer.delete(&format!("/members/{}", acme.viewer.id)).await.expect(204);
    acme.viewer.get("").await.expect(404);
}

/// S-07
async fn a_token_can_do_no_more_than_its_creator_can_now(app: TestApp) {
    let acme = app.tenant("acme").await;
    let editor = format!("/members/{}", acme.editor.id);
    acme.admin.patch(&editor, json!({ "role": "admin" })).await.expect(200);
    let machine = acme.editor.token(&["admin"], None).await;
    let team = acme.admin.team("Payments").await;
    let restricted = json!({ "is_restricted": true, "team_ids": [team] });
    let product = format!("/products/{}", acme.admin.product_with("secret", restricted).await);
    machine.get("/api-tokens").await.expect(200);
    machine.get(&product).await.expect(200);
    acme.admin.patch(&editor, json!({ "role": "editor" })).await.expect(200);
    machine.get("/api-tokens").await.expect(403);
    machine.get(&product).await.expect(404);
    machine.post("/products", json!({ "name": "x" })).await.expect(201);
    acme.admin.patch(&editor, json!({ "role": "viewer" })).await.expect(200);
    machine.post("/products", json!({ "name": "y" })).await.expect(403);
    set_active(&app, acme.editor.id, false).await;
    machine.get("/products").await.expect(401);
    set_active(&app, acme.editor.id, true).await;
    machine.get("/products").await.expect(200);
    acme.admin.delete(&editor).await.expect(204);
    machine.get("/products").await.expect(401);
    assert_eq!(acme.admin.get("/api-tokens").await.expect(200).items("id"), [] as [Value; 0]);
}

async fn set_active(app: &TestApp, id: UserId, is_active: bool) {
    let changed = app.app.db.write(move |conn| {
        let user = repo::users::find(conn, id)?.unwrap();
        Ok(repo::users::update(conn, &User { is_active, version: user.version + 1, ..user })?)
    });
    assert!(changed.await.unwrap());
}

/// A product that only the team `Payments` owns, with nobody in it; the paths of team and product.
async fn restricted(acme: &Tenant) -> (String, String) {
    let team = acme.admin.team("Payments").await;
    let more = json!({ "is_restricted": true, "team_ids": [team] });
    let product = acme.admin.product_with("secret", more).await;
    acme.admin.product("open").await;
    (format!("/teams/{team}"), format!("/products/{product}"))
}

async fn names(client: &Client) -> Vec<Value> {
    client.get("/products").await.expect(200).items("name")
}

/// PB-10
async fn a_restricted_product_is_seen_by_its_teams_and_admins_only(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (team, product) = restricted(&acme).await;
    acme.admin.put(&format!("{team}/members/{}", acme.viewer.id), json!({})).await.expect(204);
    for client in [&*acme.admin, &*acme.viewer] {
        client.get(&product).await.expect(200);
        assert_eq!(names(client).await, ["open", "secret"]);
    }
    let hidden = acme.editor.get(&product).await.expect(404);
    let nobody = format!("/products/{}", UserId::generate());
    let absent = acme.editor.get(&nobody).await.expect(404);
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    assert_eq!(shape(&hidden, &id(&product)), shape(&absent, &id(&nobody)));
    assert_eq!(names(&acme.editor).await, ["open"]);
    acme.editor.patch(&product, json!({ "name": "x" })).await.expect(404);
    acme.editor.delete(&product).await.expect(404);
}

/// PB-10, S-07
async fn leaving_a_team_hides_its_products_at_the_next_request(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (team, product) = restricted(&acme).await;
    let member = format!("{team}/members/{}", acme.viewer.id);
    acme.viewer.get(&product).await.expect(404);
    acme.admin.put(&member, json!({})).await.expect(204);
    acme.viewer.get(&product).await.expect(200);
    acme.admin.delete(&member).await.expect(204);
    acme.viewer.get(&product).await.expect(404);
    acme.admin.put(&member, json!({})).await.expect(204);
    acme.admin.delete(&team).await.expect(204);
    acme.viewer.get(&product).await.expect(404);
    acme.admin.get(&product).await.expect(200);
}

/// PB-10
async fn tokens_see_restricted_products_only_on_purpose(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (_, product) = restricted(&acme).await;
    let id = product.rsplit('/').next().unwrap();
    let organization_wide = acme.admin.token(&["read", "write"], None).await;
    organization_wide.get(&product).await.expect(404);
    assert_eq!(names(&organization_wide).await, ["open"]);
    let admin = acme.admin.token(&["admin"], None).await;
    assert_eq!(names(&admin).await, ["open", "secret"]);
    let bound = acme.admin.token(&["read"], Some(id)).await;
    assert_eq!(names(&bound).await, ["secret"]);
    let heir = format!("/members/{}", acme.editor.id);
    acme.admin.patch(&heir, json!({ "role": "admin" })).await.expect(200);
    let creator = format!("/members/{}", acme.admin.id);
    acme.editor.patch(&creator, json!({ "role": "editor" })).await.expect(200);
    bound.get("/products").await.expect(401);
}

#[derive(QueryableByName)]
struct SqlitePlan {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresPlan {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
    line: String,
}

/// S-13: the statement that finds a token reads index entries, so ten thousand tokens cost what ten do.
async fn a_token_is_found_by_an_index_among_ten_thousand(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (organization_id, created_by, now) = (acme.id, acme.admin.id, app.app.clock.now());
    let many = app.app.db.write(move |conn| {
        for n in 0..10_000 {
            let token = ApiToken {
                id: ApiTokenId::generate(),
                organization_id,
                product_id: None,
                name: format!("token {n}"),
                token_hash: secret_text::hash(&format!("token {n}")),
                token_prefix: "pb_0000".to_owned(),
                scopes: "read".to_owned(),
                expires_at: None,
                revoked_at: None,
                created_by,
                version: 1,
                created_at: now,
            };
            repo::tokens::insert(conn, &token)?;
        }
        diesel::sql_query("ANALYZE").execute(conn)?;
        Ok(())
    });
    many.await.unwrap();
    let machine = acme.admin.token(&["read"], None).await;
    machine.get("/products").await.expect(200);
    let plan = app.app.db.read(move |conn| {
        let sql = statement_of(conn, |conn| {
            let found = repo::credentials::live_token(conn, &secret_text::hash("token 5000"), now).unwrap().unwrap();
            assert_eq!((found.token.name.as_str(), found.creator_role), ("token 5000", Role::Admin));
        });
        plan_of(conn, &sql, "'\\x00', 0, TRUE, 1")
    });
    let plan = plan.await.unwrap();
    assert!(!plan.is_empty());
    for line in plan {
        let is_scan = line.contains("SCAN") || line.contains("Seq Scan on api_tokens");
        assert!(!is_scan, "{line}");
    }
    app.app.clock.advance(Duration::from_secs(61));
    machine.get("/products").await.expect(200);
}

/// The statement that `work` sends.
fn statement_of(conn: &mut Conn, work: impl FnOnce(&mut Conn)) -> String {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sent);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            seen.lock().unwrap().push(query.to_string());
        }
    });
    work(conn);
    conn.set_instrumentation(|_: InstrumentationEvent<'_>| {});
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent[0].split("-- binds:").next().unwrap().trim().to_owned()
}

/// How the database runs it; PostgreSQL wants to know the values.
fn plan_of(conn: &mut Conn, sql: &str, values: &str) -> Result<Vec<String>, ApiError> {
    let explain = if conn.is_sqlite() {
        format!("EXPLAIN QUERY PLAN {sql}")
    } else {
        conn.batch_execute(&format!("PREPARE it AS {sql}"))?;
        format!("EXPLAIN EXECUTE it ({values})")
    };
    if conn.is_sqlite() {
        let lines: Vec<SqlitePlan> = diesel::sql_query(explain).load(conn)?;
        return Ok(lines.into_iter().map(|line| line.detail).collect());
    }
    let lines: Vec<PostgresPlan> = diesel::sql_query(explain).load(conn)?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}
