//! Reads JSON into a type and names every fault, not just the first.
//!
//! Serde stops at the first fault. So what is at fault is taken out of the parsed value and reading starts again, until
//! it succeeds or a field is missing. Missing fields come from the type's schema, all at once.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::base::error::{ApiError, Fault};

/// Faults of a body that are told at once.
const MAX_FAULTS: usize = 50;

/// Reads a body.
///
/// # Errors
/// `Invalid` with all faults.
pub(super) fn json<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| ApiError::invalid("", not_json(&error)))?;
    let mut faults = Vec::new();
    refuse_nul(&value, &mut String::new(), &mut faults);
    let read = read_all(&mut value, &mut faults);
    if value.is_object() {
        require_fields::<T>(&value, &mut faults);
    }
    match read {
        Some(read) if faults.is_empty() => Ok(read),
        _ => Err(ApiError::Invalid(faults)),
    }
}

fn not_json(error: &serde_json::Error) -> String {
    if error.is_eof() && error.column() == 0 {
        return "the body is empty, but must be JSON".to_owned();
    }
    format!("is not JSON: {error}")
}

fn read_all<T: DeserializeOwned>(value: &mut Value, faults: &mut Vec<Fault>) -> Option<T> {
    let mut removed = Removed::default();
    while faults.len() < MAX_FAULTS {
        let error = match serde_path_to_error::deserialize::<_, T>(&*value) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let (sent, message) = (removed.pointer_as_sent(error.path()), error.inner().to_string());
        match missing_field(&message) {
            Some(field) => add(faults, format!("{sent}/{}", escape(field)), "is required".to_owned()),
            None => add(faults, sent, message),
        }
        // What is wrong as a whole leaves nothing to look at.
        if !removed.take_out(value, error.path()) {
            return None;
        }
    }
    None
}

/// The items taken out of arrays: the pointer of the array and the index of the item, both as they were sent.
#[derive(Default)]
struct Removed(BTreeSet<(String, usize)>);

impl Removed {
    /// The pointer to a place in the body as it was sent.
    fn pointer_as_sent(&self, path: &Path) -> String {
        let mut pointer = String::new();
        for segment in path {
            let key = match segment {
                Segment::Seq { index } => self.index_as_sent(&pointer, *index).to_string(),
                Segment::Map { key } => escape(key),
                Segment::Enum { .. } | Segment::Unknown => continue,
            };
            pointer = format!("{pointer}/{key}");
        }
        pointer
    }

    fn index_as_sent(&self, array: &str, index: usize) -> usize {
        let before = self.0.range((array.to_owned(), 0)..=(array.to_owned(), usize::MAX));
        before.fold(index, |index, (_, removed)| if *removed <= index { index + 1 } else { index })
    }

    /// Takes out what a path names. False when it names nothing, or all.
    fn take_out(&mut self, value: &mut Value, path: &Path) -> bool {
        let pointer = pointer(path);
        let Some((parent, key)) = pointer.rsplit_once('/') else { return false };
        match value.pointer_mut(parent) {
            Some(Value::Object(fields)) => fields.remove(&unescape(key)).is_some(),
            Some(Value::Array(items)) => {
                let Some(index) = key.parse().ok().filter(|index| *index < items.len()) else { return false };
                items.remove(index);
                if let Some((array, Ok(index))) =
                    self.pointer_as_sent(path).rsplit_once('/').map(|(a, i)| (a, i.parse()))
                {
                    self.0.insert((array.to_owned(), index));
                }
                true
            }
            _ => false,
        }
    }
}

fn add(faults: &mut Vec<Fault>, pointer: String, detail: String) {
    let is_told = faults.iter().any(|known| pointer == known.pointer);
    if !is_told {
        faults.push(Fault { pointer, detail });
    }
}

fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}

fn pointer(path: &Path) -> String {
    Removed::default().pointer_as_sent(path)
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

/// PostgreSQL stores no NUL in text.
fn refuse_nul(value: &Value, pointer: &mut String, faults: &mut Vec<Fault>) {
    let length = pointer.len();
    match value {
        Value::String(text) if text.contains('\0') => add(faults, pointer.clone(), "must not contain NUL".to_owned()),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                refuse_nul(item, pointer, faults);
                pointer.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                pointer.push_str(&format!("/{}", escape(key)));
                refuse_nul(field, pointer, faults);
                if key.contains('\0') {
                    add(faults, pointer.replace('\0', "\u{fffd}"), "must not contain NUL".to_owned());
                }
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// Adds the required fields that are not there. What was taken out is told already.
fn require_fields<T: ToSchema>(value: &Value, faults: &mut Vec<Fault>) {
    let RefOr::T(Schema::Object(object)) = T::schema() else { return };
    for field in object.required.iter().filter(|field| value.get(field.as_str()).is_none()) {
        add(faults, format!("/{}", escape(field)), "is required".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::severity::Severity;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its faults are looked at")]
        count: u32,
    }

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        #[expect(dead_code, reason = "only its faults are looked at")]
        severity: Severity,
        #[serde(default)]
        inner: Vec<Inner>,
    }

    fn pointers(body: &str) -> Vec<String> {
        match json::<Outer>(body.as_bytes()) {
            Err(ApiError::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn reads_what_is_right() {
        let outer = json::<Outer>(br#"{"name": "n", "severity": "high", "inner": [{"count": 1}]}"#).unwrap();
        assert_eq!((outer.name.as_str(), outer.inner.len()), ("n", 1));
    }

    #[test]
    fn names_every_fault_by_its_pointer() {
        for (body, expected) in [
            ("", vec![""]),
            ("{", vec![""]),
            ("[]", vec![""]),
            ("{}", vec!["/name", "/severity"]),
            (r#"{"name": 1, "severity": "worse", "nmae": "x"}"#, vec!["/name", "/severity", "/nmae"]),
            (r#"{"name": "a\u0000b", "severity": "low"}"#, vec!["/name"]),
            (
                r#"{"severity": "low", "inner": [{}, {"count": -1}], "x/y": 1}"#,
                vec!["/inner/0/count", "/inner/1/count", "/x~1y", "/name"],
            ),
        ] {
            let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            let mut found = pointers(body);
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{body}");
        }
    }
}
