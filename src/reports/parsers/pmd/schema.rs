//! The parts of PMD's JSON that are read; its other formats are read into a [`Violation`], too.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub pmd_version: Text<'a>,
    #[serde(borrow)]
    pub timestamp: Text<'a>,
    #[serde(borrow)]
    pub files: List<Source<'a>>,
    #[serde(borrow)]
    pub suppressed_violations: Entries<'a, Suppressed<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Source<'a> {
    #[serde(borrow)]
    pub filename: Text<'a>,
    #[serde(borrow)]
    pub violations: Entries<'a, Violation<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Violation<'a> {
    #[serde(borrow)]
    pub rule: Text<'a>,
    #[serde(borrow)]
    pub ruleset: Text<'a>,
    #[serde(borrow)]
    pub priority: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(rename = "beginline")]
    pub begin_line: Number,
    #[serde(rename = "endline")]
    pub end_line: Number,
    #[serde(borrow, rename = "externalInfoUrl")]
    pub external_info_url: Text<'a>,
    #[serde(skip)]
    pub package: Text<'a>,
    #[serde(skip)]
    pub class: Text<'a>,
    #[serde(skip)]
    pub method: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Suppressed<'a> {
    #[serde(borrow)]
    pub filename: Text<'a>,
    #[serde(borrow)]
    pub rule: Text<'a>,
    #[serde(borrow)]
    pub msg: Text<'a>,
    #[serde(rename = "beginline")]
    pub begin_line: Number,
    #[serde(borrow, rename = "suppressiontype")]
    pub suppression_type: Text<'a>,
    #[serde(borrow)]
    pub usermsg: Text<'a>,
}
