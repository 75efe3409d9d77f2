//! Who a caller is, in words.

use uuid::Uuid;

use crate::access::model::Caller;
use crate::access::repo::{tokens, users};
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::db::conn::Conn;

/// Who a caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The id of the person, the token or the trust rule.
    pub id: Uuid,
    /// The name of the person or the token.
    pub name: String,
    /// The person's address.
    pub email: Option<String>,
    /// Does the person administer the server?
    pub is_superuser: bool,
}

/// Who the caller is.
///
/// # Errors
/// `NotFound` when it is gone.
pub fn of_caller(conn: &mut Conn, caller: &Caller) -> Result<Profile, ApiError> {
    match caller.actor {
        Actor::User(id) => {
            let user = users::find(conn, id)?.ok_or_else(|| ApiError::not_found("user", id))?;
            Ok(Profile { id: id.0, name: user.name, email: Some(user.email), is_superuser: user.is_superuser })
        }
        Actor::Token(id) => {
            let found = tokens::find(conn, caller.organization, id)?;
            let (token, _) = found.ok_or_else(|| ApiError::not_found("API token", id))?;
            Ok(Profile { id: id.0, name: token.name, email: None, is_superuser: false })
        }
        Actor::Workload(id) => {
            Ok(Profile { id: id.0, name: "trusted workload".to_owned(), email: None, is_superuser: false })
        }
        Actor::System => Err(ApiError::not_found("user", "system")),
    }
}
