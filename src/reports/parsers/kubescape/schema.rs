//! The parts of Kubescape's JSON that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object, Pairs};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub generation_time: Text<'a>,
    #[serde(borrow)]
    pub cluster_name: Text<'a>,
    #[serde(borrow)]
    pub metadata: Object<Metadata<'a>>,
    #[serde(borrow)]
    pub summary_details: Object<SummaryDetails<'a>>,
    #[serde(borrow)]
    pub resources: List<Resource<'a>>,
    #[serde(borrow)]
    pub results: List<ResourceResult<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata<'a> {
    #[serde(borrow)]
    pub scan_metadata: Object<ScanMetadata<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScanMetadata<'a> {
    #[serde(borrow)]
    pub kubescape_version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SummaryDetails<'a> {
    #[serde(borrow)]
    pub controls: Pairs<Text<'a>, Object<Summary<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary<'a> {
    pub score_factor: Number,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub remediation: Text<'a>,
    #[serde(borrow)]
    pub mitigation: Text<'a>,
    #[serde(borrow)]
    pub category: Object<Category<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Category<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Resource<'a> {
    #[serde(borrow, rename = "resourceID")]
    pub resource_id: Text<'a>,
    #[serde(borrow)]
    pub object: Object<Manifest<'a>>,
    #[serde(borrow)]
    pub source: Object<Source<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Manifest<'a> {
    #[serde(borrow)]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub metadata: Object<Names<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Names<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub namespace: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Source<'a> {
    #[serde(borrow)]
    pub relative_path: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ResourceResult<'a> {
    #[serde(borrow, rename = "resourceID")]
    pub resource_id: Text<'a>,
    #[serde(borrow)]
    pub controls: Entries<'a, Control<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Control<'a> {
    #[serde(borrow, rename = "controlID")]
    pub control_id: Text<'a>,
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub status: Object<Status<'a>>,
    #[serde(borrow, default)]
    pub rules: List<Rule<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Status<'a> {
    #[serde(borrow)]
    pub status: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Rule<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub status: Text<'a>,
    #[serde(borrow)]
    pub paths: List<Path<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Path<'a> {
    #[serde(borrow)]
    pub failed_path: Text<'a>,
    #[serde(borrow)]
    pub review_path: Text<'a>,
    #[serde(borrow)]
    pub delete_path: Text<'a>,
    #[serde(borrow)]
    pub fix_path: Object<Fix<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fix<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub value: Text<'a>,
}
