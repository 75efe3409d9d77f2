//! Jira: `jira:issue_*` with a changelog, `comment_*` with or without the issue.

use serde_json::Value;

use super::{Happening, HappeningKind, News, Person, cut, moment, names, stamp, text};
use crate::base::time::UtcTime;
use crate::webhooks::model::Status;

pub(super) fn read(event: &str, body: &Value) -> Option<News> {
    let at = time_of(body);
    let mut news = News {
        remote_id: text(&body["issue"]["id"]),
        remote_key: text(&body["issue"]["key"]),
        at,
        actor: person(&body["user"]),
        status: status(&body["issue"]["fields"]["status"]),
        ..News::default()
    };
    match event {
        "jira:issue_created" | "jira:issue_updated" => {
            news.happenings = changelog(body, at);
            // Data Center tells a comment twice: so, and in an event of its own. Both have the same key.
            news.happenings.extend(comment_in_update(body));
        }
        "jira:issue_deleted" => {
            news.is_deleted = true;
            let deleted = Some("deleted".to_owned());
            news.happenings.push(Happening::field("deleted".to_owned(), "issue", None, deleted));
        }
        "comment_created" | "comment_updated" | "comment_deleted" => {
            let comment = &body["comment"];
            news.remote_id = news.remote_id.or_else(|| issue_of(comment));
            // A deletion does not name who deleted: its author has written it.
            news.actor = news.actor.or_else(|| person(&comment["updateAuthor"]).or_else(|| person(&comment["author"])));
            news.happenings.extend(said(event, comment));
        }
        _ => return None,
    }
    (news.remote_id.is_some() || news.remote_key.is_some()).then_some(news)
}

fn time_of(body: &Value) -> Option<UtcTime> {
    let millis = body["timestamp"].as_i64().and_then(|millis| millis.checked_mul(1_000)).map(UtcTime::from_micros);
    let of_issue = || moment(&body["issue"]["fields"]["updated"]);
    millis.or_else(of_issue).or_else(|| moment(&body["comment"]["updated"]))
}

fn person(value: &Value) -> Option<Person> {
    let ids = names(value, &["accountId", "name", "key"]);
    let name = text(&value["displayName"]).or_else(|| ids.first().cloned())?;
    // An old Data Center names people by nothing but an address of theirs.
    let ids = if ids.is_empty() { names(value, &["self"]) } else { ids };
    Some(Person { ids, name })
}

fn status(value: &Value) -> Option<Status> {
    let is_done = value["statusCategory"]["key"] == "done";
    Some(Status { name: text(&value["name"])?, is_done })
}

fn changelog(body: &Value, at: Option<UtcTime>) -> Vec<Happening> {
    let changelog = &body["changelog"];
    let id = text(&changelog["id"]).unwrap_or_else(|| format!("at-{}", stamp(at)));
    let items = changelog["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let happening = |(number, item): (usize, &Value)| {
        let value = |name: &str, raw: &str| text(&item[name]).or_else(|| text(&item[raw]));
        let field = text(&item["field"])?;
        let key = format!("changelog/{id}/{number}");
        Some(Happening::field(key, &field, value("fromString", "from"), value("toString", "to")))
    };
    items.iter().enumerate().filter_map(happening).collect()
}

/// `issue_commented`, `issue_comment_edited` and `issue_comment_deleted` are updates of the issue, too.
fn comment_in_update(body: &Value) -> Option<Happening> {
    let event = match body["issue_event_type_name"].as_str()? {
        "issue_comment_edited" => "comment_updated",
        "issue_comment_deleted" => "comment_deleted",
        _ => "comment_created",
    };
    said(event, &body["comment"])
}

fn said(event: &str, comment: &Value) -> Option<Happening> {
    let kind = match event {
        "comment_created" => HappeningKind::Comment,
        "comment_updated" => HappeningKind::CommentEdit,
        _ => HappeningKind::CommentDeletion,
    };
    let body = (kind != HappeningKind::CommentDeletion).then(|| words(&comment["body"]));
    Some(Happening::comment(&text(&comment["id"])?, kind, body))
}

/// The words of a comment: text, or the text in a document of Jira Cloud.
fn words(body: &Value) -> String {
    fn collect(node: &Value, into: &mut String) {
        if let Some(text) = node["text"].as_str() {
            into.push_str(text);
        }
        for child in node["content"].as_array().into_iter().flatten() {
            collect(child, into);
        }
        if matches!(node["type"].as_str(), Some("paragraph" | "heading" | "hardBreak" | "codeBlock" | "listItem")) {
            into.push('\n');
        }
    }
    if let Some(text) = body.as_str() {
        return cut(text);
    }
    let mut words = String::new();
    collect(body, &mut words);
    cut(words.trim())
}

/// Jira Cloud may leave the issue out; then its id stands in the address of the comment.
fn issue_of(comment: &Value) -> Option<String> {
    let (_, rest) = comment["self"].as_str()?.split_once("/issue/")?;
    let (id, _) = rest.split_once("/comment/")?;
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then(|| id.to_owned())
}
