//! GitHub: REST, version 2022-11-28; github.com, data-residency tenants (`*.ghe.com`) and Enterprise Server.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::settings::{ConnectionSettings, Credential};
use super::wire::{Call, Wire, join};
use crate::base::error::ApiError;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::egress::client::{ACCEPT, Egress, HeaderName, Method};
use crate::trackers::markup::markdown::{Flavor, comment_marker};
use crate::trackers::markup::text::{Measure, Sigils, link_target, one_line, title};
use crate::trackers::ticket::{
    Answer, ClientError, CloseReason, CommentRef, Marker, Move, PlannedRequest, ProbeReport, ProjectReport,
    TicketChange, TicketComment, TicketDraft, TicketPage, TicketRef, TicketState,
};

const TITLE_LIMIT: usize = 256;
const LABEL_LIMIT: usize = 50;
const PAGE: usize = 100;
/// How many comments are looked through for one of ours, in pages of 100.
const COMMENT_PAGES: usize = 10;

/// A connection to GitHub.
#[derive(Debug, Clone)]
pub struct GitHub {
    pub(super) wire: Wire,
    flavor: Flavor,
    label: String,
}

#[derive(Debug, Deserialize)]
struct Issue {
    number: u64,
    id: u64,
    html_url: String,
    repository_url: Option<String>,
    title: String,
    body: Option<String>,
    state: String,
    state_reason: Option<String>,
    #[serde(default)]
    labels: Vec<Label>,
    updated_at: Option<String>,
    pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Label {
    Named { name: Option<String> },
    Bare(String),
}

#[derive(Debug, Deserialize)]
struct Found {
    items: Vec<Issue>,
}

#[derive(Debug, Deserialize)]
struct Comment {
    id: u64,
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Account {
    login: String,
}

#[derive(Debug, Deserialize)]
struct Repository {
    #[serde(default)]
    has_issues: bool,
    #[serde(default)]
    archived: bool,
    permissions: Option<Permissions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Permissions {
    triage: bool,
    push: bool,
}

/// Where the API is, given what people call the place.
fn api_base(base: &Url) -> Url {
    let host = base.host_str().unwrap_or_default();
    let mut api = base.clone();
    let named = |name: String| {
        let mut api = base.clone();
        api.set_path("");
        api.set_host(Some(&name)).is_ok().then_some(api)
    };
    let moved = match host {
        "github.com" | "www.github.com" | "api.github.com" => named("api.github.com".to_owned()),
        tenant if tenant.ends_with(".ghe.com") && !tenant.starts_with("api.") => named(format!("api.{tenant}")),
        tenant if tenant.ends_with(".ghe.com") => Some(api.clone()),
        _ => None,
    };
    if let Some(moved) = moved {
        return moved;
    }
    if api.path().trim_end_matches('/').is_empty() {
        api.set_path("/api/v3");
    }
    api
}

/// The host that people see.
fn web_host(base: &Url) -> String {
    let host = base.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").or_else(|| host.strip_prefix("api.")).unwrap_or(host);
    host.to_owned()
}

/// A project as `owner/repository`.
fn repository(project: &str) -> Result<(&str, &str), ClientError> {
    let is_name = |name: &str| {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !name.is_empty() && name != "." && name != ".." && name.bytes().all(valid)
    };
    project.split_once('/').filter(|(owner, name)| is_name(owner) && is_name(name)).ok_or_else(|| {
        ClientError::PermanentForTicket { status: 0, message: format!("{project} is not like owner/repository") }
    })
}

/// A key as owner, repository and number.
fn parts_of(ticket: &TicketRef) -> Result<(&str, &str, &str), ClientError> {
    let wrong = || ClientError::PermanentForTicket { status: 0, message: format!("{} is no issue key", ticket.key) };
    let (project, number) = ticket.key.rsplit_once('#').ok_or_else(wrong)?;
    let (owner, name) = repository(project)?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some((owner, name, number)).ok_or_else(wrong)
}

fn label_text(label: &str) -> String {
    Measure::Utf16.fit(&one_line(label), LABEL_LIMIT).trim_end().to_owned()
}

fn label_texts<'l>(labels: impl IntoIterator<Item = &'l String>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for text in labels.into_iter().map(|label| label_text(label)) {
        if !text.is_empty() && !texts.iter().any(|known| known.eq_ignore_ascii_case(&text)) {
            texts.push(text);
        }
    }
    texts
}

impl Issue {
    fn into_state(self) -> TicketState {
        let project = self.repository_url.as_deref().map(last_two_segments).unwrap_or_default();
        let body = self.body.unwrap_or_default();
        TicketState {
            ticket: TicketRef {
                key: format!("{project}#{}", self.number),
                url: link_target(&self.html_url).unwrap_or_default(),
                id: Some(self.id.to_string()),
            },
            marker: Marker::in_body(&body),
            open: self.state == "open",
            status: self.state,
            resolution: self.state_reason,
            title: self.title,
            body,
            labels: self.labels.into_iter().filter_map(Label::into_name).collect(),
            priority: None,
            updated_at: self.updated_at.as_deref().and_then(UtcTime::parse),
        }
    }
}

impl Label {
    fn into_name(self) -> Option<String> {
        match self {
            Self::Named { name } => name,
            Self::Bare(name) => Some(name),
        }
    }
}

fn last_two_segments(url: &str) -> String {
    let mut segments: Vec<&str> = url.trim_end_matches('/').rsplit('/').take(2).collect();
    segments.reverse();
    segments.join("/")
}

impl GitHub {
    /// A client for this connection.
    ///
    /// # Errors
    /// `Invalid` when the credential cannot stand in a header.
    pub fn new(settings: &ConnectionSettings, egress: Egress) -> Result<Self, ApiError> {
        let secret = settings.credential.secret().clone();
        let bearer = match &settings.credential {
            Credential::Token(token) | Credential::Basic { secret: token, .. } => {
                Secret::new(format!("Bearer {}", token.expose()))
            }
        };
        let wire = Wire::new(egress, api_base(&settings.base_url), &["user"], ("authorization", bearer), secret)?
            .sending(ACCEPT, "application/vnd.github+json")
            .sending(HeaderName::from_static("x-github-api-version"), "2022-11-28");
        let flavor = Flavor::github(&web_host(&settings.base_url));
        Ok(Self { wire, flavor, label: settings.label.clone() })
    }

    fn issues(&self, project: &str, rest: &[&str]) -> Result<Url, ClientError> {
        let (owner, name) = repository(project)?;
        Ok(join(&self.wire.at(&["repos", owner, name, "issues"]), rest))
    }

    fn issue(&self, ticket: &TicketRef, rest: &[&str]) -> Result<Url, ClientError> {
        let (owner, name, number) = parts_of(ticket)?;
        Ok(join(&self.wire.at(&["repos", owner, name, "issues", number]), rest))
    }

    fn title(text: &str) -> String {
        title(text, TITLE_LIMIT, Measure::Utf16, Sigils("#"))
    }

    fn create_call(&self, draft: &TicketDraft) -> Result<Call, ClientError> {
        let labels = label_texts(draft.labels.iter().chain([&self.label]));
        let mut body = json!({
            "title": Self::title(&draft.title),
            "body": self.flavor.ticket(&draft.body, &draft.marker),
            "labels": labels,
        });
        if let Some(login) = &draft.assignee {
            body["assignees"] = json!([login]);
        }
        Ok(Call::create(self.issues(&draft.project, &[])?, body))
    }

    fn update_calls(&self, ticket: &TicketRef, change: &TicketChange) -> Result<Vec<Call>, ClientError> {
        let mut calls = Vec::new();
        let mut body = serde_json::Map::new();
        if let Some(text) = &change.title {
            body.insert("title".to_owned(), json!(Self::title(text)));
        }
        if let Some(document) = &change.body {
            body.insert("body".to_owned(), json!(self.flavor.ticket(document, &change.marker)));
        }
        if !body.is_empty() {
            calls.push(Call::set(Method::PATCH, self.issue(ticket, &[])?, Value::Object(body)));
        }
        let added = label_texts(&change.add_labels);
        if !added.is_empty() {
            calls.push(Call::set(Method::POST, self.issue(ticket, &["labels"])?, json!({"labels": added})));
        }
        for label in label_texts(&change.remove_labels) {
            calls.push(Call::delete(self.issue(ticket, &["labels", &label])?).gone_is_done());
        }
        if let Some(login) = &change.assignee {
            calls.push(Call::set(Method::POST, self.issue(ticket, &["assignees"])?, json!({"assignees": [login]})));
        }
        Ok(calls.into_iter().map(Call::about_ticket).collect())
    }

    fn state_call(&self, ticket: &TicketRef, state: &str, reason: &str) -> Result<Call, ClientError> {
        let body = json!({"state": state, "state_reason": reason});
        Ok(Call::set(Method::PATCH, self.issue(ticket, &[])?, body).about_ticket())
    }

    fn close_call(&self, ticket: &TicketRef, reason: CloseReason) -> Result<Call, ClientError> {
        let reason = match reason {
            CloseReason::Completed => "completed",
            CloseReason::NotPlanned => "not_planned",
        };
        self.state_call(ticket, "closed", reason)
    }

    fn comment_call(&self, ticket: &TicketRef, comment: &TicketComment) -> Result<Call, ClientError> {
        let body = self.flavor.comment(&comment.body, &comment.marker);
        Ok(Call::create(self.issue(ticket, &["comments"])?, json!({"body": body})).about_ticket())
    }

    /// Sends a call about a ticket; where GitHub says that it was transferred, finds out where to.
    async fn send_about(&self, call: &Call) -> Result<super::wire::Reply, ClientError> {
        let answer = self.wire.exchange(call).await?;
        let Some(target) = self.wire.same_origin_target(call, &answer) else {
            return self.wire.accept(call, answer).await;
        };
        let target = self.wire.send(&Call::get(without_action(target)).about_ticket()).await;
        let to = target.and_then(|reply| reply.json::<Issue>()).ok().map(|issue| issue.into_state().ticket);
        Err(ClientError::Moved { to })
    }

    async fn send_all(&self, calls: &[Call]) -> Result<Answer<()>, ClientError> {
        let mut answer = Answer { value: (), budget: None, warnings: Vec::new() };
        for call in calls {
            answer = self.send_about(call).await?.with(());
        }
        Ok(answer)
    }

    pub(super) async fn create(&self, draft: &TicketDraft) -> Result<Answer<TicketRef>, ClientError> {
        let reply = self.wire.send(&self.create_call(draft)?).await?;
        Ok(reply.answer::<Issue>()?.map(|issue| issue.into_state().ticket))
    }

    /// The newest issues first, because search lags behind; then search, for the older ones.
    pub(super) async fn find_by_marker(
        &self,
        project: &str,
        marker: &Marker,
    ) -> Result<Answer<Option<TicketState>>, ClientError> {
        let newest = Call::get(self.issues(project, &[])?).query(&[
            ("state", "all"),
            ("sort", "created"),
            ("direction", "desc"),
            ("per_page", "100"),
        ]);
        let listed = self.wire.send(&newest).await?.answer::<Vec<Issue>>()?.map(|issues| carrying(issues, marker));
        if listed.value.is_some() {
            return Ok(listed);
        }
        let query = format!("\"{marker}\" in:body is:issue repo:{project}");
        let search = Call::get(self.wire.at(&["search", "issues"])).query(&[("q", &query), ("per_page", "100")]);
        Ok(self.wire.send(&search).await?.answer::<Found>()?.map(|found| carrying(found.items, marker)))
    }

    pub(super) async fn fetch(&self, ticket: &TicketRef) -> Result<Answer<TicketState>, ClientError> {
        let reply = self.send_about(&Call::get(self.issue(ticket, &[])?).about_ticket()).await?;
        Ok(reply.answer::<Issue>()?.map(Issue::into_state))
    }

    pub(super) async fn update(&self, ticket: &TicketRef, change: &TicketChange) -> Result<Answer<()>, ClientError> {
        self.send_all(&self.update_calls(ticket, change)?).await
    }

    pub(super) async fn close(&self, ticket: &TicketRef, r#move: &Move) -> Result<Answer<()>, ClientError> {
        self.send_all(&[self.close_call(ticket, r#move.reason)?]).await
    }

    pub(super) async fn reopen(&self, ticket: &TicketRef) -> Result<Answer<()>, ClientError> {
        self.send_all(&[self.state_call(ticket, "open", "reopened")?]).await
    }

    pub(super) async fn comment(
        &self,
        ticket: &TicketRef,
        comment: &TicketComment,
    ) -> Result<Answer<CommentRef>, ClientError> {
        let reply = self.send_about(&self.comment_call(ticket, comment)?).await?;
        Ok(reply.answer::<Comment>()?.map(|comment| CommentRef { id: comment.id.to_string() }))
    }

    pub(super) async fn find_comment(
        &self,
        ticket: &TicketRef,
        marker: &str,
    ) -> Result<Answer<Option<CommentRef>>, ClientError> {
        let marker = comment_marker(marker);
        let mut page = 1;
        loop {
            let call = Call::get(self.issue(ticket, &["comments"])?).about_ticket();
            let call = call.query(&[("per_page", "100"), ("page", &page.to_string())]);
            let comments = self.send_about(&call).await?.answer::<Vec<Comment>>()?;
            let is_last = comments.value.len() < PAGE || page == COMMENT_PAGES;
            let found = comments.map(|comments| {
                let ours =
                    comments.into_iter().find(|one| one.body.as_deref().is_some_and(|body| body.contains(&marker)));
                ours.map(|comment| CommentRef { id: comment.id.to_string() })
            });
            if found.value.is_some() || is_last {
                return Ok(found);
            }
            page += 1;
        }
    }

    pub(super) async fn list(&self, project: &str, cursor: Option<&str>) -> Result<Answer<TicketPage>, ClientError> {
        let page = cursor.and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or(1);
        let call = Call::get(self.issues(project, &[])?).query(&[
            ("labels", label_text(&self.label).as_str()),
            ("state", "all"),
            ("sort", "created"),
            ("direction", "asc"),
            ("per_page", "100"),
            ("page", &page.to_string()),
        ]);
        let issues = self.wire.send(&call).await?.answer::<Vec<Issue>>()?;
        Ok(issues.map(|issues| {
            let next = (issues.len() == PAGE).then(|| (page + 1).to_string());
            let tickets = issues.into_iter().filter(|issue| issue.pull_request.is_none()).map(Issue::into_state);
            TicketPage { tickets: tickets.collect(), next }
        }))
    }

    pub(super) async fn probe(&self, projects: &[&str]) -> Result<Answer<ProbeReport>, ClientError> {
        let account = self.wire.send(&self.wire.account_call()).await?;
        let scopes = account.headers.get("x-oauth-scopes").and_then(|scopes| scopes.to_str().ok()).map(str::to_owned);
        let mut report = account.answer::<Account>()?.map(|account| ProbeReport {
            account: account.login,
            version: None,
            projects: Vec::new(),
        });
        for project in projects {
            report.value.projects.push(self.probe_project(project, scopes.as_deref()).await?);
        }
        Ok(report)
    }

    async fn probe_project(&self, project: &str, scopes: Option<&str>) -> Result<ProjectReport, ClientError> {
        let (owner, name) = match repository(project) {
            Ok(names) => names,
            Err(error) => return Ok(ProjectReport::missing(project, error.message())),
        };
        let repository = match self.wire.send(&Call::get(self.wire.at(&["repos", owner, name]))).await {
            Ok(reply) => reply.json::<Repository>()?,
            Err(ClientError::PermanentForTicket { message, .. }) => {
                return Ok(ProjectReport::missing(project, &message));
            }
            Err(error) => return Err(error),
        };
        Ok(repository.report(project, scopes))
    }

    pub(super) fn plan_create(&self, draft: &TicketDraft) -> Result<Vec<PlannedRequest>, ClientError> {
        Ok(vec![self.wire.plan(&self.create_call(draft)?)])
    }

    pub(super) fn plan_update(
        &self,
        ticket: &TicketRef,
        change: &TicketChange,
    ) -> Result<Vec<PlannedRequest>, ClientError> {
        Ok(self.update_calls(ticket, change)?.iter().map(|call| self.wire.plan(call)).collect())
    }

    pub(super) fn plan_close(&self, ticket: &TicketRef, r#move: &Move) -> Result<Vec<PlannedRequest>, ClientError> {
        Ok(vec![self.wire.plan(&self.close_call(ticket, r#move.reason)?)])
    }

    pub(super) fn plan_reopen(&self, ticket: &TicketRef) -> Result<Vec<PlannedRequest>, ClientError> {
        Ok(vec![self.wire.plan(&self.state_call(ticket, "open", "reopened")?)])
    }

    pub(super) fn plan_comment(
        &self,
        ticket: &TicketRef,
        comment: &TicketComment,
    ) -> Result<PlannedRequest, ClientError> {
        Ok(self.wire.plan(&self.comment_call(ticket, comment)?))
    }
}

impl Repository {
    fn report(&self, project: &str, scopes: Option<&str>) -> ProjectReport {
        let permissions = self.permissions.as_ref();
        let can_triage = permissions.map(|held| held.triage || held.push);
        // Only classic tokens name their scopes; a fine-grained one shows itself at the first write.
        let has_scope = scopes.is_none_or(|scopes| {
            scopes.is_empty() || scopes.split(',').any(|scope| matches!(scope.trim(), "repo" | "public_repo"))
        });
        let open_for_issues = self.has_issues && !self.archived;
        let mut problems = Vec::new();
        let mut note = |wrong: bool, text: &str| problems.extend(wrong.then(|| text.to_owned()));
        note(!self.has_issues, "issues are switched off in this repository: switch them on");
        note(self.archived, "the repository is archived: unarchive it");
        note(!has_scope, "the token lacks the scope repo: make one that has it");
        note(can_triage == Some(false), "without triage or write access GitHub drops labels and assignees silently");
        ProjectReport {
            project: project.to_owned(),
            found: true,
            can_create: Some(open_for_issues && has_scope),
            can_edit: can_triage.map(|can| can && open_for_issues && has_scope),
            can_transition: can_triage.map(|can| can && open_for_issues && has_scope),
            issue_types: Vec::new(),
            problems,
        }
    }
}

/// The issue itself, where a redirect leads to something below it.
fn without_action(mut target: Url) -> Url {
    let segments: Vec<String> = target.path_segments().map(|all| all.map(str::to_owned).collect()).unwrap_or_default();
    let end = segments.iter().rposition(|segment| segment == "issues").map_or(segments.len(), |at| at + 2);
    target.set_path(&segments[..end.min(segments.len())].join("/"));
    target
}

/// The oldest issue that carries the marker.
fn carrying(issues: Vec<Issue>, marker: &Marker) -> Option<TicketState> {
    let states =
        issues.into_iter().filter(|issue| issue.pull_request.is_none()).map(|issue| (issue.number, issue.into_state()));
    states
        .filter(|(_, state)| state.marker.as_ref() == Some(marker))
        .min_by_key(|(number, _)| *number)
        .map(|(_, state)| state)
}
