//! Ids: UUIDv7, made here, one type per kind of thing, so that swapped arguments do not compile.
//!
//! Stored as 16 bytes in both databases; written as the usual hyphenated text in JSON and paths.

use std::fmt;
use std::str::FromStr;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Binary;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id_type {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow)]
        #[diesel(sql_type = Binary)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, later in order than those made before it.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Uuid)))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl<DB: Backend> ToSql<Binary, DB> for $name
        where
            [u8]: ToSql<Binary, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.0.as_bytes().as_slice().to_sql(out)
            }
        }

        impl<DB: Backend> FromSql<Binary, DB> for $name
        where
            Vec<u8>: FromSql<Binary, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                let bytes = <Vec<u8> as FromSql<Binary, DB>>::from_sql(bytes)?;
                Ok(Self(Uuid::from_slice(&bytes)?))
            }
        }
    )+};
}

id_type! {
    /// An organization, the tenant.
    OrganizationId,
    /// A user, global.
    UserId,
    /// A team of an organization.
    TeamId,
    /// An API token.
    ApiTokenId,
    /// A login and what follows from it.
    SessionId,
    /// An invitation to an organization.
    InvitationId,
    /// A product.
    ProductId,
    /// A branch of a product; every product also has an implicit "no branch" row.
    BranchId,
    /// An engagement on a product.
    EngagementId,
    /// An asset.
    AssetId,
    /// A component inside assets.
    ComponentId,
    /// A unique finding.
    VulnerabilityId,
    /// A vulnerability at a place.
    ObservationId,
    /// What makes two scans comparable.
    ScanSourceId,
    /// One report of one tool, imported.
    ScanId,
    /// One posted file, with one scan per tool in it.
    UploadId,
    /// A line of an observation's history.
    HistoryId,
    /// A note or comment.
    NoteId,
    /// An issue.
    IssueId,
    /// A pair in an issue.
    InstanceId,
    /// A line of an issue's timeline.
    EntryId,
    /// A tracker connection.
    ConnectionId,
    /// How one product uses a connection.
    TrackerConfigId,
    /// The link between a subject and an item in a tracker.
    TicketId,
    /// A line of the outbox.
    SyncJobId,
    /// A worker's proof that it has a line of the outbox.
    LeaseToken,
    /// What a ticket is about: an observation or an issue.
    SubjectId,
    /// A delivery of a tracker's webhook.
    DeliveryId,
    /// That something changed.
    EventId,
    /// A message for people.
    NotificationId,
    /// Which runs of a CI may upload to a product.
    TrustRuleId,
    /// A line of the audit log.
    AuditId,
}

impl From<ObservationId> for SubjectId {
    fn from(id: ObservationId) -> Self {
        Self(id.0)
    }
}

impl From<TrackerConfigId> for SubjectId {
    fn from(id: TrackerConfigId) -> Self {
        Self(id.0)
    }
}

impl From<IssueId> for SubjectId {
    fn from(id: IssueId) -> Self {
        Self(id.0)
    }
}
