//! The parts of Checkov's JSON that are read.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Framework<'a> {
    #[serde(borrow)]
    pub check_type: Text<'a>,
    #[serde(borrow)]
    pub results: Object<Results<'a>>,
    #[serde(borrow)]
    pub summary: Object<Summary<'a>>,
    #[serde(borrow)]
    pub checkov_version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Results<'a> {
    #[serde(borrow)]
    pub failed_checks: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    pub skipped_checks: Entries<'a, Check<'a>>,
    #[serde(borrow)]
    pub parsing_errors: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Summary<'a> {
    #[serde(borrow)]
    pub checkov_version: Text<'a>,
}

#[derive(Deserialize)]
pub struct Check<'a> {
    #[serde(borrow)]
    pub check_id: Text<'a>,
    #[serde(borrow, default)]
    pub bc_check_id: Text<'a>,
    #[serde(borrow, default)]
    pub check_name: Text<'a>,
    #[serde(borrow, default)]
    pub check_result: Object<CheckResult<'a>>,
    #[serde(borrow, default)]
    pub severity: Text<'a>,
    #[serde(borrow, default)]
    pub description: Text<'a>,
    #[serde(borrow, default)]
    pub guideline: Text<'a>,
    #[serde(borrow, default)]
    pub file_path: Text<'a>,
    #[serde(borrow, default)]
    pub repo_file_path: Text<'a>,
    #[serde(default)]
    pub file_line_range: List<Number>,
    /// Number and text of each line.
    #[serde(borrow, default)]
    pub code_block: List<List<Text<'a>>>,
    #[serde(borrow, default)]
    pub resource: Text<'a>,
    #[serde(borrow, default)]
    pub caller_file_path: Text<'a>,
    #[serde(borrow, default)]
    pub vulnerability_details: Object<PackageVulnerability<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CheckResult<'a> {
    #[serde(borrow)]
    pub suppress_comment: Text<'a>,
    #[serde(borrow)]
    pub evaluated_keys: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PackageVulnerability<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub package_name: Text<'a>,
    #[serde(borrow)]
    pub package_version: Text<'a>,
    #[serde(borrow)]
    pub link: Text<'a>,
    pub cvss: Number,
    #[serde(borrow)]
    pub vector: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub lowest_fixed_version: Text<'a>,
    #[serde(borrow)]
    pub fix_version: Text<'a>,
}
