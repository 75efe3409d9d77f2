//! What clients of other servers are shown: filters, links, counts, and no more than they may see.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Answer, Client, Request, TestApp};
use crate::both_databases;
use crate::openapi::operations;
use crate::sarif::{found, sarif, sarif_of};

both_databases!(
    who_may_not_read_findings_learns_nothing_of_what_there_is,
    findings_of_a_test_are_its_own_and_no_others,
    flags_filters_and_counts_agree_on_what_a_status_is,
    what_waits_in_review_is_counted_as_inactive,
    a_filter_that_cannot_be_answered_is_refused_and_the_rest_is_ignored,
    links_lead_through_all_findings_however_many,
    a_cursor_of_findings_opens_only_its_own_list,
    the_deepest_offset_is_the_documented_one,
    links_name_the_configured_address_whatever_a_request_claims,
    who_sees_one_product_sees_its_product_type_only,
    who_may_write_corrects_a_product_type,
    engagements_in_an_unknown_status_are_refused,
    scan_types_are_found_whatever_their_case,
);

/// Imports a report by names, with these parts beside it.
async fn import(ci: &Client, report: Vec<u8>, parts: &[(&str, &str)]) -> Answer {
    let usual = [
        ("scan_type", "SARIF"),
        ("product_name", "shop"),
        ("engagement_name", "CI/CD"),
        ("auto_create_context", "True"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !parts.iter().any(|(other, _)| other == name));
    let texts = kept.chain(parts.iter().copied());
    let form = texts.fold(Form::new(), |form, (name, text)| form.text(name.to_owned(), text.to_owned()));
    let form = form.part("file", Part::bytes(report).file_name("report.json"));
    Request(ci.request(Method::POST, "/api/v2/import-scan/").0.multipart(form)).send().await
}

/// A report with a finding in each of these files.
fn report(files: &[&str]) -> Vec<u8> {
    let results: Vec<_> = files.iter().map(|file| found("rule", &format!("src/{file}.rs"), 7)).collect();
    sarif(&results).bytes()
}

/// The files that findings are in, in order.
fn files(answer: &Answer) -> Vec<String> {
    let results = answer["results"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
    let file = |finding: &Value| {
        let path = finding["file_path"].as_str().unwrap();
        path.trim_start_matches("src/").trim_end_matches(".rs").to_owned()
    };
    let mut files: Vec<String> = results.iter().map(file).collect();
    files.sort();
    files
}

/// The names in a list.
fn names(answer: &Answer) -> Vec<&str> {
    answer["results"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

/// The parts of a list from this one on, by its links.
async fn follow(app: &TestApp, client: &Client, path: &str) -> Vec<Answer> {
    let mut parts = vec![client.get(path).await.expect(200)];
    loop {
        let next = parts.last().and_then(|part| part["next"].as_str().map(str::to_owned));
        let Some(next) = next else { return parts };
        parts.push(client.get(path_of(app, &next)).await.expect(200));
    }
}

/// A link without the address of the server.
fn path_of<'a>(app: &TestApp, link: &'a str) -> &'a str {
    link.strip_prefix(app.app.config.public_url.as_str()).unwrap_or_else(|| panic!("{link}"))
}

/// PB-8, S-02, S-04
async fn who_may_not_read_findings_learns_nothing_of_what_there_is(app: TestApp) {
    let acme = app.tenant("acme").await;
    let uploader = acme.admin.token(&["scan:upload"], None).await;
    let done = import(&uploader, report(&["a"]), &[]).await.expect(201);
    let product = acme.viewer.get_all("/products").await[0]["id"].as_str().unwrap().to_owned();
    let bound = acme.admin.token(&["scan:upload"], Some(&product)).await;
    for client in [&uploader, &bound] {
        for query in [
            "".to_owned(),
            "product_name=shop".to_owned(),
            "product_name=nowhere".to_owned(),
            format!("test={}", done["test"]),
            "test=987654".to_owned(),
            format!("test__engagement={}", done["engagement_id"]),
            "test__engagement=987654".to_owned(),
            format!("test__engagement__product={}", done["product_id"]),
            "test__engagement__product=987654".to_owned(),
            "title=a".to_owned(),
            "cursor=nonsense".to_owned(),
        ] {
            let refused = client.get(&format!("/api/v2/findings/?{query}")).await.expect(403);
            assert_eq!(refused["detail"], "this needs the role viewer, or a token with the scope read", "{query}");
        }
    }
}

/// PB-8: a pipeline that fails on what its own test found must not fail on what others found.
async fn findings_of_a_test_are_its_own_and_no_others(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["read", "scan:upload"], None).await;
    let list = async |query: String| ci.get(&format!("/api/v2/findings/?{query}")).await;
    let plain = import(&ci, report(&["plain"]), &[]).await.expect(201);
    assert_eq!(files(&list(format!("test={}", plain["test"])).await), ["plain"]);
    let titled = [("test_title", "nightly")];
    let nightly = import(&ci, report(&["nightly"]), &titled).await.expect(201);
    let service = [("test_title", "nightly"), ("service", "api")];
    let service = import(&ci, report(&["service"]), &service).await.expect(201);
    assert_eq!(service["test"], nightly["test"]);
    let near = import(&ci, report(&["near"]), &[("test_title", "nightly-2")]).await.expect(201);
    let elsewhere = [("test_title", "nightly"), ("engagement_name", "Release")];
    let elsewhere = import(&ci, report(&["elsewhere"]), &elsewhere).await.expect(201);
    let finding = json!({ "title": "x", "description": "x", "severity": "High", "file_path": "src/generic.rs" });
    let generic = json!({ "type": "Own checks", "findings": [finding] }).to_string().into_bytes();
    let generic_parts = [("scan_type", "Generic Findings Import"), ("test_title", "nightly")];
    let generic = import(&ci, generic, &generic_parts).await.expect(201);
    import(&ci, report(&["till"]), &[("product_name", "till")]).await.expect(201);
    let number = async |name: &str| {
        let found = ci.get(&format!("/api/v2/test_types/?name={name}")).await.expect(200);
        found["results"][0]["id"].clone()
    };
    let (sarif, generic_type) = (number("SARIF").await, number("Generic%20Findings%20Import").await);
    let empty = json!({ "title": "empty", "engagement": plain["engagement_id"], "test_type": sarif });
    let empty = ci.post("/api/v2/tests/", empty).await.expect(201);
    let test = |of: &Answer| format!("test={}", of["test"]);
    let (engagement, other) = (&plain["engagement_id"], &elsewhere["engagement_id"]);
    for (query, expected) in [
        (test(&plain), &["plain"][..]),
        (test(&nightly), &["nightly", "service"]),
        (test(&near), &["near"]),
        (test(&elsewhere), &["elsewhere"]),
        (test(&generic), &["generic"]),
        (format!("test={}", empty["id"]), &[]),
        (format!("{}&severity=High&active=2", test(&nightly)), &["nightly", "service"]),
        (format!("{}&severity=Low", test(&nightly)), &[]),
        (format!("{}&test__engagement={engagement}", test(&nightly)), &["nightly", "service"]),
        (format!("{}&test__engagement={other}", test(&nightly)), &[]),
        (format!("{}&product_name=shop", test(&nightly)), &["nightly", "service"]),
        (format!("{}&product_name=till", test(&nightly)), &[]),
        (format!("test__engagement={engagement}"), &["generic", "near", "nightly", "plain", "service"]),
        (format!("test__test_type={generic_type}"), &["generic"]),
        (format!("test__test_type={sarif}&test__engagement={other}"), &["elsewhere"]),
        (format!("test__test_type={sarif}&product_name=till"), &["till"]),
        (format!("test__test_type={sarif}&test__test_type={generic_type}&test__engagement={other}"), &["elsewhere"]),
        (format!("{}&test__test_type={sarif}", test(&nightly)), &["nightly", "service"]),
        (format!("{}&test__test_type={generic_type}", test(&nightly)), &[]),
        ("test__test_type=1".to_owned(), &[]),
    ] {
        let answer = list(query.clone()).await.expect(200);
        assert_eq!(files(&answer), expected, "{query}");
        assert_eq!(answer["count"], json!(expected.len()), "{query}");
    }
    list("test=987654".to_owned()).await.expect(404);
}

const STATUSES: [&str; 9] = [
    "affected",
    "duplicate",
    "false_positive",
    "in_review",
    "not_affected",
    "not_security",
    "open",
    "resolved",
    "risk_accepted",
];

/// PB-8: what waits in review is not active, in any respect.
async fn flags_filters_and_counts_agree_on_what_a_status_is(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["read", "scan:upload"], None).await;
    import(&ci, report(&STATUSES), &[]).await.expect(201);
    let observations = acme.viewer.get_all("/observations").await;
    let id_of = |status: &str| {
        let one = observations.iter().find(|one| one["location"] == json!(format!("src/{status}.rs")));
        one.unwrap()["id"].as_str().unwrap().to_owned()
    };
    for status in STATUSES.into_iter().filter(|status| *status != "open") {
        let mut said = json!({ "assessed_status": status });
        if status == "duplicate" {
            said["duplicate_of"] = json!(id_of("open"));
        }
        let path = format!("/observations/{}", id_of(status));
        assert_eq!(acme.editor.patch(&path, said).await.expect(200).text("status"), status);
    }
    for (flag, field, meant) in [
        ("active", "active", &["affected", "open"][..]),
        ("is_mitigated", "is_mitigated", &["resolved"]),
        ("is_Mitigated", "is_mitigated", &["resolved"]),
        ("false_p", "false_p", &["false_positive"]),
        ("duplicate", "duplicate", &["duplicate"]),
        ("out_of_scope", "out_of_scope", &["not_affected", "not_security"]),
        ("risk_accepted", "risk_accepted", &["risk_accepted"]),
        ("under_review", "under_review", &["in_review"]),
    ] {
        for (word, wanted) in [("True", true), ("2", true), ("false", false), ("3", false)] {
            let answer = ci.get(&format!("/api/v2/findings/?{flag}={word}")).await.expect(200);
            let is_meant = |status: &&str| meant.contains(status) == wanted;
            let expected: Vec<&str> = STATUSES.into_iter().filter(is_meant).collect();
            assert_eq!(files(&answer), expected, "{flag}={word}");
            assert_eq!(answer["count"], json!(expected.len()), "{flag}={word}");
            let results = answer["results"].as_array().unwrap();
            assert!(results.iter().all(|finding| finding[field] == json!(wanted)), "{flag}={word}: {answer:?}");
        }
    }
    for (query, expected) in [
        ("active=true&false_p=3&out_of_scope=3", 2),
        ("active=true&is_mitigated=true", 0),
        ("active=false&false_p=3&is_mitigated=false", 5),
        ("active=true&verified=true", 0),
        ("active=true&severity=High", 2),
    ] {
        assert_eq!(ci.get(&format!("/api/v2/findings/?{query}")).await.expect(200)["count"], expected, "{query}");
    }
}

/// PB-8
async fn what_waits_in_review_is_counted_as_inactive(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["read", "scan:upload"], None).await;
    let waiting = import(&ci, report(&["a", "b"]), &[("active", "False")]).await.expect(201);
    let open = import(&ci, report(&["c"]), &[("test_title", "open")]).await.expect(201);
    for (done, active, total) in [(&waiting, 0, 2), (&open, 1, 1)] {
        let counted = &done["statistics"]["after"]["high"];
        assert_eq!((&counted["active"], &counted["total"]), (&json!(active), &json!(total)), "{done:?}");
        let path = format!("/api/v2/findings/?active=true&test={}", done["test"]);
        assert_eq!(ci.get(&path).await.expect(200)["count"], active, "{path}");
    }
}

/// PB-8
async fn a_filter_that_cannot_be_answered_is_refused_and_the_rest_is_ignored(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["read", "scan:upload"], None).await;
    import(&ci, report(&["a"]), &[]).await.expect(201);
    for (query, refused) in [
        ("id=17", &["id"][..]),
        ("tags=nightly", &["tags"]),
        ("title=a", &["title"]),
        ("vulnerability_id=CVE-2021-44228", &["vulnerability_id"]),
        ("product_name_contains=sho", &["product_name_contains"]),
        ("test__engagement__product__prod_type=1", &["test__engagement__product__prod_type"]),
        ("active=true&cwe=79&has_jira=true&limit=1", &["cwe", "has_jira"]),
        ("ordering=title&o=-date&prefetch=test&related_fields=true&unknown=1&tags=&title=%20", &[]),
    ] {
        let answer = ci.get(&format!("/api/v2/findings/?{query}")).await;
        assert_eq!((answer.status, answer.pointers()), (if refused.is_empty() { 200 } else { 400 }, refused.to_vec()));
        assert!(refused.is_empty() || answer["errors"][0]["detail"].as_str().unwrap().contains("leave it out"));
        assert!(!refused.is_empty() || answer["count"] == json!(1), "{query}: {answer:?}");
    }
}

/// PB-8
async fn links_lead_through_all_findings_however_many(app: TestApp) {
    const MANY: usize = 10_040;
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["read", "scan:upload"], None).await;
    import(&ci, sarif_of(MANY).bytes(), &[("verified", "True")]).await.expect(201);
    let sizes = |parts: &[Answer]| -> Vec<usize> {
        parts.iter().map(|part| part["results"].as_array().unwrap().len()).collect()
    };
    // What is counted row by row is not counted to the end at once.
    for (query, first_count) in [("active=true", MANY), ("verified=true", 10_000)] {
        let parts = follow(&app, &ci, &format!("/api/v2/findings/?limit=1000&{query}")).await;
        assert_eq!((sizes(&parts).len(), sizes(&parts)[10]), (11, 40), "{query}");
        let results = parts.iter().flat_map(|part| part["results"].as_array().unwrap());
        let mut ids: Vec<i64> = results.map(|finding| finding["id"].as_i64().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), MANY, "{query}");
        assert_eq!((&parts[0]["count"], &parts[10]["count"]), (&json!(first_count), &json!(MANY)), "{query}");
    }
    let deepest = follow(&app, &ci, "/api/v2/findings/?offset=10000&limit=25").await;
    assert_eq!(sizes(&deepest), [25, 15]);
    let back = ci.get(path_of(&app, deepest[1]["previous"].as_str().unwrap())).await.expect(200);
    assert_eq!(back["results"], deepest[0]["results"]);
    assert_eq!(ci.get("/api/v2/findings/?offset=10001").await.expect(400).pointers(), ["offset"]);
}

/// PB-8, S-26
async fn a_cursor_of_findings_opens_only_its_own_list(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let ci = acme.admin.token(&["read", "scan:upload"], None).await;
    let stranger = other.admin.token(&["read", "scan:upload"], None).await;
    for client in [&ci, &stranger] {
        import(client, report(&["a", "b", "c"]), &[]).await.expect(201);
    }
    let first = ci.get("/api/v2/findings/?limit=2&active=true&product_name=shop").await.expect(200);
    let next = path_of(&app, first["next"].as_str().unwrap()).to_owned();
    let second = ci.get(&next).await.expect(200);
    assert_eq!((second["results"].as_array().unwrap().len(), &second["next"]), (1, &Value::Null));
    assert!(files(&first).iter().all(|file| !files(&second).contains(file)), "{first:?} {second:?}");
    ci.get(&next.replace("limit=2", "limit=1")).await.expect(200);
    for (client, path) in [
        (&stranger, next.clone()),
        (&ci, next.replace("active=true", "active=false")),
        (&ci, format!("{next}&severity=High")),
        (&ci, next.replace("cursor=", "cursor=A")),
    ] {
        assert_eq!(client.get(&path).await.expect(400).pointers(), ["cursor"], "{path}");
    }
}

/// PB-8
async fn the_deepest_offset_is_the_documented_one(app: TestApp) {
    let acme = app.tenant("acme").await;
    let reader = acme.admin.token(&["read"], None).await;
    let mut checked = 0;
    for operation in operations().iter().filter(|operation| operation.described["tags"][0] == "compatibility") {
        let parameters = operation.described["parameters"].as_array().cloned().unwrap_or_default();
        let Some(offset) = parameters.iter().find(|one| one["name"] == "offset") else { continue };
        let most = offset["schema"]["maximum"].as_i64().unwrap();
        for (offset, status) in [(0, 200), (most, 200), (most + 1, 400), (-1, 400)] {
            reader.get(&format!("{}?offset={offset}", operation.path)).await.expect(status);
        }
        checked += 1;
    }
    assert_eq!(checked, 7);
}

/// PB-8: a link that leads to whom a request names would take the token there.
async fn links_name_the_configured_address_whatever_a_request_claims(app: TestApp) {
    let app = app.restart_with(&[("public_url", "https://patchbay.example/")]).await;
    let acme = app.tenant("acme").await;
    for name in ["a", "b", "c"] {
        acme.editor.product(name).await;
    }
    let ci = acme.admin.token(&["read", "scan:upload"], None).await;
    import(&ci, report(&["a", "b", "c"]), &[("product_name", "a")]).await.expect(201);
    for (header, value) in [
        ("accept", "*/*"),
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
        ("forwarded", "host=evil.example;proto=gopher"),
    ] {
        let get = async |path: &str| ci.request(Method::GET, path).header(header, value).send().await.expect(200);
        let products = get("/api/v2/products/?limit=1&offset=1&unknown=x%20y").await;
        let link = |to: i64| format!("https://patchbay.example/api/v2/products?unknown=x+y&limit=1&offset={to}");
        assert_eq!((products.text("next"), products.text("previous")), (link(2), link(0)), "{header}");
        let findings = get("/api/v2/findings/?limit=1&offset=1").await;
        for link in [findings.text("next"), findings.text("previous")] {
            assert!(link.starts_with("https://patchbay.example/api/v2/findings?limit=1&offset="), "{header}: {link}");
        }
    }
}

/// S-02, S-04: product types are labels, but they name what others work on.
async fn who_sees_one_product_sees_its_product_type_only(app: TestApp) {
    let acme = app.tenant("acme").await;
    let (shop, bare) = (acme.editor.product("shop").await, acme.editor.product("bare").await);
    let everywhere = acme.admin.token(&["read", "scan:upload"], None).await;
    let type_of = async |product: &str, product_type: &str| {
        let parts = [("product_name", product), ("product_type_name", product_type)];
        import(&everywhere, report(&["a"]), &parts).await.expect(201)["product_type_id"].clone()
    };
    let (own, secret) = (type_of("shop", "Web shops").await, type_of("till", "Secret plans").await);
    let own_id = format!("?id={own}");
    let secret_id = format!("?id={secret}");
    let secret_by_both = format!("?id={secret}&name=Secret%20plans");
    let of_shop = acme.admin.token(&["scan:upload"], Some(&shop)).await;
    let of_bare = acme.admin.token(&["scan:upload"], Some(&bare)).await;
    let list = async |client: &Client, query: &str| {
        let answer = client.get(&format!("/api/v2/product_types/{query}")).await.expect(200);
        assert_eq!(answer["count"], json!(names(&answer).len()), "{query}: {answer:?}");
        answer
    };
    for (client, query, expected) in [
        (&of_shop, "", &["Web shops"][..]),
        (&of_shop, own_id.as_str(), &["Web shops"]),
        (&of_shop, &secret_id, &[]),
        (&of_shop, "?name=Secret%20plans", &["Secret plans"]),
        (&of_shop, "?name_exact=secret%20plans", &["Secret plans"]),
        (&of_shop, &secret_by_both, &["Secret plans"]),
        (&of_shop, "?name=Secret", &[]),
        (&of_bare, "", &[]),
        (&of_bare, &own_id, &[]),
        (&everywhere, "", &["Web shops", "Secret plans"]),
        (&everywhere, &secret_id, &["Secret plans"]),
    ] {
        assert_eq!(names(&list(client, query).await), expected, "{query}");
    }
    // A product type that was just made can be said by its number.
    let made = of_bare.post("/api/v2/product_types/", json!({ "name": "New" })).await.expect(201);
    let product = json!({ "name": "bare", "prod_type": made["id"] });
    assert_eq!(of_bare.post("/api/v2/products/", product).await.expect(201)["prod_type"], made["id"]);
    assert_eq!(names(&list(&of_bare, "").await), ["New"]);
}

/// PB-8, S-04
async fn who_may_write_corrects_a_product_type(app: TestApp) {
    let acme = app.tenant("acme").await;
    let uploader = acme.admin.token(&["scan:upload"], None).await;
    let writer = acme.admin.token(&["write"], None).await;
    let till = acme.editor.product("till").await;
    let writer_of_till = acme.admin.token(&["write"], Some(&till)).await;
    let done = import(&uploader, report(&["a"]), &[("product_type_name", "Wep shops")]).await.expect(201);
    let right = uploader.post("/api/v2/product_types/", json!({ "name": "Web shops" })).await.expect(201);
    let correct = json!({ "name": "shop", "prod_type": right["id"] });
    let refused = uploader.post("/api/v2/products/", correct.clone()).await.expect(400);
    assert_eq!(refused.pointers(), ["prod_type"]);
    for client in [&uploader, &writer] {
        let refused = import(client, report(&["a"]), &[("product_type_name", "Web shops")]).await.expect(400);
        assert_eq!(refused.pointers(), ["product_type_name"]);
        let detail = refused["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("the scope write") && detail.contains("POST /api/v2/products/"), "{detail}");
        assert!(!detail.contains("Wep"), "{detail}");
    }
    writer_of_till.post("/api/v2/products/", correct.clone()).await.expect(404);
    let same = json!({ "name": "shop", "prod_type": done["product_type_id"] });
    assert_eq!(uploader.post("/api/v2/products/", same).await.expect(201)["prod_type"], done["product_type_id"]);
    for client in [&writer, &acme.editor.client] {
        assert_eq!(client.post("/api/v2/products/", correct.clone()).await.expect(201)["prod_type"], right["id"]);
    }
    for (name, status) in [("Web shops", 201), ("Wep shops", 400)] {
        import(&uploader, report(&["a"]), &[("product_type_name", name)]).await.expect(status);
    }
}

/// PB-8
async fn engagements_in_an_unknown_status_are_refused(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["write"], None).await;
    let done = import(&ci, report(&["a"]), &[]).await.expect(201);
    for (status, count) in [
        ("In%20Progress", Some(1)),
        ("in%20progress", Some(1)),
        ("", Some(1)),
        ("Completed", Some(0)),
        ("Waiting%20for%20Resource", Some(0)),
        ("Paused", None),
        ("In_Progress", None),
    ] {
        let answer = ci.get(&format!("/api/v2/engagements/?status={status}")).await;
        match count {
            Some(count) => assert_eq!(answer.expect(200)["count"], count, "{status}"),
            None => {
                let answer = answer.expect(400);
                assert_eq!(answer.pointers(), ["status"]);
                let detail = answer["errors"][0]["detail"].as_str().unwrap();
                assert!(
                    ["Not Started", "In Progress", "Cancelled"].iter().all(|word| detail.contains(word)),
                    "{detail}"
                );
            }
        }
    }
    let path = format!("/api/v2/engagements/{}/", done["engagement_id"]);
    assert_eq!(ci.patch(&path, json!({ "status": "Paused" })).await.expect(400).pointers(), ["/status"]);
    let blocked = ci.patch(&path, json!({ "status": "blocked" })).await.expect(200);
    assert_eq!(blocked["status"], "Not Started");
}

/// PB-8
async fn scan_types_are_found_whatever_their_case(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["read", "scan:upload"], None).await;
    let done = import(&ci, report(&["a"]), &[("scan_type", "sarif")]).await.expect(201);
    for (scan_type, count) in
        [("SARIF", 1), ("sarif", 1), ("%20Sarif%20", 1), ("Trivy%20Scan", 0), ("trivy%20scan", 0), ("nothing", 0)]
    {
        let path = format!("/api/v2/tests/?engagement={}&scan_type={scan_type}", done["engagement_id"]);
        assert_eq!(ci.get(&path).await.expect(200)["count"], count, "{scan_type}");
    }
}
