//! What is sent for each operation.

use reqwest::Method;
use serde_json::{Value, json};

use super::world::{Naming, World};
use crate::app::{Answer, Client};
use crate::openapi::Operation;

const BOUNDARY: &str = "between";
const REPORT: &str = r#"{"name":"scanner","type":"scanner","findings":[]}"#;

/// A request that is to be sent by several callers.
pub struct Asked {
    method: Method,
    path: String,
    content_type: String,
    body: String,
}

impl Asked {
    /// What to send for an operation. Names of new things end in `number`, so that they are free.
    pub fn new(world: &World, operation: &Operation, naming: Naming, number: usize) -> Self {
        let (content_type, body) = body(world, operation, naming, number);
        let path = format!("{}{}", path(world, operation, naming), query(world, operation, naming));
        Self { method: operation.method.clone(), path, content_type, body }
    }

    /// With a query.
    pub fn with_query(self, query: &str) -> Self {
        Self { path: format!("{}?{query}", self.path), ..self }
    }

    /// What the caller says, in one text.
    pub fn text(&self) -> String {
        format!("{} {}", self.path, self.body)
    }

    /// Sends it. Of what never ends only the beginning is read.
    pub async fn by(&self, client: &Client, if_match: Option<&str>) -> Answer {
        let mut request = client.request(self.method.clone(), &self.path);
        if let Some(if_match) = if_match {
            request = request.header("if-match", if_match);
        }
        if !self.body.is_empty() {
            request = request.body(&self.content_type, self.body.clone());
        }
        let response = request.0.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let is_endless = headers.get("content-type").is_some_and(|value| value == "text/event-stream");
        let bytes = if is_endless { Vec::new() } else { response.bytes().await.unwrap().to_vec() };
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null), bytes }
    }
}

fn path(world: &World, operation: &Operation, naming: Naming) -> String {
    let is_of_other_servers = operation.path.starts_with("/api/v2");
    let mut filled = Vec::new();
    let mut before = "";
    for part in operation.path.split('/') {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        filled.push(name.map_or(part, |name| world.id(key(name, before, is_of_other_servers), naming)));
        before = part;
    }
    filled.join("/")
}

/// What a parameter names: `id` is the id of what stands before it, and other servers' clients know numbers.
fn key<'a>(name: &'a str, before: &str, is_of_other_servers: bool) -> &'a str {
    match (name, before) {
        ("engagement", _) if is_of_other_servers => "engagement_number",
        ("id", "scans") => "scan",
        ("id", "scan-sources") => "source",
        ("id", "uploads") => "upload",
        (name, _) => name,
    }
}

fn query(world: &World, operation: &Operation, naming: Naming) -> String {
    match operation.described["operationId"].as_str() {
        Some("post_scan") => {
            let product = world.id("product", naming);
            format!("?product={product}&tool=other&format=generic_json&resolve_missing=false")
        }
        _ => String::new(),
    }
}

fn body(world: &World, operation: &Operation, naming: Naming, number: usize) -> (String, String) {
    let id = |key| world.id(key, naming);
    let fresh = format!("fresh {number}");
    let selection = || json!({ "observation_ids": [id("observation")] });
    let said = json!({ "body": format!("Said {number}.") });
    let named = json!({ "name": fresh });
    let described = json!({ "description": "Changed." });
    let engagement_number = || id("engagement_number").parse::<i64>().unwrap();
    let json = match operation.described["operationId"].as_str().unwrap() {
        "post_scan" => return ("application/octet-stream".to_owned(), REPORT.to_owned()),
        "compat_import_scan" | "compat_reimport_scan" => {
            return form(&[("scan_type", "SARIF"), ("engagement", id("engagement_number"))]);
        }
        "compat_upload_observations" | "compat_upload_sbom" => return form(&[("product_name", &fresh)]),
        "put_security_gate" => json!({ "most_active": { "critical": 0 } }),
        "update_me" => json!({ "name": "Somebody" }),
        "create_organization" => json!({ "slug": format!("fresh-{number}"), "name": "Fresh" }),
        // Too short a new one.
        "change_password" => json!({ "current_password": "x", "new_password": "x" }),
        "create_user" => json!({ "email": format!("fresh-{number}@example.com"), "name": "Fresh" }),
        "update_user" => json!({ "name": "Leaver" }),
        "update_member" => json!({ "role": "viewer" }),
        "update_organization" => json!({ "name": "acme" }),
        "create_invitation" => json!({ "email": format!("fresh-{number}@example.com"), "role": "viewer" }),
        "create_api_token" => json!({ "name": fresh, "scopes": ["read"] }),
        "create_team"
        | "update_team"
        | "update_api_token"
        | "create_product"
        | "create_branch"
        | "update_branch"
        | "create_engagement"
        | "update_trust_rule"
        | "compat_create_product"
        | "compat_create_product_type" => named,
        "update_product" | "update_engagement" => described,
        "create_tracker_connection" => {
            json!({ "label": fresh, "kind": "github", "base_url": world.start.desk.tracker.url(), "credential": "x" })
        }
        "update_tracker_connection" => json!({ "label": "tracker" }),
        "update_tracker_webhook" => json!({ "require_signature": false }),
        "put_tracker_config" => json!({ "connection_id": id("connection"), "project_key": "acme/app" }),
        "update_tracker_config" => json!({ "labels": ["security"] }),
        "create_trust_rule" => json!({ "name": fresh, "provider": "github", "repository_id": "7", "branches": ["x"] }),
        "create_asset" => json!({ "kind": "host", "name": format!("fresh-{number}.example") }),
        "create_observation" => json!({ "product_id": id("product"), "title": fresh, "severity": "low" }),
        "assess_observations" => json!({ "ids": [id("observation")], "assessment": { "is_verified": true } }),
        "update_observation" => json!({ "is_verified": true }),
        "create_observation_note" | "update_observation_note" | "create_issue_comment" | "update_issue_comment" => said,
        "create_issue" | "draft_issue" | "add_issue_instances" => json!({ "selection": selection() }),
        "change_issues" => json!({ "ids": [id("issue")], "change": { "risk": "low" } }),
        "update_issue" => json!({ "remediation": "Soon." }),
        "remove_issue_instances" => json!({ "instance_ids": [id("instance")] }),
        "merge_issue" => json!({ "from": id("issue_too") }),
        "compat_create_engagement" => return compat_engagement(world, naming, number),
        "compat_update_engagement" => json!({ "branch_tag": "main" }),
        "compat_create_test" => json!({ "engagement": engagement_number(), "test_type": world.test_type }),
        _ if [Method::GET, Method::DELETE].contains(&operation.method) => return Default::default(),
        _ => json!({}),
    };
    ("application/json".to_owned(), json.to_string())
}

fn compat_engagement(world: &World, naming: Naming, number: usize) -> (String, String) {
    let product: i64 = world.id("product_number", naming).parse().unwrap();
    let body = json!({ "name": format!("fresh {number}"), "product": product });
    ("application/json".to_owned(), body.to_string())
}

/// A report with what is said about it, as other servers' clients send it.
fn form(parts: &[(&str, &str)]) -> (String, String) {
    let text = |(name, text): &(&str, &str)| {
        format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let file = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"report.json\"\r\n\r\n{SARIF}\r\n"
    );
    let said: String = parts.iter().map(text).collect();
    (format!("multipart/form-data; boundary={BOUNDARY}"), format!("{said}{file}--{BOUNDARY}--\r\n"))
}

const SARIF: &str = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"other"}},"results":[]}]}"#;
