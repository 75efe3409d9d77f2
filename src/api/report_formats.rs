//! Report formats: what can be uploaded.

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::base::error::ApiError;
use crate::reports::parser::Parser;
use crate::reports::parsers::PARSERS;

/// The route of report formats.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_report_formats);
}

/// A report format.
#[derive(Debug, Serialize, ToSchema)]
struct ReportFormatView {
    /// Its name, as `format` takes it.
    #[schema(example = "sarif")]
    name: &'static str,
    /// Its name for people.
    #[schema(example = "SARIF 2.1.0")]
    title: &'static str,
    /// The tool that writes it, or what kind of tools do.
    #[schema(example = "Semgrep")]
    tool: &'static str,
    /// The content types it is sent as.
    #[schema(example = json!(["application/json"]))]
    content_types: &'static [&'static str],
    /// The shortest report that says something.
    #[schema(example = "{\"version\": \"2.1.0\", \"runs\": []}")]
    example: &'static str,
    /// The scan types of DefectDojo that mean this format.
    #[schema(example = json!(["SARIF"]))]
    defectdojo_scan_types: &'static [&'static str],
}

impl From<&'static Parser> for ReportFormatView {
    fn from(parser: &'static Parser) -> Self {
        Self {
            name: parser.name,
            title: parser.title,
            tool: parser.tool,
            content_types: parser.content_types,
            example: parser.example,
            defectdojo_scan_types: parser.defectdojo_names,
        }
    }
}

/// All report formats.
#[derive(Debug, Serialize, ToSchema)]
struct ReportFormatsView {
    /// By name.
    items: Vec<ReportFormatView>,
}

/// List the report formats.
///
/// What a report is, is recognised by its content: a format need be named only where two look alike.
#[utoipa::path(tag = "scans", security(()), responses((status = 200, description = "All of them, by name.", body = ReportFormatsView)))]
#[get("/report-formats")]
async fn list_report_formats() -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(ReportFormatsView { items: PARSERS.iter().map(ReportFormatView::from).collect() }))
}
