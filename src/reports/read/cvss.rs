//! Base scores of CVSS vectors, for reports that give a vector and no score.

use std::borrow::Cow;
use std::str::FromStr;

use cvss::{v2, v3, v4};

use crate::base::severity::Severity;
use crate::reports::read::text;
use crate::reports::read::words::severity;
use crate::reports::report::Vulnerability;

/// The metrics of a base score, by version. Others age (temporal, threat) or are of one organization (environmental).
const BASE_V2: [&str; 6] = ["AV", "AC", "Au", "C", "I", "A"];
const BASE_V3: [&str; 8] = ["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
const BASE_V4: [&str; 11] = ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];

/// Base score of a vector of CVSS v2, v3.0, v3.1 or v4.0: 0.0 to 10.0, one decimal. `None` for any other text.
#[must_use]
pub fn score(vector: &str) -> Option<f64> {
    let vector = vector.trim_start_matches('(').trim_end_matches(')');
    Some(match vector {
        v if v.starts_with("CVSS:4") => base::<v4::Vector>("CVSS:4.0/", v, &BASE_V4)?.score().value(),
        v if v.starts_with("CVSS:3") => base::<v3::Vector>("CVSS:3.1/", v, &BASE_V3)?.score().value(),
        v => base::<v2::Vector>("", v, &BASE_V2)?.score().value(),
    })
}

/// The vector of the base metrics alone; `None` when one is missing or has no such value.
fn base<V: FromStr>(prefix: &str, vector: &str, names: &[&str]) -> Option<V> {
    let metrics: Option<Vec<String>> =
        names.iter().map(|name| Some(format!("{name}:{}", metric(vector, name)?))).collect();
    format!("{prefix}{}", metrics?.join("/")).parse().ok()
}

/// The value of a metric in a vector (`N` for `AV` in `CVSS:3.1/AV:N/…`).
fn metric<'v>(vector: &'v str, name: &str) -> Option<&'v str> {
    vector.split('/').filter_map(|part| part.split_once(':')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A vector in its specification's spelling: a v3 vector with the version that some tools leave out (versions 3.0 and 3.1
/// have the same metrics and scores), a v2 vector without the one that some write.
fn with_version(vector: &str) -> Cow<'_, str> {
    let vector = vector.strip_prefix("CVSS:2.0/").or_else(|| vector.strip_prefix("CVSS2#")).unwrap_or(vector);
    let is_bare_v3 = vector.starts_with("AV:") && metric(vector, "PR").is_some() && metric(vector, "S").is_some();
    if is_bare_v3 { Cow::Owned(format!("CVSS:3.1/{vector}")) } else { Cow::Borrowed(vector) }
}

/// What a report says of a vulnerability's CVSS, gathered rating by rating.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ratings {
    cvss2: Option<String>,
    cvss3: Option<String>,
    cvss4: Option<String>,
    score: Option<f64>,
}

impl Ratings {
    /// Adds a vector with its score, either of which may be missing. Of several vectors of one version the first stays;
    /// of the scores the highest of the newest version is not preferred, the highest is.
    pub fn add(&mut self, vector: &str, given: Option<f64>) {
        let vector = &*with_version(vector.trim());
        let slot = match vector {
            v if v.starts_with("CVSS:4") => Some(&mut self.cvss4),
            v if v.starts_with("CVSS:3") => Some(&mut self.cvss3),
            v if v.contains("Au:") => Some(&mut self.cvss2),
            _ => None,
        };
        if let Some(slot @ None) = slot {
            *slot = Some(text::line(vector));
        }
        let score = given.filter(|score| (0.0..=10.0).contains(score)).or_else(|| score(vector));
        self.score = match (self.score, score) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
    }

    /// The highest base score so far.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        self.score
    }

    /// The tool's word, else the severity of the highest score, else unknown.
    #[must_use]
    pub fn severity(&self, word: &str) -> Severity {
        match severity(word) {
            Some(known) if known != Severity::Unknown => known,
            _ => self.score.map_or(Severity::Unknown, Severity::from_score),
        }
    }

    /// The vulnerability with these vectors and this score.
    #[must_use]
    pub fn rate(self, mut vulnerability: Vulnerability) -> Vulnerability {
        self.fill(&mut vulnerability);
        vulnerability
    }

    /// Writes vectors and score into a vulnerability.
    pub fn fill(self, vulnerability: &mut Vulnerability) {
        vulnerability.cvss2 = self.cvss2;
        vulnerability.cvss3 = self.cvss3;
        vulnerability.cvss4 = self.cvss4;
        vulnerability.cvss_score = self.score;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors and scores from the NVD and the specifications' own examples.
    #[test]
    fn computes_base_scores_as_the_specifications_do() {
        for (vector, expected) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(9.8)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", Some(6.1)),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Some(10.0)),
            ("CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N", Some(2.5)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", Some(0.0)),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", Some(7.8)),
            ("(AV:N/AC:L/Au:N/C:C/I:C/A:C)", Some(10.0)),
            ("AV:L/AC:H/Au:N/C:C/I:C/A:C", Some(6.2)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O/RC:U/CR:L", Some(9.8)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", Some(10.0)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(9.3)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U/MAV:P", Some(9.3)),
            ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(7.3)),
            ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(7.7)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N", Some(8.8)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", Some(0.0)),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N", None),
            ("CVSS:4.0/AV:Ü/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", None),
            ("CVSS:3.1/AV:N/AC:L", None),
            ("nonsense", None),
        ] {
            assert_eq!(score(vector), expected, "{vector}");
        }
    }

    #[test]
    fn gives_a_bare_v3_vector_its_version() {
        for (vector, expected) in [
            ("AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", None),
            ("CVSS:2.0/AV:N/AC:L/Au:N/C:N/I:N/A:C", None),
            ("CVSS2#AV:N/AC:L/Au:N/C:N/I:N/A:C", None),
        ] {
            let mut ratings = Ratings::default();
            ratings.add(vector, None);
            assert_eq!(ratings.cvss3.as_deref(), expected, "{vector}");
            assert!(ratings.score.is_some(), "{vector}");
        }
    }

    #[test]
    fn keeps_one_vector_per_version_and_the_highest_score() {
        let mut ratings = Ratings::default();
        ratings.add("AV:N/AC:L/Au:N/C:N/I:N/A:C", None);
        ratings.add("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None);
        ratings.add("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(9.3));
        ratings.add("", Some(11.0));
        assert_eq!(ratings.score(), Some(9.8));
        assert_eq!(ratings.severity(""), Severity::Critical);
        assert_eq!(ratings.severity("LOW"), Severity::Low);
        let mut vulnerability = Vulnerability::default();
        ratings.fill(&mut vulnerability);
        assert!(vulnerability.cvss2.is_some() && vulnerability.cvss3.is_some() && vulnerability.cvss4.is_some());
    }
}
