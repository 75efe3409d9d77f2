//! What a ticket is about: an observation, or an issue, with all that its ticket says and that decides about it.

use super::ticket::TicketRef;
use crate::base::ids::{ObservationId, OrganizationId, ProductId, ScanSourceId};
use crate::base::severity::Severity;
use crate::issues::model::{Counts, Issue};
use crate::issues::standing::Standing;
use crate::issues::status::IssueState;
use crate::observations::evidence::Evidence;
use crate::observations::status::ObservationStatus;
use crate::tracker_configs::model::IssueTracker;
use crate::tracker_configs::policy::Facts;

/// What a ticket is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// An observation.
    Observation(Box<ObservationSubject>),
    /// An issue.
    Issue(Box<IssueSubject>),
}

impl Subject {
    /// The observation, if it is one.
    #[must_use]
    pub const fn observation(&self) -> Option<&ObservationSubject> {
        match self {
            Self::Observation(observation) => Some(observation),
            Self::Issue(_) => None,
        }
    }
}

/// An issue, read for its ticket. Instances of restricted products are left out where there are others: who reads the
/// tracker may not be who may see them.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueSubject {
    /// The issue.
    pub issue: Issue,
    /// How many instances of what kind the ticket speaks of.
    pub counts: Counts,
    /// The first of them, the most severe first.
    pub instances: Vec<IssueLine>,
    /// How it uses the tracker.
    pub tracker: IssueTracker,
}

/// One instance, in a line of the ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueLine {
    /// When it was added.
    pub severity: Severity,
    /// CVE, GHSA, or the tool's rule.
    pub vulnerability: String,
    /// What it was found on.
    pub asset: String,
    /// In which product, and on which branch of it.
    pub product: String,
    /// What holds for it now.
    pub standing: Standing,
}

impl IssueSubject {
    /// Why its ticket should not be open; `None` when it should. With `auto_close` off, a ticket outlives its last
    /// instance until somebody settles the issue (NU-4); what is accepted or in review is done only if the tracker's
    /// settings say so (NU-5).
    #[must_use]
    pub fn why_closed(&self) -> Option<IssueState> {
        let state = self.issue.state;
        let is_done_by_scans = self.issue.counts.is_complete();
        let nothing_left = self.issue.counts.instance_count > 0 && self.issue.counts.actionable() == 0;
        match state {
            IssueState::Closed => Some(state),
            IssueState::Resolved if is_done_by_scans => self.tracker.auto_close.then_some(state),
            IssueState::Resolved => Some(state),
            IssueState::Open | IssueState::InProgress => {
                let closes = self.tracker.auto_close && !self.tracker.temporary_keeps_open && nothing_left;
                closes.then_some(IssueState::Resolved)
            }
        }
    }
}

/// An observation, read for its ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservationSubject {
    /// The organization.
    pub organization: OrganizationId,
    /// Its id.
    pub id: ObservationId,
    /// Its product.
    pub product: ProductId,
    /// The product's name.
    pub product_name: String,
    /// The name of its branch; empty for none.
    pub branch: String,
    /// Its source.
    pub source: ScanSourceId,
    /// The tool that reports it.
    pub tool: String,
    /// Its computed print, to know it again on another branch.
    pub fingerprint: Vec<u8>,
    /// What holds now.
    pub status: ObservationStatus,
    /// How bad it is.
    pub severity: Severity,
    /// Somebody has confirmed it.
    pub is_verified: bool,
    /// It is on the default branch or on none.
    pub on_pushed_branch: bool,
    /// It vanished with most of its source, which must be confirmed first.
    pub close_is_held: bool,
    /// The ticket of an issue that it is in, which stands for it.
    pub superseded_by: Option<TicketRef>,
    /// What was said with the last change of its status.
    pub assessment_comment: Option<String>,
    /// Its texts and places.
    pub text: SubjectText,
}

/// What the ticket of an observation says. All of it comes from scanners and is not trusted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SubjectText {
    /// CVE, GHSA, or the tool's rule.
    pub key: String,
    /// Other ids of the vulnerability.
    pub aliases: Vec<String>,
    /// One line.
    pub title: String,
    /// Markdown or plain text.
    pub description: String,
    /// What to do about it.
    pub remediation: Option<String>,
    /// CVSS base score.
    pub cvss_score: Option<f64>,
    /// The newest CVSS vector given.
    pub cvss_vector: Option<String>,
    /// CWE numbers.
    pub cwes: Vec<u32>,
    /// EPSS probability.
    pub epss: Option<f64>,
    /// In a catalogue of known exploited vulnerabilities.
    pub is_known_exploited: bool,
    /// Links.
    pub references: Vec<String>,
    /// The kind of the asset.
    pub asset_kind: String,
    /// What it was found on.
    pub asset: String,
    /// The component with its version.
    pub component: Option<String>,
    /// The component's package URL.
    pub purl: Option<String>,
    /// The version that has the fix.
    pub fixed_version: Option<String>,
    /// Where in the asset.
    pub location: String,
    /// The line there.
    pub line: Option<i32>,
    /// The code at the place.
    pub snippet: Option<String>,
    /// What else the report says.
    pub evidence: Evidence,
}

impl ObservationSubject {
    /// What decides about its ticket.
    #[must_use]
    pub const fn facts(&self, is_suppressed: bool, by_hand: bool) -> Facts {
        Facts {
            status: self.status,
            severity: self.severity,
            on_pushed_branch: self.on_pushed_branch,
            is_verified: self.is_verified,
            close_is_held: self.close_is_held,
            is_suppressed,
            is_superseded: self.superseded_by.is_some(),
            by_hand,
        }
    }
}
