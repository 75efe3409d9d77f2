//! The parts of CSAF that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Document<'a> {
    #[serde(borrow)]
    pub document: Object<About<'a>>,
    #[serde(borrow)]
    pub product_tree: Object<ProductTree<'a>>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Advised<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct About<'a> {
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub publisher: Object<Publisher<'a>>,
    #[serde(borrow)]
    pub tracking: Object<Tracking<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Publisher<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Tracking<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub current_release_date: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ProductTree<'a> {
    #[serde(borrow)]
    pub branches: List<Branch<'a>>,
    #[serde(borrow)]
    pub full_product_names: List<FullName<'a>>,
    #[serde(borrow)]
    pub relationships: List<Relationship<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Branch<'a> {
    #[serde(borrow)]
    pub category: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub product: Object<FullName<'a>>,
    #[serde(borrow)]
    pub branches: List<Branch<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct FullName<'a> {
    #[serde(borrow)]
    pub product_id: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub product_identification_helper: Object<Helper<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Helper<'a> {
    #[serde(borrow)]
    pub purl: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Relationship<'a> {
    #[serde(borrow)]
    pub full_product_name: Object<FullName<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Advised<'a> {
    #[serde(borrow)]
    pub cve: Text<'a>,
    #[serde(borrow)]
    pub ids: List<OtherId<'a>>,
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub cwe: Object<Cwe<'a>>,
    #[serde(borrow)]
    pub cwes: List<Cwe<'a>>,
    #[serde(borrow)]
    pub notes: List<Note<'a>>,
    #[serde(borrow)]
    pub product_status: Object<ProductStatus<'a>>,
    /// Ratings of version 2.0.
    #[serde(borrow)]
    pub scores: List<Score<'a>>,
    /// Ratings of version 2.1.
    #[serde(borrow)]
    pub metrics: List<Metric<'a>>,
    #[serde(borrow)]
    pub remediations: List<ForProducts<'a>>,
    #[serde(borrow)]
    pub threats: List<ForProducts<'a>>,
    #[serde(borrow)]
    pub flags: List<ForProducts<'a>>,
    #[serde(borrow)]
    pub references: List<Reference<'a>>,
}

impl<'a> Advised<'a> {
    /// The ratings of either version, with the products that they are for.
    pub fn ratings(&self) -> impl Iterator<Item = (&List<Text<'a>>, &Score<'a>)> {
        let old = self.scores.iter().map(|score| (&score.products, score));
        old.chain(self.metrics.iter().map(|metric| (&metric.products, &metric.content.0)))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct OtherId<'a> {
    #[serde(borrow)]
    pub text: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Cwe<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Note<'a> {
    #[serde(borrow)]
    pub category: Text<'a>,
    #[serde(borrow)]
    pub text: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ProductStatus<'a> {
    #[serde(borrow)]
    pub known_affected: List<Text<'a>>,
    #[serde(borrow)]
    pub first_affected: List<Text<'a>>,
    #[serde(borrow)]
    pub last_affected: List<Text<'a>>,
    #[serde(borrow)]
    pub under_investigation: List<Text<'a>>,
    #[serde(borrow)]
    pub fixed: List<Text<'a>>,
    #[serde(borrow)]
    pub first_fixed: List<Text<'a>>,
    #[serde(borrow)]
    pub known_not_affected: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Score<'a> {
    #[serde(borrow)]
    pub products: List<Text<'a>>,
    #[serde(borrow)]
    pub cvss_v2: Object<Cvss<'a>>,
    #[serde(borrow)]
    pub cvss_v3: Object<Cvss<'a>>,
    #[serde(borrow)]
    pub cvss_v4: Object<Cvss<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Metric<'a> {
    #[serde(borrow)]
    pub products: List<Text<'a>>,
    #[serde(borrow)]
    pub content: Object<Score<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cvss<'a> {
    #[serde(borrow)]
    pub vector_string: Text<'a>,
    pub base_score: Number,
}

/// A remediation, a threat or a flag: something that holds for some products.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ForProducts<'a> {
    #[serde(borrow)]
    pub category: Text<'a>,
    #[serde(borrow)]
    pub label: Text<'a>,
    #[serde(borrow)]
    pub details: Text<'a>,
    #[serde(borrow)]
    pub url: Text<'a>,
    #[serde(borrow)]
    pub product_ids: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Reference<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
}
