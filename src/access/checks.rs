//! Checks that several use cases share.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::base::error::{ApiError, Faults};

/// The longest name of anything.
pub const MAX_NAME: usize = 200;
/// The longest e-mail address (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const MAX_EMAIL: usize = 254;
const MAX_SLUG: usize = 63;

/// A name as it is stored: without space around it.
pub fn name(text: &str, pointer: &str, faults: &mut Faults) -> String {
    let name = text.trim();
    let length = name.chars().count();
    faults.require((1..=MAX_NAME).contains(&length), pointer, "must have 1 to 200 characters");
    faults.require(!name.chars().any(char::is_control), pointer, "must not contain control characters");
    name.to_owned()
}

/// An e-mail address as it is stored: in lower case, without space around it.
pub fn email(text: &str, pointer: &str, faults: &mut Faults) -> String {
    let email = normal_email(text);
    let is_address = email.split_once('@').is_some_and(|(user, host)| {
        let is_clean = !email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;:\"()".contains(c));
        !user.is_empty() && !host.is_empty() && !host.contains('@') && is_clean && email.len() <= MAX_EMAIL
    });
    faults.require(is_address, pointer, "must be an e-mail address");
    email
}

/// How e-mail addresses are compared.
#[must_use]
pub fn normal_email(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The name of an organization in paths. It must not look like an id, or it would hide another organization.
pub fn slug(text: &str, pointer: &str, faults: &mut Faults) -> String {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_slug = is_plain && (1..=MAX_SLUG).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-');
    faults.require(is_slug, pointer, "must be 1 to 63 small letters, digits and dashes, no dash at the ends");
    faults.require(uuid::Uuid::parse_str(text).is_err(), pointer, "must not be an id");
    text.to_owned()
}

/// A row that another was faster to change.
///
/// # Errors
/// `PreconditionFailed` unless it was written.
pub fn written(is_written: bool) -> Result<(), ApiError> {
    if is_written { Ok(()) } else { Err(ApiError::PreconditionFailed) }
}

/// A unique violation as a conflict in words.
#[must_use]
pub fn taken(error: DieselError, detail: &str) -> ApiError {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => ApiError::Conflict(detail.to_owned()),
        other => other.into(),
    }
}

/// A foreign-key violation as a conflict in words.
#[must_use]
pub fn in_use(error: DieselError, detail: &str) -> ApiError {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => ApiError::Conflict(detail.to_owned()),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_addresses_and_slugs_by_their_form() {
        for (text, stored) in [
            (" Ann@Example.COM ", Some("ann@example.com")),
            ("admin@localhost", Some("admin@localhost")),
            ("ann", None),
            ("@example.com", None),
            ("ann@", None),
            ("ann@a@b", None),
            ("ann smith@example.com", None),
            ("ann@example.com,bob@example.com", None),
        ] {
            let mut faults = Faults::default();
            let email = email(text, "/email", &mut faults);
            assert_eq!(faults.finish().ok().map(|()| email.as_str()), stored, "{text}");
        }
        for (text, is_good) in [
            ("acme", true),
            ("acme-2", true),
            ("Acme", false),
            ("-acme", false),
            ("acme/x", false),
            ("", false),
            ("0198c8f2-5a5c-7d3e-9b1a-2f6d1c0e4b7a", false),
            ("0198c8f25a5c7d3e9b1a2f6d1c0e4b7a", false),
        ] {
            let mut faults = Faults::default();
            slug(text, "/slug", &mut faults);
            assert_eq!(faults.finish().is_ok(), is_good, "{text}");
        }
    }
}
