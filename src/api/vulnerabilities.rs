//! Vulnerabilities: the unique findings.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::etag::etag;
use super::observations::views::{ObservationView, all_names, json_list};
use super::observations::{ObservationList, page_of_observations};
use super::query::{ListQuery, PageParams, Sorted};
use crate::access::model::Caller;
use crate::app::App;
use crate::assessments::browse;
use crate::base::error::ApiError;
use crate::base::ids::VulnerabilityId;
use crate::base::page::Page;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::observations::repo::vulnerabilities::{Counted, VulnerabilityFilter, VulnerabilitySort};

/// The routes of vulnerabilities.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_vulnerabilities).service(get_vulnerability).service(list_vulnerability_observations);
}

/// Which vulnerabilities, in which order.
type VulnerabilityList = Sorted<VulnerabilityFilter, VulnerabilitySort>;

/// A unique finding, with how often and where it was seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct VulnerabilityView {
    /// Its id.
    id: VulnerabilityId,
    /// Its identity: the CVE or GHSA id, or `tool:rule`.
    #[schema(example = "CVE-2021-44228")]
    key: String,
    /// All its names.
    #[schema(example = json!(["CVE-2021-44228", "GHSA-jfh8-c2jp-5v3q"]))]
    names: Vec<String>,
    /// One line.
    #[schema(example = "Remote code execution in log4j-core")]
    title: String,
    /// As the first source said.
    severity: Severity,
    /// CWE numbers.
    #[schema(example = json!([502]))]
    cwes: Vec<u32>,
    /// The highest CVSS base score given.
    #[schema(example = 10.0)]
    cvss_score: Option<f64>,
    /// Its EPSS probability.
    #[schema(example = 0.042)]
    epss: Option<f64>,
    /// Whether it is in a catalogue of known exploited vulnerabilities.
    is_known_exploited: bool,
    /// How many of its observations are active.
    #[schema(example = 3)]
    active_observations: i64,
    /// How many observations of it there are.
    #[schema(example = 5)]
    observations: i64,
    /// On how many assets it was observed.
    #[schema(example = 2)]
    assets: i64,
    /// When it was first reported.
    created_at: UtcTime,
}

impl VulnerabilityView {
    fn new(counted: &Counted, names: Vec<String>) -> Self {
        let (vulnerability, spread) = (&counted.vulnerability, counted.spread);
        Self {
            id: vulnerability.id,
            key: vulnerability.vulnerability_key.clone(),
            names: all_names(&vulnerability.vulnerability_key, names),
            title: vulnerability.title.clone(),
            severity: vulnerability.severity,
            cwes: json_list(&vulnerability.cwes_json),
            cvss_score: vulnerability.cvss_score,
            epss: vulnerability.epss,
            is_known_exploited: vulnerability.is_known_exploited,
            active_observations: spread.active,
            observations: spread.observations,
            assets: spread.assets,
            created_at: vulnerability.created_at,
        }
    }
}

/// A vulnerability with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeVulnerabilityView {
    #[serde(flatten)]
    brief: VulnerabilityView,
    /// What is wrong: Markdown or plain text.
    description: String,
    /// What to do about it.
    remediation: Option<String>,
    /// CVSS v2 vector.
    cvss2: Option<String>,
    /// CVSS v3 vector.
    cvss3: Option<String>,
    /// CVSS v4 vector.
    cvss4: Option<String>,
    /// Links.
    references: Vec<String>,
}

/// The vulnerability of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct VulnerabilityPath {
    /// The vulnerability.
    vulnerability: VulnerabilityId,
}

/// List vulnerabilities.
///
/// Only those that were observed in a product that the caller may see. `include=total` stops at 10,000.
#[utoipa::path(tag = "vulnerabilities", params(PageParams, VulnerabilityList), responses((status = 200, description = "A page of vulnerabilities.", body = Page<VulnerabilityView>)))]
#[get("/vulnerabilities")]
async fn list_vulnerabilities(
    app: Data<App>,
    caller: Caller,
    list: ListQuery<VulnerabilityList>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let (with_total, Sorted { filter, sort }) = (list.wants_total(), list.filter);
    let page = app.db.read(move |conn| {
        let mut found = browse::vulnerabilities(conn, &caller, &filter, sort, &window, with_total)?;
        let page = window.page(found.rows, &seal, |row| (row.vulnerability.severity, row.vulnerability.id));
        let page = page.map(|row| {
            let names = found.names.remove(&row.vulnerability.id).unwrap_or_default();
            VulnerabilityView::new(&row, names)
        });
        Ok::<_, ApiError>(Page { total: found.total, ..page })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Get a vulnerability.
#[utoipa::path(tag = "vulnerabilities", params(VulnerabilityPath), responses((status = 200, description = "The vulnerability.", body = WholeVulnerabilityView)))]
#[get("/vulnerabilities/{vulnerability}")]
async fn get_vulnerability(
    app: Data<App>,
    caller: Caller,
    path: Path<VulnerabilityPath>,
) -> Result<HttpResponse, ApiError> {
    let found = app.db.read(move |conn| browse::vulnerability(conn, &caller, path.vulnerability));
    let (counted, names) = found.await?;
    let brief = VulnerabilityView::new(&counted, names);
    let vulnerability = counted.vulnerability;
    let view = WholeVulnerabilityView {
        brief,
        description: vulnerability.description,
        remediation: vulnerability.remediation,
        cvss2: vulnerability.cvss2,
        cvss3: vulnerability.cvss3,
        cvss4: vulnerability.cvss4,
        references: json_list(&vulnerability.references_json),
    };
    Ok(HttpResponse::Ok().insert_header(etag(vulnerability.version)).json(view))
}

/// List the observations of a vulnerability.
#[utoipa::path(tag = "vulnerabilities", params(VulnerabilityPath, PageParams, ObservationList), responses((status = 200, description = "A page of observations.", body = Page<ObservationView>)))]
#[get("/vulnerabilities/{vulnerability}/observations")]
async fn list_vulnerability_observations(
    app: Data<App>,
    caller: Caller,
    path: Path<VulnerabilityPath>,
    mut list: ListQuery<ObservationList>,
) -> Result<HttpResponse, ApiError> {
    let (reader, id) = (caller.clone(), path.vulnerability);
    app.db.read(move |conn| browse::vulnerability(conn, &reader, id).map(drop)).await?;
    narrow(&mut list.filter, id)?;
    page_of_observations(&app, caller, list).await
}

/// Narrows a list to one vulnerability.
fn narrow(list: &mut ObservationList, id: VulnerabilityId) -> Result<(), ApiError> {
    if !list.filter.vulnerability.is_empty() {
        return Err(ApiError::invalid("vulnerability", "is in the path already"));
    }
    list.filter.vulnerability = vec![id.to_string()];
    Ok(())
}
