//! The tracker's own words about a failure, made fit for people. Pure.
//!
//! GitHub: `{"message", "errors": [{"field", "code", "message"}]}`; GitLab: `{"message": text | {field: [text]}}` or
//! `{"error", "error_description"}`; Jira: `{"errorMessages": [text], "errors": {field: text}}`.

use serde_json::Value;

/// The longest message that is kept, in characters.
const MAX_CHARS: usize = 500;

/// What a body says, without the secret that a tracker might echo.
pub(super) fn said(status: u16, body: &[u8], secret: &str) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => from_json(&value),
        Err(_) => from_text(&String::from_utf8_lossy(body)),
    };
    let text = if text.is_empty() { format!("status {status}") } else { text };
    tidy(&text, secret)
}

/// One line of bounded length, without control characters and without the secret.
pub(super) fn tidy(text: &str, secret: &str) -> String {
    let text = if secret.is_empty() { text.to_owned() } else { text.replace(secret, "•••") };
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn from_text(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('<') { "answered with a web page instead of JSON".to_owned() } else { text.to_owned() }
}

fn from_json(value: &Value) -> String {
    let mut parts = Vec::new();
    match value {
        Value::String(text) => parts.push(text.clone()),
        Value::Object(map) => {
            for key in ["message", "error", "error_description", "errorMessages", "errors"] {
                collect(map.get(key).unwrap_or(&Value::Null), &mut parts);
            }
        }
        _ => {}
    }
    parts.dedup();
    parts.join("; ")
}

fn collect(value: &Value, parts: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => parts.push(text.trim().to_owned()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, parts)),
        Value::Object(map) => match map.get("code").and_then(Value::as_str) {
            Some(code) => parts.push(github_fault(map, code)),
            None => map.iter().for_each(|(field, value)| collect_field(field, value, parts)),
        },
        _ => {}
    }
}

fn github_fault(map: &serde_json::Map<String, Value>, code: &str) -> String {
    let of = |key: &str| map.get(key).and_then(Value::as_str);
    let what = of("message").unwrap_or(code);
    match (of("field"), map.get("value").and_then(Value::as_str)) {
        (Some(field), Some(value)) => format!("{field}: {what} ({value})"),
        (Some(field), None) => format!("{field}: {what}"),
        (None, _) => what.to_owned(),
    }
}

fn collect_field(field: &str, value: &Value, parts: &mut Vec<String>) {
    let mut inner = Vec::new();
    collect(value, &mut inner);
    if !inner.is_empty() {
        parts.push(format!("{field}: {}", inner.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SO-13
    #[test]
    fn keeps_the_words_of_each_tracker() {
        for (body, expected) in [
            (
                r#"{"message":"Validation Failed","errors":[{"resource":"Issue","field":"assignees","code":"invalid","value":"bob"}]}"#,
                "Validation Failed; assignees: invalid (bob)",
            ),
            (r#"{"message":{"title":["is too long","is bad"]}}"#, "title: is too long, is bad"),
            (r#"{"error":"insufficient_scope","error_description":"needs api"}"#, "insufficient_scope; needs api"),
            (
                r#"{"errorMessages":["Nope."],"errors":{"customfield_10050":"Severity is required."}}"#,
                "Nope.; customfield_10050: Severity is required.",
            ),
            (r#""Client must be authenticated""#, "Client must be authenticated"),
            ("Retry later\n", "Retry later"),
            ("<html><title>502</title></html>", "answered with a web page instead of JSON"),
            ("", "status 502"),
            ("{}", "status 502"),
        ] {
            assert_eq!(said(502, body.as_bytes(), "unused"), expected, "{body}");
        }
    }

    #[test]
    fn never_repeats_the_secret_and_never_grows() {
        let body = format!("token glpat-1 is\r\nbad {}", "x".repeat(2_000));
        let text = said(401, body.as_bytes(), "glpat-1");
        assert!(text.starts_with("token ••• is bad x"), "{text}");
        assert_eq!(text.chars().count(), MAX_CHARS + 1);
    }
}
