//! The parts of Arachni's JSON that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, Object, Pairs};
use crate::reports::read::text::Text;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub options: Object<Options<'a>>,
    #[serde(borrow)]
    pub finish_datetime: Text<'a>,
    #[serde(borrow)]
    pub issues: Entries<'a, Issue<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Options<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
}

#[derive(Deserialize)]
pub struct Issue<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub remedy_guidance: Text<'a>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub cwe: Text<'a>,
    #[serde(borrow, default)]
    pub cwe_url: Text<'a>,
    #[serde(borrow, default)]
    pub references: Pairs<Text<'a>, Text<'a>>,
    #[serde(borrow, default)]
    pub check: Object<Check<'a>>,
    #[serde(borrow, default)]
    pub vector: Object<Vector<'a>>,
    #[serde(borrow, default)]
    pub request: Object<Request<'a>>,
    #[serde(borrow, default)]
    pub proof: Text<'a>,
    #[serde(borrow, default)]
    pub signature: Text<'a>,
    #[serde(borrow, default)]
    pub trusted: Text<'a>,
    #[serde(borrow, default)]
    pub digest: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Check<'a> {
    #[serde(borrow)]
    pub shortname: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Vector<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub url: Text<'a>,
    #[serde(borrow)]
    pub action: Text<'a>,
    #[serde(borrow)]
    pub source: Text<'a>,
    #[serde(borrow)]
    pub method: Text<'a>,
    #[serde(borrow)]
    pub affected_input_name: Text<'a>,
    #[serde(borrow)]
    pub affected_input_value: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    #[serde(borrow)]
    pub method: Text<'a>,
    #[serde(borrow)]
    pub headers_string: Text<'a>,
    #[serde(borrow)]
    pub body: Text<'a>,
}
