//! Imports and reimports, as DefectDojo takes them.

use std::time::Duration;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::statistics::CompatStatistics;
use super::values::{Flag, Number, SeverityWord};
use crate::access::model::Caller;
use crate::api::query::read_leniently;
use crate::api::upload;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::{ScanId, UploadId};
use crate::base::time::UtcTime;
use crate::clients::model::Test;
use crate::clients::repo::statistics::{self, Counted};
use crate::clients::resolve::{self, Named, Place};
use crate::clients::scan_type::{self, ScanType};
use crate::clients::service as clients;
use crate::db::conn::Conn;
use crate::products::model::IdOrName;
use crate::products::target::Wanted;
use crate::scans::model::{Scan, ScanOutcome, UploadSettings};
use crate::scans::service::{self, Submission, Waited};

/// How long an import is waited for: such clients know no other answer than that it is done.
const WAIT: Duration = Duration::from_secs(600);
/// How long before midnight UTC a day begins where it begins first: at UTC+14.
const BEGINS_BEFORE: Duration = Duration::from_secs(14 * 3600);
/// How long after midnight UTC a day is over where it ends last: a day later, at UTC-12.
const OVER_AFTER: Duration = Duration::from_secs((24 + 12) * 3600);
/// What is said where nothing was written.
const OUTDATED: &str = "the report is older than the newest one of this test, so it was recorded and changed nothing";

/// The routes of imports.
pub fn routes(config: &mut ServiceConfig) {
    config.service(compat_import_scan).service(compat_reimport_scan);
}

/// What is said with a report. Parts that are not known here are ignored.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
struct CompatImport {
    /// The report as the tool wrote it.
    #[schema(value_type = String, format = Binary)]
    #[expect(dead_code, reason = "describes the form to the document; the file is read as it comes")]
    file: Option<String>,
    /// The name of the format; of a known test, its own.
    #[schema(max_length = 200, example = "Trivy Scan")]
    scan_type: Option<String>,
    /// The number of the test.
    test: Option<Number>,
    /// The number of the engagement.
    engagement: Option<Number>,
    /// The number of the product, which must agree with the rest.
    product_id: Option<Number>,
    /// The name of the product type.
    #[schema(max_length = 200, example = "Web")]
    product_type_name: Option<String>,
    /// The name of the product.
    #[schema(max_length = 200, example = "shop")]
    product_name: Option<String>,
    /// The name of the engagement.
    #[schema(max_length = 200, example = "CI/CD")]
    engagement_name: Option<String>,
    /// The title of the test: the name of the scan source.
    #[schema(max_length = 200, example = "nightly")]
    test_title: Option<String>,
    /// Make what is named and missing? Default no.
    auto_create_context: Option<Flag>,
    /// The branch.
    #[schema(max_length = 200, example = "main")]
    branch_tag: Option<String>,
    /// The commit.
    #[schema(max_length = 200, example = "4f2a91c")]
    commit_hash: Option<String>,
    /// The environment that was scanned.
    #[schema(max_length = 200, example = "production")]
    environment: Option<String>,
    /// The service that was scanned: its findings are compared with its own only.
    #[schema(max_length = 200, example = "checkout")]
    service: Option<String>,
    /// The day of the scan in any time zone; not a day to come. The report may know the time; a day that is still going
    /// on somewhere says nothing more.
    #[schema(format = Date, example = "2026-06-01")]
    scan_date: Option<String>,
    /// Leave findings below this severity alone.
    minimum_severity: Option<SeverityWord>,
    /// Resolve what the report does not hold? Default no for an import, yes for a reimport.
    close_old_findings: Option<Flag>,
    /// Leave closed what is reported again? Default no.
    do_not_reactivate: Option<Flag>,
    /// Are new findings active? If not, they wait in review. Default yes.
    active: Option<Flag>,
    /// Are new findings verified? Default no.
    verified: Option<Flag>,
    /// Make tickets of what is new or changed, in whichever tracker, as if pushed by hand? Default no: then the product's
    /// tracker config decides.
    push_to_jira: Option<Flag>,
}

/// What became of an import.
#[derive(Debug, Serialize, ToSchema)]
struct CompatImported {
    /// The number of the test.
    #[schema(example = 8)]
    test: i64,
    /// The same.
    #[schema(example = 8)]
    test_id: i64,
    /// The number of the engagement.
    #[schema(example = 5)]
    engagement_id: i64,
    /// The number of the product.
    #[schema(example = 3)]
    product_id: i64,
    /// The number of the product type, once a client said one.
    #[schema(example = 1)]
    product_type_id: Option<i64>,
    /// The name of the product.
    #[schema(example = "shop")]
    product_name: String,
    /// The name of the engagement.
    #[schema(example = "Nightly")]
    engagement_name: String,
    /// The title of the test.
    #[schema(example = "nightly")]
    test_title: String,
    /// The name of the format.
    #[schema(example = "Trivy Scan")]
    scan_type: String,
    /// The day of the scan.
    #[schema(format = Date, example = "2026-06-01")]
    scan_date: String,
    /// What the report did, once it is imported: `outdated` if the report of any tool in it came too late.
    outcome: Option<ScanOutcome>,
    /// What is to be known of that, if anything.
    #[schema(example = "the report is older than the newest one of this test, so it was recorded and changed nothing")]
    message: Option<String>,
    /// The branch.
    #[schema(example = "main")]
    branch_tag: Option<String>,
    /// The commit.
    #[schema(example = "4f2a91c")]
    commit_hash: Option<String>,
    /// Whether what the report does not hold was resolved.
    close_old_findings: bool,
    /// Counts of the scan sources that the report was compared with; none while it is still being imported.
    statistics: CompatStatistics,
    /// The upload in Patchbay's own API.
    upload_id: UploadId,
    /// The scans in Patchbay's own API: one per tool in the report.
    scan_ids: Vec<ScanId>,
    /// Where they are.
    links: CompatLinks,
}

/// Where an import is in Patchbay's own API.
#[derive(Debug, Serialize, ToSchema)]
struct CompatLinks {
    /// The upload.
    #[schema(
        example = "/api/v1/organizations/018f3b7e-5f00-7cc0-8000-000000000001/uploads/018f3b7e-5f00-7cc0-8000-000000000002"
    )]
    upload: String,
    /// Its scans.
    scans: Vec<String>,
}

/// Import a report, as DefectDojo does.
///
/// A test of the same title is gone on with, so a second import of the same report changes nothing.
#[utoipa::path(
    tag = "compatibility",
    request_body(content((CompatImport = "multipart/form-data"))),
    responses(
        (status = 201, description = "Imported.", body = CompatImported),
        (status = 202, description = "Still running.", body = CompatImported)
    )
)]
#[post("/v2/import-scan")]
async fn compat_import_scan(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let import = |upload| import(app.clone(), caller.clone(), upload, false);
    upload::once(&app, &caller, &request, payload.into_inner(), import).await
}

/// Reimport a report, as DefectDojo does.
///
/// Like an import, but what the report does not hold is resolved unless `close_old_findings` says no.
#[utoipa::path(
    tag = "compatibility",
    request_body(content((CompatImport = "multipart/form-data"))),
    responses(
        (status = 201, description = "Imported.", body = CompatImported),
        (status = 202, description = "Still running.", body = CompatImported)
    )
)]
#[post("/v2/reimport-scan")]
async fn compat_reimport_scan(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let import = |upload| import(app.clone(), caller.clone(), upload, true);
    upload::once(&app, &caller, &request, payload.into_inner(), import).await
}

async fn import(
    app: Data<App>,
    caller: Caller,
    upload: upload::Upload,
    is_reimport: bool,
) -> Result<HttpResponse, ApiError> {
    let parts: CompatImport = read_leniently(&upload.fields)?;
    let now = app.clock.now();
    let day = parts.day(now)?;
    // Before anything is made.
    service::check(&parts.said()).map_err(in_their_words)?;
    let (place, scan_type, before) = find_place(&app, &caller, &parts, is_reimport, now).await?;
    let over = day.filter(|day| day.over_at() <= now);
    let close_old_findings = parts.close_old_findings.map_or(is_reimport, |flag| flag.0);
    let settings = UploadSettings {
        scanned_since: over.map(Day::begins_at),
        scanned_at: over.map(Day::over_at),
        resolve_missing: close_old_findings,
        ..parts.settings(scan_type, &place)
    };
    let submission = Submission {
        wanted: wanted(&place),
        settings,
        size_bytes: upload.file.size_bytes,
        file_hash: upload.file.hash,
        file: upload.file.source,
    };
    let running = service::submit(&app, caller, submission, now).await.map_err(in_their_words)?;
    let waited = running.ends_within(&app, WAIT).await?;
    let of_place = place.clone();
    let after = app.db.read(move |conn| counted(conn, &of_place)).await?;
    let (before, after) = (of_scans(before, &waited.scans), of_scans(after, &waited.scans));
    let statistics = CompatStatistics::new(&before, waited.counts(), &after);
    let view = CompatImported::new(place, &waited, statistics, day.unwrap_or_else(|| Day::of(now)));
    let mut answer = if waited.is_done { HttpResponse::Created() } else { HttpResponse::Accepted() };
    Ok(answer.json(CompatImported { close_old_findings, ..view }))
}

/// Where an import goes, as what, and what the sources that it may write to hold before it.
async fn find_place(
    app: &App,
    caller: &Caller,
    parts: &CompatImport,
    is_reimport: bool,
    now: UtcTime,
) -> Result<(Place, ScanType, Vec<Counted>), ApiError> {
    let (named, called) = (parts.named(is_reimport), parts.scan_type.clone());
    let caller = caller.clone();
    app.db
        .write_again(move |conn| {
            let scan_type = scan_type_of(conn, &caller, called.as_deref(), named.test)?;
            let place = resolve::resolve(conn, &caller, &named, scan_type, now)?;
            let before = counted(conn, &place)?;
            Ok((place, scan_type, before))
        })
        .await
}

/// A fault named by the fields of these endpoints.
fn in_their_words(error: ApiError) -> ApiError {
    error.renamed(&[("name", "service"), ("commit", "commit_hash")])
}

/// What is counted where an import goes: its scans tell later which sources it wrote to.
fn counted(conn: &mut Conn, place: &Place) -> Result<Vec<Counted>, ApiError> {
    let (organization, of) = (place.product.organization_id, (place.engagement.id, place.branch.id));
    Ok(statistics::of_sources(conn, organization, of)?)
}

/// What was counted of the sources of these scans.
fn of_scans(counted: Vec<Counted>, scans: &[Scan]) -> Vec<Counted> {
    counted.into_iter().filter(|one| scans.iter().any(|scan| scan.source_id == one.source_id)).collect()
}

/// What an import did as a whole: what was not written first, so that nobody overlooks it.
fn outcome_of(scans: &[Scan]) -> Option<ScanOutcome> {
    let outcomes = [ScanOutcome::Outdated, ScanOutcome::Imported, ScanOutcome::Unchanged];
    outcomes.into_iter().find(|outcome| scans.iter().any(|scan| scan.outcome == *outcome))
}

/// The scan type that is said, else that of the test.
fn scan_type_of(conn: &mut Conn, caller: &Caller, said: Option<&str>, test: Option<i64>) -> Result<ScanType, ApiError> {
    match (said, test) {
        (Some(name), _) => scan_type::by_name(name),
        (None, Some(number)) => {
            let (Test { scan_type, .. }, _) = clients::test(conn, caller, number)?;
            scan_type::by_name(&scan_type)
        }
        (None, None) => Err(ApiError::invalid("scan_type", "is required")),
    }
}

fn wanted(place: &Place) -> Wanted {
    Wanted {
        product: IdOrName::Id(place.product.id),
        branch: (!place.branch.is_implicit()).then_some(IdOrName::Id(place.branch.id)),
        engagement: Some(IdOrName::Id(place.engagement.id)),
        create_missing: false,
    }
}

/// A day by the calendar of whoever says it, in a time zone that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day(NaiveDate);

impl Day {
    fn of(time: UtcTime) -> Self {
        Self(time.to_chrono().date_naive())
    }

    fn midnight(self) -> UtcTime {
        self.0.and_time(NaiveTime::MIN).and_utc().into()
    }

    /// When it begins in the first time zone.
    fn begins_at(self) -> UtcTime {
        self.midnight().minus(BEGINS_BEFORE)
    }

    /// When it is over in the last time zone.
    fn over_at(self) -> UtcTime {
        self.midnight().plus(OVER_AFTER)
    }
}

impl CompatImport {
    /// The day of the scan, if one is said.
    fn day(&self, now: UtcTime) -> Result<Option<Day>, ApiError> {
        let Some(text) = &self.scan_date else { return Ok(None) };
        let unreadable = || ApiError::invalid("scan_date", "must be a day: YYYY-MM-DD");
        let day = UtcTime::parse(text).map(Day::of).ok_or_else(unreadable)?;
        if day.begins_at() > now {
            return Err(ApiError::invalid("scan_date", "must not be in the future"));
        }
        Ok(Some(day))
    }

    fn named(&self, is_reimport: bool) -> Named {
        let number = |number: Option<Number>| number.map(|number| number.0);
        Named {
            test: number(self.test),
            engagement: number(self.engagement),
            product: number(self.product_id),
            product_type_name: self.product_type_name.clone(),
            product_name: self.product_name.clone(),
            engagement_name: self.engagement_name.clone(),
            test_title: self.test_title.clone(),
            branch: self.branch_tag.clone(),
            commit: self.commit_hash.clone(),
            create_missing: self.auto_create_context.is_some_and(|flag| flag.0),
            is_reimport,
        }
    }

    /// What is asked for, wherever it goes.
    fn said(&self) -> UploadSettings {
        UploadSettings {
            name: self.service.clone(),
            commit: self.commit_hash.clone(),
            environment: self.environment.clone(),
            ..UploadSettings::default()
        }
    }

    fn settings(&self, scan_type: ScanType, place: &Place) -> UploadSettings {
        let is = |flag: Option<Flag>, default: bool| flag.map_or(default, |flag| flag.0);
        let defaults = self.said();
        UploadSettings {
            format: scan_type.format.map(str::to_owned),
            name: source_name(place, self.service.as_deref()),
            reopen: !is(self.do_not_reactivate, false),
            minimum_severity: self.minimum_severity.map_or(defaults.minimum_severity, SeverityWord::minimum),
            verified: is(self.verified, false),
            to_review: !is(self.active, true),
            push: is(self.push_to_jira, false),
            ..defaults
        }
    }
}

/// The title of the test, and the service: what is compared with what.
fn source_name(place: &Place, service: Option<&str>) -> Option<String> {
    match (place.test.source_name(), service) {
        (Some(title), Some(service)) => Some(format!("{title} ({service})")),
        (Some(name), None) => Some(name),
        (None, service) => service.map(str::to_owned),
    }
}

impl CompatImported {
    fn new(place: Place, waited: &Waited, statistics: CompatStatistics, day: Day) -> Self {
        let (upload, scans) = (waited.upload.id, &waited.scans);
        let outcome = outcome_of(scans);
        let of_organization = format!("/api/v1/organizations/{}", place.product.organization_id);
        Self {
            test: place.test.number,
            test_id: place.test.number,
            engagement_id: place.engagement_number.number,
            product_id: place.product_number.number,
            product_type_id: place.product_number.product_type,
            product_name: place.product.name,
            engagement_name: place.engagement.name,
            test_title: place.test.title,
            scan_type: place.test.scan_type,
            scan_date: day.0.to_string(),
            outcome,
            message: (outcome == Some(ScanOutcome::Outdated)).then(|| OUTDATED.to_owned()),
            branch_tag: Some(place.branch.name).filter(|name| !name.is_empty()),
            commit_hash: place.commit,
            close_old_findings: false,
            statistics,
            upload_id: upload,
            scan_ids: scans.iter().map(|scan| scan.id).collect(),
            links: CompatLinks {
                upload: format!("{of_organization}/uploads/{upload}"),
                scans: scans.iter().map(|scan| format!("{of_organization}/scans/{}", scan.id)).collect(),
            },
        }
    }
}
