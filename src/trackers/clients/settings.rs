//! What a client is made of.

use url::Url;

use crate::base::secret::Secret;
use crate::base::tracker_kind::TrackerKind;

/// The label that every ticket of Patchbay carries, unless a connection names another.
pub const DEFAULT_LABEL: &str = "patchbay";

/// How a connection proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A token alone: GitHub, GitLab, Jira Data Center (personal access token), Jira Cloud (OAuth).
    Token(Secret<String>),
    /// A name with a secret: Jira Cloud (e-mail and API token), Jira Data Center (user and password).
    Basic {
        /// The e-mail or user name.
        user: String,
        /// The API token or password.
        secret: Secret<String>,
    },
}

impl Credential {
    /// The secret part, in whatever form it comes.
    #[must_use]
    pub const fn secret(&self) -> &Secret<String> {
        match self {
            Self::Token(secret) | Self::Basic { secret, .. } => secret,
        }
    }
}

/// A connection, unsealed, ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Which tracker, in which edition.
    pub kind: TrackerKind,
    /// Where it is, as people see it (`https://github.com`) or as its API is reached (`https://api.github.com`).
    pub base_url: Url,
    /// The account.
    pub credential: Credential,
    /// The label on all our tickets, by which they are listed; usually [`DEFAULT_LABEL`].
    pub label: String,
}
