//! What browsers and proxies obey: who may call, what may run, what is shown to whom.

use patchbay::api::openapi;
use reqwest::Method;

use crate::app::{Answer, TestApp};

const OURS: &str = "https://security.example.com";

async fn with_origin(app: &TestApp, method: Method, path: &str, origin: &str) -> Answer {
    let request = app.anybody().request(method, path).header("Origin", origin);
    request.header("Access-Control-Request-Method", "GET").send().await
}

/// S-28
#[tokio::test]
async fn only_pages_of_configured_origins_may_read_answers() {
    let app = TestApp::sqlite_with(&[("cors_origins", OURS)]).await;
    let allowed = with_origin(&app, Method::GET, "/api/v1/me", OURS).await;
    assert_eq!(allowed.header("access-control-allow-origin"), OURS);
    assert_eq!(allowed.header("access-control-allow-credentials"), "", "tokens are no cookies");
    for foreign in [
        "https://evil.example",
        "null",
        "http://security.example.com",
        "https://security.example.com.evil.example",
        "https://evilsecurity.example.com",
        "https://security.example.com:444",
        "https://sub.security.example.com",
    ] {
        for method in [Method::GET, Method::OPTIONS] {
            let answer = with_origin(&app, method.clone(), "/api/v1/me", foreign).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{method} from {foreign}");
        }
    }
}

/// S-28
#[tokio::test]
async fn without_configured_origins_no_page_may_read_answers() {
    let app = TestApp::sqlite().await;
    let answer = with_origin(&app, Method::GET, "/healthz", OURS).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

/// S-28
#[tokio::test]
async fn every_operation_can_be_preflighted_by_our_pages_and_by_no_other() {
    let app = TestApp::sqlite_with(&[("cors_origins", OURS), ("requests_per_minute", "0")]).await;
    let document = serde_json::to_value(openapi::document()).unwrap();
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let path = path.replace(['{', '}'], "");
            for (origin, expected) in [(OURS, OURS), ("https://evil.example", "")] {
                let request = app.anybody().request(Method::OPTIONS, &path).header("Origin", origin);
                let request = request.header("Access-Control-Request-Method", &method.to_uppercase());
                let wanted = "authorization,content-type,idempotency-key,if-match";
                let answer = request.header("Access-Control-Request-Headers", wanted).send().await;
                assert_eq!(answer.header("access-control-allow-origin"), expected, "{method} {path} from {origin}");
            }
            count += 1;
        }
    }
    assert!(count > 50, "only {count} operations were tried");
}

/// S-28
#[tokio::test]
async fn every_answer_tells_browsers_to_run_and_frame_nothing() {
    let app = TestApp::sqlite_with(&[("public_url", "https://patchbay.example.com")]).await;
    for (path, status) in
        [("/healthz", 200), ("/api/v1/me", 401), ("/nowhere", 404), ("/docs/", 200), ("/openapi.json", 200)]
    {
        let answer = app.anybody().get(path).await.expect(status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(answer.header("strict-transport-security").starts_with("max-age="), "{path}");
        assert!(["no-store", "no-cache"].contains(&answer.header("cache-control")), "{path}");
    }
}

/// S-28
#[tokio::test]
async fn swagger_ui_comes_from_the_binary_and_ignores_addresses_of_others() {
    let app = TestApp::sqlite().await;
    let page = |path: String| {
        let http = reqwest::Client::new();
        let url = format!("{}{path}", app.url);
        async move { http.get(url).send().await.unwrap().text().await.unwrap() }
    };
    let plain = page("/docs/".to_owned()).await;
    let hostile = page("/docs/?url=https://evil.example/x.json&configUrl=https://evil.example/c.json".to_owned()).await;
    assert_eq!(plain, hostile);
    assert!(!plain.contains("http://") && !plain.contains("https://"), "it loads from elsewhere: {plain}");
    let settings = page("/docs/swagger-initializer.js?url=https://evil.example/x.json".to_owned()).await;
    assert!(settings.contains("../openapi.json"), "{settings}");
    assert!(settings.contains("\"queryConfigEnabled\": false"), "{settings}");
    assert!(settings.contains("\"validatorUrl\": \"none\""), "{settings}");
    assert!(!settings.contains("evil.example"), "{settings}");
    assert!(page("/docs/swagger-ui-bundle.js".to_owned()).await.len() > 100_000);
}

#[tokio::test]
async fn metrics_are_for_this_machine_unless_a_token_is_set() {
    let app = TestApp::sqlite().await;
    app.anybody().get("/metrics").await.expect(200);
    app.anybody().request(Method::GET, "/metrics").header("X-Forwarded-For", "203.0.113.9").send().await.expect(403);
    let app = TestApp::sqlite_with(&[("metrics_token", "a-token-for-metrics")]).await;
    app.anybody().get("/metrics").await.expect(401);
    app.anybody().with_bearer("a-token-for-metricsX").get("/metrics").await.expect(401);
    app.anybody().with_bearer("a-token-for-metrics").get("/metrics").await.expect(200);
}

/// S-43
#[tokio::test]
async fn a_stopping_server_is_alive_and_not_ready() {
    let app = TestApp::sqlite_with(&[("shutdown_seconds", "10")]).await;
    app.anybody().get("/readyz").await.expect(200);
    app.app.stop.begin();
    app.anybody().get("/readyz").await.expect(503);
    app.anybody().get("/healthz").await.expect(200);
}
