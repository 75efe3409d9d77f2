//! A fake GitHub: the issues of some repositories, REST.

use serde_json::{Value, json};

use super::TOKEN;
use super::http::{Request, Response};
use super::server::Tracker;
use super::store::{Item, Store};

/// A fake GitHub.
#[derive(Default)]
pub struct GitHub {
    repositories: Vec<String>,
    store: Store,
    /// Without it, labels and assignees are dropped silently, as GitHub does.
    pub push_access: bool,
    /// The logins that can be assigned.
    pub logins: Vec<String>,
    pub issues_enabled: bool,
}

impl GitHub {
    pub fn new(repositories: &[&str]) -> Self {
        let repositories = repositories.iter().map(|name| (*name).to_owned()).collect();
        Self { repositories, push_access: true, logins: vec!["alice".into()], issues_enabled: true, ..Self::default() }
    }
}

fn fault(status: u16, message: &str) -> Response {
    Response::json(status, &json!({"message": message, "status": status.to_string()}))
}

fn invalid(field: &str, message: &str) -> Response {
    let errors = json!([{"resource": "Issue", "field": field, "code": "custom", "message": message}]);
    Response::json(422, &json!({"message": "Validation Failed", "errors": errors}))
}

fn view(item: &Item) -> Value {
    let repository = format!("https://api.github.com/repos/{}", item.project);
    json!({
        "id": item.id, "number": item.number, "title": item.title, "body": item.body, "state": item.status,
        "state_reason": item.resolution, "repository_url": repository,
        "html_url": format!("https://github.com/{}/issues/{}", item.project, item.number),
        "labels": item.labels.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "assignees": item.assignees.iter().map(|login| json!({"login": login})).collect::<Vec<_>>(),
        "updated_at": "2026-01-31T08:00:00Z",
    })
}

fn comment(id: u64, body: &Value) -> Value {
    json!({"id": id, "body": body})
}

impl Tracker for GitHub {
    const WORDS: (&'static str, &'static str) = ("open", "closed");

    fn answer(&mut self, request: &Request) -> Response {
        let authorization = request.headers.get("authorization").map_or("", String::as_str);
        if authorization != format!("Bearer {TOKEN}") {
            return fault(401, "Bad credentials");
        }
        if !request.headers.contains_key("user-agent") {
            return fault(403, "Request forbidden by administrative rules.");
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let path = segments.strip_prefix(&["api", "v3"]).unwrap_or(&segments);
        let response = match path {
            ["user"] => Response::json(200, &json!({"login": "patchbay-bot"})),
            ["search", "issues"] => self.search(request),
            ["repos", owner, name, rest @ ..] => {
                let project = format!("{owner}/{name}");
                if !self.repositories.contains(&project) {
                    return fault(404, "Not Found");
                }
                self.repository(request, &project, rest)
            }
            _ => fault(404, "Not Found"),
        };
        response
            .with("x-ratelimit-limit", 5000)
            .with("x-ratelimit-remaining", 4321)
            .with("x-ratelimit-reset", 1_769_846_400)
    }

    fn store(&mut self) -> &mut Store {
        &mut self.store
    }
}

impl GitHub {
    fn repository(&mut self, request: &Request, project: &str, rest: &[&str]) -> Response {
        if !self.issues_enabled && rest.first() == Some(&"issues") {
            return fault(410, "Issues has been disabled in this repository.");
        }
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                let permissions = json!({"pull": true, "triage": self.push_access, "push": self.push_access});
                let enabled = self.issues_enabled;
                Response::json(200, &json!({"has_issues": enabled, "archived": false, "permissions": permissions}))
            }
            ("GET", ["issues"]) => self.list(request, project),
            ("POST", ["issues"]) => self.create(request, project),
            (_, ["issues", number, rest @ ..]) => self.issue(request, project, number, rest),
            _ => fault(404, "Not Found"),
        }
    }

    fn search(&mut self, request: &Request) -> Response {
        let query = request.query("q").to_owned();
        let phrase = query.split('"').nth(1).unwrap_or_default();
        let project = query.split("repo:").nth(1).unwrap_or_default().trim();
        let found = self.store.newest(project).into_iter().filter(|item| item.is_indexed);
        let found: Vec<Value> =
            found.filter(|item| item.body_text().contains(phrase)).map(|item| view(&item)).collect();
        Response::json(200, &json!({"total_count": found.len(), "items": found}))
    }

    fn list(&mut self, request: &Request, project: &str) -> Response {
        let label = request.query("labels");
        let mut items = self.store.newest(project);
        items.retain(|item| label.is_empty() || item.labels.iter().any(|name| name == label));
        items.retain(|item| request.query("state") == "all" || item.status == "open");
        if request.query("direction") == "asc" {
            items.reverse();
        }
        let views: Vec<Value> = request.page(&items).iter().map(view).collect();
        Response::json(200, &json!(views))
    }

    fn refusal(&self, request: &Request) -> Option<Response> {
        let (title, body) = (request.text("/title"), request.text("/body"));
        if title.chars().count() > 256 {
            return Some(invalid("title", "title is too long (maximum is 256 characters)"));
        }
        if body.chars().count() > 65_536 {
            return Some(invalid("body", "body is too long (maximum is 65536 characters)"));
        }
        if request.texts("/labels").iter().any(|label| label.chars().count() > 50) {
            return Some(invalid("labels", "name is too long (maximum is 50 characters)"));
        }
        let unknown = request.texts("/assignees").into_iter().find(|login| !self.logins.contains(login));
        unknown.map(|login| invalid("assignees", &format!("{login} cannot be assigned")))
    }

    fn create(&mut self, request: &Request, project: &str) -> Response {
        if request.text("/title").trim().is_empty() {
            return invalid("title", "missing_field");
        }
        if let Some(refusal) = self.refusal(request) {
            return refusal;
        }
        let push_access = self.push_access;
        let item = self.store.add(project, "open", request.text("/title").to_owned(), request.body["body"].clone());
        if push_access {
            item.labels = request.texts("/labels");
            item.assignees = request.texts("/assignees");
        }
        Response::json(201, &view(item))
    }

    fn issue(&mut self, request: &Request, project: &str, number: &str, rest: &[&str]) -> Response {
        if let Some(refusal) = self.refusal(request) {
            return refusal;
        }
        let comment_id = self.store.next_id();
        let Some(item) = self.store.find(project, number) else { return fault(404, "Not Found") };
        if item.is_deleted {
            return fault(410, "This issue was deleted");
        }
        if let Some((project, number)) = &item.moved_to {
            let target = format!("/api/v3/repos/{project}/issues/{number}");
            return fault(301, "Moved Permanently").with("location", target);
        }
        match (request.method.as_str(), rest) {
            ("GET", []) => Response::json(200, &view(item)),
            ("PATCH", []) => {
                patch(item, request);
                Response::json(200, &view(item))
            }
            ("GET", ["comments"]) => {
                let all: Vec<Value> = item.comments.iter().map(|(id, body)| comment(*id, body)).collect();
                Response::json(200, &json!(request.page(&all)))
            }
            ("POST", ["comments"]) => {
                item.comments.push((comment_id, request.body["body"].clone()));
                Response::json(201, &comment(comment_id, &request.body["body"]))
            }
            ("POST", ["labels"]) => {
                let new: Vec<String> = request.texts("/labels");
                item.labels.extend(new.into_iter().filter(|label| !item.labels.contains(label)).collect::<Vec<_>>());
                Response::json(200, &json!([]))
            }
            ("DELETE", ["labels", name]) => {
                let before = item.labels.len();
                item.labels.retain(|label| label != name);
                if item.labels.len() == before {
                    fault(404, "Label does not exist")
                } else {
                    Response::json(200, &json!([]))
                }
            }
            ("POST", ["assignees"]) => {
                item.assignees.extend(request.texts("/assignees"));
                Response::json(201, &view(item))
            }
            _ => fault(404, "Not Found"),
        }
    }
}

fn patch(item: &mut Item, request: &Request) {
    let given = |name: &str| request.body.get(name).filter(|value| !value.is_null());
    if let Some(title) = given("title").and_then(Value::as_str) {
        item.title = title.to_owned();
    }
    if let Some(body) = given("body") {
        item.body = body.clone();
    }
    if let Some(state) = given("state").and_then(Value::as_str) {
        item.status = state.to_owned();
        item.resolution = given("state_reason").and_then(Value::as_str).map(str::to_owned);
    }
    if given("labels").is_some() {
        item.labels = request.texts("/labels");
    }
}
