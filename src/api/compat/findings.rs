//! Findings: observations as DefectDojo lists them.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::list::{PartOf, Parts, Results};
use super::values::{Flag, Number, SeverityWord, StatusFlags};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::app::App;
use crate::assessments::browse::{self, Names};
use crate::base::error::ApiError;
use crate::base::ids::{ObservationId, ProductId};
use crate::base::page::{CursorSeal, Window};
use crate::base::time::UtcTime;
use crate::clients::model::MAX_LIMIT;
use crate::clients::service as clients;
use crate::clients::sources::Meant;
use crate::db::conn::Conn;
use crate::observations::filter::{Filter, Key, Sort};
use crate::observations::repo::rows::ListedObservation;
use crate::observations::status::ObservationStatus;
use crate::products::model::name_key;
use crate::products::repo as products;

/// The longest texts that such clients read.
const TITLE_CHARS: usize = 511;
const VERSION_CHARS: usize = 100;
/// How far into this list a client may jump: every finding before costs as much as one shown. Following the links costs
/// the same at any depth.
const MAX_DEPTH: i64 = 10_000;
/// What is said of a filter that cannot be answered.
const NO_SUCH_FILTER: &str = "is a filter of DefectDojo's that this list does not have: leave it out, or ask for the \
                              observations of Patchbay's own API";
/// What DefectDojo finds findings by and this list does not. Ignored, such a filter would find too much, and a pipeline
/// that fails on what it finds would fail for nothing.
const UNANSWERED: &[&str] = &[
    "component_name",
    "component_version",
    "created",
    "cwe",
    "date",
    "defect_review_requested_by",
    "description",
    "discovered_after",
    "discovered_before",
    "discovered_on",
    "duplicate_finding",
    "dynamic_finding",
    "endpoints",
    "epss_percentile_max",
    "epss_percentile_min",
    "epss_score_max",
    "epss_score_min",
    "exact_title",
    "file_path",
    "finding_group",
    "fix_available",
    "found_by",
    "has_jira",
    "has_tags",
    "hash_code",
    "id",
    "impact",
    "jira_change",
    "jira_creation",
    "last_reviewed",
    "last_reviewed_by",
    "last_status_update",
    "mitigated",
    "mitigated_after",
    "mitigated_before",
    "mitigated_by",
    "mitigated_on",
    "mitigation",
    "mitigation_available",
    "nb_occurences",
    "not_tag",
    "not_tags",
    "not_test__engagement__product__tags",
    "not_test__engagement__tags",
    "not_test__tags",
    "numerical_severity",
    "outside_of_sla",
    "param",
    "payload",
    "planned_remediation_date",
    "product_lifecycle",
    "product_name_contains",
    "publish_date",
    "references",
    "reporter",
    "review_requested_by",
    "reviewers",
    "risk_acceptance",
    "sast_source_line",
    "scanner_confidence",
    "service",
    "severity_justification",
    "sla_expiration_date",
    "sla_start_date",
    "sonarqube_issue",
    "static_finding",
    "steps_to_reproduce",
    "tag",
    "tags",
    "tags__and",
    "test__engagement__product__prod_type",
    "test__engagement__product__tags",
    "test__engagement__product__tags__and",
    "test__engagement__tags",
    "test__engagement__tags__and",
    "test__tags",
    "test__tags__and",
    "test__test_type__name",
    "title",
    "under_defect_review",
    "unique_id_from_tool",
    "vulnerability_id",
];

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
    /// Whether something is to be done, and nobody still looks at it.
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
        let flags = StatusFlags::from(row.status);
        let ids = names.get(&listed.vulnerability.id).into_iter().flatten();
        Self {
            id: super::number_of(row.id.0),
            title: listed.title().chars().take(TITLE_CHARS).collect(),
            severity: row.severity.into(),
            active: flags.active,
            verified: row.is_verified,
            false_p: flags.false_p,
            duplicate: flags.duplicate,
            out_of_scope: flags.out_of_scope,
            risk_accepted: flags.risk_accepted,
            is_mitigated: flags.is_mitigated,
            under_review: flags.under_review,
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

/// Which part of the findings.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FindingPart {
    /// The most results; more than 1000 are not given at once.
    #[param(minimum = 1, maximum = 1000, default = 25)]
    limit: Option<i64>,
    /// How many results to leave out before. `next` leads further.
    #[param(minimum = 0, maximum = 10_000, default = 0)]
    offset: Option<i64>,
    /// Where to go on, as `next` says it; beside it, `offset` says nothing.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

impl Parts for FindingPart {
    const DEEPEST: i64 = MAX_DEPTH;

    fn limit(&self) -> Option<i64> {
        self.limit
    }

    fn offset(&self) -> Option<i64> {
        self.offset
    }
}

/// Which findings. Several filters must all hold.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FindingFilter {
    /// Active ones, or the others. What is under review is not active.
    active: Option<Flag>,
    /// Verified ones, or the others.
    verified: Option<Flag>,
    /// False positives, or the others.
    false_p: Option<Flag>,
    /// Duplicates, or the others.
    duplicate: Option<Flag>,
    /// Those that are no matter of security here, or the others.
    out_of_scope: Option<Flag>,
    /// Accepted risks, or the others.
    risk_accepted: Option<Flag>,
    /// Fixed ones, or the others.
    is_mitigated: Option<Flag>,
    /// The same, as older clients spell it.
    #[serde(rename = "is_Mitigated")]
    is_mitigated_too: Option<Flag>,
    /// Those that somebody looks at, or the others.
    under_review: Option<Flag>,
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
    /// Of the test with this number.
    test: Option<Number>,
    /// Of reports of one of the test types with these numbers.
    #[serde(default, rename = "test__test_type")]
    #[param(max_items = 200)]
    of_test_types: Vec<Number>,
}

impl FindingFilter {
    /// The statuses that all flags allow.
    fn statuses(&self) -> Vec<ObservationStatus> {
        let fits = |asked: Option<Flag>, is: bool| asked.is_none_or(|flag| flag.0 == is);
        let allowed = |status: &ObservationStatus| {
            let of = StatusFlags::from(*status);
            fits(self.active, of.active)
                && fits(self.false_p, of.false_p)
                && fits(self.duplicate, of.duplicate)
                && fits(self.out_of_scope, of.out_of_scope)
                && fits(self.risk_accepted, of.risk_accepted)
                && fits(self.is_mitigated, of.is_mitigated)
                && fits(self.is_mitigated_too, of.is_mitigated)
                && fits(self.under_review, of.under_review)
        };
        ObservationStatus::ALL.iter().copied().filter(allowed).collect()
    }
}

type FindingList = PartOf<FindingFilter, FindingPart>;

/// List findings, as DefectDojo does.
///
/// `next` leads to all of them, however many there are; an offset leads no deeper than 10,000. `count` is exact unless
/// `verified` is asked for: then counting stops at 10,000, or where `next` has led beyond that.
///
/// A filter that DefectDojo has and this list has not is refused; other parameters that are not known are ignored.
#[utoipa::path(tag = "compatibility", params(FindingPart, FindingFilter), responses((status = 200, description = "Findings, the worst first.", body = Results<CompatFinding>)))]
#[get("/v2/findings")]
async fn compat_list_findings(app: Data<App>, caller: Caller, list: FindingList) -> Result<HttpResponse, ApiError> {
    caller.require(Permission::Read)?;
    list.refuse(UNANSWERED, NO_SUCH_FILTER)?;
    let seal = CursorSeal::new(app.keys.cursor.expose(), &format!("{} {}", caller.organization, list.context()));
    let from = match &list.asked.cursor {
        Some(cursor) => seal.open::<(i64, Key)>(cursor).map(|(before, key)| (before, Some(key)))?,
        None => (list.part.offset, None),
    };
    let answer = app.db.read(move |conn| {
        let Some(filter) = filter(conn, &caller, &list.filter)? else { return Ok(list.answer(0, Vec::new())) };
        Ok::<_, ApiError>(part(conn, &caller, &filter, from, list.part.limit)?.answer(&list, &seal))
    });
    Ok(HttpResponse::Ok().json(answer.await?))
}

/// A part of the findings.
struct Found {
    /// How many come before it.
    before: i64,
    /// How many there are in all, as far as they are counted.
    count: i64,
    findings: Vec<CompatFinding>,
    /// The key of its last one, if there are more.
    last: Option<Key>,
}

impl Found {
    /// The answer. The next part is linked by a cursor, which leads to any depth.
    fn answer(self, list: &FindingList, seal: &CursorSeal) -> Results<CompatFinding> {
        let shown = i64::try_from(self.findings.len()).unwrap_or_default();
        let end = self.before + shown;
        // Counting may have stopped before the end of what is shown.
        let least = if shown > 0 { end + i64::from(self.last.is_some()) } else { 0 };
        let cursor = self.last.map(|key| seal.seal(&(end, key)));
        Results {
            count: self.count.max(least),
            next: cursor.and_then(|cursor| list.link(end, Some(cursor.as_str()))),
            previous: list.previous(self.before),
            results: self.findings,
        }
    }
}

/// Reads the part that begins after so many findings, the last of which has the key. Without one, it follows the pages.
fn part(
    conn: &mut Conn,
    caller: &Caller,
    filter: &Filter,
    (before, mut after): (i64, Option<Key>),
    limit: i64,
) -> Result<Found, ApiError> {
    let mut left = if after.is_some() { 0 } else { before };
    let mut total = None;
    loop {
        let size = if left > 0 { left.min(MAX_LIMIT) } else { limit };
        let window = Window { limit: size, after };
        let page = browse::observations(conn, caller, filter, Sort::default(), &window, total.is_none())?;
        let count = *total.get_or_insert(page.total.unwrap_or_default());
        let (mut rows, names) = (page.rows, page.names);
        let has_more = rows.len() > usize::try_from(size).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let last = rows.last().map(|(key, _)| *key).filter(|_| has_more);
        if left > 0 && has_more {
            left -= size;
            after = last;
            continue;
        }
        // Who jumps beyond the end finds nothing.
        let shown = if left > 0 { Vec::new() } else { rows };
        let findings = shown.into_iter().map(|(_, row)| CompatFinding::new(row, &names)).collect();
        return Ok(Found { before, count, findings, last });
    }
}

/// The same filter in our words; none when nothing can match.
fn filter(conn: &mut Conn, caller: &Caller, wanted: &FindingFilter) -> Result<Option<Filter>, ApiError> {
    let Some(product) = products_of(conn, caller, wanted)? else { return Ok(None) };
    let test = wanted.test.map(|number| clients::test(conn, caller, number.0)).transpose()?;
    let engagement = match (wanted.of_engagement, &test) {
        (Some(number), Some((_, of_test))) if number.0 != of_test.number => return Ok(None),
        (_, Some((test, _))) => Some(test.engagement_id),
        (Some(number), None) => Some(clients::engagement(conn, caller, number.0)?.0.id),
        (None, None) => None,
    };
    let statuses = wanted.statuses();
    let filter = Filter {
        product,
        engagement: engagement.into_iter().collect(),
        verified: wanted.verified.map(|flag| flag.0),
        severity: wanted.severity.map(|word| word.severities().to_vec()).unwrap_or_default(),
        ..Filter::default()
    };
    let meant = Meant {
        engagement,
        products: filter.product.clone(),
        test: test.map(|(test, _)| test),
        test_types: wanted.of_test_types.iter().map(|number| number.0).collect(),
    };
    let sources = meant.sources(conn, caller)?;
    if statuses.is_empty() || sources.as_ref().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    let is_any = statuses.len() == ObservationStatus::ALL.len();
    let status = if is_any { Vec::new() } else { statuses };
    Ok(Some(Filter { status, source: sources.unwrap_or_default(), ..filter }))
}

/// The products that are named, empty where none is; none where one is not there, or two disagree.
fn products_of(conn: &mut Conn, caller: &Caller, wanted: &FindingFilter) -> Result<Option<Vec<ProductId>>, ApiError> {
    let mut found: Vec<ProductId> = Vec::new();
    if let Some(name) = &wanted.product_name {
        let product = products::find_by_name(conn, caller.organization, &caller.products, &name_key(name))?;
        let Some(product) = product else { return Ok(None) };
        found.push(product.id);
    }
    if let Some(number) = wanted.of_product {
        let product = clients::product(conn, caller, number.0)?;
        if found.iter().any(|known| *known != product.id) {
            return Ok(None);
        }
        found = vec![product.id];
    }
    Ok(Some(found))
}
