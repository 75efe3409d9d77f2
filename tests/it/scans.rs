//! Posting reports, and what they do to observations.

use std::io::Write;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Client, Request, TestApp};
use crate::both_databases;
use crate::sarif::{Sarif, found, sarif, sarif_of};

both_databases!(
    a_first_scan_is_all_new_and_the_same_again_changes_nothing,
    what_a_scan_no_longer_reports_is_resolved_and_reopened_when_it_returns,
    a_finding_that_moves_or_gets_another_severity_is_updated_and_its_history_kept,
    sources_never_resolve_each_other,
    an_older_scan_is_recorded_and_changes_nothing,
    a_scan_that_may_not_speak_of_the_missing_resolves_nothing,
    a_minimum_severity_leaves_what_is_below_alone,
    bare_compressed_and_archived_files_are_read,
    a_form_has_so_many_parts_at_most,
    what_is_wrong_with_an_upload_is_said_with_its_place,
    a_file_with_several_tools_makes_a_scan_of_each,
    reports_of_one_file_with_one_name_are_kept_apart,
    a_long_import_answers_with_an_upload_to_watch,
    an_upload_that_waits_for_others_says_so,
    a_dry_run_counts_and_keeps_nothing,
    only_who_may_upload_to_a_product_does,
    many_uploads_to_one_source_at_once_end_as_one,
    an_upload_key_makes_one_upload,
    a_mass_disappearance_is_told_and_waits_for_a_second_scan,
    a_retired_source_resolves_what_it_reports_until_it_reports_again,
    a_deleted_observation_returns_as_a_new_one,
    a_product_deleted_during_an_import_takes_it_along,
);

impl Client {
    /// Posts a report for a product.
    pub async fn scan(&self, product: &str, report: &Sarif) -> Answer {
        self.scan_with(product, report, "").await
    }

    /// Posts a report for a product, with more to say: `branch=main&resolve_missing=false`.
    pub async fn scan_with(&self, product: &str, report: &Sarif, more: &str) -> Answer {
        self.scan_bytes(&format!("product={product}&{more}"), "application/json", report.bytes()).await
    }

    async fn scan_bytes(&self, query: &str, content_type: &str, bytes: Vec<u8>) -> Answer {
        let path = format!("/scans?{}", query.trim_end_matches('&'));
        self.request(reqwest::Method::POST, &path).body(content_type, bytes).send().await
    }

    async fn statuses(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut all: Vec<_> =
            self.get_all("/observations").await.iter().map(|o| (text(&o["location"]), text(&o["status"]))).collect();
        all.sort();
        all
    }
}

async fn post_form(client: &Client, form: reqwest::multipart::Form) -> Answer {
    Request(client.request(reqwest::Method::POST, "/scans").0.multipart(form)).send().await
}

/// What an upload counted: new, updated, unchanged, reopened, resolved.
#[track_caller]
fn counts(answer: &Answer) -> [i64; 5] {
    ["new", "updated", "unchanged", "reopened", "resolved"]
        .map(|name| answer[format!("observations_{name}").as_str()].as_i64().unwrap_or_else(|| panic!("{answer:?}")))
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

/// SO-12: nothing per observation is written by an identical report.
async fn a_first_scan_is_all_new_and_the_same_again_changes_nothing(app: TestApp) {
    let acme = app.tenant("acme").await;
    let report = sarif(&[found("a", "x.rs", 1), found("a", "x.rs", 9), found("b", "y.rs", 2)]);
    let first = acme.editor.scan("shop", &report).await.expect(201);
    assert_eq!(counts(&first), [3, 0, 0, 0, 0]);
    assert_eq!((first.text("state"), first.text("format")), ("finished".to_owned(), "sarif".to_owned()));
    let before = acme.editor.get_all("/observations").await;
    app.app.clock.advance(Duration::from_secs(60));
    let again = acme.editor.scan("shop", &report).await.expect(201);
    assert_eq!(counts(&again), [0, 0, 3, 0, 0]);
    let reordered = sarif(&[found("b", "y.rs", 2), found("a", "x.rs", 1), found("a", "x.rs", 9)]);
    assert_eq!(counts(&acme.editor.scan("shop", &reordered).await.expect(201)), [0, 0, 3, 0, 0]);
    let after = acme.editor.get_all("/observations").await;
    let versions =
        |rows: &[Value]| rows.iter().map(|row| (row["id"].clone(), row["status"].clone())).collect::<Vec<_>>();
    assert_eq!(versions(&before), versions(&after));
    let scans = acme.viewer.get_all("/scans").await;
    assert_eq!(scans.len(), 3);
    assert_eq!(scans[2]["id"], first["scans"][0]["id"]);
}

/// SO-5, SO-6
async fn what_a_scan_no_longer_reports_is_resolved_and_reopened_when_it_returns(app: TestApp) {
    let acme = app.tenant("acme").await;
    let both = sarif(&[found("a", "x.rs", 1), found("b", "y.rs", 2)]);
    let one = sarif(&[found("a", "x.rs", 1)]);
    acme.editor.scan("shop", &both).await.expect(201);
    assert_eq!(counts(&acme.editor.scan("shop", &one).await.expect(201)), [0, 0, 1, 0, 1]);
    assert_eq!(acme.viewer.statuses().await, pairs(&[("x.rs", "open"), ("y.rs", "resolved")]));
    assert_eq!(counts(&acme.editor.scan("shop", &both).await.expect(201)), [0, 0, 1, 1, 0]);
    assert_eq!(acme.viewer.statuses().await, pairs(&[("x.rs", "open"), ("y.rs", "open")]));
    let observations = acme.viewer.get_all("/observations").await;
    let returned = observations.iter().find(|o| o["location"] == "y.rs").unwrap();
    let history = acme.viewer.get(&format!("/observations/{}/history", returned["id"].as_str().unwrap())).await;
    let changes: Vec<_> = history["items"].as_array().unwrap().iter().map(|h| h["new_value"].clone()).collect();
    assert!(changes.contains(&json!("resolved")) && changes.contains(&json!("open")), "{history:?}");
}

/// SO-3
async fn a_finding_that_moves_or_gets_another_severity_is_updated_and_its_history_kept(app: TestApp) {
    let acme = app.tenant("acme").await;
    acme.editor.scan("shop", &sarif(&[found("a", "x.rs", 1)])).await.expect(201);
    let id = acme.viewer.get_all("/observations").await[0]["id"].as_str().unwrap().to_owned();
    let moved = sarif(&[found("a", "x.rs", 40).level("note")]);
    assert_eq!(counts(&acme.editor.scan("shop", &moved).await.expect(201)), [0, 1, 0, 0, 0]);
    let now = acme.viewer.get(&format!("/observations/{id}")).await.expect(200);
    assert_eq!((now["line"].clone(), now["severity"].clone()), (json!(40), json!("none")));
    let history = acme.viewer.get(&format!("/observations/{id}/history")).await.expect(200);
    assert_eq!(history["items"][0]["field"], "severity");
}

async fn sources_never_resolve_each_other(app: TestApp) {
    let acme = app.tenant("acme").await;
    let here = sarif(&[found("a", "x.rs", 1)]);
    acme.editor.scan_with("shop", &here, "branch=main").await.expect(201);
    for more in ["branch=dev", "branch=main&name=other", "branch=main&engagement=pentest", "branch=main&tool=Other", ""]
    {
        let elsewhere = sarif(&[found("z", "z.rs", 1)]);
        let answer = acme.editor.scan_with("shop", &elsewhere, more).await.expect(201);
        assert_eq!(counts(&answer), [1, 0, 0, 0, 0], "{more}");
    }
    let open = acme.viewer.statuses().await.iter().filter(|(_, status)| status == "open").count();
    assert_eq!(open, 6);
    assert_eq!(acme.viewer.get("/scan-sources").await.expect(200).items("id").len(), 6);
}

async fn an_older_scan_is_recorded_and_changes_nothing(app: TestApp) {
    let acme = app.tenant("acme").await;
    let newer = sarif(&[found("a", "x.rs", 1)]).at("2026-05-02T00:00:00Z");
    let older = sarif(&[found("b", "y.rs", 1)]).at("2026-05-01T00:00:00Z");
    acme.editor.scan("shop", &newer).await.expect(201);
    let answer = acme.editor.scan("shop", &older).await.expect(201);
    assert_eq!((counts(&answer), &answer["scans"][0]["outcome"]), ([0; 5], &json!("outdated")));
    assert_eq!(acme.viewer.statuses().await, pairs(&[("x.rs", "open")]));
    let told = acme.editor.scan_with("shop", &older, "scanned_at=2026-05-03T00:00:00Z").await.expect(201);
    assert_eq!(counts(&told), [1, 0, 0, 0, 1]);
}

async fn a_scan_that_may_not_speak_of_the_missing_resolves_nothing(app: TestApp) {
    let acme = app.tenant("acme").await;
    let both = sarif(&[found("a", "x.rs", 1), found("b", "y.rs", 2)]);
    acme.editor.scan("shop", &both).await.expect(201);
    let failed = sarif(&[found("a", "x.rs", 1)]).failed();
    assert_eq!(counts(&acme.editor.scan("shop", &failed).await.expect(201)), [0, 0, 1, 0, 0]);
    let one = sarif(&[found("a", "x.rs", 1)]);
    let kept = acme.editor.scan_with("shop", &one, "resolve_missing=false").await.expect(201);
    assert_eq!(counts(&kept), [0, 0, 1, 0, 0]);
    assert_eq!(counts(&acme.editor.scan("shop", &one).await.expect(201)), [0, 0, 1, 0, 1]);
    let not_reopened = acme.editor.scan_with("shop", &both, "reopen=false").await.expect(201);
    assert_eq!(counts(&not_reopened), [0, 0, 2, 0, 0]);
    assert_eq!(acme.viewer.statuses().await, pairs(&[("x.rs", "open"), ("y.rs", "resolved")]));
}

async fn a_minimum_severity_leaves_what_is_below_alone(app: TestApp) {
    let acme = app.tenant("acme").await;
    let all = sarif(&[found("a", "x.rs", 1), found("b", "y.rs", 2).level("note")]);
    acme.editor.scan("shop", &all).await.expect(201);
    let filtered = acme.editor.scan_with("shop", &sarif(&[]), "minimum_severity=medium").await.expect(201);
    assert_eq!(counts(&filtered), [0, 0, 0, 0, 1]);
    assert_eq!(acme.viewer.statuses().await, pairs(&[("x.rs", "resolved"), ("y.rs", "open")]));
}

async fn bare_compressed_and_archived_files_are_read(app: TestApp) {
    let acme = app.tenant("acme").await;
    let report = |n: u32| sarif(&[found("a", &format!("{n}.rs"), n)]).bytes();
    let gzip = |bytes: &[u8]| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    };
    let zipped = {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        writer.start_file("../../report.sarif", zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(&report(3)).unwrap();
        writer.finish().unwrap().into_inner()
    };
    for (name, bytes) in [("plain", report(1)), ("gzip", gzip(&report(2))), ("zip", zipped)] {
        let query = format!("product=shop&name={name}");
        let answer = acme.editor.scan_bytes(&query, "application/octet-stream", bytes).await.expect(201);
        assert_eq!(counts(&answer), [1, 0, 0, 0, 0], "{name}");
    }
    for (encoding, bytes) in [("gzip", gzip(&report(4))), ("zstd", zstd::encode_all(&report(5)[..], 1).unwrap())] {
        let path = format!("/scans?product=shop&name=encoded-{encoding}");
        let request = acme.editor.request(reqwest::Method::POST, &path).header("content-encoding", encoding);
        let answer = request.body("application/json", bytes).send().await.expect(201);
        assert_eq!(counts(&answer), [1, 0, 0, 0, 0], "{encoding}");
    }
    let part = reqwest::multipart::Part::bytes(report(6)).file_name("/tmp/report.sarif");
    let form = reqwest::multipart::Form::new().text("product", "shop").text("name", "form").part("file", part);
    let answer = post_form(&acme.editor, form).await.expect(201);
    assert_eq!(counts(&answer), [1, 0, 0, 0, 0]);
}

/// S-19: parts cost something even where they are empty.
async fn a_form_has_so_many_parts_at_most(app: TestApp) {
    let acme = app.tenant("acme").await;
    acme.editor.product("shop").await;
    let form = |parts: usize| {
        let file = reqwest::multipart::Part::bytes(sarif(&[]).bytes()).file_name("report.sarif");
        let form = reqwest::multipart::Form::new().text("product", "shop").part("file", file);
        (0..parts).fold(form, |form, _| form.text("", ""))
    };
    for (parts, pointer) in [(500, "query"), (2000, "body")] {
        assert_eq!(post_form(&acme.editor, form(parts)).await.expect(400).pointers()[0], pointer, "{parts}");
    }
}

/// S-19, S-20, S-21
async fn what_is_wrong_with_an_upload_is_said_with_its_place(app: TestApp) {
    let acme = app.tenant("acme").await;
    let product = acme.editor.product("shop").await;
    let json_type = "application/json";
    let good = sarif(&[found("a", "x.rs", 1)]).bytes();
    let half = good[..good.len() / 2].to_vec();
    let deep = vec![b'['; 1_000_000];
    let gzip = |bytes: &[u8]| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    };
    let nested = (0..4).fold(good.clone(), |inner, _| gzip(&inner));
    let entities = b"<!DOCTYPE nmaprun [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><nmaprun><host>&a;</host></nmaprun>";
    let page = b"<html><body>502 Bad Gateway</body></html>";
    for (name, query, bytes, statuses, says) in [
        ("an external entity", "product=shop", entities.to_vec(), vec![400], "line 1: the document declares entities"),
        ("a bomb", "product=shop", gzip(&vec![b' '; 20 << 20]), vec![413], "limit"),
        ("archives in archives", "product=shop", nested, vec![415], "inside one another"),
        ("a page of a proxy", "product=shop&format=nmap", page.to_vec(), vec![422], "nmap"),
        ("no product", "branch=main", good.clone(), vec![400], "product"),
        ("a typo", "product=shop&brnch=main", good.clone(), vec![400], "branch"),
        ("an unknown format", "product=shop&format=sarfi", good.clone(), vec![400], "sarif"),
        ("no such product", "product=nowhere&create_missing=false", good.clone(), vec![404], "nowhere"),
        ("an empty file", "product=shop", Vec::new(), vec![400], "empty"),
        ("no report", "product=shop", b"hello".to_vec(), vec![400, 422], ""),
        ("half a report", "product=shop", half, vec![400, 422], ""),
        ("a deep nest", "product=shop", deep, vec![400, 422], ""),
        ("other JSON", "product=shop", b"{\"a\":1}".to_vec(), vec![400, 422], ""),
    ] {
        let answer = acme.editor.scan_bytes(query, json_type, bytes).await;
        assert!(statuses.contains(&answer.status), "{name}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
        assert!(String::from_utf8_lossy(&answer.bytes).contains(says), "{name}: {answer:?}");
    }
    let form = reqwest::multipart::Form::new().text("product", "shop");
    let answer = post_form(&acme.editor, form).await.expect(400);
    assert_eq!(answer.pointers(), ["file"]);
    assert_eq!(acme.viewer.get(&format!("/scans?product={product}")).await.expect(200).items("id").len(), 0);
    assert_eq!(acme.viewer.get_all("/observations").await.len(), 0);
}

async fn a_file_with_several_tools_makes_a_scan_of_each(app: TestApp) {
    let acme = app.tenant("acme").await;
    let mut both: Value = serde_json::from_slice(&sarif(&[found("a", "x.rs", 1)]).bytes()).unwrap();
    let other: Value = serde_json::from_slice(&sarif(&[found("b", "y.rs", 1)]).tool("Other").bytes()).unwrap();
    both["runs"].as_array_mut().unwrap().push(other["runs"][0].clone());
    let bytes = serde_json::to_vec(&both).unwrap();
    let answer = acme.editor.scan_bytes("product=shop", "application/json", bytes.clone()).await.expect(201);
    let tools: Vec<_> = answer["scans"].as_array().unwrap().iter().map(|scan| scan["tool"].clone()).collect();
    assert_eq!((counts(&answer), tools), ([2, 0, 0, 0, 0], vec![json!("Lint"), json!("Other")]));
    let again = acme.editor.scan_bytes("product=shop", "application/json", bytes).await.expect(201);
    assert_eq!((counts(&again), again["scans"].as_array().unwrap().len()), ([0, 0, 2, 0, 0], 2));
}

/// PB-6: one name for several reports of a tool does not make them one scan.
async fn reports_of_one_file_with_one_name_are_kept_apart(app: TestApp) {
    let acme = app.tenant("acme").await;
    let of_kind = |kind: &str, rules: &[&str]| {
        let findings: Vec<_> = rules.iter().map(|rule| found(rule, "x.rs", 1)).collect();
        let mut report: Value = serde_json::from_slice(&sarif(&findings).bytes()).unwrap();
        report["runs"][0]["automationDetails"] = json!({ "id": kind });
        report
    };
    let together = |first: Value, second: Value| {
        let mut both = first;
        both["runs"].as_array_mut().unwrap().push(second["runs"][0].clone());
        serde_json::to_vec(&both).unwrap()
    };
    let zipped = |first: Value, second: Value| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, report) in [("api/report.sarif", first), ("web/report.sarif", second)] {
            writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(&serde_json::to_vec(&report).unwrap()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    let post =
        async |query: &str, bytes: Vec<u8>| acme.editor.scan_bytes(query, "application/octet-stream", bytes).await;
    let (kinds, same) = (["java/", "python/"], ["", ""]);
    for (query, kinds, is_zip, names) in [
        ("product=a&name=nightly", kinds, false, ["nightly (java)", "nightly (python)"]),
        ("product=b&name=nightly", same, true, ["nightly (api/report.sarif)", "nightly (web/report.sarif)"]),
        ("product=c", same, true, [" (api/report.sarif)", " (web/report.sarif)"]),
    ] {
        let pack = |first: &[&str], second: &[&str]| {
            let (first, second) = (of_kind(kinds[0], first), of_kind(kinds[1], second));
            if is_zip { zipped(first, second) } else { together(first, second) }
        };
        let done = post(query, pack(&["a", "b"], &["c"])).await.expect(201);
        assert_eq!((counts(&done), done["scans"].as_array().unwrap().len()), ([3, 0, 0, 0, 0], 2), "{query}");
        let sources = acme.viewer.get_all(&format!("/scan-sources?product={}", done.text("product_id"))).await;
        let mut known: Vec<&str> = sources.iter().map(|source| source["name"].as_str().unwrap()).collect();
        known.sort_unstable();
        assert_eq!(known, names.map(str::trim_start), "{query}");
        // What one part no longer has, the other part leaves alone.
        let next = post(query, pack(&["a"], &["c"])).await.expect(201);
        assert_eq!(counts(&next), [0, 0, 2, 0, 1], "{query}");
    }
}

async fn a_long_import_answers_with_an_upload_to_watch(app: TestApp) {
    let acme = app.tenant("acme").await;
    let answer = acme.editor.scan_with("shop", &sarif_of(3000), "wait=0").await;
    assert!(answer.status == 202 || answer.status == 201, "{answer:?}");
    let path = answer.header("location").to_owned();
    let events = acme.editor.get(&format!("{path}/events")).await.expect(200);
    let events = String::from_utf8(events.bytes).unwrap();
    assert!(events.contains("event: finished\n"), "{events}");
    let upload = acme.viewer.get(&path).await.expect(200);
    assert_eq!((upload.text("state"), counts(&upload)), ("finished".to_owned(), [3000, 0, 0, 0, 0]));
    acme.editor.scan_with("shop", &sarif_of(3), "wait=601").await.expect(400);
}

async fn an_upload_that_waits_for_others_says_so(app: TestApp) {
    let acme = app.tenant("acme").await;
    let mut others = Vec::new();
    for lane in ["a", "b", "c", "d"] {
        others.push(app.app.imports.turn(lane).await);
    }
    let answer = acme.editor.scan_with("shop", &sarif_of(3), "wait=0").await.expect(202);
    assert_eq!((answer.text("state"), answer.text("phase")), ("running".to_owned(), "waiting".to_owned()));
    let path = answer.header("location").to_owned();
    let mut watching = acme.editor.request(Method::GET, &format!("{path}/events")).0.send().await.unwrap();
    // The others go on once somebody has seen that it waits.
    let mut events = watching.chunk().await.unwrap().unwrap().to_vec();
    assert_eq!(acme.viewer.get(&path).await.expect(200).text("phase"), "waiting");
    drop(others);
    while let Some(chunk) = watching.chunk().await.unwrap() {
        events.extend(chunk);
    }
    let events = String::from_utf8(events).unwrap();
    assert!(events.contains("waiting") && events.ends_with("\n\n"), "{events}");
    let upload = acme.viewer.get(&path).await.expect(200);
    assert_eq!((upload.text("state"), &upload["phase"]), ("finished".to_owned(), &Value::Null));
}

async fn a_dry_run_counts_and_keeps_nothing(app: TestApp) {
    let acme = app.tenant("acme").await;
    let report = sarif(&[found("a", "x.rs", 1)]);
    let unknown = acme.editor.scan_with("shop", &report, "dry_run=true").await.expect(200);
    assert_eq!(counts(&unknown), [1, 0, 0, 0, 0]);
    assert_eq!(acme.viewer.get("/products").await.expect(200).items("id").len(), 0);
    acme.editor.scan("shop", &report).await.expect(201);
    let known = acme.editor.scan_with("shop", &sarif(&[found("b", "y.rs", 1)]), "dry_run=true").await.expect(200);
    assert_eq!(counts(&known), [1, 0, 0, 0, 1]);
    // What is there of a place counts, though something else of it would be made.
    for to in ["branch=next", "engagement=release"] {
        let planned = acme.editor.scan_with("SHOP", &report, &format!("dry_run=true&{to}")).await.expect(200);
        assert_eq!(counts(&planned), [1, 0, 0, 0, 0], "{to}");
    }
    let nothing = format!("dry_run=true&branch={}", uuid::Uuid::now_v7());
    acme.editor.scan_with("shop", &report, &nothing).await.expect(404);
    assert_eq!(acme.viewer.statuses().await, pairs(&[("x.rs", "open")]));
    assert_eq!(acme.viewer.get("/scans").await.expect(200).items("id").len(), 1);
}

/// S-04, S-01
async fn only_who_may_upload_to_a_product_does(app: TestApp) {
    let (acme, evil) = (app.tenant("acme").await, app.tenant("evil").await);
    let report = sarif(&[found("a", "x.rs", 1)]);
    let (shop, mail) = (acme.editor.product("shop").await, acme.editor.product("mail").await);
    acme.viewer.scan("shop", &report).await.expect(403);
    // What may not be posted is not read.
    acme.viewer.scan_bytes("product=shop", "application/json", Vec::new()).await.expect(403);
    acme.viewer.scan_bytes("product=shop", "multipart/form-data; boundary=x", b"broken".to_vec()).await.expect(403);
    app.anybody().in_organization("acme").scan("shop", &report).await.expect(401);
    evil.admin.in_organization("acme").scan(&shop, &report).await.expect(404);
    let theirs = evil.editor.scan(&shop, &report).await.expect(404);
    assert!(!String::from_utf8_lossy(&theirs.bytes).contains("acme"));
    let pipeline = acme.admin.token(&["scan:upload"], Some(&shop)).await;
    let posted = pipeline.scan(&shop, &report).await.expect(201);
    pipeline.scan("mail", &report).await.expect(404);
    pipeline.scan(&mail, &report).await.expect(404);
    pipeline.scan("brand new", &report).await.expect(404);
    pipeline.get(&format!("/uploads/{}", posted.id())).await.expect(200);
    pipeline.get("/api-tokens").await.expect(403);
    assert_eq!(evil.viewer.get("/scans").await.expect(200).items("id").len(), 0);
    evil.viewer.get(&format!("/uploads/{}", posted.id())).await.expect(404);
}

async fn many_uploads_to_one_source_at_once_end_as_one(app: TestApp) {
    let acme = app.tenant("acme").await;
    acme.editor.product("shop").await;
    let uploads = (0..12).map(|n| {
        let client = acme.editor.client.clone();
        let report = sarif(&[found("a", "x.rs", 1), found("b", "y.rs", n % 3 + 1)]);
        async move { client.scan("shop", &report).await.expect(201) }
    });
    let answers = futures_util::future::join_all(uploads).await;
    let new: i64 = answers.iter().map(|answer| counts(answer)[0]).sum();
    assert_eq!(new, 2);
    assert_eq!(acme.viewer.statuses().await, pairs(&[("x.rs", "open"), ("y.rs", "open")]));
}

/// S-38
async fn an_upload_key_makes_one_upload(app: TestApp) {
    let acme = app.tenant("acme").await;
    let post = |key: &str, report: &Sarif| {
        let request = acme.editor.request(reqwest::Method::POST, "/scans?product=shop").header("idempotency-key", key);
        request.body("application/json", report.bytes()).send()
    };
    let report = sarif(&[found("a", "x.rs", 1)]);
    let first = post("k1", &report).await.expect(201);
    let again = post("k1", &report).await.expect(201);
    assert_eq!((first.id(), again.header("idempotent-replayed")), (again.id(), "true"));
    post("k1", &sarif(&[found("b", "y.rs", 1)])).await.expect(422);
    assert_eq!(acme.viewer.get("/scans").await.expect(200).items("id").len(), 1);
}

async fn a_mass_disappearance_is_told_and_waits_for_a_second_scan(app: TestApp) {
    let acme = app.tenant("acme").await;
    acme.editor.scan("shop", &sarif_of(60)).await.expect(201);
    let nothing = sarif(&[]);
    assert_eq!(counts(&acme.editor.scan("shop", &nothing).await.expect(201)), [0, 0, 0, 0, 60]);
    let held = acme.viewer.get("/scan-sources").await.expect(200);
    assert!(held["items"][0]["closes_held_at"].is_string(), "{held:?}");
    let told = acme.viewer.get("/notifications").await.expect(200);
    assert_eq!(told.items("kind"), [json!("closes_held")]);
    acme.editor.scan("shop", &nothing).await.expect(201);
    let agreed = acme.viewer.get("/scan-sources").await.expect(200);
    assert!(agreed["items"][0]["closes_held_at"].is_null(), "{agreed:?}");
}

async fn a_retired_source_resolves_what_it_reports_until_it_reports_again(app: TestApp) {
    let acme = app.tenant("acme").await;
    let report = sarif(&[found("a", "x.rs", 1)]);
    acme.editor.scan("shop", &report).await.expect(201);
    let source = acme.viewer.get("/scan-sources").await.expect(200).items("id")[0].as_str().unwrap().to_owned();
    acme.viewer.post(&format!("/scan-sources/{source}/retire"), json!({})).await.expect(403);
    let retired = acme.editor.post(&format!("/scan-sources/{source}/retire"), json!({})).await.expect(200);
    assert!(retired["retired_at"].is_string());
    assert_eq!(acme.viewer.statuses().await, pairs(&[("x.rs", "resolved")]));
    assert_eq!(counts(&acme.editor.scan("shop", &report).await.expect(201)), [0, 0, 0, 1, 0]);
    assert!(acme.viewer.get(&format!("/scan-sources/{source}")).await.expect(200)["retired_at"].is_null());
}

/// SO-7
async fn a_deleted_observation_returns_as_a_new_one(app: TestApp) {
    let acme = app.tenant("acme").await;
    let report = sarif(&[found("a", "x.rs", 1)]);
    acme.editor.scan("shop", &report).await.expect(201);
    let id = acme.viewer.get_all("/observations").await[0]["id"].as_str().unwrap().to_owned();
    acme.editor.delete(&format!("/observations/{id}")).await.expect(204);
    assert_eq!(acme.viewer.get_all("/observations").await.len(), 0);
    assert_eq!(counts(&acme.editor.scan("shop", &report).await.expect(201)), [1, 0, 0, 0, 0]);
    let back = acme.viewer.get_all("/observations").await;
    assert_eq!((back.len(), back[0]["status"].as_str()), (1, Some("open")));
}

/// SO-7
async fn a_product_deleted_during_an_import_takes_it_along(app: TestApp) {
    let acme = app.tenant("acme").await;
    for round in 0..12_u64 {
        let product = acme.editor.product("shop").await;
        let path = format!("/products/{product}");
        let (editor, report) = (acme.editor.client.clone(), sarif_of(300));
        let upload = tokio::spawn(async move { editor.scan_with("shop", &report, "create_missing=false").await });
        tokio::time::sleep(Duration::from_millis(12 * round)).await;
        acme.admin.delete(&path).await.expect(204);
        let upload = upload.await.unwrap();
        assert!([201, 404, 409].contains(&upload.status), "{upload:?}");
        assert_eq!(acme.viewer.get_all("/observations").await.len(), 0);
        assert_eq!(acme.viewer.get_all("/scan-sources").await.len(), 0);
    }
}
