//! The parts of Wapiti's JSON that are read; its XML is read into them, too.

use serde::Deserialize;

use crate::reports::read::json::{Entries, Object, Pairs};
use crate::reports::read::text::Text;

/// Findings by the name of their class.
pub type Classes<'a> = Pairs<Text<'a>, Entries<'a, Entry<'a>>>;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub infos: Object<Infos<'a>>,
    #[serde(borrow)]
    pub classifications: Pairs<Text<'a>, Object<Class<'a>>>,
    #[serde(borrow)]
    pub vulnerabilities: Classes<'a>,
    #[serde(borrow)]
    pub anomalies: Classes<'a>,
    #[serde(borrow)]
    pub additionals: Classes<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Infos<'a> {
    #[serde(borrow)]
    pub target: Text<'a>,
    #[serde(borrow)]
    pub date: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Class<'a> {
    #[serde(borrow, rename = "desc")]
    pub description: Text<'a>,
    #[serde(borrow, rename = "sol")]
    pub solution: Text<'a>,
    #[serde(borrow, rename = "ref")]
    pub references: Pairs<Text<'a>, Text<'a>>,
}

#[derive(Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(default)]
pub struct Entry<'a> {
    #[serde(borrow)]
    pub method: Text<'a>,
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub level: Text<'a>,
    #[serde(borrow)]
    pub parameter: Text<'a>,
    #[serde(borrow)]
    pub info: Text<'a>,
    #[serde(borrow)]
    pub module: Text<'a>,
    #[serde(borrow)]
    pub http_request: Text<'a>,
}
