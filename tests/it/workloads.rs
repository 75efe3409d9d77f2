//! Runs of a CI that upload with nothing but the token of their CI.

use std::net::TcpListener;
use std::time::Duration;

use diesel::prelude::*;
use futures_util::future::join_all;
use jsonwebtoken::Algorithm;
use patchbay::base::time::UtcTime;
use patchbay::db::schema::trust_rules;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Client, TestApp};
use crate::both_databases;
use crate::builders::Tenant;
use crate::fakes::issuer::{FIRST_EC, FIRST_RSA, Issuer, SECOND_RSA, public_key, sign};
use crate::postgres::Database;
use crate::process::{self, Process};
use crate::sarif::{found, sarif};

both_databases!(
    a_run_exchanges_its_token_and_uploads_to_that_product_only,
    a_run_uploads_with_the_token_of_its_ci,
    refuses_forged_tokens_and_asks_nobody_but_the_issuer,
    a_token_is_exchanged_once_however_many_ask_at_once,
    a_rule_admits_the_runs_that_it_names_and_no_others,
    a_pipeline_of_gitlab_is_known_by_its_project,
    a_caller_who_hangs_up_keeps_the_keys_from_nobody,
    who_has_a_known_key_does_not_wait_for_an_unknown_one,
    a_rule_that_cannot_be_read_admits_nobody,
    keys_rotate_and_the_issuer_is_asked_once_a_minute_at_most,
    an_issuer_that_cannot_be_asked_is_told_apart_from_a_bad_token,
    only_trusted_issuers_are_asked_and_never_in_private_networks,
    only_admins_in_person_say_whom_to_trust,
    what_a_rule_admits_ends_with_the_rule,
    a_repository_that_several_products_trust_names_one,
    an_exchange_says_what_is_wrong_with_its_form,
);

/// Where tokens are exchanged.
pub const EXCHANGE: &str = "/api/v1/auth/oidc/exchange";
/// The public URL of the server.
pub const AUDIENCE: &str = "https://patchbay.example";
/// The content type of a form.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A server that trusts an issuer, with a product that trusts runs of repository 42.
pub struct Trusting {
    pub app: TestApp,
    pub issuer: Issuer,
    pub acme: Tenant,
    pub product: String,
}

impl Trusting {
    pub async fn new(app: TestApp) -> Self {
        let issuer = Issuer::start();
        let url = issuer.url();
        let settings = [("oidc_issuers", url.as_str()), ("private_hosts", "127.0.0.1"), ("public_url", AUDIENCE)];
        let app = app.restart_with(&settings).await;
        let acme = app.tenant("acme").await;
        let product = acme.editor.product("shop").await;
        let trusting = Self { app, issuer, acme, product };
        trusting.rule(json!({})).await.expect(201);
        trusting
    }

    /// Makes a rule with more than the usual.
    pub async fn rule(&self, more: Value) -> Answer {
        let mut rule = json!({
            "name": "releases", "provider": "github", "issuer": self.issuer.url(), "repository_id": "42", "branches": ["main"],
        });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.acme.admin.post(&self.rules(), rule).await
    }

    pub fn rules(&self) -> String {
        format!("/products/{}/trust-rules", self.product)
    }

    pub fn now_s(&self) -> i64 {
        let now: UtcTime = self.app.app.clock.now();
        now.as_micros() / 1_000_000
    }

    /// What a run on the branch main says.
    pub fn claims(&self) -> Value {
        claims_of(&self.issuer, &self.audience(), self.now_s())
    }

    /// What names the organization in tokens.
    pub fn audience(&self) -> String {
        format!("{AUDIENCE}/organizations/{}", self.acme.id)
    }

    pub fn claims_with(&self, more: Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in more.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }

    pub fn token(&self) -> String {
        self.token_of(&self.claims())
    }

    pub fn token_of(&self, claims: &Value) -> String {
        signed(claims)
    }

    pub async fn exchange(&self, token: &str) -> Answer {
        exchange(&self.app.anybody(), token, &[]).await
    }

    /// Whoever sends this as bearer.
    pub fn run(&self, bearer: &str) -> Client {
        self.app.anybody().in_organization("acme").with_bearer(bearer)
    }
}

/// What a run on the branch main says at this second.
fn claims_of(issuer: &Issuer, audience: &str, now_s: i64) -> Value {
    json!({
        "iss": issuer.url(), "aud": audience, "sub": "repo:acme/shop:ref:refs/heads/main",
        "jti": uuid::Uuid::now_v7().to_string(), "iat": now_s, "nbf": now_s, "exp": now_s + 300,
        "repository": "acme/shop", "repository_id": "42", "ref": "refs/heads/main", "ref_type": "branch",
        "event_name": "push", "workflow_ref": "acme/shop/.github/workflows/scan.yml@refs/heads/main",
    })
}

fn signed(claims: &Value) -> String {
    sign(&json!({ "alg": "RS256", "typ": "JWT", "kid": "first" }), claims, Algorithm::RS256, FIRST_RSA)
}

pub async fn exchange(client: &Client, token: &str, more: &[(&str, &str)]) -> Answer {
    let request = client.request(Method::POST, EXCHANGE);
    request.body(FORM, form(token, more)).send().await
}

/// What is sent to exchange a token, and more.
pub fn form(token: &str, more: &[(&str, &str)]) -> String {
    let usual = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", token),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(kept.chain(more.iter().copied()));
    form.finish()
}

/// PB-9
async fn a_run_exchanges_its_token_and_uploads_to_that_product_only(app: TestApp) {
    let of = Trusting::new(app).await;
    of.acme.editor.product("till").await;
    let answer = of.exchange(&of.token()).await.expect(200);
    assert_eq!((answer.text("token_type"), answer.text("scope")), ("Bearer".to_owned(), "scan:upload".to_owned()));
    assert_eq!((&answer["expires_in"], answer.header("cache-control")), (&json!(900), "no-store"));
    assert_eq!((answer.text("product_id"), answer.text("organization_slug")), (of.product.clone(), "acme".to_owned()));
    let token = answer.text("access_token");
    assert_eq!(token.len(), 40);
    let run = of.run(&token);
    let report = sarif(&[found("a", "x.rs", 1)]);
    let done = run.scan("shop", &report).await.expect(201);
    run.get(&format!("/uploads/{}", done.id())).await.expect(200);
    run.scan("till", &report).await.expect(404);
    run.scan("new", &report).await.expect(404);
    for path in ["/products", "/observations", "/members", "/api-tokens", &of.rules(), "/audit-log"] {
        run.get(path).await.expect(403);
    }
    run.post("/products", json!({ "name": "x" })).await.expect(403);
    run.get("/api/v1/me").await.expect(401);
    run.in_organization("other").get("/products").await.expect(404);
    // The clients of other servers take it as well.
    let request = of.app.anybody().request(Method::GET, "/api/v2/products/");
    let listed = request.header("authorization", &format!("Token {token}")).send().await.expect(200);
    assert_eq!((&listed["count"], &listed["results"][0]["name"]), (&json!(1), &json!("shop")));
    let log = of.acme.admin.get_all("/audit-log?action=trust_rule.token_issued").await;
    assert_eq!((log.len(), &log[0]["changes"]["repository"]["new"]), (1, &json!("acme/shop")));
    assert!(!log[0].to_string().contains(&token[4..]));
    of.app.app.clock.advance(Duration::from_secs(900));
    run.scan("shop", &report).await.expect(401);
}

/// PB-9
async fn a_run_uploads_with_the_token_of_its_ci(app: TestApp) {
    let of = Trusting::new(app).await;
    let run = of.run(&of.token());
    let report = sarif(&[found("a", "x.rs", 1)]);
    run.scan_with("shop", &report, "branch=main").await.expect(201);
    // A job has several reports, and one token.
    run.scan_with("shop", &sarif(&[found("b", "x.rs", 1)]).tool("Other"), "branch=main").await.expect(201);
    run.scan("till", &report).await.expect(404);
    run.get("/observations").await.expect(403);
    let stranger = of.token_of(&of.claims_with(json!({ "repository_id": "43" })));
    of.run(&stranger).scan("shop", &report).await.expect(403);
    of.app.app.clock.advance(Duration::from_secs(331));
    run.scan("shop", &report).await.expect(401);
}

/// S-09, and what is special about tokens of others.
async fn refuses_forged_tokens_and_asks_nobody_but_the_issuer(app: TestApp) {
    let of = Trusting::new(app).await;
    let attacker = TcpListener::bind("127.0.0.1:0").unwrap();
    attacker.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", attacker.local_addr().unwrap());
    let good = json!({ "alg": "RS256", "typ": "JWT", "kid": "first" });
    let header = |name: &str, value: Value| {
        let mut header = good.clone();
        header[name] = value;
        header
    };
    let mut forged = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE", "HS256", "RS384", "PS256", "EdDSA", ""] {
        let header = header("alg", json!(alg));
        forged.push((format!("alg {alg}"), sign(&header, &of.claims(), Algorithm::RS256, FIRST_RSA)));
    }
    let unsigned = sign(&header("alg", json!("none")), &of.claims(), Algorithm::RS256, FIRST_RSA);
    forged.push(("no signature".to_owned(), format!("{}.", unsigned.rsplit_once('.').unwrap().0)));
    // The public key as the secret of a MAC.
    let public = public_key("first", Algorithm::RS256, FIRST_RSA).to_string();
    let confused = header("alg", json!("HS256"));
    forged.push(("confused".to_owned(), sign(&confused, &of.claims(), Algorithm::HS256, public.as_bytes())));
    // The kind of key decides, not the token.
    let curve = json!({ "alg": "RS256", "typ": "JWT", "kid": "curve" });
    forged.push(("RSA with the curve's name".to_owned(), sign(&curve, &of.claims(), Algorithm::RS256, FIRST_RSA)));
    for (name, value) in [
        ("kid", json!("unknown")),
        ("kid", json!("../../etc/passwd")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", Value::Null),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!(["AAAA"])),
        ("jwk", public_key("first", Algorithm::RS256, SECOND_RSA)),
        ("crit", json!(["exp"])),
    ] {
        let header = header(name, value.clone());
        forged.push((format!("{name} {value}"), sign(&header, &of.claims(), Algorithm::RS256, FIRST_RSA)));
        forged.push((format!("{name} {value}, own key"), sign(&header, &of.claims(), Algorithm::RS256, SECOND_RSA)));
    }
    forged.push(("another key".to_owned(), sign(&good, &of.claims(), Algorithm::RS256, SECOND_RSA)));
    for claims in [
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": url }),
        json!({ "iss": null }),
        json!({ "iss": format!("{}/", of.issuer.url()) }),
        json!({ "exp": of.now_s() - 31 }),
        json!({ "exp": of.now_s() + 10 * 24 * 3600 }),
        json!({ "exp": null }),
        json!({ "exp": "never" }),
        json!({ "exp": 1e300 }),
        json!({ "nbf": of.now_s() + 60 }),
        json!({ "iat": of.now_s() + 60 }),
    ] {
        forged.push((claims.to_string(), of.token_of(&of.claims_with(claims))));
    }
    for text in ["", "a.b.c", "...", "pbw_0123456789012345678901234567890123456"] {
        forged.push((text.to_owned(), text.to_owned()));
    }
    let report = sarif(&[found("a", "x.rs", 1)]);
    // Signing so many takes long enough for the server to hang up: the client must be given time to notice.
    tokio::time::sleep(Duration::from_millis(200)).await;
    for (what, token) in &forged {
        let refused = of.exchange(token).await;
        assert_eq!(refused.status, 401, "exchange: {what}: {refused:?}");
        let refused = of.run(token).scan("shop", &report).await;
        assert_eq!(refused.status, 401, "upload: {what}: {refused:?}");
    }
    // What is signed well is not meant for us.
    for audience in [json!("https://other.example"), json!(null), json!(["a", "b"]), json!(7)] {
        of.exchange(&of.token_of(&of.claims_with(json!({ "aud": audience })))).await.expect(403);
    }
    assert!(attacker.accept().is_err(), "somebody asked the attacker for keys");
    assert!(of.acme.viewer.get_all("/observations").await.is_empty());
    // The forge makes good tokens, too.
    of.exchange(&of.token()).await.expect(200);
    let curve = sign(&json!({ "alg": "ES256", "kid": "curve" }), &of.claims(), Algorithm::ES256, FIRST_EC);
    of.exchange(&curve).await.expect(200);
    of.exchange(&of.token_of(&of.claims_with(json!({ "aud": ["x", of.audience()], "exp": of.now_s() - 29 }))))
        .await
        .expect(200);
}

/// PB-9
async fn a_token_is_exchanged_once_however_many_ask_at_once(app: TestApp) {
    let of = Trusting::new(app).await;
    let token = of.token();
    let answers = join_all((0..8).map(|_| of.exchange(&token))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);
    let sweep_after = async |seconds: u64| {
        of.app.app.clock.advance(Duration::from_secs(seconds));
        let now = of.app.app.clock.now();
        of.app.app.db.write(move |conn| patchbay::workloads::service::sweep(conn, now)).await.unwrap();
    };
    sweep_after(200).await;
    let again = of.exchange(&token).await.expect(401);
    assert!(again.text("detail").contains("exchanged before"), "{again:?}");
    // The token of a long job outlives the one that is given for it, and the other way round.
    let (short, long) = (of.token(), of.token_of(&of.claims_with(json!({ "exp": of.now_s() + 3600 }))));
    let given = of.exchange(&short).await.expect(200).text("access_token");
    of.exchange(&long).await.expect(200);
    sweep_after(400).await;
    of.run(&given).scan("shop", &sarif(&[found("a", "x.rs", 1)])).await.expect(201);
    sweep_after(501).await;
    let again = of.exchange(&long).await.expect(401);
    assert!(again.text("detail").contains("exchanged before"), "{again:?}");
    of.exchange(&of.token_of(&of.claims_with(json!({ "jti": null })))).await.expect(401);
}

/// PB-9: two processes on one database share the memory of what was given.
#[tokio::test]
async fn a_token_that_is_exchanged_at_two_instances_at_once_is_given_one_answer() {
    let Some(database) = tokio::task::spawn_blocking(Database::create_empty).await.unwrap() else { return };
    let (issuer, folder) = (Issuer::start(), tempfile::tempdir().unwrap());
    let instance = || {
        let mut command = process::command(folder.path(), Some(&database.url()));
        command.env("PATCHBAY_OIDC_ISSUERS", issuer.url()).env("PATCHBAY_PRIVATE_HOSTS", "127.0.0.1");
        command.env("PATCHBAY_PUBLIC_URL", AUDIENCE);
        Process::start_as(command)
    };
    let instances = [instance().await, instance().await];
    let post = async |path: &str, body: Value| {
        let (status, made) =
            instances[0].send(Method::POST, &format!("/organizations/default{path}"), &body).await.unwrap();
        assert_eq!(status, 201, "{made}");
        made
    };
    let product = post("/products", json!({ "name": "shop" })).await["id"].as_str().unwrap().to_owned();
    let rule = json!({
        "name": "main", "provider": "github", "issuer": issuer.url(), "repository_id": "42", "branches": ["main"],
    });
    let rule = post(&format!("/products/{product}/trust-rules"), rule).await;
    let audience = rule["audience"].as_str().unwrap();
    let http = reqwest::Client::new();
    for _ in 0..10 {
        let form = form(&signed(&claims_of(&issuer, audience, chrono::Utc::now().timestamp())), &[]);
        let asked = instances.iter().map(|instance| {
            let request = http.post(format!("{}{EXCHANGE}", instance.url)).header("content-type", FORM);
            request.body(form.clone()).send()
        });
        let mut statuses: Vec<u16> =
            join_all(asked).await.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }
}

async fn a_rule_admits_the_runs_that_it_names_and_no_others(app: TestApp) {
    let of = Trusting::new(app).await;
    let rule = of.acme.admin.get_all(&of.rules()).await.remove(0)["id"].as_str().unwrap().to_owned();
    let path = format!("{}/{rule}", of.rules());
    let pull_request =
        json!({ "event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "main", "base_ref": "main" });
    let target = json!({ "event_name": "pull_request_target", "base_ref": "main" });
    let tag = json!({ "ref": "refs/tags/v1.2", "ref_type": "tag" });
    let branch = |name: &str| json!({ "ref": format!("refs/heads/{name}") });
    for (patch, claims, status) in [
        (json!({}), json!({}), 200),
        (json!({}), json!({ "repository": "renamed/shop" }), 200),
        (json!({}), json!({ "repository_id": "43" }), 403),
        (json!({}), json!({ "repository_id": null }), 403),
        (json!({}), branch("develop"), 403),
        (json!({}), branch("Main"), 403),
        (json!({}), tag.clone(), 403),
        (json!({}), json!({ "ref": "refs/tags/main" }), 403),
        (json!({}), json!({ "ref": "main" }), 403),
        (json!({}), json!({ "ref": null }), 403),
        (json!({}), pull_request.clone(), 403),
        (json!({}), target.clone(), 403),
        (json!({}), json!({ "event_name": null }), 403),
        // Whoever comments, or whose fork's run it follows, chooses what such runs look at.
        (json!({}), json!({ "event_name": "issue_comment" }), 403),
        (json!({}), json!({ "event_name": "workflow_run" }), 403),
        (json!({}), json!({ "event_name": "schedule" }), 200),
        (json!({}), json!({ "event_name": "merge_group", "ref": "refs/heads/gh-readonly-queue/main/pr-7" }), 403),
        (json!({ "allow_pull_requests": true }), pull_request.clone(), 200),
        (json!({}), json!({ "event_name": "workflow_run" }), 200),
        (json!({}), target, 200),
        (json!({}), json!({ "event_name": "pull_request", "ref": "refs/pull/7/merge", "base_ref": "develop" }), 403),
        (json!({ "allow_pull_requests": false, "branches": ["release/*"], "tags": ["v*"] }), branch("release/1"), 200),
        (json!({}), branch("release/1/x"), 403),
        (json!({}), tag, 200),
        (json!({ "branches": ["**"] }), branch("a/b/c"), 200),
        (json!({ "environments": ["production"] }), json!({}), 403),
        (json!({}), json!({ "environment": "staging" }), 403),
        (json!({}), json!({ "environment": "production" }), 200),
        (json!({ "environments": [], "workflow": ".github/workflows/scan.yml" }), json!({}), 200),
        (json!({}), json!({ "workflow_ref": "acme/shop/.github/workflows/evil.yml@refs/heads/main" }), 403),
        (json!({}), json!({ "workflow_ref": "acme/shop/.github/workflows/scan.yml@x.yml@refs/heads/main" }), 403),
        (json!({}), json!({ "workflow_ref": null }), 403),
        (json!({ "workflow": null, "audience": "another" }), json!({}), 403),
        (json!({}), json!({ "aud": ["another", of.audience()] }), 200),
    ] {
        of.acme.admin.patch(&path, patch.clone()).await.expect(200);
        let answer = of.exchange(&of.token_of(&of.claims_with(claims.clone()))).await;
        assert_eq!(answer.status, status, "{patch} {claims}: {answer:?}");
    }
}

async fn a_pipeline_of_gitlab_is_known_by_its_project(app: TestApp) {
    let of = Trusting::new(app).await;
    let rule = json!({ "provider": "gitlab", "repository_id": "7", "branches": ["main"], "tags": ["v*"], "workflow": ".gitlab-ci.yml" });
    let made = of.rule(rule).await.expect(201);
    let gitlab = |more: Value| {
        let mut claims = json!({
            "iss": of.issuer.url(), "aud": of.audience(), "sub": "project_path:acme/shop:ref_type:branch:ref:main",
            "jti": uuid::Uuid::now_v7().to_string(), "iat": of.now_s(), "nbf": of.now_s(), "exp": of.now_s() + 300,
            "project_id": "7", "project_path": "acme/shop", "ref": "main", "ref_type": "branch",
            "ref_path": "refs/heads/main", "pipeline_source": "push",
            "ci_config_ref_uri": "gitlab.example.com/acme/shop//.gitlab-ci.yml@refs/heads/main",
        });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        of.token_of(&claims)
    };
    for (claims, status) in [
        (json!({}), 200),
        (json!({ "project_id": 7 }), 200),
        (json!({ "project_id": "8" }), 403),
        (json!({ "ref": "develop" }), 403),
        (json!({ "ref": "v1", "ref_type": "tag" }), 200),
        (json!({ "ref": "main", "ref_type": "tag" }), 403),
        (json!({ "pipeline_source": "merge_request_event" }), 403),
        // The child of a pipeline does not say what that is for; where it runs, it may say.
        (json!({ "pipeline_source": "parent_pipeline" }), 403),
        (json!({ "pipeline_source": "parent_pipeline", "job_project_id": "7" }), 200),
        (json!({ "pipeline_source": "parent_pipeline", "job_project_id": "7", "project_id": "8" }), 403),
        (json!({ "ref_path": "refs/merge-requests/3/head" }), 403),
        (json!({ "ci_config_ref_uri": "gitlab.example.com/acme/shop//other.yml@refs/heads/main" }), 403),
        // A token of one CI is none of another, whatever numbers it has.
        (json!({ "repository_id": "7", "project_id": "8", "event_name": "push" }), 403),
    ] {
        let answer = of.exchange(&gitlab(claims.clone())).await;
        assert_eq!(answer.status, status, "{claims}: {answer:?}");
        if status == 200 {
            assert_eq!(answer.text("trust_rule_id"), made.id());
        }
    }
    let path = format!("{}/{}", of.rules(), made.id());
    let merge = json!({ "pipeline_source": "merge_request_event", "ref_path": "refs/merge-requests/3/head" });
    let merge_into = |target: &str| {
        let mut claims = merge.clone();
        claims["target_ref"] = json!(target);
        claims
    };
    let fork = |runs_in: &str, of: &str| {
        let mut claims = merge_into("main");
        (claims["job_project_id"], claims["project_id"]) = (json!(runs_in), json!(of));
        claims
    };
    for (patch, claims, status) in [
        (json!({ "allow_pull_requests": true }), merge_into("main"), 200),
        (json!({}), merge_into("develop"), 403),
        // From a fork: it runs in the project, and is none of the fork's own.
        (json!({}), fork("7", "9"), 200),
        (json!({}), fork("9", "7"), 403),
        // What it is for is not known, so the source branch, whatever it is called, does not count.
        (json!({}), merge.clone(), 403),
        (json!({ "branches": ["**"] }), merge.clone(), 200),
        (json!({ "allow_pull_requests": false }), merge_into("main"), 403),
        (json!({}), fork("7", "9"), 403),
        (json!({}), json!({ "job_project_id": "7" }), 200),
        (json!({}), json!({ "job_project_id": "7", "project_id": "9" }), 403),
    ] {
        of.acme.admin.patch(&path, patch.clone()).await.expect(200);
        let answer = of.exchange(&gitlab(claims.clone())).await;
        assert_eq!(answer.status, status, "{patch} {claims}: {answer:?}");
    }
}

/// PB-9: who hangs up while the issuer is asked takes the keys from nobody.
async fn a_caller_who_hangs_up_keeps_the_keys_from_nobody(app: TestApp) {
    let of = Trusting::new(app).await;
    of.issuer.be_slow(Duration::from_millis(300));
    let hasty = reqwest::Client::builder().timeout(Duration::from_millis(100)).build().unwrap();
    let request = hasty.post(format!("{}{EXCHANGE}", of.app.url)).header("content-type", FORM);
    request.body(form(&of.token(), &[])).send().await.unwrap_err();
    of.exchange(&of.token()).await.expect(200);
    of.issuer.be_slow(Duration::ZERO);
    of.exchange(&of.token()).await.expect(200);
    assert_eq!(of.issuer.calls().len(), 2);
}

/// PB-9
async fn who_has_a_known_key_does_not_wait_for_an_unknown_one(app: TestApp) {
    let of = Trusting::new(app).await;
    of.exchange(&of.token()).await.expect(200);
    // The keys are old now, but still believed.
    of.app.app.clock.advance(Duration::from_secs(7200));
    of.issuer.be_slow(Duration::from_secs(3));
    let header = json!({ "alg": "RS256", "kid": "second" });
    let unknown = sign(&header, &of.claims(), Algorithm::RS256, SECOND_RSA);
    let known = async {
        while of.issuer.calls().len() < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        of.exchange(&of.token()).await
    };
    tokio::select! {
        answer = of.exchange(&unknown) => panic!("the issuer is slow: {answer:?}"),
        answer = known => answer.expect(200),
    };
}

/// PB-9
async fn a_rule_that_cannot_be_read_admits_nobody(app: TestApp) {
    let of = Trusting::new(app).await;
    let spoil = |text: &'static str| {
        of.app.app.db.write(move |conn| {
            let rules = diesel::update(trust_rules::table).set(trust_rules::branches_json.eq(text));
            Ok(rules.execute(conn)?)
        })
    };
    for (text, status) in [("main", 403), ("[\"main\"", 403), ("{}", 403), ("[\"main\"]", 200)] {
        assert_eq!(spoil(text).await.unwrap(), 1);
        assert_eq!(of.exchange(&of.token()).await.status, status, "{text}");
    }
}

async fn keys_rotate_and_the_issuer_is_asked_once_a_minute_at_most(app: TestApp) {
    let of = Trusting::new(app).await;
    for _ in 0..3 {
        of.exchange(&of.token()).await.expect(200);
    }
    assert_eq!(of.issuer.calls(), ["/.well-known/openid-configuration", "/keys"]);
    of.issuer.publish(vec![public_key("second", Algorithm::RS256, SECOND_RSA)]);
    let second = || {
        let header = json!({ "alg": "RS256", "kid": "second" });
        sign(&header, &of.claims(), Algorithm::RS256, SECOND_RSA)
    };
    for _ in 0..5 {
        of.exchange(&second()).await.expect(401);
    }
    assert_eq!(of.issuer.calls().len(), 2);
    of.app.app.clock.advance(Duration::from_secs(60));
    of.exchange(&second()).await.expect(200);
    assert_eq!(of.issuer.calls().len(), 4);
    // What the issuer took back is worth nothing.
    of.exchange(&of.token()).await.expect(401);
    assert_eq!(of.issuer.calls().len(), 4);
    of.app.app.clock.advance(Duration::from_secs(3600));
    of.exchange(&second()).await.expect(200);
    assert_eq!(of.issuer.calls().len(), 6);
}

async fn an_issuer_that_cannot_be_asked_is_told_apart_from_a_bad_token(app: TestApp) {
    let of = Trusting::new(app).await;
    of.issuer.be_down(true);
    let refused = of.exchange(&of.token()).await.expect(503);
    assert!(!refused.header("retry-after").is_empty() && refused.text("detail").contains("issuer"), "{refused:?}");
    of.run(&of.token()).scan("shop", &sarif(&[])).await.expect(503);
    of.app.app.clock.advance(Duration::from_secs(60));
    of.issuer.be_down(false);
    of.exchange(&of.token()).await.expect(200);
    // What is known is believed for a day.
    of.issuer.be_down(true);
    of.app.app.clock.advance(Duration::from_secs(7200));
    of.exchange(&of.token()).await.expect(200);
    of.app.app.clock.advance(Duration::from_secs(24 * 3600));
    of.exchange(&of.token()).await.expect(503);
    of.issuer.be_down(false);
    for described in [
        json!({ "issuer": "https://other.example", "jwks_uri": format!("{}/keys", of.issuer.url()) }),
        json!({ "issuer": of.issuer.url(), "jwks_uri": "http://169.254.169.254/keys" }),
        json!({ "issuer": of.issuer.url(), "jwks_uri": "file:///etc/passwd" }),
        json!([]),
    ] {
        of.issuer.describe(described);
        of.app.app.clock.advance(Duration::from_secs(60));
        of.exchange(&of.token()).await.expect(503);
    }
}

/// S-15
async fn only_trusted_issuers_are_asked_and_never_in_private_networks(app: TestApp) {
    let (closed, stranger) = (Issuer::start(), Issuer::start());
    let app = app.restart_with(&[("oidc_issuers", &closed.url()), ("public_url", AUDIENCE)]).await;
    let acme = app.tenant("acme").await;
    let product = acme.editor.product("shop").await;
    let of = Trusting { app, issuer: closed, acme, product };
    of.rule(json!({})).await.expect(201);
    for issuer in [stranger.url().as_str(), "https://token.actions.githubusercontent.com", "http://127.0.0.1", ""] {
        let refused = of.rule(json!({ "issuer": issuer })).await.expect(400);
        assert_eq!(refused.pointers(), ["/issuer"], "{issuer}");
    }
    of.exchange(&of.token()).await.expect(503);
    of.exchange(&of.token_of(&of.claims_with(json!({ "iss": stranger.url() })))).await.expect(401);
    assert!(of.issuer.calls().is_empty() && stranger.calls().is_empty());
}

/// S-02, S-04
async fn only_admins_in_person_say_whom_to_trust(app: TestApp) {
    let of = Trusting::new(app).await;
    let rule = json!({ "name": "x", "provider": "github", "issuer": of.issuer.url(), "repository_id": "1", "branches": ["*"] });
    let token = of.acme.admin.token(&["admin"], None).await;
    for client in [&of.acme.editor.client, &of.acme.viewer.client, &token] {
        client.post(&of.rules(), rule.clone()).await.expect(403);
    }
    let known = of.acme.viewer.get_all(&of.rules()).await;
    let path = format!("{}/{}", of.rules(), known[0]["id"].as_str().unwrap());
    of.acme.editor.patch(&path, json!({ "branches": ["**"] })).await.expect(403);
    of.acme.editor.delete(&path).await.expect(403);
    let other = of.app.tenant("other").await;
    let theirs = other.admin.in_organization("acme");
    theirs.get(&path).await.expect(404);
    let other_product = of.acme.editor.product("till").await;
    of.acme.admin.get(&path.replace(&of.product, &other_product)).await.expect(404);
    for (more, pointer) in [
        (json!({ "name": "" }), "/name"),
        (json!({ "repository_id": "acme/shop" }), "/repository_id"),
        (json!({ "repository_id": "" }), "/repository_id"),
        (json!({ "branches": [] }), "/branches"),
        (json!({ "branches": [""] }), "/branches"),
        (json!({ "audience": "" }), "/audience"),
        (json!({ "workflow": "" }), "/workflow"),
        (json!({ "environments": vec!["x"; 51] }), "/environments"),
    ] {
        assert_eq!(of.rule(more.clone()).await.expect(400).pointers(), [pointer], "{more}");
    }
    let read = of.acme.viewer.get(&path).await.expect(200);
    assert_eq!((read.header("etag"), &read["audience"]), ("\"1\"", &json!(of.audience())));
    let log = of.acme.admin.get_all("/audit-log?subject_kind=trust_rule").await;
    assert_eq!((log.len(), &log[0]["action"]), (1, &json!("trust_rule.created")));
}

async fn what_a_rule_admits_ends_with_the_rule(app: TestApp) {
    let of = Trusting::new(app).await;
    let (given, token) = (of.token(), of.token());
    let run = of.run(&of.exchange(&given).await.expect(200).text("access_token"));
    let report = sarif(&[found("a", "x.rs", 1)]);
    run.scan("shop", &report).await.expect(201);
    let known = of.acme.admin.get_all(&of.rules()).await;
    let rule = format!("{}/{}", of.rules(), known[0]["id"].as_str().unwrap());
    // A rule that has changed is another one.
    of.acme.admin.patch(&rule, json!({ "name": "narrower" })).await.expect(200);
    run.scan("shop", &report).await.expect(401);
    let run = of.run(&of.exchange(&of.token()).await.expect(200).text("access_token"));
    run.scan("shop", &report).await.expect(201);
    of.acme.admin.delete(&rule).await.expect(204);
    run.scan("shop", &report).await.expect(401);
    of.exchange(&token).await.expect(403);
    of.run(&token).scan("shop", &report).await.expect(403);
    of.rule(json!({})).await.expect(201);
    of.exchange(&given).await.expect(401);
    of.exchange(&token).await.expect(200);
}

async fn a_repository_that_several_products_trust_names_one(app: TestApp) {
    let of = Trusting::new(app).await;
    of.rule(json!({ "name": "the same product again" })).await.expect(201);
    of.exchange(&of.token()).await.expect(200);
    let till = of.acme.editor.product("till").await;
    let rule = json!({ "name": "x", "provider": "github", "issuer": of.issuer.url(), "repository_id": "42", "branches": ["*"] });
    of.acme.admin.post(&format!("/products/{till}/trust-rules"), rule).await.expect(201);
    assert_eq!(of.exchange(&of.token()).await.expect(400).pointers(), ["audience"]);
    for product in [&of.product, &till] {
        let answer = exchange(&of.app.anybody(), &of.token(), &[("audience", product)]).await.expect(200);
        assert_eq!(answer.text("product_id"), *product);
    }
    let unknown = uuid::Uuid::now_v7().to_string();
    exchange(&of.app.anybody(), &of.token(), &[("audience", &unknown)]).await.expect(403);
}

async fn an_exchange_says_what_is_wrong_with_its_form(app: TestApp) {
    let of = Trusting::new(app).await;
    for (name, value) in [
        ("grant_type", "password"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2"),
        ("scope", "admin"),
        ("audience", "shop"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
    ] {
        let refused = exchange(&of.app.anybody(), &of.token(), &[(name, value)]).await.expect(400);
        assert_eq!(refused.pointers(), [name], "{refused:?}");
        let word = match name {
            "grant_type" => "unsupported_grant_type",
            "scope" => "invalid_scope",
            "audience" => "invalid_target",
            _ => "invalid_request",
        };
        assert_eq!(refused.text("error"), word);
    }
    for (token, status) in
        [("x".to_owned(), 401), (of.token_of(&of.claims_with(json!({ "repository_id": "43" }))), 403)]
    {
        assert_eq!(of.exchange(&token).await.expect(status).text("error"), "invalid_request");
    }
    // Libraries send more than is asked for, and fields without a value.
    let more = [("client_id", "ci"), ("audience", ""), ("scope", ""), ("requested_token_type", "")];
    exchange(&of.app.anybody(), &of.token(), &more).await.expect(200);
    let json = of.app.anybody().post(EXCHANGE, json!({})).await;
    assert!([400, 415].contains(&json.status), "{json:?}");
}
