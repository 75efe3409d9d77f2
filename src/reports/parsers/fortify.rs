//! Fortify: the FPR of the static analyzer, its report as XML, and WebInspect's scan as XML.
//!
//! An FPR is a zip: what was found is in its `audit.fvdl`, what the auditors said of it in its `audit.xml`.

mod definition;
mod fvdl;
mod verdicts;
mod webinspect;

use crate::reports::companion::Companion;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::xml;
use crate::reports::report::Report;

/// Fortify.
pub const PARSER: Parser = Parser {
    name: "fortify",
    title: "Fortify FPR, report XML, WebInspect XML",
    tool: "Fortify",
    content_types: &["application/xml", "application/zip"],
    defectdojo_names: &["Fortify Scan", "Fortify Scan v2"],
    example: r#"<ReportDefinition type="standard"><TemplateName>Fortify Security Report</TemplateName><GroupingSection>
  <groupTitle>SQL Injection</groupTitle><Issue iid="1"><Category>SQL Injection</Category><Friority>High</Friority>
  <Primary><FileName>a.java</FileName><FilePath>src/a.java</FilePath><LineStart>3</LineStart></Primary></Issue></GroupingSection></ReportDefinition>"#,
    shapes: &[
        &[Sign::Has("/FVDL")],
        &[Sign::Has("/ReportDefinition"), Sign::Contains("Fortify")],
        &[Sign::Has("/ReportDefinition"), Sign::Contains("<ReportSection")],
        &[Sign::Has("/Scan"), Sign::Contains("<Issue"), Sign::Contains("<CheckTypeID>")],
        &[Sign::Has("/Sessions"), Sign::Contains("<Issue"), Sign::Contains("<CheckTypeID>")],
        &[Sign::Has("/WebInspectScan")],
    ],
    parse,
};

/// What the auditors said, beside the scan in an FPR.
pub const VERDICTS: Companion = Companion {
    of: PARSER.name,
    shapes: &[&[Sign::Has("/Audit"), Sign::Contains("fortify.com/schema/audit")]],
    read: verdicts::read,
    name: |finding| finding.fingerprint.or_else(|| finding.fact(webinspect::ISSUE)),
};

const TOOL: &str = "Fortify";

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    match xml::root(text).map(|root| root.name) {
        Some("FVDL") => fvdl::read(text),
        Some("ReportDefinition") => definition::read(text),
        Some("Scan" | "Sessions" | "WebInspectScan") => webinspect::read(text),
        // An FPR holds other files beside.
        _ => Err(ParseError::Unrecognised {
            detail: "line 1: none of FVDL, ReportDefinition, Scan, Sessions".to_owned(),
        }),
    }
}
