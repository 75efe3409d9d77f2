//! Deliveries as trackers send them, with their headers and signatures; the shapes are ours.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use patchbay::base::time::UtcTime;
use patchbay::worker::drain::run_until_idle;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::app::{Answer, TestApp};
use crate::builders::Person;
use crate::fakes::store::Item;

/// A webhook that is set up.
pub struct Hook {
    /// Its address on the server.
    pub path: String,
    /// What signs.
    pub signing: String,
}

/// A delivery to be.
pub struct Sent {
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Hook {
    /// A new secret of a connection's webhook.
    pub async fn new(admin: &Person, connection: &str) -> Self {
        let path = format!("/tracker-connections/{connection}/webhook/rotate");
        let made = admin.post(&path, json!({})).await.expect(200);
        assert_eq!(made.header("cache-control"), "no-store");
        let url = made.text("url");
        assert!(url.ends_with(&made.text("secret")));
        let (_, path) = url.split_once("/api/v1/").unwrap();
        Self { path: format!("/api/v1/{path}"), signing: made.text("signing_secret") }
    }

    /// Sends a delivery as it is.
    pub async fn send(&self, app: &TestApp, sent: &Sent) -> Answer {
        send_to(app, &self.path, sent).await
    }

    /// Sends a delivery, signed as its tracker does, and lets a worker work it off.
    pub async fn deliver(&self, app: &TestApp, sent: Sent) {
        self.send(app, &self.signed(sent)).await.expect(202);
        run_until_idle(&app.app).await.unwrap();
    }

    /// With the signature that its tracker adds.
    pub fn signed(&self, mut sent: Sent) -> Sent {
        if self.path.contains("/gitlab/") {
            sent.headers.push(("X-Gitlab-Token", self.signing.clone()));
        } else {
            let name = if self.path.contains("/github/") { "X-Hub-Signature-256" } else { "X-Hub-Signature" };
            let tag = hex::encode(mac(self.signing.as_bytes(), &sent.body));
            sent.headers.push((name, format!("sha256={tag}")));
        }
        sent
    }

    /// With the newer signature of GitLab, made at this time.
    pub fn signed_standard(&self, mut sent: Sent, at: UtcTime) -> Sent {
        let key = STANDARD.decode(self.signing.strip_prefix("whsec_").unwrap()).unwrap();
        let timestamp = (at.as_micros() / 1_000_000).to_string();
        let text = [format!("one.{timestamp}.").as_bytes(), &sent.body].concat();
        sent.headers.push(("webhook-id", "one".to_owned()));
        sent.headers.push(("webhook-timestamp", timestamp));
        sent.headers.push(("webhook-signature", format!("v1,{}", STANDARD.encode(mac(&key, &text)))));
        sent
    }
}

/// Sends a delivery to a path of the server.
pub async fn send_to(app: &TestApp, path: &str, sent: &Sent) -> Answer {
    let mut request = app.anybody().request(Method::POST, path);
    for (name, value) in &sent.headers {
        request = request.header(name, value);
    }
    request.body("application/json", sent.body.clone()).send().await
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// A delivery of GitHub.
pub fn github(event: &str, body: &Value) -> Sent {
    let id = uuid::Uuid::now_v7().to_string();
    let headers = vec![("X-GitHub-Event", event.to_owned()), ("X-GitHub-Delivery", id)];
    Sent { headers, body: serde_json::to_vec(body).unwrap() }
}

/// GitHub tells that an issue was closed or reopened.
pub fn github_state(item: &Item, by: &str, open: bool, at: &str) -> Sent {
    let (action, state) = if open { ("reopened", "open") } else { ("closed", "closed") };
    github(
        "issues",
        &json!({
            "action": action, "sender": { "login": by }, "repository": { "full_name": item.project },
            "issue": { "id": item.id, "number": item.number, "title": item.title, "state": state, "updated_at": at },
        }),
    )
}

/// GitLab tells that an issue was closed or reopened.
pub fn gitlab_state(item: &Item, by: &str, open: bool, at: &str) -> Sent {
    let (action, state) = if open { ("reopen", "opened") } else { ("close", "closed") };
    let body = json!({
        "object_kind": "issue", "user": { "username": by, "name": by },
        "project": { "path_with_namespace": item.project },
        "object_attributes": { "id": item.id, "iid": item.number, "state": state, "action": action, "updated_at": at },
    });
    let headers =
        vec![("X-Gitlab-Event", "Issue Hook".to_owned()), ("Idempotency-Key", uuid::Uuid::now_v7().to_string())];
    Sent { headers, body: serde_json::to_vec(&body).unwrap() }
}

/// Jira tells of an issue.
pub fn jira(body: &Value) -> Sent {
    let headers = vec![("X-Atlassian-Webhook-Identifier", uuid::Uuid::now_v7().to_string())];
    Sent { headers, body: serde_json::to_vec(body).unwrap() }
}

/// Jira tells that an issue moved to a status.
pub fn jira_status(item: &Item, by: &str, status: &str, is_done: bool, at: &str) -> Sent {
    let at = patchbay::base::time::UtcTime::parse(at).unwrap().as_micros() / 1_000;
    jira(&json!({
        "timestamp": at, "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic",
        "user": { "accountId": by, "name": by, "displayName": by },
        "issue": jira_issue(item, status, is_done),
        "changelog": { "id": at.to_string(), "items": [
            { "field": "status", "fieldtype": "jira", "fromString": "Somewhere", "toString": status },
        ] },
    }))
}

/// An issue in a delivery of Jira.
pub fn jira_issue(item: &Item, status: &str, is_done: bool) -> Value {
    let category = if is_done { "done" } else { "indeterminate" };
    json!({ "id": item.id.to_string(), "key": item.key(), "fields": {
        "summary": item.title, "status": { "name": status, "statusCategory": { "key": category } } } })
}
