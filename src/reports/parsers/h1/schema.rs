//! The parts of HackerOne's JSON that are read: its export's columns, and its API's report with what it relates to.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::Text;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub findings: Entries<'a, Case<'a>>,
    #[serde(borrow)]
    pub data: Entries<'a, ApiReport<'a>>,
}

/// A report by the columns of the export; description and CWE are only known to the API.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Case<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub severity_rating: Text<'a>,
    #[serde(borrow)]
    pub severity_score: Text<'a>,
    #[serde(borrow)]
    pub state: Text<'a>,
    #[serde(borrow)]
    pub substate: Text<'a>,
    #[serde(borrow)]
    pub weakness: Text<'a>,
    #[serde(borrow)]
    pub reported_at: Text<'a>,
    #[serde(borrow)]
    pub triaged_at: Text<'a>,
    #[serde(borrow)]
    pub closed_at: Text<'a>,
    #[serde(borrow)]
    pub reporter: Text<'a>,
    #[serde(borrow)]
    pub assigned: Text<'a>,
    #[serde(borrow)]
    pub reference: Text<'a>,
    #[serde(borrow)]
    pub reference_url: Text<'a>,
    #[serde(borrow)]
    pub structured_scope: Text<'a>,
    #[serde(borrow)]
    pub original_report_id: Text<'a>,
    #[serde(borrow)]
    pub cve_ids: Text<'a>,
    #[serde(skip)]
    pub description: Text<'a>,
    #[serde(skip)]
    pub cwe: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ApiReport<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub attributes: Object<Attributes<'a>>,
    #[serde(borrow)]
    pub relationships: Object<Relationships<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Attributes<'a> {
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub state: Text<'a>,
    #[serde(borrow)]
    pub created_at: Text<'a>,
    #[serde(borrow)]
    pub triaged_at: Text<'a>,
    #[serde(borrow)]
    pub closed_at: Text<'a>,
    #[serde(borrow)]
    pub vulnerability_information: Text<'a>,
    #[serde(borrow)]
    pub cve_ids: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Relationships<'a> {
    #[serde(borrow)]
    pub reporter: Object<Related<User<'a>>>,
    #[serde(borrow)]
    pub assignee: Object<Related<User<'a>>>,
    #[serde(borrow)]
    pub severity: Object<Related<Rating<'a>>>,
    #[serde(borrow)]
    pub weakness: Object<Related<Weakness<'a>>>,
    #[serde(borrow)]
    pub structured_scope: Object<Related<Scope<'a>>>,
}

/// A related thing, as JSON:API wraps it.
#[derive(Default, Deserialize)]
#[serde(default, bound = "T: Deserialize<'de> + Default")]
pub struct Related<T> {
    pub data: Object<Wrapped<T>>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "T: Deserialize<'de> + Default")]
pub struct Wrapped<T> {
    pub attributes: Object<T>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct User<'a> {
    #[serde(borrow)]
    pub username: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Rating<'a> {
    #[serde(borrow)]
    pub rating: Text<'a>,
    #[serde(borrow)]
    pub score: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Weakness<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub external_id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Scope<'a> {
    #[serde(borrow)]
    pub asset_identifier: Text<'a>,
}
