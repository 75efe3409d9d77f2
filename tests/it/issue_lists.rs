//! Lists of issues, changes of many, and who sees what.

use std::time::Duration;

use patchbay::worker::overdue;
use serde_json::{Value, json};

use crate::app::{Client, TestApp};
use crate::both_databases;
use crate::sarif::{found, sarif};

both_databases!(
    issues_are_listed_filtered_sorted_paged_and_counted,
    a_front_end_is_offered_what_most_issues_have,
    many_issues_are_changed_alike_and_each_is_answered_for,
    a_due_date_that_passes_is_told_once,
    nobody_sees_anything_of_a_restricted_product_in_an_issue,
    a_token_of_one_product_sees_the_issues_of_that_product,
    what_is_left_of_a_restricted_product_stays_restricted,
    an_issue_of_many_instances_is_made_in_one_call,
);

/// Of more than can be shown, the rare ones are left out.
async fn a_front_end_is_offered_what_most_issues_have(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let mut teams = Vec::new();
    for number in 0..101 {
        teams.push(tenant.admin.team(&format!("team {number}")).await);
    }
    let last = teams.last().unwrap().clone();
    for team in teams.iter().chain([&last]) {
        made(&tenant.editor, json!({ "name": "x", "assignee": { "kind": "team", "id": team } })).await;
    }
    let facets = tenant.viewer.get("/issues/facets").await.expect(200);
    let assignee = facets["facets"].as_array().unwrap().iter().find(|facet| facet["field"] == "assignee").unwrap();
    let values = assignee["values"].as_array().unwrap();
    assert_eq!((values.len(), &values[0]["value"], &values[0]["issues"]), (100, &json!(last), &json!(2)));
    assert!(values[1..].iter().all(|value| value["issues"] == 1));
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["name"].as_str().unwrap()).collect()
}

async fn made(client: &Client, body: Value) -> String {
    client.post("/issues", body).await.expect(201).id()
}

/// RZ-13, S-26
async fn issues_are_listed_filtered_sorted_paged_and_counted(app: TestApp) {
    let (tenant, stranger) = (app.tenant("acme").await, app.tenant("globex").await);
    let (shop, blog) = (tenant.admin.product("shop").await, tenant.admin.product("blog").await);
    let in_shop = tenant.editor.observed(&shop, "One", "high", json!({})).await;
    let in_blog = tenant.editor.observed(&blog, "Two", "low", json!({})).await;
    let user = json!({ "kind": "user", "id": tenant.editor.id });
    let of = |observation: &str| json!({ "observation_ids": [observation] });
    made(&tenant.editor, json!({ "name": "Alpha one", "selection": of(&in_shop), "due_at": "2026-05-01" })).await;
    made(&tenant.editor, json!({ "name": "Beta two", "selection": of(&in_blog), "assignee": user })).await;
    let gamma = json!({ "name": "Gamma One", "risk": "critical", "state": "in_progress", "due_at": "2026-07-01" });
    made(&tenant.editor, gamma).await;
    made(&tenant.editor, json!({ "name": "100% sure", "risk": "none", "state": "closed", "due_at": "2026-04-01" }))
        .await;
    made(&stranger.editor, json!({ "name": "Theirs" })).await;
    for (query, expected) in [
        (String::new(), vec!["Gamma One", "Alpha one", "Beta two", "100% sure"]),
        ("sort=risk".to_owned(), vec!["100% sure", "Beta two", "Alpha one", "Gamma One"]),
        ("sort=created".to_owned(), vec!["Alpha one", "Beta two", "Gamma One", "100% sure"]),
        ("sort=-created&state=open&state=closed".to_owned(), vec!["100% sure", "Beta two", "Alpha one"]),
        ("sort=due_at".to_owned(), vec!["100% sure", "Alpha one", "Gamma One", "Beta two"]),
        ("sort=-due_at".to_owned(), vec!["Beta two", "Gamma One", "Alpha one", "100% sure"]),
        ("state=open".to_owned(), vec!["Alpha one", "Beta two"]),
        ("risk=high&risk=critical".to_owned(), vec!["Gamma One", "Alpha one"]),
        (format!("product={shop}"), vec!["Alpha one"]),
        (format!("product={shop}&product={blog}"), vec!["Alpha one", "Beta two"]),
        (format!("assignee={}", tenant.editor.id), vec!["Beta two"]),
        (format!("assignee={}&sort=created", tenant.editor.id), vec!["Beta two"]),
        ("assigned=false&risk=critical".to_owned(), vec!["Gamma One"]),
        ("overdue=true".to_owned(), vec!["Alpha one"]),
        ("overdue=false&sort=created".to_owned(), vec!["Beta two", "Gamma One", "100% sure"]),
        ("q=ONE".to_owned(), vec!["Gamma One", "Alpha one"]),
        ("q=0%25".to_owned(), vec!["100% sure"]),
        ("has_regressions=true".to_owned(), vec![]),
        ("ticket_state=none&state=open".to_owned(), vec!["Alpha one", "Beta two"]),
        ("ticket_state=open".to_owned(), vec![]),
    ] {
        let listed = tenant.viewer.get_all(&format!("/issues?limit=1&{query}")).await;
        assert_eq!(names(&listed), expected, "{query}");
        let page = tenant.viewer.get(&format!("/issues?limit=1&include=total&{query}")).await.expect(200);
        assert_eq!(page["total"], expected.len(), "{query}");
    }
    let facets = tenant.viewer.get("/issues/facets?state=open").await.expect(200);
    let of = |field: &str| {
        let facets = facets["facets"].as_array().unwrap();
        facets.iter().find(|facet| facet["field"] == field).unwrap()["values"].clone()
    };
    let value = |value: Value, name: Value, issues: i64| json!({ "value": value, "name": name, "issues": issues });
    assert_eq!(
        of("state"),
        json!([
            value(json!("open"), Value::Null, 2),
            value(json!("closed"), Value::Null, 1),
            value(json!("in_progress"), Value::Null, 1)
        ])
    );
    assert_eq!(of("risk"), json!([value(json!("high"), Value::Null, 1), value(json!("low"), Value::Null, 1)]));
    let products: Vec<_> = of("product").as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(products, ["shop", "blog"]);
    assert!(of("assignee").as_array().unwrap().contains(&value(json!(tenant.editor.id), json!("editor of acme"), 1)));
    for (query, pointer) in
        [("state=done", "state"), ("colour=red", "colour"), ("sort=name", "sort"), ("cursor=x", "cursor")]
    {
        assert_eq!(tenant.viewer.get(&format!("/issues?{query}")).await.expect(400).pointers(), [pointer], "{query}");
    }
}

async fn many_issues_are_changed_alike_and_each_is_answered_for(app: TestApp) {
    let (tenant, stranger) = (app.tenant("acme").await, app.tenant("globex").await);
    let product = tenant.admin.product("shop").await;
    let observation = tenant.editor.observed(&product, "One", "high", json!({})).await;
    let open = tenant.editor.issue_of(&[&observation]).await;
    let closed = made(&tenant.editor, json!({ "name": "b", "state": "closed", "risk": "low" })).await;
    let merged = made(&tenant.editor, json!({ "name": "c" })).await;
    tenant.editor.post(&format!("/issues/{closed}/merge"), json!({ "from": merged })).await.expect(200);
    let theirs = made(&stranger.editor, json!({ "name": "d" })).await;
    let body = json!({ "ids": [open, closed, merged, theirs, open], "change": { "state": "closed", "risk": "low" } });
    tenant.viewer.post("/issues/change", body.clone()).await.expect(403);
    let summary = tenant.editor.post("/issues/change", body).await.expect(200);
    let outcomes: Vec<_> = summary["results"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(
        (outcomes, &summary["changed"]),
        (vec![json!("changed"), json!("unchanged"), json!("changed"), json!("not_found")], &json!(2))
    );
    // What happened while it was closed is made up for.
    tenant
        .editor
        .patch(&format!("/observations/{observation}"), json!({ "assessed_status": "resolved" }))
        .await
        .expect(200);
    let body = json!({ "filter": { "state": ["closed"] }, "change": { "state": "open", "assignee": { "kind": "user", "id": tenant.viewer.id } } });
    let summary = tenant.editor.post("/issues/change", body).await.expect(200);
    let mut outcomes: Vec<_> =
        summary["results"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["changed", "changed", "refused"]);
    assert_eq!(tenant.viewer.get(&format!("/issues/{open}")).await.expect(200)["state"], "resolved");
    let fields = tenant.viewer.get(&format!("/issues/{closed}/timeline?kind=user")).await.expect(200).items("field");
    assert_eq!(fields[..2], [json!("assignee"), json!("state")]);
    for (body, pointer) in [
        (json!({ "ids": [], "change": { "risk": "low" } }), "/ids"),
        (json!({ "ids": [open], "change": {} }), "/change"),
        (
            json!({ "ids": [open], "change": { "assignee": { "kind": "team", "id": tenant.viewer.id } } }),
            "/change/assignee",
        ),
    ] {
        assert_eq!(tenant.editor.post("/issues/change", body).await.expect(400).pointers(), [pointer]);
    }
}

async fn a_due_date_that_passes_is_told_once(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let product = tenant.admin.product("shop").await;
    let due = |at: &str| json!({ "name": "Harden", "product_id": product, "due_at": at });
    let issue = format!("/issues/{}", made(&tenant.editor, due("2026-06-02T00:00:00Z")).await);
    let told = || async {
        for _ in 0..2 {
            let now = app.app.clock.now();
            app.app.db.write(move |conn| overdue::tell(conn, now)).await.unwrap();
        }
        let all = tenant.viewer.get_all("/notifications").await;
        let open = all.iter().filter(|one| one["resolved_at"].is_null()).count();
        (open, all.iter().map(|one| one["occurrences"].as_i64().unwrap()).sum::<i64>())
    };
    assert_eq!(told().await, (0, 0));
    app.app.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(told().await, (1, 1));
    assert_eq!(tenant.viewer.get_all("/notifications").await[0]["kind"], "issue_overdue");
    tenant.editor.patch(&issue, json!({ "due_at": "2026-06-02T01:00:00Z" })).await.expect(200);
    assert_eq!(told().await, (1, 2), "another date is told anew");
    tenant.editor.patch(&issue, json!({ "state": "resolved" })).await.expect(200);
    assert_eq!(told().await, (0, 2), "and is over when the issue is settled");
}

/// PB-10
async fn nobody_sees_anything_of_a_restricted_product_in_an_issue(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let (shop, secret) = (
        tenant.admin.product("shop").await,
        tenant.admin.product_with("secret", json!({ "is_restricted": true })).await,
    );
    let open = tenant.admin.observed(&shop, "Open port", "low", json!({})).await;
    let hidden = tenant.admin.observed(&secret, "Backdoor", "critical", json!({})).await;
    let both = tenant
        .admin
        .post("/issues", json!({ "name": "Both", "risk": "low", "selection": { "observation_ids": [open, hidden] } }))
        .await
        .expect(201)
        .id();
    let only = tenant.admin.issue_of(&[&hidden]).await;
    let (both, only) = (format!("/issues/{both}"), format!("/issues/{only}"));
    tenant.admin.patch(&format!("/observations/{hidden}"), json!({ "assessed_status": "resolved" })).await.expect(200);
    tenant.admin.patch(&format!("/observations/{hidden}"), json!({ "assessed_status": null })).await.expect(200);
    for reader in [&tenant.editor, &tenant.viewer] {
        reader.get(&only).await.expect(404);
        reader.get(&format!("{only}/timeline")).await.expect(404);
        assert_eq!(names(&reader.get_all("/issues").await), ["Both"]);
        let seen = reader.get(&both).await.expect(200);
        assert_eq!((&seen["product_ids"], &seen["instances"]["total"]), (&json!([shop]), &json!(1)));
        assert!(reader.get_all("/issues?has_regressions=true").await.is_empty());
        assert!(reader.get_all(&format!("/issues?product={secret}")).await.is_empty());
        for path in [
            format!("{both}/instances"),
            format!("{both}/timeline"),
            "/issues/facets".into(),
            format!("{both}/instances.csv"),
        ] {
            let answer = reader.get(&path).await.expect(200);
            let text = String::from_utf8(answer.bytes).unwrap();
            assert!(
                !text.contains("Backdoor") && !text.contains("secret") && !text.contains(&secret),
                "{path}: {text}"
            );
        }
    }
    assert_eq!(tenant.admin.get(&both).await.expect(200)["instances"]["regressed"], 1);
    assert!(tenant.admin.get_all("/issues?has_regressions=true").await.len() == 2);
    tenant.editor.post("/issues", json!({ "selection": { "observation_ids": [hidden] } })).await.expect(400);
    tenant.editor.patch(&only, json!({ "name": "x" })).await.expect(404);
    tenant.editor.delete(&only).await.expect(404);
    // What they delete is what they see.
    tenant.editor.delete(&both).await.expect(204);
    tenant.editor.get(&both).await.expect(404);
    assert_eq!(tenant.admin.get(&both).await.expect(200)["product_ids"], json!([secret]));
}

/// S-04, RZ-12
async fn a_token_of_one_product_sees_the_issues_of_that_product(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let (shop, blog) = (tenant.admin.product("shop").await, tenant.admin.product("blog").await);
    let in_shop = tenant.editor.observed(&shop, "One", "high", json!({})).await;
    let in_blog = tenant.editor.observed(&blog, "Two", "low", json!({})).await;
    let both = tenant.editor.issue_of(&[&in_shop, &in_blog]).await;
    let other = tenant.editor.issue_of(&[&in_blog]).await;
    made(&tenant.editor, json!({ "name": "empty" })).await;
    let writer = tenant.admin.token(&["write"], Some(&shop)).await;
    let reader = tenant.admin.token(&["read"], Some(&shop)).await;
    let uploader = tenant.admin.token(&["scan:upload"], Some(&shop)).await;
    assert_eq!(reader.get_all("/issues").await.len(), 1);
    assert_eq!(writer.get(&format!("/issues/{both}")).await.expect(200)["product_ids"], json!([shop]));
    writer.get(&format!("/issues/{other}")).await.expect(404);
    writer.patch(&format!("/issues/{both}"), json!({ "risk": "none" })).await.expect(200);
    reader.patch(&format!("/issues/{both}"), json!({ "risk": "low" })).await.expect(403);
    uploader.get("/issues").await.expect(403);
    let made = writer.post("/issues", json!({ "name": "mine", "product_id": shop })).await.expect(201);
    assert_eq!(reader.get_all("/issues").await.len(), 2);
    assert_eq!(made["product_ids"], json!([]));
    writer.post("/issues", json!({ "name": "not mine", "product_id": blog })).await.expect(400);
}

/// PB-10, RZ-3
async fn what_is_left_of_a_restricted_product_stays_restricted(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let secret = tenant.admin.product_with("secret", json!({ "is_restricted": true })).await;
    let hidden = tenant.admin.observed(&secret, "Backdoor", "critical", json!({})).await;
    let issue = format!("/issues/{}", tenant.admin.issue_of(&[&hidden]).await);
    tenant.admin.delete(&format!("/products/{secret}")).await.expect(204);
    for reader in [&tenant.editor, &tenant.viewer] {
        reader.get(&issue).await.expect(404);
        assert!(reader.get_all("/issues").await.is_empty());
    }
    let shown = tenant.admin.get(&issue).await.expect(200);
    assert_eq!((&shown["state"], &shown["instances"]["remediated"]), (&json!("resolved"), &json!(1)));
    assert_eq!(tenant.admin.get_all(&format!("{issue}/instances")).await.len(), 1);
}

/// RZ-2: more than one batch of snapshots.
async fn an_issue_of_many_instances_is_made_in_one_call(app: TestApp) {
    let tenant = app.tenant("acme").await;
    let rules: Vec<String> = (0..2_500).map(|n| format!("rule-{n}")).collect();
    let findings: Vec<_> = rules.iter().map(|rule| found(rule, "x.rs", 1)).collect();
    tenant.editor.scan("shop", &sarif(&findings)).await.expect(201);
    let issue = format!("/issues/{}", made(&tenant.editor, json!({ "selection": { "filter": {} } })).await);
    assert_eq!(tenant.viewer.get(&issue).await.expect(200)["instances"]["total"], 2_500);
    assert_eq!(tenant.viewer.get_all(&format!("{issue}/instances?limit=500")).await.len(), 2_500);
    let table = tenant.viewer.get(&format!("{issue}/instances.csv")).await.expect(200);
    assert_eq!(csv::Reader::from_reader(&table.bytes[..]).records().count(), 2_500);
    tenant.editor.scan("shop", &sarif(&findings[..2_400])).await.expect(201);
    let shown = tenant.viewer.get(&issue).await.expect(200);
    assert_eq!((&shown["instances"]["remediated"], &shown["state"]), (&json!(100), &json!("open")));
}
