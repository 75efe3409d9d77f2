//! The one face of all trackers.
//!
//! Nothing here touches the database or the clock. Every method makes the fewest calls that do the job and says what
//! came of it in [`ClientError`]; waiting and trying again is the caller's. After [`ClientError::Uncertain`] the caller
//! looks for the marker, now and again after the tracker's search lag, before it creates again.

use serde_json::{Map, Value};

use super::github::GitHub;
use super::gitlab::GitLab;
use super::jira::Jira;
use super::settings::ConnectionSettings;
use crate::base::error::{ApiError, Fault};
use crate::base::tracker_kind::TrackerKind;
use crate::egress::client::Egress;
use crate::trackers::ticket::{
    Answer, Attachment, ClientError, CommentRef, Marker, Move, PlannedRequest, ProbeReport, TicketChange,
    TicketComment, TicketDraft, TicketPage, TicketRef, TicketState,
};

/// A connection to a tracker, ready to use.
#[derive(Debug, Clone)]
pub enum Client {
    /// GitHub.
    GitHub(GitHub),
    /// GitLab.
    GitLab(GitLab),
    /// Jira, in both editions.
    Jira(Jira),
}

type Outcome<T> = Result<Answer<T>, ClientError>;
type Plan = Result<Vec<PlannedRequest>, ClientError>;

impl Client {
    /// A client for this connection.
    ///
    /// # Errors
    /// `Invalid` when the credential cannot stand in a header.
    pub fn new(settings: &ConnectionSettings, egress: Egress) -> Result<Self, ApiError> {
        Ok(match settings.kind {
            TrackerKind::GitHub => Self::GitHub(GitHub::new(settings, egress)?),
            TrackerKind::GitLab => Self::GitLab(GitLab::new(settings, egress)?),
            TrackerKind::JiraCloud | TrackerKind::JiraDataCenter => Self::Jira(Jira::new(settings, egress)?),
        })
    }

    /// Who the credential belongs to, and what it may do in these projects.
    ///
    /// # Errors
    /// As the tracker answers; a project that cannot be seen is no error but part of the report.
    pub async fn probe(&self, projects: &[&str]) -> Outcome<ProbeReport> {
        match self {
            Self::GitHub(client) => client.probe(projects).await,
            Self::GitLab(client) => client.probe(projects).await,
            Self::Jira(client) => client.probe(projects).await,
        }
    }

    /// Every name by which the tracker tells the account of the credential from others.
    ///
    /// # Errors
    /// As the tracker answers.
    pub async fn account(&self) -> Outcome<Vec<String>> {
        match self {
            Self::GitHub(client) => client.wire.account(&["login"]).await,
            Self::GitLab(client) => client.wire.account(&["username"]).await,
            Self::Jira(client) => client.wire.account(&["accountId", "name", "key", "self"]).await,
        }
    }

    /// What is wrong with an issue type and custom fields, as the tracker's create screen says. Empty for trackers that
    /// have neither.
    ///
    /// # Errors
    /// As the tracker answers.
    pub async fn check_fields(
        &self,
        project: &str,
        issue_type: &str,
        fields: &Map<String, Value>,
    ) -> Outcome<Vec<Fault>> {
        match self {
            Self::GitHub(_) | Self::GitLab(_) => Ok(Answer { value: Vec::new(), budget: None, warnings: Vec::new() }),
            Self::Jira(client) => client.check_fields(project, issue_type, fields).await,
        }
    }

    /// Creates a ticket: one call, with its marker, labels and fields in it.
    ///
    /// # Errors
    /// [`ClientError::Uncertain`] when the ticket may exist all the same.
    pub async fn create(&self, draft: &TicketDraft) -> Outcome<TicketRef> {
        match self {
            Self::GitHub(client) => client.create(draft).await,
            Self::GitLab(client) => client.create(draft).await,
            Self::Jira(client) => client.create(draft).await,
        }
    }

    /// The ticket that carries this marker; the oldest, should there be several.
    ///
    /// # Errors
    /// As the tracker answers. `None` is not proof: a search index may lag.
    pub async fn find_by_marker(&self, project: &str, marker: &Marker) -> Outcome<Option<TicketState>> {
        match self {
            Self::GitHub(client) => client.find_by_marker(project, marker).await,
            Self::GitLab(client) => client.find_by_marker(project, marker).await,
            Self::Jira(client) => client.find_by_marker(project, marker).await,
        }
    }

    /// What the ticket is now. Its key may differ from the one asked for, when Jira moved it.
    ///
    /// # Errors
    /// [`ClientError::Gone`] and [`ClientError::Moved`] among others.
    pub async fn fetch(&self, ticket: &TicketRef) -> Outcome<TicketState> {
        match self {
            Self::GitHub(client) => client.fetch(ticket).await,
            Self::GitLab(client) => client.fetch(ticket).await,
            Self::Jira(client) => client.fetch(ticket).await,
        }
    }

    /// Changes what is named and nothing else. May be repeated.
    ///
    /// # Errors
    /// As the tracker answers; with several calls, some may have been executed.
    pub async fn update(&self, ticket: &TicketRef, change: &TicketChange) -> Outcome<()> {
        match self {
            Self::GitHub(client) => client.update(ticket, change).await,
            Self::GitLab(client) => client.update(ticket, change).await,
            Self::Jira(client) => client.update(ticket, change).await,
        }
    }

    /// Says why, unless that was said already, and closes. A comment that the tracker refuses does not stop the close:
    /// it is a warning. May be repeated.
    ///
    /// # Errors
    /// As the tracker answers; a way that the workflow does not offer is permanent for the ticket.
    pub async fn close(&self, ticket: &TicketRef, how: &Move) -> Outcome<()> {
        let warning = self.say(ticket, how).await?;
        let closed = match self {
            Self::GitHub(client) => client.close(ticket, how).await,
            Self::GitLab(client) => client.close(ticket).await,
            Self::Jira(client) => client.close(ticket, how).await,
        };
        closed.map(|answer| answer.warned(warning))
    }

    /// Says why, unless that was said already, and reopens. May be repeated.
    ///
    /// # Errors
    /// As [`Self::close`].
    pub async fn reopen(&self, ticket: &TicketRef, how: &Move) -> Outcome<()> {
        let warning = self.say(ticket, how).await?;
        let reopened = match self {
            Self::GitHub(client) => client.reopen(ticket).await,
            Self::GitLab(client) => client.reopen(ticket).await,
            Self::Jira(client) => client.reopen(ticket, how).await,
        };
        reopened.map(|answer| answer.warned(warning))
    }

    async fn say(&self, ticket: &TicketRef, how: &Move) -> Result<Option<String>, ClientError> {
        let Some(comment) = &how.comment else { return Ok(None) };
        match self.comment_once(ticket, comment).await {
            Ok(_) => Ok(None),
            Err(ClientError::PermanentForTicket { message, .. }) => {
                Ok(Some(format!("the comment was refused: {message}")))
            }
            Err(error) => Err(error),
        }
    }

    /// Comments, unless a comment with this marker is there. May be repeated, also after [`ClientError::Uncertain`].
    ///
    /// # Errors
    /// As the tracker answers.
    pub async fn comment_once(&self, ticket: &TicketRef, comment: &TicketComment) -> Outcome<CommentRef> {
        let found = self.find_comment(ticket, &comment.marker).await?;
        match found.value {
            Some(known) => Ok(Answer { value: known, budget: found.budget, warnings: found.warnings }),
            None => self.comment(ticket, comment).await,
        }
    }

    /// Comments.
    ///
    /// # Errors
    /// [`ClientError::Uncertain`] when the comment may exist all the same.
    pub async fn comment(&self, ticket: &TicketRef, comment: &TicketComment) -> Outcome<CommentRef> {
        match self {
            Self::GitHub(client) => client.comment(ticket, comment).await,
            Self::GitLab(client) => client.comment(ticket, comment).await,
            Self::Jira(client) => client.comment(ticket, comment).await,
        }
    }

    /// The comment with this marker.
    ///
    /// # Errors
    /// As the tracker answers.
    pub async fn find_comment(&self, ticket: &TicketRef, marker: &str) -> Outcome<Option<CommentRef>> {
        match self {
            Self::GitHub(client) => client.find_comment(ticket, marker).await,
            Self::GitLab(client) => client.find_comment(ticket, marker).await,
            Self::Jira(client) => client.find_comment(ticket, marker).await,
        }
    }

    /// A page of the project's tickets that carry our label, open and closed; `cursor` is the last page's `next`.
    ///
    /// # Errors
    /// As the tracker answers.
    pub async fn list(&self, project: &str, cursor: Option<&str>) -> Outcome<TicketPage> {
        match self {
            Self::GitHub(client) => client.list(project, cursor).await,
            Self::GitLab(client) => client.list(project, cursor).await,
            Self::Jira(client) => client.list(project, cursor).await,
        }
    }

    /// Deletes the ticket.
    ///
    /// # Errors
    /// Permanent for the ticket on GitHub, whose REST API cannot delete, and where the account may not.
    pub async fn delete(&self, ticket: &TicketRef) -> Outcome<()> {
        match self {
            Self::GitHub(_) => {
                let message = "GitHub cannot delete issues over REST: close it instead".to_owned();
                Err(ClientError::PermanentForTicket { status: 0, message })
            }
            Self::GitLab(client) => client.delete(ticket).await,
            Self::Jira(client) => client.delete(ticket).await,
        }
    }

    /// Gives a ticket a file in place of its older versions. Answers where it is, where the ticket's text must link it.
    ///
    /// # Errors
    /// As the tracker answers. May be repeated.
    pub async fn attach(&self, ticket: &TicketRef, project: &str, attachment: &Attachment) -> Outcome<Option<String>> {
        match self {
            Self::GitHub(_) => {
                let message = "GitHub keeps no files with issues".to_owned();
                Err(ClientError::PermanentForTicket { status: 0, message })
            }
            Self::GitLab(client) => client.upload(project, attachment).await,
            Self::Jira(client) => client.attach(ticket, attachment).await,
        }
    }

    /// The requests of [`Self::create`], unsent.
    ///
    /// # Errors
    /// Permanent for the ticket when the project is not well written.
    pub fn plan_create(&self, draft: &TicketDraft) -> Plan {
        match self {
            Self::GitHub(client) => client.plan_create(draft),
            Self::GitLab(client) => Ok(client.plan_create(draft)),
            Self::Jira(client) => Ok(client.plan_create(draft)),
        }
    }

    /// The requests of [`Self::update`], unsent.
    ///
    /// # Errors
    /// Permanent for the ticket when its key is not well written.
    pub fn plan_update(&self, ticket: &TicketRef, change: &TicketChange) -> Plan {
        match self {
            Self::GitHub(client) => client.plan_update(ticket, change),
            Self::GitLab(client) => client.plan_update(ticket, change),
            Self::Jira(client) => Ok(client.plan_update(ticket, change)),
        }
    }

    /// The requests of [`Self::close`], unsent, the comment first.
    ///
    /// # Errors
    /// As [`Self::plan_update`].
    pub fn plan_close(&self, ticket: &TicketRef, how: &Move) -> Plan {
        let moves = match self {
            Self::GitHub(client) => client.plan_close(ticket, how)?,
            Self::GitLab(client) => client.plan_close(ticket)?,
            Self::Jira(client) => client.plan_walk(ticket, how),
        };
        self.after_saying(ticket, how, moves)
    }

    /// The requests of [`Self::reopen`], unsent, the comment first.
    ///
    /// # Errors
    /// As [`Self::plan_update`].
    pub fn plan_reopen(&self, ticket: &TicketRef, how: &Move) -> Plan {
        let moves = match self {
            Self::GitHub(client) => client.plan_reopen(ticket)?,
            Self::GitLab(client) => client.plan_reopen(ticket)?,
            Self::Jira(client) => client.plan_walk(ticket, how),
        };
        self.after_saying(ticket, how, moves)
    }

    /// The request of [`Self::comment`], unsent.
    ///
    /// # Errors
    /// As [`Self::plan_update`].
    pub fn plan_comment(&self, ticket: &TicketRef, comment: &TicketComment) -> Plan {
        match self {
            Self::GitHub(client) => client.plan_comment(ticket, comment).map(|request| vec![request]),
            Self::GitLab(client) => client.plan_comment(ticket, comment).map(|request| vec![request]),
            Self::Jira(client) => Ok(vec![client.plan_comment(ticket, comment)]),
        }
    }

    fn after_saying(&self, ticket: &TicketRef, how: &Move, moves: Vec<PlannedRequest>) -> Plan {
        let mut plan = match &how.comment {
            Some(comment) => self.plan_comment(ticket, comment)?,
            None => Vec::new(),
        };
        plan.extend(moves);
        Ok(plan)
    }
}
