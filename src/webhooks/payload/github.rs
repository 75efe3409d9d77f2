//! GitHub: `issues` and `issue_comment`.

use serde_json::Value;

use super::{Happening, HappeningKind, News, Person, moment, stamp, text};
use crate::webhooks::model::Status;

pub(super) fn read(event: &str, body: &Value) -> Option<News> {
    let (issue, action) = (&body["issue"], body["action"].as_str()?);
    // A pull request has comments of the same kind and is no issue.
    if issue.get("pull_request").is_some() {
        return None;
    }
    let mut news = News {
        remote_id: Some(text(&issue["id"])?),
        remote_key: key(body, issue),
        at: moment(&issue["updated_at"]),
        actor: person(&body["sender"]),
        status: status(issue),
        ..News::default()
    };
    match event {
        "issues" => {
            news.is_deleted = action == "deleted";
            news.happenings = changes(action, body, &stamp(news.at));
        }
        "issue_comment" => {
            news.at = moment(&body["comment"]["updated_at"]).or(news.at);
            news.happenings.extend(said(action, &body["comment"]));
        }
        _ => return None,
    }
    Some(news)
}

fn key(body: &Value, issue: &Value) -> Option<String> {
    Some(format!("{}#{}", body["repository"]["full_name"].as_str()?, issue["number"].as_u64()?))
}

fn person(sender: &Value) -> Option<Person> {
    let name = text(&sender["login"])?;
    Some(Person { ids: vec![name.clone()], name })
}

fn status(issue: &Value) -> Option<Status> {
    let name = text(&issue["state"])?;
    Some(Status { is_done: name == "closed", name })
}

fn changes(action: &str, body: &Value, stamp: &str) -> Vec<Happening> {
    let issue = &body["issue"];
    let of = |field: &str, old: Option<String>, new: Option<String>| {
        let which = new.as_deref().or(old.as_deref()).filter(|_| ["label", "assignee"].contains(&field));
        let key = format!("{action}/{stamp}/{field}/{}", which.unwrap_or_default());
        vec![Happening::field(key, field, old, new)]
    };
    match action {
        "closed" => {
            let reason = issue["state_reason"].as_str().map(|reason| reason.replace('_', " "));
            let new = reason.map_or_else(|| "closed".to_owned(), |reason| format!("closed as {reason}"));
            of("state", Some("open".to_owned()), Some(new))
        }
        "reopened" => of("state", Some("closed".to_owned()), Some("open".to_owned())),
        "edited" => edits(body, stamp),
        "labeled" => of("label", None, text(&body["label"]["name"])),
        "unlabeled" => of("label", text(&body["label"]["name"]), None),
        "assigned" => of("assignee", None, text(&body["assignee"]["login"])),
        "unassigned" => of("assignee", text(&body["assignee"]["login"]), None),
        "milestoned" => of("milestone", None, text(&issue["milestone"]["title"])),
        "demilestoned" => of("milestone", text(&body["milestone"]["title"]), None),
        "transferred" => of("repository", None, text(&body["changes"]["new_repository"]["full_name"])),
        "typed" => of("type", None, text(&body["type"]["name"])),
        "untyped" => of("type", text(&body["type"]["name"]), None),
        "deleted" => vec![Happening::field("deleted".to_owned(), "issue", None, Some("deleted".to_owned()))],
        "opened" => of("issue", None, Some("opened".to_owned())),
        "locked" | "unlocked" | "pinned" | "unpinned" => of("issue", None, Some(action.to_owned())),
        _ => Vec::new(),
    }
}

/// One line per edited field.
fn edits(body: &Value, stamp: &str) -> Vec<Happening> {
    let fields = ["title", "body"].into_iter().filter(|field| body["changes"].get(field).is_some());
    let edit = |field| {
        let (old, new) = (text(&body["changes"][field]["from"]), text(&body["issue"][field]));
        Happening::field(format!("edited/{stamp}/{field}"), field, old, new)
    };
    fields.map(edit).collect()
}

fn said(action: &str, comment: &Value) -> Option<Happening> {
    let kind = match action {
        "created" => HappeningKind::Comment,
        "edited" => HappeningKind::CommentEdit,
        "deleted" => HappeningKind::CommentDeletion,
        _ => return None,
    };
    let body = text(&comment["body"]).filter(|_| kind != HappeningKind::CommentDeletion);
    Some(Happening::comment(&text(&comment["id"])?, kind, body))
}
