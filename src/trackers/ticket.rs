//! The words of the ticket business: what a ticket should be, what it is, and what can go wrong in between.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use xxhash_rust::xxh3::xxh3_64;

use super::markup::document::Document;
use crate::base::ids::TicketId;
use crate::base::time::UtcTime;

/// The sign that only Patchbay writes, by which a ticket is found again after an uncertain create: an HTML comment in
/// GitHub and GitLab, a label and an entity property in Jira.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marker(String);

impl Marker {
    /// What every marker begins with.
    pub const PREFIX: &'static str = "patchbay-";
    const DIGITS: usize = 32;

    /// The marker of a ticket.
    #[must_use]
    pub fn of(ticket: TicketId) -> Self {
        Self(format!("{}{}", Self::PREFIX, ticket.0.simple()))
    }

    /// A marker as it was stored, or `None` when the text is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(Self::PREFIX)?;
        let valid = digits.len() == Self::DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self(text.to_owned()))
    }

    /// The text of the marker: letters, digits and a hyphen.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The marker as GitHub and GitLab carry it: invisible in the rendered text.
    #[must_use]
    pub fn to_html_comment(&self) -> String {
        format!("<!-- {self} -->")
    }

    /// The last marker comment in a body. Text of scanners cannot forge one, since `<` is escaped; the last wins
    /// because ours is written last.
    #[must_use]
    pub fn in_body(body: &str) -> Option<Self> {
        let comment = body.rsplit("<!-- ").find(|rest| rest.starts_with(Self::PREFIX))?;
        Self::parse(comment.split(" -->").next()?)
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a ticket should be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TicketDraft {
    /// Where: `owner/repository` on GitHub, the id or full path on GitLab, the project key in Jira.
    pub project: String,
    /// One line of untrusted text; cut at the tracker's limit.
    pub title: String,
    /// The text.
    pub body: Document,
    /// Labels that are ours; the client adds its own label on top.
    pub labels: Vec<String>,
    /// Jira only: the name of the priority.
    pub priority: Option<String>,
    /// Jira: the name of the issue type. GitLab: `issue` or `incident`. GitHub: not sent.
    pub issue_type: Option<String>,
    /// Jira only: the names of components.
    pub components: Vec<String>,
    /// Jira only: further fields, sent with the create as they are.
    pub custom_fields: Map<String, Value>,
    /// GitHub: login; GitLab: user name or id; Jira Cloud: account id; Jira Data Center: user name.
    pub assignee: Option<String>,
    /// GitLab only: hide the ticket from guests.
    pub confidential: bool,
    /// The sign by which it is found again.
    pub marker: Marker,
    /// The file that it carries already.
    pub file: Option<CarriedFile>,
}

/// A file for a ticket to carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name: letters, digits, hyphens and dots, and a part that changes with its content.
    pub name: String,
    /// What its name begins with in every version: older ones are taken away.
    pub prefix: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// The content.
    pub bytes: Vec<u8>,
}

/// The file that a ticket carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedFile {
    /// Tells its versions apart.
    pub print: String,
    /// Where it is, where the tracker keeps it apart from the ticket and the text must link it.
    pub url: Option<String>,
}

/// What was pushed last, small enough to store with the ticket and to compare with the next draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedPrint {
    /// Print of the title.
    pub title: String,
    /// Print of the body.
    pub body: String,
    /// The labels themselves, because those that went away must be removed.
    pub labels: Vec<String>,
    /// The priority.
    pub priority: Option<String>,
    /// The assignee.
    pub assignee: Option<String>,
    /// The components.
    pub components: Vec<String>,
    /// The file that it carries.
    #[serde(default)]
    pub file: Option<CarriedFile>,
}

fn print_of(value: &impl Serialize) -> String {
    let text = serde_json::to_vec(value).expect("strings and lists of strings always serialise");
    format!("{:016x}", xxh3_64(&text))
}

impl TicketDraft {
    /// The print of this draft, to store once it has been pushed.
    #[must_use]
    pub fn print(&self) -> PushedPrint {
        PushedPrint {
            title: print_of(&self.title),
            body: print_of(&self.body),
            labels: self.labels.clone(),
            priority: self.priority.clone(),
            assignee: self.assignee.clone(),
            components: self.components.clone(),
            file: self.file.clone(),
        }
    }

    /// What must change in the ticket, given what was pushed last. Custom fields and the issue type are given at
    /// create only. An assignee is handed over when ours changes, so that a person's own choice stays.
    #[must_use]
    pub fn changes_since(&self, pushed: &PushedPrint) -> TicketChange {
        let now = self.print();
        TicketChange {
            marker: self.marker.clone(),
            title: (now.title != pushed.title).then(|| self.title.clone()),
            body: (now.body != pushed.body).then(|| self.body.clone()),
            add_labels: missing_in(&self.labels, &pushed.labels),
            remove_labels: missing_in(&pushed.labels, &self.labels),
            priority: self.priority.clone().filter(|_| now.priority != pushed.priority),
            assignee: self.assignee.clone().filter(|_| now.assignee != pushed.assignee),
            components: (now.components != pushed.components).then(|| self.components.clone()),
        }
    }
}

fn missing_in(these: &[String], those: &[String]) -> Vec<String> {
    these.iter().filter(|label| !those.contains(label)).cloned().collect()
}

/// What to change in a ticket; everything else of it stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TicketChange {
    /// The ticket's marker, which a new body carries again.
    pub marker: Marker,
    /// The new title.
    pub title: Option<String>,
    /// The new text.
    pub body: Option<Document>,
    /// Labels of ours to add.
    pub add_labels: Vec<String>,
    /// Labels of ours to remove; people's labels are never named here.
    pub remove_labels: Vec<String>,
    /// The new priority (Jira).
    pub priority: Option<String>,
    /// The new assignee.
    pub assignee: Option<String>,
    /// The new components (Jira).
    pub components: Option<Vec<String>>,
}

impl TicketChange {
    /// A change that changes nothing, to be filled.
    #[must_use]
    pub fn none(marker: Marker) -> Self {
        Self {
            marker,
            title: None,
            body: None,
            add_labels: Vec::new(),
            remove_labels: Vec::new(),
            priority: None,
            assignee: None,
            components: None,
        }
    }

    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::none(self.marker.clone())
    }
}

/// An item in a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TicketRef {
    /// Unique within a connection and enough to address it: `owner/repository#12`, `group/project#12`, `SEC-12`.
    pub key: String,
    /// Its page for people.
    pub url: String,
    /// The tracker's internal id, which survives a move.
    pub id: Option<String>,
}

/// What a ticket is in the tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketState {
    /// Which one; its key differs from the one asked for when it was moved.
    pub ticket: TicketRef,
    /// The marker it carries; `None` when people removed it or it is not ours.
    pub marker: Option<Marker>,
    /// Whether work on it is open (Jira: not in the category done).
    pub open: bool,
    /// The tracker's own word for its status.
    pub status: String,
    /// The tracker's own word for how it ended.
    pub resolution: Option<String>,
    /// The title as it is there.
    pub title: String,
    /// The text as it is there: Markdown, wiki markup, or the JSON of ADF.
    pub body: String,
    /// All labels, people's and ours.
    pub labels: Vec<String>,
    /// The priority's name (Jira).
    pub priority: Option<String>,
    /// When it was last changed.
    pub updated_at: Option<UtcTime>,
}

/// Why a ticket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The vulnerability is gone.
    Completed,
    /// It will not be worked on: false positive, accepted, superseded, deleted.
    NotPlanned,
}

/// Where a Jira workflow shall lead; GitHub and GitLab only know open and closed and ignore it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// Any status of the right category.
    #[default]
    Discover,
    /// The transition with this id, where the workflow offers it.
    Transition(String),
    /// The status with this name, in several steps if need be.
    Status(String),
}

/// How to close or reopen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Move {
    /// Why; decides GitHub's `state_reason` and Jira's resolution. Not used when reopening.
    pub reason: CloseReason,
    /// What to say in a comment first. One with this comment's marker that is already there is not repeated.
    pub comment: Option<TicketComment>,
    /// Where the workflow shall lead (Jira).
    pub destination: Destination,
    /// The resolution to give where the workflow asks for one (Jira); chosen from the reason when `None`.
    pub resolution: Option<String>,
    /// Further fields for a transition's screen (Jira).
    pub fields: Map<String, Value>,
}

impl Move {
    /// A move with the defaults of everything but its reason.
    #[must_use]
    pub fn new(reason: CloseReason) -> Self {
        Self { reason, comment: None, destination: Destination::Discover, resolution: None, fields: Map::new() }
    }

    /// The same move, said in a comment.
    #[must_use]
    pub fn saying(mut self, comment: TicketComment) -> Self {
        self.comment = Some(comment);
        self
    }
}

/// A comment that Patchbay writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TicketComment {
    /// The text.
    pub body: Document,
    /// Letters, digits and hyphens, unique among the ticket's comments; visible in Jira, hidden elsewhere.
    pub marker: String,
}

/// A comment in a tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentRef {
    /// The tracker's id of the comment.
    pub id: String,
}

/// A request as it would be sent, without its secrets.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlannedRequest {
    /// The HTTP method.
    #[schema(example = "POST")]
    pub method: String,
    /// The whole URL.
    #[schema(example = "https://api.github.com/repos/acme/app/issues")]
    pub url: String,
    /// Its headers but for the credential.
    pub headers: std::collections::BTreeMap<String, String>,
    /// The JSON body.
    pub body: Option<Value>,
}

/// What a tracker says about how much it will still take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Requests per window.
    pub limit: Option<u64>,
    /// Requests left in this window.
    pub remaining: Option<u64>,
    /// When the window ends.
    pub resets_at: Option<UtcTime>,
}

/// A value and what the last call told about the budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// The budget, where the tracker tells it.
    pub budget: Option<Budget>,
    /// What went wrong without spoiling the outcome, in the tracker's words.
    pub warnings: Vec<String>,
}

impl<T> Answer<T> {
    /// The same answer with another value.
    pub fn map<U>(self, shape: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: shape(self.value), budget: self.budget, warnings: self.warnings }
    }

    /// The same answer, with a warning more.
    #[must_use]
    pub fn warned(mut self, warning: Option<String>) -> Self {
        self.warnings.extend(warning);
        self
    }
}

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAt {
    /// That long after now.
    After(Duration),
    /// At this moment.
    At(UtcTime),
}

impl RetryAt {
    /// The moment, seen from `now`; never before it.
    #[must_use]
    pub fn from(self, now: UtcTime) -> UtcTime {
        match self {
            Self::After(wait) => now.plus(wait),
            Self::At(moment) => moment.max(now),
        }
    }
}

/// What can go wrong with a tracker, by what to do about it. Messages are the tracker's own, trimmed, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientError {
    /// Nothing was executed, or it may be repeated safely: try again.
    Transient {
        /// What happened.
        message: String,
        /// Not before this, where the tracker says so.
        retry_at: Option<RetryAt>,
    },
    /// Too many requests: the whole connection waits.
    RateLimited {
        /// What the tracker says.
        message: String,
        /// Until when.
        until: RetryAt,
    },
    /// This ticket cannot be done like this; others may.
    PermanentForTicket {
        /// The HTTP status; 0 when the client itself refuses.
        status: u16,
        /// What the tracker says.
        message: String,
    },
    /// The credential or the address is no good: nothing will work until a person acts.
    PermanentForConnection {
        /// The HTTP status; 0 when no request was allowed.
        status: u16,
        /// What the tracker says.
        message: String,
    },
    /// The ticket is not there.
    Gone {
        /// The tracker says that it was deleted. GitLab and Jira answer 404 also for what may not be seen, so `false`
        /// is not proof.
        certain: bool,
        /// What the tracker says.
        message: String,
    },
    /// The ticket was transferred to another project.
    Moved {
        /// Where it is now, if the credential may see that.
        to: Option<TicketRef>,
    },
    /// The answer to a create was lost: the ticket or comment may exist. Look for its marker before trying again.
    Uncertain {
        /// What happened.
        message: String,
    },
}

impl ClientError {
    /// What happened, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Transient { message, .. }
            | Self::RateLimited { message, .. }
            | Self::PermanentForTicket { message, .. }
            | Self::PermanentForConnection { message, .. }
            | Self::Gone { message, .. }
            | Self::Uncertain { message } => message,
            Self::Moved { .. } => "the ticket was moved to another project",
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for ClientError {}

/// What a connection can do, as the tracker says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProbeReport {
    /// The account of the credential.
    #[schema(example = "patchbay-bot")]
    pub account: String,
    /// The tracker's version, where it tells.
    #[schema(example = "10.3.1")]
    pub version: Option<String>,
    /// What it may do in each project asked for.
    pub projects: Vec<ProjectReport>,
}

/// What a connection can do in a project. `null` means that the tracker does not tell beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProjectReport {
    /// The project as it was asked for.
    #[schema(example = "acme/shop")]
    pub project: String,
    /// Whether it can be seen.
    pub found: bool,
    /// Whether tickets can be created.
    pub can_create: Option<bool>,
    /// Whether tickets, their labels included, can be edited.
    pub can_edit: Option<bool>,
    /// Whether tickets can be closed and reopened.
    pub can_transition: Option<bool>,
    /// The issue types that can be created (Jira).
    pub issue_types: Vec<String>,
    /// What is wrong and what to do.
    pub problems: Vec<String>,
}

impl ProjectReport {
    /// A project that cannot be seen, in the tracker's words.
    #[must_use]
    pub fn missing(project: &str, message: &str) -> Self {
        Self {
            project: project.to_owned(),
            found: false,
            can_create: Some(false),
            can_edit: Some(false),
            can_transition: Some(false),
            issue_types: Vec::new(),
            problems: vec![format!("not found, or not visible to this account: {message}")],
        }
    }
}

/// A page of a project's tickets.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketPage {
    /// The tickets.
    pub tickets: Vec<TicketState>,
    /// What to ask for next; `None` on the last page.
    pub next: Option<String>,
}
