//! Observations as the API shows them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::assessments::browse::{Names, WholeObservation};
use crate::base::actor::ActorKind;
use crate::base::ids::{
    AssetId, BranchId, ComponentId, EngagementId, HistoryId, ObservationId, ProductId, ScanSourceId, VulnerabilityId,
};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::observations::evidence::Evidence;
use crate::observations::model::HistoryEntry;
use crate::observations::repo::facets::{Facet, FacetField, FacetValue};
use crate::observations::repo::rows::{ListedComponent, ListedObservation, ListedVulnerability};
use crate::observations::status::ObservationStatus;
use crate::observations::ticket_state::TicketState;

/// One vulnerability at one place, as one scan source reports it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObservationView {
    /// Its id.
    id: ObservationId,
    /// One line.
    #[schema(example = "Remote code execution in log4j-core")]
    title: String,
    /// What holds now: of the scans, and of what people say.
    status: ObservationStatus,
    /// Whether there should be an open ticket: `open`, `affected` or `in_review`.
    is_active: bool,
    /// Whether the newest scan of its source reports it.
    is_present: bool,
    /// The severity that holds now: the assessed one, else the tool's.
    severity: Severity,
    /// The tool's severity.
    scan_severity: Severity,
    /// Whether somebody has confirmed it.
    is_verified: bool,
    /// What was found.
    vulnerability: VulnerabilityBrief,
    /// The product.
    product: NamedProduct,
    /// The branch.
    branch: NamedBranch,
    /// The engagement of its source.
    engagement_id: Option<EngagementId>,
    /// What it was found on.
    asset: NamedAsset,
    /// In which component.
    component: Option<NamedComponent>,
    /// The version in which it is fixed.
    #[schema(example = "4.17.21")]
    fixed_version: Option<String>,
    /// The source that reports it.
    source: NamedSource,
    /// Where in the asset: a path, a URL, a port, a resource.
    #[schema(example = "src/login.rs")]
    location: String,
    /// The line there.
    #[schema(example = 42)]
    line: Option<i32>,
    /// When it was first reported.
    first_seen_at: UtcTime,
    /// When it was last reported.
    last_seen_at: UtcTime,
    /// When its status last changed.
    status_changed_at: UtcTime,
    /// When an accepted risk stops being accepted.
    assessment_expires_at: Option<UtcTime>,
    /// The original, of a duplicate.
    duplicate_of: Option<ObservationId>,
    /// What its ticket is; null without one.
    ticket_state: Option<TicketState>,
}

/// A vulnerability, in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct VulnerabilityBrief {
    /// Its id.
    id: VulnerabilityId,
    /// Its identity: the CVE or GHSA id, or `tool:rule`.
    #[schema(example = "CVE-2021-44228")]
    key: String,
    /// All its names.
    #[schema(example = json!(["CVE-2021-44228", "GHSA-jfh8-c2jp-5v3q"]))]
    names: Vec<String>,
    /// Its first CWE.
    #[schema(example = 502)]
    cwe: Option<i32>,
    /// The highest CVSS base score given.
    #[schema(example = 10.0)]
    cvss_score: Option<f64>,
    /// Its EPSS probability.
    #[schema(example = 0.042)]
    epss: Option<f64>,
    /// Whether it is in a catalogue of known exploited vulnerabilities.
    is_known_exploited: bool,
}

/// A product, in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedProduct {
    /// Its id.
    id: ProductId,
    /// Its name.
    #[schema(example = "shop")]
    name: String,
}

/// A branch, in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedBranch {
    /// Its id.
    id: BranchId,
    /// Its name; empty for what was scanned without a branch.
    #[schema(example = "main")]
    name: String,
}

/// An asset, in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedAsset {
    /// Its id.
    id: AssetId,
    /// Its kind.
    #[schema(example = "image")]
    kind: String,
    /// Its name.
    #[schema(example = "registry.example.com/shop")]
    name: String,
}

/// A library or package inside an asset.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedComponent {
    /// Its id.
    id: ComponentId,
    /// Its name.
    #[schema(example = "log4j-core")]
    name: String,
    /// Its version; empty where unknown.
    #[schema(example = "2.14.1")]
    version: String,
    /// Its package URL; empty where unknown.
    #[schema(example = "pkg:npm/lodash@4.17.20")]
    purl: String,
}

/// A scan source, in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedSource {
    /// Its id.
    id: ScanSourceId,
    /// Its tool.
    #[schema(example = "Trivy")]
    tool: String,
}

impl ObservationView {
    /// A row with the names of its vulnerability.
    pub(super) fn new(listed: ListedObservation, names: &Names) -> Self {
        let (title, fixed_version) = (listed.title().to_owned(), listed.fixed_version().map(str::to_owned));
        let last_seen_at = listed.last_seen_at();
        let ListedObservation { row, vulnerability, source, asset, component, .. } = listed;
        Self {
            id: row.id,
            title,
            status: row.status,
            is_active: row.status.is_active(),
            is_present: row.last_seen_at.is_none(),
            severity: row.severity,
            scan_severity: row.scan_severity,
            is_verified: row.is_verified,
            vulnerability: VulnerabilityBrief::new(vulnerability, names),
            product: NamedProduct { id: row.product_id, name: source.product_name },
            branch: NamedBranch { id: row.branch_id, name: source.branch_name },
            engagement_id: source.engagement_id,
            asset: NamedAsset { id: asset.id, kind: asset.kind, name: asset.name },
            component: component.map(NamedComponent::from),
            fixed_version,
            source: NamedSource { id: source.id, tool: source.tool },
            location: row.location,
            line: row.line,
            first_seen_at: row.first_seen_at,
            last_seen_at,
            status_changed_at: row.status_changed_at,
            assessment_expires_at: row.assessment_expires_at,
            duplicate_of: row.duplicate_of,
            ticket_state: row.ticket_state,
        }
    }
}

impl VulnerabilityBrief {
    fn new(vulnerability: ListedVulnerability, names: &Names) -> Self {
        let names = names.get(&vulnerability.id).cloned().unwrap_or_default();
        Self {
            id: vulnerability.id,
            names: all_names(&vulnerability.vulnerability_key, names),
            key: vulnerability.vulnerability_key,
            cwe: vulnerability.cwe,
            cvss_score: vulnerability.cvss_score,
            epss: vulnerability.epss,
            is_known_exploited: vulnerability.is_known_exploited,
        }
    }
}

impl From<ListedComponent> for NamedComponent {
    fn from(component: ListedComponent) -> Self {
        Self { id: component.id, name: component.name, version: component.component_version, purl: component.purl }
    }
}

/// The key first, where it is a name, then the others.
pub(in crate::api) fn all_names(key: &str, mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| name != key);
    names.insert(0, key.to_owned());
    names
}

/// An observation with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeObservationView {
    #[serde(flatten)]
    brief: ObservationView,
    /// What the report itself says about the state; it counts where nobody assessed.
    scan_status: Option<ObservationStatus>,
    /// What people say about the state.
    assessed_status: Option<ObservationStatus>,
    /// What people say about the severity.
    assessed_severity: Option<Severity>,
    /// What is wrong.
    description: String,
    /// What to do about it.
    remediation: Option<String>,
    /// The code at the place.
    snippet: Option<String>,
    /// Further facts of the report.
    evidence: Evidence,
    /// CWE numbers.
    cwes: Vec<u32>,
    /// CVSS v2 vector.
    cvss2: Option<String>,
    /// CVSS v3 vector.
    cvss3: Option<String>,
    /// CVSS v4 vector.
    cvss4: Option<String>,
    /// Links.
    references: Vec<String>,
}

impl From<WholeObservation> for WholeObservationView {
    fn from(whole: WholeObservation) -> Self {
        let (vulnerability, details) = (whole.vulnerability, whole.details);
        let evidence = Evidence::from_json(details.as_ref().and_then(|details| details.evidence_json.as_deref()));
        let own = details.as_ref().and_then(|details| details.description.clone());
        let names = Names::from([(vulnerability.id, whole.names)]);
        Self {
            brief: ObservationView::new(whole.listed, &names),
            scan_status: whole.row.scan_status,
            assessed_status: whole.row.assessed_status,
            assessed_severity: whole.row.assessed_severity,
            description: own.unwrap_or(vulnerability.description),
            remediation: vulnerability.remediation,
            snippet: details.and_then(|details| details.snippet),
            evidence,
            cwes: json_list(&vulnerability.cwes_json),
            cvss2: vulnerability.cvss2,
            cvss3: vulnerability.cvss3,
            cvss4: vulnerability.cvss4,
            references: json_list(&vulnerability.references_json),
        }
    }
}

/// A list as it was stored.
pub(in crate::api) fn json_list<T: serde::de::DeserializeOwned>(json: &str) -> Vec<T> {
    serde_json::from_str(json).unwrap_or_default()
}

/// One change of one field.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryView {
    /// Its id.
    id: HistoryId,
    /// When.
    at: UtcTime,
    /// What kind of actor changed it.
    actor_kind: ActorKind,
    /// The user or API token; null for Patchbay itself.
    actor_id: Option<Uuid>,
    /// What changed: `status`, `severity`, `is_verified`, `duplicate_of`, `assessment_expires_at`; and `assessed_status`
    /// or `assessed_severity` where what was said changes nothing of what holds.
    #[schema(example = "status")]
    field: String,
    /// Before.
    #[schema(example = "open")]
    old_value: Option<String>,
    /// After.
    #[schema(example = "false_positive")]
    new_value: Option<String>,
    /// Why.
    #[schema(example = "Not reachable from outside.")]
    comment: Option<String>,
}

impl From<HistoryEntry> for HistoryView {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor_kind: entry.actor_kind,
            actor_id: entry.actor_id.and_then(|id| Uuid::from_slice(&id).ok()),
            field: entry.field,
            old_value: entry.old_value,
            new_value: entry.new_value,
            comment: entry.comment,
        }
    }
}

/// How many observations there are of each kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetsView {
    /// One per field, each under all filters but its own.
    facets: Vec<FacetView>,
}

impl From<Vec<Facet>> for FacetsView {
    fn from(facets: Vec<Facet>) -> Self {
        Self { facets: facets.into_iter().map(FacetView::from).collect() }
    }
}

/// The counts of one field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetView {
    /// By what.
    field: FacetField,
    /// Counting stopped at 10,000 observations: the counts are lower bounds.
    is_capped: bool,
    /// The values with the most observations.
    #[schema(max_items = 100)]
    values: Vec<FacetValueView>,
}

/// How many observations have one value.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetValueView {
    /// The value, as the filter takes it.
    #[schema(example = "open")]
    value: String,
    /// The name of what the value identifies.
    #[schema(example = "shop")]
    name: Option<String>,
    /// How many.
    #[schema(example = 12)]
    observations: i64,
}

impl From<Facet> for FacetView {
    fn from(facet: Facet) -> Self {
        let value = |value: FacetValue| FacetValueView {
            value: value.value,
            name: value.name,
            observations: value.observations,
        };
        Self { field: facet.field, is_capped: facet.is_capped, values: facet.values.into_iter().map(value).collect() }
    }
}
