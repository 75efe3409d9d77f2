//! Findings: observations as DefectDojo lists them.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::list::{PartOf, PartParams, Results};
use super::values::{Flag, Number, SeverityWord};
use crate::access::model::Caller;
use crate::app::App;
use crate::assessments::browse::{self, Names};
use crate::base::error::ApiError;
use crate::base::ids::{ObservationId, ProductId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::clients::model::MAX_LIMIT;
use crate::clients::service as clients;
use crate::db::conn::Conn;
use crate::observations::filter::{Filter, Sort};
use crate::observations::repo::rows::ListedObservation;
use crate::observations::status::ObservationStatus;
use crate::products::model::name_key;
use crate::products::repo as products;

/// The longest texts that such clients read.
const TITLE_CHARS: usize = 511;
const VERSION_CHARS: usize = 100;
/// How far into this list a client may jump: every finding before costs as much as one shown.
const MAX_DEPTH: i64 = 10_000;

/// The routes of findings.
pub fn routes(config: &mut ServiceConfig) {
    config.service(compat_list_findings);
}

/// An observation.
#[derive(Debug, Serialize, ToSchema)]
struct CompatFinding {
    /// A number that stays the same.
    #[schema(example = 17)]
    id: i64,
    /// What it is.
    #[schema(example = "Prototype pollution in lodash")]
    title: String,
    /// How bad it is.
    severity: SeverityWord,
    /// Whether something is to be done.
    active: bool,
    /// Whether somebody confirmed it.
    verified: bool,
    /// Whether it is none.
    false_p: bool,
    /// Whether it is another one's duplicate.
    duplicate: bool,
    /// Whether it is no matter of security here.
    out_of_scope: bool,
    /// Whether it is accepted.
    risk_accepted: bool,
    /// Whether it is fixed.
    is_mitigated: bool,
    /// Whether somebody looks at it.
    under_review: bool,
    /// The number of its first CWE.
    #[schema(example = 79)]
    cwe: Option<i32>,
    /// All ids of the vulnerability.
    vulnerability_ids: Vec<CompatVulnerabilityId>,
    /// The component.
    #[schema(example = "lodash")]
    component_name: Option<String>,
    /// Its version.
    #[schema(example = "4.17.20")]
    component_version: Option<String>,
    /// Where it is.
    #[schema(example = "src/login.ts")]
    file_path: Option<String>,
    /// The line there.
    #[schema(example = 42)]
    line: Option<i32>,
    /// The day on which it was first found.
    #[schema(format = Date, example = "2026-06-01")]
    date: String,
    /// When it was first found.
    created: UtcTime,
    /// The name of its product.
    #[schema(example = "shop")]
    product_name: String,
    /// Its id in Patchbay's own API.
    observation_id: ObservationId,
}

/// An id of a vulnerability.
#[derive(Debug, Serialize, ToSchema)]
struct CompatVulnerabilityId {
    /// The id.
    #[schema(example = "CVE-2021-44228")]
    vulnerability_id: String,
}

impl CompatFinding {
    fn new(listed: ListedObservation, names: &Names) -> Self {
        let (row, component) = (&listed.row, listed.component.as_ref());
        let status = row.status;
        let ids = names.get(&listed.vulnerability.id).into_iter().flatten();
        Self {
            id: super::number_of(row.id.0),
            title: listed.title().chars().take(TITLE_CHARS).collect(),
            severity: row.severity.into(),
            active: status.is_active(),
            verified: row.is_verified,
            false_p: status == ObservationStatus::FalsePositive,
            duplicate: status == ObservationStatus::Duplicate,
            out_of_scope: matches!(status, ObservationStatus::NotAffected | ObservationStatus::NotSecurity),
            risk_accepted: status == ObservationStatus::RiskAccepted,
            is_mitigated: status == ObservationStatus::Resolved,
            under_review: status == ObservationStatus::InReview,
            cwe: listed.vulnerability.cwe,
            vulnerability_ids: ids.map(|id| CompatVulnerabilityId { vulnerability_id: id.clone() }).collect(),
            component_name: component.map(|component| component.name.clone()),
            component_version: component
                .map(|component| component.component_version.chars().take(VERSION_CHARS).collect()),
            file_path: Some(row.location.clone()).filter(|location| !location.is_empty()),
            line: row.line,
            date: row.first_seen_at.to_chrono().date_naive().to_string(),
            created: row.first_seen_at,
            product_name: listed.source.product_name,
            observation_id: row.id,
        }
    }
}

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FindingFilter {
    /// Active ones, or the others.
    active: Option<Flag>,
    /// Verified ones, or the others.
    verified: Option<Flag>,
    /// With this severity.
    #[param(inline)]
    severity: Option<SeverityWord>,
    /// Of the product with exactly this name, whatever its case.
    #[param(max_length = 200)]
    product_name: Option<String>,
    /// Of the product with this number.
    #[serde(rename = "test__engagement__product")]
    of_product: Option<Number>,
    /// Of the engagement with this number.
    #[serde(rename = "test__engagement")]
    of_engagement: Option<Number>,
    /// Of the engagement of the test with this number.
    test: Option<Number>,
}

/// List findings, as DefectDojo does.
#[utoipa::path(tag = "compatibility", params(PartParams, FindingFilter), responses((status = 200, description = "Findings, the worst first.", body = Results<CompatFinding>)))]
#[get("/v2/findings")]
async fn compat_list_findings(
    app: Data<App>,
    caller: Caller,
    list: PartOf<FindingFilter>,
) -> Result<HttpResponse, ApiError> {
    if list.part.offset > MAX_DEPTH {
        return Err(ApiError::invalid("offset", format!("must be 0 to {MAX_DEPTH}: filter the list instead")));
    }
    let answer = app.db.read(move |conn| {
        let Some(filter) = filter(conn, &caller, &list.filter)? else { return Ok(list.answer(0, Vec::new())) };
        let (rows, total) = part(conn, &caller, &filter, list.part.offset, list.part.limit)?;
        Ok::<_, ApiError>(list.answer(total, rows))
    });
    Ok(HttpResponse::Ok().json(answer.await?))
}

/// Follows the pages to the part that is asked for.
fn part(
    conn: &mut Conn,
    caller: &Caller,
    filter: &Filter,
    offset: i64,
    limit: i64,
) -> Result<(Vec<CompatFinding>, i64), ApiError> {
    let (mut left, mut after, mut total) = (offset, None, None);
    loop {
        let size = if left > 0 { left.min(MAX_LIMIT) } else { limit };
        let window = Window { limit: size, after };
        let found = browse::observations(conn, caller, filter, Sort::default(), &window, total.is_none())?;
        let total_now = *total.get_or_insert(found.total.unwrap_or_default());
        let names = found.names;
        let mut rows = found.rows;
        let is_last = rows.len() <= usize::try_from(size).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        if left == 0 {
            return Ok((rows.into_iter().map(|(_, row)| CompatFinding::new(row, &names)).collect(), total_now));
        }
        if is_last {
            return Ok((Vec::new(), total_now));
        }
        left -= size;
        after = rows.pop().map(|(key, _)| key);
    }
}

/// The same filter in our words; none when it names what is not there.
fn filter(conn: &mut Conn, caller: &Caller, wanted: &FindingFilter) -> Result<Option<Filter>, ApiError> {
    let mut filter = Filter {
        active: wanted.active.map(|flag| flag.0),
        verified: wanted.verified.map(|flag| flag.0),
        severity: wanted.severity.map(|word| word.severities().to_vec()).unwrap_or_default(),
        ..Filter::default()
    };
    let mut of_products: Vec<ProductId> = Vec::new();
    if let Some(name) = &wanted.product_name {
        let found = products::find_by_name(conn, caller.organization, &caller.products, &name_key(name))?;
        let Some(product) = found else { return Ok(None) };
        of_products.push(product.id);
    }
    if let Some(number) = wanted.of_product {
        let product = clients::product(conn, caller, number.0)?;
        if of_products.iter().any(|known| *known != product.id) {
            return Ok(None);
        }
        of_products = vec![product.id];
    }
    filter.product = of_products;
    let mut engagement = wanted.of_engagement.map(|number| number.0);
    if let Some(number) = wanted.test {
        let (_, of_test) = clients::test(conn, caller, number.0)?;
        if engagement.is_some_and(|engagement| engagement != of_test.number) {
            return Ok(None);
        }
        engagement = Some(of_test.number);
    }
    if let Some(number) = engagement {
        filter.engagement = vec![clients::engagement(conn, caller, number)?.0.id];
    }
    Ok(Some(filter))
}
