//! AWS Security Hub, as `aws securityhub get-findings` answers: findings of the AWS Security Finding Format in an object.
//! EventBridge passes them on in the detail of an event.

use serde::Deserialize;

use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::asff::{self, AwsFinding};
use crate::reports::read::json::{self, Entries, Object};
use crate::reports::report::Report;

/// AWS Security Hub.
pub const PARSER: Parser = Parser {
    name: "awssecurityhub",
    title: "AWS Security Hub findings",
    tool: "AWS Security Hub",
    content_types: &["application/json"],
    defectdojo_names: &["AWS Security Hub Scan"],
    example: r#"{"Findings": [{"SchemaVersion": "2018-10-08", "Id": "arn:aws:securityhub:1", "GeneratorId": "S3.8", "AwsAccountId": "123456789012",
  "Severity": {"Label": "HIGH"}, "Title": "S3.8 Buckets should block public access", "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::shop"}]}]}"#,
    shapes: &[
        &[Sign::Has("Findings[].AwsAccountId"), Sign::Has("Findings[].GeneratorId")],
        &[Sign::Has("findings[].AwsAccountId"), Sign::Has("findings[].GeneratorId")],
        &[Sign::Has("Findings[].SchemaVersion"), Sign::Has("Findings[].Title"), Sign::Has("Findings[].Resources")],
        &[Sign::Has("findings[].SchemaVersion"), Sign::Has("findings[].Title"), Sign::Has("findings[].Resources")],
        &[Sign::Has("detail.findings[].AwsAccountId"), Sign::Has("detail.findings[].GeneratorId")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow, rename = "Findings", alias = "findings")]
    findings: Entries<'a, AwsFinding<'a>>,
    #[serde(borrow)]
    detail: Object<Detail<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail<'a> {
    #[serde(borrow)]
    findings: Entries<'a, AwsFinding<'a>>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let detail = file.detail.0.findings;
    if detail.is_empty() { asff::read(file.findings, "/Findings") } else { asff::read(detail, "/detail/findings") }
}
