//! What of an import needs no database: names, times, filters, prints. Pure.

use std::collections::HashMap;

use super::diff::Terms;
use super::fingerprint::{self, Prints};
use super::model::{SourceKey, UploadSettings};
use crate::base::ids::{BranchId, EngagementId, OrganizationId, ProductId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::observations::evidence::Evidence;
use crate::observations::status::ObservationStatus;
use crate::reports::report::{AnalysisState, Finding, Report};

/// What an upload is for.
#[derive(Debug, Clone)]
pub struct Target {
    /// The organization.
    pub organization: OrganizationId,
    /// The product.
    pub product: ProductId,
    /// Its name: the asset of findings that name none.
    pub product_name: String,
    /// The branch, or the implicit row of "no branch".
    pub branch: BranchId,
    /// The engagement.
    pub engagement: Option<EngagementId>,
}

/// One report, ready to be compared with what is known of its source.
#[derive(Debug)]
pub struct Prepared {
    /// The report, without the findings that the upload filters out.
    pub report: Report,
    /// The prints of its findings, in their order.
    pub prints: Vec<Prints>,
    /// Its source.
    pub source: SourceKey,
    /// The asset of findings that name none.
    pub default_asset: String,
    /// How far it may speak of what it does not report.
    pub terms: Terms,
    /// When it ran, by its own word.
    pub reported_at: Option<UtcTime>,
    /// When it ran: the earlier of its own word and its receipt.
    pub scanned_at: UtcTime,
}

/// Prepares one report of an upload that came at `received_at`.
#[must_use]
pub fn prepare(mut report: Report, target: &Target, settings: &UploadSettings, received_at: UtcTime) -> Prepared {
    let lost_entries = report.warnings.iter().any(|warning| warning.lost_entry);
    if settings.minimum_severity > Severity::Unknown {
        let mut findings = std::mem::take(&mut report.findings);
        findings.rewrite(|_, finding, kept| {
            if finding.severity_in(&report) >= settings.minimum_severity {
                kept.push(&finding);
            }
        });
        report.findings = findings;
    }
    let source = SourceKey {
        product: target.product,
        branch: target.branch,
        engagement: target.engagement,
        tool: settings.tool.clone().unwrap_or_else(|| report.tool.clone()),
        name: source_name(settings, report.target.as_deref()),
    };
    let default_asset = settings.asset.clone().unwrap_or_else(|| target.product_name.clone());
    let reported_at = reported_at(settings, report.reported_at);
    Prepared {
        prints: fingerprint::of_report(&report, &default_asset),
        terms: Terms {
            resolve_missing: settings.resolve_missing && !report.failed && !lost_entries,
            reopen: settings.reopen,
            minimum_severity: settings.minimum_severity.rank(),
        },
        source,
        default_asset,
        reported_at,
        scanned_at: reported_at.map_or(received_at, |reported_at| reported_at.min(received_at)),
        report,
    }
}

/// Keeps apart the reports of one file that would have one name, as the runs of a tool for two languages, or two files of
/// an archive: each says of its own part what is gone.
pub fn tell_apart(prepared: &mut [Prepared]) {
    let mut times: HashMap<SourceKey, usize> = HashMap::new();
    for one in prepared.iter() {
        *times.entry(one.source.clone()).or_default() += 1;
    }
    for one in prepared.iter_mut().filter(|one| times.get(&one.source).is_some_and(|times| *times > 1)) {
        let tool = Some(one.report.tool.as_str()).filter(|tool| *tool != one.source.tool);
        let (target, member) = (one.report.target.as_deref(), one.report.member.as_deref());
        let parts: Vec<&str> = [tool, target, member].into_iter().flatten().collect();
        if !parts.is_empty() {
            one.source.name = format!("{} ({})", one.source.name, parts.join(" ")).trim_start().to_owned();
        }
    }
}

/// What is asked for, else what was scanned; and the name of the file, where that tells scans apart too.
fn source_name(settings: &UploadSettings, target: Option<&str>) -> String {
    let name = settings.name.as_deref().or(target).unwrap_or_default();
    match &settings.file_name {
        Some(file) if name.is_empty() => file.clone(),
        Some(file) => format!("{name} ({file})"),
        None => name.to_owned(),
    }
}

/// When a scan ran: as whoever sent it says, else by its own word, which also counts within a day that was said.
fn reported_at(settings: &UploadSettings, own: Option<UtcTime>) -> Option<UtcTime> {
    let Some(said) = settings.scanned_at else { return own };
    let is_within = |time: &UtcTime| settings.scanned_since.is_some_and(|since| (since..=said).contains(time));
    own.filter(is_within).or(Some(said))
}

/// What a report says about a finding's state, as a status.
#[must_use]
pub fn status_of(finding: &Finding<&str>) -> Option<ObservationStatus> {
    finding.analysis.as_ref().map(|analysis| match analysis.state {
        AnalysisState::Affected => ObservationStatus::Affected,
        AnalysisState::InReview => ObservationStatus::InReview,
        AnalysisState::Resolved => ObservationStatus::Resolved,
        AnalysisState::FalsePositive => ObservationStatus::FalsePositive,
        AnalysisState::NotAffected => ObservationStatus::NotAffected,
        AnalysisState::RiskAccepted => ObservationStatus::RiskAccepted,
    })
}

/// Where a finding is, in one line: its file, URL, resource or port.
#[must_use]
pub fn location_of(finding: &Finding<&str>) -> String {
    let place = &finding.location;
    let parts = [place.file, place.url, place.resource, place.port];
    parts.into_iter().flatten().next().unwrap_or_default().to_owned()
}

/// What of a finding has no column of its own.
#[must_use]
pub fn evidence_of(finding: &Finding<&str>) -> Evidence {
    let place = &finding.location;
    let has_file = place.file.is_some();
    let has_url = place.url.is_some();
    let some = |part: Option<&str>| part.map(str::to_owned);
    // The location's one line holds the first of them.
    let beside = |has_other: bool, part: Option<&str>| some(part.filter(|_| has_other));
    Evidence {
        end_line: place.end_line.filter(|end| Some(*end) != place.line),
        url: beside(has_file, place.url),
        method: some(place.method),
        parameter: some(place.parameter),
        port: beside(has_file || has_url || place.resource.is_some(), place.port),
        resource: beside(has_file || has_url, place.resource),
        justification: some(finding.analysis.as_ref().and_then(|analysis| analysis.justification)),
        facts: finding.facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::report::{Vulnerability, Warning};

    fn target() -> Target {
        Target {
            organization: OrganizationId::generate(),
            product: ProductId::generate(),
            product_name: "shop".to_owned(),
            branch: BranchId::generate(),
            engagement: None,
        }
    }

    #[test]
    fn a_report_that_failed_or_lost_entries_resolves_nothing() {
        let now = UtcTime::from_micros(1);
        let lost = Warning { place: "line 2".to_owned(), detail: "no title".to_owned(), lost_entry: true };
        for (failed, warnings, resolves) in [(false, vec![], true), (true, vec![], false), (false, vec![lost], false)] {
            let report = Report { failed, warnings, ..Report::default() };
            let prepared = prepare(report, &target(), &UploadSettings::default(), now);
            assert_eq!(prepared.terms.resolve_missing, resolves);
        }
    }

    #[test]
    fn a_scan_ran_at_the_earlier_of_its_own_word_and_its_receipt() {
        let received_at = UtcTime::from_micros(1000);
        for (reported, expected) in [(None, 1000), (Some(400), 400), (Some(5000), 1000)] {
            let report = Report { reported_at: reported.map(UtcTime::from_micros), ..Report::default() };
            let prepared = prepare(report, &target(), &UploadSettings::default(), received_at);
            assert_eq!(prepared.scanned_at, UtcTime::from_micros(expected), "{reported:?}");
        }
    }

    #[test]
    fn a_time_that_is_said_counts_unless_it_is_a_day_of_which_the_report_knows_the_time() {
        for (since, said, own, expected) in [
            (None, None, Some(40), Some(40)),
            (None, Some(60), Some(40), Some(60)),
            (Some(30), Some(60), Some(40), Some(40)),
            (Some(30), Some(60), Some(30), Some(30)),
            (Some(30), Some(60), Some(60), Some(60)),
            (Some(30), Some(60), Some(29), Some(60)),
            (Some(30), Some(60), Some(61), Some(60)),
            (Some(30), Some(60), None, Some(60)),
        ] {
            let time = |micros: Option<i64>| micros.map(UtcTime::from_micros);
            let settings =
                UploadSettings { scanned_since: time(since), scanned_at: time(said), ..UploadSettings::default() };
            assert_eq!(reported_at(&settings, time(own)), time(expected), "{since:?} {said:?} {own:?}");
        }
    }

    #[test]
    fn the_source_is_what_was_asked_for_or_scanned_and_the_file_where_that_counts() {
        for (name, target, file_name, expected) in [
            (None, None, None, ""),
            (None, Some("shop"), None, "shop"),
            (Some("nightly"), Some("shop"), None, "nightly"),
            (None, None, Some("a.json"), "a.json"),
            (None, Some("shop"), Some("a.json"), "shop (a.json)"),
            (Some("nightly"), Some("shop"), Some("a.json"), "nightly (a.json)"),
        ] {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let settings = UploadSettings { name: text(name), file_name: text(file_name), ..UploadSettings::default() };
            assert_eq!(source_name(&settings, target), expected);
        }
    }

    #[test]
    fn findings_below_the_minimum_severity_are_left_out() {
        let of = |severity| Vulnerability { severity, ..Vulnerability::default() };
        let report = Report {
            vulnerabilities: [of(Severity::Low), of(Severity::High)].into_iter().collect(),
            findings: [Finding::default(), Finding { vulnerability: 1, ..Finding::default() }].into_iter().collect(),
            ..Report::default()
        };
        let settings = UploadSettings { minimum_severity: Severity::Medium, ..UploadSettings::default() };
        let prepared = prepare(report, &target(), &settings, UtcTime::from_micros(1));
        assert_eq!((prepared.report.findings.len(), prepared.prints.len()), (1, 1));
    }
}
