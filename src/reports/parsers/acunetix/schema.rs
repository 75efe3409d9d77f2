//! The parts of Acunetix 360's JSON that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub generated: Text<'a>,
    #[serde(borrow)]
    pub target: Object<Target<'a>>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Vulnerable<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Target<'a> {
    #[serde(borrow)]
    pub initiated: Text<'a>,
    #[serde(borrow)]
    pub url: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Vulnerable<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, rename = "Type", default)]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub state: Text<'a>,
    #[serde(borrow, default)]
    pub url: Text<'a>,
    #[serde(borrow, default)]
    pub lookup_id: Text<'a>,
    #[serde(borrow, default)]
    pub certainty: Text<'a>,
    #[serde(borrow, default)]
    pub confirmed: Text<'a>,
    #[serde(borrow, default)]
    pub first_seen_date: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub impact: Text<'a>,
    #[serde(borrow, default)]
    pub remedial_procedure: Text<'a>,
    #[serde(borrow, default)]
    pub remedial_actions: Text<'a>,
    #[serde(borrow, default)]
    pub remedy_references: Text<'a>,
    #[serde(borrow, default)]
    pub external_references: Text<'a>,
    #[serde(borrow, default)]
    pub proof_of_concept: Text<'a>,
    #[serde(borrow, default)]
    pub classification: Object<Classification<'a>>,
    #[serde(borrow, default)]
    pub http_request: Object<HttpRequest<'a>>,
    #[serde(borrow, default)]
    pub extra_information: List<Extra<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Classification<'a> {
    #[serde(borrow)]
    pub cwe: Text<'a>,
    #[serde(borrow)]
    pub cvss: Object<Cvss<'a>>,
    #[serde(borrow)]
    pub cvss31: Object<Cvss<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Cvss<'a> {
    #[serde(borrow)]
    pub vector: Text<'a>,
    pub base_score: Object<Score>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Score {
    pub value: Number,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HttpRequest<'a> {
    #[serde(borrow)]
    pub method: Text<'a>,
    #[serde(borrow)]
    pub content: Text<'a>,
    #[serde(borrow)]
    pub parameters: List<Extra<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Extra<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub value: Text<'a>,
}
