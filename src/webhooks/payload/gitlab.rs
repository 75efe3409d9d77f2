//! GitLab: issues and comments on them, confidential or not. It does not tell when an issue or a comment is deleted.

use serde_json::Value;

use super::{Happening, HappeningKind, News, Person, moment, names, stamp, text};
use crate::base::time::UtcTime;
use crate::webhooks::model::Status;

/// Fields that change with every change.
const ALWAYS: [&str; 3] = ["updated_at", "updated_by_id", "last_edited_at"];

pub(super) fn read(body: &Value) -> Option<News> {
    let item = &body["object_attributes"];
    match body["object_kind"].as_str()? {
        "issue" => {
            let at = moment(&item["updated_at"]);
            let happenings = changes(body, at);
            Some(News { at, happenings, ..about(body, item)? })
        }
        "note" if item["noteable_type"] == "Issue" && item["system"] != true => {
            let at = moment(&item["updated_at"]);
            Some(News { at, happenings: said(item).into_iter().collect(), ..about(body, &body["issue"])? })
        }
        _ => None,
    }
}

fn about(body: &Value, issue: &Value) -> Option<News> {
    let key = || Some(format!("{}#{}", body["project"]["path_with_namespace"].as_str()?, issue["iid"].as_u64()?));
    Some(News {
        remote_id: Some(text(&issue["id"])?),
        remote_key: key(),
        actor: person(&body["user"]),
        status: status(issue),
        ..News::default()
    })
}

fn person(user: &Value) -> Option<Person> {
    let ids = names(user, &["username"]);
    Some(Person { name: text(&user["name"]).or_else(|| ids.first().cloned())?, ids })
}

fn status(issue: &Value) -> Option<Status> {
    let name = text(&issue["state"])?;
    Some(Status { is_done: name == "closed", name })
}

fn changes(body: &Value, at: Option<UtcTime>) -> Vec<Happening> {
    let (item, stamp) = (&body["object_attributes"], stamp(at));
    let moved = |old: &str, new: &str| {
        let key = format!("{new}/{stamp}/state");
        Happening::field(key, "state", Some(old.to_owned()), Some(new.to_owned()))
    };
    let mut happenings = match item["action"].as_str() {
        Some("open") => {
            let key = format!("open/{stamp}");
            return vec![Happening::field(key, "issue", None, Some("opened".to_owned()))];
        }
        Some("close") => vec![moved("opened", "closed")],
        Some("reopen") => vec![moved("closed", "opened")],
        _ => Vec::new(),
    };
    for (field, change) in body["changes"].as_object().into_iter().flatten() {
        let is_noise = ALWAYS.contains(&field.as_str()) || field == "state_id" || field == "closed_at";
        if !is_noise {
            let (old, new) = (value(&change["previous"]), value(&change["current"]));
            happenings.push(Happening::field(format!("update/{stamp}/{field}"), field, old, new));
        }
    }
    happenings
}

/// A value, or the names in a list of labels or people.
fn value(value: &Value) -> Option<String> {
    let Some(list) = value.as_array() else { return text(value) };
    let name =
        |one: &Value| ["title", "username", "name"].iter().find_map(|field| text(&one[*field])).or_else(|| text(one));
    let names: Vec<String> = list.iter().filter_map(name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn said(note: &Value) -> Option<Happening> {
    let kind = if note["action"] == "update" { HappeningKind::CommentEdit } else { HappeningKind::Comment };
    Some(Happening::comment(&text(&note["id"])?, kind, text(&note["note"])))
}
