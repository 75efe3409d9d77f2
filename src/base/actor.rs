//! Who did something, as history, timeline and audit log record it.

use super::ids::{ApiTokenId, TrustRuleId, UserId};
use uuid::Uuid;

crate::text_enum! {
    /// The kind of an actor.
    ActorKind {
        /// A person.
        User = "user",
        /// A machine with an API token.
        Token = "token",
        /// A run of a CI, admitted by a trust rule.
        Workload = "workload",
        /// Patchbay itself: an import, an expiry, a rule.
        System = "system",
        /// Somebody in a tracker.
        Tracker = "tracker",
    }
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    User(UserId),
    /// A machine with an API token.
    Token(ApiTokenId),
    /// A run of a CI, admitted by this trust rule.
    Workload(TrustRuleId),
    /// Patchbay itself.
    System,
}

impl Actor {
    /// Its kind, as stored.
    #[must_use]
    pub const fn kind(self) -> ActorKind {
        match self {
            Self::User(_) => ActorKind::User,
            Self::Token(_) => ActorKind::Token,
            Self::Workload(_) => ActorKind::Workload,
            Self::System => ActorKind::System,
        }
    }

    /// Its id, as stored (16 bytes); none for the system.
    #[must_use]
    pub fn id(self) -> Option<Vec<u8>> {
        self.uuid().map(|id| id.as_bytes().to_vec())
    }

    /// Its id; none for the system.
    #[must_use]
    pub const fn uuid(self) -> Option<Uuid> {
        match self {
            Self::User(id) => Some(id.0),
            Self::Token(id) => Some(id.0),
            Self::Workload(id) => Some(id.0),
            Self::System => None,
        }
    }
}
