//! What a ticket is about: an observation with all that its ticket says and that decides about it.

use crate::base::ids::{ObservationId, OrganizationId, ProductId, ScanSourceId};
use crate::base::severity::Severity;
use crate::observations::evidence::Evidence;
use crate::observations::status::ObservationStatus;
use crate::tracker_configs::policy::Facts;

/// An observation, read for its ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
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

impl Subject {
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
            by_hand,
        }
    }
}
