//! Veracode: the detailed report as XML, findings as the REST API gives them, and the results of a pipeline scan.
//!
//! A flaw's category is what is wrong; its description tells of this one place.

mod json;
mod pipeline;
mod xml;

use crate::base::severity::Severity;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::report::{Analysis, AnalysisState, Report};
use crate::reports::sniff::{Sniff, Syntax};

/// Veracode.
pub const PARSER: Parser = Parser {
    name: "veracode",
    title: "Veracode detailed report, and findings of its REST API",
    tool: "Veracode",
    content_types: &["application/xml", "application/json"],
    defectdojo_names: &["Veracode Scan"],
    example: r#"<detailedreport xmlns="https://www.veracode.com/schema/reports/export/1.0" app_id="1" app_name="shop"><severity level="4">
  <category categoryname="SQL Injection"><cwe cweid="89"><staticflaws><flaw issueid="1" severity="4" cweid="89"
   categoryname="SQL Injection" sourcefile="a.java" sourcefilepath="src/" line="3"/></staticflaws></cwe></category></severity></detailedreport>"#,
    shapes: &[
        &[Sign::Has("/detailedreport"), Sign::Contains("veracode.com")],
        &[Sign::Has("findings[].finding_details"), Sign::Has("findings[].scan_type")],
        &[Sign::Has("_embedded.findings[].finding_details"), Sign::Has("_embedded.findings[].scan_type")],
        &[Sign::Has("findings[].issue_type_id"), Sign::Has("findings[].files.source_file")],
        &[Sign::Has("scan_id"), Sign::Has("scan_status"), Sign::Has("modules_count"), Sign::List("findings")],
        &[
            Sign::Says("_links.self.href", "https://api.veracode."),
            Sign::Has("page.total_elements"),
            Sign::Lacks("_embedded"),
        ],
    ],
    parse,
};

const TOOL: &str = "Veracode";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    match Sniff::first(text) {
        sniff if sniff.syntax() == Syntax::Xml => xml::read(text),
        sniff if sniff.has("scan_id") || sniff.has("findings[].issue_type_id") => pipeline::read(text),
        _ => json::read(text),
    }
}

/// Veracode's levels. Its «very low» flaws are possible weaknesses that nobody is known to exploit.
fn severity(level: &str) -> Severity {
    match level.trim() {
        "5" => Severity::Critical,
        "4" => Severity::High,
        "3" => Severity::Medium,
        "2" => Severity::Low,
        "1" | "0" => Severity::None,
        _ => Severity::Unknown,
    }
}

/// What a reviewed flaw is, by the action that was proposed (`Potential False Positive`, `FIXED`, …).
fn reviewed(action: &str, justification: Option<String>, is_approved: bool) -> Analysis {
    let action = action.to_ascii_lowercase().replace(['_', '-'], " ");
    let state = match () {
        () if !is_approved => AnalysisState::InReview,
        () if action.contains("false positive") => AnalysisState::FalsePositive,
        () if action.contains("fixed") || action.contains("remediated") => AnalysisState::Resolved,
        () => AnalysisState::RiskAccepted,
    };
    Analysis { state, justification }
}
