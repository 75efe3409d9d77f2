//! The parts of ggshield's JSON that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Scan<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub extra_info: Object<Commit<'a>>,
    #[serde(borrow)]
    pub entities_with_incidents: List<Entity<'a>>,
    /// Of the comparison of two states: what is new, and what was there before.
    #[serde(borrow)]
    pub added_vulns: List<Entity<'a>>,
    #[serde(borrow)]
    pub persisting_vulns: List<Entity<'a>>,
    #[serde(borrow)]
    pub scans: List<Scan<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Commit<'a> {
    #[serde(skip)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub author: Text<'a>,
    #[serde(borrow)]
    pub email: Text<'a>,
    #[serde(borrow)]
    pub date: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Entity<'a> {
    #[serde(borrow)]
    pub filename: Text<'a>,
    #[serde(borrow)]
    pub incidents: Entries<'a, Incident<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Incident<'a> {
    #[serde(borrow)]
    pub policy: Text<'a>,
    #[serde(borrow)]
    pub policy_id: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub documentation_url: Text<'a>,
    #[serde(borrow)]
    pub component: Text<'a>,
    #[serde(borrow)]
    pub validity: Text<'a>,
    #[serde(borrow)]
    pub ignore_sha: Text<'a>,
    #[serde(borrow)]
    pub incident_url: Text<'a>,
    pub ignored: Option<bool>,
    #[serde(borrow)]
    pub ignore_reason: Object<IgnoreReason<'a>>,
    pub line_start: Number,
    pub line_end: Number,
    #[serde(borrow)]
    pub occurrences: List<Occurrence<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct IgnoreReason<'a> {
    #[serde(borrow)]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub detail: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Occurrence<'a> {
    #[serde(borrow, rename = "match")]
    pub found: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    pub line_start: Number,
    pub line_end: Number,
}
