//! Qualys VMDR: scan reports of hosts as XML and as CSV.

mod table;
mod xml;

use crate::base::severity::Severity;
use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::cvss::Ratings;
use crate::reports::read::text::Text;
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, Report};

/// Qualys.
pub const PARSER: Parser = Parser {
    name: "qualys",
    title: "Qualys scan report, XML and CSV",
    tool: "Qualys",
    content_types: &["application/xml", "text/csv"],
    defectdojo_names: &["Qualys Scan"],
    example: "IP,DNS,QID,Title,Vuln Status,Type,Severity,Port,Protocol,CVE ID,Threat,Impact,Solution\n\
              192.0.2.1,www.example.com,38170,Self-signed certificate,Active,Vuln,2,443,tcp,,Nobody vouches for it.,,Get one.\n",
    shapes: &[
        &[Sign::Has("/ASSET_DATA_REPORT")],
        &[Sign::Column("qid"), Sign::Column("title"), Sign::Column("vuln status"), Sign::Column("ip")],
        &[Sign::Column("qid"), Sign::Column("vuln title"), Sign::Column("ip")],
        // Below some lines about the report.
        &[Sign::Contains("QID"), Sign::Contains("Title"), Sign::Contains("Vuln Status")],
    ],
    parse,
};

const TOOL: &str = "Qualys";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new(TOOL);
    if text.trim_start().starts_with('<') {
        xml::read(&mut builder, text)?
    } else {
        table::read(&mut builder, text)?
    }
    Ok(vec![builder.finish()])
}

/// Qualys's levels (minimal, medium, serious, critical, urgent), or a word.
fn severity(level: &str) -> Severity {
    match level.trim() {
        "5" => Severity::Critical,
        "4" => Severity::High,
        "3" => Severity::Medium,
        "2" => Severity::Low,
        "1" => Severity::None,
        word => words::severity_or_unknown(word),
    }
}

/// Adds a score with its vector behind: `6.7 (AV:L/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H)`.
fn rate(ratings: &mut Ratings, score: &str) {
    let (score, vector) = score.split_once('(').unwrap_or((score, ""));
    ratings.add(vector.trim().trim_end_matches(')'), Text::from(score).number());
}

/// What the status of a detection says; new, active and reopened ones are just open.
fn analysis(status: &str) -> Option<Analysis> {
    let state = match status.trim().to_ascii_lowercase().as_str() {
        "fixed" => AnalysisState::Resolved,
        _ => return None,
    };
    Some(Analysis { state, justification: None })
}
