//! Jira: Cloud (REST v3, ADF) and Data Center (REST v2, wiki markup).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::settings::{ConnectionSettings, Credential};
use super::wire::{Call, Wire, join};
use crate::base::error::ApiError;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::base::tracker_kind::TrackerKind;
use crate::egress::client::{Egress, Method};
use crate::trackers::markup::document::Document;
use crate::trackers::markup::text::{Measure, Sigils, one_line, title, visible_marker};
use crate::trackers::markup::{adf, wiki};
use crate::trackers::ticket::{
    Answer, Attachment, ClientError, CommentRef, Marker, PlannedRequest, TicketChange, TicketComment, TicketDraft,
    TicketPage, TicketRef, TicketState,
};

const SUMMARY_LIMIT: usize = 255;
const LABEL_LIMIT: usize = 255;
const PAGE: usize = 100;
/// The entity property that keeps the marker when people tidy up labels.
const PROPERTY: &str = "patchbay";
/// After an uncertain create, keys beyond the newest one that search knows are asked for directly, because the index
/// lags. Numbers of failed creates leave gaps, so some misses are allowed.
const UNINDEXED_KEYS: u64 = 25;
const UNINDEXED_MISSES: u64 = 5;

/// What is asked of an issue.
const FIELDS: [&str; 7] = ["summary", "description", "status", "resolution", "labels", "priority", "updated"];

/// A connection to Jira.
#[derive(Debug, Clone)]
pub struct Jira {
    pub(super) wire: Wire,
    pub(super) is_cloud: bool,
    browse: Url,
    label: String,
}

#[derive(Debug, Deserialize)]
struct Created {
    id: String,
    key: String,
}

#[derive(Debug, Deserialize)]
struct Issue {
    id: String,
    key: String,
    fields: Fields,
    #[serde(default)]
    properties: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Fields {
    #[serde(default)]
    summary: String,
    #[serde(default)]
    description: Value,
    status: Status,
    resolution: Option<Named>,
    #[serde(default)]
    labels: Vec<String>,
    priority: Option<Named>,
    updated: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) name: String,
    pub(super) status_category: Option<Category>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Category {
    pub(super) key: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    issues: Vec<Issue>,
    next_page_token: Option<String>,
    total: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct Comments {
    comments: Vec<Comment>,
}

#[derive(Debug, Deserialize)]
struct Comment {
    id: String,
    #[serde(default)]
    body: Value,
}

#[derive(Debug, Deserialize)]
struct WithFiles {
    fields: Files,
}

#[derive(Debug, Deserialize)]
struct Files {
    #[serde(default)]
    attachment: Vec<File>,
}

#[derive(Debug, Deserialize)]
struct File {
    id: String,
    filename: String,
}

impl Status {
    /// Whether work is over in this status.
    pub(super) fn is_done(&self) -> bool {
        self.status_category.as_ref().is_some_and(|category| category.key == "done")
    }
}

/// A label as Jira takes it: without spaces.
fn label_text(label: &str) -> String {
    Measure::Utf16.fit(&one_line(label).replace(' ', "_"), LABEL_LIMIT).to_owned()
}

fn label_texts<'l>(labels: impl IntoIterator<Item = &'l String>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for text in labels.into_iter().map(|label| label_text(label)) {
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

/// A value in quotes for JQL.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Jira {
    /// A client for this connection.
    ///
    /// # Errors
    /// `Invalid` when the credential cannot stand in a header.
    pub fn new(settings: &ConnectionSettings, egress: Egress) -> Result<Self, ApiError> {
        let is_cloud = settings.kind == TrackerKind::JiraCloud;
        let secret = settings.credential.secret().clone();
        let authorization = Secret::new(match &settings.credential {
            Credential::Token(token) => format!("Bearer {}", token.expose()),
            Credential::Basic { user, secret } => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{}", secret.expose())))
            }
        });
        let version = if is_cloud { "3" } else { "2" };
        let api = join(&settings.base_url, &["rest", "api", version]);
        let wire = Wire::new(egress, api, &["myself"], ("authorization", authorization), secret)?;
        let browse = join(&settings.base_url, &["browse"]);
        Ok(Self { wire, is_cloud, browse, label: settings.label.clone() })
    }

    /// The URL of an issue, by its id where it is known: keys change when an issue moves.
    pub(super) fn issue(&self, ticket: &TicketRef, rest: &[&str]) -> Url {
        let name = ticket.id.as_deref().unwrap_or(&ticket.key);
        join(&self.wire.at(&["issue", name]), rest)
    }

    fn ticket(&self, id: String, key: String) -> TicketRef {
        TicketRef { url: join(&self.browse, &[&key]).to_string(), key, id: Some(id) }
    }

    fn description(&self, document: &Document) -> Value {
        if self.is_cloud { adf::ticket(document) } else { Value::String(wiki::ticket(document)) }
    }

    fn person(&self, name: &str) -> Value {
        if self.is_cloud { json!({"accountId": name}) } else { json!({"name": name}) }
    }

    fn summary(text: &str) -> String {
        title(text, SUMMARY_LIMIT, Measure::Utf16, Sigils(""))
    }

    fn create_call(&self, draft: &TicketDraft) -> Call {
        let mut fields = draft.custom_fields.clone();
        let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        let mut labels = label_texts(draft.labels.iter().chain([&self.label]));
        labels.push(draft.marker.to_string());
        put("project", json!({"key": draft.project}));
        put("issuetype", json!({"name": draft.issue_type.as_deref().unwrap_or("Task")}));
        put("summary", json!(Self::summary(&draft.title)));
        put("description", self.description(&draft.body));
        put("labels", json!(labels));
        if let Some(priority) = &draft.priority {
            put("priority", json!({"name": priority}));
        }
        if !draft.components.is_empty() {
            put("components", named_list(&draft.components));
        }
        if let Some(person) = &draft.assignee {
            put("assignee", self.person(person));
        }
        let properties = json!([{"key": PROPERTY, "value": draft.marker}]);
        Call::create(self.wire.at(&["issue"]), json!({"fields": fields, "properties": properties}))
    }

    fn update_call(&self, ticket: &TicketRef, change: &TicketChange) -> Option<Call> {
        let mut fields = Map::new();
        let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        if let Some(text) = &change.title {
            put("summary", json!(Self::summary(text)));
        }
        if let Some(document) = &change.body {
            put("description", self.description(document));
        }
        if let Some(priority) = &change.priority {
            put("priority", json!({"name": priority}));
        }
        if let Some(components) = &change.components {
            put("components", named_list(components));
        }
        if let Some(person) = &change.assignee {
            put("assignee", self.person(person));
        }
        let added = label_texts(&change.add_labels).into_iter().map(|label| json!({"add": label}));
        let removed = label_texts(&change.remove_labels).into_iter().map(|label| json!({"remove": label}));
        let labels: Vec<Value> = added.chain(removed).collect();
        let body = match (fields.is_empty(), labels.is_empty()) {
            (true, true) => return None,
            (false, true) => json!({"fields": fields}),
            (true, false) => json!({"update": {"labels": labels}}),
            (false, false) => json!({"fields": fields, "update": {"labels": labels}}),
        };
        Some(Call::set(Method::PUT, self.issue(ticket, &[]), body).about_ticket())
    }

    fn comment_call(&self, ticket: &TicketRef, comment: &TicketComment) -> Call {
        let body = match self.is_cloud {
            true => adf::comment(&comment.body, &comment.marker),
            false => Value::String(wiki::comment(&comment.body, &comment.marker)),
        };
        Call::create(self.issue(ticket, &["comment"]), json!({"body": body})).about_ticket()
    }

    /// A page of what matches. Cloud pages by tokens, Data Center by numbers.
    async fn search(&self, jql: &str, cursor: Option<&str>, limit: usize) -> Result<Answer<Found>, ClientError> {
        let mut body = json!({"jql": jql, "fields": FIELDS, "maxResults": limit});
        if self.is_cloud {
            if let Some(token) = cursor {
                body["nextPageToken"] = json!(token);
            }
            return self.wire.send(&Call::set(Method::POST, self.wire.at(&["search", "jql"]), body)).await?.answer();
        }
        let start = cursor.and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or_default();
        body["startAt"] = json!(start);
        let reply = self.wire.send(&Call::set(Method::POST, self.wire.at(&["search"]), body)).await?;
        Ok(reply.answer::<Found>()?.map(|mut found| {
            let end = start + found.issues.len();
            let more = !found.issues.is_empty() && found.total.is_some_and(|total| end < total);
            found.next_page_token = more.then(|| end.to_string());
            found
        }))
    }

    fn state(&self, issue: Issue) -> TicketState {
        let Issue { id, key, fields, properties } = issue;
        let labelled = fields.labels.iter().find_map(|label| Marker::parse(label));
        let kept = || properties.get(PROPERTY)?.as_str().and_then(Marker::parse);
        TicketState {
            ticket: self.ticket(id, key),
            marker: labelled.or_else(kept),
            open: !fields.status.is_done(),
            status: fields.status.name,
            resolution: fields.resolution.map(|resolution| resolution.name),
            title: fields.summary,
            body: match fields.description {
                Value::String(text) => text,
                Value::Null => String::new(),
                adf => adf.to_string(),
            },
            labels: fields.labels,
            priority: fields.priority.map(|priority| priority.name),
            updated_at: fields.updated.as_deref().and_then(jira_time),
        }
    }

    pub(super) async fn create(&self, draft: &TicketDraft) -> Result<Answer<TicketRef>, ClientError> {
        let reply = self.wire.send(&self.create_call(draft)).await?;
        Ok(reply.answer::<Created>()?.map(|created| self.ticket(created.id, created.key)))
    }

    /// By label; and, because the index lags, by asking for the keys that come after the newest one it knows.
    pub(super) async fn find_by_marker(
        &self,
        project: &str,
        marker: &Marker,
    ) -> Result<Answer<Option<TicketState>>, ClientError> {
        let jql =
            format!("project = {} AND labels = {} ORDER BY created ASC", quoted(project), quoted(marker.as_str()));
        let found = self.search(&jql, None, PAGE).await?.map(|found| found.issues.into_iter().next());
        if let Some(issue) = found.value {
            return Ok(Answer { value: Some(self.state(issue)), budget: found.budget, warnings: Vec::new() });
        }
        self.find_unindexed(project, marker).await
    }

    async fn find_unindexed(&self, project: &str, marker: &Marker) -> Result<Answer<Option<TicketState>>, ClientError> {
        let jql = format!("project = {} ORDER BY created DESC", quoted(project));
        let newest = self.search(&jql, None, 1).await?;
        let parsed = newest.value.issues.first().and_then(|issue| issue.key.rsplit_once('-'));
        let (prefix, known) = match parsed {
            Some((prefix, number)) => (prefix.to_owned(), number.parse::<u64>().unwrap_or_default()),
            None => (project.to_owned(), 0),
        };
        let mut misses = 0;
        for number in known + 1..=known + UNINDEXED_KEYS {
            match self.fetch_by(&format!("{prefix}-{number}")).await {
                Ok(answer) if answer.value.marker.as_ref() == Some(marker) => return Ok(answer.map(Some)),
                Ok(_) => misses = 0,
                Err(ClientError::Gone { .. }) => misses += 1,
                Err(error) => return Err(error),
            }
            if misses == UNINDEXED_MISSES {
                break;
            }
        }
        Ok(newest.map(|_| None))
    }

    async fn fetch_by(&self, name: &str) -> Result<Answer<TicketState>, ClientError> {
        let url = self.wire.at(&["issue", name]);
        let call = Call::get(url).about_ticket().query(&[("fields", &FIELDS.join(",")), ("properties", PROPERTY)]);
        Ok(self.wire.send(&call).await?.answer::<Issue>()?.map(|issue| self.state(issue)))
    }

    pub(super) async fn fetch(&self, ticket: &TicketRef) -> Result<Answer<TicketState>, ClientError> {
        self.fetch_by(ticket.id.as_deref().unwrap_or(&ticket.key)).await
    }

    pub(super) async fn update(&self, ticket: &TicketRef, change: &TicketChange) -> Result<Answer<()>, ClientError> {
        match self.update_call(ticket, change) {
            Some(call) => Ok(self.wire.send(&call).await?.with(())),
            None => Ok(Answer { value: (), budget: None, warnings: Vec::new() }),
        }
    }

    pub(super) async fn comment(
        &self,
        ticket: &TicketRef,
        comment: &TicketComment,
    ) -> Result<Answer<CommentRef>, ClientError> {
        let reply = self.wire.send(&self.comment_call(ticket, comment)).await?;
        Ok(reply.answer::<Comment>()?.map(|comment| CommentRef { id: comment.id }))
    }

    pub(super) async fn find_comment(
        &self,
        ticket: &TicketRef,
        marker: &str,
    ) -> Result<Answer<Option<CommentRef>>, ClientError> {
        let call = Call::get(self.issue(ticket, &["comment"])).about_ticket();
        let call = call.query(&[("orderBy", "-created"), ("maxResults", "100")]);
        let marker = visible_marker(marker);
        Ok(self.wire.send(&call).await?.answer::<Comments>()?.map(|all| {
            let ours = all.comments.into_iter().find(|comment| comment.body.to_string().contains(&marker));
            ours.map(|comment| CommentRef { id: comment.id })
        }))
    }

    pub(super) async fn list(&self, project: &str, cursor: Option<&str>) -> Result<Answer<TicketPage>, ClientError> {
        let label = quoted(&label_text(&self.label));
        let jql = format!("project = {} AND labels = {label} ORDER BY created ASC", quoted(project));
        let found = self.search(&jql, cursor, PAGE).await?;
        Ok(found.map(|found| {
            let tickets = found.issues.into_iter().map(|issue| self.state(issue)).collect();
            TicketPage { tickets, next: found.next_page_token }
        }))
    }

    pub(super) async fn delete(&self, ticket: &TicketRef) -> Result<Answer<()>, ClientError> {
        let call = Call::delete(self.issue(ticket, &[])).about_ticket();
        Ok(self.wire.send(&call).await?.with(()))
    }

    /// Attaches a file unless it is there, and takes older versions of it away.
    pub(super) async fn attach(
        &self,
        ticket: &TicketRef,
        attachment: &Attachment,
    ) -> Result<Answer<Option<String>>, ClientError> {
        let call = Call::get(self.issue(ticket, &[])).about_ticket().query(&[("fields", "attachment")]);
        let reply = self.wire.send(&call).await?;
        let there = reply.json::<WithFiles>()?.fields.attachment;
        if !there.iter().any(|file| file.filename == attachment.name) {
            self.wire.send(&Call::upload(self.issue(ticket, &["attachments"]), attachment).about_ticket()).await?;
        }
        let is_older = |file: &&File| file.filename.starts_with(attachment.prefix) && file.filename != attachment.name;
        for file in there.iter().filter(is_older) {
            self.wire.send(&Call::delete(self.wire.at(&["attachment", &file.id])).gone_is_done()).await?;
        }
        Ok(reply.with(None))
    }

    pub(super) fn plan_create(&self, draft: &TicketDraft) -> Vec<PlannedRequest> {
        vec![self.wire.plan(&self.create_call(draft))]
    }

    pub(super) fn plan_update(&self, ticket: &TicketRef, change: &TicketChange) -> Vec<PlannedRequest> {
        self.update_call(ticket, change).iter().map(|call| self.wire.plan(call)).collect()
    }

    pub(super) fn plan_comment(&self, ticket: &TicketRef, comment: &TicketComment) -> PlannedRequest {
        self.wire.plan(&self.comment_call(ticket, comment))
    }
}

fn named_list(names: &[String]) -> Value {
    names.iter().map(|name| json!({"name": name})).collect()
}

/// Jira writes `2026-01-31T08:00:00.000+0000`, without the colon that RFC 3339 asks for.
fn jira_time(text: &str) -> Option<UtcTime> {
    let time = chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok()?;
    Some(time.to_utc().into())
}
