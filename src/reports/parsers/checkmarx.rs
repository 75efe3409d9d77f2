//! Checkmarx: the results of CxSAST as XML, and the scan report of its cloud as JSON (static, packages, infrastructure).
//!
//! A finding is at the end of its path: there the data does harm, and there most are fixed.

mod json;
mod xml;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::packages;
use crate::reports::report::{Analysis, AnalysisState, Report};

/// Checkmarx.
pub const PARSER: Parser = Parser {
    name: "checkmarx",
    title: "Checkmarx results XML, scan report JSON",
    tool: "Checkmarx",
    content_types: &["application/xml", "application/json"],
    defectdojo_names: &["Checkmarx Scan", "Checkmarx Scan detailed"],
    example: r#"<CxXMLResults ProjectName="shop" ScanStart="Saturday, January 31, 2026 10:20:30 AM"><Query name="SQL_Injection" cweId="89">
  <Result Severity="High" state="0"><Path SimilarityId="7"><PathNode><FileName>a.java</FileName><Line>3</Line></PathNode></Path></Result></Query></CxXMLResults>"#,
    shapes: &[
        &[Sign::Has("/CxXMLResults")],
        &[Sign::Object("reportHeader"), Sign::Has("scanResults.sast.languages")],
        &[Sign::Object("reportHeader"), Sign::Has("scanResults.sca.packages")],
        &[Sign::Object("reportHeader"), Sign::Has("scanResults.kics.results")],
    ],
    parse,
};

const TOOL: &str = "Checkmarx";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    if text.trim_start().starts_with('<') { xml::read(text) } else { json::read(text) }
}

/// The name of a query as people read it.
pub fn query_title(name: &str) -> String {
    name.replace('_', " ")
}

/// What a triage state means, by its word or its number in XML. Of new results nobody has said anything.
pub fn analysis(state: &str) -> Option<Analysis> {
    let state = match state.to_ascii_lowercase().replace('_', " ").as_str() {
        "not exploitable" | "1" => AnalysisState::FalsePositive,
        "proposed not exploitable" | "4" => AnalysisState::InReview,
        "confirmed" | "urgent" | "2" | "3" => AnalysisState::Affected,
        _ => return None,
    };
    Some(Analysis { state, justification: None })
}

/// The component of a package identifier (`Maven-org.yaml:snakeyaml-1.27`), whose version is known or its last part.
pub fn component(builder: &mut ReportBuilder, identifier: &str, version: &str) -> Option<usize> {
    let (kind, rest) = identifier.split_once('-').unwrap_or(("", identifier));
    let known = rest.strip_suffix(version).and_then(|name| name.strip_suffix('-')).filter(|_| !version.is_empty());
    let (name, version) = match known {
        Some(name) => (name, version),
        None => rest
            .rsplit_once('-')
            .filter(|(_, last)| last.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or((rest, version)),
    };
    let name = packages::name(name);
    let purl = packages::purl(kind, &name, version);
    builder.component(&name, version, &purl.unwrap_or_default())
}
