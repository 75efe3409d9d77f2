//! What is true of every endpoint: problems, queries, bodies, pages, versions, keys, limits.

use std::io::Write;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::{Answer, Client, TestApp};
use crate::both_databases;

both_databases!(
    every_error_is_a_problem_that_names_its_request,
    unknown_paths_and_methods_are_told_apart,
    all_faults_of_a_body_are_named_at_once,
    a_body_must_be_json_of_a_bearable_size,
    all_faults_of_a_query_are_named_at_once_and_nothing_is_unbounded,
    pages_hold_every_item_once_while_the_list_changes,
    a_cursor_opens_only_the_list_that_gave_it,
    a_change_from_an_old_version_is_refused,
    of_two_changes_from_one_version_one_wins,
    a_merge_patch_tells_absent_from_null,
    a_read_of_what_the_client_has_is_short,
    a_request_keeps_the_id_that_its_client_gave_it,
    a_repeated_key_gets_the_first_answer,
    a_key_belongs_to_one_request_of_one_caller,
    twenty_requests_with_one_key_have_one_effect,
    a_key_lives_for_a_day,
    a_refused_request_gives_its_key_back,
    an_answer_with_a_secret_is_not_kept,
    a_key_must_be_a_plain_word,
);

fn is_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    assert_eq!(answer["status"], answer.status, "{answer:?}");
    assert_eq!(answer.text("request_id"), answer.header("x-request-id"), "{answer:?}");
    for field in ["type", "title", "detail"] {
        assert!(!answer.text(field).is_empty(), "{answer:?}");
    }
}

async fn every_error_is_a_problem_that_names_its_request(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let anybody = app.anybody().in_organization("acme");
    let nothing = "0198c8f2-5a5c-7d3e-9b1a-2f6d1c0e4b7a";
    let json = |text: &str| acme.editor.request(Method::POST, "/products").body("application/json", text.to_owned());
    for (answer, status) in [
        (anybody.get("/products").await, 401),
        (anybody.with_bearer("nonsense").get("/products").await, 401),
        (anybody.with_bearer("pbt_nonsense").get("/products").await, 401),
        (acme.viewer.post("/products", json!({ "name": "x" })).await, 403),
        (acme.admin.get(&format!("/products/{nothing}")).await, 404),
        (acme.admin.get("/products/not-an-id").await, 404),
        (acme.admin.get("/nowhere").await, 404),
        (acme.admin.get("/api/v1/nowhere").await, 404),
        (acme.admin.get("/api/v2/nowhere").await, 404),
        (acme.admin.in_organization("other").get("/products").await, 404),
        (acme.admin.in_organization(other.id.to_string()).get("/products").await, 404),
        (acme.admin.in_organization("nobody").get("/products").await, 404),
        (acme.admin.put("/products", json!({})).await, 405),
        (json("{").send().await, 400),
        (json("\u{feff}{}").send().await, 400),
        (json(&"[".repeat(100_000)).send().await, 400),
        (acme.editor.request(Method::POST, "/products").send().await, 415),
    ] {
        is_problem(&answer);
        answer.expect(status);
    }
    let unknown = anybody.get("/products").await;
    assert!(unknown.header("www-authenticate").starts_with("Bearer"), "{unknown:?}");
}

/// S-29
async fn unknown_paths_and_methods_are_told_apart(app: TestApp) {
    let acme = app.tenant("acme").await;
    let path = format!("/products/{}", acme.admin.product("shop").await);
    for (method, path, status, allow) in [
        (Method::PUT, path.as_str(), 405, "GET, HEAD, PATCH, DELETE, OPTIONS"),
        (Method::DELETE, "/products", 405, "GET, HEAD, POST, OPTIONS"),
        (Method::TRACE, "/products", 405, "GET, HEAD, POST, OPTIONS"),
        (Method::OPTIONS, "/products", 204, "GET, HEAD, POST, OPTIONS"),
        (Method::DELETE, "/api/v1/me", 405, "GET, HEAD, PATCH, OPTIONS"),
        (Method::POST, "/productz", 404, ""),
    ] {
        let answer = acme.admin.request(method, path).send().await.expect(status);
        assert_eq!(answer.header("allow"), allow, "{answer:?}");
    }
    let head = acme.admin.request(Method::HEAD, &path).send().await.expect(200);
    assert_eq!((head.header("etag"), head.bytes.len()), ("\"1\"", 0));
    // The method is the one of the request line, whatever a client would like to have it overridden with.
    for header in ["x-http-method-override", "x-method-override", "x-http-method"] {
        acme.admin.request(Method::POST, &path).header(header, "DELETE").json(&json!({})).send().await.expect(405);
    }
    acme.admin.get(&format!("{path}?_method=DELETE")).await.expect(400);
    acme.admin.get(&path).await.expect(200);
}

async fn all_faults_of_a_body_are_named_at_once(app: TestApp) {
    let acme = app.tenant("acme").await;
    let body = json!({ "name": 7, "description": "a\u{0}b", "nmae": "x", "team_ids": ["x", 1], "is_restricted": "no" });
    let answer = acme.admin.post("/products", body).await.expect(400);
    let mut pointers = answer.pointers();
    pointers.sort_unstable();
    let expected = ["/description", "/is_restricted", "/name", "/nmae", "/team_ids/0", "/team_ids/1"];
    assert_eq!(pointers, expected, "{answer:?}");
    let answer = acme.admin.post("/products", json!({})).await.expect(400);
    assert_eq!(answer.pointers(), ["/name"]);
    let long = json!({ "name": " ", "description": "d".repeat(10_001), "team_ids": [acme.id] });
    let answer = acme.admin.post("/products", long).await.expect(400);
    assert_eq!(answer.pointers(), ["/name", "/description", "/team_ids/0"], "{answer:?}");
}

/// S-29
async fn a_body_must_be_json_of_a_bearable_size(app: TestApp) {
    let acme = app.tenant("acme").await;
    let post = |content_type: &str, body: String| {
        acme.editor.request(Method::POST, "/products").body(content_type, body).send()
    };
    let good = json!({ "name": "shop" }).to_string();
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"]
    {
        is_problem(&post(content_type, good.clone()).await.expect(415));
    }
    let large = json!({ "name": "shop", "description": "d".repeat(1_048_576) }).to_string();
    let refused = post("application/json", large).await.expect(413);
    assert!(refused.text("detail").contains("1048576"), "{refused:?}");
    let chunked = futures_util::stream::iter((0..200).map(|_| Ok::<_, std::io::Error>(vec![b' '; 10_000])));
    let chunked = reqwest::Body::wrap_stream(chunked);
    acme.editor.request(Method::POST, "/products").body("application/json", chunked).send().await.expect(413);
    post("application/json; charset=utf-8", good).await.expect(201);
}

/// S-26
async fn all_faults_of_a_query_are_named_at_once_and_nothing_is_unbounded(app: TestApp) {
    let acme = app.tenant("acme").await;
    let answer = acme.viewer.get("/products?limt=1&is_restricted=maybe&sort=size&limit=0").await.expect(400);
    is_problem(&answer);
    let mut pointers = answer.pointers();
    pointers.sort_unstable();
    assert_eq!(pointers, ["is_restricted", "limit", "limt", "sort"]);
    assert!(answer["errors"].to_string().contains("the nearest is `limit`"), "{answer:?}");
    let (many, long) = ("team=x&".repeat(5_000), format!("q={}", "a".repeat(60_000)));
    let queries =
        ["limit=-1", "limit=1000000000", "limit=501", "offset=1000000000000", "cursor=x", "q=%00", "limit=1&limit=2"];
    for query in queries.into_iter().chain([many.as_str(), long.as_str()]) {
        let answer = acme.viewer.get(&format!("/products?{query}")).await;
        assert_eq!(answer.status, 400, "{query:.40}: {answer:?}");
    }
    // More than a client library would send.
    let mut stream = tokio::net::TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let head = format!("GET /api/v1/me?q={} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "a".repeat(100_000));
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer:.200}");
    acme.viewer.get("/products?q=(a%2B)%2B%24%25_").await.expect(200);
    acme.viewer.get("/products?limit=500&include=total").await.expect(200);
}

async fn pages_hold_every_item_once_while_the_list_changes(app: TestApp) {
    let acme = app.tenant("acme").await;
    let product = acme.editor.product("shop").await;
    let path = format!("/products/{product}/branches");
    for n in 0..7 {
        acme.editor.branch(&product, &format!("release/{n}")).await;
    }
    for (sort, backwards) in [("name", false), ("-name", true), ("created_at", false), ("-created_at", true)] {
        let mut expected: Vec<Value> = (0..7).map(|n| json!(format!("release/{n}"))).collect();
        if backwards {
            expected.reverse();
        }
        for limit in [1, 2, 3, 7, 500] {
            let items = acme.viewer.get_all(&format!("{path}?sort={sort}&limit={limit}&q=release")).await;
            let names: Vec<Value> = items.iter().map(|item| item["name"].clone()).collect();
            assert_eq!(names, expected, "{sort} {limit}");
        }
    }
    let first = acme.viewer.get(&format!("{path}?limit=3&include=total&q=release")).await.expect(200);
    assert_eq!((&first["total"], first.items("name").len()), (&json!(7), 3));
    // Neither what is added before the cursor nor what is removed makes others appear twice or not at all.
    acme.editor.branch(&product, "release/00-new").await;
    acme.editor.delete(&format!("{path}/{}", first["items"][2]["id"].as_str().unwrap())).await.expect(204);
    let next = format!("{path}?limit=3&q=release&cursor={}", first.text("next_cursor"));
    let next = acme.viewer.get(&next).await.expect(200);
    assert_eq!(next.items("name"), ["release/3", "release/4", "release/5"]);
    assert!(next.body.get("total").is_none(), "only counted when asked for");
}

/// S-26
async fn a_cursor_opens_only_the_list_that_gave_it(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    for tenant in [&acme, &other] {
        for name in ["a", "b", "c"] {
            tenant.editor.product(name).await;
        }
    }
    let cursor = acme.viewer.get("/products?limit=1").await.text("next_cursor");
    let open = |client: Client, query: String| async move { client.get(&format!("/products?{query}")).await };
    let viewer = &acme.viewer.client;
    let page = open(viewer.clone(), format!("limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(page.items("name"), ["b", "c"]);
    let by_id = viewer.in_organization(acme.id.to_string());
    open(by_id, format!("cursor={cursor}")).await.expect(200);
    let mut tampered = cursor.clone().into_bytes();
    tampered[25] = if tampered[25] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).unwrap();
    for (client, query) in [
        (other.viewer.client.clone(), format!("cursor={cursor}")),
        (viewer.clone(), format!("cursor={cursor}&sort=-name")),
        (viewer.clone(), format!("cursor={cursor}&q=a")),
        (viewer.clone(), format!("cursor={tampered}")),
        (viewer.clone(), "cursor=".to_owned()),
        (viewer.clone(), "cursor=%C3%A4".to_owned()),
    ] {
        assert_eq!(open(client, query).await.expect(400).pointers(), ["cursor"]);
    }
}

async fn a_change_from_an_old_version_is_refused(app: TestApp) {
    let acme = app.tenant("acme").await;
    let path = format!("/products/{}", acme.editor.product("shop").await);
    let change = |etag: &str| {
        let request = acme.admin.request(Method::PATCH, &path).header("if-match", etag);
        request.json(&json!({ "description": etag })).send()
    };
    let changed = change("\"1\"").await.expect(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    for old in ["\"1\"", "W/\"2\"", "\"abc\"", "2"] {
        is_problem(&change(old).await.expect(412));
    }
    change("\"1\", \"2\"").await.expect(200);
    change("*").await.expect(200);
    acme.admin.request(Method::DELETE, &path).header("if-match", "\"2\"").send().await.expect(412);
    acme.admin.request(Method::DELETE, &path).header("if-match", "\"4\"").send().await.expect(204);
}

async fn of_two_changes_from_one_version_one_wins(app: TestApp) {
    let acme = app.tenant("acme").await;
    let path = format!("/products/{}", acme.editor.product("shop").await);
    let change = |n: usize| {
        let request = acme.admin.request(Method::PATCH, &path).header("if-match", "\"1\"");
        request.json(&json!({ "description": n.to_string() })).send()
    };
    let answers = futures_util::future::join_all((0..8).map(change)).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

async fn a_merge_patch_tells_absent_from_null(app: TestApp) {
    let acme = app.tenant("acme").await;
    let product = acme.editor.product("shop").await;
    let branch = acme.editor.branch(&product, "main").await;
    let path = format!("/products/{product}");
    let set = acme.editor.patch(&path, json!({ "default_branch_id": branch })).await.expect(200);
    assert_eq!(set["default_branch_id"], branch.as_str());
    let kept = acme.editor.patch(&path, json!({})).await.expect(200);
    assert_eq!(kept["default_branch_id"], branch.as_str());
    let patch = acme.editor.request(Method::PATCH, &path);
    let patch = patch.body("application/merge-patch+json", json!({ "default_branch_id": null }).to_string());
    assert_eq!(patch.send().await.expect(200)["default_branch_id"], Value::Null);
    let refused = acme.editor.patch(&path, json!({ "name": null, "id": branch })).await.expect(400);
    let mut pointers = refused.pointers();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/id", "/name"]);
}

async fn a_read_of_what_the_client_has_is_short(app: TestApp) {
    let acme = app.tenant("acme").await;
    let path = format!("/products/{}", acme.editor.product("shop").await);
    let read = |etag: &str| acme.viewer.request(Method::GET, &path).header("if-none-match", etag).send();
    for (etag, status) in [("\"1\"", 304), ("\"0\", W/\"1\"", 304), ("*", 304), ("\"2\"", 200)] {
        let answer = read(etag).await.expect(status);
        assert_eq!((answer.bytes.is_empty(), answer.header("etag")), (status == 304, "\"1\""), "{etag}");
    }
}

async fn a_request_keeps_the_id_that_its_client_gave_it(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ask = |id: &str| acme.viewer.request(Method::GET, "/nowhere").header("x-request-id", id).send();
    let answer = ask("build-42/step.7").await;
    assert_eq!(
        (answer.header("x-request-id"), answer.text("request_id").as_str()),
        ("build-42/step.7", "build-42/step.7")
    );
    for id in ["", "two words", "<script>", &"a".repeat(129)] {
        let answer = ask(id).await;
        assert!(answer.header("x-request-id") != id && answer.header("x-request-id").len() == 36, "{answer:?}");
    }
}

async fn with_key(client: &Client, key: &str, path: &str, body: Value) -> Answer {
    client.request(Method::POST, path).header("idempotency-key", key).json(&body).send().await
}

/// S-38
async fn a_repeated_key_gets_the_first_answer(app: TestApp) {
    let acme = app.tenant("acme").await;
    let make = || with_key(&acme.editor, "k1", "/products", json!({ "name": "shop" }));
    let first = make().await.expect(201);
    assert_eq!(first.header("idempotent-replayed"), "");
    let path = format!("/products/{}", first.id());
    acme.editor.patch(&path, json!({ "description": "changed since" })).await.expect(200);
    let again = make().await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.bytes, first.bytes);
    for header in ["location", "etag", "content-type"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_eq!(acme.viewer.get_all("/products").await.len(), 1);
}

/// S-38
async fn a_key_belongs_to_one_request_of_one_caller(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    with_key(&acme.editor, "k1", "/products", json!({ "name": "shop" })).await.expect(201);
    let refused = with_key(&acme.editor, "k1", "/products", json!({ "name": "other" })).await.expect(422);
    is_problem(&refused);
    assert_eq!(refused.pointers(), ["Idempotency-Key"]);
    with_key(&acme.editor, "k1", "/assets", json!({ "name": "shop" })).await.expect(422);
    // Neither a colleague's nor a stranger's key is ours.
    with_key(&acme.admin, "k1", "/products", json!({ "name": "third" })).await.expect(201);
    with_key(&other.editor, "k1", "/products", json!({ "name": "shop" })).await.expect(201);
    assert_eq!(acme.viewer.get_all("/products").await.len(), 2);
}

/// S-38
async fn twenty_requests_with_one_key_have_one_effect(app: TestApp) {
    let acme = app.tenant("acme").await;
    let make = |_| with_key(&acme.editor, "k1", "/products", json!({ "name": "shop" }));
    let answers = futures_util::future::join_all((0..20).map(make)).await;
    let done: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!done.is_empty());
    for answer in &answers {
        match answer.status {
            201 => assert_eq!(answer.bytes, done[0].bytes),
            409 => assert_eq!(answer.header("retry-after"), "1", "{answer:?}"),
            _ => panic!("{answer:?}"),
        }
    }
    assert_eq!(make(0).await.expect(201).bytes, done[0].bytes);
    assert_eq!(acme.viewer.get_all("/products").await.len(), 1);
}

/// S-38
async fn a_key_lives_for_a_day(app: TestApp) {
    let acme = app.tenant("acme").await;
    let make = |name: &str| with_key(&acme.editor, "k1", "/products", json!({ "name": name }));
    make("first").await.expect(201);
    app.app.clock.advance(Duration::from_secs(24 * 3600 - 1));
    make("second").await.expect(422);
    app.app.clock.advance(Duration::from_secs(1));
    make("second").await.expect(201);
    app.app.clock.advance(Duration::from_secs(24 * 3600));
    let now = app.app.clock.now();
    let swept = app.app.db.write(move |conn| patchbay::idempotency::service::sweep(conn, now)).await.unwrap();
    assert_eq!(swept, 1);
}

/// S-38
async fn a_refused_request_gives_its_key_back(app: TestApp) {
    let acme = app.tenant("acme").await;
    with_key(&acme.editor, "k1", "/products", json!({ "name": "" })).await.expect(400);
    with_key(&acme.editor, "k1", "/products", json!({ "name": "shop" })).await.expect(201);
    with_key(&acme.editor, "k2", "/products", json!({ "name": "shop" })).await.expect(409);
    with_key(&acme.editor, "k2", "/products", json!({ "name": "shop 2" })).await.expect(201);
    with_key(&acme.viewer, "k1", "/products", json!({ "name": "shop 3" })).await.expect(403);
    let anybody = app.anybody().in_organization("acme");
    with_key(&anybody, "k1", "/products", json!({ "name": "shop 3" })).await.expect(401);
}

/// S-38
async fn an_answer_with_a_secret_is_not_kept(app: TestApp) {
    let acme = app.tenant("acme").await;
    let make = || with_key(&acme.admin, "k1", "/api-tokens", json!({ "name": "ci", "scopes": ["read"] }));
    let first = make().await.expect(201);
    let again = make().await.expect(409);
    is_problem(&again);
    assert!(again.text("detail").contains("secret"), "{again:?}");
    assert_eq!(acme.admin.get_all("/api-tokens").await.len(), 1);
    drop(first);
}

async fn a_key_must_be_a_plain_word(app: TestApp) {
    let acme = app.tenant("acme").await;
    for key in ["", &"k".repeat(256)] {
        let refused = with_key(&acme.editor, key, "/products", json!({ "name": "shop" })).await.expect(400);
        assert_eq!(refused.pointers(), ["Idempotency-Key"]);
    }
}

/// The limit is each instance's own, so it does not meet the database.
#[tokio::test]
async fn too_many_requests_are_refused_until_the_caller_has_waited() {
    let app = TestApp::sqlite_with(&[("requests_per_minute", "3")]).await;
    let acme = app.tenant("acme").await;
    let first = acme.viewer.get("/products").await.expect(200);
    assert_eq!(first.header("ratelimit-policy"), "\"requests\";q=3;w=60");
    assert_eq!(first.header("ratelimit"), "\"requests\";r=2;t=0");
    acme.viewer.get("/products").await.expect(200);
    acme.viewer.get("/nowhere").await.expect(404);
    let refused = acme.viewer.get("/products").await.expect(429);
    is_problem(&refused);
    assert_eq!(refused.header("retry-after"), "20");
    acme.editor.get("/products").await.expect(200);
    // Whoever guesses credentials is counted by address.
    let guesser = app.anybody().in_organization("acme").with_bearer("guess");
    for status in [401, 401, 401, 429] {
        guesser.get("/products").await.expect(status);
    }
    app.app.clock.advance(Duration::from_secs(20));
    acme.viewer.get("/products").await.expect(200);
}

/// S-28. It does not meet the database.
#[tokio::test]
async fn only_pages_of_configured_origins_may_call() {
    let app = TestApp::sqlite_with(&[("cors_origins", "https://app.example")]).await;
    let acme = app.tenant("acme").await;
    let ask = async |method: Method, origin: &str| {
        let request = acme.viewer.request(method, "/products").header("origin", origin);
        let request = request.header("access-control-request-method", "PATCH");
        request.header("access-control-request-headers", "authorization, content-type, if-match").send().await
    };
    for method in [Method::OPTIONS, Method::GET] {
        let allowed = ask(method.clone(), "https://app.example").await;
        assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example", "{method} {allowed:?}");
        assert_eq!(allowed.header("access-control-allow-credentials"), "", "{method} {allowed:?}");
        for origin in [
            "https://evil.example",
            "null",
            "https://app.example.evil.example",
            "https://evil-app.example",
            "http://app.example",
            "https://app.example:8443",
        ] {
            let refused = ask(method.clone(), origin).await;
            assert_eq!(refused.header("access-control-allow-origin"), "", "{method} {origin}: {refused:?}");
        }
    }
    let plain = acme.viewer.get("/products").await.expect(200);
    for (header, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(plain.header(header), value, "{plain:?}");
    }
    let docs = app.anybody().get("/docs/swagger-initializer.js?url=https://evil.example/x.json").await.expect(200);
    assert!(!String::from_utf8_lossy(&docs.bytes).contains("evil"), "{docs:?}");
}

/// The answer is the same whatever a client says it would accept: there is no other form of it.
#[tokio::test]
async fn answers_are_json_compressed_as_the_client_wishes() {
    let app = TestApp::sqlite().await;
    let acme = app.tenant("acme").await;
    for n in 0..50 {
        acme.editor.product(&format!("product {n}")).await;
    }
    for accept in ["application/json", "text/html", "*/*;q=0.1", "nonsense"] {
        let answer = acme.viewer.request(Method::GET, "/products").header("accept", accept).send().await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json", "{accept}");
    }
    for encoding in ["gzip", "br", "zstd", "identity"] {
        let request = acme.viewer.request(Method::GET, "/products").header("accept-encoding", encoding);
        let answer = request.send().await.expect(200);
        let expected = if encoding == "identity" { "" } else { encoding };
        // What the client library itself unpacks has lost its header.
        let said = answer.header("content-encoding");
        assert!(said == expected || (encoding == "gzip" && answer.body.is_object()), "{encoding}: {said}");
    }
}

/// S-19: what unpacks to more than there is memory is refused for what it unpacks to, and what nobody can bound, at once.
#[tokio::test]
async fn encoded_bodies_are_unpacked_little_at_once() {
    let app = TestApp::sqlite().await;
    let acme = app.tenant("acme").await;
    let zeros = vec![b'0'; 400 << 20];
    let gzip = {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(&zeros).unwrap();
        writer.finish().unwrap()
    };
    let zstd = zstd::encode_all(&zeros[..], 1).unwrap();
    drop(zeros);
    let (anybody, form) = (app.anybody(), "application/x-www-form-urlencoded");
    acme.editor.product("shop").await;
    for (encoding, body, status) in [
        ("gzip", gzip, 413),
        ("zstd", zstd, 413),
        ("br", b"\x8b\x03\x80{}\x03".to_vec(), 415),
        ("gzip, zstd", b"{}".to_vec(), 415),
        ("compress", b"{}".to_vec(), 415),
        ("identity", b"{}".to_vec(), 400),
    ] {
        let exchange = (&anybody, "/api/v1/auth/oidc/exchange", form);
        let upload = (&acme.editor.client, "/scans?product=shop", "application/json");
        let json = (&acme.editor.client, "/products", "application/json");
        for (client, path, kind) in [exchange, upload, json] {
            let request = client.request(Method::POST, path).header("content-encoding", encoding);
            let refused = request.body(kind, body.clone()).send().await;
            assert_eq!(refused.status, status, "{encoding} {path}: {refused:?}");
        }
    }
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(br#"{"name": "packed"}"#).unwrap();
    let packed = writer.finish().unwrap();
    for _ in 0..2 {
        let request = acme.editor.request(Method::POST, "/products").header("content-encoding", "gzip");
        let request = request.header("idempotency-key", "one").body("application/json", packed.clone());
        assert_eq!(request.send().await.expect(201).text("name"), "packed");
    }
    let twice = acme.editor.request(Method::POST, "/products").header("content-encoding", "gzip");
    twice.header("content-encoding", "gzip").body("application/json", "{}").send().await.expect(415);
}
