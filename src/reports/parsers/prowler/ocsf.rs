//! OCSF as Prowler writes it: detection findings, and the security findings of version 3.

use serde::Deserialize;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parsers::prowler::Check;
use crate::reports::read::json::{self, Entries, List, Object, Pairs};
use crate::reports::read::text::Text;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow)]
    metadata: Object<Metadata<'a>>,
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    status_code: Text<'a>,
    #[serde(borrow)]
    status_detail: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow, alias = "finding")]
    finding_info: Object<FindingInfo<'a>>,
    #[serde(borrow)]
    resources: List<Object<Resource<'a>>>,
    #[serde(borrow)]
    cloud: List<Object<Cloud<'a>>>,
    #[serde(borrow)]
    compliance: Object<Compliance<'a>>,
    #[serde(borrow)]
    remediation: Object<Remediation<'a>>,
    #[serde(borrow)]
    risk_details: Text<'a>,
    #[serde(borrow)]
    time_dt: Text<'a>,
    #[serde(borrow)]
    event_time: Text<'a>,
    #[serde(borrow)]
    time: Text<'a>,
    #[serde(borrow)]
    unmapped: Object<Unmapped<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    event_code: Text<'a>,
    #[serde(borrow)]
    product: Object<Product<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Product<'a> {
    #[serde(borrow)]
    version: Text<'a>,
    /// The check, in version 3.
    #[serde(borrow)]
    feature: Object<Named<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FindingInfo<'a> {
    #[serde(borrow)]
    uid: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    desc: Text<'a>,
    #[serde(borrow)]
    src_url: Text<'a>,
    #[serde(borrow)]
    remediation: Object<Remediation<'a>>,
    #[serde(borrow)]
    supporting_data: Object<Supporting<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Supporting<'a> {
    #[serde(borrow)]
    risk: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Compliance<'a> {
    #[serde(borrow)]
    requirements: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource<'a> {
    #[serde(borrow)]
    uid: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    group: Object<Named<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    uid: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cloud<'a> {
    #[serde(borrow)]
    account: Object<Named<'a>>,
    #[serde(borrow)]
    provider: Text<'a>,
    #[serde(borrow)]
    region: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Remediation<'a> {
    #[serde(borrow)]
    desc: Text<'a>,
    #[serde(borrow, alias = "kb_articles")]
    references: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Unmapped<'a> {
    #[serde(borrow)]
    related_url: Text<'a>,
    #[serde(borrow)]
    additional_urls: List<Text<'a>>,
    #[serde(borrow)]
    compliance: Pairs<Text<'a>, List<Text<'a>>>,
    #[serde(borrow)]
    provider: Text<'a>,
    #[serde(borrow)]
    provider_uid: Text<'a>,
}

/// Reads a list of events.
///
/// # Errors
/// See [`json::read`].
pub fn read(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let events: Entries<'_, Event<'_>> = json::read(text)?;
    builder.each(events, "", |builder, event, place| check(event).add(builder, place));
    Ok(())
}

fn check<'e>(event: &'e Event<'_>) -> Check<'e> {
    let text = |text: &'e Text<'_>| Text::from(text.as_str());
    let resource = event.resources.first().map(|resource| &resource.0);
    let of_resource = |pick: fn(&'e Resource<'_>) -> &'e str| Text::from(resource.map_or("", pick));
    // Version 4.0 wrote a list.
    let cloud = event.cloud.first().map(|cloud| &cloud.0);
    let of_cloud = |pick: fn(&'e Cloud<'_>) -> &'e str| cloud.map_or("", pick);
    let (info, unmapped) = (&event.finding_info, &event.unmapped);
    let links = event.remediation.references.iter().chain(info.remediation.references.iter());
    let links = links.chain([&info.src_url, &unmapped.related_url]).chain(unmapped.additional_urls.iter());
    Check {
        id: text(event.metadata.event_code.or(&event.metadata.product.feature.uid)),
        title: text(&info.title),
        description: text(&info.desc),
        risk: text(event.risk_details.or(&info.supporting_data.risk)),
        remediation: text(event.remediation.desc.or(&info.remediation.desc)),
        links: links.map(text).collect(),
        severity: text(&event.severity),
        status: Text::from(status(event)),
        is_muted: event.status.as_str() == "Suppressed",
        message: text(event.status_detail.or(&event.message)),
        provider: first(of_cloud(|cloud| cloud.provider.as_str()), &unmapped.provider),
        account: first(of_cloud(|cloud| cloud.account.uid.or(&cloud.account.name).as_str()), &unmapped.provider_uid),
        region: Text::from(of_cloud(|cloud| cloud.region.as_str())),
        service: of_resource(|resource| resource.group.name.as_str()),
        resource: of_resource(|resource| resource.uid.or(&resource.name).as_str()),
        resource_type: of_resource(|resource| resource.kind.as_str()),
        uid: text(&info.uid),
        found_at: text(event.time_dt.or(&event.event_time).or(&event.time)),
        compliance: Text::from(compliance(event)),
        version: text(&event.metadata.product.version),
    }
}

fn first<'e>(this: &'e str, other: &'e Text<'_>) -> Text<'e> {
    Text::from(if this.is_empty() { other.as_str() } else { this })
}

/// The check's own word. Version 3 gave only OCSF's for it.
fn status<'e>(event: &'e Event<'_>) -> &'e str {
    match (event.status_code.as_str(), event.status.as_str()) {
        ("", "Failure") => "FAIL",
        ("", "Success") => "PASS",
        ("", "Other") => "MUTED",
        ("", "Unknown") => "INFO",
        (code, _) => code,
    }
}

/// What standards say to it, in the words of Prowler's CSV.
fn compliance(event: &Event<'_>) -> String {
    let controls = |list: &List<Text<'_>>| list.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
    let standards = event.unmapped.compliance.0.iter();
    let mapped = standards.map(|(name, list)| format!("{name}: {}", controls(list)));
    mapped.chain(event.compliance.requirements.iter().map(Text::line)).collect::<Vec<_>>().join(" | ")
}
