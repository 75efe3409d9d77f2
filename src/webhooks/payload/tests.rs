use serde_json::json;

use super::*;

fn news(kind: TrackerKind, event: &str, body: &Value) -> News {
    read(kind, event, &serde_json::to_vec(body).unwrap()).news.unwrap_or_else(|| panic!("no news in {body}"))
}

fn jira(body: &Value) -> News {
    news(TrackerKind::JiraDataCenter, "", body)
}

fn keys(news: &News) -> Vec<&str> {
    news.happenings.iter().map(|happening| happening.key.as_str()).collect()
}

fn at(text: &str) -> Option<UtcTime> {
    Some(UtcTime::parse(text).unwrap())
}

/// RZ-11
#[test]
fn a_changelog_of_jira_is_told_item_by_item() {
    let body = json!({
        "timestamp": 1_780_315_200_250_i64,
        "webhookEvent": "jira:issue_updated",
        "user": { "accountId": "5b9", "displayName": "Ann" },
        "issue": { "id": "10001", "key": "SEC-1", "fields": {
            "status": { "name": "In Arbeit", "statusCategory": { "key": "indeterminate" } } } },
        "changelog": { "id": "77", "items": [
            { "field": "status", "from": "1", "fromString": "To Do", "to": "3", "toString": "In Arbeit" },
            { "field": "assignee", "from": null, "fromString": null, "to": "5b9", "toString": "Ann" },
        ] },
    });
    let news = jira(&body);
    assert_eq!(news.at, at("2026-06-01T12:00:00.250Z"));
    assert_eq!((news.remote_id.as_deref(), news.remote_key.as_deref()), (Some("10001"), Some("SEC-1")));
    assert_eq!(news.actor, Some(Person { ids: vec!["5b9".to_owned()], name: "Ann".to_owned() }));
    assert_eq!(news.status, Some(Status { name: "In Arbeit".to_owned(), is_done: false }));
    assert_eq!(keys(&news), ["changelog/77/0", "changelog/77/1"]);
    let [status, assignee] = news.happenings.as_slice() else { panic!("{news:?}") };
    assert_eq!((status.old.as_deref(), status.new.as_deref()), (Some("To Do"), Some("In Arbeit")));
    assert_eq!((assignee.field.as_deref(), assignee.old.as_deref()), (Some("assignee"), None));
}

/// RZ-11
#[test]
fn a_comment_in_jira_has_one_key_in_whatever_event_it_comes() {
    let comment = json!({
        "self": "https://jira.example/rest/api/2/issue/10001/comment/31", "id": "31", "body": "done?",
        "updateAuthor": { "self": "https://jira.example/rest/api/2/user?username=ann", "displayName": "Ann" },
        "updated": "2026-06-01T14:00:00.000+0200",
    });
    let alone = jira(&json!({ "webhookEvent": "comment_created", "comment": comment }));
    assert_eq!((alone.remote_id.as_deref(), alone.remote_key.as_deref()), (Some("10001"), None));
    assert_eq!(alone.at, at("2026-06-01T12:00:00Z"));
    let within = jira(&json!({
        "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_commented", "comment": comment,
        "issue": { "id": "10001", "key": "SEC-1", "fields": {} },
    }));
    assert_eq!(alone.happenings, within.happenings);
    assert_eq!(alone.happenings, [Happening::comment("31", HappeningKind::Comment, Some("done?".to_owned()))]);
    let edited = jira(&json!({ "webhookEvent": "comment_updated", "comment": comment }));
    let deleted = jira(&json!({ "webhookEvent": "comment_deleted", "comment": comment }));
    assert_eq!(edited.happenings, [Happening::comment("31", HappeningKind::CommentEdit, Some("done?".to_owned()))]);
    assert_eq!(deleted.happenings, [Happening::comment("31", HappeningKind::CommentDeletion, None)]);
}

/// RZ-11
#[test]
fn documents_of_jira_cloud_are_told_as_text() {
    let document = json!({ "type": "doc", "content": [
        { "type": "paragraph", "content": [{ "type": "text", "text": "One" }, { "type": "text", "text": " line" }] },
        { "type": "paragraph", "content": [{ "type": "text", "text": "two\u{0}" }] },
    ] });
    let comment = json!({ "id": "1", "body": document, "self": "https://x/rest/api/3/issue/9/comment/1" });
    let told = news(TrackerKind::JiraCloud, "", &json!({ "webhookEvent": "comment_created", "comment": comment }));
    assert_eq!(told.happenings[0].body.as_deref(), Some("One line\ntwo"));
}

/// PB-5
#[test]
fn github_tells_what_happened_by_its_action() {
    let of = |action: &str, event: &str, more: Value| {
        let mut body = json!({
            "action": action, "sender": { "login": "ann" }, "repository": { "full_name": "acme/app" },
            "issue": { "id": 5, "number": 7, "title": "New", "state": "closed", "state_reason": "not_planned",
                "updated_at": "2026-06-01T12:00:00Z" },
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        news(TrackerKind::GitHub, event, &body)
    };
    let closed = of("closed", "issues", json!({}));
    assert_eq!((closed.remote_id.as_deref(), closed.remote_key.as_deref()), (Some("5"), Some("acme/app#7")));
    assert_eq!(closed.happenings[0].new.as_deref(), Some("closed as not planned"));
    assert_eq!(closed.status, Some(Status { name: "closed".to_owned(), is_done: true }));
    let edited = of("edited", "issues", json!({ "changes": { "title": { "from": "Old" } } }));
    assert_eq!(edited.happenings[0].old.as_deref(), Some("Old"));
    assert_eq!(edited.happenings[0].new.as_deref(), Some("New"));
    let labels: Vec<News> = ["a", "b"].map(|name| of("labeled", "issues", json!({ "label": { "name": name } }))).into();
    assert_ne!(keys(&labels[0]), keys(&labels[1]), "two labels of one moment are two");
    assert!(of("deleted", "issues", json!({})).is_deleted);
    let comment = json!({ "comment": { "id": 3, "body": "hi", "updated_at": "2026-06-01T12:00:01Z" } });
    let said = |kind, body: Option<&str>| vec![Happening::comment("3", kind, body.map(str::to_owned))];
    let created = of("created", "issue_comment", comment.clone());
    assert_eq!(created.happenings, said(HappeningKind::Comment, Some("hi")));
    assert_eq!(of("deleted", "issue_comment", comment).happenings, said(HappeningKind::CommentDeletion, None));
}

/// PB-5
#[test]
fn gitlab_tells_what_changed_field_by_field() {
    let of = |item: Value, changes: Value| {
        let body = json!({
            "object_kind": "issue", "user": { "name": "Ann", "username": "ann" },
            "project": { "path_with_namespace": "acme/app" }, "object_attributes": item, "changes": changes,
        });
        news(TrackerKind::GitLab, "Issue Hook", &body)
    };
    let updated_at = "2026-06-01 12:00:00 UTC";
    let closed = json!({ "id": 9, "iid": 2, "state": "closed", "action": "close", "updated_at": updated_at });
    let closed = of(closed, json!({ "state_id": { "previous": 1, "current": 2 }, "updated_at": {} }));
    assert_eq!((closed.remote_key.as_deref(), closed.at), (Some("acme/app#2"), at("2026-06-01T12:00:00Z")));
    assert_eq!(keys(&closed), ["closed/1780315200000000/state"]);
    let labels = json!({ "labels": { "previous": [], "current": [{ "title": "bug" }, { "title": "p1" }] } });
    let labeled = json!({ "id": 9, "iid": 2, "state": "opened", "action": "update", "updated_at": updated_at });
    let labeled = of(labeled, labels);
    assert_eq!(labeled.happenings[0].new.as_deref(), Some("bug, p1"));
    let note = json!({
        "object_kind": "note", "user": { "username": "ann" }, "project": { "path_with_namespace": "acme/app" },
        "object_attributes": { "id": 4, "note": "hi", "noteable_type": "Issue", "updated_at": updated_at },
        "issue": { "id": 9, "iid": 2, "state": "opened" },
    });
    assert_eq!(keys(&news(TrackerKind::GitLab, "Note Hook", &note)), ["comment/4"]);
}

/// DD-22
#[test]
fn what_is_of_no_known_kind_is_no_news() {
    for (kind, event, body) in [
        (TrackerKind::GitHub, "ping", json!({ "zen": "x" })),
        (TrackerKind::GitHub, "issues", json!({ "action": "opened" })),
        (
            TrackerKind::GitHub,
            "issue_comment",
            json!({ "action": "created", "issue": { "id": 1, "pull_request": {} } }),
        ),
        (TrackerKind::GitLab, "Push Hook", json!({ "object_kind": "push" })),
        (TrackerKind::GitLab, "Note Hook", json!({ "object_kind": "note", "object_attributes": { "system": true } })),
        (TrackerKind::JiraCloud, "", json!({ "webhookEvent": "worklog_created" })),
        (TrackerKind::JiraCloud, "", json!({ "webhookEvent": "jira:issue_updated" })),
        (TrackerKind::JiraCloud, "", json!([])),
        (TrackerKind::JiraCloud, "", json!({ "webhookEvent": ["jira:issue_updated"], "issue": 1, "user": "x" })),
    ] {
        assert_eq!(read(kind, event, &serde_json::to_vec(&body).unwrap()).news, None, "{body}");
    }
    let heard = read(TrackerKind::GitHub, &"x\n".repeat(500), b"not json");
    assert_eq!((heard.event.as_str(), heard.news), ("x".repeat(100).as_str(), None));
}
