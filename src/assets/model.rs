//! The asset and its kinds.

use crate::reports::report;
use crate::text_enum;

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
