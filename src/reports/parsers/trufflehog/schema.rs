//! The parts of TruffleHog's JSON that are read.

use serde::Deserialize;

use crate::reports::read::json::{List, Object, Pairs};
use crate::reports::read::text::Text;

/// A secret, by the names of either version.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Secret<'a> {
    #[serde(borrow)]
    pub source_metadata: Object<SourceMetadata<'a>>,
    #[serde(borrow)]
    pub source_name: Text<'a>,
    #[serde(borrow)]
    pub detector_name: Text<'a>,
    #[serde(borrow)]
    pub verified: Text<'a>,
    #[serde(borrow)]
    pub raw: Text<'a>,
    #[serde(borrow)]
    pub raw_v2: Text<'a>,
    #[serde(borrow)]
    pub redacted: Text<'a>,
    #[serde(borrow, rename = "reason")]
    pub reason: Text<'a>,
    #[serde(borrow, rename = "path")]
    pub path: Text<'a>,
    #[serde(borrow, rename = "branch")]
    pub branch: Text<'a>,
    #[serde(borrow, rename = "commit")]
    pub commit: Text<'a>,
    #[serde(borrow, rename = "commitHash")]
    pub commit_hash: Text<'a>,
    #[serde(borrow, rename = "date")]
    pub date: Text<'a>,
    #[serde(borrow, rename = "stringsFound")]
    pub strings_found: List<Text<'a>>,
    #[serde(borrow, rename = "level")]
    pub level: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SourceMetadata<'a> {
    /// By the kind of source (`Git`, `Docker`, `S3` …).
    #[serde(borrow)]
    pub data: Pairs<Text<'a>, Object<SourceData<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SourceData<'a> {
    #[serde(borrow)]
    pub file: Text<'a>,
    #[serde(borrow)]
    pub line: Text<'a>,
    #[serde(borrow)]
    pub commit: Text<'a>,
    #[serde(borrow)]
    pub email: Text<'a>,
    #[serde(borrow)]
    pub timestamp: Text<'a>,
    #[serde(borrow)]
    pub repository: Text<'a>,
    #[serde(borrow)]
    pub link: Text<'a>,
    #[serde(borrow)]
    pub image: Text<'a>,
    #[serde(borrow)]
    pub layer: Text<'a>,
    #[serde(borrow)]
    pub bucket: Text<'a>,
}
