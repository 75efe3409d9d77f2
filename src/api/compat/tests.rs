//! Tests, to find or make, and test types: the names of what can be imported.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::list::{PartOf, PartParams, Results};
use super::values::Number;
use crate::access::model::Caller;
use crate::api::body::StrictJson;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::time::UtcTime;
use crate::clients::model::{NumberedTest, Wish};
use crate::clients::scan_type::{self, ScanType};
use crate::clients::service::{self, Rows};

/// The routes of tests and test types.
pub fn routes(config: &mut ServiceConfig) {
    config.service(compat_list_tests).service(compat_create_test).service(compat_list_test_types);
}

/// A test: what is imported under one title within an engagement.
#[derive(Debug, Serialize, ToSchema)]
struct CompatTest {
    /// Its number.
    #[schema(example = 17)]
    id: i64,
    /// Its title.
    #[schema(example = "web shop")]
    title: String,
    /// The number of its engagement.
    #[schema(example = 5)]
    engagement: i64,
    /// The number of its test type.
    #[schema(example = 40)]
    test_type: Option<i64>,
    /// The name of its test type.
    #[schema(example = "Trivy Scan")]
    test_type_name: String,
    /// The same.
    #[schema(example = "Trivy Scan")]
    scan_type: String,
    /// When it was made.
    target_start: UtcTime,
    /// When it was made.
    created: UtcTime,
}

impl From<NumberedTest> for CompatTest {
    fn from((test, engagement): NumberedTest) -> Self {
        Self {
            id: test.number,
            title: test.title,
            engagement: engagement.number,
            test_type: scan_type::by_name(&test.scan_type).ok().map(|known| known.number),
            test_type_name: test.scan_type.clone(),
            scan_type: test.scan_type,
            target_start: test.created_at,
            created: test.created_at,
        }
    }
}

/// A test to find or make.
#[derive(Debug, Deserialize, ToSchema)]
struct CompatNewTest {
    /// Its title; without one it is called like its test type.
    #[schema(max_length = 200, example = "web shop")]
    title: Option<String>,
    /// The number of its engagement.
    engagement: Number,
    /// The number of its test type.
    test_type: Number,
}

/// Which tests.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TestFilter {
    /// With this number.
    #[param(value_type = Option<String>, max_length = 19, example = "7")]
    id: Option<Number>,
    /// With exactly this title.
    #[param(max_length = 200)]
    title: Option<String>,
    /// Of the engagement with this number.
    engagement: Option<Number>,
    /// Of the test type with this number.
    test_type: Option<Number>,
    /// Of the test type with this name, whatever its case.
    #[param(max_length = 200, example = "Trivy Scan")]
    scan_type: Option<String>,
}

/// The name of a report format.
#[derive(Debug, Serialize, ToSchema)]
struct CompatTestType {
    /// Its number: the same everywhere.
    #[schema(example = 17)]
    id: i64,
    /// Its name.
    #[schema(example = "Trivy Scan")]
    name: &'static str,
    /// Whether it can be imported.
    active: bool,
}

impl From<&ScanType> for CompatTestType {
    fn from(of: &ScanType) -> Self {
        Self { id: of.number, name: of.name, active: true }
    }
}

/// Which test types.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TestTypeFilter {
    /// With this number.
    #[param(value_type = Option<String>, max_length = 19, example = "7")]
    id: Option<Number>,
    /// With exactly this name.
    #[param(max_length = 200, example = "Trivy Scan")]
    name: Option<String>,
}

/// List tests, as DefectDojo does.
#[utoipa::path(tag = "compatibility", params(PartParams, TestFilter), responses((status = 200, description = "Tests.", body = Results<CompatTest>)))]
#[get("/v2/tests")]
async fn compat_list_tests(app: Data<App>, caller: Caller, list: PartOf<TestFilter>) -> Result<HttpResponse, ApiError> {
    let (filter, part) = (&list.filter, list.part);
    let of_number = filter.test_type.map(|number| scan_type::by_number(number.0).map_or("", |known| known.name));
    let wish = Wish {
        number: filter.id.map(|id| id.0),
        name: filter.title.clone(),
        parent: filter.engagement.map(|engagement| engagement.0),
        scan_type: of_number.map(str::to_owned).or_else(|| filter.scan_type.clone()),
        ..Wish::default()
    };
    let Rows { rows, count } = app.db.read(move |conn| service::tests(conn, &caller, &wish, part)).await?;
    Ok(HttpResponse::Ok().json(list.answer(count, rows.into_iter().map(CompatTest::from).collect())))
}

/// Find or create a test, as DefectDojo does.
#[utoipa::path(tag = "compatibility", request_body = CompatNewTest, responses((status = 201, description = "The test.", body = CompatTest)))]
#[post("/v2/tests")]
async fn compat_create_test(
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CompatNewTest>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let unknown = || ApiError::invalid("/test_type", "is not the number of a test type");
    let scan_type = scan_type::by_number(input.test_type.0).ok_or_else(unknown)?;
    let made = app.db.write_again(move |conn| {
        let title = input.title.as_deref().filter(|title| !title.trim().is_empty());
        service::make_test(conn, &caller, input.engagement.0, title, scan_type, now)
    });
    Ok(HttpResponse::Created().json(CompatTest::from(made.await?)))
}

/// List test types, as DefectDojo does.
#[utoipa::path(tag = "compatibility", params(PartParams, TestTypeFilter), responses((status = 200, description = "Test types.", body = Results<CompatTestType>)))]
#[get("/v2/test_types")]
async fn compat_list_test_types(_caller: Caller, list: PartOf<TestTypeFilter>) -> Result<HttpResponse, ApiError> {
    let TestTypeFilter { id, name } = &list.filter;
    let matches = |of: &&ScanType| {
        let has_name = name.as_ref().is_none_or(|name| of.name.eq_ignore_ascii_case(name.trim()));
        id.is_none_or(|id| id.0 == of.number) && has_name
    };
    let found: Vec<&ScanType> = scan_type::all().iter().filter(matches).collect();
    let (offset, limit) = (usize::try_from(list.part.offset), usize::try_from(list.part.limit));
    let part = found.iter().skip(offset.unwrap_or(usize::MAX)).take(limit.unwrap_or(usize::MAX));
    let results = part.map(|of| CompatTestType::from(*of)).collect();
    Ok(HttpResponse::Ok().json(list.answer(i64::try_from(found.len()).unwrap_or(i64::MAX), results)))
}
