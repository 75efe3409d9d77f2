//! A fake Jira: the issues of some projects in REST v2 (wiki text) and v3 (ADF), with workflows and create screens.

use serde_json::{Map, Value, json};

use super::TOKEN;
use super::http::{Request, Response};
use super::server::Tracker;
use super::store::{Item, Store};

/// A way from some statuses to another.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub id: &'static str,
    pub name: &'static str,
    /// Empty: from anywhere.
    pub from: &'static [&'static str],
    pub to: &'static str,
    /// Its screen asks for a resolution.
    pub asks_resolution: bool,
}

const fn step(id: &'static str, name: &'static str, from: &'static [&'static str], to: &'static str) -> Step {
    Step { id, name, from, to, asks_resolution: false }
}

const fn asking(step: Step) -> Step {
    Step { asks_resolution: true, ..step }
}

/// Everything leads everywhere.
pub const SIMPLE: &[Step] = &[
    step("11", "To Do", &[], "To Do"),
    step("21", "In Progress", &[], "In Progress"),
    step("31", "Done", &[], "Done"),
];

/// Done is two steps away and asks for a resolution.
pub const STRICT: &[Step] = &[
    step("11", "Start", &["To Do"], "In Progress"),
    asking(step("21", "Resolve", &["In Progress"], "Done")),
    asking(step("31", "Reject", &["To Do", "In Progress"], "Won't Fix")),
    step("41", "Reopen", &["Done", "Won't Fix"], "To Do"),
];

/// Nothing leads out of Done.
pub const LOCKED: &[Step] = &[step("5", "Close", &["To Do"], "Done")];

const STATUSES: [(&str, &str); 4] =
    [("To Do", "new"), ("In Progress", "indeterminate"), ("Done", "done"), ("Won't Fix", "done")];
const TYPES: [&str; 3] = ["Task", "Bug", "Vulnerability"];
const RESOLUTIONS: [&str; 3] = ["Duplicate", "Done", "Won't Do"];
const SYSTEM_FIELDS: [&str; 8] =
    ["project", "issuetype", "summary", "description", "labels", "priority", "components", "assignee"];

/// A fake Jira.
#[derive(Default)]
pub struct Jira {
    projects: Vec<(String, &'static [Step])>,
    store: Store,
    /// Custom fields on the create screen: id, name, schema type, required.
    pub fields: Vec<(&'static str, &'static str, &'static str, bool)>,
}

impl Jira {
    pub fn new(projects: &[(&str, &'static [Step])]) -> Self {
        let projects = projects.iter().map(|(key, workflow)| ((*key).to_owned(), *workflow)).collect();
        Self { projects, ..Self::default() }
    }
}

fn fault(status: u16, message: &str) -> Response {
    Response::json(status, &json!({"errorMessages": [message], "errors": {}}))
}

fn wrong(field: &str, message: &str) -> Response {
    Response::json(400, &json!({"errorMessages": [], "errors": {field: message}}))
}

fn status(name: &str) -> Value {
    let category = STATUSES.iter().find(|(status, _)| *status == name).map_or("new", |(_, category)| category);
    json!({"name": name, "statusCategory": {"key": category}})
}

fn named(name: Option<&String>) -> Value {
    name.map_or(Value::Null, |name| json!({"name": name}))
}

fn view(item: &Item) -> Value {
    json!({"id": item.id.to_string(), "key": item.key(), "fields": {
        "summary": item.title, "description": item.body, "status": status(&item.status),
        "resolution": named(item.resolution.as_ref()), "labels": item.labels,
        "priority": item.fields.get("priority").cloned().unwrap_or(Value::Null),
        "attachment": item.files.iter().map(|(id, name, _)| json!({"id": id.to_string(), "filename": name})).collect::<Vec<_>>(),
        "updated": "2026-01-31T08:00:00.000+0000"},
        "properties": item.fields.get("properties").cloned().unwrap_or_else(|| json!({}))})
}

/// Whether every text in ADF says something, as Jira demands.
fn has_empty_text(node: &Value) -> bool {
    let is_empty = node["type"] == "text" && node["text"].as_str().is_none_or(str::is_empty);
    is_empty || node["content"].as_array().is_some_and(|nodes| nodes.iter().any(has_empty_text))
}

fn text_length(node: &Value) -> usize {
    let own = node.as_str().or_else(|| node["text"].as_str()).map_or(0, str::len);
    own + node["content"].as_array().map_or(0, |nodes| nodes.iter().map(text_length).sum())
}

/// What is wrong with a rich text of this version of the API.
fn rich_text_fault(text: &Value, is_cloud: bool) -> Option<&'static str> {
    match text {
        Value::Null => None,
        Value::Object(_) if !is_cloud => Some("Operation value must be a string"),
        Value::String(_) if is_cloud => Some("Operation value must be an Atlassian Document"),
        adf if is_cloud && (adf["type"] != "doc" || has_empty_text(adf)) => Some("INVALID_INPUT"),
        long if text_length(long) > 3 * 32_767 => Some("CONTENT_LIMIT_EXCEEDED"),
        _ => None,
    }
}

impl Tracker for Jira {
    const WORDS: (&'static str, &'static str) = ("To Do", "Done");

    fn answer(&mut self, request: &Request) -> Response {
        let authorization = request.headers.get("authorization").map_or("", String::as_str);
        let basic =
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("bot@example.com:{TOKEN}"));
        if authorization != format!("Bearer {TOKEN}") && authorization != format!("Basic {basic}") {
            return fault(401, "Client must be authenticated to access this resource.");
        }
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let Some((["rest", "api", version], path)) = segments.split_first_chunk() else {
            return fault(404, "null for uri");
        };
        let is_cloud = *version == "3";
        match (request.method.as_str(), path) {
            ("GET", ["myself"]) => Response::json(
                200,
                &json!({"displayName": "Patchbay Bot", "accountId": "bot-1", "name": "patchbay-bot"}),
            ),
            ("GET", ["serverInfo"]) => Response::json(200, &json!({"version": "10.3.5"})),
            ("GET", ["mypermissions"]) if is_cloud => permissions(request),
            ("GET", ["project", key]) => self.project(key),
            ("GET", ["issue", "createmeta", _, "issuetypes"]) => Response::json(200, &json!({"values": [{"id": "0"}]})),
            ("GET", ["issue", "createmeta", key, "issuetypes", _]) => self.create_screen(key, is_cloud),
            ("POST", ["issue"]) => self.create(request, is_cloud),
            ("POST", ["search", "jql"]) if is_cloud => self.search(request, true),
            ("POST", ["search"]) if !is_cloud => self.search(request, false),
            ("DELETE", ["attachment", id]) => {
                self.store.items.iter_mut().for_each(|item| item.files.retain(|(own, ..)| own.to_string() != *id));
                Response::empty(204)
            }
            (_, ["issue", name, rest @ ..]) => self.issue(request, name, rest, is_cloud),
            _ => fault(404, "null for uri"),
        }
    }

    fn store(&mut self) -> &mut Store {
        &mut self.store
    }
}

fn permissions(request: &Request) -> Response {
    let held: Map<String, Value> = request
        .query("permissions")
        .split(',')
        .map(|name| (name.to_owned(), json!({"havePermission": name != "ADD_COMMENTS"})))
        .collect();
    Response::json(200, &json!({"permissions": held}))
}

/// The value in quotes after a word of JQL.
fn jql_value<'q>(jql: &'q str, word: &str) -> Option<&'q str> {
    jql.split(&format!("{word} = \"")).nth(1)?.split('"').next()
}

impl Jira {
    fn project(&self, key: &str) -> Response {
        if !self.projects.iter().any(|(known, _)| known == key) {
            return fault(404, &format!("No project could be found with key '{key}'."));
        }
        let types: Vec<Value> =
            TYPES.iter().enumerate().map(|(n, name)| json!({"id": n.to_string(), "name": name})).collect();
        Response::json(200, &json!({"key": key, "issueTypes": types}))
    }

    fn create_screen(&self, key: &str, is_cloud: bool) -> Response {
        if !self.projects.iter().any(|(known, _)| known == key) {
            return fault(404, "no such project");
        }
        let field = |(id, name, kind, required): &(&str, &str, &str, bool)| {
            let allowed = if *kind == "option" {
                json!([{"id": "1", "value": "Major"}, {"id": "2", "value": "Minor"}])
            } else {
                json!([])
            };
            json!({"fieldId": id, "name": name, "required": required, "schema": {"type": kind}, "allowedValues": allowed})
        };
        let mut fields: Vec<Value> =
            SYSTEM_FIELDS.iter().map(|id| field(&(id, id, "string", *id == "summary"))).collect();
        fields.extend(self.fields.iter().map(field));
        let name = if is_cloud { "fields" } else { "values" };
        Response::json(200, &json!({"total": fields.len(), name: fields}))
    }

    fn create(&mut self, request: &Request, is_cloud: bool) -> Response {
        let given = &request.body["fields"];
        let key = request.text("/fields/project/key");
        if !self.projects.iter().any(|(known, _)| known == key) {
            return wrong("project", "valid project is required");
        }
        if !TYPES.contains(&request.text("/fields/issuetype/name")) {
            return wrong("issuetype", "Specify a valid issue type");
        }
        if let Some(response) = self.refusal(given, is_cloud) {
            return response;
        }
        let missing = self.fields.iter().find(|(id, _, _, required)| *required && given[*id].is_null());
        if let Some((id, name, ..)) = missing {
            return wrong(id, &format!("{name} is required."));
        }
        let item =
            self.store.add(key, "To Do", request.text("/fields/summary").to_owned(), given["description"].clone());
        item.labels = request.texts("/fields/labels");
        for (name, value) in given.as_object().into_iter().flatten() {
            item.fields.insert(name.clone(), value.clone());
        }
        let properties = request.body["properties"].as_array().into_iter().flatten();
        let kept = properties.map(|one| (one["key"].as_str().unwrap_or_default().to_owned(), one["value"].clone()));
        item.fields.insert("properties".to_owned(), Value::Object(kept.collect()));
        Response::json(201, &json!({"id": item.id.to_string(), "key": item.key()}))
    }

    fn refusal(&self, given: &Value, is_cloud: bool) -> Option<Response> {
        if let Some(summary) = given.get("summary").and_then(Value::as_str) {
            if summary.contains(['\n', '\r']) {
                return Some(wrong("summary", "The summary is invalid because it contains newline characters."));
            }
            if summary.trim().is_empty() || summary.encode_utf16().count() > 255 {
                return Some(wrong("summary", "Summary must be less than 255 characters."));
            }
        }
        let labels = given["labels"].as_array().into_iter().flatten().filter_map(Value::as_str);
        if let Some(label) = labels.into_iter().find(|label| label.contains(' ')) {
            return Some(wrong("labels", &format!("The label '{label}' contains spaces which is invalid.")));
        }
        if let Some(message) = rich_text_fault(&given["description"], is_cloud) {
            return Some(wrong("description", message));
        }
        let is_known = |id: &str| SYSTEM_FIELDS.contains(&id) || self.fields.iter().any(|(known, ..)| *known == id);
        let unknown = given.as_object()?.keys().find(|id| !is_known(id))?;
        Some(wrong(
            unknown,
            &format!("Field '{unknown}' cannot be set. It is not on the appropriate screen, or unknown."),
        ))
    }

    fn search(&mut self, request: &Request, is_cloud: bool) -> Response {
        let jql = request.text("/jql").to_owned();
        let Some(project) = jql_value(&jql, "project") else {
            return fault(400, "Unbounded JQL queries are not allowed here.");
        };
        let mut items = self.store.newest(project);
        items.retain(|item| item.is_indexed);
        if let Some(label) = jql_value(&jql, "labels") {
            items.retain(|item| item.labels.iter().any(|known| known == label));
        }
        if jql.ends_with("ASC") {
            items.reverse();
        }
        let start = match is_cloud {
            true => request.text("/nextPageToken").trim_start_matches("page~").parse().unwrap_or(0),
            false => usize::try_from(request.body["startAt"].as_u64().unwrap_or(0)).unwrap(),
        };
        let limit = usize::try_from(request.body["maxResults"].as_u64().unwrap_or(50)).unwrap();
        let views: Vec<Value> = items.iter().skip(start).take(limit).map(view).collect();
        let end = start + views.len();
        let mut page = json!({"issues": views});
        if !is_cloud {
            page["total"] = json!(items.len());
        } else if end < items.len() {
            page["nextPageToken"] = json!(format!("page~{end}"));
        }
        Response::json(200, &page)
    }

    fn issue(&mut self, request: &Request, name: &str, rest: &[&str], is_cloud: bool) -> Response {
        let there = |item: &&mut Item| !item.is_deleted && (item.key() == name || item.id.to_string() == name);
        let comment_id = self.store.next_id();
        let Some(key) = self.store.items.iter_mut().find(there).map(|item| item.key()) else {
            return fault(404, "Issue does not exist or you do not have permission to see it.");
        };
        if let Some(response) = self.refusal(&request.body["fields"], is_cloud).filter(|_| request.method == "PUT") {
            return response;
        }
        let project = key.split('-').next().unwrap_or_default();
        let workflow =
            self.projects.iter().find(|(known, _)| known == project).map_or(SIMPLE, |(_, workflow)| workflow);
        let item = self.store.by_key(&key);
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                let mut issue = view(item);
                if request.query("expand").contains("transitions") {
                    issue["transitions"] = transitions(item, workflow, !is_cloud);
                }
                Response::json(200, &issue)
            }
            ("PUT", []) => put(item, request),
            ("DELETE", []) => {
                item.is_deleted = true;
                Response::empty(204)
            }
            ("GET", ["comment"]) => {
                let all: Vec<Value> =
                    item.comments.iter().rev().map(|(id, body)| json!({"id": id.to_string(), "body": body})).collect();
                Response::json(200, &json!({"comments": all}))
            }
            ("POST", ["comment"]) => match rich_text_fault(&request.body["body"], is_cloud) {
                Some(message) => wrong("comment", message),
                None => {
                    item.comments.push((comment_id, request.body["body"].clone()));
                    Response::json(201, &json!({"id": comment_id.to_string(), "body": request.body["body"]}))
                }
            },
            ("POST", ["attachments"]) => {
                if request.headers.get("x-atlassian-token").map(String::as_str) != Some("no-check") {
                    return fault(403, "XSRF check failed");
                }
                let Some((name, content)) = request.file() else { return fault(400, "no file") };
                item.files.push((comment_id, name, content));
                Response::json(200, &json!([{"id": comment_id.to_string()}]))
            }
            ("GET", ["transitions"]) => Response::json(200, &json!({"transitions": transitions(item, workflow, true)})),
            ("POST", ["transitions"]) => transition(item, workflow, request),
            _ => fault(404, "null for uri"),
        }
    }
}

fn put(item: &mut Item, request: &Request) -> Response {
    for (name, value) in request.body["fields"].as_object().into_iter().flatten() {
        match name.as_str() {
            "summary" => item.title = value.as_str().unwrap_or_default().to_owned(),
            "description" => item.body = value.clone(),
            _ => {
                item.fields.insert(name.clone(), value.clone());
            }
        }
    }
    for change in request.body.pointer("/update/labels").and_then(Value::as_array).into_iter().flatten() {
        match (change["add"].as_str(), change["remove"].as_str()) {
            (Some(label), _) if !item.labels.iter().any(|known| known == label) => item.labels.push(label.to_owned()),
            (_, Some(label)) => item.labels.retain(|known| known != label),
            _ => {}
        }
    }
    Response::empty(204)
}

fn offered<'w>(item: &Item, workflow: &'w [Step]) -> impl Iterator<Item = &'w Step> {
    let status = item.status.clone();
    workflow.iter().filter(move |step| step.from.is_empty() || step.from.contains(&status.as_str()))
}

/// The steps offered; with their screens where they are shown.
fn transitions(item: &Item, workflow: &[Step], shows_screens: bool) -> Value {
    let allowed: Vec<Value> = RESOLUTIONS.iter().map(|name| json!({"name": name})).collect();
    let steps = offered(item, workflow).map(|step| {
        let mut view = json!({"id": step.id, "name": step.name, "to": status(step.to)});
        if shows_screens {
            view["fields"] = match step.asks_resolution {
                true => json!({"resolution": {"required": true, "name": "Resolution", "allowedValues": allowed}}),
                false => json!({}),
            };
        }
        view
    });
    steps.collect()
}

fn transition(item: &mut Item, workflow: &[Step], request: &Request) -> Response {
    let id = request.text("/transition/id");
    let Some(step) = offered(item, workflow).find(|step| step.id == id) else {
        return fault(400, &format!("Transition id '{id}' is not valid for this issue."));
    };
    let resolution = request.text("/fields/resolution/name");
    if step.asks_resolution && !RESOLUTIONS.contains(&resolution) {
        return wrong("resolution", "Resolution is required.");
    }
    if !step.asks_resolution && !resolution.is_empty() {
        return wrong(
            "resolution",
            "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown.",
        );
    }
    item.resolution = step.asks_resolution.then(|| resolution.to_owned());
    item.status = step.to.to_owned();
    Response::empty(204)
}
