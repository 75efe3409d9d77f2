//! GitLab: REST v4; gitlab.com and self-managed, also below a path.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::settings::ConnectionSettings;
use super::wire::{Call, Wire, join};
use crate::base::error::ApiError;
use crate::base::time::UtcTime;
use crate::egress::client::{Egress, Method};
use crate::trackers::markup::markdown::{Flavor, comment_marker};
use crate::trackers::markup::text::{Measure, link_target, one_line, title};
use crate::trackers::ticket::{
    Answer, Attachment, ClientError, CommentRef, Marker, PlannedRequest, ProbeReport, ProjectReport, TicketChange,
    TicketComment, TicketDraft, TicketPage, TicketRef, TicketState,
};

const TITLE_LIMIT: usize = 255;
const LABEL_LIMIT: usize = 255;
const PAGE: usize = 100;
/// How many of the newest issues are looked through for a marker, in pages of 100. GitLab's full-text search may leave
/// out HTML comments, so the list has to do most of the work.
const NEWEST_PAGES: usize = 3;
const COMMENT_PAGES: usize = 10;
/// From this access level on an account may set labels and edit what others wrote (Planner 15, Reporter 20).
const REPORTER: i64 = 20;
const GUEST: i64 = 10;

/// A connection to GitLab.
#[derive(Debug, Clone)]
pub struct GitLab {
    pub(super) wire: Wire,
    flavor: Flavor,
    label: String,
}

#[derive(Debug, Deserialize)]
struct Issue {
    id: u64,
    iid: u64,
    title: String,
    description: Option<String>,
    state: String,
    #[serde(default)]
    labels: Vec<String>,
    web_url: String,
    updated_at: Option<String>,
    moved_to_id: Option<u64>,
    references: References,
}

#[derive(Debug, Deserialize)]
struct References {
    full: String,
}

#[derive(Debug, Deserialize)]
struct Note {
    id: u64,
    #[serde(default)]
    body: String,
}

#[derive(Debug, Deserialize)]
struct User {
    id: u64,
    username: String,
}

#[derive(Debug, Deserialize)]
struct Uploaded {
    full_path: String,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: String,
}

#[derive(Debug, Deserialize)]
struct Token {
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Project {
    #[serde(default = "yes")]
    issues_enabled: bool,
    #[serde(default)]
    archived: bool,
    permissions: Option<Value>,
}

const fn yes() -> bool {
    true
}

fn api_base(base: &Url) -> Url {
    if base.path().trim_end_matches('/').ends_with("/api/v4") { base.clone() } else { join(base, &["api", "v4"]) }
}

/// A key as project and number.
fn parts_of(ticket: &TicketRef) -> Result<(&str, &str), ClientError> {
    let parts = ticket.key.rsplit_once('#');
    let valid = parts.filter(|(project, iid)| {
        !project.is_empty() && !iid.is_empty() && iid.bytes().all(|byte| byte.is_ascii_digit())
    });
    valid.ok_or_else(|| ClientError::PermanentForTicket {
        status: 0,
        message: format!("{} is no issue key", ticket.key),
    })
}

/// A label as GitLab takes it: commas part labels.
fn label_text(label: &str) -> String {
    Measure::Utf16.fit(&one_line(label).replace(',', " "), LABEL_LIMIT).trim().to_owned()
}

fn label_list<'l>(labels: impl IntoIterator<Item = &'l String>) -> String {
    let mut texts: Vec<String> = labels.into_iter().map(|label| label_text(label)).collect();
    texts.retain(|text| !text.is_empty());
    texts.dedup();
    texts.join(",")
}

impl Issue {
    fn into_state(self) -> TicketState {
        let body = self.description.unwrap_or_default();
        TicketState {
            ticket: TicketRef {
                key: self.references.full,
                url: link_target(&self.web_url).unwrap_or_default(),
                id: Some(self.id.to_string()),
            },
            marker: Marker::in_body(&body),
            open: self.state == "opened",
            status: self.state,
            resolution: None,
            title: self.title,
            body,
            labels: self.labels,
            priority: None,
            updated_at: self.updated_at.as_deref().and_then(UtcTime::parse),
        }
    }
}

impl GitLab {
    /// A client for this connection.
    ///
    /// # Errors
    /// `Invalid` when the credential cannot stand in a header.
    pub fn new(settings: &ConnectionSettings, egress: Egress) -> Result<Self, ApiError> {
        let token = settings.credential.secret();
        let authorization = ("private-token", token.clone());
        let wire = Wire::new(egress, api_base(&settings.base_url), &["user"], authorization, token.clone())?;
        let flavor = Flavor::gitlab(settings.base_url.host_str().unwrap_or_default());
        Ok(Self { wire, flavor, label: settings.label.clone() })
    }

    fn issues(&self, project: &str, rest: &[&str]) -> Url {
        join(&self.wire.at(&["projects", project, "issues"]), rest)
    }

    fn issue(&self, ticket: &TicketRef, rest: &[&str]) -> Result<Url, ClientError> {
        let (project, iid) = parts_of(ticket)?;
        Ok(join(&self.issues(project, &[iid]), rest))
    }

    fn title(&self, text: &str) -> String {
        title(text, TITLE_LIMIT, Measure::Utf16, self.flavor.sigils)
    }

    fn create_call(&self, draft: &TicketDraft, assignee: Option<Value>) -> Call {
        let mut body = json!({
            "title": self.title(&draft.title),
            "description": self.flavor.ticket(&draft.body, &draft.marker),
            "labels": label_list(draft.labels.iter().chain([&self.label])),
        });
        if draft.confidential {
            body["confidential"] = json!(true);
        }
        if let Some(kind) = &draft.issue_type {
            body["issue_type"] = json!(kind.to_ascii_lowercase());
        }
        if let Some(id) = assignee {
            body["assignee_ids"] = json!([id]);
        }
        Call::create(self.issues(&draft.project, &[]), body)
    }

    fn update_call(
        &self,
        ticket: &TicketRef,
        change: &TicketChange,
        assignee: Option<Value>,
    ) -> Result<Option<Call>, ClientError> {
        let mut body = serde_json::Map::new();
        let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
        if let Some(text) = &change.title {
            put("title", json!(self.title(text)));
        }
        if let Some(document) = &change.body {
            put("description", json!(self.flavor.ticket(document, &change.marker)));
        }
        if !change.add_labels.is_empty() {
            put("add_labels", json!(label_list(&change.add_labels)));
        }
        if !change.remove_labels.is_empty() {
            put("remove_labels", json!(label_list(&change.remove_labels)));
        }
        if let Some(id) = assignee {
            put("assignee_ids", json!([id]));
        }
        if body.is_empty() {
            return Ok(None);
        }
        Ok(Some(Call::set(Method::PUT, self.issue(ticket, &[])?, Value::Object(body)).about_ticket()))
    }

    fn state_call(&self, ticket: &TicketRef, event: &str) -> Result<Call, ClientError> {
        Ok(Call::set(Method::PUT, self.issue(ticket, &[])?, json!({"state_event": event})).about_ticket())
    }

    fn comment_call(&self, ticket: &TicketRef, comment: &TicketComment) -> Result<Call, ClientError> {
        let body = self.flavor.comment(&comment.body, &comment.marker);
        Ok(Call::create(self.issue(ticket, &["notes"])?, json!({"body": body})).about_ticket())
    }

    fn user_call(&self, name: &str) -> Call {
        Call::get(self.wire.at(&["users"])).query(&[("username", name)])
    }

    /// GitLab takes ids of users only, so a name is looked up first.
    async fn assignee_id(&self, assignee: Option<&String>) -> Result<Option<Value>, ClientError> {
        let Some(name) = assignee else { return Ok(None) };
        if let Ok(id) = name.parse::<u64>() {
            return Ok(Some(json!(id)));
        }
        let users = self.wire.send(&self.user_call(name)).await?.json::<Vec<User>>()?;
        let user = users.into_iter().find(|user| user.username.eq_ignore_ascii_case(name));
        let user = user.ok_or_else(|| ClientError::PermanentForTicket {
            status: 0,
            message: format!("there is no user {name} to assign to"),
        })?;
        Ok(Some(json!(user.id)))
    }

    /// The look-up of an assignee as a plan shows it, and what stands for its outcome.
    fn planned_assignee(&self, assignee: Option<&String>) -> (Option<PlannedRequest>, Option<Value>) {
        match assignee {
            None => (None, None),
            Some(name) => match name.parse::<u64>() {
                Ok(id) => (None, Some(json!(id))),
                Err(_) => (Some(self.wire.plan(&self.user_call(name))), Some(json!(format!("id of {name}")))),
            },
        }
    }

    pub(super) async fn create(&self, draft: &TicketDraft) -> Result<Answer<TicketRef>, ClientError> {
        let assignee = self.assignee_id(draft.assignee.as_ref()).await?;
        let reply = self.wire.send(&self.create_call(draft, assignee)).await?;
        Ok(reply.answer::<Issue>()?.map(|issue| issue.into_state().ticket))
    }

    /// The newest issues first, because search lags behind; then search, for the older ones.
    pub(super) async fn find_by_marker(
        &self,
        project: &str,
        marker: &Marker,
    ) -> Result<Answer<Option<TicketState>>, ClientError> {
        for page in 1..=NEWEST_PAGES {
            let page = page.to_string();
            let query = [("order_by", "created_at"), ("sort", "desc"), ("per_page", "100"), ("page", page.as_str())];
            let call = Call::get(self.issues(project, &[])).query(&query);
            let listed = self.wire.send(&call).await?.answer::<Vec<Issue>>()?;
            let is_last = listed.value.len() < PAGE;
            let found = listed.map(|issues| carrying(issues, marker));
            if found.value.is_some() || is_last {
                return Ok(found);
            }
        }
        let query = [("search", marker.as_str()), ("in", "description"), ("per_page", "100")];
        let search = Call::get(self.issues(project, &[])).query(&query);
        Ok(self.wire.send(&search).await?.answer::<Vec<Issue>>()?.map(|issues| carrying(issues, marker)))
    }

    pub(super) async fn fetch(&self, ticket: &TicketRef) -> Result<Answer<TicketState>, ClientError> {
        let reply = self.wire.send(&Call::get(self.issue(ticket, &[])?).about_ticket()).await?;
        let issue = reply.answer::<Issue>()?;
        if issue.value.moved_to_id.is_some() {
            // Where to is told to administrators only.
            return Err(ClientError::Moved { to: None });
        }
        Ok(issue.map(Issue::into_state))
    }

    pub(super) async fn update(&self, ticket: &TicketRef, change: &TicketChange) -> Result<Answer<()>, ClientError> {
        let assignee = self.assignee_id(change.assignee.as_ref()).await?;
        match self.update_call(ticket, change, assignee)? {
            Some(call) => Ok(self.wire.send(&call).await?.with(())),
            None => Ok(Answer { value: (), budget: None, warnings: Vec::new() }),
        }
    }

    pub(super) async fn close(&self, ticket: &TicketRef) -> Result<Answer<()>, ClientError> {
        Ok(self.wire.send(&self.state_call(ticket, "close")?).await?.with(()))
    }

    pub(super) async fn reopen(&self, ticket: &TicketRef) -> Result<Answer<()>, ClientError> {
        Ok(self.wire.send(&self.state_call(ticket, "reopen")?).await?.with(()))
    }

    pub(super) async fn comment(
        &self,
        ticket: &TicketRef,
        comment: &TicketComment,
    ) -> Result<Answer<CommentRef>, ClientError> {
        let reply = self.wire.send(&self.comment_call(ticket, comment)?).await?;
        Ok(reply.answer::<Note>()?.map(|note| CommentRef { id: note.id.to_string() }))
    }

    pub(super) async fn find_comment(
        &self,
        ticket: &TicketRef,
        marker: &str,
    ) -> Result<Answer<Option<CommentRef>>, ClientError> {
        let marker = comment_marker(marker);
        let mut page = 1;
        loop {
            let call = Call::get(self.issue(ticket, &["notes"])?).about_ticket();
            let call = call.query(&[("sort", "desc"), ("per_page", "100"), ("page", &page.to_string())]);
            let notes = self.wire.send(&call).await?.answer::<Vec<Note>>()?;
            let is_last = notes.value.len() < PAGE || page == COMMENT_PAGES;
            let found = notes.map(|notes| {
                let ours = notes.into_iter().find(|note| note.body.contains(&marker));
                ours.map(|note| CommentRef { id: note.id.to_string() })
            });
            if found.value.is_some() || is_last {
                return Ok(found);
            }
            page += 1;
        }
    }

    pub(super) async fn list(&self, project: &str, cursor: Option<&str>) -> Result<Answer<TicketPage>, ClientError> {
        let page = cursor.and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or(1);
        let call = Call::get(self.issues(project, &[])).query(&[
            ("labels", label_text(&self.label).as_str()),
            ("order_by", "created_at"),
            ("sort", "asc"),
            ("per_page", "100"),
            ("page", &page.to_string()),
        ]);
        let issues = self.wire.send(&call).await?.answer::<Vec<Issue>>()?;
        Ok(issues.map(|issues| {
            let next = (issues.len() == PAGE).then(|| (page + 1).to_string());
            // A moved issue leaves a closed shell behind, which is no longer the ticket.
            let tickets = issues.into_iter().filter(|issue| issue.moved_to_id.is_none()).map(Issue::into_state);
            TicketPage { tickets: tickets.collect(), next }
        }))
    }

    /// Uploads a file to the project of a ticket; answers where it is.
    pub(super) async fn upload(
        &self,
        project: &str,
        attachment: &Attachment,
    ) -> Result<Answer<Option<String>>, ClientError> {
        let url = self.wire.at(&["projects", project, "uploads"]);
        let reply = self.wire.send(&Call::upload(url.clone(), attachment)).await?;
        let uploaded: Uploaded = reply.json()?;
        // The path is from the root of the host, or of the path that GitLab is below.
        let root = url.as_str().split("/api/v4/").next().unwrap_or_default();
        Ok(reply.with(Some(format!("{root}{}", uploaded.full_path))))
    }

    pub(super) async fn delete(&self, ticket: &TicketRef) -> Result<Answer<()>, ClientError> {
        let call = Call::delete(self.issue(ticket, &[])?).about_ticket();
        Ok(self.wire.send(&call).await?.with(()))
    }

    pub(super) async fn probe(&self, projects: &[&str]) -> Result<Answer<ProbeReport>, ClientError> {
        let account = self.wire.send(&self.wire.account_call()).await?.answer::<User>()?;
        let version = self.optional::<Version>(&["version"]).await?.map(|version| version.version);
        let token = self.optional::<Token>(&["personal_access_tokens", "self"]).await?;
        let may_write = token.is_none_or(|token| token.scopes.iter().any(|scope| scope == "api"));
        let mut report = account.map(|user| ProbeReport { account: user.username, version, projects: Vec::new() });
        for project in projects {
            report.value.projects.push(self.probe_project(project, may_write).await?);
        }
        Ok(report)
    }

    /// What not every kind of token may read: absent rather than an error.
    async fn optional<T: serde::de::DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>, ClientError> {
        match self.wire.send(&Call::get(self.wire.at(path))).await {
            Ok(reply) => Ok(reply.json().ok()),
            Err(ClientError::PermanentForTicket { .. } | ClientError::PermanentForConnection { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn probe_project(&self, project: &str, may_write: bool) -> Result<ProjectReport, ClientError> {
        match self.wire.send(&Call::get(self.wire.at(&["projects", project]))).await {
            Ok(reply) => Ok(reply.json::<Project>()?.report(project, may_write)),
            Err(ClientError::PermanentForTicket { message, .. }) => Ok(ProjectReport::missing(project, &message)),
            Err(error) => Err(error),
        }
    }

    pub(super) fn plan_create(&self, draft: &TicketDraft) -> Vec<PlannedRequest> {
        let (look_up, assignee) = self.planned_assignee(draft.assignee.as_ref());
        look_up.into_iter().chain([self.wire.plan(&self.create_call(draft, assignee))]).collect()
    }

    pub(super) fn plan_update(
        &self,
        ticket: &TicketRef,
        change: &TicketChange,
    ) -> Result<Vec<PlannedRequest>, ClientError> {
        let (look_up, assignee) = self.planned_assignee(change.assignee.as_ref());
        let update = self.update_call(ticket, change, assignee)?.map(|call| self.wire.plan(&call));
        Ok(look_up.into_iter().chain(update).collect())
    }

    pub(super) fn plan_close(&self, ticket: &TicketRef) -> Result<Vec<PlannedRequest>, ClientError> {
        Ok(vec![self.wire.plan(&self.state_call(ticket, "close")?)])
    }

    pub(super) fn plan_reopen(&self, ticket: &TicketRef) -> Result<Vec<PlannedRequest>, ClientError> {
        Ok(vec![self.wire.plan(&self.state_call(ticket, "reopen")?)])
    }

    pub(super) fn plan_comment(
        &self,
        ticket: &TicketRef,
        comment: &TicketComment,
    ) -> Result<PlannedRequest, ClientError> {
        Ok(self.wire.plan(&self.comment_call(ticket, comment)?))
    }
}

impl Project {
    fn report(&self, project: &str, may_write: bool) -> ProjectReport {
        let level = |which: &str| {
            let path = format!("/{which}/access_level");
            self.permissions.as_ref().and_then(|held| held.pointer(&path)).and_then(Value::as_i64)
        };
        let level = level("project_access").max(level("group_access"));
        let usable = self.issues_enabled && !self.archived && may_write;
        let mut problems = Vec::new();
        let mut note = |wrong: bool, text: &str| problems.extend(wrong.then(|| text.to_owned()));
        note(!self.issues_enabled, "issues are switched off in this project: switch them on");
        note(self.archived, "the project is archived: unarchive it");
        note(!may_write, "the token lacks the scope api: make one that has it");
        note(
            level.is_some_and(|level| level < REPORTER),
            "labels need the role Reporter or higher: give it to the account",
        );
        ProjectReport {
            project: project.to_owned(),
            found: true,
            can_create: level.map(|level| usable && level >= GUEST),
            can_edit: level.map(|level| usable && level >= REPORTER),
            can_transition: level.map(|level| usable && level >= REPORTER),
            issue_types: Vec::new(),
            problems,
        }
    }
}

/// The oldest issue that carries the marker.
fn carrying(issues: Vec<Issue>, marker: &Marker) -> Option<TicketState> {
    let states = issues.into_iter().map(|issue| (issue.iid, issue.into_state()));
    states
        .filter(|(_, state)| state.marker.as_ref() == Some(marker))
        .min_by_key(|(iid, _)| *iid)
        .map(|(_, state)| state)
}
