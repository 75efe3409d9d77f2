//! The parts of SPDX that are read, for JSON and tag-value alike.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::Text;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Document<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub creation_info: Object<CreationInfo<'a>>,
    #[serde(borrow)]
    pub packages: Entries<'a, Package<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CreationInfo<'a> {
    #[serde(borrow)]
    pub creators: List<Text<'a>>,
    #[serde(borrow)]
    pub created: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Package<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version_info: Text<'a>,
    #[serde(borrow)]
    pub external_refs: List<ExternalReference<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ExternalReference<'a> {
    #[serde(borrow, rename = "referenceCategory")]
    pub category: Text<'a>,
    #[serde(borrow, rename = "referenceType")]
    pub kind: Text<'a>,
    #[serde(borrow, rename = "referenceLocator")]
    pub locator: Text<'a>,
    #[serde(borrow)]
    pub comment: Text<'a>,
}
