//! Observations and vulnerabilities as the API lists and shows them.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::assessments::enter;
use crate::both_databases;

both_databases!(
    an_observation_is_entered_by_hand_and_shown_whole,
    what_is_wrong_with_an_entry_is_said_at_once,
    the_list_pages_sorts_filters_and_counts,
    a_query_that_cannot_be_answered_is_refused,
    a_cursor_opens_only_the_list_it_was_made_for,
    vulnerabilities_are_listed_once_with_how_often_they_were_seen,
);

/// DD-25
async fn an_observation_is_entered_by_hand_and_shown_whole(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let main = tenant.admin.branch(&product, "main").await;
    let body = json!({
        "product_id": product, "branch_id": main, "title": "Log4Shell", "severity": "critical",
        "description": "JNDI look-ups.", "remediation": "Update.", "vulnerability_ids": ["CVE-2021-44228", "GHSA-jfh8"],
        "cwes": [502, 400], "references": ["https://example.com"], "line": 7, "location": "pom.xml",
        "asset": { "kind": "image", "name": "registry.example.com/shop" }, "fixed_version": "2.17.1",
        "component": { "name": "log4j-core", "version": "2.14.1" }, "is_verified": true,
    });
    let made = tenant.editor.post("/observations", body).await.expect(201);
    assert!(made.header("location").ends_with(&made.id()), "{}", made.header("location"));
    let shown = tenant.viewer.get(&format!("/observations/{}", made.id())).await.expect(200);
    assert_eq!(shown.header("etag"), "\"1\"");
    assert_eq!(shown.body, made.body);
    for (field, value) in [
        ("title", json!("Log4Shell")),
        ("status", json!("open")),
        ("severity", json!("critical")),
        ("is_present", json!(true)),
        ("is_verified", json!(true)),
        ("location", json!("pom.xml")),
        ("line", json!(7)),
        ("fixed_version", json!("2.17.1")),
        ("cwes", json!([502, 400])),
        ("description", json!("JNDI look-ups.")),
        ("references", json!(["https://example.com"])),
        ("first_seen_at", json!("2026-06-01T12:00:00.000000Z")),
        ("last_seen_at", json!("2026-06-01T12:00:00.000000Z")),
        ("ticket_state", Value::Null),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["vulnerability"]["names"], json!(["CVE-2021-44228", "GHSA-jfh8"]));
    assert_eq!(shown["branch"], json!({ "id": main, "name": "main" }));
    assert_eq!(shown["source"]["tool"], "manual");
    assert_eq!(shown["component"]["version"], "2.14.1");
    assert_eq!(shown["asset"]["kind"], "image");
}

async fn what_is_wrong_with_an_entry_is_said_at_once(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let (product, other) = (tenant.admin.product("shop").await, tenant.admin.product("blog").await);
    let branch_of_other = tenant.admin.branch(&other, "main").await;
    let wrong = json!({ "product_id": product, "title": " ", "severity": "low", "line": 0, "cwes": vec![1; 51] });
    let answer = tenant.editor.post("/observations", wrong).await.expect(400);
    assert_eq!(answer.pointers(), ["/title", "/cwes", "/line"]);
    let elsewhere = json!({ "product_id": product, "branch_id": branch_of_other, "title": "t", "severity": "low" });
    tenant.editor.post("/observations", elsewhere).await.expect(404);
    let unknown = json!({ "product_id": product, "title": "t", "severity": "low", "colour": "red" });
    tenant.editor.post("/observations", unknown).await.expect(400);
    tenant
        .viewer
        .post("/observations", json!({ "product_id": product, "title": "t", "severity": "low" }))
        .await
        .expect(403);
}

async fn the_list_pages_sorts_filters_and_counts(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    for (title, severity) in [("A one", "low"), ("B two", "critical"), ("C one", "high"), ("D two", "low")] {
        let body = json!({ "product_id": product, "title": title, "severity": severity });
        tenant.editor.post("/observations", body).await.expect(201);
    }
    for (query, titles) in [
        ("", vec!["B two", "C one", "D two", "A one"]),
        ("sort=severity", vec!["A one", "D two", "C one", "B two"]),
        ("sort=created", vec!["A one", "B two", "C one", "D two"]),
        ("sort=-created&severity=low&severity=high", vec!["D two", "C one", "A one"]),
        ("sort=-last_seen_at", vec!["B two", "C one", "D two", "A one"]),
        ("q=ONE", vec!["C one", "A one"]),
        ("active=false", vec![]),
        ("tool=manual&severity=critical", vec!["B two"]),
    ] {
        let listed = tenant.viewer.get_all(&format!("/observations?limit=2&{query}")).await;
        let listed: Vec<_> = listed.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
        assert_eq!(listed, titles, "{query}");
    }
    for (query, total) in [("", 4), ("&severity=low", 2), ("&q=two", 2), ("&status=resolved", 0)] {
        let page = tenant.viewer.get(&format!("/observations?limit=1&include=total{query}")).await.expect(200);
        assert_eq!(page["total"], total, "{query}");
    }
    let facets = tenant.viewer.get(&format!("/observations/facets?product={product}&severity=low")).await.expect(200);
    let of = |field: &str| {
        let facets = facets["facets"].as_array().unwrap();
        facets.iter().find(|facet| facet["field"] == field).unwrap()["values"].clone()
    };
    assert_eq!(of("status"), json!([{ "value": "open", "name": null, "observations": 2 }]));
    let severities = of("severity");
    assert_eq!(
        severities[0],
        json!({ "value": "low", "name": null, "observations": 2 }),
        "not narrowed by its own filter"
    );
    assert_eq!(severities.as_array().unwrap().len(), 3);
    assert_eq!(of("product"), json!([{ "value": product, "name": "shop", "observations": 2 }]));
}

/// S-26
async fn a_query_that_cannot_be_answered_is_refused(app: TestApp) {
    let tenant = app.tenant("acme").await;
    for (query, pointer) in [
        ("severty=high", "severty"),
        ("severity=awful", "severity"),
        ("status=gone", "status"),
        ("sort=title", "sort"),
        ("sort=severity&sort=created", "sort"),
        ("q=ab", "q"),
        ("location=src", "location"),
        ("limit=501", "limit"),
        ("product=shop", "product"),
        ("first_seen_from=yesterday", "first_seen_from"),
        ("cursor=abc", "cursor"),
    ] {
        let answer = tenant.viewer.get(&format!("/observations?{query}")).await.expect(400);
        assert_eq!(answer.pointers(), [pointer], "{query}");
    }
    tenant.viewer.get("/observations/facets?sort=severity").await.expect(400);
    tenant.viewer.get("/vulnerabilities?q=a").await.expect(400);
    tenant.viewer.get("/observations/not-an-id").await.expect(404);
}

/// S-26
async fn a_cursor_opens_only_the_list_it_was_made_for(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let product = acme.admin.product("shop").await;
    for n in 0..3 {
        enter(&acme.editor, &product, &format!("Number {n}")).await;
    }
    let page = acme.viewer.get("/observations?limit=1").await.expect(200);
    let cursor = page.text("next_cursor");
    acme.viewer.get(&format!("/observations?limit=2&cursor={cursor}")).await.expect(200);
    acme.viewer.get(&format!("/observations?severity=high&cursor={cursor}")).await.expect(400);
    acme.viewer.get(&format!("/observations?sort=created&cursor={cursor}")).await.expect(400);
    acme.viewer.get(&format!("/vulnerabilities?cursor={cursor}")).await.expect(400);
    other.viewer.get(&format!("/observations?cursor={cursor}")).await.expect(400);
}

async fn vulnerabilities_are_listed_once_with_how_often_they_were_seen(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let (shop, blog) = (tenant.admin.product("shop").await, tenant.admin.product("blog").await);
    let mut ids = Vec::new();
    for product in [&shop, &shop, &blog] {
        let body = json!({
            "product_id": product, "title": "Log4Shell", "severity": "critical", "cwes": [502, 20],
            "vulnerability_ids": ["CVE-2021-44228", "GHSA-jfh8"],
        });
        ids.push(tenant.editor.post("/observations", body).await.expect(201).id());
    }
    enter(&tenant.editor, &shop, "Passwords are logged").await;
    let done = json!({ "assessed_status": "resolved" });
    tenant.editor.patch(&format!("/observations/{}", ids[0]), done).await.expect(200);
    let listed = tenant.viewer.get("/vulnerabilities?include=total").await.expect(200);
    assert_eq!(
        (listed.items("title"), &listed["total"]),
        (vec![json!("Log4Shell"), json!("Passwords are logged")], &json!(2))
    );
    assert_eq!(listed.items("active_observations"), [json!(2), json!(1)]);
    assert_eq!(listed.items("observations"), [json!(3), json!(1)]);
    assert_eq!(listed.items("assets"), [json!(2), json!(1)]);
    for (query, count) in [
        ("id=ghsa-jfh8", 0),
        ("id=GHSA-jfh8", 1),
        ("id=cve-2021-44228", 1),
        ("q=shell", 1),
        ("cwe=502", 1),
        ("cwe=20", 1),
        ("cwe=20&cwe=502", 1),
        ("cwe=21", 0),
        ("severity=high", 1),
        ("active=false", 0),
        ("known_exploited=true", 0),
        (&format!("product={blog}"), 1),
        ("sort=created&limit=1", 2),
    ] {
        assert_eq!(tenant.viewer.get_all(&format!("/vulnerabilities?{query}")).await.len(), count, "{query}");
    }
    let id = listed.items("id")[0].as_str().unwrap().to_owned();
    let whole = tenant.viewer.get(&format!("/vulnerabilities/{id}")).await.expect(200);
    assert_eq!(
        (&whole["key"], &whole["cwes"], &whole["observations"]),
        (&json!("CVE-2021-44228"), &json!([502, 20]), &json!(3))
    );
    let path = format!("/vulnerabilities/{id}/observations");
    assert_eq!(tenant.viewer.get_all(&format!("{path}?limit=1&sort=created")).await.len(), 3);
    assert_eq!(tenant.viewer.get_all(&format!("{path}?active=true&product={shop}")).await.len(), 1);
    tenant.viewer.get(&format!("{path}?vulnerability=CVE-1")).await.expect(400);
    let other = app.tenant("other").await;
    other.admin.get(&format!("/vulnerabilities/{id}")).await.expect(404);
    other.admin.get(&path).await.expect(404);
}
