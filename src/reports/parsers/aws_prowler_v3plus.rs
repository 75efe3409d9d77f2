//! Prowler 3: its own JSON. Under this scan type DefectDojo also takes OCSF.

use serde::Deserialize;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::prowler::{self, Check};
use crate::reports::read::json::{self, Entries, Object};
use crate::reports::read::text::Text;
use crate::reports::report::Report;
use crate::reports::sniff::Sniff;

/// Prowler 3.
pub const PARSER: Parser = Parser {
    name: "aws_prowler_v3plus",
    title: "Prowler 3 (JSON)",
    tool: "Prowler",
    content_types: &["application/json"],
    defectdojo_names: &["AWS Prowler V3"],
    example: r#"[{"FindingUniqueId": "prowler-1", "Provider": "aws", "CheckID": "s3_bucket_public_access", "CheckTitle": "No bucket is public",
  "Status": "FAIL", "StatusExtended": "Bucket shop is public.", "Severity": "high", "AccountId": "123456789012", "ResourceId": "shop"}]"#,
    shapes: &[
        &[Sign::Has("[].CheckID"), Sign::Has("[].StatusExtended")],
        &[Sign::Has("[].CheckID"), Sign::Has("[].FindingUniqueId")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Entry<'a> {
    #[serde(borrow, rename = "CheckID")]
    check_id: Text<'a>,
    #[serde(borrow)]
    check_title: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    risk: Text<'a>,
    #[serde(borrow)]
    remediation: Object<Remediation<'a>>,
    #[serde(borrow)]
    related_url: Text<'a>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    status_extended: Text<'a>,
    #[serde(borrow)]
    provider: Text<'a>,
    #[serde(borrow, alias = "ProjectId", alias = "Subscription")]
    account_id: Text<'a>,
    #[serde(borrow)]
    region: Text<'a>,
    #[serde(borrow)]
    service_name: Text<'a>,
    #[serde(borrow)]
    resource_arn: Text<'a>,
    #[serde(borrow)]
    resource_id: Text<'a>,
    #[serde(borrow)]
    resource_type: Text<'a>,
    #[serde(borrow)]
    finding_unique_id: Text<'a>,
    #[serde(borrow)]
    assessment_start_time: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Remediation<'a> {
    #[serde(borrow)]
    recommendation: Object<Recommendation<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Recommendation<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Prowler");
    if Sniff::first(text).has("[].metadata.product") {
        prowler::read_ocsf(&mut builder, text)?;
    } else {
        let entries: Entries<'_, Entry<'_>> = json::read(text)?;
        builder.each(entries, "", |builder, entry, place| check(entry).add(builder, place));
    }
    Ok(vec![builder.finish()])
}

fn check<'e>(entry: &'e Entry<'_>) -> Check<'e> {
    let text = |text: &'e Text<'_>| Text::from(text.as_str());
    let recommendation = &entry.remediation.recommendation;
    Check {
        id: text(&entry.check_id),
        title: text(&entry.check_title),
        description: text(&entry.description),
        risk: text(&entry.risk),
        remediation: text(&recommendation.text),
        links: vec![text(&recommendation.url), text(&entry.related_url)],
        severity: text(&entry.severity),
        status: text(&entry.status),
        message: text(&entry.status_extended),
        provider: text(&entry.provider),
        account: text(&entry.account_id),
        region: text(&entry.region),
        service: text(&entry.service_name),
        resource: text(entry.resource_arn.or(&entry.resource_id)),
        resource_type: text(&entry.resource_type),
        uid: text(&entry.finding_unique_id),
        found_at: text(&entry.assessment_start_time),
        ..Check::default()
    }
}
