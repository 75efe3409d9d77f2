//! Observations that people enter by hand (DD-25): each branch has a source of the tool `manual` for them, whose newest
//! scan is the newest entry.

use serde::Deserialize;
use utoipa::ToSchema;

use super::model::SourceKey;
use super::repo::{self, NewestScan};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::assessments::tail::{self, Cause};
use crate::assets;
use crate::assets::model::AssetKind;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{AssetId, BranchId, ComponentId, ObservationId, ProductId, ScanSourceId, VulnerabilityId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::model::Pair;
use crate::issues::recompute;
use crate::observations::catalogue::{self, ComponentKey};
use crate::observations::model::{Observation, ObservationDetails, Vulnerability};
use crate::observations::repo::counts::Deltas;
use crate::observations::status::ObservationStatus;
use crate::observations::{apply, evidence};
use crate::products;
use crate::products::model::Product;
use crate::tracker_configs::wishes;

/// The tool of what is entered by hand.
pub const MANUAL: &str = "manual";

/// An observation to enter.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateObservation)]
pub struct NewObservation {
    /// The product that it is of.
    pub product_id: ProductId,
    /// The branch; without one, the observation belongs to none.
    pub branch_id: Option<BranchId>,
    /// One line.
    #[schema(min_length = 1, max_length = 500, example = "Passwords are logged")]
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: Markdown or plain text.
    #[serde(default)]
    #[schema(max_length = 100000, example = "The login form echoes its input.")]
    pub description: String,
    /// What to do about it.
    #[schema(max_length = 100000, example = "Upgrade to 4.17.21 or later.")]
    pub remediation: Option<String>,
    /// Its ids (CVE, GHSA, …), the most important first. With one, it is an observation of the vulnerability that others
    /// report by this id, too.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["CVE-2021-44228"]))]
    pub vulnerability_ids: Vec<String>,
    /// CWE numbers.
    #[serde(default)]
    #[schema(max_items = 50, example = json!([532]))]
    pub cwes: Vec<u32>,
    /// CVSS v3 vector.
    #[schema(max_length = 200, example = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")]
    pub cvss3: Option<String>,
    /// Links.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub references: Vec<String>,
    /// What it was found on; without one, the product itself.
    pub asset: Option<NewAsset>,
    /// In which component.
    pub component: Option<NewComponent>,
    /// Where in the asset: a path, a URL, a port, a resource.
    #[serde(default)]
    #[schema(max_length = 2000, example = "src/login.rs")]
    pub location: String,
    /// The line there.
    #[schema(minimum = 1, example = 42)]
    pub line: Option<i32>,
    /// The version in which it is fixed.
    #[schema(max_length = 200, example = "4.17.21")]
    pub fixed_version: Option<String>,
    /// Somebody has confirmed it.
    #[serde(default)]
    pub is_verified: bool,
}

/// What it was found on, by kind and name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAsset {
    /// The kind.
    pub kind: AssetKind,
    /// The name.
    #[schema(min_length = 1, max_length = 500, example = "registry.example.com/shop")]
    pub name: String,
}

/// A component, by what makes it one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComponent {
    /// The name.
    #[schema(min_length = 1, max_length = 500, example = "log4j-core")]
    pub name: String,
    /// The version.
    #[serde(default)]
    #[schema(max_length = 200, example = "2.14.1")]
    pub version: String,
    /// The package URL.
    #[serde(default)]
    #[schema(max_length = 1000, example = "pkg:npm/lodash@4.17.20")]
    pub purl: String,
}

impl NewObservation {
    fn check(&self) -> Result<(), ApiError> {
        let mut faults = Faults::default();
        let mut fits = |pointer: &str, text: &str, least: usize, most: usize| {
            let detail = format!("must have {least} to {most} characters");
            faults.require((least..=most).contains(&text.trim().chars().count()), pointer, &detail);
        };
        fits("/title", &self.title, 1, 500);
        fits("/description", &self.description, 0, 100_000);
        fits("/remediation", self.remediation.as_deref().unwrap_or(""), 0, 100_000);
        fits("/cvss3", self.cvss3.as_deref().unwrap_or(""), 0, 200);
        fits("/location", &self.location, 0, 2_000);
        fits("/fixed_version", self.fixed_version.as_deref().unwrap_or(""), 0, 200);
        if let Some(asset) = &self.asset {
            fits("/asset/name", &asset.name, 1, 500);
        }
        if let Some(component) = &self.component {
            fits("/component/name", &component.name, 1, 500);
            fits("/component/version", &component.version, 0, 200);
            fits("/component/purl", &component.purl, 0, 1_000);
        }
        for (n, id) in self.vulnerability_ids.iter().enumerate().take(50) {
            fits(&format!("/vulnerability_ids/{n}"), id, 1, 200);
        }
        for (n, link) in self.references.iter().enumerate().take(50) {
            fits(&format!("/references/{n}"), link, 1, 2_000);
        }
        let lists = [
            ("/vulnerability_ids", self.vulnerability_ids.len()),
            ("/cwes", self.cwes.len()),
            ("/references", self.references.len()),
        ];
        for (pointer, items) in lists {
            faults.require(items <= 50, pointer, "may have at most 50 items");
        }
        faults.require(self.line.is_none_or(|line| line > 0), "/line", "must be 1 or more");
        faults.finish()
    }
}

/// Enters an observation.
///
/// # Errors
/// `Forbidden`, `Invalid`; `NotFound` for a product or branch that is not there or hidden.
pub fn create(conn: &mut Conn, caller: &Caller, new: &NewObservation, now: UtcTime) -> Result<ObservationId, ApiError> {
    let product = products::service::require(conn, caller, new.product_id)?;
    caller.require(Permission::Write)?;
    new.check()?;
    let branch = branch(conn, &product, new.branch_id)?;
    let place = Place {
        source: source(conn, &product, branch, now)?,
        asset: asset(conn, &product, new, now)?,
        vulnerability: vulnerability(conn, &product, new, now)?,
        component: component(conn, caller, new)?,
    };
    let row = row(&product, branch, &place, new, now);
    apply::insert(conn, std::slice::from_ref(&row))?;
    apply::insert_details(conn, &details(new, &row))?;
    let mut counts = Deltas::default();
    counts.add(row.product_id, row.source_id, row.status, row.severity, 1);
    counts.apply(conn, row.organization_id)?;
    let cause = Cause { actor: caller.actor, at: now, comment: Some("entered by hand") };
    let entry = tail::entry(row.organization_id, row.id, "status", None, Some(row.status.to_string()), cause);
    apply::insert_history(conn, &[entry])?;
    let pair = Pair { branch, vulnerability: row.vulnerability_id, asset: row.asset_id };
    let changed = recompute::of_pairs(conn, row.organization_id, &[pair], now)?;
    wishes::record_issues(conn, row.organization_id, &changed, now)?;
    tail::tell(conn, row.organization_id, [(row.product_id, row.id)], now)?;
    Ok(row.id)
}

/// What an observation points at.
struct Place {
    source: ScanSourceId,
    asset: AssetId,
    vulnerability: VulnerabilityId,
    component: Option<ComponentId>,
}

fn branch(conn: &mut Conn, product: &Product, named: Option<BranchId>) -> Result<BranchId, ApiError> {
    use products::repo::branches;
    let (organization, id) = (product.organization_id, product.id);
    let found = match named {
        Some(branch) => branches::find(conn, organization, id, branch)?,
        None => branches::find_by_name(conn, organization, id, "")?,
    };
    let missing = || ApiError::not_found("branch", named.map(|id| id.to_string()).unwrap_or_default());
    found.map(|branch| branch.id).ok_or_else(missing)
}

fn source(conn: &mut Conn, product: &Product, branch: BranchId, now: UtcTime) -> Result<ScanSourceId, ApiError> {
    let key = SourceKey { product: product.id, branch, engagement: None, tool: MANUAL.to_owned(), name: String::new() };
    let source = repo::lock_source(conn, product.organization_id, &key, now)?;
    let newest = NewestScan {
        latest_scan_id: source.latest_scan_id,
        latest_scan_at: Some(now),
        latest_reported_at: None,
        latest_report_hash: None,
        latest_sequence: source.latest_sequence + 1,
        closes_held_at: source.closes_held_at,
        retired_at: None,
    };
    repo::set_newest(conn, product.organization_id, source.id, &newest)?;
    Ok(source.id)
}

fn asset(conn: &mut Conn, product: &Product, new: &NewObservation, now: UtcTime) -> Result<AssetId, ApiError> {
    let (kind, name) = match &new.asset {
        Some(asset) => (asset.kind, asset.name.trim()),
        None => (AssetKind::Repository, product.name.as_str()),
    };
    let found = assets::repo::resolve(conn, product.organization_id, &[(kind, name)], now)?;
    found.first().copied().ok_or_else(|| ApiError::internal("an asset was not made"))
}

fn component(conn: &mut Conn, caller: &Caller, new: &NewObservation) -> Result<Option<ComponentId>, ApiError> {
    let Some(component) = &new.component else { return Ok(None) };
    let text = |text: &str| text.trim().to_owned();
    let key: ComponentKey = (text(&component.name), text(&component.version), text(&component.purl));
    let keys = std::slice::from_ref(&key);
    catalogue::insert_components(conn, caller.organization, keys)?;
    Ok(catalogue::component_ids(conn, caller.organization, keys)?.remove(&key))
}

/// The vulnerability by its first id; without one, it is the product's own, so that nothing of a hidden product shows
/// up elsewhere.
fn vulnerability(
    conn: &mut Conn,
    product: &Product,
    new: &NewObservation,
    now: UtcTime,
) -> Result<VulnerabilityId, ApiError> {
    let organization = product.organization_id;
    let own_key = || format!("{MANUAL}:{}:{}", product.id, new.title.trim().to_lowercase());
    let key = new.vulnerability_ids.first().map_or_else(own_key, |id| id.trim().to_owned());
    let mut rows = [vulnerability_row(product, new, &key, now)];
    catalogue::insert_vulnerabilities(conn, &mut rows)?;
    let stored = catalogue::vulnerability_ids(conn, organization, &[&key])?.remove(&key);
    let id = stored.ok_or_else(|| ApiError::internal("a vulnerability was not made"))?;
    if id == rows[0].id {
        let alias = |alias: &String| (alias.trim().to_owned(), id);
        let mut aliases: Vec<_> = new.vulnerability_ids.iter().map(alias).collect();
        catalogue::insert_aliases(conn, organization, &mut aliases)?;
        let number = |cwe: &u32| Some((i32::try_from(*cwe).ok()?, id));
        let mut cwes: Vec<_> = new.cwes.iter().filter_map(number).collect();
        catalogue::insert_cwes(conn, organization, &mut cwes)?;
    }
    Ok(id)
}

fn vulnerability_row(product: &Product, new: &NewObservation, key: &str, now: UtcTime) -> Vulnerability {
    let title = new.title.trim().to_owned();
    Vulnerability {
        organization_id: product.organization_id,
        id: VulnerabilityId::generate(),
        vulnerability_key: key.to_owned(),
        search: format!("{} {title}", new.vulnerability_ids.join(" ")).to_lowercase(),
        title,
        severity: new.severity,
        description: new.description.clone(),
        remediation: new.remediation.clone(),
        cwe: new.cwes.first().and_then(|cwe| i32::try_from(*cwe).ok()),
        cwes_json: serde_json::json!(new.cwes).to_string(),
        cvss2: None,
        cvss3: new.cvss3.clone(),
        cvss4: None,
        cvss_score: None,
        epss: None,
        is_known_exploited: false,
        references_json: serde_json::json!(new.references).to_string(),
        version: 1,
        created_at: now,
    }
}

fn row(product: &Product, branch: BranchId, place: &Place, new: &NewObservation, now: UtcTime) -> Observation {
    let (id, status) = (ObservationId::generate(), ObservationStatus::Open);
    Observation {
        organization_id: product.organization_id,
        id,
        source_id: place.source,
        product_id: product.id,
        branch_id: branch,
        asset_id: place.asset,
        vulnerability_id: place.vulnerability,
        component_id: place.component,
        // No scan will ever look for it.
        fingerprint: id.0.as_bytes().to_vec(),
        tool_fingerprint: None,
        status,
        is_active: status.is_active(),
        severity: new.severity,
        scan_severity: new.severity,
        scan_status: None,
        assessed_status: None,
        assessed_severity: None,
        assessment_expires_at: None,
        duplicate_of: None,
        is_verified: new.is_verified,
        location: new.location.trim().to_owned(),
        line: new.line,
        content_hash: 0,
        first_seen_at: now,
        last_seen_at: None,
        status_changed_at: now,
        version: 1,
        ticket_state: None,
    }
}

/// Its own words, since the vulnerability may have others.
fn details(new: &NewObservation, row: &Observation) -> Vec<ObservationDetails> {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    vec![ObservationDetails {
        organization_id: row.organization_id,
        observation_id: row.id,
        title: text(&new.title),
        description: text(&new.description),
        snippet: None,
        fixed_version: new.fixed_version.as_deref().and_then(text),
        evidence_json: evidence::Evidence::default().to_json(),
    }]
}
