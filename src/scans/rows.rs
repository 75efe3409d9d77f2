//! From findings to rows: the shared rows they point at, and their own.

use std::collections::{BTreeSet, HashMap};

use diesel::QueryResult;

use super::fingerprint::Print;
use super::model::UploadSettings;
use super::prepare::{self, Prepared};
use crate::assets;
use crate::assets::model::AssetKind;
use crate::base::ids::{
    AssetId, BranchId, ComponentId, ObservationId, OrganizationId, ProductId, ScanSourceId, VulnerabilityId,
};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::observations::catalogue::{self, ComponentKey};
use crate::observations::model::{Observation, ObservationDetails, Vulnerability};
use crate::observations::status::{self, ObservationStatus};
use crate::reports::report::{self, Finding, Report};

/// The ids of the rows that a report's new findings point at, by index into the report.
#[derive(Debug, Default)]
pub struct SharedRows {
    vulnerabilities: HashMap<usize, VulnerabilityId>,
    assets: HashMap<usize, AssetId>,
    default_asset: Option<AssetId>,
    components: HashMap<usize, ComponentId>,
}

impl SharedRows {
    /// Finds or makes the rows that these findings of a report point at.
    pub fn resolve(
        conn: &mut Conn,
        organization: OrganizationId,
        prepared: &Prepared,
        findings: impl Iterator<Item = usize> + Clone,
        now: UtcTime,
    ) -> QueryResult<Self> {
        let used = |of: fn(&Finding<&str>) -> Option<usize>| -> BTreeSet<usize> {
            findings.clone().filter_map(|index| of(&prepared.report.findings.at(index))).collect()
        };
        let (kind, name) = (AssetKind::Repository, prepared.default_asset.as_str());
        let needs_default = findings.clone().any(|index| prepared.report.findings.at(index).asset.is_none());
        let default_asset = if needs_default {
            assets::repo::resolve(conn, organization, &[(kind, name)], now)?.first().copied()
        } else {
            None
        };
        Ok(Self {
            vulnerabilities: vulnerabilities(conn, organization, prepared, used(|f| Some(f.vulnerability)), now)?,
            assets: named_assets(conn, organization, prepared, used(|f| f.asset), now)?,
            default_asset,
            components: components(conn, organization, prepared, used(|f| f.component))?,
        })
    }
}

fn vulnerabilities(
    conn: &mut Conn,
    organization: OrganizationId,
    prepared: &Prepared,
    used: BTreeSet<usize>,
    now: UtcTime,
) -> QueryResult<HashMap<usize, VulnerabilityId>> {
    let known = &prepared.report.vulnerabilities;
    let keys: Vec<&str> = used.iter().map(|index| known.key(*index)).collect();
    let mut ids = catalogue::vulnerability_ids(conn, organization, &keys)?;
    let is_missing = |index: &&usize| !ids.contains_key(known.key(**index));
    let missing: HashMap<&str, report::Vulnerability<&str>> =
        used.iter().filter(is_missing).map(|index| (known.key(*index), known.at(*index))).collect();
    if !missing.is_empty() {
        let mut rows: Vec<_> = missing.values().map(|v| vulnerability_row(organization, v, now)).collect();
        catalogue::insert_vulnerabilities(conn, &mut rows)?;
        // Another import may have brought some of them first: what is stored counts.
        let keys: Vec<&str> = missing.keys().copied().collect();
        let stored = catalogue::vulnerability_ids(conn, organization, &keys)?;
        let mut aliases: Vec<_> = missing
            .values()
            .flat_map(|v| v.ids.iter().filter_map(|alias| Some(((*alias).to_owned(), *stored.get(v.key)?))))
            .collect();
        catalogue::insert_aliases(conn, organization, &mut aliases)?;
        let is_ours = |row: &&Vulnerability| stored.get(&row.vulnerability_key) == Some(&row.id);
        let cwes_of = |row: &Vulnerability| missing.get(row.vulnerability_key.as_str()).map_or(&[][..], |v| &v.cwes);
        let numbers = |row: &Vulnerability| cwes_of(row).iter().filter_map(|cwe| i32::try_from(*cwe).ok());
        let mut cwes: Vec<_> =
            rows.iter().filter(is_ours).flat_map(|row| numbers(row).map(|cwe| (cwe, row.id))).collect();
        catalogue::insert_cwes(conn, organization, &mut cwes)?;
        ids.extend(stored);
    }
    Ok(used.into_iter().filter_map(|index| Some((index, *ids.get(known.key(index))?))).collect())
}

fn vulnerability_row(organization: OrganizationId, of: &report::Vulnerability<&str>, now: UtcTime) -> Vulnerability {
    let json = |list: serde_json::Result<String>| list.unwrap_or_else(|_| "[]".to_owned());
    let some = |text: Option<&str>| text.map(str::to_owned);
    let mut search = format!("{} {}", of.key, of.title);
    for id in of.ids.iter().filter(|id| **id != of.key) {
        search.push(' ');
        search.push_str(id);
    }
    Vulnerability {
        organization_id: organization,
        id: VulnerabilityId::generate(),
        vulnerability_key: of.key.to_owned(),
        title: of.title.to_owned(),
        severity: of.severity,
        description: of.description.to_owned(),
        remediation: some(of.remediation),
        cwe: of.cwes.first().and_then(|cwe| i32::try_from(*cwe).ok()),
        cwes_json: json(serde_json::to_string(&of.cwes)),
        cvss2: some(of.cvss2),
        cvss3: some(of.cvss3),
        cvss4: some(of.cvss4),
        cvss_score: of.cvss_score,
        epss: of.epss,
        is_known_exploited: of.known_exploited,
        references_json: json(serde_json::to_string(&of.references)),
        search: search.to_lowercase(),
        version: 1,
        created_at: now,
    }
}

fn named_assets(
    conn: &mut Conn,
    organization: OrganizationId,
    prepared: &Prepared,
    used: BTreeSet<usize>,
    now: UtcTime,
) -> QueryResult<HashMap<usize, AssetId>> {
    if used.is_empty() {
        return Ok(HashMap::new());
    }
    let named: Vec<(AssetKind, &str)> = used
        .iter()
        .map(|index| prepared.report.assets.at(*index))
        .map(|asset| (AssetKind::from(asset.kind), asset.name))
        .collect();
    let ids = assets::repo::resolve(conn, organization, &named, now)?;
    Ok(used.into_iter().zip(ids).collect())
}

fn components(
    conn: &mut Conn,
    organization: OrganizationId,
    prepared: &Prepared,
    used: BTreeSet<usize>,
) -> QueryResult<HashMap<usize, ComponentId>> {
    let key_of = |index: &usize| -> ComponentKey {
        let component = prepared.report.components.at(*index);
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        (component.name.to_owned(), text(component.version), text(component.purl))
    };
    let keys: Vec<ComponentKey> = used.iter().map(key_of).collect();
    let mut ids = catalogue::component_ids(conn, organization, &keys)?;
    let missing: BTreeSet<ComponentKey> = keys.iter().filter(|key| !ids.contains_key(*key)).cloned().collect();
    if !missing.is_empty() {
        let missing: Vec<ComponentKey> = missing.into_iter().collect();
        catalogue::insert_components(conn, organization, &missing)?;
        ids.extend(catalogue::component_ids(conn, organization, &missing)?);
    }
    Ok(used.into_iter().zip(keys).filter_map(|(index, key)| Some((index, *ids.get(&key)?))).collect())
}

/// Makes the rows of one report's findings.
pub struct RowMaker<'a> {
    /// The report.
    pub prepared: &'a Prepared,
    /// What its findings point at.
    pub shared: &'a SharedRows,
    /// The organization.
    pub organization: OrganizationId,
    /// The product.
    pub product: ProductId,
    /// The branch.
    pub branch: BranchId,
    /// The source.
    pub source: ScanSourceId,
    /// What was asked for.
    pub settings: &'a UploadSettings,
    /// When this is written.
    pub now: UtcTime,
}

impl RowMaker<'_> {
    /// The row of a new observation.
    pub fn observation(&self, index: usize, id: ObservationId, fingerprint: Print) -> QueryResult<Observation> {
        let (finding, prints) = (self.prepared.report.findings.at(index), &self.prepared.prints[index]);
        let scan_status = prepare::status_of(&finding);
        let waits = self.settings.to_review && scan_status.is_none();
        let assessed_status = waits.then_some(ObservationStatus::InReview);
        let status = status::current(true, assessed_status, scan_status);
        let severity = finding.severity_in(&self.prepared.report);
        let asset = match finding.asset {
            Some(asset) => self.shared.assets.get(&asset).copied(),
            None => self.shared.default_asset,
        };
        let vulnerability = self.shared.vulnerabilities.get(&finding.vulnerability).copied();
        let missing = diesel::result::Error::NotFound;
        let (Some(asset_id), Some(vulnerability_id)) = (asset, vulnerability) else { return Err(missing) };
        Ok(Observation {
            organization_id: self.organization,
            id,
            source_id: self.source,
            product_id: self.product,
            branch_id: self.branch,
            asset_id,
            vulnerability_id,
            component_id: finding.component.and_then(|component| self.shared.components.get(&component).copied()),
            fingerprint: fingerprint.to_vec(),
            tool_fingerprint: prints.tool.map(Print::to_vec),
            status,
            is_active: status.is_active(),
            severity,
            scan_severity: severity,
            scan_status,
            assessed_status,
            assessed_severity: None,
            assessment_expires_at: None,
            duplicate_of: None,
            is_verified: self.settings.verified,
            location: prepare::location_of(&finding),
            line: line_of(&finding),
            content_hash: prints.content,
            first_seen_at: self.prepared.scanned_at,
            last_seen_at: None,
            status_changed_at: self.now,
            version: 1,
            ticket_state: None,
        })
    }
}

/// The wide text of a finding, where it has any of its own.
#[must_use]
pub fn details(
    organization: OrganizationId,
    report: &Report,
    index: usize,
    id: ObservationId,
) -> Option<ObservationDetails> {
    let finding = report.findings.at(index);
    let shared = report.glance(finding.vulnerability);
    let some = |text: Option<&str>| text.map(str::to_owned);
    let own = |text: Option<&str>, shared: &str| some(text.filter(|text| *text != shared));
    let details = ObservationDetails {
        organization_id: organization,
        observation_id: id,
        title: own(finding.title, shared.title),
        description: own(finding.description, shared.description),
        snippet: some(finding.location.snippet),
        fixed_version: some(finding.fixed_version),
        evidence_json: prepare::evidence_of(&finding).to_json(),
    };
    let texts =
        [&details.title, &details.description, &details.snippet, &details.fixed_version, &details.evidence_json];
    texts.iter().any(|text| text.is_some()).then_some(details)
}

/// The first line of a finding, as stored.
#[must_use]
pub fn line_of(finding: &Finding<&str>) -> Option<i32> {
    finding.location.line.and_then(|line| i32::try_from(line).ok())
}
