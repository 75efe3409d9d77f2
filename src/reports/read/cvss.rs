//! Base scores of CVSS vectors, for reports that give a vector and no score.

use std::borrow::Cow;

use crate::base::severity::Severity;
use crate::reports::read::words::severity;
use crate::reports::report::Vulnerability;

/// Base score of a vector of CVSS v2, v3.0 or v3.1: 0.0 to 10.0, one decimal. `None` for any other text, and for
/// v4.0, whose score is a table of 270 classes: reports that use it give the score beside it.
#[must_use]
pub fn score(vector: &str) -> Option<f64> {
    if vector.starts_with("CVSS:3") { score_v3(vector) } else { score_v2(vector) }
}

/// The value of a metric in a vector (`N` for `AV` in `CVSS:3.1/AV:N/…`).
fn metric<'v>(vector: &'v str, name: &str) -> Option<&'v str> {
    vector.split('/').filter_map(|part| part.split_once(':')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn weight(vector: &str, name: &str, weights: &[(&str, f64)]) -> Option<f64> {
    let value = metric(vector, name)?;
    weights.iter().find(|(key, _)| *key == value).map(|(_, weight)| *weight)
}

/// Source: FIRST, CVSS v3.1 Specification, sections 7.1 and 7.4. Versions 3.0 and 3.1 share base weights.
fn score_v3(vector: &str) -> Option<f64> {
    const IMPACT: [(&str, f64); 3] = [("H", 0.56), ("L", 0.22), ("N", 0.0)];
    let changed = match metric(vector, "S")? {
        "C" => true,
        "U" => false,
        _ => return None,
    };
    let privileges =
        if changed { [("N", 0.85), ("L", 0.68), ("H", 0.5)] } else { [("N", 0.85), ("L", 0.62), ("H", 0.27)] };
    let exploitability = 8.22
        * weight(vector, "AV", &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?
        * weight(vector, "AC", &[("L", 0.77), ("H", 0.44)])?
        * weight(vector, "PR", &privileges)?
        * weight(vector, "UI", &[("N", 0.85), ("R", 0.62)])?;
    let kept =
        ["C", "I", "A"].into_iter().try_fold(1.0, |kept, name| Some(kept * (1.0 - weight(vector, name, &IMPACT)?)))?;
    let lost: f64 = 1.0 - kept;
    let impact = if changed { 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02).powi(15) } else { 6.42 * lost };
    if impact <= 0.0 {
        return Some(0.0);
    }
    let factor = if changed { 1.08 } else { 1.0 };
    Some(rounded_up((factor * (impact + exploitability)).min(10.0)))
}

/// Rounds up to one decimal without floating-point surprises. Source: CVSS v3.1 Specification, appendix A.
fn rounded_up(score: f64) -> f64 {
    let scaled = (score * 100_000.0).round();
    if scaled % 10_000.0 == 0.0 { scaled / 100_000.0 } else { ((scaled / 10_000.0).floor() + 1.0) / 10.0 }
}

/// Source: FIRST, CVSS v2 Complete Guide, section 3.2.1.
fn score_v2(vector: &str) -> Option<f64> {
    const IMPACT: [(&str, f64); 3] = [("N", 0.0), ("P", 0.275), ("C", 0.66)];
    let vector = vector.trim_start_matches('(').trim_end_matches(')');
    let exploitability = 20.0
        * weight(vector, "AV", &[("L", 0.395), ("A", 0.646), ("N", 1.0)])?
        * weight(vector, "AC", &[("H", 0.35), ("M", 0.61), ("L", 0.71)])?
        * weight(vector, "Au", &[("M", 0.45), ("S", 0.56), ("N", 0.704)])?;
    let kept =
        ["C", "I", "A"].into_iter().try_fold(1.0, |kept, name| Some(kept * (1.0 - weight(vector, name, &IMPACT)?)))?;
    let impact: f64 = 10.41 * (1.0 - kept);
    let factor = if impact == 0.0 { 0.0 } else { 1.176 };
    Some(((0.6 * impact + 0.4 * exploitability - 1.5) * factor * 10.0).round().max(0.0) / 10.0)
}

/// A v3 vector with the version that some tools leave out. Versions 3.0 and 3.1 have the same metrics and scores.
fn with_version(vector: &str) -> Cow<'_, str> {
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
            *slot = Some(vector.to_owned());
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
