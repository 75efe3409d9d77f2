//! What is kept of an instance: pure, from the observations of its pair.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::standing::Standing;
use crate::base::ids::{AssetId, BranchId, ObservationId, ProductId, VulnerabilityId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::observations::model::Vulnerability;
use crate::observations::status::ObservationStatus;

/// The most observations that a snapshot keeps one by one; the others it counts.
pub const MAX_OBSERVATIONS: usize = 20;
/// The most characters that it keeps of a text.
const MAX_TEXT_CHARS: usize = 10_000;

/// An instance as it was when it was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = InstanceSnapshot)]
pub struct Snapshot {
    /// What held for it.
    pub status: Standing,
    /// The highest severity of its observations.
    pub severity: Severity,
    /// The product.
    pub product: ProductThen,
    /// The branch.
    pub branch: BranchThen,
    /// What it was found on.
    pub asset: AssetThen,
    /// How many observations of it there were.
    #[schema(example = 2)]
    pub observation_count: i64,
    /// The most severe of them, at most 20.
    pub observations: Vec<ObservationThen>,
}

/// A product, as it was called then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductThen {
    /// Its id.
    pub id: ProductId,
    /// Its name.
    #[schema(example = "shop")]
    pub name: String,
}

/// A branch, as it was called then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BranchThen {
    /// Its id.
    pub id: BranchId,
    /// Its name; empty for what was scanned without a branch.
    #[schema(example = "main")]
    pub name: String,
}

/// An asset, as it was called then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetThen {
    /// Its id.
    pub id: AssetId,
    /// Its kind.
    #[schema(example = "image")]
    pub kind: String,
    /// Its name.
    #[schema(example = "registry.example.com/shop")]
    pub name: String,
}

/// An observation, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObservationThen {
    /// Its id.
    pub id: ObservationId,
    /// The tool that reported it.
    #[schema(example = "Trivy")]
    pub tool: String,
    /// What held for it.
    pub status: ObservationStatus,
    /// Its severity.
    pub severity: Severity,
    /// Its own title, where it was not the vulnerability's.
    #[schema(example = "Reflected input in login form")]
    pub title: Option<String>,
    /// Its own message.
    #[schema(example = "The login form echoes its input.")]
    pub description: Option<String>,
    /// Where in the asset.
    #[schema(example = "src/login.rs")]
    pub location: String,
    /// The line there.
    #[schema(example = 42)]
    pub line: Option<i32>,
    /// In which component.
    pub component: Option<ComponentThen>,
    /// The version in which it is fixed.
    #[schema(example = "4.17.21")]
    pub fixed_version: Option<String>,
    /// Whether somebody had confirmed it.
    pub is_verified: bool,
    /// When it was first reported.
    pub first_seen_at: UtcTime,
    /// When it was last reported.
    pub last_seen_at: UtcTime,
}

/// A component, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComponentThen {
    /// Its name.
    #[schema(example = "log4j-core")]
    pub name: String,
    /// Its version.
    #[schema(example = "2.14.1")]
    pub version: String,
    /// Its package URL.
    #[schema(example = "pkg:npm/lodash@4.17.20")]
    pub purl: String,
}

/// What a vulnerability said in one of its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = VulnerabilityThen)]
pub struct VulnerabilityFacts {
    /// Its id.
    pub id: VulnerabilityId,
    /// Its identity: the CVE or GHSA id, or `tool:rule`.
    #[schema(example = "CVE-2021-44228")]
    pub key: String,
    /// All its names.
    pub names: Vec<String>,
    /// One line.
    #[schema(example = "Remote code execution in log4j-core")]
    pub title: String,
    /// As the first source said.
    pub severity: Severity,
    /// Markdown or plain text.
    #[schema(example = "The login form echoes its input.")]
    pub description: String,
    /// What to do about it.
    #[schema(example = "Upgrade to 4.17.21 or later.")]
    pub remediation: Option<String>,
    /// CWE numbers.
    pub cwes: Vec<u32>,
    /// CVSS v3 vector.
    #[schema(example = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")]
    pub cvss3: Option<String>,
    /// CVSS v4 vector.
    #[schema(example = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N")]
    pub cvss4: Option<String>,
    /// The highest base score given.
    #[schema(example = 7.5)]
    pub cvss_score: Option<f64>,
    /// EPSS probability.
    #[schema(example = 0.042)]
    pub epss: Option<f64>,
    /// Whether it was in a catalogue of known exploited vulnerabilities.
    pub is_known_exploited: bool,
    /// Links.
    pub references: Vec<String>,
}

impl VulnerabilityFacts {
    /// What is kept of a vulnerability with these further names.
    #[must_use]
    pub fn of(vulnerability: Vulnerability, names: Vec<String>) -> Self {
        Self {
            id: vulnerability.id,
            cwes: serde_json::from_str(&vulnerability.cwes_json).unwrap_or_default(),
            references: serde_json::from_str(&vulnerability.references_json).unwrap_or_default(),
            key: vulnerability.vulnerability_key,
            names,
            title: vulnerability.title,
            severity: vulnerability.severity,
            description: cut(vulnerability.description),
            remediation: vulnerability.remediation.map(cut),
            cvss3: vulnerability.cvss3,
            cvss4: vulnerability.cvss4,
            cvss_score: vulnerability.cvss_score,
            epss: vulnerability.epss,
            is_known_exploited: vulnerability.is_known_exploited,
        }
    }
}

/// Where an instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The product.
    pub product: ProductThen,
    /// The branch.
    pub branch: BranchThen,
    /// The asset.
    pub asset: AssetThen,
}

/// The snapshot of an instance at a place, of all observations of its pair.
#[must_use]
pub fn take(place: Place, mut observations: Vec<ObservationThen>) -> Snapshot {
    let status = observations.iter().map(|seen| Standing::of(seen.status)).min().unwrap_or(Standing::Deleted);
    // What is active says how bad it is, where something is.
    let of_active = observations.iter().filter(|seen| seen.status.is_active()).map(|seen| seen.severity).max();
    let of_all = || observations.iter().map(|seen| seen.severity).max();
    let severity = of_active.or_else(of_all).unwrap_or_default();
    let observation_count = i64::try_from(observations.len()).unwrap_or(i64::MAX);
    observations.sort_by_key(|seen| (!seen.status.is_active(), std::cmp::Reverse(seen.severity), seen.id));
    observations.truncate(MAX_OBSERVATIONS);
    for seen in &mut observations {
        seen.description = seen.description.take().map(cut);
    }
    Snapshot {
        status,
        severity,
        product: place.product,
        branch: place.branch,
        asset: place.asset,
        observation_count,
        observations,
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: ObservationStatus, severity: Severity) -> ObservationThen {
        ObservationThen {
            id: ObservationId::generate(),
            tool: "Trivy".into(),
            status,
            severity,
            title: None,
            description: Some("é".repeat(MAX_TEXT_CHARS + 1)),
            location: "pom.xml".into(),
            line: None,
            component: None,
            fixed_version: None,
            is_verified: false,
            first_seen_at: UtcTime::from_micros(1),
            last_seen_at: UtcTime::from_micros(2),
        }
    }

    fn taken(observations: Vec<ObservationThen>) -> Snapshot {
        let place = Place {
            product: ProductThen { id: ProductId::generate(), name: "shop".into() },
            branch: BranchThen { id: BranchId::generate(), name: "main".into() },
            asset: AssetThen { id: AssetId::generate(), kind: "image".into(), name: "shop".into() },
        };
        take(place, observations)
    }

    /// RZ-3
    #[test]
    fn the_most_pressing_observation_decides() {
        use ObservationStatus::{FalsePositive, InReview, Open, Resolved};
        for (observations, status, severity) in [
            (vec![(Resolved, Severity::Critical), (Open, Severity::Low)], Standing::Open, Severity::Low),
            (vec![(FalsePositive, Severity::High), (Resolved, Severity::Low)], Standing::FalsePositive, Severity::High),
            (vec![(InReview, Severity::Medium), (Resolved, Severity::High)], Standing::InReview, Severity::Medium),
            (vec![], Standing::Deleted, Severity::Unknown),
        ] {
            let snapshot = taken(observations.iter().map(|(status, severity)| seen(*status, *severity)).collect());
            assert_eq!((snapshot.status, snapshot.severity), (status, severity), "{observations:?}");
        }
    }

    #[test]
    fn keeps_the_most_severe_observations_and_counts_the_others() {
        let mut observations = vec![seen(ObservationStatus::Open, Severity::Low); 30];
        observations.push(seen(ObservationStatus::Open, Severity::High));
        let snapshot = taken(observations);
        assert_eq!((snapshot.observation_count, snapshot.observations.len()), (31, MAX_OBSERVATIONS));
        assert_eq!(snapshot.observations[0].severity, Severity::High);
        let text = snapshot.observations[0].description.as_deref().unwrap();
        assert_eq!(text.chars().count(), MAX_TEXT_CHARS + 1, "cut between characters");
    }
}
