//! The parts of Clair's reports that are read.

use std::collections::HashMap;

use serde::Deserialize;

use crate::reports::read::json::{self, Entries, List, Object, Pairs};
use crate::reports::read::text::{Number, Text};

#[derive(Deserialize)]
pub struct ClairScanner<'a> {
    #[serde(borrow, default)]
    pub image: Text<'a>,
    #[serde(borrow, default)]
    pub unapproved: List<Text<'a>>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Klar<'a> {
    #[serde(borrow)]
    pub vulnerabilities: Pairs<Text<'a>, Entries<'a, Entry<'a>>>,
}

/// What Clair 2 answers, also inside Quay's answer.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Answer<'a> {
    #[serde(borrow, rename = "Layer")]
    pub layer: Object<Layer<'a>>,
    #[serde(borrow)]
    pub data: Object<Wrapped<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Wrapped<'a> {
    #[serde(borrow)]
    pub layer: Object<Layer<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Layer<'a> {
    #[serde(borrow)]
    pub features: Entries<'a, Feature<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Feature<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub version: Text<'a>,
    #[serde(borrow, default)]
    pub vulnerabilities: Entries<'a, Entry<'a>>,
}

/// A vulnerability of a feature, in the spelling of clair-scanner or of Klar.
#[derive(Deserialize)]
pub struct Entry<'a> {
    #[serde(borrow, rename = "vulnerability", alias = "Name")]
    pub name: Text<'a>,
    #[serde(borrow, rename = "featurename", alias = "FeatureName", default)]
    pub feature_name: Text<'a>,
    #[serde(borrow, rename = "featureversion", alias = "FeatureVersion", default)]
    pub feature_version: Text<'a>,
    #[serde(borrow, alias = "NamespaceName", default)]
    pub namespace: Text<'a>,
    #[serde(borrow, alias = "Description", default)]
    pub description: Text<'a>,
    #[serde(borrow, alias = "Link", default)]
    pub link: Text<'a>,
    #[serde(borrow, alias = "Severity", default)]
    pub severity: Text<'a>,
    #[serde(borrow, rename = "fixedby", alias = "FixedBy", default)]
    pub fixed_by: Text<'a>,
}

#[derive(Deserialize)]
pub struct Clair4<'a> {
    #[serde(borrow, default)]
    pub packages: HashMap<Text<'a>, Object<Package<'a>>>,
    #[serde(borrow)]
    pub vulnerabilities: Pairs<Text<'a>, json::Entry<'a, Known<'a>>>,
    #[serde(borrow, default)]
    pub package_vulnerabilities: Pairs<Text<'a>, List<Text<'a>>>,
    #[serde(borrow, default)]
    pub enrichments: Pairs<Text<'a>, List<ById<'a>>>,
}

/// What other sources say of vulnerabilities, by their number.
type ById<'a> = Pairs<Text<'a>, List<Object<Enrichment<'a>>>>;

/// A rating of the NVD, or an EPSS probability, by the kind of enrichment.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Enrichment<'a> {
    #[serde(rename = "baseScore")]
    pub base_score: Number,
    #[serde(borrow, rename = "vectorString")]
    pub vector: Text<'a>,
    pub epss: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Package<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
}

#[derive(Deserialize)]
pub struct Known<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub updater: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub links: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub normalized_severity: Text<'a>,
    #[serde(borrow, default)]
    pub fixed_in_version: Text<'a>,
}
