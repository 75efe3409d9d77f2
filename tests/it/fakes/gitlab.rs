//! A fake GitLab: the issues of some projects, REST v4. It runs quick actions, as the real one does.

use serde_json::{Value, json};

use super::TOKEN;
use super::http::{Request, Response};
use super::server::Tracker;
use super::store::{Item, Store};

/// A fake GitLab.
#[derive(Default)]
pub struct GitLab {
    projects: Vec<String>,
    store: Store,
    /// User names; their ids are their places, from 1.
    pub users: Vec<String>,
    /// Name and content of each upload.
    pub uploads: Vec<(String, String)>,
    /// The account's access level.
    pub access_level: i64,
}

impl GitLab {
    pub fn new(projects: &[&str]) -> Self {
        let projects = projects.iter().map(|path| (*path).to_owned()).collect();
        Self { projects, users: vec!["patchbay-bot".into(), "alice".into()], access_level: 30, ..Self::default() }
    }
}

fn fault(status: u16, message: &str) -> Response {
    Response::json(status, &json!({"message": message}))
}

fn view(item: &Item) -> Value {
    json!({
        "id": item.id, "iid": item.number, "title": item.title, "description": item.body, "state": item.status,
        "labels": item.labels, "web_url": format!("https://gitlab.example.com/{}/-/issues/{}", item.project, item.number),
        "references": {"full": item.key()}, "moved_to_id": null, "updated_at": "2026-01-31T08:00:00.000Z",
    })
}

/// Executes and takes away the lines that are quick actions; text between fences is safe.
fn act_on(item: &mut Item, text: &str) -> String {
    let (mut kept, mut in_code) = (Vec::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        match line.split_whitespace().next() {
            Some("/close") if !in_code => item.status = "closed".to_owned(),
            Some("/label" | "/assign" | "/confidential" | "/title") if !in_code => {
                item.title = format!("HIJACKED {line}")
            }
            _ => kept.push(line),
        }
    }
    kept.join("\n")
}

fn labels(request: &Request, name: &str) -> Vec<String> {
    let list = request.text(&format!("/{name}"));
    list.split(',').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned).collect()
}

impl Tracker for GitLab {
    const WORDS: (&'static str, &'static str) = ("opened", "closed");

    fn answer(&mut self, request: &Request) -> Response {
        if request.headers.get("private-token").map(String::as_str) != Some(TOKEN) {
            return fault(401, "401 Unauthorized");
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let response = match segments.strip_prefix(&["api", "v4"]).unwrap_or_default() {
            ["user"] => Response::json(200, &json!({"id": 1, "username": "patchbay-bot"})),
            ["users"] => self.find_users(request),
            ["version"] => Response::json(200, &json!({"version": "18.6.0"})),
            ["personal_access_tokens", "self"] => Response::json(200, &json!({"scopes": ["api"]})),
            ["projects", path, rest @ ..] if self.projects.iter().any(|known| known == path) => {
                self.project(request, path, rest)
            }
            _ => fault(404, "404 Project Not Found"),
        };
        response.with("ratelimit-limit", 2000).with("ratelimit-remaining", 1234).with("ratelimit-reset", 1_769_846_400)
    }

    fn store(&mut self) -> &mut Store {
        &mut self.store
    }
}

impl GitLab {
    fn find_users(&self, request: &Request) -> Response {
        let all = self.users.iter().enumerate().map(|(n, name)| json!({"id": n + 1, "username": name}));
        let named: Vec<Value> = all.filter(|user| user["username"] == request.query("username")).collect();
        Response::json(200, &json!(named))
    }

    fn project(&mut self, request: &Request, project: &str, rest: &[&str]) -> Response {
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                let permissions = json!({"project_access": {"access_level": self.access_level}, "group_access": null});
                Response::json(200, &json!({"issues_enabled": true, "archived": false, "permissions": permissions}))
            }
            ("GET", ["issues"]) => self.list(request, project),
            ("POST", ["issues"]) => self.create(request, project),
            ("POST", ["uploads"]) => {
                let Some((name, content)) = request.file() else { return fault(400, "file is missing") };
                self.uploads.push((name, content));
                let path = format!("/-/project/1/uploads/{}/{}", self.uploads.len(), self.uploads.last().unwrap().0);
                Response::json(201, &json!({ "full_path": path }))
            }
            (_, ["issues", iid, rest @ ..]) => self.issue(request, project, iid, rest),
            _ => fault(404, "404 Not Found"),
        }
    }

    fn list(&mut self, request: &Request, project: &str) -> Response {
        let (label, search) = (request.query("labels"), request.query("search"));
        let mut items = self.store.newest(project);
        items.retain(|item| label.is_empty() || item.labels.iter().any(|name| name == label));
        items.retain(|item| search.is_empty() || (item.is_indexed && item.body_text().contains(search)));
        if request.query("sort") == "asc" {
            items.reverse();
        }
        let views: Vec<Value> = request.page(&items).iter().map(view).collect();
        Response::json(200, &json!(views))
    }

    fn refusal(request: &Request) -> Option<Response> {
        let too_long = |field: &str, limit: usize| {
            Response::json(400, &json!({"message": {field: [format!("is too long (maximum is {limit} characters)")]}}))
        };
        if request.text("/title").chars().count() > 255 {
            return Some(too_long("title", 255));
        }
        (request.text("/description").len() > 1_048_576).then(|| too_long("description", 1_048_576))
    }

    fn people(&self, request: &Request) -> Vec<String> {
        let ids = request.body["assignee_ids"].as_array().cloned().unwrap_or_default();
        let place = |id: &Value| usize::try_from(id.as_u64()?).ok()?.checked_sub(1);
        ids.iter().filter_map(|id| self.users.get(place(id)?).cloned()).collect()
    }

    fn create(&mut self, request: &Request, project: &str) -> Response {
        if request.text("/title").trim().is_empty() {
            return Response::json(400, &json!({"error": "title is missing"}));
        }
        if let Some(refusal) = Self::refusal(request) {
            return refusal;
        }
        let people = self.people(request);
        let item = self.store.add(project, "opened", request.text("/title").to_owned(), Value::Null);
        item.labels = labels(request, "labels");
        item.assignees = people;
        for name in ["confidential", "issue_type"] {
            if let Some(value) = request.body.get(name) {
                item.fields.insert(name.to_owned(), value.clone());
            }
        }
        item.body = json!(act_on(item, request.text("/description")));
        Response::json(201, &view(item))
    }

    fn issue(&mut self, request: &Request, project: &str, iid: &str, rest: &[&str]) -> Response {
        if let Some(refusal) = Self::refusal(request) {
            return refusal;
        }
        let people = self.people(request);
        let note_id = self.store.next_id();
        let Some(item) = self.store.find(project, iid).filter(|item| !item.is_deleted) else {
            return fault(404, "404 Not found");
        };
        match (request.method.as_str(), rest) {
            ("GET", []) => Response::json(200, &view(item)),
            ("PUT", []) => {
                put(item, request, people);
                Response::json(200, &view(item))
            }
            ("DELETE", []) => {
                item.is_deleted = true;
                Response::empty(204)
            }
            ("GET", ["notes"]) => {
                let all: Vec<Value> =
                    item.comments.iter().rev().map(|(id, body)| json!({"id": id, "body": body})).collect();
                Response::json(200, &json!(request.page(&all)))
            }
            ("POST", ["notes"]) => {
                let text = json!(act_on(item, request.text("/body")));
                item.comments.push((note_id, text.clone()));
                Response::json(201, &json!({"id": note_id, "body": text}))
            }
            _ => fault(404, "404 Not Found"),
        }
    }
}

fn put(item: &mut Item, request: &Request, people: Vec<String>) {
    let given = |name: &str| request.body.get(name).and_then(Value::as_str);
    if let Some(title) = given("title") {
        item.title = title.to_owned();
    }
    if let Some(description) = given("description") {
        item.body = json!(act_on(item, description));
    }
    let removed = labels(request, "remove_labels");
    item.labels.retain(|label| !removed.contains(label));
    for label in labels(request, "add_labels") {
        if !item.labels.contains(&label) {
            item.labels.push(label);
        }
    }
    match given("state_event") {
        Some("close") => item.status = "closed".to_owned(),
        Some("reopen") => item.status = "opened".to_owned(),
        _ => {}
    }
    if request.body.get("assignee_ids").is_some() {
        item.assignees = people;
    }
}
