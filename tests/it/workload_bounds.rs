//! What a run of a CI is bound to: the organization that it names, one product, and its own branch.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Answer, Client, Request, TestApp};
use crate::both_databases;
use crate::sarif::{found, sarif};
use crate::workloads::{AUDIENCE, Trusting, exchange};

both_databases!(
    nobody_else_has_a_say_in_whose_a_run_is,
    a_run_says_whose_product_it_means,
    a_run_uploads_to_its_own_branch_only,
    runs_for_pull_requests_have_branches_of_their_own,
    a_run_moves_nothing_of_other_branches_through_other_servers_clients,
    a_dry_run_of_a_run_makes_nothing,
);

const REIMPORT: &str = "/api/v2/reimport-scan/";

/// A report as a client of DefectDojo posts it, with more to say.
async fn reimport(of: &Trusting, token: &str, more: &[(&str, &str)]) -> Answer {
    let usual = [
        ("product_name", "shop"),
        ("engagement_name", "CI/CD"),
        ("auto_create_context", "true"),
        ("scan_type", "SARIF"),
    ];
    let file = Part::bytes(sarif(&[found("a", "x.rs", 1)]).bytes()).file_name("report.json");
    let parts = usual
        .iter()
        .chain(more)
        .fold(Form::new(), |form, (name, text)| form.text((*name).to_owned(), (*text).to_owned()));
    Request(as_client(of, token, Method::POST, REIMPORT).0.multipart(parts.part("file", file))).send().await
}

fn as_client(of: &Trusting, token: &str, method: Method, path: &str) -> Request {
    of.app.anybody().request(method, path).header("authorization", &format!("Token {token}"))
}

/// The names of the product's branches, the implicit one apart.
async fn branches(of: &Trusting) -> Vec<String> {
    let all = of.acme.viewer.get_all(&format!("/products/{}/branches", of.product)).await;
    let mut names: Vec<String> = all.iter().map(|branch| branch["name"].as_str().unwrap().to_owned()).collect();
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    names
}

/// PB-9, S-01: the numbers of repositories are known to all, so anybody's rule may trust one.
async fn nobody_else_has_a_say_in_whose_a_run_is(app: TestApp) {
    let of = Trusting::new(app).await;
    let thieves = of.app.tenant("thieves").await;
    let theirs = thieves.editor.product("shop").await;
    let path = format!("/products/{theirs}/trust-rules");
    for audience in [Value::Null, json!(of.audience()), json!(AUDIENCE)] {
        let mut rule = json!({
            "name": "all", "provider": "github", "issuer": of.issuer.url(), "repository_id": "42", "branches": ["**"],
            "tags": ["**"], "allow_pull_requests": true,
        });
        rule["audience"] = audience;
        thieves.admin.post(&path, rule).await.expect(201);
    }
    // Ours is neither hidden by their rules, nor made one of several.
    assert_eq!(of.exchange(&of.token()).await.expect(200).text("product_id"), of.product);
    reimport(&of, &of.token(), &[]).await.expect(201);
    // And what ours does not admit, theirs do not get.
    let other = || of.token_of(&of.claims_with(json!({ "ref": "refs/heads/other" })));
    of.exchange(&other()).await.expect(403);
    reimport(&of, &other(), &[]).await.expect(403);
    let rule = of.acme.admin.get_all(&of.rules()).await.remove(0)["id"].as_str().unwrap().to_owned();
    of.acme.admin.delete(&format!("{}/{rule}", of.rules())).await.expect(204);
    of.exchange(&of.token()).await.expect(403);
    reimport(&of, &of.token(), &[]).await.expect(403);
    assert!(thieves.viewer.get_all("/observations").await.is_empty());
    // They get what names them.
    let named = of.claims_with(json!({ "aud": [format!("{AUDIENCE}/organizations/{}", thieves.id), AUDIENCE] }));
    assert_eq!(of.exchange(&of.token_of(&named)).await.expect(200).text("product_id"), theirs);
}

/// PB-9
async fn a_run_says_whose_product_it_means(app: TestApp) {
    let of = Trusting::new(app).await;
    let unnamed = || of.token_of(&of.claims_with(json!({ "aud": AUDIENCE })));
    let refused = of.exchange(&unnamed()).await.expect(403);
    assert!(refused.text("detail").contains(&format!("{AUDIENCE}/organizations/")), "{refused:?}");
    reimport(&of, &unnamed(), &[]).await.expect(403);
    // A rule for the server's own name admits whoever names the product or, in the path, the organization.
    of.rule(json!({ "audience": AUDIENCE })).await.expect(201);
    of.exchange(&unnamed()).await.expect(403);
    exchange(&of.app.anybody(), &unnamed(), &[("audience", &of.product)]).await.expect(200);
    of.run(&unnamed()).scan("shop", &sarif(&[])).await.expect(201);
    // The slug names it as well as the id.
    of.rule(json!({ "audience": format!("{AUDIENCE}/organizations/acme") })).await.expect(201);
    let by_slug = of.claims_with(json!({ "aud": format!("{AUDIENCE}/organizations/acme") }));
    of.exchange(&of.token_of(&by_slug)).await.expect(200);
    for stranger in ["", "acm", "acme/", "other"] {
        let claims = of.claims_with(json!({ "aud": format!("{AUDIENCE}/organizations/{stranger}") }));
        of.exchange(&of.token_of(&claims)).await.expect(403);
    }
    let long = of.claims_with(json!({ "exp": of.now_s() + 24 * 3600 + 31 }));
    let refused = of.exchange(&of.token_of(&long)).await.expect(401);
    assert!(refused.text("detail").contains("more than a day"), "{refused:?}");
    of.exchange(&of.token_of(&of.claims_with(json!({ "exp": of.now_s() + 24 * 3600 + 30 })))).await.expect(200);
}

/// Both kinds of bearer of a run with these claims.
async fn bearers(of: &Trusting, claims: &Value) -> [Client; 2] {
    let fresh = || {
        let mut claims = claims.clone();
        claims["jti"] = json!(uuid::Uuid::now_v7().to_string());
        of.token_of(&claims)
    };
    let given = of.exchange(&fresh()).await.expect(200).text("access_token");
    [of.run(&given), of.run(&fresh())]
}

/// PB-9
async fn a_run_uploads_to_its_own_branch_only(app: TestApp) {
    let of = Trusting::new(app).await;
    of.rule(json!({ "branches": ["release/*"], "tags": ["v*"] })).await.expect(201);
    let main = of.acme.editor.branch(&of.product, "main").await;
    let (report, empty) = (sarif(&[found("a", "x.rs", 1)]), sarif(&[]));
    of.acme.editor.scan_with("shop", &report, "branch=main").await.expect(201);
    of.acme.editor.scan("shop", &report).await.expect(201);
    for (git_ref, branch) in [("refs/heads/release/1", "release/1"), ("refs/tags/v2", "v2")] {
        let claims = of.claims_with(json!({ "ref": git_ref }));
        for run in bearers(&of, &claims).await {
            for query in
                ["branch=main".to_owned(), format!("branch={main}"), "branch=main&create_missing=true".to_owned()]
            {
                let refused = run.scan_with("shop", &empty, &query).await.expect(403);
                assert!(refused.text("detail").contains(branch), "{refused:?}");
            }
            // It need not be named, nor be there before.
            let done = run.scan("shop", &empty).await.expect(201);
            let upload = of.acme.viewer.get(&format!("/uploads/{}", done.id())).await.expect(200);
            assert_eq!(upload["scans"][0]["findings"], done["scans"][0]["findings"]);
            run.scan_with("shop", &report, &format!("branch={branch}")).await.expect(201);
        }
    }
    assert_eq!(branches(&of).await, ["main", "release/1", "v2"]);
    // What others found on other branches is as it was.
    let open = of.acme.viewer.get_all("/observations?status=open").await;
    assert_eq!(open.len(), 4, "{open:?}");
}

/// PB-9
async fn runs_for_pull_requests_have_branches_of_their_own(app: TestApp) {
    let of = Trusting::new(app).await;
    let rule = of.acme.admin.get_all(&of.rules()).await.remove(0)["id"].as_str().unwrap().to_owned();
    let path = format!("{}/{rule}", of.rules());
    of.acme.admin.patch(&path, json!({ "allow_pull_requests": true })).await.expect(200);
    let report = sarif(&[found("a", "x.rs", 1)]);
    for (claims, branch) in [
        (
            json!({ "event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "fix", "base_ref": "main" }),
            "fix",
        ),
        // Whoever opens one from a fork calls the branch what they like.
        (json!({ "event_name": "pull_request_target", "head_ref": "main", "base_ref": "main" }), "main"),
        (json!({ "event_name": "workflow_run" }), "main"),
    ] {
        for run in bearers(&of, &of.claims_with(claims.clone())).await {
            for name in ["main", "fix", "pull/other"] {
                run.scan_with("shop", &report, &format!("branch={name}")).await.expect(403);
            }
            run.scan("shop", &report).await.expect(201);
            run.scan_with("shop", &report, &format!("branch=pull/{branch}")).await.expect(201);
        }
    }
    assert_eq!(branches(&of).await, ["pull/fix", "pull/main"]);
}

/// PB-8, PB-9
async fn a_run_moves_nothing_of_other_branches_through_other_servers_clients(app: TestApp) {
    let of = Trusting::new(app).await;
    of.rule(json!({ "branches": ["other"] })).await.expect(201);
    let token = of.acme.admin.post("/api-tokens", json!({ "name": "ci", "scopes": ["scan:upload", "read"] })).await;
    let token = token.expect(201).text("token");
    // Somebody else's imports are of the branch that is said of the engagement.
    let done = reimport(&of, &token, &[]).await.expect(201);
    let engagement = format!("/api/v2/engagements/{}/", done["engagement_id"]);
    let said = as_client(&of, &token, Method::PATCH, &engagement).json(&json!({ "branch_tag": "main" }));
    said.send().await.expect(200);
    let run = of.token_of(&of.claims_with(json!({ "ref": "refs/heads/other" })));
    reimport(&of, &run, &[("branch_tag", "main")]).await.expect(403);
    let answer = reimport(&of, &run, &[]).await.expect(201);
    assert_eq!(answer["branch_tag"], json!("other"), "{answer:?}");
    // That a run names its branch says nothing of what others import.
    reimport(&of, &run, &[("branch_tag", "other")]).await.expect(201);
    let theirs = reimport(&of, &token, &[]).await.expect(201);
    assert_eq!(theirs["branch_tag"], json!("main"), "{theirs:?}");
    let patch = |branch: &str| as_client(&of, &run, Method::PATCH, &engagement).json(&json!({ "branch_tag": branch }));
    patch("main").send().await.expect(403);
    patch("other").send().await.expect(200);
    let mut places: Vec<String> = of.acme.viewer.get_all("/observations").await.iter().map(branch_of).collect();
    places.sort_unstable();
    assert_eq!(places, ["main", "other"]);
}

fn branch_of(observation: &Value) -> String {
    observation["branch"]["name"].as_str().unwrap_or_default().to_owned()
}

/// PB-9
async fn a_dry_run_of_a_run_makes_nothing(app: TestApp) {
    let of = Trusting::new(app).await;
    let run = of.run(&of.token());
    let report = sarif(&[found("a", "x.rs", 1)]);
    run.scan_with("shop", &report, "dry_run=true").await.expect(200);
    run.scan_with("shop", &report, "dry_run=true&branch=other").await.expect(403);
    let nothing = format!("dry_run=true&branch={}", uuid::Uuid::now_v7());
    run.scan_with("shop", &report, &nothing).await.expect(404);
    assert!(branches(&of).await.is_empty());
    assert!(of.acme.viewer.get_all("/observations").await.is_empty());
}
