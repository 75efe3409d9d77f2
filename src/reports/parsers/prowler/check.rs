//! The result of a check, as all versions of Prowler mean it.

use crate::reports::builder::{self, ReportBuilder};
use crate::reports::parsers::prowler::TOOL;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Location, Vulnerability};

const MUTED: &str = "muted by Prowler's mutelist: left out";

/// The result of a check on a resource.
#[derive(Default)]
pub struct Check<'a> {
    pub id: Text<'a>,
    pub title: Text<'a>,
    pub description: Text<'a>,
    pub risk: Text<'a>,
    pub remediation: Text<'a>,
    pub links: Vec<Text<'a>>,
    pub severity: Text<'a>,
    pub status: Text<'a>,
    pub is_muted: bool,
    pub message: Text<'a>,
    pub provider: Text<'a>,
    pub account: Text<'a>,
    pub region: Text<'a>,
    pub service: Text<'a>,
    pub resource: Text<'a>,
    pub resource_type: Text<'a>,
    pub uid: Text<'a>,
    pub found_at: Text<'a>,
    pub compliance: Text<'a>,
    pub version: Text<'a>,
}

impl Check<'_> {
    /// Adds it, if it is a finding.
    pub fn add(&self, builder: &mut ReportBuilder, place: Box<str>) {
        match self.status.to_ascii_uppercase().as_str() {
            // What a team mutes, it has told the tool not to report. Up to version 3 such a result was called a warning,
            // in 4.0 muted, whether it had failed or passed.
            "FAIL" | "MANUAL" if self.is_muted => builder.warn(place, MUTED),
            "WARNING" | "MUTED" => builder.warn(place, MUTED),
            "FAIL" | "MANUAL" => self.add_finding(builder, place),
            "" => builder.lose(place, "no status"),
            // What passed, what informs, what was not checked.
            _ => {}
        }
    }

    fn add_finding(&self, builder: &mut ReportBuilder, place: Box<str>) {
        let severity = words::severity_or_unknown(&self.severity);
        self.head(builder);
        let finding = Finding {
            vulnerability: self.vulnerability(builder),
            asset: self.account(builder),
            location: Location { resource: self.resource.some_line(), ..Location::default() },
            fingerprint: self.uid.some_line(),
            analysis: self.analysis(),
            found_at: self.found_at.time(),
            place: Some(place),
            facts: builder::facts([
                ("region", self.region.some_line()),
                ("service", self.service.some_line()),
                ("resource_type", self.resource_type.some_line()),
                ("compliance", self.compliance.some_line()),
            ]),
            ..Finding::default()
        };
        builder.add_differing(finding, severity, &self.title, &self.message);
    }

    fn head(&self, builder: &mut ReportBuilder) {
        let head = builder.head();
        if head.reported_at.is_none() {
            head.reported_at = self.found_at.time();
            head.tool_version = self.version.some_line();
        }
    }

    fn vulnerability(&self, builder: &mut ReportBuilder) -> usize {
        builder.vulnerability(&format!("{TOOL}:{}", self.id.or(&self.title).line()), || {
            let parts = [&self.description, &self.risk].into_iter().filter_map(Text::some_text);
            let links = self.links.iter().flat_map(|link| words::links(link));
            Vulnerability {
                title: self.title.or(&self.id).title(),
                description: text::text(&words::each_once(parts).join("\n\n")),
                remediation: self.remediation.some_text(),
                severity: words::severity_or_unknown(&self.severity),
                references: words::each_once(links),
                ..Vulnerability::default()
            }
        })
    }

    /// The account, project or subscription that was checked (`aws/123456789012`).
    fn account(&self, builder: &mut ReportBuilder) -> Option<usize> {
        let account = self.account.some_line()?;
        let provider = self.provider.or(&Text::from("aws")).to_lowercase();
        builder.asset(AssetKind::Resource, &format!("{provider}/{account}"))
    }

    fn analysis(&self) -> Option<Analysis> {
        let is_manual = self.status.eq_ignore_ascii_case("manual");
        is_manual.then_some(Analysis { state: AnalysisState::InReview, justification: None })
    }
}
