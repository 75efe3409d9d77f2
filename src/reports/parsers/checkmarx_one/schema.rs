//! The parts of Checkmarx One's results and reports that are read.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct File<'a> {
    #[serde(borrow)]
    pub results: Entries<'a, ScanResult<'a>>,
    #[serde(borrow)]
    pub report_header: Object<Header<'a>>,
    #[serde(borrow)]
    pub report_creation_date: Text<'a>,
    #[serde(borrow)]
    pub scan_results: Object<Sast<'a>>,
    #[serde(borrow)]
    pub iac_scan_results: Object<Iac<'a>>,
    #[serde(borrow)]
    pub sca_scan_results: Object<Sca<'a>>,
    #[serde(borrow)]
    pub vulnerability_details: List<Object<Advice<'a>>>,
    /// Only a report in GitLab's format has them here.
    pub vulnerabilities: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Header<'a> {
    #[serde(borrow)]
    pub project_name: Text<'a>,
}

/// A result as the API and the command line give it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScanResult<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub similarity_id: Text<'a>,
    #[serde(borrow)]
    pub state: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub first_found_at: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub data: Object<Detail<'a>>,
    #[serde(borrow)]
    pub vulnerability_details: Object<Ratings<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Detail<'a> {
    #[serde(borrow)]
    pub query_name: Text<'a>,
    #[serde(borrow)]
    pub rule_name: Text<'a>,
    #[serde(borrow)]
    pub group: Text<'a>,
    #[serde(borrow)]
    pub language_name: Text<'a>,
    #[serde(borrow)]
    pub nodes: List<Object<Node<'a>>>,
    #[serde(borrow)]
    pub platform: Text<'a>,
    #[serde(borrow)]
    pub expected_value: Text<'a>,
    #[serde(borrow)]
    pub value: Text<'a>,
    #[serde(borrow, rename = "filename", alias = "fileName")]
    pub file_name: Text<'a>,
    pub line: Number,
    #[serde(borrow)]
    pub snippet: Text<'a>,
    #[serde(borrow)]
    pub remediation: Text<'a>,
    #[serde(borrow)]
    pub package_data: List<Object<Link<'a>>>,
    #[serde(borrow)]
    pub package_identifier: Text<'a>,
    #[serde(borrow)]
    pub package_name: Text<'a>,
    #[serde(borrow)]
    pub package_version: Text<'a>,
    #[serde(borrow)]
    pub image_name: Text<'a>,
    #[serde(borrow)]
    pub sca_package_data: Object<PackageData<'a>>,
    #[serde(borrow)]
    pub recommended_version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Node<'a> {
    #[serde(borrow)]
    pub file_name: Text<'a>,
    pub line: Number,
    #[serde(borrow)]
    pub full_name: Text<'a>,
    #[serde(borrow)]
    pub method: Text<'a>,
    #[serde(borrow)]
    pub code: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Link<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PackageData<'a> {
    #[serde(borrow)]
    pub fix_link: Text<'a>,
    #[serde(borrow)]
    pub locations: List<Text<'a>>,
    #[serde(borrow)]
    pub type_of_dependency: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ratings<'a> {
    #[serde(borrow)]
    pub cwe_id: Text<'a>,
    pub cvss_score: Number,
    #[serde(borrow)]
    pub cve_name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sast<'a> {
    #[serde(borrow)]
    pub results_list: List<Object<Query<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Iac<'a> {
    #[serde(borrow)]
    pub technology: List<Object<Technology<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Technology<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub queries: List<Object<Query<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Query<'a> {
    #[serde(borrow)]
    pub query_name: Text<'a>,
    #[serde(borrow)]
    pub query_path: Text<'a>,
    #[serde(borrow)]
    pub query_description_link: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub category: Text<'a>,
    #[serde(borrow)]
    pub cwe_id: Text<'a>,
    /// Static analysis.
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, Instance<'a>>,
    /// Infrastructure as code.
    #[serde(borrow)]
    pub results_list: Entries<'a, Instance<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Instance<'a> {
    #[serde(borrow)]
    pub similarity_id: Text<'a>,
    #[serde(borrow)]
    pub state: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow, alias = "firstDetectionDate")]
    pub first_found_date: Text<'a>,
    #[serde(borrow)]
    pub source_file_name: Text<'a>,
    #[serde(borrow)]
    pub source_line: Text<'a>,
    #[serde(borrow, alias = "fileName")]
    pub destination_file_name: Text<'a>,
    pub destination_line: Number,
    #[serde(borrow)]
    pub destination_method: Text<'a>,
    #[serde(borrow)]
    pub destination_code: Text<'a>,
    #[serde(borrow)]
    pub result_viewer_link: Text<'a>,
    #[serde(borrow)]
    pub actual_value: Text<'a>,
    #[serde(borrow)]
    pub expected_value: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Sca<'a> {
    #[serde(borrow)]
    pub packages: List<Object<Package<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Package<'a> {
    #[serde(borrow)]
    pub package_name: Text<'a>,
    #[serde(borrow)]
    pub package_version: Text<'a>,
    #[serde(borrow)]
    pub package_id: Text<'a>,
    #[serde(borrow)]
    pub package_category: List<Object<PackageCategory<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PackageCategory<'a> {
    /// A CWE.
    #[serde(borrow)]
    pub category_name: Text<'a>,
    #[serde(borrow)]
    pub category_results: Entries<'a, PackageResult<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PackageResult<'a> {
    #[serde(borrow)]
    pub cve: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub state: Text<'a>,
    #[serde(borrow)]
    pub result_id: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub first_found_date: Text<'a>,
    pub score: Number,
}

/// What a report says about a CWE.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Advice<'a> {
    #[serde(borrow)]
    pub cwe_id: Text<'a>,
    #[serde(borrow)]
    pub cause: Text<'a>,
    #[serde(borrow)]
    pub risk: Text<'a>,
    #[serde(borrow)]
    pub general_recommendations: Text<'a>,
}
