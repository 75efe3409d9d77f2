//! Organizations, members, teams, API tokens, users and the audit log, as an admin meets them.

use std::time::Duration;

use patchbay::access::repo;
use patchbay::access::service::first_start;
use patchbay::base::ids::{ApiTokenId, UserId};
use patchbay::base::secret::Secret;
use serde_json::{Value, json};

use crate::app::{Answer, Client, TestApp};
use crate::both_databases;
use crate::builders::Tenant;

const PASSWORD: &str = "correct horse battery staple";

both_databases!(
    the_first_start_makes_one_admin_with_an_organization,
    an_operator_who_lost_the_password_gets_back_in,
    only_superusers_make_organizations,
    an_organization_changes_and_goes_only_when_it_is_empty,
    a_person_joins_with_the_code_that_an_admin_hands_them,
    an_account_joins_a_second_organization_with_its_own_password,
    a_code_works_once_until_it_is_withdrawn_replaced_or_too_old,
    the_last_admin_stays,
    two_admins_who_demote_each_other_leave_one,
    a_team_keeps_its_name_for_itself_and_answers_with_a_member,
    a_token_is_shown_once_and_works_until_it_is_revoked_or_expires,
    a_token_is_checked_before_it_is_made,
    the_use_of_a_token_is_noted_once_a_minute,
    superusers_manage_users_and_one_stays,
    every_change_is_in_the_audit_log_and_no_secret_is,
    a_stale_change_is_refused,
    lists_come_in_pages_with_totals,
);

/// The first superuser, logged in, in the organization `default`.
async fn superuser(app: &TestApp) -> Client {
    let now = app.app.clock.now();
    let password = Some(Secret::new(PASSWORD.to_owned()));
    let made = move |conn: &mut _| first_start::ensure_admin(conn, "root@example.com", password, now);
    app.app.db.write(made).await.unwrap();
    login(app, "root@example.com", PASSWORD).await.in_organization("default")
}

async fn login(app: &TestApp, email: &str, password: &str) -> Client {
    let credentials = json!({ "email": email, "password": password });
    let tokens = app.anybody().post("/api/v1/auth/login", credentials).await.expect(200);
    app.anybody().with_bearer(tokens.text("access_token"))
}

async fn invite(admin: &Client, email: &str, role: &str) -> Answer {
    admin.post("/invitations", json!({ "email": email, "role": role })).await
}

async fn accept(app: &TestApp, code: &str, name: Option<&str>, password: &str) -> Answer {
    let body = json!({ "code": code, "name": name, "password": password });
    app.anybody().post("/api/v1/auth/invitations/accept", body).await
}

async fn the_first_start_makes_one_admin_with_an_organization(app: TestApp) {
    let now = app.app.clock.now();
    let first = app.app.db.write(move |conn| first_start::ensure_admin(conn, "Root@example.com", None, now)).await;
    let first = first.unwrap().unwrap();
    let password = first.made_up_password.unwrap();
    assert_eq!(password.expose().len(), 24);
    let root = login(&app, "root@example.com", password.expose()).await;
    let me = root.get("/api/v1/me").await.expect(200);
    assert_eq!(me["is_superuser"], json!(true));
    assert_eq!(me["memberships"][0]["organization"]["slug"], json!("default"));
    assert_eq!(me["memberships"][0]["role"], json!("admin"));
    let second = app.app.db.write(move |conn| first_start::ensure_admin(conn, "other@example.com", None, now)).await;
    assert!(second.unwrap().is_none());
}

async fn an_operator_who_lost_the_password_gets_back_in(app: TestApp) {
    let root = superuser(&app).await;
    let now = app.app.clock.now();
    let again = app.app.db.write(move |conn| first_start::create_admin(conn, "root@example.com", None, now)).await;
    let password = again.unwrap().made_up_password.unwrap();
    root.get("/api/v1/me").await.expect(401);
    let root = login(&app, "root@example.com", password.expose()).await;
    root.in_organization("default").get("/members").await.expect(200);
}

async fn only_superusers_make_organizations(app: TestApp) {
    let (root, acme) = (superuser(&app).await, app.tenant("acme").await);
    let shop = json!({ "slug": "shop", "name": "Shop" });
    acme.admin.post("/api/v1/organizations", shop.clone()).await.expect(403);
    let made = root.post("/api/v1/organizations", shop.clone()).await.expect(201);
    assert_eq!(made.header("location"), format!("/api/v1/organizations/{}", made.id()));
    root.get(made.header("location")).await.expect(200);
    root.in_organization("shop").get("/members").await.expect(200);
    root.in_organization(made.id()).get("/members").await.expect(200);
    root.post("/api/v1/organizations", shop).await.expect(409);
    root.in_organization("acme").get("/members").await.expect(404);
    for (body, pointers) in [
        (json!({ "slug": "Shop!", "name": " " }), vec!["/slug", "/name"]),
        (json!({ "slug": acme.id, "name": "x" }), vec!["/slug"]),
    ] {
        let refused = root.post("/api/v1/organizations", body).await.expect(400);
        assert_eq!(refused.pointers(), pointers);
    }
    let slugs = root.get("/api/v1/organizations").await.expect(200).items("slug");
    assert_eq!(slugs, ["default", "shop"]);
}

async fn an_organization_changes_and_goes_only_when_it_is_empty(app: TestApp) {
    let acme = app.tenant("acme").await;
    acme.editor.patch("", json!({ "tracker_traffic_stopped": true })).await.expect(403);
    let changed = acme.admin.patch("", json!({ "tracker_traffic_stopped": true, "slug": "acme-2" })).await.expect(200);
    assert_eq!((&changed["tracker_traffic_stopped"], &changed["name"]), (&json!(true), &json!("acme")));
    acme.admin.get("").await.expect(404);
    let admin = acme.admin.in_organization("acme-2");
    assert_eq!(admin.get("").await.expect(200)["tracker_traffic_stopped"], json!(true));
    let product = admin.product("shop").await;
    admin.delete("").await.expect(409);
    admin.get("").await.expect(200);
    admin.delete(&format!("/products/{product}")).await.expect(204);
    acme.editor.in_organization("acme-2").delete("").await.expect(403);
    admin.delete("").await.expect(204);
    admin.get("").await.expect(404);
}

async fn a_person_joins_with_the_code_that_an_admin_hands_them(app: TestApp) {
    let acme = app.tenant("acme").await;
    let invitation = invite(&acme.admin, " Bob@Example.com ", "editor").await.expect(201);
    assert_eq!(invitation["email"], json!("bob@example.com"));
    let path = format!("/invitations/{}", invitation.id());
    assert_eq!(acme.admin.get(&path).await.expect(200)["code"], Value::Null);
    let code = invitation.text("code");
    let refused = accept(&app, &code, None, "short").await.expect(400);
    assert_eq!(refused.pointers(), ["/name", "/password"]);
    let joined = accept(&app, &code, Some("Bob"), PASSWORD).await.expect(200);
    assert_eq!((&joined["organization_slug"], &joined["role"]), (&json!("acme"), &json!("editor")));
    let bob = login(&app, "bob@example.com", PASSWORD).await.in_organization("acme");
    bob.product("shop").await;
    bob.post("/teams", json!({ "name": "Payments" })).await.expect(403);
    acme.admin.get(&path).await.expect(404);
    invite(&acme.admin, "bob@example.com", "admin").await.expect(409);
}

/// An admin of one organization neither learns about users of another nor gets into their accounts.
async fn an_account_joins_a_second_organization_with_its_own_password(app: TestApp) {
    let (acme, shop) = (app.tenant("acme").await, app.tenant("shop").await);
    let code = invite(&acme.admin, "bob@example.com", "viewer").await.expect(201).text("code");
    accept(&app, &code, Some("Bob"), PASSWORD).await.expect(200);
    let known = invite(&shop.admin, "bob@example.com", "viewer").await.expect(201);
    let unknown = invite(&shop.admin, "eve@example.com", "viewer").await.expect(201);
    let fields = |answer: &Answer| answer.body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&known), fields(&unknown));
    accept(&app, &known.text("code"), Some("Mallory"), "a password of the admin").await.expect(401);
    accept(&app, &known.text("code"), None, PASSWORD).await.expect(200);
    let bob = login(&app, "bob@example.com", PASSWORD).await;
    let me = bob.get("/api/v1/me").await.expect(200);
    assert_eq!(me["name"], json!("Bob"));
    assert_eq!(me["memberships"].as_array().unwrap().len(), 2);
}

async fn a_code_works_once_until_it_is_withdrawn_replaced_or_too_old(app: TestApp) {
    let acme = app.tenant("acme").await;
    let used = invite(&acme.admin, "a@example.com", "viewer").await.text("code");
    accept(&app, &used, Some("A"), PASSWORD).await.expect(200);
    let withdrawn = invite(&acme.admin, "b@example.com", "viewer").await;
    acme.admin.delete(&format!("/invitations/{}", withdrawn.id())).await.expect(204);
    let replaced = invite(&acme.admin, "c@example.com", "viewer").await.text("code");
    let old = invite(&acme.admin, "c@example.com", "admin").await.text("code");
    for code in [&used, &withdrawn.text("code"), &replaced, "pbi_", ""] {
        assert_eq!(accept(&app, code, Some("X"), PASSWORD).await.expect(400).pointers(), ["/code"]);
    }
    app.app.clock.advance(Duration::from_secs(7 * 24 * 3600));
    accept(&app, &old, Some("C"), PASSWORD).await.expect(400);
}

async fn the_last_admin_stays(app: TestApp) {
    let acme = app.tenant("acme").await;
    let admin = format!("/members/{}", acme.admin.id);
    acme.admin.patch(&admin, json!({ "role": "editor" })).await.expect(409);
    acme.admin.delete(&admin).await.expect(409);
    let editor = format!("/members/{}", acme.editor.id);
    acme.admin.patch(&editor, json!({ "role": "admin" })).await.expect(200);
    acme.admin.patch(&admin, json!({ "role": "viewer" })).await.expect(200);
    acme.editor.patch(&editor, json!({ "role": "viewer" })).await.expect(409);
    assert_eq!(acme.editor.get(&editor).await.expect(200)["role"], json!("admin"));
    acme.admin.delete(&admin).await.expect(204);
    acme.admin.get("").await.expect(404);
}

async fn two_admins_who_demote_each_other_leave_one(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (first, second) = (format!("/members/{}", acme.admin.id), format!("/members/{}", acme.editor.id));
    acme.admin.patch(&second, json!({ "role": "admin" })).await.expect(200);
    let viewer = json!({ "role": "viewer" });
    let (one, other) = tokio::join!(acme.admin.patch(&second, viewer.clone()), acme.editor.patch(&first, viewer));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert!(statuses == [200, 403] || statuses == [200, 409], "{statuses:?}");
    let members = acme.viewer.get("/members").await.expect(200);
    assert_eq!(members.items("role").iter().filter(|role| **role == json!("admin")).count(), 1);
}

async fn a_team_keeps_its_name_for_itself_and_answers_with_a_member(app: TestApp) {
    let (acme, shop) = (app.tenant("acme").await, app.tenant("shop").await);
    let body = json!({ "name": " Payments ", "responsible_user_id": acme.viewer.id });
    let team = acme.admin.post("/teams", body).await.expect(201);
    assert_eq!((&team["name"], &team["responsible_user_id"]), (&json!("Payments"), &json!(acme.viewer.id)));
    acme.admin.post("/teams", json!({ "name": "Payments" })).await.expect(409);
    shop.admin.post("/teams", json!({ "name": "Payments" })).await.expect(201);
    let path = format!("/teams/{}", team.id());
    let foreign = json!({ "responsible_user_id": shop.viewer.id });
    assert_eq!(acme.admin.patch(&path, foreign).await.expect(400).pointers(), ["/responsible_user_id"]);
    let renamed = acme.admin.patch(&path, json!({ "name": "Checkout" })).await.expect(200);
    assert_eq!(renamed["responsible_user_id"], json!(acme.viewer.id));
    let member = format!("{path}/members/{}", acme.viewer.id);
    for _ in 0..2 {
        acme.admin.put(&member, json!({})).await.expect(204);
    }
    acme.admin.put(&format!("{path}/members/{}", shop.viewer.id), json!({})).await.expect(404);
    let members = acme.viewer.get(&format!("{path}/members")).await.expect(200);
    assert_eq!(members.items("user_id"), [json!(acme.viewer.id)]);
    acme.admin.delete(&format!("/members/{}", acme.viewer.id)).await.expect(204);
    assert_eq!(acme.admin.get(&path).await.expect(200)["responsible_user_id"], Value::Null);
    assert_eq!(acme.admin.get(&format!("{path}/members")).await.expect(200).items("user_id"), [] as [Value; 0]);
    acme.admin.delete(&member).await.expect(404);
    acme.admin.delete(&path).await.expect(204);
    acme.admin.get(&path).await.expect(404);
}

async fn a_token_is_shown_once_and_works_until_it_is_revoked_or_expires(app: TestApp) {
    let acme = app.tenant("acme").await;
    let body = json!({ "name": "ci", "scopes": ["write", "read", "write"], "expires_at": "2026-06-02T12:00:00Z" });
    let made = acme.admin.post("/api-tokens", body).await.expect(201);
    let secret = made.text("token");
    assert_eq!(secret.len(), 40);
    assert_eq!(made["scopes"], json!(["read", "write"]));
    let path = format!("/api-tokens/{}", made.id());
    for answer in [acme.admin.get(&path).await.expect(200), acme.admin.get("/api-tokens").await.expect(200)] {
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(&secret));
        assert!(String::from_utf8_lossy(&answer.bytes).contains(&secret[..7]));
    }
    let machine = acme.admin.with_bearer(&secret);
    machine.product("shop").await;
    machine.get("/api/v1/me").await.expect(403);
    app.app.clock.advance(Duration::from_secs(24 * 3600));
    machine.get("/products").await.expect(401);
    let past = json!({ "expires_at": "2026-06-02T12:00:00Z" });
    assert_eq!(acme.admin.patch(&path, past).await.expect(400).pointers(), ["/expires_at"]);
    acme.admin.patch(&path, json!({ "expires_at": null, "name": "ci 2" })).await.expect(200);
    machine.get("/products").await.expect(200);
    acme.admin.delete(&path).await.expect(204);
    machine.get("/products").await.expect(401);
    acme.admin.get(&path).await.expect(404);
}

async fn a_token_is_checked_before_it_is_made(app: TestApp) {
    let (acme, shop) = (app.tenant("acme").await, app.tenant("shop").await);
    let foreign = shop.admin.product("theirs").await;
    let ours = acme.admin.product("ours").await;
    for (body, pointers) in [
        (
            json!({ "name": "", "scopes": [], "expires_at": "2026-06-01T12:00:00Z" }),
            ["/name", "/scopes", "/expires_at"].as_slice(),
        ),
        (json!({ "name": "ci", "scopes": ["read"], "product_id": foreign }), &["/product_id"]),
        (json!({ "name": "ci", "scopes": ["read"], "product_id": UserId::generate() }), &["/product_id"]),
        (json!({ "name": "ci", "scopes": ["admin"], "product_id": ours }), &["/scopes"]),
    ] {
        let refused = acme.admin.post("/api-tokens", body).await.expect(400);
        assert_eq!(refused.pointers(), pointers);
    }
    let body = json!({ "name": "ci", "scopes": ["read"] });
    acme.editor.post("/api-tokens", body.clone()).await.expect(403);
    let machine = acme.admin.token(&["admin"], None).await;
    machine.post("/api-tokens", body).await.expect(403);
    machine.get("/api-tokens").await.expect(200);
}

/// S-13: neither scanned for nor written with every request.
async fn the_use_of_a_token_is_noted_once_a_minute(app: TestApp) {
    let acme = app.tenant("acme").await;
    let machine = acme.admin.token(&["read"], None).await;
    let id: ApiTokenId = acme.admin.get("/api-tokens").await.items("id")[0].as_str().unwrap().parse().unwrap();
    let organization = acme.id;
    let noted = async || {
        let find = move |conn: &mut _| repo::tokens::find(conn, organization, id);
        app.app.db.read(find).await.unwrap().unwrap().1
    };
    // The request does not wait for the note, so the test does.
    let noted_as = async |expected| {
        for _ in 0..200 {
            if noted().await == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{:?} instead of {expected:?}", noted().await);
    };
    noted_as(None).await;
    let first = app.app.clock.now();
    machine.get("/products").await.expect(200);
    noted_as(Some(first)).await;
    app.app.clock.advance(Duration::from_secs(59));
    machine.get("/products").await.expect(200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    noted_as(Some(first)).await;
    app.app.clock.advance(Duration::from_secs(1));
    machine.get("/products").await.expect(200);
    noted_as(Some(app.app.clock.now())).await;
}

async fn superusers_manage_users_and_one_stays(app: TestApp) {
    let (acme, root) = (app.tenant("acme").await, superuser(&app).await);
    acme.admin.get("/api/v1/users").await.expect(403);
    let body = json!({ "email": "bob@example.com", "name": "Bob" });
    acme.admin.post("/api/v1/users", body.clone()).await.expect(403);
    let bob = root.post("/api/v1/users", body.clone()).await.expect(201);
    root.post("/api/v1/users", body).await.expect(409);
    let (path, first_password) = (format!("/api/v1/users/{}", bob.id()), bob.text("password"));
    let client = login(&app, "bob@example.com", &first_password).await;
    let reset = root.post(&format!("{path}/password-reset"), json!({})).await.expect(200).text("password");
    client.get("/api/v1/me").await.expect(401);
    let client = login(&app, "bob@example.com", &reset).await;
    root.patch(&path, json!({ "is_active": false, "name": "Robert" })).await.expect(200);
    client.get("/api/v1/me").await.expect(401);
    assert_eq!(root.get(&path).await.expect(200)["name"], json!("Robert"));
    let myself = format!("/api/v1/users/{}", root.get("/api/v1/me").await.id());
    for patch in [json!({ "is_superuser": false }), json!({ "is_active": false })] {
        root.patch(&myself, patch).await.expect(409);
    }
    root.patch(&path, json!({ "is_active": true, "is_superuser": true })).await.expect(200);
    root.patch(&myself, json!({ "is_superuser": false })).await.expect(200);
    root.get("/api/v1/users").await.expect(403);
}

async fn every_change_is_in_the_audit_log_and_no_secret_is(app: TestApp) {
    let acme = app.tenant("acme").await;
    let invitation = invite(&acme.admin, "bob@example.com", "viewer").await.expect(201);
    let bob = accept(&app, &invitation.text("code"), Some("Bob"), PASSWORD).await.expect(200).text("user_id");
    acme.admin.patch(&format!("/members/{bob}"), json!({ "role": "editor" })).await.expect(200);
    let team = acme.admin.team("Payments").await;
    acme.admin.put(&format!("/teams/{team}/members/{bob}"), json!({})).await.expect(204);
    acme.admin.patch(&format!("/teams/{team}"), json!({ "name": "Checkout" })).await.expect(200);
    let token = acme.admin.post("/api-tokens", json!({ "name": "ci", "scopes": ["read"] })).await.expect(201);
    acme.admin.delete(&format!("/api-tokens/{}", token.id())).await.expect(204);
    let client = login(&app, "bob@example.com", PASSWORD).await;
    let new_password = "another horse another staple";
    let change = json!({ "current_password": PASSWORD, "new_password": new_password });
    client.post("/api/v1/auth/password", change).await.expect(204);
    acme.admin.delete(&format!("/members/{bob}")).await.expect(204);

    acme.editor.get("/audit-log").await.expect(403);
    let log = acme.admin.get("/audit-log").await.expect(200);
    let mut actions = log.items("action");
    actions.reverse();
    assert_eq!(
        actions,
        [
            "invitation.created",
            "member.joined",
            "member.role_changed",
            "team.created",
            "team.member_added",
            "team.changed",
            "api_token.created",
            "api_token.revoked",
            "user.password_changed",
            "member.removed",
        ]
    );
    let text = String::from_utf8_lossy(&log.bytes);
    for secret in [PASSWORD, new_password, &invitation.text("code"), &token.text("token"), "argon2", "hash"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let of_team = acme.admin.get(&format!("/audit-log?subject_id={team}&action=team.changed&include=total")).await;
    let expected = json!({ "name": { "old": "Payments", "new": "Checkout" } });
    assert_eq!((&of_team["total"], &of_team["items"][0]["changes"]), (&json!(1), &expected));
    let by_bob = acme.admin.get(&format!("/audit-log?actor_id={bob}")).await.expect(200).items("action");
    assert_eq!(by_bob, ["user.password_changed", "member.joined"]);
}

async fn a_stale_change_is_refused(app: TestApp) {
    let acme = app.tenant("acme").await;
    let team = acme.admin.team("Payments").await;
    let token = acme.admin.post("/api-tokens", json!({ "name": "ci", "scopes": ["read"] })).await.id();
    for (path, first, second) in [
        (format!("/teams/{team}"), json!({ "name": "A" }), json!({ "name": "B" })),
        (format!("/api-tokens/{token}"), json!({ "name": "A" }), json!({ "name": "B" })),
        (format!("/members/{}", acme.viewer.id), json!({ "role": "editor" }), json!({ "role": "viewer" })),
        (String::new(), json!({ "name": "A" }), json!({ "name": "B" })),
        ("/api/v1/me".to_owned(), json!({ "name": "A" }), json!({ "name": "B" })),
    ] {
        let read = acme.admin.get(&path).await.expect(200);
        let change = async |etag: &str, body: &Value| {
            let request = acme.admin.request(reqwest::Method::PATCH, &path).header("if-match", etag);
            request.json(body).send().await
        };
        let changed = change(read.header("etag"), &first).await.expect(200);
        change(read.header("etag"), &second).await.expect(412);
        change(changed.header("etag"), &second).await.expect(200);
    }
}

async fn lists_come_in_pages_with_totals(app: TestApp) {
    let acme = app.tenant("acme").await;
    for n in 0..5 {
        acme.admin.team(&format!("team {n}")).await;
        invite(&acme.admin, &format!("user-{n}@example.com"), "viewer").await.expect(201);
        acme.admin.token(&["read"], None).await;
    }
    for (path, expected) in
        [("/members", 3), ("/teams", 5), ("/invitations", 5), ("/api-tokens", 5), ("/audit-log", 15)]
    {
        let first = acme.admin.get(&format!("{path}?limit=2&include=total")).await.expect(200);
        assert_eq!((first["total"].as_i64(), first.items("id").len()), (Some(expected), 2), "{path}");
        let all = acme.admin.get_all(&format!("{path}?limit=2")).await;
        assert_eq!(all.len(), usize::try_from(expected).unwrap(), "{path}");
        let mut distinct: Vec<String> = all.iter().map(Value::to_string).collect();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len(), "{path}");
    }
}

/// Makes a user with the usual password a member of an organization.
pub async fn join(app: &TestApp, tenant: &Tenant, email: &str, role: &str) {
    let code = invite(&tenant.admin, email, role).await.expect(201).text("code");
    accept(app, &code, None, PASSWORD).await.expect(200);
}
