//! What imports of other servers' clients are compared with, when they ran, and what they are told.

use std::time::Duration;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Answer, Client, Request, TestApp};
use crate::both_databases;
use crate::sarif::{Sarif, found, sarif};

both_databases!(
    a_day_is_that_of_any_time_zone_and_an_old_one_is_told_to_be_outdated,
    of_a_day_that_is_over_the_report_may_know_the_time,
    builds_of_one_image_are_compared_with_each_other,
    files_of_different_names_resolve_nothing_of_each_other,
    one_file_name_keeps_apart_what_the_report_keeps_apart,
    an_older_bill_of_materials_of_another_name_is_not_outdated,
    counts_are_of_the_sources_that_the_import_writes_to,
    what_waits_in_review_is_not_counted_as_active,
    faults_name_the_fields_of_the_client,
);

const IMPORT: &str = "/api/v2/import-scan/";
const REIMPORT: &str = "/api/v2/reimport-scan/";
const OBSERVATIONS: &str = "/api/import/file_upload_observations_by_name/";
const SBOM: &str = "/api/import/file_upload_sbom_by_name/";
const HOUR: Duration = Duration::from_secs(3600);

/// Posts a file, with these parts beside it.
async fn post(client: &Client, path: &str, file: (&str, Vec<u8>), parts: &[(&str, &str)]) -> Answer {
    let (name, bytes) = file;
    let form = Form::new().part("file", Part::bytes(bytes).file_name(name.to_owned()));
    let form = parts.iter().fold(form, |form, (name, text)| form.text((*name).to_owned(), (*text).to_owned()));
    Request(client.request(Method::POST, path).0.multipart(form)).send().await
}

/// Imports a report as a client of DefectDojo does, into a product, with more to say.
async fn import(client: &Client, path: &str, report: &Sarif, product: &str, more: &[(&str, &str)]) -> Answer {
    let usual = [("product_name", product), ("engagement_name", "CI/CD"), ("auto_create_context", "true")];
    let parts = [&usual[..], more].concat();
    post(client, path, ("report.json", report.bytes()), &parts).await
}

fn report(rules: &[&str]) -> Sarif {
    sarif(&rules.iter().map(|rule| found(rule, "src/app.rs", 7)).collect::<Vec<_>>())
}

/// The same, of a run of this kind.
fn report_of_kind(kind: &str, rules: &[&str]) -> Vec<u8> {
    let mut report: Value = serde_json::from_slice(&report(rules).bytes()).unwrap();
    report["runs"][0]["automationDetails"] = json!({ "id": format!("{kind}/") });
    serde_json::to_vec(&report).unwrap()
}

/// What an import counted: created, closed, reactivated, untouched.
#[track_caller]
fn delta(answer: &Answer) -> [i64; 4] {
    let count = |name: &str| answer["statistics"]["delta"][name]["total"]["total"].as_i64();
    ["created", "closed", "reactivated", "untouched"].map(|name| count(name).unwrap_or_else(|| panic!("{answer:?}")))
}

/// How many findings there are before or after an import: active, mitigated, in all.
#[track_caller]
fn totals(answer: &Answer, when: &str) -> [i64; 3] {
    let count = |name: &str| answer["statistics"][when]["total"][name].as_i64();
    ["active", "is_mitigated", "total"].map(|name| count(name).unwrap_or_else(|| panic!("{answer:?}")))
}

/// What an upload as of SecObserve counted: new, updated, resolved.
#[track_caller]
fn counts(answer: &Answer) -> [i64; 3] {
    let count = |name: &str| answer[format!("observations_{name}").as_str()].as_i64();
    ["new", "updated", "resolved"].map(|name| count(name).unwrap_or_else(|| panic!("{answer:?}")))
}

/// The names of all scan sources, in their order.
async fn sources(viewer: &Client) -> Vec<String> {
    let sources = viewer.get_all("/scan-sources").await;
    let mut names: Vec<String> = sources.iter().map(|source| source["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// PB-8: clients send the day of their own time zone, dd-import with every report.
async fn a_day_is_that_of_any_time_zone_and_an_old_one_is_told_to_be_outdated(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["scan:upload"], None).await;
    let mut hours_passed = 0;
    for (hours, day, expected) in [
        // 12:00 UTC is 02:00 of the next day at UTC+14.
        (0, "2026-06-01", Some("imported")),
        (0, "2026-06-02", Some("imported")),
        (0, "2026-06-03", None),
        // 04:00 UTC is 23:00 of the day before at UTC-5.
        (16, "2026-06-01", Some("imported")),
        (16, "2026-06-02", Some("imported")),
        (16, "2026-06-03", None),
        (16, "2026-05-31", Some("outdated")),
        (16, "2025-06-01", Some("outdated")),
        // 11:00 UTC is 23:00 of the day before at UTC-12, and two hours later nobody has that day any more.
        (23, "2026-06-01", Some("imported")),
        (25, "2026-06-01", Some("outdated")),
        (25, "2026-06-03", Some("imported")),
    ] {
        app.app.clock.advance(HOUR * (hours - hours_passed));
        hours_passed = hours;
        let row = format!("{day} after {hours} hours");
        let (sarif_type, said) = (("scan_type", "SARIF"), ("scan_date", day));
        let first = import(&ci, IMPORT, &report(&["a", "b"]), &row, &[sarif_type]).await.expect(201);
        assert_eq!((&first["outcome"], &first["message"]), (&json!("imported"), &Value::Null), "{row}");
        let next = import(&ci, REIMPORT, &report(&["a"]), &row, &[sarif_type, said]).await;
        let Some(expected) = expected else {
            assert!(next.expect(400).text("detail").contains("scan_date"), "{row}");
            continue;
        };
        let next = next.expect(201);
        assert_eq!((next["outcome"].as_str(), next.text("scan_date")), (Some(expected), day.to_owned()), "{row}");
        let is_outdated = expected == "outdated";
        assert_eq!(next["message"].is_string(), is_outdated, "{row}");
        assert_eq!(delta(&next), if is_outdated { [0; 4] } else { [0, 1, 0, 1] }, "{row}");
        assert_eq!(totals(&next, "after"), if is_outdated { [2, 0, 2] } else { [1, 1, 2] }, "{row}");
    }
}

/// PB-8: a day says less than the report's own time of that day, and more than one of another day.
async fn of_a_day_that_is_over_the_report_may_know_the_time(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["scan:upload"], None).await;
    for (own, day, expected) in [
        (Some("2026-05-20T08:00:00Z"), "2026-05-20", "2026-05-20T08:00:00.000000Z"),
        // That day in the first time zone and in the last.
        (Some("2026-05-19T10:00:00Z"), "2026-05-20", "2026-05-19T10:00:00.000000Z"),
        (Some("2026-05-21T11:00:00Z"), "2026-05-20", "2026-05-21T11:00:00.000000Z"),
        // Another day: then it is the end of the one that is said.
        (Some("2026-05-19T09:00:00Z"), "2026-05-20", "2026-05-21T12:00:00.000000Z"),
        (Some("2026-05-25T08:00:00Z"), "2026-05-20", "2026-05-21T12:00:00.000000Z"),
        (None, "2026-05-20", "2026-05-21T12:00:00.000000Z"),
        // A day that still goes on is what every report is sent with.
        (Some("2026-05-25T08:00:00Z"), "2026-06-01", "2026-05-25T08:00:00.000000Z"),
        (Some("2026-05-25T08:00:00Z"), "2026-06-02", "2026-05-25T08:00:00.000000Z"),
        (None, "2026-06-01", "2026-06-01T12:00:00.000000Z"),
        (None, "2026-06-02", "2026-06-01T12:00:00.000000Z"),
    ] {
        let row = format!("{own:?} on {day}").replace(['"', ':'], "");
        let report = match own {
            Some(time) => report(&["a"]).at(time),
            None => report(&["a"]),
        };
        let said = [("scan_type", "SARIF"), ("scan_date", day)];
        let done = import(&ci, IMPORT, &report, &row, &said).await.expect(201);
        let upload = acme.viewer.get(done["links"]["upload"].as_str().unwrap()).await.expect(200);
        assert_eq!(upload["scans"][0]["scanned_at"], json!(expected), "{row}");
    }
}

/// PB-8: tag and digest change with every build.
async fn builds_of_one_image_are_compared_with_each_other(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["scan:upload"], None).await;
    let mut expected = Vec::new();
    for (first, next, service, asset, source) in [
        ("shop:1.2", "shop:1.3", None, "shop", "shop (trivy.json)"),
        (
            "a.example:5000/web:1",
            "a.example:5000/web@sha256:4f1c",
            None,
            "a.example:5000/web",
            "a.example:5000/web (trivy.json)",
        ),
        ("till:7", "till", Some("checkout"), "till", "checkout (trivy.json)"),
    ] {
        for (image, rules, counted) in [(first, &["a", "b"][..], [2, 0, 0]), (next, &["a"], [0, 0, 1])] {
            let mut parts = vec![("product_name", "shop"), ("docker_image_name_tag", image)];
            parts.extend(service.map(|service| ("service", service)));
            let done = post(&ci, OBSERVATIONS, ("trivy.json", report(rules).bytes()), &parts).await.expect(200);
            assert_eq!(counts(&done), counted, "{image}");
        }
        expected.push(source.to_owned());
        let observations = acme.viewer.get_all("/observations").await;
        let of_image = observations.iter().filter(|one| one["asset"]["name"] == asset).count();
        assert_eq!((of_image, observations.len()), (2, 2 * expected.len()), "{first}");
    }
    expected.sort();
    assert_eq!(sources(&acme.viewer).await, expected);
}

/// PB-8: SecObserve compares with what came under the same file name.
async fn files_of_different_names_resolve_nothing_of_each_other(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["scan:upload"], None).await;
    for (file, service, rules, expected) in [
        ("app.sarif", None, &["a", "b"][..], [2, 0, 0]),
        ("lib.sarif", None, &["c"], [1, 0, 0]),
        ("app.sarif", None, &["a"], [0, 0, 1]),
        // The folder is that of one build.
        ("/builds/7/lib.sarif", None, &[], [0, 0, 1]),
        ("app.sarif", Some("checkout"), &["a"], [1, 0, 0]),
        ("lib.sarif", Some("checkout"), &["b"], [1, 0, 0]),
        ("app.sarif", Some("checkout"), &[], [0, 0, 1]),
    ] {
        let mut parts = vec![("product_name", "shop"), ("branch_name", "main")];
        parts.extend(service.map(|service| ("service", service)));
        let done = post(&ci, OBSERVATIONS, (file, report(rules).bytes()), &parts).await.expect(200);
        assert_eq!(counts(&done), expected, "{file} of {service:?} with {rules:?}");
    }
    let expected = ["app.sarif", "checkout (app.sarif)", "checkout (lib.sarif)", "lib.sarif"];
    assert_eq!(sources(&acme.viewer).await, expected);
}

/// PB-8: the file's name is no better than what the report says of what was scanned.
async fn one_file_name_keeps_apart_what_the_report_keeps_apart(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["scan:upload"], None).await;
    for (kind, rules, expected) in [
        ("backend", &["a", "b"][..], [2, 0, 0]),
        ("frontend", &["c"], [1, 0, 0]),
        ("backend", &["a"], [0, 0, 1]),
        ("frontend", &[], [0, 0, 1]),
    ] {
        let file = ("code.sarif", report_of_kind(kind, rules));
        let done = post(&ci, OBSERVATIONS, file, &[("product_name", "shop")]).await.expect(200);
        assert_eq!(counts(&done), expected, "{kind} with {rules:?}");
    }
    assert_eq!(sources(&acme.viewer).await, ["backend (code.sarif)", "frontend (code.sarif)"]);
}

/// PB-8
async fn an_older_bill_of_materials_of_another_name_is_not_outdated(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["scan:upload"], None).await;
    for (file, time, rules, expected) in [
        ("app.json", "2026-05-02T08:00:00Z", &["a"][..], [1, 0, 0]),
        ("lib.json", "2026-05-01T08:00:00Z", &["b"], [1, 0, 0]),
        ("app.json", "2026-05-01T08:00:00Z", &["c"], [0, 0, 0]),
        ("app.json", "2026-05-03T08:00:00Z", &[], [0, 0, 0]),
    ] {
        let bytes = report(rules).at(time).bytes();
        let done = post(&ci, SBOM, (file, bytes), &[("product_name", "shop")]).await.expect(200);
        assert_eq!(counts(&done), expected, "{file} of {time}");
    }
    assert_eq!(sources(&acme.viewer).await, ["sbom (app.json)", "sbom (lib.json)"]);
}

/// PB-8: what else is in the engagement, or has the same title, is not counted.
async fn counts_are_of_the_sources_that_the_import_writes_to(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["scan:upload"], None).await;
    let rules = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for (row, (scan_type, tool, title, service)) in [
        ("SARIF", "Lint", Some("nightly"), None),
        ("SARIF", "Lint", Some("nightly"), Some("checkout")),
        ("SARIF", "Lint", None, Some("checkout")),
        ("SARIF", "Lint", None, None),
        ("Snyk Code Scan", "SnykCode", Some("nightly"), None),
        ("Snyk Code Scan", "SnykCode", None, None),
    ]
    .into_iter()
    .enumerate()
    {
        let mut more = vec![("scan_type", scan_type), ("branch_tag", "main")];
        more.extend(title.map(|title| ("test_title", title)));
        more.extend(service.map(|service| ("service", service)));
        let (all, count) = (&rules[..row + 2], i64::try_from(row).unwrap() + 2);
        let first = import(&ci, IMPORT, &report(all).tool(tool), "shop", &more).await.expect(201);
        let counted = (totals(&first, "before"), delta(&first), totals(&first, "after"));
        assert_eq!(counted, ([0; 3], [count, 0, 0, 0], [count, 0, count]), "first with {more:?}");
        let next = import(&ci, REIMPORT, &report(&all[1..]).tool(tool), "shop", &more).await.expect(201);
        let counted = (totals(&next, "before"), delta(&next), totals(&next, "after"));
        assert_eq!(counted, ([count, 0, count], [0, 1, 0, count - 1], [count - 1, 1, count]), "next with {more:?}");
    }
}

/// PB-8: what was imported with `active=False` is not active, as in DefectDojo, and still one of all.
async fn what_waits_in_review_is_not_counted_as_active(app: TestApp) {
    let acme = app.tenant("acme").await;
    let ci = acme.admin.token(&["scan:upload"], None).await;
    for (rules, active, before, after) in [
        (&["a", "b"][..], "False", [0, 0, 0], [0, 0, 2]),
        (&["a", "b", "c"], "True", [0, 0, 2], [1, 0, 3]),
        (&["b", "c"], "True", [1, 0, 3], [1, 1, 3]),
    ] {
        let more = [("scan_type", "SARIF"), ("active", active)];
        let done = import(&ci, REIMPORT, &report(rules), "shop", &more).await.expect(201);
        assert_eq!((totals(&done, "before"), totals(&done, "after")), (before, after), "{rules:?}");
        let high = &done["statistics"]["after"]["high"];
        assert_eq!((&high["active"], &high["total"]), (&json!(after[0]), &json!(after[2])), "{rules:?}");
    }
}

/// PB-8
async fn faults_name_the_fields_of_the_client(app: TestApp) {
    let acme = app.tenant("acme").await;
    let long = "x".repeat(501);
    for (path, field) in [
        (IMPORT, "product_name"),
        (IMPORT, "engagement_name"),
        (IMPORT, "branch_tag"),
        (IMPORT, "commit_hash"),
        (IMPORT, "service"),
        (OBSERVATIONS, "product_name"),
        (OBSERVATIONS, "branch_name"),
        (OBSERVATIONS, "service"),
        (OBSERVATIONS, "docker_image_name_tag"),
    ] {
        let usual = [
            ("product_name", "shop"),
            ("engagement_name", "CI/CD"),
            ("scan_type", "SARIF"),
            ("service", "checkout"),
            ("auto_create_context", "true"),
        ];
        let mut parts: Vec<_> = usual.into_iter().filter(|(name, _)| *name != field).collect();
        parts.push((field, &long));
        let refused = post(&acme.editor, path, ("report.json", report(&["a"]).bytes()), &parts).await.expect(400);
        assert_eq!(refused.pointers(), [field], "{path}");
    }
    assert!(acme.viewer.get_all("/products").await.is_empty(), "what is refused makes nothing");
    let made = async |path: &str, body: Value| acme.editor.request(Method::POST, path).json(&body).send().await;
    let shop = made("/api/v2/products/", json!({ "name": "shop", "prod_type": null })).await.expect(201);
    for (path, body) in [
        ("/api/v2/products/", json!({ "name": long, "prod_type": null })),
        ("/api/v2/engagements/", json!({ "name": long, "product": shop["id"] })),
    ] {
        assert_eq!(made(path, body).await.expect(400).pointers(), ["name"], "{path}");
    }
}
