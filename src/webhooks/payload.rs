//! What deliveries say, alike for all trackers. Pure: bytes in, [`Heard`] out.
//!
//! Payloads are read leniently: trackers add and leave out fields as they like. What matters and is missing makes a
//! delivery one that means nothing here.

use serde_json::Value;

use super::model::Status;
use crate::base::time::UtcTime;
use crate::base::tracker_kind::TrackerKind;

mod github;
mod gitlab;
mod jira;

/// The longest word for a kind of delivery.
const MAX_EVENT: usize = 100;
/// The longest text that is taken over, in characters: the longest comment of any tracker is not much longer.
const MAX_TEXT: usize = 32_768;

/// What a delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The tracker's word for its kind.
    pub event: String,
    /// What it means; none when that is nothing here.
    pub news: Option<News>,
}

/// News of an item in a tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// The tracker's internal id of the item.
    pub remote_id: Option<String>,
    /// The tracker's key of the item.
    pub remote_key: Option<String>,
    /// When it happened.
    pub at: Option<UtcTime>,
    /// Who did it.
    pub actor: Option<Person>,
    /// The status that the item is in since then.
    pub status: Option<Status>,
    /// The item was deleted.
    pub is_deleted: bool,
    /// What happened, one by one.
    pub happenings: Vec<Happening>,
}

/// Somebody in a tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Every name by which the tracker tells them from others.
    pub ids: Vec<String>,
    /// What people call them.
    pub name: String,
}

/// What a happening is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HappeningKind {
    /// A field changed.
    #[default]
    Change,
    /// Somebody said something.
    Comment,
    /// Somebody changed what they had said.
    CommentEdit,
    /// What was said is gone.
    CommentDeletion,
}

/// One thing that happened to an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Happening {
    /// By which it is known again, within its item; that of the comment for all that happens to one.
    pub key: String,
    /// What it is.
    pub kind: HappeningKind,
    /// What changed, in the tracker's own words.
    pub field: Option<String>,
    /// Before.
    pub old: Option<String>,
    /// After.
    pub new: Option<String>,
    /// What was said.
    pub body: Option<String>,
}

impl Happening {
    fn field(key: String, field: &str, old: Option<String>, new: Option<String>) -> Self {
        Self { key, field: Some(cut(field)), old, new, ..Self::default() }
    }

    fn comment(id: &str, kind: HappeningKind, body: Option<String>) -> Self {
        Self { key: format!("comment/{id}"), kind, body, ..Self::default() }
    }
}

/// Reads a delivery; `event` is what its header says of its kind.
#[must_use]
pub fn read(kind: TrackerKind, event: &str, body: &[u8]) -> Heard {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Heard { event: word(event, "unreadable"), news: None };
    };
    let (event, news) = match kind {
        TrackerKind::GitHub => (event.to_owned(), github::read(event, &body)),
        TrackerKind::GitLab => (event.to_owned(), gitlab::read(&body)),
        TrackerKind::JiraCloud | TrackerKind::JiraDataCenter => {
            let event = text(&body["webhookEvent"]).unwrap_or_default();
            let news = jira::read(&event, &body);
            (event, news)
        }
    };
    Heard { event: word(&event, "unnamed"), news }
}

/// The kinds of deliveries that a webhook of this tracker should send, as its settings call them.
#[must_use]
pub const fn needed_events(kind: TrackerKind) -> &'static [&'static str] {
    match kind {
        TrackerKind::GitHub => &["issues", "issue_comment"],
        TrackerKind::GitLab => &["Issue Hook", "Confidential Issue Hook", "Note Hook", "Confidential Note Hook"],
        TrackerKind::JiraCloud | TrackerKind::JiraDataCenter => {
            &["jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated", "comment_deleted"]
        }
    }
}

fn word(event: &str, instead: &str) -> String {
    let word: String = event.chars().filter(|c| !c.is_control()).take(MAX_EVENT).collect();
    if word.trim().is_empty() { instead.to_owned() } else { word }
}

/// A text or number of the payload, as text that every database can store.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(cut(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(MAX_TEXT).collect()
}

/// A moment, as trackers write it: RFC 3339, also without a colon in the offset (Jira) or with a word for it (GitLab).
fn moment(value: &Value) -> Option<UtcTime> {
    let text = value.as_str()?.trim();
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    UtcTime::parse(text).or_else(|| {
        let (time, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
        let (hours, minutes) = offset.split_at_checked(3)?;
        UtcTime::parse(&format!("{time}{hours}:{minutes}"))
    })
}

/// A moment as part of a key.
fn stamp(at: Option<UtcTime>) -> String {
    at.map(|at| at.as_micros().to_string()).unwrap_or_default()
}

/// What stands under these names, without what is missing.
fn names(person: &Value, fields: &[&str]) -> Vec<String> {
    fields.iter().filter_map(|field| text(&person[*field])).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests;
