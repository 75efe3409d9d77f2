//! The document of the API, and what it lets us prove of every operation at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use patchbay::api::openapi::document;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::both_databases;

both_databases!(
    no_operation_serves_who_sends_no_valid_credential,
    no_operation_reaches_into_another_organization,
    no_operation_changes_anything_for_a_viewer,
);

/// An operation of the document.
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub described: Value,
}

fn read_document() -> Value {
    serde_json::to_value(document()).unwrap()
}

/// All operations of the document.
pub fn operations() -> Vec<Operation> {
    let document = read_document();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| -> Vec<Operation> {
        let methods = item.as_object().unwrap().iter();
        let methods = methods.filter(|(name, _)| ["get", "post", "put", "patch", "delete"].contains(&name.as_str()));
        let of_method = |(name, described): (&String, &Value)| Operation {
            method: name.to_uppercase().parse().unwrap(),
            path: path.clone(),
            described: described.clone(),
        };
        methods.map(of_method).collect()
    };
    paths.iter().flat_map(of_path).collect()
}

impl Operation {
    fn is_of_a_tenant(&self) -> bool {
        self.path.starts_with("/api/v1/organizations/{organization}")
    }

    fn is_of_other_servers(&self) -> bool {
        self.described["tags"][0] == "compatibility"
    }

    /// Does it need no credential?
    fn is_public(&self) -> bool {
        self.described["security"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| *one == json!({})) || all.is_empty())
    }

    /// Its path, with an organization and an id for everything else.
    fn path_in(&self, organization: &str, id: &str) -> String {
        let fill = |segment: &str| match segment {
            "{organization}" => organization.to_owned(),
            other if other.starts_with('{') => id.to_owned(),
            other => other.to_owned(),
        };
        self.path.split('/').map(fill).collect::<Vec<_>>().join("/")
    }
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/patchbay.json")
}

/// `UPDATE_OPENAPI=1 cargo test --test it -- openapi` writes it anew.
#[test]
fn the_committed_document_is_that_of_the_handlers() {
    let now = format!("{}\n", document().to_pretty_json().unwrap());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(committed(), &now).unwrap();
    }
    let known = fs::read_to_string(committed()).unwrap();
    assert!(known.trim_end() == now.trim_end(), "openapi/patchbay.json differs: write it with UPDATE_OPENAPI=1");
}

#[test]
fn the_document_is_the_same_each_time() {
    assert_eq!(document().to_json().unwrap(), document().to_json().unwrap());
}

#[test]
fn every_operation_says_what_it_does_and_what_it_answers() {
    let mut ids = BTreeSet::new();
    for Operation { method, path, described } in operations() {
        let place = format!("{method} {path}");
        assert!(ids.insert(described["operationId"].as_str().unwrap().to_owned()), "{place}: its id is used twice");
        assert!(described["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place} has no summary");
        assert_eq!(described["tags"].as_array().map(Vec::len), Some(1), "{place} has one tag");
        let answers: Vec<&String> = described["responses"].as_object().unwrap().keys().collect();
        assert!(answers.iter().any(|status| status.starts_with('2')), "{place} never succeeds");
        if path.starts_with("/api/") {
            for status in ["400", "429", "500"] {
                assert!(answers.iter().any(|known| *known == status), "{place} does not say {status}");
            }
        }
    }
    assert!(ids.len() > 40);
}

/// What reads as a sample by itself: an id, a time, one of few words, a part with fields of its own.
const PLAIN: [&str; 4] = ["uuid", "date-time", "date", "binary"];

#[test]
fn every_field_shows_an_example_or_needs_none() {
    let document = read_document();
    for (schema, described) in document["components"]["schemas"].as_object().unwrap() {
        for (field, of_field) in described["properties"].as_object().into_iter().flatten() {
            let has = |name: &str| !of_field[name].is_null();
            let is_plain = of_field["format"].as_str().is_some_and(|format| PLAIN.contains(&format));
            let is_part = ["$ref", "oneOf", "anyOf", "allOf", "items"].into_iter().any(has);
            let kinds = of_field["type"].to_string();
            let is_clear = ["boolean", "object"].into_iter().any(|kind| kinds.contains(kind)) || kinds == "null";
            let is_shown = ["example", "examples", "enum", "const"].into_iter().any(has);
            assert!(is_shown || is_plain || is_part || is_clear, "{schema}.{field} has no example");
        }
    }
}

#[test]
fn every_json_body_refuses_unknown_fields() {
    let document = read_document();
    let mut checked = 0;
    // Clients of other servers send more than we read.
    for Operation { method, path, described } in operations().into_iter().filter(|it| !it.is_of_other_servers()) {
        let contents = described["requestBody"]["content"].as_object().cloned().unwrap_or_default();
        for (_, content) in contents.iter().filter(|(content_type, _)| content_type.ends_with("json")) {
            let name = content["schema"]["$ref"].as_str().and_then(|name| name.rsplit('/').next());
            let schema = name.map_or(&content["schema"], |name| &document["components"]["schemas"][name]);
            let is_object = schema["type"] == "object";
            assert!(!is_object || schema["additionalProperties"] == false, "{method} {path}: {name:?} takes any field");
            checked += usize::from(is_object);
        }
    }
    assert!(checked > 10);
}

/// S-04
async fn no_operation_serves_who_sends_no_valid_credential(app: TestApp) {
    app.tenant("acme").await;
    let id = "0198c8f2-5a5c-7d3e-9b1a-2f6d1c0e4b7a";
    for operation in
        operations().iter().filter(|operation| operation.path.starts_with("/api/") && !operation.is_public())
    {
        for client in [app.anybody(), app.anybody().with_bearer("nonsense")] {
            let path = operation.path_in("acme", id);
            let answer = client.request(operation.method.clone(), &path).json(&json!({})).send().await;
            assert_eq!(answer.status, 401, "{} {path}: {answer:?}", operation.method);
        }
    }
}

/// S-02, RZ-13
async fn no_operation_reaches_into_another_organization(app: TestApp) {
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    for id in [other.admin.product("theirs").await, "0198c8f2-5a5c-7d3e-9b1a-2f6d1c0e4b7a".to_owned()] {
        for operation in operations().iter().filter(|operation| operation.is_of_a_tenant()) {
            let path = operation.path_in("other", &id);
            let answer = acme.admin.request(operation.method.clone(), &path).json(&json!({})).send().await;
            assert_eq!(answer.status, 404, "{} {path}: {answer:?}", operation.method);
            assert_eq!(answer["detail"], "no organization other", "{answer:?}");
        }
    }
    // In the own organization, what is another's is as if it did not exist.
    let theirs = other.admin.product("mine").await;
    for operation in operations().iter().filter(|operation| operation.is_of_a_tenant()) {
        let has_id = operation.path.matches('{').count() > 1;
        if has_id && [Method::GET, Method::DELETE].contains(&operation.method) {
            let path = operation.path_in("acme", &theirs);
            let answer = acme.admin.request(operation.method.clone(), &path).send().await;
            assert_eq!(answer.status, 404, "{} {path}: {answer:?}", operation.method);
        }
    }
    assert_eq!(other.admin.get_all("/products").await.len(), 2);
}

/// S-04, RZ-12
async fn no_operation_changes_anything_for_a_viewer(app: TestApp) {
    let acme = app.tenant("acme").await;
    let product = acme.admin.product("shop").await;
    for operation in operations().iter().filter(|operation| operation.is_of_a_tenant()) {
        // What they have read is their own to say.
        if operation.method == Method::GET || operation.path.contains("/notifications/") {
            continue;
        }
        let path = operation.path_in("acme", &product);
        let answer = acme.viewer.request(operation.method.clone(), &path).json(&json!({})).send().await;
        assert!((400..500).contains(&answer.status), "{} {path}: {answer:?}", operation.method);
    }
    assert_eq!(acme.viewer.get_all("/products").await.len(), 1);
}
