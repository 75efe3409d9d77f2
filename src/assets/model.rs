//! The asset and its kinds.

use diesel::prelude::*;

use crate::base::ids::{AssetId, OrganizationId, ProductId};
use crate::base::time::UtcTime;
use crate::db::schema::assets;
use crate::reports::report;
use crate::text_enum;

/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 500;

text_enum! {
    /// What kind of thing an asset is.
    AssetKind {
        /// A machine, by name or address.
        Host = "host",
        /// A container image.
        Image = "image",
        /// A source repository or file tree.
        Repository = "repository",
        /// An application, by URL.
        Application = "application",
        /// A cloud or cluster resource.
        Resource = "resource",
        /// A TLS certificate.
        Certificate = "certificate",
    }
}

impl From<report::AssetKind> for AssetKind {
    fn from(kind: report::AssetKind) -> Self {
        match kind {
            report::AssetKind::Host => Self::Host,
            report::AssetKind::Image => Self::Image,
            report::AssetKind::Repository => Self::Repository,
            report::AssetKind::Application => Self::Application,
            report::AssetKind::Resource => Self::Resource,
            report::AssetKind::Certificate => Self::Certificate,
        }
    }
}

/// What vulnerabilities are found on.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = assets)]
pub struct Asset {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: AssetId,
    /// What kind of thing it is.
    pub kind: AssetKind,
    /// Its name, without what changes with every build.
    pub name: String,
    /// The name in lower case, to search in.
    pub search: String,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
}

text_enum! {
    /// The order of assets.
    AssetSort {
        /// Oldest first.
        CreatedAt = "created_at",
        /// Newest first.
        CreatedAtDescending = "-created_at",
        /// By kind, then name.
        Name = "name",
        /// By kind, then name, backwards.
        NameDescending = "-name",
    }
}

/// Which assets, in which order.
#[derive(Debug, Clone)]
pub struct AssetQuery {
    /// Part of the name.
    pub q: Option<String>,
    /// Of one of these kinds; empty for any.
    pub kinds: Vec<AssetKind>,
    /// Something was found on it in one of these products; empty for any.
    pub products: Vec<ProductId>,
    /// In which order.
    pub sort: AssetSort,
}

/// Where a page of assets ends: the sort key.
pub type AssetKey = (AssetKind, String, AssetId);
